//! Who sends a request: exactly one proof, or nobody.
//!
//! A session, a token of a configured issuer, a service token's bearer, or - only on a loopback
//! address of a server that says so - the development header. Two proofs at once are refused rather than ranked. What the sender may
//! do is not decided here.

mod challenge;
mod invite;
mod jwt;
mod oidc;

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use data_encoding::BASE64URL_NOPAD;
use strongroom_format::hash::{Digest, sha256};
use strongroom_format::id::{OrgId, Principal, UserId};
use strongroom_format::wire::TOKEN_CREDENTIAL;
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::error::ApiError;

pub(crate) use challenge::Challenges;
pub(crate) use invite::{Admission, Invited, admission, authenticate_invited};
pub(crate) use jwt::{Sessions, key_name};
pub(crate) use oidc::{Foreign, Issuers};

/// The development header: a user id.
pub(crate) const DEV_HEADER: &str = "x-strongroom-dev-user";
/// The longest credential; tokens of issuers are the long ones.
const MAX_CREDENTIAL: usize = 8 * 1024;

/// Whoever sent a request, proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// The only organisation a token speaks to.
    pub(crate) bound_to: Option<OrgId>,
    /// A token of an issuer whose sign-in is not in the log yet.
    pub(crate) unrecorded: Option<Digest>,
}

impl Caller {
    fn new(principal: Principal) -> Self {
        Self { principal, bound_to: None, unrecorded: None }
    }

    /// The person; tokens have no account.
    pub(crate) fn require_user(&self) -> Result<UserId, ApiError> {
        match self.principal {
            Principal::User(user) => Ok(user),
            _ => Err(ApiError::forbidden("session-required", "only a person may do this")),
        }
    }
}

/// The one bearer of a request, if there is one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut bearers = headers.get_all(AUTHORIZATION).iter();
    let (bearer, more) = (bearers.next(), bearers.next().is_some());
    if more || (bearer.is_some() && headers.contains_key(DEV_HEADER)) {
        return Err(ApiError::bad_request("two-credentials", "send exactly one credential"));
    }
    let Some(bearer) = bearer else { return Ok(None) };
    let text = bearer.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
    let credential = text.filter(|credential| credential.len() <= MAX_CREDENTIAL);
    credential.map(Some).ok_or_else(ApiError::unauthenticated)
}

/// Proves the sender.
pub(crate) async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    ip: IpAddr,
) -> Result<Caller, ApiError> {
    let credential = bearer(headers)?;
    let mut users = headers.get_all(DEV_HEADER).iter();
    let (dev, more_dev) = (users.next(), users.next().is_some());
    if more_dev {
        return Err(ApiError::bad_request("two-credentials", "send exactly one credential"));
    }
    if let Some(dev) = dev {
        return authenticate_dev(app, dev.to_str().ok());
    }
    let credential = credential.ok_or_else(ApiError::unauthenticated)?;
    if let Some(token) = credential.strip_prefix(TOKEN_CREDENTIAL) {
        return guessable(app, ip, prove_token(app, token)).await;
    }
    let now_ms = app.clock.now_ms();
    if let Some((user, key)) = app.sessions.verify(credential, now_ms) {
        let account = app.store.read().await?.account(&user).await?;
        let same = account.is_some_and(|account| key_name(&account) == key);
        let caller = Caller::new(Principal::User(user));
        return if same { Ok(caller) } else { Err(ApiError::unauthenticated()) };
    }
    let foreign = app.issuers.verify(credential, now_ms).await?;
    let foreign = foreign.ok_or_else(ApiError::unauthenticated)?;
    let user = app.store.read().await?.bound_user(&foreign.identity).await?;
    let user = user.ok_or_else(ApiError::unknown_identity)?;
    Ok(Caller { unrecorded: foreign.unrecorded, ..Caller::new(Principal::User(user)) })
}

fn authenticate_dev(app: &App, text: Option<&str>) -> Result<Caller, ApiError> {
    if !app.dev_auth {
        return Err(ApiError::unauthenticated());
    }
    let user: UserId =
        text.and_then(|text| text.parse().ok()).ok_or_else(ApiError::unauthenticated)?;
    Ok(Caller::new(Principal::User(user)))
}

/// A proof that can be guessed at: whoever is wrong too often within a minute is not heard.
async fn guessable<T>(
    app: &App,
    ip: IpAddr,
    proof: impl Future<Output = Result<Option<T>, ApiError>>,
) -> Result<T, ApiError> {
    if app.limits.is_guessing(ip, app.clock.now_ms()) {
        return Err(ApiError::rate_limited());
    }
    let proven = proof.await?;
    if proven.is_none() {
        app.limits.note_guess(ip, app.clock.now_ms());
    }
    proven.ok_or_else(ApiError::unauthenticated)
}

/// Looks the token up by its public id and compares hashes in constant time. Whether it was
/// revoked is read with the request itself, never remembered.
async fn prove_token(app: &App, text: &str) -> Result<Option<Caller>, ApiError> {
    let Some((id, bearer)) = split(text) else { return Ok(None) };
    let Some(auth) = app.store.read().await?.token_auth(&id).await? else { return Ok(None) };
    let caller = Caller { bound_to: Some(auth.org), ..Caller::new(Principal::Token(id)) };
    Ok(is_bearer(&bearer, &auth.hash).then_some(caller))
}

/// `<id>.<base64url of the bearer>`.
fn split<T: FromStr>(text: &str) -> Option<(T, Vec<u8>)> {
    let (id, bearer) = text.split_once('.')?;
    Some((id.parse().ok()?, BASE64URL_NOPAD.decode(bearer.as_bytes()).ok()?))
}

fn is_bearer(bearer: &[u8], hash: &Digest) -> bool {
    bearer.len() == 32 && bool::from(sha256(&[bearer]).ct_eq(hash))
}
