//! Who asks, and whether the organisation is any of their business.
//!
//! Whoever is not inside gets the same answer for every organisation, existing or not, after the
//! same look-up; that it happened is written down without making the answer wait.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request};
use strongroom_format::encoding::Codec;
use strongroom_format::event::EventKind;
use strongroom_format::id::{EnvId, OrgId, Principal};

use super::Unread;
use crate::app::{App, Shared};
use crate::auth::{Caller, authenticate};
use crate::error::ApiError;
use crate::journal::{Everywhere, Subject};

/// Where a request comes from and, once it is proven, from whom.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) ip: IpAddr,
    port: Option<u16>,
    who: Arc<OnceLock<Principal>>,
}

impl Peer {
    /// The socket's address; behind a configured proxy, the last address that it vouches for.
    pub(crate) fn of<B>(request: &Request<B>, trusted: &[IpAddr]) -> Self {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let connection = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let socket = connection.map_or(unknown, |connection| connection.0);
        let own = Self { ip: socket.ip(), port: Some(socket.port()), who: Arc::default() };
        if !trusted.contains(&socket.ip()) {
            return own;
        }
        let forwarded = request.headers().get_all("x-forwarded-for").iter().next_back();
        let last = forwarded
            .and_then(|value| value.to_str().ok())
            .and_then(|list| list.rsplit(',').next())
            .and_then(|ip| ip.trim().parse().ok());
        last.map_or(own, |ip| Self { ip, port: None, who: Arc::default() })
    }

    /// As the audit log says it.
    pub(crate) fn text(&self) -> String {
        match self.port {
            Some(port) => SocketAddr::new(self.ip, port).to_string(),
            None => self.ip.to_string(),
        }
    }

    /// Who it is, if that was proven.
    pub(crate) fn who(&self) -> Option<Principal> {
        self.who.get().copied()
    }
}

impl FromRequestParts<Shared> for Peer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::internal)
    }
}

/// Somebody who is inside an organisation.
#[derive(Debug, Clone)]
pub(crate) struct Inside {
    pub(crate) caller: Caller,
    pub(crate) org: OrgId,
    pub(crate) subject: Subject,
}

/// Proves who asks, within the rate of that principal.
pub(crate) async fn identify(
    app: &App,
    headers: &HeaderMap,
    peer: &Peer,
) -> Result<Caller, ApiError> {
    let caller = authenticate(app, headers, peer.ip).await?;
    // A request has one sender; it is set once.
    let _ = peer.who.set(caller.principal);
    if !app.limits.allow_principal(&caller.principal) {
        return Err(ApiError::rate_limited());
    }
    if let (Some(token), Principal::User(user)) = (caller.unrecorded, caller.principal) {
        // The first request with a token of an issuer is the sign-in.
        app.journal.run(Everywhere::done(user, EventKind::SignedIn, peer.text())).await?;
        app.issuers.set_recorded(&token);
    }
    Ok(caller)
}

/// Lets a caller into an organisation.
pub(crate) async fn enter(
    app: &App,
    headers: &HeaderMap,
    peer: &Peer,
    org: &str,
    env: Option<&str>,
) -> Result<Inside, ApiError> {
    // What is not an id names nothing.
    let org: OrgId = org.parse().map_err(|_| ApiError::not_found())?;
    let env: EnvId = match env {
        Some(text) => text.parse().map_err(|_| ApiError::not_found())?,
        None => EnvId::ZERO,
    };
    let caller = identify(app, headers, peer).await?;
    let elsewhere = caller.bound_to.is_some_and(|bound| bound != org);
    let inside = app.store.read().await?.is_insider(&org, &caller.principal).await?;
    if !inside || elsewhere {
        return Err(ApiError::not_found());
    }
    let subject = Subject { org, actor: Some(caller.principal), env, peer: peer.text() };
    Ok(Inside { caller, org, subject })
}

/// Lets a caller into an organisation, and only then reads what it sends.
pub(crate) async fn enter_with_page<T: Codec>(
    app: &App,
    headers: &HeaderMap,
    peer: &Peer,
    org: &str,
    body: Unread,
) -> Result<(Inside, T), ApiError> {
    match enter(app, headers, peer, org, None).await {
        Ok(inside) => Ok((inside, body.page(headers).await?)),
        Err(error) => {
            body.discard().await;
            Err(error)
        }
    }
}

/// The organisation and environment that a path names, for the audit entry of a refusal.
pub(crate) fn place_of(path: &str) -> Option<(OrgId, EnvId)> {
    let mut segments = path.strip_prefix("/v1/orgs/")?.split('/');
    let org = segments.next()?.parse().ok()?;
    let env = match segments.next() {
        Some("envs") => segments.next().and_then(|env| env.parse().ok()),
        _ => None,
    };
    Some((org, env.unwrap_or(EnvId::ZERO)))
}
