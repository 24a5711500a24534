//! Who sends a request: exactly one proof, or nobody.
//!
//! A session, a service token's bearer, or - only on a loopback address of a server that says so -
//! the development header. Two proofs at once are refused rather than ranked. What the sender may
//! do is not decided here.

mod challenge;
mod jwt;

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use data_encoding::BASE64URL_NOPAD;
use strongroom_format::hash::sha256;
use strongroom_format::id::{OrgId, Principal, TokenId, UserId};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::error::ApiError;

pub(crate) use challenge::Challenges;
pub(crate) use jwt::Sessions;

/// The development header: a user id.
pub(crate) const DEV_HEADER: &str = "x-strongroom-dev-user";
const TOKEN_PREFIX: &str = "srt.";
const MAX_CREDENTIAL: usize = 2_048;

/// Whoever sent a request, proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// The only organisation a token speaks to.
    pub(crate) bound_to: Option<OrgId>,
}

impl Caller {
    /// The person; tokens have no account.
    pub(crate) fn require_user(&self) -> Result<UserId, ApiError> {
        match self.principal {
            Principal::User(user) => Ok(user),
            _ => Err(ApiError::forbidden("session-required", "only a person may do this")),
        }
    }
}

/// Proves the sender.
pub(crate) async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    ip: IpAddr,
) -> Result<Caller, ApiError> {
    let mut bearers = headers.get_all(AUTHORIZATION).iter();
    let (bearer, more) = (bearers.next(), bearers.next().is_some());
    let mut users = headers.get_all(DEV_HEADER).iter();
    let (dev, more_dev) = (users.next(), users.next().is_some());
    if more || more_dev || (bearer.is_some() && dev.is_some()) {
        return Err(ApiError::bad_request("two-credentials", "send exactly one credential"));
    }
    if let Some(dev) = dev {
        return authenticate_dev(app, dev.to_str().ok());
    }
    let text =
        bearer.and_then(|value| value.to_str().ok()).ok_or_else(ApiError::unauthenticated)?;
    let credential = text
        .strip_prefix("Bearer ")
        .filter(|credential| credential.len() <= MAX_CREDENTIAL)
        .ok_or_else(ApiError::unauthenticated)?;
    if let Some(token) = credential.strip_prefix(TOKEN_PREFIX) {
        return authenticate_token(app, token, ip).await;
    }
    let user = app.sessions.verify(credential, app.clock.now_ms());
    let user = user.ok_or_else(ApiError::unauthenticated)?;
    Ok(Caller { principal: Principal::User(user), bound_to: None })
}

fn authenticate_dev(app: &App, text: Option<&str>) -> Result<Caller, ApiError> {
    if !app.dev_auth {
        return Err(ApiError::unauthenticated());
    }
    let user: UserId =
        text.and_then(|text| text.parse().ok()).ok_or_else(ApiError::unauthenticated)?;
    Ok(Caller { principal: Principal::User(user), bound_to: None })
}

/// Looks the token up by its public id and compares hashes in constant time. Whether it was
/// revoked is read with the request itself, never remembered.
async fn authenticate_token(app: &App, text: &str, ip: IpAddr) -> Result<Caller, ApiError> {
    if app.limits.is_guessing(ip, app.clock.now_ms()) {
        return Err(ApiError::rate_limited());
    }
    let proven = prove_token(app, text).await?;
    if proven.is_none() {
        app.limits.note_guess(ip, app.clock.now_ms());
    }
    proven.ok_or_else(ApiError::unauthenticated)
}

async fn prove_token(app: &App, text: &str) -> Result<Option<Caller>, ApiError> {
    let Some((id, bearer)) = text.split_once('.') else { return Ok(None) };
    let (Ok(id), Ok(bearer)) = (id.parse::<TokenId>(), BASE64URL_NOPAD.decode(bearer.as_bytes()))
    else {
        return Ok(None);
    };
    let Some(auth) = app.store.read().await?.token_auth(&id).await? else { return Ok(None) };
    let same = bearer.len() == 32 && bool::from(sha256(&[&bearer]).ct_eq(&auth.hash));
    Ok(same.then_some(Caller { principal: Principal::Token(id), bound_to: Some(auth.org) }))
}
