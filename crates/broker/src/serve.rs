//! The ways in: the broker's own address, and the forward proxy, on one port of 127.0.0.1.

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use data_encoding::BASE64;
use http::{HeaderMap, Method, Request, Response, StatusCode, header, request::Parts};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use strongroom_control::record::Outcome;
use strongroom_policy::{Scheme, Target};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OnceCell, Semaphore},
};

use crate::{
    broker::Broker,
    egress::Body,
    exchange::{self, Entry, exchange},
    forward::{self, Mismatch, absolute_target, connect_target},
    gateway, local,
    open::password_hash,
    refusal::{Refusal, whole},
    sessions::Session,
    who::Peer,
};

/// How many connections may be open at once.
const MAX_CONNECTIONS: usize = 8_192;
/// How long to wait when the system has no more of something.
const BREATH: Duration = Duration::from_millis(50);

/// Serves agents for as long as the future lives. Dropping it closes the port; open connections end
/// with their sessions.
pub async fn serve(broker: Arc<Broker>) -> std::io::Result<()> {
    let Some(listener) = broker.take_listener() else { return Ok(()) };
    let listener = TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return Ok(()) };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let broker = Arc::clone(&broker);
        tokio::spawn(async move {
            serve_one(broker, stream, peer).await;
            drop(place);
        });
    }
}

async fn serve_one(broker: Arc<Broker>, stream: TcpStream, peer: SocketAddr) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let local = stream.local_addr().unwrap_or_else(|_| broker.address());
    let connection = Arc::new(Connection {
        broker,
        peer: Peer::new(local, peer),
        ends: (local, peer),
        is_own: OnceCell::new(),
    });
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, Infallible>(Box::pin(connection.answer(request)).await) }
    });
    if let Err(error) = forward::serve_connection(stream, service).await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// One accepted connection.
struct Connection {
    broker: Arc<Broker>,
    peer: Peer,
    ends: (SocketAddr, SocketAddr),
    is_own: OnceCell<bool>,
}

impl Connection {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        match Arc::clone(&self).route(request).await {
            Ok(response) => response,
            Err(refusal) => refusal.response(),
        }
    }

    async fn route(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        self.require_own_user().await?;
        let (parts, body) = request.into_parts();
        exchange::refuse_browsers(&parts.headers)?;
        if parts.method == Method::CONNECT {
            return self.connect(Request::from_parts(parts, body));
        }
        let target = absolute_target(&parts)?.filter(|target| !self.is_here(target));
        if let Some(target) = target {
            let session = self.session_of(&parts.headers)?;
            let entry = Entry::Through { session, target };
            let request = Request::from_parts(parts, body);
            return Ok(exchange(&self.broker, &self.peer, entry, request).await);
        }
        self.require_here(&parts)?;
        let request = Request::from_parts(parts, body);
        if let Some(answer) = gateway::answer(&self.broker, &request).await {
            return Ok(answer);
        }
        if request.uri().path().starts_with("/-/") {
            return local::answer(&self.broker, request).await;
        }
        Ok(exchange(&self.broker, &self.peer, Entry::Base, request).await)
    }

    /// Another user of this computer has no business here (row J19).
    async fn require_own_user(&self) -> Result<(), Refusal> {
        let look = || async {
            let (who, (local, peer)) = (Arc::clone(&self.broker.who), self.ends);
            let uid = tokio::task::spawn_blocking(move || who.uid_of_peer(local, peer)).await;
            uid.ok().flatten().is_none_or(|uid| uid == nix::unistd::Uid::effective().as_raw())
        };
        if *self.is_own.get_or_init(look).await {
            return Ok(());
        }
        Err(Refusal::denied("other-user", "this broker serves another user of this computer"))
    }

    /// A page that made a name of its own point here says that name (row J18).
    fn require_here(&self, parts: &Parts) -> Result<(), Refusal> {
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let named = parts.uri.authority().map(http::uri::Authority::as_str).or(host);
        let is_here = named
            .and_then(|named| Target::from_authority(Scheme::Http, named).ok())
            .is_some_and(|target| self.is_here(&target));
        let is_one = parts.headers.get_all(header::HOST).iter().count() <= 1;
        if is_here && is_one {
            return Ok(());
        }
        let message = "the request names another host than 127.0.0.1 and this port";
        Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "host-mismatch", message))
    }

    fn is_here(&self, target: &Target) -> bool {
        let host = target.host.to_string();
        target.port == self.broker.address().port() && (host == "127.0.0.1" || host == "localhost")
    }

    /// The session whose password the proxy is used with.
    fn session_of(&self, headers: &HeaderMap) -> Result<Arc<Session>, Refusal> {
        let refused = |code, message: &str| {
            Refusal::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED, code, message)
        };
        let header = headers.get(header::PROXY_AUTHORIZATION).and_then(|one| one.to_str().ok());
        let header = header.ok_or_else(|| {
            let message = "the proxy is for programs started by `strongroom agent run`, whose \
                           variables hold its password";
            refused("proxy-password", message)
        })?;
        let password = header.split_once(' ').and_then(|(_, encoded)| {
            let pair = String::from_utf8(BASE64.decode(encoded.trim().as_bytes()).ok()?).ok()?;
            Some(password_hash(pair.split_once(':')?.1))
        });
        let session = password.and_then(|hash| self.broker.sessions.by_password(&hash));
        session.ok_or_else(|| {
            let message = "the session of this proxy password is over; start the agent again";
            refused("session-over", message)
        })
    }

    /// Takes a CONNECT, and serves what is inside as long as its session lives.
    fn connect(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        let session = self.session_of(request.headers())?;
        let (parts, body) = request.into_parts();
        let target = connect_target(&parts)?;
        let has = session.ca.as_ref().is_some_and(|ca| ca.server_config(&target.host).is_ok());
        if !has {
            let mut record = session.record(Outcome::Denied);
            "CONNECT".clone_into(&mut record.method);
            record.host = target.authority();
            "no rule names this host".clone_into(&mut record.why);
            if let Err(error) = self.broker.journal().write(record) {
                tracing::warn!(%error, "a refusal could not be written down");
            }
            let message = format!("no rule of this agent names {}", target.host);
            return Err(Refusal::denied("no-rule", message));
        }
        let upgrade = hyper::upgrade::on(Request::from_parts(parts, body));
        tokio::spawn(async move {
            let Ok(upgraded) = upgrade.await else { return };
            let Some(ca) = session.ca.as_ref() else { return };
            let inside = Inside { connection: self, session: Arc::clone(&session) };
            tokio::select! {
                _ = session.ended() => {}
                served = forward::intercept(TokioIo::new(upgraded), ca, &target, inside) => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "the inside of a CONNECT ended");
                    }
                }
            }
        });
        Ok(Response::new(whole(bytes::Bytes::new())))
    }
}

/// What is inside a CONNECT.
#[derive(Clone)]
struct Inside {
    connection: Arc<Connection>,
    session: Arc<Session>,
}

impl forward::Serve for Inside {
    fn serve(
        &self,
        target: &Target,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send {
        let entry = Entry::Through { session: Arc::clone(&self.session), target: target.clone() };
        let connection = Arc::clone(&self.connection);
        async move { exchange(&connection.broker, &connection.peer, entry, request).await }
    }

    fn mismatch(&self, mismatch: &Mismatch) {
        let broker = &self.connection.broker;
        let mut record = self.session.record(Outcome::Alarm);
        record.host = mismatch.target.authority();
        record.why = format!("the request named another host: {}", mismatch.named);
        if let Err(error) = broker.journal().write(record) {
            tracing::warn!(%error, "a mismatch could not be written down");
        }
    }
}
