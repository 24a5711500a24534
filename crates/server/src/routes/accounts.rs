//! Accounts: public keys and a sealed keyset, which nothing here can open.
//!
//! A place in an organisation belongs to the keys that its chain names. So wherever a chain names
//! somebody, an account with other keys is refused, and one with exactly those keys needs no other
//! admission.

use async_trait::async_trait;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use strongroom_chain::signature::{is_strong_encryption_key, is_strong_signing_key, verifies};
use strongroom_format::event::EventKind;
use strongroom_format::id::{DeviceId, EnvId, UserId};
use strongroom_format::statement::{MemberKeys, Signature};
use strongroom_format::wire::{
    AccountAnswer, B64, BindIdentity, CreateAccount, Keyset, Registration, ReplaceKeyset,
    account_message,
};
use strongroom_store::{Account, Identity};

use super::{fixed, limit_sign_in};
use crate::app::Shared;
use crate::auth::{Admission, Foreign, Invited, admission};
use crate::error::ApiError;
use crate::http::{Peer, Unread, answer_json, identify};
use crate::journal::{Batch, Everywhere, Job, Stop, Subject};
use crate::rights::{names, require_open};

/// The longest sealed keyset, in bytes; an honest one has 201.
const MAX_BLOB: usize = 1024;
/// How many identities of issuers one account may have.
const MAX_IDENTITIES: u64 = 16;

/// `POST /v1/accounts`: a person's public keys and sealed keyset.
pub(crate) async fn create(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<(StatusCode, Response), ApiError> {
    limit_sign_in(&app, &peer)?;
    let request: CreateAccount = body.json(&headers).await?;
    let account = check_keyset(
        &app.origin,
        request.user_id,
        &request.keyset,
        &request.login_sig,
        &request.identity_sig,
    )?;
    let admission = admission(&app, &headers, peer.ip).await?;
    let (registration, founded) = (app.registration, admission == Admission::Founder);
    let job = Register { account, admission, registration, peer: peer.text() };
    app.journal.run(job).await?;
    if founded {
        app.founder_code_used();
    }
    Ok((StatusCode::CREATED, answer_json(&serde_json::json!({}))?))
}

/// A keyset whose keys are sound and signed for themselves.
fn check_keyset(
    origin: &str,
    user: UserId,
    keyset: &Keyset,
    login_sig: &B64,
    identity_sig: &B64,
) -> Result<Account, ApiError> {
    let account = Account {
        user,
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
    let message = account_message(origin, &user, keyset);
    let proven = verifies(&account.login_pub, &message, &fixed(login_sig)?)
        && verifies(&account.isk, &message, &fixed(identity_sig)?);
    if !proven {
        return Err(ApiError::forbidden("bad-signature", "the keys did not sign for themselves"));
    }
    Ok(account)
}

fn keys(account: &Account) -> MemberKeys {
    MemberKeys { isk: account.isk, iek: account.iek }
}

/// What the organisations of a person say of the keys of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// There is no organisation that could.
    Unknown,
    /// Every one names exactly these.
    Named,
    /// One at least names others.
    Contradicted,
}

async fn standing(batch: &mut Batch<'_>, account: &Account) -> Result<Standing, Stop> {
    let orgs = batch.tx.orgs_of(&account.user).await?;
    let mut standing = Standing::Unknown;
    for org in orgs {
        let Some(vault) = batch.vault(&org).await? else { continue };
        if !names(&vault.state, &account.user, &keys(account)) {
            return Ok(Standing::Contradicted);
        }
        standing = Standing::Named;
    }
    Ok(standing)
}

struct Register {
    account: Account,
    admission: Admission,
    registration: Registration,
    peer: String,
}

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
        let standing = standing(batch, &self.account).await?;
        if standing == Standing::Contradicted {
            return Err(exists());
        }
        let named = standing == Standing::Named;
        let user = self.account.user;
        let identity = match &self.admission {
            Admission::Issuer(foreign) => Some(&foreign.identity),
            _ => None,
        };
        if let Some(identity) = identity
            && batch.tx.bound_user(identity).await?.is_some_and(|bound| bound != user)
        {
            return Err(identity_bound());
        }
        match batch.tx.account(&user).await? {
            // After a reset of keys the chain names keys that were never used before: nobody who
            // kept an old request can bring an old keyset back.
            Some(old) if named && old.isk != self.account.isk => {
                batch.tx.replace_account(&self.account).await?;
                let kind = EventKind::KeysetReplaced;
                Everywhere::done(user, kind, self.peer.clone()).write_down(batch).await?;
            }
            Some(_) => return Err(exists()),
            None => {
                let invited = self.admit(batch, named).await?;
                batch.tx.insert_account(&self.account).await?;
                if let Some((subject, link)) = invited {
                    let kind = EventKind::AccountMade;
                    batch.record(&subject, kind, DeviceId::ZERO, link, 201).await?;
                }
                let kind = EventKind::AccountMade;
                Everywhere::done(user, kind, self.peer.clone()).write_down(batch).await?;
            }
        }
        if let Some(identity) = identity {
            bind(batch, identity, user, &self.peer).await?;
        }
        Ok(())
    }
}

