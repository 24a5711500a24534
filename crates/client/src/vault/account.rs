//! What making a vault, joining and restoring have in common: an account's keys, and a vault's place
//! on this computer.

use std::sync::Arc;

use strongroom_core::replica::Me;
use strongroom_crypto::safe::{
    Auk, CacheKey, DraftsKey, Keyset, KeysetParams, LoginKey, OsEntropy, PinKey, Profile as Cost,
    SecretKey, words,
};
use strongroom_format::id::UserId;
use strongroom_format::wire::{B64, CreateAccount, Keyset as WireKeyset, account_message};
use strongroom_secret::Passphrase;

use super::error::VaultError;
use super::session::{Host, Parts, Session, hold};
use crate::api::Api;
use crate::cache::Cache;
use crate::keyring::{FileKeys, Keyring, VaultKeys};
use crate::pins::PinStore;
use crate::profile::{KeepSecretKey, NewVault, Profile, VaultLock, VaultRecord};

/// Takes a place for a vault on this computer and opens it there, with no organisation yet.
pub(super) async fn settle(
    new: NewVault,
    me: Arc<Me>,
    api: Api,
    host: Host,
) -> Result<Arc<Session>, VaultError> {
    let (record, lock) = host.profile.create(new, &mut OsEntropy)?;
    let keys = VaultKeys::new(home(record.keep, &host.keyring, &host.profile, &record), record.id);
    Ok(Session::assemble(parts(lock, record, keys, me, api, host)?).await)
}

/// What a session of a vault on this computer is made of, with its files opened.
pub(super) fn parts(
    lock: VaultLock,
    record: VaultRecord,
    keys: VaultKeys,
    me: Arc<Me>,
    api: Api,
    host: Host,
) -> Result<Parts, VaultError> {
    let Host { profile, clock, notices, .. } = host;
    let (vault, user) = (record.id, record.user);
    let (own, owner) = (&me.keyset.iek, &me.principal);
    let (place, drafts) =
        (profile.cache_folder(&vault), profile.vault_folder(&vault).join("drafts"));
    Ok(Parts {
        cache: Cache::open(place, "cache", vault, user, CacheKey::derive(own, owner))?,
        drafts: Cache::open(drafts, "drafts", vault, user, DraftsKey::derive(own, owner))?,
        pins: pin_store(record.keep, &profile, &keys, &me),
        keys,
        profile,
        lock,
        record,
        api,
        me,
        clock,
        notices,
    })
}

/// Gives up a vault that did not come to be.
pub(super) async fn give_up(session: Arc<Session>) {
    session.close().await;
    let profile = session.profile.clone();
    if let Some(session) = Arc::into_inner(session) {
        // The reason for the failure matters more than a folder that stays behind.
        let _ = profile.remove(session.lock);
    }
}

impl Session {
    /// Keeps the Secret Key where the vault keeps it, before anything depends on it.
    pub(super) async fn keep_secret_key(
        &self,
        secret_key: SecretKey,
        is_new: bool,
    ) -> Result<(), VaultError> {
        let (keys, keep) = (self.keys.clone(), self.record().keep);
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
        if is_new {
            *hold(&self.fresh) = Some(secret_key);
        }
        Ok(())
    }
}

/// Where the entries of a vault stay.
pub(super) fn home(
    keep: KeepSecretKey,
    keyring: &Arc<dyn Keyring>,
    profile: &Profile,
    record: &VaultRecord,
) -> Arc<dyn Keyring> {
    match keep {
        KeepSecretKey::Keyring => Arc::clone(keyring),
        KeepSecretKey::File => {
            Arc::new(FileKeys::new(record.id, &profile.vault_folder(&record.id)))
        }
        KeepSecretKey::Ask => Arc::new(crate::keyring::Ask),
    }
}

/// The pins of a vault: anchored in the keyring, or under a key that only the open vault has.
fn pin_store(keep: KeepSecretKey, profile: &Profile, keys: &VaultKeys, me: &Me) -> PinStore {
    let folder = profile.pins_folder(&keys.vault());
    match keep {
        KeepSecretKey::Keyring | KeepSecretKey::File => PinStore::anchored(folder, keys.clone()),
        KeepSecretKey::Ask => {
            PinStore::alone(folder, PinKey::derive(&me.keyset.iek, &me.principal))
        }
    }
}

/// A new account, before the server knows it.
pub(super) struct Account {
    pub(super) me: Arc<Me>,
    pub(super) secret_key: SecretKey,
    login: LoginKey,
    params: KeysetParams,
    blob: Vec<u8>,
}

impl Account {
    /// New keys for a new account, or, after all were lost, for the account `known`.
    pub(super) fn make(
        passphrase: &Passphrase,
        cost: Cost,
        known: Option<UserId>,
    ) -> Result<Self, VaultError> {
        let entropy = &mut OsEntropy;
        let user = match known {
            Some(user) => user,
            None => UserId(strongroom_crypto::safe::entropy::array(entropy)?),
        };
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

    pub(super) fn user(&self) -> UserId {
        self.params.user
    }

    /// What makes the account on a server.
    pub(super) fn request(&self, origin: &str) -> CreateAccount {
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
        sign_for(origin, self.params.user, keyset, &self.login, &self.me.keyset)
    }
}

fn sign_for(
    origin: &str,
    user_id: UserId,
    keyset: WireKeyset,
    login: &LoginKey,
    own: &Keyset,
) -> CreateAccount {
    let message = account_message(origin, &user_id, &keyset);
    CreateAccount {
        user_id,
        login_sig: B64(login.sign(&message).to_vec()),
        identity_sig: B64(own.isk.sign(&message).to_vec()),
        keyset,
    }
}

impl Session {
    /// The request that puts this vault's keyset in the place of one that was lost; `None` where
    /// the Secret Key is typed at each start.
    pub(super) fn account_again(&self, keyset: &WireKeyset) -> Option<CreateAccount> {
        let user = self.user();
        let login = |key: &SecretKey| LoginKey::derive(key, &user, keyset.epoch);
        let fresh = hold(&self.fresh).as_ref().map(login);
        let login = fresh.or_else(|| self.keys.secret_key().ok().as_ref().map(login))?;
        let origin = self.api.origin().to_string();
        Some(sign_for(&origin, user, keyset.clone(), &login, &self.me.keyset))
    }
}
