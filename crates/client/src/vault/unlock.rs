//! Opening a vault with passphrase and Secret Key, offline.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_core::draft::Draft;
use strongroom_core::env::EnvCopy;
use strongroom_core::replica::{Me, Replica};
use strongroom_crypto::safe::{
    Auk, Keyset, KeysetParams, OsEntropy, Profile as Cost, SecretKey, words,
};
use strongroom_format::id::{EnvId, OrgId};
use strongroom_format::pins::Pins;
use strongroom_format::statement::MemberKeys;
use strongroom_format::wire::Keyset as WireKeyset;
use strongroom_secret::{Passphrase, SecretBytes, SecretText};

use super::account::{home, parts};
use super::error::VaultError;
use super::org::OpenOrg;
use super::session::{Host, Session, TaskKind, hold};
use super::sync::stop_of;
use super::task::Task;
use crate::api::Api;
use crate::cache::CacheError;
use crate::keyring::{KeyringError, VaultKeys};
use crate::profile::{KeepSecretKey, VaultId};

/// Where the Secret Key comes from.
#[derive(Debug)]
pub enum SecretKeySource {
    /// From where the vault keeps it.
    Kept,
    /// Typed from the Emergency Kit.
    Typed(SecretText),
}

/// Opens a vault from this computer's own files; the server is not asked. Whatever cannot be read
/// there is fetched by the next sync.
pub async fn unlock(
    vault: VaultId,
    passphrase: Passphrase,
    source: SecretKeySource,
    api: Api,
    host: Host,
) -> Result<Arc<Session>, VaultError> {
    let task = Task::start(TaskKind::Unlock, 3, false, &host.notices);
    let lock = host.profile.lock(&vault)?;
    let mut record = host.profile.load(&vault)?;
    let keys = VaultKeys::new(home(record.keep, &host.keyring, &host.profile, &record), vault);
    let (keyset, user) = (record.keyset.clone(), record.user);
    let keep = record.keep;
    let own_keys = keys.clone();
    // Whoever types the kit of a vault whose keyring forgot it begins anew with what this computer
    // still has under its own seal. Where nothing is ever kept, typing the key says nothing.
    let typed = keep != KeepSecretKey::Ask && matches!(source, SecretKeySource::Typed(_));
    let me = tokio::task::spawn_blocking(move || {
        let secret_key = secret_key(source, keep, &own_keys)?;
        let me = open_keyset(&passphrase, &secret_key, user, &keyset)?;
        if typed && own_keys.secret_key().is_err() {
            keep_again(keep, &own_keys, &secret_key)?;
        }
        Ok::<_, VaultError>(me)
    })
    .await??;
    task.step(1)?;
    record.last_opened_ms = Some(host.clock.now_ms());
    host.profile.save(&lock, &record)?;
    let session = Session::assemble(parts(lock, record, keys, me, api, host)?).await;
    let opener = Arc::clone(&session);
    tokio::task::spawn_blocking(move || opener.open_copies(typed)).await??;
    task.step(2)?;
    for org in session.missing_copies() {
        session.fetch_again(org, typed).await?;
    }
    Ok(session)
}

fn secret_key(
    source: SecretKeySource,
    keep: KeepSecretKey,
    keys: &VaultKeys,
) -> Result<SecretKey, VaultError> {
    match source {
        SecretKeySource::Typed(text) => {
            text.lend(SecretKey::parse).map_err(|_| VaultError::WrongPassphrase)
        }
        SecretKeySource::Kept => secret_key_of(keep, keys),
    }
}

/// The Secret Key from where the vault keeps it.
pub(super) fn secret_key_of(
    keep: KeepSecretKey,
    keys: &VaultKeys,
) -> Result<SecretKey, VaultError> {
    if keep == KeepSecretKey::Ask {
        return Err(VaultError::SecretKeyNeeded);
    }
    keys.secret_key().map_err(|error| match error {
        KeyringError::Absent | KeyringError::Broken => VaultError::SecretKeyNeeded,
        other => other.into(),
    })
}

/// Puts what a keyring forgot back into it.
fn keep_again(
    keep: KeepSecretKey,
    keys: &VaultKeys,
    secret_key: &SecretKey,
) -> Result<(), VaultError> {
    keys.keep_secret_key(secret_key)?;
    if keep == KeepSecretKey::Keyring && keys.words().is_err() {
        let (first, second) = words::two_words(&mut OsEntropy)?;
        keys.keep_words((first, second))?;
    }
    Ok(())
}

/// Derives the account unlock key and opens the keyset; every failure looks the same.
pub(super) fn open_keyset(
    passphrase: &Passphrase,
    secret_key: &SecretKey,
    user: strongroom_format::id::UserId,
    keyset: &WireKeyset,
) -> Result<Arc<Me>, VaultError> {
    let fixed = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map_err(|_| VaultError::WrongPassphrase);
    let params = KeysetParams {
        user,
        epoch: keyset.epoch,
        profile: Cost::from_id(keyset.profile)?,
        salt: keyset.salt.0.as_slice().try_into().map_err(|_| VaultError::WrongPassphrase)?,
    };
    let public = MemberKeys { isk: fixed(&keyset.isk.0)?, iek: fixed(&keyset.iek.0)? };
    let auk = Auk::derive(passphrase, secret_key, &params)?;
    let keyset = Keyset::open(&auk, &params, &public, &keyset.blob.0)
        .map_err(|_| VaultError::WrongPassphrase)?;
    Ok(Arc::new(Me::person(user, keyset)))
}

