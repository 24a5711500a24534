//! One lookup, the check of what it found, and a connection to exactly that.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::{ClientConfig, pki_types::ServerName};
use strongroom_policy::{
    address::{Kind, Reach, reach},
    target::{Host, Scheme, Target},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    EgressError, Resolve, TimeLimits,
    error::Stage,
    pool::{Load, Way},
};

/// The most header fields an answer may have.
const MAX_FIELDS: usize = 128;
/// The largest head of an answer, in bytes; also what is read ahead of an agent that reads slowly.
const MAX_HEAD: usize = 64 * 1024;
const BUFFER: usize = 256 * 1024;
/// HTTP/2: how often a peer with open streams is asked whether it lives, and how long it has.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_WAIT: Duration = Duration::from_secs(20);

/// Opens a connection to a target.
pub(super) async fn open(
    target: &Target,
    private: bool,
    tls: Option<Arc<ClientConfig>>,
    resolver: &dyn Resolve,
    limits: &TimeLimits,
) -> Result<Way, EgressError> {
    let addresses = checked(&target.host, private, look_up(&target.host, resolver, limits).await?)?;
    let connecting = connect(target, &addresses, tls, limits.connect, resolver);
    timeout(limits.connect, connecting).await.unwrap_or_else(|_| {
        Err(EgressError::Slow { host: target.host.to_string(), stage: Stage::Connect })
    })
}

async fn look_up(
    host: &Host,
    resolver: &dyn Resolve,
    limits: &TimeLimits,
) -> Result<Vec<IpAddr>, EgressError> {
    if let Some(literal) = host.address() {
        return Ok(vec![literal]);
    }
    match timeout(limits.lookup, resolver.resolve(host)).await {
        Err(_) => Err(EgressError::Slow { host: host.to_string(), stage: Stage::Lookup }),
        Ok(Err(source)) => Err(EgressError::Lookup { host: host.to_string(), source }),
        Ok(Ok(found)) if found.is_empty() => Err(EgressError::Lookup {
            host: host.to_string(),
            source: io::ErrorKind::NotFound.into(),
        }),
        Ok(Ok(found)) => Ok(found),
    }
}

/// What of the addresses found may be connected to.
fn checked(host: &Host, private: bool, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, EgressError> {
    let mut refused = None;
    let mut kept = found;
    kept.retain(|address| match reach(*address) {
        Reach::Public => true,
        Reach::Private(kind) => {
            let admitted = private && may_be_named(kind);
            if !admitted {
                refused.get_or_insert(kind);
            }
            admitted
        }
    });
    match refused {
        Some(kind) if kept.is_empty() => {
            Err(EgressError::Address { host: host.to_string(), kind: described(kind) })
        }
        _ => Ok(kept),
    }
}

/// Whether a policy that names a private host means such an address. Never those that no service
/// has an address of its own at, nor where clouds hand out credentials.
fn may_be_named(kind: Kind) -> bool {
    matches!(kind, Kind::Loopback | Kind::Private | Kind::Shared)
}

fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Unspecified => "no particular address",
        Kind::Loopback => "this computer",
        Kind::Private => "a private network",
        Kind::Shared => "a provider's inner network",
        Kind::LinkLocal => "the local link",
        Kind::Metadata => "a cloud's metadata service",
        Kind::Example => "an address for examples",
        Kind::Multicast => "many hosts at once",
        Kind::Reserved => "a reserved address",
        Kind::Embedded => "an address inside another",
    }
}

async fn connect(
    target: &Target,
    addresses: &[IpAddr],
    tls: Option<Arc<ClientConfig>>,
    limit: Duration,
    resolver: &dyn Resolve,
) -> Result<Way, EgressError> {
    let stream = reach_one(target, addresses, limit, resolver).await?;
    let Some(config) = tls else {
        debug_assert!(target.scheme == Scheme::Http);
        return speak_http1(target, stream).await;
    };
    let unusable = |_| EgressError::Unwritable { host: target.host.to_string() };
    let name = match target.host.address() {
        Some(literal) => ServerName::IpAddress(literal.into()),
        None => ServerName::try_from(target.host.to_string()).map_err(unusable)?,
    };
    let stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| EgressError::of_handshake(target.host.to_string(), error))?;
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        speak_http2(target, stream).await
    } else {
        speak_http1(target, stream).await
    }
}

/// Tries the addresses in their order; a silent one does not use up the time of the others.
async fn reach_one(
    target: &Target,
    addresses: &[IpAddr],
    limit: Duration,
    resolver: &dyn Resolve,
) -> Result<TcpStream, EgressError> {
    let share = limit / 4;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for (at, address) in addresses.iter().enumerate() {
        let connecting = resolver.connect(SocketAddr::new(*address, target.port));
        let limit = if at + 1 == addresses.len() { limit } else { share };
        match timeout(limit, connecting).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).ok(); // only slower without it
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(EgressError::Connect { host: target.host.to_string(), source: last })
}

async fn speak_http1<S>(target: &Target, stream: S) -> Result<Way, EgressError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_headers(MAX_FIELDS)
        .max_header_size(MAX_HEAD)
        .max_buf_size(BUFFER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| EgressError::of_exchange(target.host.to_string(), error))?;
    // Ends when its sender and the body of its answer are dropped; whoever waits hears why.
    tokio::spawn(connection);
    Ok(Way::One(sender))
}

async fn speak_http2<S>(target: &Target, stream: S) -> Result<Way, EgressError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WAIT)
        .max_header_list_size(64 * 1024)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| EgressError::of_exchange(target.host.to_string(), error))?;
    let load = Arc::new(Load::default());
    let seen = Arc::clone(&load);
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        tokio::select! {
            () = seen.answered() => {}
            _ = &mut connection => return,
        }
        seen.admits(connection.current_max_send_streams());
        let _ = connection.await; // whoever waits for an answer hears why it ended
    });
    Ok(Way::many(sender, load))
}
