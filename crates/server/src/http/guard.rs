//! Who asks, and whether the organisation is any of their business.
//!
//! Whoever is not inside gets the same answer for every organisation, existing or not, after the
//! same look-up; that it happened is written down without making the answer wait.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use strongroom_format::id::{EnvId, OrgId};

use crate::app::Shared;
use crate::auth::{Caller, authenticate};
use crate::error::ApiError;
use crate::journal::{Refusal, Subject};

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) ip: IpAddr,
    port: Option<u16>,
}

impl Peer {
    /// As the audit log says it.
    pub(crate) fn text(&self) -> String {
        match self.port {
            Some(port) => SocketAddr::new(self.ip, port).to_string(),
            None => self.ip.to_string(),
        }
    }
}

impl FromRequestParts<Shared> for Peer {
    type Rejection = Infallible;

    /// The socket's address; behind a configured proxy, the last address that it vouches for.
    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Infallible> {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let socket = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(unknown, |c| c.0);
        if app.trusted_proxies.contains(&socket.ip()) {
            let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
            let last = forwarded
                .and_then(|value| value.to_str().ok())
                .and_then(|list| list.rsplit(',').next())
                .and_then(|ip| ip.trim().parse().ok());
            if let Some(ip) = last {
                return Ok(Self { ip, port: None });
            }
        }
        Ok(Self { ip: socket.ip(), port: Some(socket.port()) })
    }
}

/// Somebody who is inside an organisation.
#[derive(Debug, Clone)]
pub(crate) struct Inside {
    pub(crate) caller: Caller,
    pub(crate) org: OrgId,
    pub(crate) subject: Subject,
}

/// Lets a caller into an organisation, or writes down that it was refused.
pub(crate) async fn enter(
    app: &Shared,
    headers: &HeaderMap,
    peer: Peer,
    org: &str,
    env: Option<&str>,
) -> Result<Inside, ApiError> {
    // What is not an id names nothing.
    let org: OrgId = org.parse().map_err(|_| ApiError::not_found())?;
    let env: EnvId = match env {
        Some(text) => text.parse().map_err(|_| ApiError::not_found())?,
        None => EnvId::ZERO,
    };
    let mut subject = Subject { org, actor: None, env, peer: peer.text() };
    match admit(app, headers, peer, &org, &mut subject).await {
        Ok(caller) => Ok(Inside { caller, org, subject }),
        Err(mut error) => {
            // The answer does not wait, so that it says nothing about the organisation by its time.
            let refusal = Refusal { subject, status: error.status };
            error.recorded = app.journal.post(refusal).is_ok();
            Err(error)
        }
    }
}

async fn admit(
    app: &Shared,
    headers: &HeaderMap,
    peer: Peer,
    org: &OrgId,
    subject: &mut Subject,
) -> Result<Caller, ApiError> {
    if !app.limits.allow_request(peer.ip) {
        return Err(ApiError::rate_limited());
    }
    let caller = authenticate(app, headers, peer.ip).await?;
    subject.actor = Some(caller.principal);
    if !app.limits.allow_principal(&caller.principal) {
        return Err(ApiError::rate_limited());
    }
    let elsewhere = caller.bound_to.is_some_and(|bound| bound != *org);
    let inside = app.store.read().await?.is_insider(org, &caller.principal).await?;
    if inside && !elsewhere { Ok(caller) } else { Err(ApiError::not_found()) }
}
