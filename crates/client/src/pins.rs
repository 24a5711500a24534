//! The pin files: what this computer verified, one file per organisation, anchored in the keyring
//! (docs/protocol.md, section 10).
//!
//! ```text
//! file   = pins || HMAC-SHA256(key, pins)                  <folder>/<org>.pins
//! anchor = key(32) || generation || SHA-256(file)          keyring
//! save   = <org>.next, flushed -> anchor -> <org>.next renamed over <org>.pins, flushed
//! ```
//!
//! A crash between two steps leaves a file that the anchor names, under one of its two names.
//! Anything else is an error: an old file, an old anchor, a changed byte. Only [`PinStore::first`],
//! the act of making or joining an organisation, begins without pins.
//!
//! What no computer can see by itself: an old file and an old anchor, restored together. Then the
//! older pins hold, and a server may show nothing below those.

use std::path::{Path, PathBuf};

use strongroom_crypto::safe::{Entropy, EntropyError, PinKey};
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::{Digest, sha256};
use strongroom_format::id::OrgId;
use strongroom_format::pins::Pins;
use thiserror::Error;

use crate::disk::{self, DiskError};
use crate::keyring::{KeyringError, PinAnchor, VaultKeys};

const MAC: usize = 32;
const MAX_FILE: usize = 2 * 1024 * 1024;

/// Which of the two halves is older than the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolledBack {
    /// The file is older than the anchor, or gone.
    File,
    /// The anchor is older than the file, or gone.
    Anchor,
}

/// Why there are no pins to go on with. None of these is a reason to begin anew.
#[derive(Debug, Error)]
pub enum PinsError {
    /// Neither a file nor an anchor: this computer never finished joining the organisation, or both
    /// were deleted. Which of the two it is, `vault.json` knows.
    #[error("this computer has no record of what it verified")]
    Missing,
    /// A part of the record was replaced by an older one.
    #[error("the record of what this computer verified was rolled back")]
    RolledBack(RolledBack),
    /// The file was changed, or belongs to another organisation.
    #[error("the record of what this computer verified is damaged")]
    Broken,
    /// [`PinStore::first`] where there are pins already.
    #[error("this computer has a record of what it verified already")]
    Exists,
    /// The pins to save do not follow the newest saved ones.
    #[error("another part of the program saved newer pins")]
    Stale,
    /// The keyring gave or kept nothing. Nothing is lost.
    #[error(transparent)]
    Keyring(KeyringError),
    /// The disk refused. Nothing is lost.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// No key could be made.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

#[derive(Debug)]
enum Home {
    /// The keyring holds key, generation and digest.
    Anchored(VaultKeys),
    /// There is no keyring: the key comes from the unlocked vault, and the file stands alone.
    Alone(PinKey),
}

/// The pin files of one vault.
#[derive(Debug)]
pub struct PinStore {
    folder: PathBuf,
    home: Home,
}

/// A file that has been written beside the current one.
struct Staged {
    pins: Pins,
    digest: Digest,
}

impl PinStore {
    /// Pins that are anchored in a keyring.
    pub fn anchored(folder: PathBuf, keys: VaultKeys) -> Self {
        Self { folder, home: Home::Anchored(keys) }
    }

    /// Pins without a keyring. `key` must follow from the vault's own keys. Changes are seen;
    /// an older file of this computer, put back, is not.
    pub fn alone(folder: PathBuf, key: PinKey) -> Self {
        Self { folder, home: Home::Alone(key) }
    }

    /// Saves the first pins of an organisation that was just made or joined, as generation 1.
    pub fn first(&self, pins: Pins, entropy: &mut dyn Entropy) -> Result<Pins, PinsError> {
        match self.load(&pins.org) {
            Err(PinsError::Missing) => {}
            Ok(_) | Err(PinsError::RolledBack(_) | PinsError::Broken) => {
                return Err(PinsError::Exists);
            }
            Err(e) => return Err(e),
        }
        disk::private_folder(&self.folder)?;
        match &self.home {
            Home::Anchored(keys) => self.save_anchored(keys, PinKey::make(entropy)?, pins, 1),
            Home::Alone(key) => self.save_alone(key, pins, 1),
        }
    }

    /// The newest pins of `org`; finishes a save that a crash interrupted.
    pub fn load(&self, org: &OrgId) -> Result<Pins, PinsError> {
        match &self.home {
            Home::Anchored(keys) => self.load_anchored(keys, org).map(|(pins, _)| pins),
            Home::Alone(key) => {
                let file = read(&self.current(org))?.ok_or(PinsError::Missing)?;
                open(key, org, &file).ok_or(PinsError::Broken)
            }
        }
    }

    /// Saves pins that continue the newest ones: their generation is that of the pins they were
    /// made from. Answers them with the generation they were saved as.
    pub fn save(&self, pins: Pins) -> Result<Pins, PinsError> {
        let follows = |newest: &Pins| {
            if newest.generation == pins.generation {
                newest.generation.checked_add(1).ok_or(PinsError::Stale)
            } else {
                Err(PinsError::Stale)
            }
        };
        match &self.home {
            Home::Anchored(keys) => {
                let (newest, anchor) = self.load_anchored(keys, &pins.org)?;
                let generation = follows(&newest)?;
                self.save_anchored(keys, anchor.key, pins, generation)
            }
            Home::Alone(key) => {
                let generation = follows(&self.load(&pins.org)?)?;
                self.save_alone(key, pins, generation)
            }
        }
    }

