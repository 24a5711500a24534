//! A keyring that forgets everything with the process, and fails on request. For tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_secret::SecretText;

use super::{EntryName, Keyring, KeyringError, KeyringState};

/// The entries at one moment, to restore them later as an attacker would.
#[derive(Clone, Default)]
pub struct Snapshot(BTreeMap<EntryName, String>);

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({} entries)", self.0.len())
    }
}

/// A keyring in memory.
#[derive(Debug, Default)]
pub struct MemoryKeyring {
    entries: Mutex<Snapshot>,
    failure: Mutex<Option<KeyringError>>,
}

impl MemoryKeyring {
    /// An open keyring without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on every call fails with `failure`; `None` mends it.
    pub fn fail_with(&self, failure: Option<KeyringError>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// A copy of all entries.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    /// Puts an earlier copy back.
    pub fn restore(&self, snapshot: Snapshot) {
        *self.lock() = snapshot;
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, Snapshot>, KeyringError> {
        match *self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(failure) => Err(failure),
            None => Ok(self.lock()),
        }
    }
}

impl Keyring for MemoryKeyring {
    fn state(&self) -> KeyringState {
        match self.open().err() {
            None => KeyringState::Available,
            Some(KeyringError::Locked) => KeyringState::Locked,
            Some(KeyringError::Busy) => KeyringState::Busy,
            Some(_) => KeyringState::Missing,
        }
    }

    fn unlock(&self) -> Result<(), KeyringError> {
        self.open().map(|_| ())
    }

    fn get(&self, name: &EntryName) -> Result<SecretText, KeyringError> {
        self.open()?
            .0
            .get(name)
            .map(|text| SecretText::from_string(text.clone()))
            .ok_or(KeyringError::Absent)
    }

    fn set(&self, name: &EntryName, value: &SecretText) -> Result<(), KeyringError> {
        let mut entries = self.open()?;
        value.lend(|text| entries.0.insert(*name, text.to_owned()));
        Ok(())
    }

    fn delete(&self, name: &EntryName) -> Result<(), KeyringError> {
        self.open()?.0.remove(name);
        Ok(())
    }
}
