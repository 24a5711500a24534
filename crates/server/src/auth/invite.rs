//! Whoever is not anybody yet: the holder of an invitation, or of the founder code.
//!
//! What an invitation proves is small: that its code was handed over. It opens three requests and
//! no other, and whether it is still open is read with each of them, in the same transaction.

use std::net::IpAddr;

use axum::http::HeaderMap;
use strongroom_format::hash::{Digest, sha256};
use strongroom_format::id::{InviteId, OrgId};
use strongroom_format::wire::{FOUNDER_CREDENTIAL, INVITE_CREDENTIAL};
use subtle::ConstantTimeEq as _;

use super::{Foreign, bearer, guessable, is_bearer, split};
use crate::app::App;
use crate::error::ApiError;

/// The holder of an invitation, used or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Invited {
    /// The only organisation it speaks to.
    pub(crate) org: OrgId,
    pub(crate) invite: InviteId,
}

/// What somebody brings who wants an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    Nothing,
    /// The founder code, not yet void when it was looked at.
    Founder,
    Invite(Invited),
    /// A token of an issuer, whose identity is to be bound to the account.
    Issuer(Foreign),
}

/// Proves that the sender holds an invitation to `org`.
pub(crate) async fn authenticate_invited(
    app: &App,
    headers: &HeaderMap,
    ip: IpAddr,
    org: &OrgId,
) -> Result<Invited, ApiError> {
    let credential = bearer(headers)?.and_then(|text| text.strip_prefix(INVITE_CREDENTIAL));
    let text = credential.ok_or_else(ApiError::unauthenticated)?;
    let invited = guessable(app, ip, prove_invite(app, text)).await?;
    if invited.org == *org { Ok(invited) } else { Err(ApiError::not_found()) }
}

/// Proves what the sender of a new account brings; a wrong proof is not the same as none.
pub(crate) async fn admission(
    app: &App,
    headers: &HeaderMap,
    ip: IpAddr,
) -> Result<Admission, ApiError> {
    let Some(credential) = bearer(headers)? else { return Ok(Admission::Nothing) };
    if let Some(text) = credential.strip_prefix(INVITE_CREDENTIAL) {
        return guessable(app, ip, prove_invite(app, text)).await.map(Admission::Invite);
    }
    if let Some(code) = credential.strip_prefix(FOUNDER_CREDENTIAL) {
        let proof = async { Ok(is_founder(app.founder.as_ref(), code)) };
        return guessable(app, ip, proof).await.map(|()| Admission::Founder);
    }
    let foreign = app.issuers.verify(credential, app.clock.now_ms()).await?;
    foreign.map(Admission::Issuer).ok_or_else(ApiError::unauthenticated)
}

async fn prove_invite(app: &App, text: &str) -> Result<Option<Invited>, ApiError> {
    let Some((invite, bearer)) = split::<InviteId>(text) else { return Ok(None) };
    let Some(auth) = app.store.read().await?.invite_auth(&invite).await? else { return Ok(None) };
    Ok(is_bearer(&bearer, &auth.hash).then_some(Invited { org: auth.org, invite }))
}

fn is_founder(hash: Option<&Digest>, code: &str) -> Option<()> {
    let same = sha256(&[code.as_bytes()]).ct_eq(hash?);
    bool::from(same).then_some(())
}
