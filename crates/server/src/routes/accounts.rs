//! Accounts and sessions (docs/protocol.md, section 3). The server never sees anything that was
//! derived from a passphrase.

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use strongroom_chain::signature::{is_strong_encryption_key, is_strong_signing_key, verifies};
use strongroom_format::event::EventKind;
use strongroom_format::id::{DeviceId, EnvId, Principal, UserId};
use strongroom_format::wire::{
    B64, Challenge, ChallengeRequest, CreateAccount, Keyset, Session, SessionRequest, SignInKey,
    account_message, challenge_message,
};
use strongroom_store::{Account, StoreError};

use crate::app::Shared;
use crate::auth::authenticate;
use crate::config::Registration;
use crate::error::ApiError;
use crate::http::{Peer, answer_json, read_json};
use crate::journal::{Batch, Job, Stop, Subject};

/// The longest sealed keyset, in bytes; an honest one has 201.
const MAX_BLOB: usize = 1024;

/// `POST /v1/accounts`: a person's public keys and sealed keyset.
pub(crate) async fn create(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Response), ApiError> {
    limit_sign_in(&app, peer)?;
    if app.registration == Registration::Closed {
        return Err(ApiError::forbidden(
            "registration-closed",
            "this server takes no new accounts",
        ));
    }
    let request: CreateAccount = read_json(&headers, &body)?;
    let account = check_account(&app.origin, &request)?;
    app.journal.run(Register(account)).await?;
    Ok((StatusCode::CREATED, answer_json(&serde_json::json!({}))?))
}

fn check_account(origin: &str, request: &CreateAccount) -> Result<Account, ApiError> {
    let keyset = &request.keyset;
    let account = Account {
        user: request.user_id,
        epoch: keyset.epoch,
        profile: keyset.profile,
        salt: fixed(&keyset.salt)?,
        login_pub: fixed(&keyset.login_pub)?,
        isk: fixed(&keyset.isk)?,
        iek: fixed(&keyset.iek)?,
        blob: keyset.blob.0.clone(),
    };
    let strong = is_strong_signing_key(&account.login_pub)
        && is_strong_signing_key(&account.isk)
        && is_strong_encryption_key(&account.iek);
    if !strong || account.blob.len() > MAX_BLOB || account.epoch == 0 {
        return Err(ApiError::unprocessable("bad-keyset", "the keyset is not one"));
    }
    let message = account_message(origin, &request.user_id, keyset);
    let proven = verifies(&account.login_pub, &message, &fixed(&request.login_sig)?)
        && verifies(&account.isk, &message, &fixed(&request.identity_sig)?);
    if !proven {
        return Err(ApiError::forbidden("bad-signature", "the keys did not sign for themselves"));
    }
    Ok(account)
}

struct Register(Account);

#[async_trait]
impl Job for Register {
    type Answer = ();

    fn subject(&self) -> Option<Subject> {
        None
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        match batch.tx.insert_account(&self.0).await {
            Err(StoreError::Taken) => {
                let message = "there is an account of this id";
                Err(Stop::Refused(ApiError::conflict("account-exists", message)))
            }
            other => Ok(other?),
        }
    }
}

/// `GET /v1/account`: the caller's own keyset.
pub(crate) async fn own(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !app.limits.allow_request(peer.ip) {
        return Err(ApiError::rate_limited());
    }
    let user = authenticate(&app, &headers, peer.ip).await?.require_user()?;
    let account = app.store.read().await?.account(&user).await?.ok_or_else(ApiError::not_found)?;
    let kind = EventKind::KeysetFetched;
    app.journal.run(Everywhere { user, kind, peer: peer.text() }).await?;
    answer_json(&Keyset {
        epoch: account.epoch,
        profile: account.profile,
        salt: B64(account.salt.to_vec()),
        login_pub: B64(account.login_pub.to_vec()),
        isk: B64(account.isk.to_vec()),
        iek: B64(account.iek.to_vec()),
        blob: B64(account.blob),
    })
}

/// `POST /v1/session/challenge`: unknown users get one too.
pub(crate) async fn challenge(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    limit_sign_in(&app, peer)?;
    let request: ChallengeRequest = read_json(&headers, &body)?;
    if !app.limits.allow_account(&request.user_id) {
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
    body: Bytes,
) -> Result<Response, ApiError> {
    limit_sign_in(&app, peer)?;
    let request: SessionRequest = read_json(&headers, &body)?;
    if !app.limits.allow_account(&request.user_id) {
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
    let known = account.is_some_and(|account| {
        let key = match request.key {
            SignInKey::Login => account.login_pub,
            SignInKey::Identity => account.isk,
        };
        verifies(&key, &message, &signature)
    });
    if !open || !known || !app.challenges.take(&nonce, now_ms) {
        return Err(refused());
    }
    let user = request.user_id;
    app.journal.run(Everywhere { user, kind: EventKind::SignedIn, peer: peer.text() }).await?;
    let issued = app.sessions.issue(&user, now_ms);
    let (token, expires_ms) = issued.map_err(|_| ApiError::internal())?;
    answer_json(&Session { token, expires_ms })
}

/// Something a person did to no organisation in particular: written into the log of each.
struct Everywhere {
    user: UserId,
    kind: EventKind,
    peer: String,
}

#[async_trait]
impl Job for Everywhere {
    type Answer = ();

    fn subject(&self) -> Option<Subject> {
        None
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        for org in batch.tx.orgs_of(&self.user).await? {
            let subject = Subject {
                org,
                actor: Some(Principal::User(self.user)),
                env: EnvId::ZERO,
                peer: self.peer.clone(),
            };
            batch.record(&subject, self.kind, DeviceId::ZERO, 0, 200).await?;
        }
        Ok(())
    }
}

fn limit_sign_in(app: &Shared, peer: Peer) -> Result<(), ApiError> {
    let allowed = app.limits.allow_request(peer.ip) && app.limits.allow_sign_in(peer.ip);
    if allowed { Ok(()) } else { Err(ApiError::rate_limited()) }
}

fn fixed<const N: usize>(bytes: &B64) -> Result<[u8; N], ApiError> {
    bytes.0.as_slice().try_into().map_err(|_| crate::http::malformed())
}