impl Session {
    /// Opens every organisation whose copy and pins are whole. `anew`: the kit was typed.
    fn open_copies(&self, anew: bool) -> Result<(), VaultError> {
        for org in self.record().orgs {
            let pins = self.load_pins(&org, anew)?;
            let Some(opened) = self.open_copy(org, pins)? else { continue };
            let mut orgs = hold(&self.orgs);
            orgs.all.insert(org, opened);
            orgs.current.get_or_insert(org);
        }
        Ok(())
    }

    /// The pins of an organisation; `None` where they begin anew, because the kit was typed and the
    /// keyring knows nothing of them any more.
    fn load_pins(&self, org: &OrgId, anew: bool) -> Result<Option<Pins>, VaultError> {
        if anew && matches!(self.keys.pin_anchor(org), Err(KeyringError::Absent)) {
            return Ok(None);
        }
        Ok(Some(self.pins.load(org)?))
    }

    /// The copy of one organisation; `None` if it is missing or damaged and has to be fetched.
    fn open_copy(&self, org: OrgId, pins: Option<Pins>) -> Result<Option<OpenOrg>, VaultError> {
        let Some(bytes) = self.cached(&org.to_string())? else { return Ok(None) };
        let decoded = bytes.lend(|bytes| Replica::decode(Arc::clone(&self.me), org, bytes));
        let Ok(mut replica) = decoded else { return Ok(None) };
        let envs: Vec<EnvId> = match &pins {
            Some(pins) => pins.envs.iter().map(|pin| pin.env).collect(),
            None => replica.state().envs().keys().copied().collect(),
        };
        for env in envs {
            match self.cached(&env.to_string())? {
                Some(bytes) => {
                    let copy = bytes.lend(|b| EnvCopy::decode(replica.state(), env, b));
                    let Ok(copy) = copy else { return Ok(None) };
                    replica.put_env(env, copy);
                }
                None if pins.is_some() => return Ok(None),
                None => {}
            }
        }
        let pins = match pins {
            // The cache is written before the pins, so a whole cache is never older than they are.
            Some(pins) if replica.require_pins(&pins).is_err() => return Ok(None),
            Some(pins) => pins,
            None => self.pin_anew(&replica)?,
        };
        let drafts = self.open_drafts(&replica);
        Ok(Some(OpenOrg::new(replica, pins, drafts)))
    }

    fn cached(&self, name: &str) -> Result<Option<SecretBytes>, VaultError> {
        match self.cache.get(name) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(CacheError::Missing | CacheError::Broken) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn pin_anew(&self, replica: &Replica) -> Result<Pins, VaultError> {
        self.pins.forget(&replica.state().org())?;
        Ok(self.pins.first(replica.pins(0), &mut OsEntropy)?)
    }

    fn open_drafts(&self, replica: &Replica) -> BTreeMap<EnvId, Draft> {
        let open = |env: &EnvId| -> Option<Draft> {
            let bytes = self.drafts.get(&env.to_string()).ok()?;
            bytes.lend(Draft::decode).ok()
        };
        replica.state().envs().keys().filter_map(|env| Some((*env, open(env)?))).collect()
    }

    fn missing_copies(&self) -> Vec<OrgId> {
        let orgs = hold(&self.orgs);
        self.record().orgs.into_iter().filter(|org| !orgs.all.contains_key(org)).collect()
    }

    /// Fetches an organisation whose copy on this computer cannot be read, and holds it against
    /// the pins, which are kept elsewhere.
    async fn fetch_again(&self, org: OrgId, anew: bool) -> Result<(), VaultError> {
        let _gate = self.gate.lock().await;
        let pins = self.load_pins(&org, anew)?;
        let replica = self.fetch_whole(org, pins.as_ref()).await?;
        if let Some(pins) = &pins {
            replica.require_pins(pins).map_err(|error| {
                VaultError::Stopped(Box::new(stop_of(&error, "link", pins.org_seq, &pins.org_head)))
            })?;
            self.require_descent(&replica, pins).await?;
        }
        self.keep_copy(&replica, None)?;
        let pins = match pins {
            Some(pins) => self.pins.save(replica.pins(pins.generation))?,
            None => self.pin_anew(&replica)?,
        };
        let drafts = self.open_drafts(&replica);
        let mut opened = OpenOrg::new(replica, pins, drafts);
        opened.standing.synced_ms = Some(self.now_ms());
        let mut orgs = hold(&self.orgs);
        orgs.all.insert(org, opened);
        orgs.current.get_or_insert(org);
        Ok(())
    }
}
