//! The two key pairs of a person or a service token: one that signs, one that receives wraps.
//!
//! They are independent random (or separately derived) values. There is no conversion between them.

use std::fmt;

use strongroom_format::commit::{Commit, SignedCommit};
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::label;
use strongroom_format::statement::{Link, PublicKey, Signature, Statement};
use strongroom_secret::Key32;

use super::entropy::{Entropy, EntropyError, key};
use crate::hazmat::{ed25519, x25519};

/// An Ed25519 identity key (isk): signs links, commits, events and challenges.
pub struct IdentityKey {
    seed: Key32,
    public: PublicKey,
}

impl IdentityKey {
    /// A new random key.
    pub fn make(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        key(entropy).map(Self::from_seed)
    }

    pub(crate) fn from_seed(seed: Key32) -> Self {
        let public = seed.lend(ed25519::public);
        Self { seed, public }
    }

    pub(crate) fn seed(&self) -> &Key32 {
        &self.seed
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs `message`, which must begin with its own label (every `…_message` function of
    /// `strongroom-format` makes such bytes).
    pub fn sign(&self, message: &[u8]) -> Signature {
        self.seed.lend(|seed| ed25519::sign(seed, message))
    }

    /// A link: the statement, signed under `label("stmt")`.
    pub fn sign_link(&self, statement: Statement) -> Link {
        let signature = self.sign(&labelled("stmt", &statement.encode()));
        Link::new(statement, &signature)
    }

    /// A commit, signed under `label("commit")`.
    pub fn sign_commit(&self, commit: Commit) -> SignedCommit {
        let signature = self.sign(&labelled("commit", &commit.encode()));
        SignedCommit::new(commit, &signature)
    }
}

fn labelled(kind: &str, bytes: &[u8]) -> Vec<u8> {
    let mut message = label(kind);
    message.extend_from_slice(bytes);
    message
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(..)")
    }
}

/// An X25519 encryption key (iek): receives wrapped data keys.
pub struct EncryptionKey {
    private: Key32,
    public: PublicKey,
}

impl EncryptionKey {
    /// A new random key.
    pub fn make(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        key(entropy).map(Self::from_private)
    }

    pub(crate) fn from_private(private: Key32) -> Self {
        let public = private.lend(x25519::public);
        Self { private, public }
    }

    pub(crate) fn private(&self) -> &Key32 {
        &self.private
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.public
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}
