//! Signing in by a challenge (docs/protocol.md, section 3). The server never sees anything that was
//! derived from a passphrase.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use strongroom_chain::signature::verifies;
use strongroom_format::event::EventKind;
use strongroom_format::wire::{
    B64, Challenge, ChallengeRequest, Session, SessionRequest, SignInKey, challenge_message,
};

use super::{fixed, limit_sign_in};
use crate::app::Shared;
use crate::auth::key_name;
use crate::error::ApiError;
use crate::http::{Peer, Unread, answer_json};
use crate::journal::Everywhere;

/// A key like any other (the base point of Ed25519): what unknown people send is checked against
/// it, so that their refusal takes as long.
const NOBODY: [u8; 32] = {
    let mut key = [0x66; 32];
    key[0] = 0x58;
    key
};

/// `POST /v1/session/challenge`: unknown users get one too.
pub(crate) async fn challenge(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<Response, ApiError> {
    limit_sign_in(&app, &peer)?;
    let request: ChallengeRequest = body.json(&headers).await?;
    if !app.limits.allow_account(peer.ip, &request.user_id) {
        return Err(ApiError::rate_limited());
    }
    let time_ms = app.clock.now_ms();
    let nonce = app.challenges.make(&request.user_id, time_ms).map_err(|_| ApiError::internal())?;
    answer_json(&Challenge { nonce: B64(nonce.to_vec()), time_ms })
}

/// `POST /v1/session`: answers a challenge.
pub(crate) async fn sign_in(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<Response, ApiError> {
    limit_sign_in(&app, &peer)?;
    let request: SessionRequest = body.json(&headers).await?;
    if !app.limits.allow_account(peer.ip, &request.user_id) {
        return Err(ApiError::rate_limited());
    }
    let refused =
        || ApiError::forbidden("sign-in-refused", "the answer does not fit the challenge");
    let now_ms = app.clock.now_ms();
    let nonce = fixed(&request.nonce).map_err(|_| refused())?;
    let signature: [u8; 64] = fixed(&request.signature).map_err(|_| refused())?;
    let open = app.challenges.is_open(&request.user_id, &nonce, request.time_ms, now_ms);
    let account = app.store.read().await?.account(&request.user_id).await?;
    let message = challenge_message(&app.origin, &request.user_id, &nonce, request.time_ms);
    let name = account.as_ref().map(key_name);
    let key = account.map_or(NOBODY, |account| match request.key {
        SignInKey::Login => account.login_pub,
        SignInKey::Identity => account.isk,
    });
    let signed = verifies(&key, &message, &signature);
    let user = request.user_id;
    let name = match name {
        Some(name) if open && signed && app.challenges.take(&nonce, now_ms) => name,
        _ => {
            // Not waited for: known and unknown people are refused in the same time.
            let _ = app.journal.post(Everywhere::refused(user, peer.text()));
            return Err(refused());
        }
    };
    app.journal.run(Everywhere::done(user, EventKind::SignedIn, peer.text())).await?;
    let issued = app.sessions.issue(&user, &name, now_ms);
    let (token, expires_ms) = issued.map_err(|_| ApiError::internal())?;
    answer_json(&Session { token, expires_ms })
}
