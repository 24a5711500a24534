//! A network of the tests' own: names, public addresses, and where those really are.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Mutex,
};

use strongroom_broker::egress::{Connecting, Resolve, Resolving};
use strongroom_policy::Host;
use tokio::net::TcpStream;

use super::upstream::Upstream;

/// Hosts by name; connections to a public address end at an upstream on loopback.
#[derive(Debug, Default)]
pub struct Net {
    names: Mutex<BTreeMap<String, Vec<IpAddr>>>,
    places: Mutex<BTreeMap<IpAddr, SocketAddr>>,
    lookups: Mutex<Vec<String>>,
    reached: Mutex<Vec<SocketAddr>>,
}

impl Net {
    /// A network with these upstreams, each at a public address of its own.
    pub fn of(upstreams: &[&Upstream]) -> Self {
        let net = Self::default();
        for (at, upstream) in (1u8..).zip(upstreams) {
            let address = IpAddr::V4(Ipv4Addr::new(93, 184, 100, at));
            net.places.lock().unwrap().insert(address, upstream.address);
            for host in &upstream.hosts {
                net.point(host, &[address]);
            }
        }
        net
    }

    /// A name has these addresses from now on.
    pub fn point(&self, host: &str, addresses: &[IpAddr]) {
        self.names.lock().unwrap().insert(host.to_owned(), addresses.to_vec());
    }

    /// A public address leads here from now on.
    pub fn place(&self, address: IpAddr, at: SocketAddr) {
        self.places.lock().unwrap().insert(address, at);
    }

    /// What was looked up.
    pub fn lookups(&self) -> Vec<String> {
        self.lookups.lock().unwrap().clone()
    }

    /// What was connected to.
    pub fn reached(&self) -> Vec<SocketAddr> {
        self.reached.lock().unwrap().clone()
    }
}

impl Resolve for Net {
    fn resolve<'a>(&'a self, host: &'a Host) -> Resolving<'a> {
        let name = host.to_string();
        self.lookups.lock().unwrap().push(name.clone());
        let found = self.names.lock().unwrap().get(&name).cloned();
        Box::pin(async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }

    fn connect(&self, at: SocketAddr) -> Connecting<'_> {
        self.reached.lock().unwrap().push(at);
        let place = self.places.lock().unwrap().get(&at.ip()).copied();
        Box::pin(async move {
            match place {
                Some(place) => TcpStream::connect(place).await,
                None if at.ip().is_loopback() => TcpStream::connect(at).await,
                None => Err(io::ErrorKind::HostUnreachable.into()),
            }
        })
    }
}
