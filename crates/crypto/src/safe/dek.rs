//! Data keys and how they reach their readers (docs/protocol.md, section 5).
//!
//! HPKE in base mode does not say who sealed. A wrap therefore counts only where its hash stands in
//! a verified `DekEpoch` link, and the key inside must match the commitment in that link.

use strongroom_format::check::require;
use strongroom_format::hash::{Digest, ctx};
use strongroom_format::id::{EnvId, OrgId, Principal};
use strongroom_format::statement::PublicKey;
use strongroom_secret::Key32;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::context::Context;
use super::entropy::{Entropy, EntropyError, key};
use super::keys::EncryptionKey;
use super::seal::{OpenError, SealError, open, seal, seal_key};
use crate::hazmat::{hkdf_sha256, hpke_x25519};

/// Length of a wrap in bytes: encapsulated key, DEK, tag.
pub const WRAP_LEN: usize = hpke_x25519::ENC + 32 + 16;

/// The data key could not be wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WrapError {
    /// The recipient's public key is a point of low order: nothing may be sealed to it.
    #[error("the recipient's key is not usable")]
    BadRecipient,
    /// No ephemeral key could be made.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Who a wrap is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// The reader, as the chain names it.
    pub principal: Principal,
    /// Its encryption key, from the verified chain and from nowhere else.
    pub iek: PublicKey,
}

/// Everything a wrap is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrapContext {
    /// The organisation.
    pub org: OrgId,
    /// The environment.
    pub env: EnvId,
    /// The epoch of the data key.
    pub epoch: u32,
    /// What the `DekEpoch` link commits to.
    pub dek_commit: Digest,
    /// The reader.
    pub recipient: Recipient,
    /// Who wrote the `DekEpoch` link.
    pub author: Principal,
    /// Its identity key at that link.
    pub author_isk: PublicKey,
}

impl WrapContext {
    /// `ctx("dek-wrap", org_id, env_id, u32 epoch, dek_commit, u8 recipient_kind, recipient_id,
    /// recipient_iek_pub, author_id, author_isk_pub)`.
    pub(crate) fn info(&self) -> Vec<u8> {
        ctx(
            "dek-wrap",
            &[
                self.org.as_bytes(),
                self.env.as_bytes(),
                &self.epoch.to_be_bytes(),
                &self.dek_commit,
                &[self.recipient.principal.kind()],
                &self.recipient.principal.id(),
                &self.recipient.iek,
                &self.author.id(),
                &self.author_isk,
            ],
        )
    }
}

seal_key! {
    /// A data key: seals the items of one environment for one epoch.
    Dek
}

impl Dek {
    /// A new random data key.
    pub fn make(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        key(entropy).map(Self)
    }

    /// `HKDF-SHA256(no salt, DEK, ctx("dek-commit", org_id, env_id, u32 epoch), 32)`: says which
    /// key it is and nothing else about it.
    pub fn commit(&self, org: &OrgId, env: &EnvId, epoch: u32) -> Digest {
        let info = ctx("dek-commit", &[org.as_bytes(), env.as_bytes(), &epoch.to_be_bytes()]);
        let mut commit = [0; 32];
        self.0.lend(|dek| hkdf_sha256::derive32(None, dek, &info, &mut commit));
        commit
    }

    /// `HKDF-SHA256(no salt, DEK, ctx("drill", org_id, env_id, u32 epoch, u8 kind, id, org_head), 16)`:
    /// shows other holders that `who` has this key, and nothing to anybody else.
    pub fn drill(
        &self,
        org: &OrgId,
        env: &EnvId,
        epoch: u32,
        who: &Principal,
        org_head: &Digest,
    ) -> [u8; 16] {
        let fields: [&[u8]; 6] = [
            org.as_bytes(),
            env.as_bytes(),
            &epoch.to_be_bytes(),
            &[who.kind()],
            &who.id(),
            org_head,
        ];
        let info = ctx("drill", &fields);
        let mut out = [0; 32];
        self.0.lend(|dek| hkdf_sha256::derive32(None, dek, &info, &mut out));
        let mut proof = [0; 16];
        proof.copy_from_slice(&out[..16]);
        proof
    }

    /// Seals this key to one reader: `enc || ct`, [`WRAP_LEN`] bytes.
    pub fn wrap(
        &self,
        context: &WrapContext,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, WrapError> {
        let ephemeral = key(entropy)?;
        let info = context.info();
        self.0
            .lend(|dek| {
                ephemeral
                    .lend(|ikm| hpke_x25519::seal(&context.recipient.iek, &info, b"", dek, ikm))
            })
            .map_err(|_| WrapError::BadRecipient)
    }

    /// Opens a wrap and checks the key inside against the commitment in `context`.
    pub fn unwrap_with(
        reader: &EncryptionKey,
        context: &WrapContext,
        wrap: &[u8],
    ) -> Result<Self, OpenError> {
        // Both would fail to open; this only says it sooner.
        if wrap.len() != WRAP_LEN || context.recipient.iek != reader.public() {
            return Err(OpenError);
        }
        let info = context.info();
        let plaintext = reader
            .private()
            .lend(|private| hpke_x25519::open(private, &info, b"", wrap))
            .map_err(|_| OpenError)?;
        let dek = <&[u8; 32]>::try_from(plaintext.as_slice()).map_err(|_| OpenError)?;
        Self(Key32::copy_of(dek)).matching(
            &context.org,
            &context.env,
            context.epoch,
            &context.dek_commit,
        )
    }

    /// Seals the key of the epoch before under this one, so that current readers can read history.
    /// `previous_epoch` is the epoch of `previous`.
    pub fn seal_previous(
        &self,
        previous: &Dek,
        org: &OrgId,
        env: &EnvId,
        previous_epoch: u32,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        let context = Context::previous_dek(org, env, previous_epoch);
        previous.0.lend(|dek| seal(self, &context, dek, entropy))
    }

    /// Opens what [`Dek::seal_previous`] made and checks it against the commitment of its epoch.
    pub fn open_previous(
        &self,
        org: &OrgId,
        env: &EnvId,
        previous_epoch: u32,
        previous_commit: &Digest,
        envelope: &[u8],
    ) -> Result<Self, OpenError> {
        let plaintext = open(self, &Context::previous_dek(org, env, previous_epoch), envelope)?;
        let dek = plaintext
            .lend(|bytes| <&[u8; 32]>::try_from(bytes).map(Key32::copy_of))
            .map_err(|_| OpenError)?;
        Self(dek).matching(org, env, previous_epoch, previous_commit)
    }

    fn matching(
        self,
        org: &OrgId,
        env: &EnvId,
        epoch: u32,
        expected: &Digest,
    ) -> Result<Self, OpenError> {
        require(self.commit(org, env, epoch).ct_eq(expected).into(), OpenError)?;
        Ok(self)
    }
}
