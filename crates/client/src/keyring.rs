//! Where the few small secrets of a vault stay between two runs of the program.
//!
//! Three homes, one port: the keyring of the operating system ([`OsKeyring`]), a file that only its
//! owner may read ([`FileKeys`], a deliberate choice), or nowhere ([`Ask`]). Nothing falls back from
//! one to another. Every entry is one line of text under 120 bytes, because some keyrings keep
//! nothing else.
//!
//! An entry that is not there is never the sign of a fresh computer: keyrings lose entries, and a
//! locked one may say it has none. Whether a vault is fresh is what `vault.json` says.
//!
//! Calls block (D-Bus, Keychain); from async code they go on a blocking thread.

mod file;
#[cfg(any(test, feature = "danger-memory-keyring"))]
mod memory;
mod os;

use std::fmt;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use strongroom_crypto::safe::{PinKey, SecretKey};
use strongroom_format::encoding::{Reader, Writer};
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_secret::SecretText;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::profile::VaultId;

pub use file::{Ask, FileKeys};
#[cfg(any(test, feature = "danger-memory-keyring"))]
pub use memory::{MemoryKeyring, Snapshot};
pub use os::{OsKeyring, TimeLimits};

/// The longest value of an entry, in bytes.
pub const MAX_VALUE: usize = 120;

/// Whether the keyring can be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyringState {
    /// It answers, and its entries can be read.
    Available,
    /// There is none on this system, or none that answers.
    Missing,
    /// It wants to be unlocked, or set up, by its owner first: see [`Keyring::unlock`].
    Locked,
    /// It did not answer in time; it may be waiting for its owner.
    Busy,
}

/// Why the keyring gave or kept nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyringError {
    /// See [`KeyringState::Missing`].
    #[error("this system has no keyring that answers")]
    Missing,
    /// See [`KeyringState::Locked`].
    #[error("the keyring is locked")]
    Locked,
    /// See [`KeyringState::Busy`].
    #[error("the keyring did not answer in time")]
    Busy,
    /// The keyring is open and has no such entry.
    #[error("the keyring has no such entry")]
    Absent,
    /// The entry is there and is not what was stored.
    #[error("the entry in the keyring is damaged")]
    Broken,
    /// The keyring answered with an error.
    #[error("the keyring failed")]
    Failed,
}

/// Which secret of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// The Secret Key in its printed form.
    SecretKey,
    /// What anchors the pin file of one organisation: see [`PinAnchor`].
    Pins(OrgId),
    /// The two words that secure windows show.
    Words,
}

/// The name of an entry. It holds ids alone: keyrings show names to other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName {
    /// Whose.
    pub vault: VaultId,
    /// Which.
    pub kind: EntryKind,
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            EntryKind::SecretKey => write!(f, "{}/secret-key", self.vault),
            EntryKind::Pins(org) => write!(f, "{}/pins/{org}", self.vault),
            EntryKind::Words => write!(f, "{}/words", self.vault),
        }
    }
}

/// A home for small secrets.
pub trait Keyring: Send + Sync + fmt::Debug {
    /// Whether it can be used now. Never shows a prompt.
    fn state(&self) -> KeyringState;

    /// Asks the owner to unlock it, with the system's own prompt, and waits for the answer.
    fn unlock(&self) -> Result<(), KeyringError>;

    /// The value of an entry.
    fn get(&self, name: &EntryName) -> Result<SecretText, KeyringError>;

    /// Keeps or replaces an entry; when this returns, the value is kept.
    fn set(&self, name: &EntryName, value: &SecretText) -> Result<(), KeyringError>;

    /// Forgets an entry; one that is not there counts as forgotten.
    fn delete(&self, name: &EntryName) -> Result<(), KeyringError>;
}

/// What the keyring knows of one pin file (docs/protocol.md, section 10).
#[derive(Debug)]
pub struct PinAnchor {
    /// Authenticates the file.
    pub key: PinKey,
    /// The count of the newest file.
    pub generation: u64,
    /// SHA-256 of the newest file.
    pub digest: Digest,
}