fn identity_bound() -> Stop {
    let message = "this sign-in belongs to another account";
    Stop::Refused(ApiError::conflict("identity-bound", message))
}

/// Binds an identity that is free or bound to `user` already.
async fn bind(
    batch: &mut Batch<'_>,
    identity: &Identity,
    user: UserId,
    peer: &str,
) -> Result<(), Stop> {
    if batch.tx.bound_user(identity).await?.is_some() {
        return Ok(());
    }
    batch.tx.insert_identity(identity, &user).await?;
    let kind = EventKind::IdentityBound;
    Ok(Everywhere::done(user, kind, peer.to_owned()).write_down(batch).await?)
}

impl Register {
    /// Whether a new account is admitted, and by which invitation.
    async fn admit(
        &self,
        batch: &mut Batch<'_>,
        named: bool,
    ) -> Result<Option<(Subject, u64)>, Stop> {
        if self.registration == Registration::Closed {
            let message = "this server takes no new accounts";
            return Err(Stop::Refused(ApiError::forbidden("registration-closed", message)));
        }
        if named {
            return Ok(None);
        }
        match &self.admission {
            Admission::Invite(invited) => {
                let (subject, link) = self.invitation(batch, invited).await?;
                return Ok(Some((subject, link)));
            }
            Admission::Founder if batch.tx.has_accounts().await? => {
                let message = "the founder code was used";
                return Err(Stop::Refused(ApiError::forbidden("founder-code-used", message)));
            }
            Admission::Nothing | Admission::Issuer(Foreign { admit: false, .. })
                if self.registration == Registration::Invited =>
            {
                let message = "this server takes new accounts by invitation only";
                return Err(Stop::Refused(ApiError::forbidden("invitation-needed", message)));
            }
            Admission::Founder | Admission::Nothing | Admission::Issuer(_) => {}
        }
        Ok(None)
    }

    async fn invitation(
        &self,
        batch: &mut Batch<'_>,
        Invited { org, invite }: &Invited,
    ) -> Result<(Subject, u64), Stop> {
        let now_ms = batch.now_ms;
        let spent = batch.tx.invite_auth(invite).await?.is_none_or(|auth| auth.spent);
        let vault = batch.vault(org).await?.ok_or(Stop::Refused(ApiError::not_found()))?;
        let link = require_open(&vault.state, invite, spent, now_ms)?.link;
        let peer = self.peer.clone();
        Ok((Subject { org: *org, actor: None, env: EnvId::ZERO, peer }, link))
    }
}

