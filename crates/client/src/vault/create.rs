//! Making a vault: account, keys, organisation, and the entries of the keyring.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_core::names;
use strongroom_core::pen::{Founding, Pen};
use strongroom_core::replica::{Me, Replica};
use strongroom_crypto::safe::{OsEntropy, Profile as Cost};
use strongroom_format::wire::WriteBatch;
use strongroom_secret::Passphrase;

use super::account::{Account, give_up, settle};
use super::error::VaultError;
use super::org::OpenOrg;
use super::session::{Host, Notice, Session, TaskKind, hold};
use super::signed::signed;
use super::task::Task;
use crate::api::{Admission, Api, ApiError};
use crate::profile::{KeepSecretKey, NewVault, ServerPlace};

/// Everything that a new vault is made of.
pub struct Creation {
    /// Chosen by its owner; shown while the vault is locked.
    pub label: String,
    /// The owner's name.
    pub person: String,
    /// The organisation's name.
    pub organisation: String,
    /// Made to be looked at.
    pub sample: bool,
    /// Where its server is.
    pub place: ServerPlace,
    /// The way to that server.
    pub api: Api,
    /// Where the Secret Key stays.
    pub keep: KeepSecretKey,
    /// What a guess at the passphrase costs.
    pub cost: Cost,
    /// What lets a new account in, where its server asks for it.
    pub admission: Option<Arc<Admission>>,
}

impl std::fmt::Debug for Creation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Creation").field("sample", &self.sample).finish_non_exhaustive()
    }
}

impl Creation {
    /// Makes the vault and leaves it open. If anything fails, nothing is left on this computer; an
    /// account without a vault may stay on the server, where nobody can open it.
    pub async fn run(self, passphrase: Passphrase, host: Host) -> Result<Arc<Session>, VaultError> {
        let kind = if self.sample { TaskKind::Sample } else { TaskKind::Create };
        let task = Task::start(kind, 5, false, &host.notices);
        let founding = Founding {
            organisation: names::label(&self.organisation)?,
            person: names::label(&self.person)?,
            sample: self.sample,
            audit_vkey: [0; 32],
        };
        let info = self.api.server_info().await?;
        let audit_vkey = info.audit_vkey.0.try_into().map_err(|_| ApiError::Garbage)?;
        let founding = Founding { audit_vkey, ..founding };

        task.step(1)?;
        let cost = self.cost;
        let make = move || Account::make(&passphrase, cost, None);
        let account = tokio::task::spawn_blocking(make).await??;
        task.step(2)?;
        let request = account.request(self.api.origin().as_str());
        self.api.create_account(&request, self.admission.as_deref()).await?;

        task.step(3)?;
        let me = Arc::clone(&account.me);
        let (replica, batch) = found(Arc::clone(&me), founding, host.clock.now_ms()).await?;
        let new = NewVault {
            label: self.label,
            server: self.place,
            user: account.user(),
            keyset: request.keyset,
            keep: self.keep,
            sample: self.sample,
            created_ms: host.clock.now_ms(),
        };
        let session = settle(new, me, self.api, host).await?;
        let done = finish(&session, account, replica, batch, &task).await;
        if let Err(error) = done {
            give_up(session).await;
            return Err(error);
        }
        Ok(session)
    }
}

async fn found(
    me: Arc<Me>,
    founding: Founding,
    now_ms: u64,
) -> Result<(Replica, WriteBatch), VaultError> {
    tokio::task::spawn_blocking(move || {
        Ok(Pen::found(me, &founding, &mut OsEntropy, now_ms)?.finish())
    })
    .await?
}

async fn finish(
    session: &Session,
    account: Account,
    replica: Replica,
    batch: WriteBatch,
    task: &Task,
) -> Result<(), VaultError> {
    session.keep_secret_key(account.secret_key, true).await?;
    task.step(4)?;
    session.found_org(replica, batch).await
}

impl Session {
    /// Makes another organisation in this vault, and brings it to the front.
    pub async fn create_org(&self, organisation: &str) -> Result<(), VaultError> {
        let organisation = names::label(organisation)?;
        let taken = self
            .organisations()
            .iter()
            .any(|(_, name, _)| names::label_key(name) == names::label_key(&organisation));
        if taken {
            return Err(VaultError::NameTaken(organisation));
        }
        let user = self.user();
        let person = self.with(|org| Ok(org.person(&user)))?;
        let info = self.api.server_info().await?;
        let audit_vkey = info.audit_vkey.0.try_into().map_err(|_| ApiError::Garbage)?;
        let founding = Founding { organisation, person, sample: false, audit_vkey };
        let (replica, batch) = found(Arc::clone(&self.me), founding, self.now_ms()).await?;
        self.found_org(replica, batch).await
    }

    /// Sends a founded organisation to the server, and accepts it on this computer.
    async fn found_org(&self, mut replica: Replica, batch: WriteBatch) -> Result<(), VaultError> {
        let _gate = self.gate.lock().await;
        let signed = signed(&batch);
        let answer = self.api.create_org(&batch).await?;
        self.check_audit(&mut replica, &answer.checkpoint).await?;
        let org = replica.state().org();
        self.keep_copy(&replica, None)?;
        let pins = self.pins.first(replica.pins(0), &mut OsEntropy)?;
        let mut record = self.record();
        record.orgs.push(org);
        record.last_opened_ms = Some(self.now_ms());
        self.profile.save(&self.lock, &record)?;
        *hold(&self.record) = record;
        let mut opened = OpenOrg::new(replica, pins, BTreeMap::new());
        opened.standing.synced_ms = Some(self.now_ms());
        {
            let mut orgs = hold(&self.orgs);
            orgs.all.insert(org, opened);
            orgs.current = Some(org);
        }
        self.note_signed(org, &signed);
        self.tell(Notice::Org);
        self.tell(Notice::Status);
        Ok(())
    }
}
