//! A person's keys, and the two secrets that unlock them (docs/protocol.md, section 3).
//!
//! The passphrase and the Secret Key together derive the account unlock key (AUK), which seals the
//! keyset. Nothing derived from the passphrase leaves the device; the login key comes from the
//! Secret Key alone.

use std::fmt;

use strongroom_format::check::require;
use strongroom_format::hash::ctx;
use strongroom_format::id::{InviteId, OrgId, UserId};
use strongroom_format::statement::{MemberKeys, PublicKey, Signature, pop_message};
use strongroom_secret::{Key32, Passphrase};
use zeroize::Zeroizing;

use super::context::Context;
use super::entropy::{Entropy, EntropyError, array};
use super::kdf::{OutOfMemory, Profile, derive_from_passphrase};
use super::keys::{EncryptionKey, IdentityKey};
use super::seal::{OpenError, SealError, open, seal, seal_key};
use super::secret_key::SecretKey;
use crate::hazmat::hkdf_sha256;

/// The public half of an account: what the derivation and the keyset are bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysetParams {
    /// Whose account.
    pub user: UserId,
    /// Counts the keysets of this account, from 1.
    pub epoch: u32,
    /// What a guess at the passphrase costs.
    pub profile: Profile,
    /// Random, new for each epoch.
    pub salt: [u8; 16],
}

impl KeysetParams {
    /// Parameters with a new salt.
    pub fn make(
        user: UserId,
        epoch: u32,
        profile: Profile,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, EntropyError> {
        Ok(Self { user, epoch, profile, salt: array(entropy)? })
    }
}

seal_key! {
    /// The account unlock key. Seals the keyset and nothing else.
    Auk
}

impl Auk {
    /// `HKDF-SHA256(salt16, Argon2id(passphrase) || SecretKey, ctx("auk", user_id, u8 profile, u32
    /// keyset_epoch), 32)`. Takes as long as the profile says; run it off the window's thread.
    pub fn derive(
        passphrase: &Passphrase,
        secret_key: &SecretKey,
        params: &KeysetParams,
    ) -> Result<Self, OutOfMemory> {
        let a = derive_from_passphrase(params.profile, passphrase, &params.salt)?;
        let mut ikm = Zeroizing::new([0; 64]);
        a.lend(|bytes| ikm[..32].copy_from_slice(bytes));
        secret_key.key().lend(|bytes| ikm[32..].copy_from_slice(bytes));
        let info = ctx(
            "auk",
            &[params.user.as_bytes(), &[params.profile.id()], &params.epoch.to_be_bytes()],
        );
        Ok(Self(Key32::write(|out| {
            hkdf_sha256::derive32(Some(&params.salt), &*ikm, &info, out);
        })))
    }
}

/// Signs challenges on a device that holds the Secret Key but is not unlocked.
pub struct LoginKey(pub(crate) IdentityKey);

impl LoginKey {
    /// `HKDF-SHA256(no salt, SecretKey, ctx("login", user_id, u32 keyset_epoch), 32)` as the seed.
    pub fn derive(secret_key: &SecretKey, user: &UserId, keyset_epoch: u32) -> Self {
        let info = ctx("login", &[user.as_bytes(), &keyset_epoch.to_be_bytes()]);
        Self(IdentityKey::from_seed(Key32::write(|out| {
            secret_key.key().lend(|ikm| hkdf_sha256::derive32(None, ikm, &info, out));
        })))
    }

    /// The public key, which the server stores.
    pub fn public(&self) -> PublicKey {
        self.0.public()
    }

    /// Signs a challenge or an account request (`strongroom_format::wire` makes the bytes).
    pub fn sign(&self, message: &[u8]) -> Signature {
        self.0.sign(message)
    }
}

impl fmt::Debug for LoginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginKey(..)")
    }
}

/// A person's two private keys.
pub struct Keyset {
    /// Signs.
    pub isk: IdentityKey,
    /// Receives wraps.
    pub iek: EncryptionKey,
}

impl Keyset {
    /// New random keys. Only an act named "create account" or "join" calls this.
    pub fn make(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self { isk: IdentityKey::make(entropy)?, iek: EncryptionKey::make(entropy)? })
    }

    /// The public keys, as the chain lists them.
    pub fn public(&self) -> MemberKeys {
        MemberKeys { isk: self.isk.public(), iek: self.iek.public() }
    }

    /// Shows that this person holds the keys: the new member's signature in a `MemberAdd`.
    pub fn prove_possession(&self, org: &OrgId, invite: &InviteId, user: &UserId) -> Signature {
        self.isk.sign(&pop_message(org, invite, user, &self.public()))
    }

    /// The keyset blob: `Seal(AUK, ctx("keyset", ..), isk_seed || iek_sk)`, 201 bytes.
    pub fn seal(
        &self,
        auk: &Auk,
        params: &KeysetParams,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        let mut plaintext = Zeroizing::new([0; 64]);
        self.isk.seed().lend(|seed| plaintext[..32].copy_from_slice(seed));
        self.iek.private().lend(|private| plaintext[32..].copy_from_slice(private));
        seal(auk, &Context::keyset(params, &self.public()), &*plaintext, entropy)
    }

    /// Opens a keyset blob and recomputes both public keys. Keys other than `expected`, the ones
    /// the chain lists, are the same error as a wrong passphrase.
    pub fn open(
        auk: &Auk,
        params: &KeysetParams,
        expected: &MemberKeys,
        blob: &[u8],
    ) -> Result<Self, OpenError> {
        let plaintext = open(auk, &Context::keyset(params, expected), blob)?;
        let keyset = plaintext.lend(|bytes| {
            let (seed, private) = bytes.split_first_chunk::<32>()?;
            let private = <&[u8; 32]>::try_from(private).ok()?;
            Some(Self {
                isk: IdentityKey::from_seed(Key32::copy_of(seed)),
                iek: EncryptionKey::from_private(Key32::copy_of(private)),
            })
        });
        let keyset = keyset.ok_or(OpenError)?;
        require(keyset.public() == *expected, OpenError)?;
        Ok(keyset)
    }
}

impl fmt::Debug for Keyset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyset(..)")
    }
}