/// The entries of one vault, as what they are.
#[derive(Debug, Clone)]
pub struct VaultKeys {
    keyring: Arc<dyn Keyring>,
    vault: VaultId,
}

impl VaultKeys {
    /// The entries of `vault` in `keyring`.
    pub fn new(keyring: Arc<dyn Keyring>, vault: VaultId) -> Self {
        Self { keyring, vault }
    }

    /// Whose entries these are.
    pub fn vault(&self) -> VaultId {
        self.vault
    }

    fn name(&self, kind: EntryKind) -> EntryName {
        EntryName { vault: self.vault, kind }
    }

    fn get(&self, kind: EntryKind) -> Result<SecretText, KeyringError> {
        self.keyring.get(&self.name(kind))
    }

    fn set(&self, kind: EntryKind, value: &SecretText) -> Result<(), KeyringError> {
        debug_assert!(value.len() <= MAX_VALUE);
        self.keyring.set(&self.name(kind), value)
    }

    /// The Secret Key.
    pub fn secret_key(&self) -> Result<SecretKey, KeyringError> {
        self.get(EntryKind::SecretKey)?.lend(SecretKey::parse).map_err(|_| KeyringError::Broken)
    }

    /// Keeps the Secret Key.
    pub fn keep_secret_key(&self, key: &SecretKey) -> Result<(), KeyringError> {
        self.set(EntryKind::SecretKey, &key.to_text())
    }

    /// The two words of secure windows.
    pub fn words(&self) -> Result<(String, String), KeyringError> {
        let word =
            |w: &str| (3..=16).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_lowercase());
        self.get(EntryKind::Words)?.lend(|text| {
            text.split_once(' ')
                .filter(|(a, b)| word(a) && word(b))
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .ok_or(KeyringError::Broken)
        })
    }

    /// Keeps the two words.
    pub fn keep_words(&self, words: (&str, &str)) -> Result<(), KeyringError> {
        let text = format!("{} {}", words.0, words.1);
        self.set(EntryKind::Words, &SecretText::from_string(text))
    }

    /// What anchors the pin file of `org`.
    pub fn pin_anchor(&self, org: &OrgId) -> Result<PinAnchor, KeyringError> {
        self.get(EntryKind::Pins(*org))?
            .lend(|text| {
                let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?);
                let mut r = Reader::new(&bytes);
                let key = Zeroizing::new(r.array().ok()?);
                let anchor = PinAnchor {
                    key: PinKey::from_keyring(&key),
                    generation: r.u64().ok()?,
                    digest: r.array().ok()?,
                };
                r.finish().ok().map(|()| anchor)
            })
            .ok_or(KeyringError::Broken)
    }

    /// Keeps what anchors the pin file of `org`.
    pub fn keep_pin_anchor(&self, org: &OrgId, anchor: &PinAnchor) -> Result<(), KeyringError> {
        let text = anchor.key.lend_to_keyring(|key| {
            let mut w = Writer::new();
            w.fixed(key).u64(anchor.generation).fixed(&anchor.digest);
            let bytes = Zeroizing::new(w.finish());
            SecretText::from_string(BASE64URL_NOPAD.encode(&bytes))
        });
        self.set(EntryKind::Pins(*org), &text)
    }

    /// Forgets the anchor of one organisation, once its pin file is gone.
    pub fn forget_pins(&self, org: &OrgId) -> Result<(), KeyringError> {
        self.keyring.delete(&self.name(EntryKind::Pins(*org)))
    }

    /// Forgets everything of this vault; tries all entries and reports the first failure.
    pub fn forget_all(&self, orgs: &[OrgId]) -> Result<(), KeyringError> {
        let pins = orgs.iter().map(|org| EntryKind::Pins(*org));
        [EntryKind::SecretKey, EntryKind::Words]
            .into_iter()
            .chain(pins)
            .map(|kind| self.keyring.delete(&self.name(kind)))
            .fold(Ok(()), Result::and)
    }
}

#[cfg(test)]
mod tests;
