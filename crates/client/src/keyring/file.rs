//! The two deliberate choices where there is no keyring: a private file, or nothing at all.

use std::path::PathBuf;

use strongroom_secret::{SecretBytes, SecretText};

use super::{EntryKind, EntryName, Keyring, KeyringError, KeyringState, MAX_VALUE};
use crate::disk;
use crate::profile::VaultId;

/// Entries as files of mode 0600 in the vault's own folder.
///
/// Weaker than a keyring, and chosen as such: whoever copies the folder has the Secret Key and can
/// guess at the passphrase, and whoever restores the folder restores its pins with it.
#[derive(Debug)]
pub struct FileKeys {
    vault: VaultId,
    folder: PathBuf,
}

impl FileKeys {
    /// The files of `vault` in its folder.
    pub fn new(vault: VaultId, vault_folder: &std::path::Path) -> Self {
        Self { vault, folder: vault_folder.join("keys") }
    }

    fn path(&self, name: &EntryName) -> Result<PathBuf, KeyringError> {
        if name.vault != self.vault {
            return Err(KeyringError::Absent);
        }
        Ok(self.folder.join(match name.kind {
            EntryKind::SecretKey => "secret-key".to_owned(),
            EntryKind::Pins(org) => format!("pins-{org}"),
            EntryKind::Words => "words".to_owned(),
        }))
    }
}

impl Keyring for FileKeys {
    fn state(&self) -> KeyringState {
        KeyringState::Available
    }

    fn unlock(&self) -> Result<(), KeyringError> {
        Ok(())
    }

    fn get(&self, name: &EntryName) -> Result<SecretText, KeyringError> {
        let bytes = disk::read(&self.path(name)?, MAX_VALUE)
            .map_err(
                |e| if e.is_oversized() { KeyringError::Broken } else { KeyringError::Failed },
            )?
            .ok_or(KeyringError::Absent)?;
        SecretBytes::from_vec(bytes).into_text().map_err(|_| KeyringError::Broken)
    }

    fn set(&self, name: &EntryName, value: &SecretText) -> Result<(), KeyringError> {
        let path = self.path(name)?;
        disk::private_folder(&self.folder)
            .and_then(|()| value.lend(|text| disk::replace(&path, text.as_bytes())))
            .map_err(|_| KeyringError::Failed)
    }

    fn delete(&self, name: &EntryName) -> Result<(), KeyringError> {
        disk::remove(&self.path(name)?).map_err(|_| KeyringError::Failed)
    }
}

/// Nothing is kept: the Secret Key is typed every time, and pins are authenticated by a key of the
/// unlocked vault.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask;

impl Keyring for Ask {
    fn state(&self) -> KeyringState {
        KeyringState::Missing
    }

    fn unlock(&self) -> Result<(), KeyringError> {
        Err(KeyringError::Missing)
    }

    fn get(&self, _: &EntryName) -> Result<SecretText, KeyringError> {
        Err(KeyringError::Missing)
    }

    fn set(&self, _: &EntryName, _: &SecretText) -> Result<(), KeyringError> {
        Err(KeyringError::Missing)
    }

    fn delete(&self, _: &EntryName) -> Result<(), KeyringError> {
        Ok(())
    }
}
