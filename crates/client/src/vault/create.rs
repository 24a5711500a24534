//! Making a vault: account, keys, organisation, and the entries of the keyring.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_core::names;
use strongroom_core::pen::{Founding, Pen};
use strongroom_core::replica::{Me, Replica};
use strongroom_crypto::safe::{
    Auk, CacheKey, DraftsKey, Keyset, KeysetParams, LoginKey, OsEntropy, PinKey, Profile as Cost,
    SecretKey, words,
};
use strongroom_format::id::UserId;
use strongroom_format::wire::{
    B64, CreateAccount, Keyset as WireKeyset, WriteBatch, account_message,
};
use strongroom_secret::Passphrase;

use super::error::VaultError;
use super::org::OpenOrg;
use super::session::{Host, Notice, Parts, Session, TaskKind, hold};
use super::task::Task;
use crate::api::{Api, ApiError};
use crate::cache::Cache;
use crate::keyring::{FileKeys, Keyring, VaultKeys};
use crate::pins::PinStore;
use crate::profile::{KeepSecretKey, NewVault, Profile, ServerPlace, VaultRecord};

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
        let Host { profile, keyring, clock, notices } = host;
        let kind = if self.sample { TaskKind::Sample } else { TaskKind::Create };
        let task = Task::start(kind, 5, false, &notices);
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
        let account =
            tokio::task::spawn_blocking(move || Account::make(&passphrase, cost)).await??;
        task.step(2)?;
        let request = account.request(self.api.origin().as_str());
        self.api.create_account(&request).await?;

        task.step(3)?;
        let me = Arc::clone(&account.me);
        let (replica, batch) = found(me, founding, clock.now_ms()).await?;

        let new = NewVault {
            label: self.label.clone(),
            server: self.place.clone(),
            user: account.params.user,
            keyset: request.keyset.clone(),
            keep: self.keep,
            sample: self.sample,
            created_ms: clock.now_ms(),
        };
        let (record, lock) = profile.create(new, &mut OsEntropy)?;
        let vault = record.id;
        let keys = VaultKeys::new(home(self.keep, keyring, &profile, &record), vault);
        let parts = Parts {
            cache: Cache::open(
                profile.cache_folder(&vault),
                "cache",
                vault,
                account.params.user,
                CacheKey::derive(&account.me.keyset.iek, &account.me.principal),
            )?,
            drafts: Cache::open(
                profile.vault_folder(&vault).join("drafts"),
                "drafts",
                vault,
                account.params.user,
                DraftsKey::derive(&account.me.keyset.iek, &account.me.principal),
            )?,
            pins: pin_store(self.keep, &profile, &keys, &account.me),
            keys: keys.clone(),
            profile: profile.clone(),
            lock,
            record,
            api: self.api,
            me: Arc::clone(&account.me),
            clock,
            notices,
        };
        let session = Session::assemble(parts).await;
        let done = finish(&session, account, keys, self.keep, replica, batch, &task).await;
        if let Err(error) = done {
            session.close().await;
            if let Some(session) = Arc::into_inner(session) {
                // The reason for the failure matters more than a folder that stays behind.
                let _ = profile.remove(session.lock);
            }
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
    session: &Arc<Session>,
    account: Account,
    keys: VaultKeys,
    keep: KeepSecretKey,
    replica: Replica,
    batch: WriteBatch,
    task: &Task,
) -> Result<(), VaultError> {
    let Account { secret_key, .. } = account;
    // What cannot be made again is kept before anything depends on it.
    let secret_key = tokio::task::spawn_blocking(move || -> Result<SecretKey, VaultError> {
        if keep != KeepSecretKey::Ask {
            keys.keep_secret_key(&secret_key)?;
        }
        if keep == KeepSecretKey::Keyring {
            let (first, second) = words::two_words(&mut OsEntropy)?;
            keys.keep_words((first, second))?;
        }
        Ok(secret_key)
    })
    .await??;
    *hold(&session.fresh) = Some(secret_key);
    task.step(4)?;
    session.found_org(replica, batch).await?;
    Ok(())
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
        self.tell(Notice::Org);
        self.tell(Notice::Status);
        Ok(())
    }
}

/// Where the entries of a vault stay.
pub(super) fn home(
    keep: KeepSecretKey,
    keyring: Arc<dyn Keyring>,
    profile: &Profile,
    record: &VaultRecord,
) -> Arc<dyn Keyring> {
    match keep {
        KeepSecretKey::Keyring => keyring,
        KeepSecretKey::File => {
            Arc::new(FileKeys::new(record.id, &profile.vault_folder(&record.id)))
        }
        KeepSecretKey::Ask => Arc::new(crate::keyring::Ask),
    }
}

/// The pins of a vault: anchored in the keyring, or under a key that only the open vault has.
pub(super) fn pin_store(
    keep: KeepSecretKey,
    profile: &Profile,
    keys: &VaultKeys,
    me: &Me,
) -> PinStore {
    let folder = profile.pins_folder(&keys.vault());
    match keep {
        KeepSecretKey::Keyring | KeepSecretKey::File => PinStore::anchored(folder, keys.clone()),
        KeepSecretKey::Ask => {
            PinStore::alone(folder, PinKey::derive(&me.keyset.iek, &me.principal))
        }
    }
}

/// A new account, before the server knows it.
struct Account {
    me: Arc<Me>,
    secret_key: SecretKey,
    login: LoginKey,
    params: KeysetParams,
    blob: Vec<u8>,
}

impl Account {
    fn make(passphrase: &Passphrase, cost: Cost) -> Result<Self, VaultError> {
        let entropy = &mut OsEntropy;
        let user = UserId(strongroom_crypto::safe::entropy::array(entropy)?);
        let secret_key = SecretKey::make(entropy)?;
        let params = KeysetParams::make(user, 1, cost, entropy)?;
        let keyset = Keyset::make(entropy)?;
        let auk = Auk::derive(passphrase, &secret_key, &params)?;
        let blob = keyset
            .seal(&auk, &params, entropy)
            .map_err(|error| VaultError::System(error.to_string()))?;
        let login = LoginKey::derive(&secret_key, &user, params.epoch);
        Ok(Self { me: Arc::new(Me::person(user, keyset)), secret_key, login, params, blob })
    }

    fn request(&self, origin: &str) -> CreateAccount {
        let public = self.me.keyset.public();
        let keyset = WireKeyset {
            epoch: self.params.epoch,
            profile: self.params.profile.id(),
            salt: B64(self.params.salt.to_vec()),
            login_pub: B64(self.login.public().to_vec()),
            isk: B64(public.isk.to_vec()),
            iek: B64(public.iek.to_vec()),
            blob: B64(self.blob.clone()),
        };
        let user_id = self.params.user;
        let message = account_message(origin, &user_id, &keyset);
        CreateAccount {
            user_id,
            login_sig: B64(self.login.sign(&message).to_vec()),
            identity_sig: B64(self.me.keyset.isk.sign(&message).to_vec()),
            keyset,
        }
    }
}
