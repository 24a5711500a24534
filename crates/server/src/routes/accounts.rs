//! Accounts and sessions (docs/protocol.md, section 3). The server never sees anything that was
//! derived from a passphrase.

use async_trait::async_trait;
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

use crate::app::{App, Shared};
use crate::config::Registration;
use crate::error::ApiError;
use crate::http::{Peer, Unread, answer_json, identify};
use crate::journal::{Batch, Job, Stop, Subject};

/// The longest sealed keyset, in bytes; an honest one has 201.
const MAX_BLOB: usize = 1024;
/// A key like any other (the base point of Ed25519): what unknown people send is checked against
/// it, so that their refusal takes as long.
const NOBODY: [u8; 32] = {
    let mut key = [0x66; 32];
    key[0] = 0x58;
    key
};

/// `POST /v1/accounts`: a person's public keys and sealed keyset.
pub(crate) async fn create(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<(StatusCode, Response), ApiError> {
    limit_sign_in(&app, &peer)?;
    if app.registration != Registration::Open {
        return Err(ApiError::forbidden(
            "registration-closed",
            "this server takes no new accounts",
        ));
    }
    let request: CreateAccount = body.json(&headers).await?;
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
        let exists = || {
            let message = "there is an account of this id";
            Stop::Refused(ApiError::conflict("account-exists", message))
        };
        // A place in an organisation belongs to the keys that its chain names, not to whoever
        // asks first for the id.
        let (who, now_ms) = (Principal::User(self.0.user), batch.now_ms);
        for org in batch.tx.orgs_of(&self.0.user).await? {
            if let Some(vault) = batch.vault(&org).await?
                && vault.state.signing_key(&who, vault.state.seq(), now_ms) != Some(self.0.isk)
            {
                return Err(exists());
            }
        }
        match batch.tx.insert_account(&self.0).await {
            Err(StoreError::Taken) => Err(exists()),
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
    let user = identify(&app, &headers, &peer).await?.require_user()?;
    let account = app.store.read().await?.account(&user).await?.ok_or_else(ApiError::not_found)?;
    app.journal.run(Everywhere::done(user, EventKind::KeysetFetched, &peer)).await?;
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
    let known = account.is_some();
    let key = account.map_or(NOBODY, |account| match request.key {
        SignInKey::Login => account.login_pub,
        SignInKey::Identity => account.isk,
    });
    let signed = verifies(&key, &message, &signature);
    let user = request.user_id;
    if !open || !known || !signed || !app.challenges.take(&nonce, now_ms) {
        // Not waited for: known and unknown people are refused in the same time.
        let _ = app.journal.post(Everywhere::refused(user, &peer));
        return Err(refused());
    }
    app.journal.run(Everywhere::done(user, EventKind::SignedIn, &peer)).await?;
    let issued = app.sessions.issue(&user, now_ms);
    let (token, expires_ms) = issued.map_err(|_| ApiError::internal())?;
    answer_json(&Session { token, expires_ms })
}

/// Something a person did to no organisation in particular: written into the log of each.
pub(super) struct Everywhere {
    user: UserId,
    /// Nobody, where nothing was proven.
    actor: Option<Principal>,
    kind: EventKind,
    status: StatusCode,
    peer: String,
}

impl Everywhere {
    pub(super) fn done(user: UserId, kind: EventKind, peer: &Peer) -> Self {
        let actor = Some(Principal::User(user));
        Self { user, actor, kind, status: StatusCode::OK, peer: peer.text() }
    }

    /// Somebody claimed to be `user` and did not prove it.
    fn refused(user: UserId, peer: &Peer) -> Self {
        let (kind, status) = (EventKind::Refused, StatusCode::FORBIDDEN);
        Self { user, actor: None, kind, status, peer: peer.text() }
    }
}

#[async_trait]
impl Job for Everywhere {
    type Answer = ();

    fn subject(&self) -> Option<Subject> {
        None
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        for org in batch.tx.orgs_of(&self.user).await? {
            let subject =
                Subject { org, actor: self.actor, env: EnvId::ZERO, peer: self.peer.clone() };
            let status = self.status.as_u16();
            batch.record(&subject, self.kind, DeviceId::ZERO, 0, status).await?;
        }
        Ok(())
    }
}

fn limit_sign_in(app: &App, peer: &Peer) -> Result<(), ApiError> {
    if app.limits.allow_sign_in(peer.ip) { Ok(()) } else { Err(ApiError::rate_limited()) }
}

fn fixed<const N: usize>(bytes: &B64) -> Result<[u8; N], ApiError> {
    bytes.0.as_slice().try_into().map_err(|_| crate::http::malformed())
}
