//! Keys for this device's own files: the cache, the drafts, and the pins.
//!
//! The first two follow from the encryption key, so that a locked client can read neither; they
//! survive a change of passphrase and end with a rotation of the keys. The key of the pins lives in
//! the keyring of the operating system, because pins are checked before anything is unlocked; only
//! where there is no keyring does it follow from the encryption key as well.

use strongroom_format::hash::{ctx, label};
use strongroom_format::id::Principal;
use strongroom_secret::Key32;
use subtle::ConstantTimeEq as _;

use super::entropy::{Entropy, EntropyError, key};
use super::keys::EncryptionKey;
use super::seal::seal_key;
use crate::hazmat::{hkdf_sha256, hmac_sha256};

seal_key! {
    /// Seals what the client caches.
    CacheKey
}

seal_key! {
    /// Seals what a person has not saved yet.
    DraftsKey
}

impl CacheKey {
    /// `HKDF-SHA256(no salt, iek_sk, ctx("local-cache", u8 kind, id), 32)`.
    pub fn derive(iek: &EncryptionKey, owner: &Principal) -> Self {
        Self(derive(iek, "local-cache", owner))
    }
}

impl DraftsKey {
    /// `HKDF-SHA256(no salt, iek_sk, ctx("local-drafts", u8 kind, id), 32)`.
    pub fn derive(iek: &EncryptionKey, owner: &Principal) -> Self {
        Self(derive(iek, "local-drafts", owner))
    }
}

fn derive(iek: &EncryptionKey, kind: &str, owner: &Principal) -> Key32 {
    let info = ctx(kind, &[&[owner.kind()], &owner.id()]);
    Key32::write(|out| {
        iek.private().lend(|ikm| hkdf_sha256::derive32(None, ikm, &info, out));
    })
}

/// Authenticates the pin file.
pub struct PinKey(Key32);

impl PinKey {
    /// A new random key.
    pub fn make(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        key(entropy).map(Self)
    }

    /// `HKDF-SHA256(no salt, iek_sk, ctx("local-pins", u8 kind, id), 32)`: for a person who chose
    /// to do without a keyring. Pins are then checked after unlocking.
    pub fn derive(iek: &EncryptionKey, owner: &Principal) -> Self {
        Self(derive(iek, "local-pins", owner))
    }

    /// The key that the keyring returned.
    pub fn from_keyring(bytes: &[u8; 32]) -> Self {
        Self(Key32::copy_of(bytes))
    }

    /// Shows the key to `store` for one call: the keyring is its only home.
    pub fn lend_to_keyring<R>(&self, store: impl FnOnce(&[u8; 32]) -> R) -> R {
        self.0.lend(store)
    }

    /// `HMAC-SHA256(PinKey, label("pins") || file)`.
    pub fn tag(&self, file: &[u8]) -> [u8; 32] {
        self.0.lend(|pin_key| hmac_sha256::tag(pin_key, &[&label("pins"), file]))
    }

    /// Whether `tag` belongs to `file`, compared in constant time.
    pub fn verify(&self, file: &[u8], tag: &[u8; 32]) -> bool {
        self.tag(file).ct_eq(tag).into()
    }
}

impl std::fmt::Debug for PinKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinKey(..)")
    }
}