/// `POST /v1/account/identity`: another way to sign in to the caller's account.
pub(crate) async fn bind_identity(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<Response, ApiError> {
    let user = match identify(&app, &headers, &peer).await.and_then(|c| c.require_user()) {
        Ok(user) => user,
        Err(error) => {
            body.discard().await;
            return Err(error);
        }
    };
    let request: BindIdentity = body.json(&headers).await?;
    let foreign = app.issuers.verify(&request.id_token, app.clock.now_ms()).await?;
    let refused = || {
        let message = "this is no running token of an issuer of this server";
        ApiError::unprocessable("bad-token", message)
    };
    let identity = foreign.ok_or_else(refused)?.identity;
    app.journal.run(Bind { user, identity, peer: peer.text() }).await?;
    answer_json(&serde_json::json!({}))
}

struct Bind {
    user: UserId,
    identity: Identity,
    peer: String,
}

#[async_trait]
impl Job for Bind {
    type Answer = ();

    fn subject(&self) -> Option<Subject> {
        None
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        if batch.tx.account(&self.user).await?.is_none() {
            return Err(Stop::Refused(ApiError::not_found()));
        }
        if batch.tx.bound_user(&self.identity).await?.is_some_and(|bound| bound != self.user) {
            return Err(identity_bound());
        }
        if batch.tx.identities_of(&self.user).await? >= MAX_IDENTITIES {
            let message = "this account has as many sign-ins as it may";
            return Err(Stop::Refused(ApiError::unprocessable("too-many-identities", message)));
        }
        bind(batch, &self.identity, self.user, &self.peer).await
    }
}

/// `GET /v1/account`: the caller's own account.
pub(crate) async fn own(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user_id = identify(&app, &headers, &peer).await?.require_user()?;
    let account = app.store.read().await?.account(&user_id).await?;
    let account = account.ok_or_else(ApiError::not_found)?;
    let kind = EventKind::KeysetFetched;
    app.journal.run(Everywhere::done(user_id, kind, peer.text())).await?;
    let keyset = Keyset {
        epoch: account.epoch,
        profile: account.profile,
        salt: B64(account.salt.to_vec()),
        login_pub: B64(account.login_pub.to_vec()),
        isk: B64(account.isk.to_vec()),
        iek: B64(account.iek.to_vec()),
        blob: B64(account.blob),
    };
    answer_json(&AccountAnswer { user_id, keyset })
}

/// `POST /v1/account/keyset`: a new passphrase or Secret Key, or the keys that the chains name.
pub(crate) async fn replace(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<Response, ApiError> {
    let user = match identify(&app, &headers, &peer).await.and_then(|c| c.require_user()) {
        Ok(user) => user,
        Err(error) => {
            body.discard().await;
            return Err(error);
        }
    };
    let request: ReplaceKeyset = body.json(&headers).await?;
    let ReplaceKeyset { keyset, login_sig, identity_sig, by_current } = &request;
    let account = check_keyset(&app.origin, user, keyset, login_sig, identity_sig)?;
    let message = account_message(&app.origin, &user, keyset);
    let by_current = fixed(by_current)?;
    app.journal.run(Replace { account, message, by_current, peer: peer.text() }).await?;
    answer_json(&serde_json::json!({}))
}

struct Replace {
    account: Account,
    message: Vec<u8>,
    by_current: Signature,
    peer: String,
}

#[async_trait]
impl Job for Replace {
    type Answer = ();

    fn subject(&self) -> Option<Subject> {
        None
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        let user = self.account.user;
        let old = batch.tx.account(&user).await?;
        let old = old.ok_or(Stop::Refused(ApiError::not_found()))?;
        if !verifies(&old.isk, &self.message, &self.by_current) {
            let message = "the present keys did not sign this";
            return Err(Stop::Refused(ApiError::forbidden("bad-signature", message)));
        }
        if old.epoch.checked_add(1) != Some(self.account.epoch) {
            let message = "the keyset was replaced elsewhere; fetch it again";
            return Err(Stop::Refused(ApiError::conflict("stale-keyset", message)));
        }
        if standing(batch, &self.account).await? == Standing::Contradicted {
            let message = "an organisation names other keys";
            return Err(Stop::Refused(ApiError::conflict("other-keys", message)));
        }
        batch.tx.replace_account(&self.account).await?;
        let kind = EventKind::KeysetReplaced;
        Ok(Everywhere::done(user, kind, self.peer.clone()).write_down(batch).await?)
    }
}