    /// Forgets an organisation that this computer has left. The anchor goes last: a crash before
    /// that reads as a missing file, not as a fresh start.
    pub fn forget(&self, org: &OrgId) -> Result<(), PinsError> {
        disk::remove(&self.next(org))?;
        disk::remove(&self.current(org))?;
        match &self.home {
            Home::Anchored(keys) => keys.forget_pins(org).map_err(PinsError::Keyring),
            Home::Alone(_) => Ok(()),
        }
    }

    fn save_alone(&self, key: &PinKey, mut pins: Pins, generation: u64) -> Result<Pins, PinsError> {
        pins.generation = generation;
        disk::replace(&self.current(&pins.org), &close(key, &pins))?;
        Ok(pins)
    }

    fn save_anchored(
        &self,
        keys: &VaultKeys,
        key: PinKey,
        pins: Pins,
        generation: u64,
    ) -> Result<Pins, PinsError> {
        let staged = self.stage(&key, pins, generation)?;
        anchor(keys, key, &staged)?;
        self.promote(&staged.pins.org)?;
        Ok(staged.pins)
    }

    fn stage(&self, key: &PinKey, mut pins: Pins, generation: u64) -> Result<Staged, PinsError> {
        pins.generation = generation;
        let file = close(key, &pins);
        disk::replace(&self.next(&pins.org), &file)?;
        Ok(Staged { pins, digest: sha256(&[&file]) })
    }

    fn promote(&self, org: &OrgId) -> Result<(), PinsError> {
        Ok(disk::rename(&self.next(org), &self.current(org))?)
    }

    fn load_anchored(&self, keys: &VaultKeys, org: &OrgId) -> Result<(Pins, PinAnchor), PinsError> {
        let current = read(&self.current(org))?;
        let anchor = match keys.pin_anchor(org) {
            Ok(anchor) => anchor,
            // A lone `next` is a first save that never reached the keyring.
            Err(KeyringError::Absent) if current.is_none() => return Err(PinsError::Missing),
            Err(KeyringError::Absent) => return Err(PinsError::RolledBack(RolledBack::Anchor)),
            Err(e) => return Err(PinsError::Keyring(e)),
        };
        let named = |file: &Vec<u8>| sha256(&[file]) == anchor.digest;
        if let Some(file) = current.as_ref().filter(|f| named(f)) {
            return Ok((require(&anchor, org, file)?, anchor));
        }
        // The anchor names the staged file: the crash came before the rename.
        if let Some(file) = read(&self.next(org))?.filter(named) {
            let pins = require(&anchor, org, &file)?;
            self.promote(org)?;
            return Ok((pins, anchor));
        }
        Err(judge(&anchor, org, current.as_deref()))
    }

    fn current(&self, org: &OrgId) -> PathBuf {
        self.folder.join(format!("{org}.pins"))
    }

    fn next(&self, org: &OrgId) -> PathBuf {
        self.folder.join(format!("{org}.next"))
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, PinsError> {
    disk::read(path, MAX_FILE).map_err(|e| match e {
        e if e.is_oversized() => PinsError::Broken,
        e => e.into(),
    })
}

fn anchor(keys: &VaultKeys, key: PinKey, staged: &Staged) -> Result<(), PinsError> {
    let anchor = PinAnchor { key, generation: staged.pins.generation, digest: staged.digest };
    keys.keep_pin_anchor(&staged.pins.org, &anchor).map_err(PinsError::Keyring)
}

/// The pins in a file whose digest the anchor names.
fn require(anchor: &PinAnchor, org: &OrgId, file: &[u8]) -> Result<Pins, PinsError> {
    open(&anchor.key, org, file)
        .filter(|pins| pins.generation == anchor.generation)
        .ok_or(PinsError::Broken)
}

/// Says what is wrong with a file that the anchor does not name.
fn judge(anchor: &PinAnchor, org: &OrgId, file: Option<&[u8]>) -> PinsError {
    let Some(file) = file else {
        return PinsError::RolledBack(RolledBack::File);
    };
    match open(&anchor.key, org, file) {
        Some(pins) if pins.generation < anchor.generation => {
            PinsError::RolledBack(RolledBack::File)
        }
        Some(pins) if pins.generation > anchor.generation => {
            PinsError::RolledBack(RolledBack::Anchor)
        }
        _ => PinsError::Broken,
    }
}

fn close(key: &PinKey, pins: &Pins) -> Vec<u8> {
    let mut file = pins.encode();
    let mac = key.tag(&file);
    file.extend_from_slice(&mac);
    file
}

fn open(key: &PinKey, org: &OrgId, file: &[u8]) -> Option<Pins> {
    let (bytes, mac) = file.split_last_chunk::<MAC>()?;
    if !key.verify(bytes, mac) {
        return None;
    }
    Pins::decode(bytes).ok().filter(|pins| pins.org == *org)
}

#[cfg(test)]
mod tests;
