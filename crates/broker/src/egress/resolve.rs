//! The network: who looks hosts up, and what reaches an address.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use strongroom_policy::target::Host;
use tokio::{net::TcpStream, sync::Semaphore};

/// The system's resolver holds a thread for as long as it likes; no more than these at once.
const LOOKUPS_AT_ONCE: usize = 32;

/// What [`Resolve::resolve`] answers.
pub type Resolving<'a> = BoxFuture<'a, io::Result<Vec<IpAddr>>>;

/// What [`Resolve::connect`] answers.
pub type Connecting<'a> = BoxFuture<'a, io::Result<TcpStream>>;

/// Whoever looks hosts up. One call is one lookup: what it answers is what is connected to.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of a host, the preferred first.
    fn resolve<'a>(&'a self, host: &'a Host) -> Resolving<'a>;

    /// A connection to an address that was checked. A network of one's own, as tests have it, reaches
    /// it another way.
    fn connect(&self, at: SocketAddr) -> Connecting<'_> {
        Box::pin(TcpStream::connect(at))
    }
}

/// The resolver of the operating system, its file of hosts included.
#[derive(Debug, Clone)]
pub struct SystemResolver {
    places: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)) }
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a Host) -> Resolving<'a> {
        let host = host.to_string();
        let places = Arc::clone(&self.places);
        Box::pin(async move {
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            let looking = tokio::task::spawn_blocking(move || {
                let _place = place; // given back when the system is done, not when nobody waits
                (host.as_str(), 0).to_socket_addrs()
            });
            Ok(looking.await.map_err(io::Error::other)??.map(|found| found.ip()).collect())
        })
    }
}
