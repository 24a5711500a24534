//! The way out: one request to one target, over a connection that was checked when it was made.
//!
//! A host is looked up once, every address found is held against the table of addresses
//! (`strongroom_policy::address`), and the connection goes to an address that passed: a name that
//! changes its mind between check and connect changes nothing. TLS always checks the name.
//!
//! Invariants: no redirect is followed, no proxy of the surroundings is used, nothing is upgraded,
//! nothing is sent twice once a byte of it may have left. A dropped future or a dropped body frees
//! its socket. Deliberately not here: whether the request may be sent, and what is in it.

mod connect;
mod error;
mod pool;
mod received;
mod resolve;
mod trust;

#[cfg(test)]
mod tests;

use std::{error::Error, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode, Uri, Version,
    header::HOST,
    uri::{Parts, PathAndQuery},
};
use http_body_util::combinators::BoxBody;
use hyper::client::conn::TrySendError;
use rustls::RootCertStore;
use strongroom_policy::target::{Scheme, Target};
use tokio::time::timeout;

use self::{
    error::Stage,
    pool::{Key, Pool, Way},
    received::Held,
    trust::Trust,
};

pub use error::EgressError;
pub use received::Received;
pub use resolve::{Connecting, Resolve, Resolving, SystemResolver};
pub use trust::system_roots;

/// Why a body broke off.
pub type BodyError = Box<dyn Error + Send + Sync>;

/// A body on its way out, or back to an agent.
pub type Body = BoxBody<Bytes, BodyError>;

/// What an [`Egress`] is made of.
pub struct EgressOptions {
    /// Who looks hosts up.
    pub resolver: Arc<dyn Resolve>,
    /// Who may vouch for a host whose policy names no CA of its own.
    pub roots: RootCertStore,
    /// How long things may take.
    pub limits: TimeLimits,
}

/// How long the parts of a request may take.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// Until the host is looked up.
    pub lookup: Duration,
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// From the request to the head of the answer.
    pub head: Duration,
    /// How long an unused connection stays open.
    pub idle: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            lookup: Duration::from_secs(5),
            connect: Duration::from_secs(10),
            head: Duration::from_mins(10),
            idle: Duration::from_secs(30),
        }
    }
}

/// The way out, with the connections that it keeps.
pub struct Egress {
    settings: Arc<Settings>,
    pool: Arc<Pool>,
}

/// What several ways out have in common.
struct Settings {
    resolver: Arc<dyn Resolve>,
    trust: Trust,
    limits: TimeLimits,
}

impl Egress {
    /// A way out without connections.
    pub fn new(options: EgressOptions) -> Result<Self, EgressError> {
        let EgressOptions { resolver, roots, limits } = options;
        let settings = Settings { resolver, trust: Trust::new(roots)?, limits };
        Ok(Self { settings: Arc::new(settings), pool: Pool::new(limits.idle) })
    }

    /// Another one with the same settings and connections of its own: what one session sends shares
    /// no connection with another's, so nobody can spoil a connection for somebody else; dropping it
    /// closes them.
    #[must_use]
    pub fn apart(&self) -> Self {
        let pool = Pool::new(self.settings.limits.idle);
        Self { settings: Arc::clone(&self.settings), pool }
    }

    /// Sends a request, whose URI is in origin form, to a target.
    ///
    /// `private` admits private addresses and plain HTTP; `ca` is the PEM of the only authority that
    /// may vouch for the host.
    pub async fn send(
        &self,
        target: &Target,
        private: bool,
        ca: Option<&str>,
        mut request: Request<Body>,
    ) -> Result<Response<Received>, EgressError> {
        if target.scheme == Scheme::Http && !private {
            return Err(EgressError::Plain { host: target.host.to_string() });
        }
        let authority = ca.map(Arc::from);
        let key = Arc::new(Key { target: target.clone(), private, authority });
        loop {
            let (way, used_before) = match self.pool.take(&key).await {
                Some(way) => (way, true),
                None => (self.open(&key).await?, false),
            };
            address(&mut request, target, matches!(way, Way::Many(..)))?;
            let exchange = exchange(way, request, &key, &self.pool);
            let Ok(outcome) = timeout(self.settings.limits.head, exchange).await else {
                return Err(EgressError::Slow {
                    host: target.host.to_string(),
                    stage: Stage::Head,
                });
            };
            match outcome {
                Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    return Err(EgressError::Upgrade { host: target.host.to_string() });
                }
                Ok(response) => return Ok(response),
                // The other side had closed the connection before anything was written to it.
                Err(Failure { unsent: Some(again), .. }) if used_before => request = *again,
                Err(Failure { error, .. }) => {
                    return Err(EgressError::of_exchange(target.host.to_string(), error));
                }
            }
        }
    }

    async fn open(&self, key: &Arc<Key>) -> Result<Way, EgressError> {
        let Settings { resolver, trust, limits } = &*self.settings;
        let tls = match key.target.scheme {
            Scheme::Https => Some(trust.of(key.authority.as_ref())?),
            Scheme::Http => None,
        };
        let way = connect::open(&key.target, key.private, tls, &**resolver, limits).await?;
        if let Way::Many(sender, place) = &way {
            self.pool.share(key, sender.clone(), place);
        }
        Ok(way)
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("limits", &self.settings.limits).finish_non_exhaustive()
    }
}

impl fmt::Debug for EgressOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressOptions").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Writes the target into the request as the protocol wants it, whatever was there before.
fn address(request: &mut Request<Body>, target: &Target, shared: bool) -> Result<(), EgressError> {
    let unwritable = || EgressError::Unwritable { host: target.host.to_string() };
    let authority = target.authority();
    let path = request.uri().path_and_query().cloned();
    let mut uri = Parts::default();
    uri.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    if shared {
        uri.scheme = Some(match target.scheme {
            Scheme::Http => http::uri::Scheme::HTTP,
            Scheme::Https => http::uri::Scheme::HTTPS,
        });
        uri.authority = Some(authority.parse().map_err(|_| unwritable())?);
        request.headers_mut().remove(HOST);
        *request.version_mut() = Version::HTTP_2;
    } else {
        let host = HeaderValue::try_from(authority).map_err(|_| unwritable())?;
        request.headers_mut().insert(HOST, host);
        *request.version_mut() = Version::HTTP_11;
    }
    *request.uri_mut() = Uri::from_parts(uri).map_err(|_| unwritable())?;
    Ok(())
}

/// Why there was no answer, and the request if nothing of it was sent.
struct Failure {
    error: hyper::Error,
    unsent: Option<Box<Request<Body>>>,
}

impl From<TrySendError<Request<Body>>> for Failure {
    fn from(mut failed: TrySendError<Request<Body>>) -> Self {
        Self { unsent: failed.take_message().map(Box::new), error: failed.into_error() }
    }
}

async fn exchange(
    way: Way,
    request: Request<Body>,
    key: &Arc<Key>,
    pool: &Arc<Pool>,
) -> Result<Response<Received>, Failure> {
    let (response, held) = match way {
        Way::One(mut sender) => {
            let response = sender.try_send_request(request).await?;
            (response, Held::Connection(sender, Arc::clone(pool)))
        }
        Way::Many(mut sender, place) => {
            let response = sender.try_send_request(request).await?;
            place.answered();
            (response, Held::Place(place))
        }
    };
    Ok(response.map(|body| Received::new(body, Arc::clone(key), held)))
}
