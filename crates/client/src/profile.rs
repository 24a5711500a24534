//! Which vaults are on this computer, and where their files lie.
//!
//! ```text
//! <root>/settings.json  selected.json
//! <root>/server/                       the embedded server's database
//! <root>/vaults/<id>/vault.json        see [`VaultRecord`]
//! <root>/vaults/<id>/lock              held by the process that has the vault open
//! <root>/vaults/<id>/{cache,pins}/     see [`crate::cache`] and [`crate::pins`]
//! ```
//!
//! Invariants: folders are 0700 and files 0600; a file is the old or the new version, never half of
//! one; nothing here is a name of the organisation's, a passphrase or a key in the clear.

mod record;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use strongroom_crypto::safe::{Entropy, EntropyError};
use thiserror::Error;

use crate::disk::{self, DiskError};

pub use record::{KeepSecretKey, MAX_LABEL, NewVault, ServerPlace, VaultId, VaultRecord};

const MAX_RECORD: usize = 256 * 1024;
const REMOVED: &str = "removed-";

/// Why the files of a vault could not be used.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// There is no such vault here.
    #[error("there is no such vault on this computer")]
    Missing,
    /// `vault.json` or `selected.json` is damaged or from a newer version.
    #[error("the description of the vault cannot be read")]
    Broken,
    /// Another process has the vault open.
    #[error("another process has this vault open")]
    InUse,
    /// The label is empty, longer than [`MAX_LABEL`] bytes or holds control characters.
    #[error("a label is one line of 1 to {MAX_LABEL} bytes")]
    BadLabel,
    /// The system has no folder for a user's data, and none was named.
    #[error("this system has no folder for a user's data")]
    NoHome,
    /// No id could be made.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// The vaults of one user on this computer.
#[derive(Debug, Clone)]
pub struct Profile {
    root: PathBuf,
}

/// What [`Profile::list`] found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Vaults, oldest first.
    pub vaults: Vec<VaultRecord>,
    /// Folders whose `vault.json` cannot be read; they are left as they are.
    pub broken: Vec<VaultId>,
}

/// One vault, opened for writing by this process until dropped.
#[derive(Debug)]
pub struct VaultLock {
    id: VaultId,
    _file: File, // the system lets go of the lock when the file is closed, also on a crash
}

impl VaultLock {
    /// Which vault is held.
    pub fn id(&self) -> VaultId {
        self.id
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Selected {
    version: u32,
    vault: VaultId,
}

impl Profile {
    /// Opens `root`, or `$XDG_DATA_HOME/strongroom` and its like on other systems, and makes the
    /// folder if it is not there.
    pub fn open(root: Option<PathBuf>) -> Result<Self, ProfileError> {
        let root = match root {
            Some(root) => root,
            None => directories::BaseDirs::new()
                .ok_or(ProfileError::NoHome)?
                .data_dir()
                .join("strongroom"),
        };
        disk::private_folder(&root)?;
        let profile = Self { root };
        disk::private_folder(&profile.vaults())?;
        profile.sweep();
        Ok(profile)
    }

    /// The folder that holds everything.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The embedded server's folder; made if it is not there.
    pub fn server_folder(&self) -> Result<PathBuf, ProfileError> {
        let folder = self.root.join("server");
        disk::private_folder(&folder)?;
        Ok(folder)
    }

    /// Deletes the embedded server's folder, once no vault needs it any more.
    pub fn remove_server(&self) -> Result<(), ProfileError> {
        match fs::remove_dir_all(self.root.join("server")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(DiskError::from(error).into())
            }
            _ => Ok(()),
        }
    }

    fn vaults(&self) -> PathBuf {
        self.root.join("vaults")
    }

    /// The folder of one vault.
    pub fn vault_folder(&self, id: &VaultId) -> PathBuf {
        self.vaults().join(id.to_string())
    }

    /// The folder of a vault's encrypted cache.
    pub fn cache_folder(&self, id: &VaultId) -> PathBuf {
        self.vault_folder(id).join("cache")
    }

    /// The folder of a vault's pins.
    pub fn pins_folder(&self, id: &VaultId) -> PathBuf {
        self.vault_folder(id).join("pins")
    }

    fn record_file(&self, id: &VaultId) -> PathBuf {
        self.vault_folder(id).join("vault.json")
    }

    /// Every vault on this computer. One that is damaged does not hide the others.
    pub fn list(&self) -> Result<Listing, ProfileError> {
        let mut listing = Listing::default();
        for entry in fs::read_dir(self.vaults()).map_err(DiskError::from)? {
            let name = entry.map_err(DiskError::from)?.file_name();
            let Some(id) = name.to_str().and_then(|n| n.parse::<VaultId>().ok()) else {
                continue; // not a vault: a removed one, or somebody else's file
            };
            match self.load(&id) {
                Ok(record) => listing.vaults.push(record),
                Err(ProfileError::Missing) => {} // a creation that never finished
                Err(ProfileError::Broken | ProfileError::Disk(_)) => listing.broken.push(id),
                Err(e) => return Err(e),
            }
        }
        listing.vaults.sort_by_key(|v| (v.created_ms, v.id));
        Ok(listing)
    }

    /// The description of one vault.
    pub fn load(&self, id: &VaultId) -> Result<VaultRecord, ProfileError> {
        let bytes = match disk::read(&self.record_file(id), MAX_RECORD) {
            Ok(bytes) => bytes.ok_or(ProfileError::Missing)?,
            Err(e) if e.is_oversized() => return Err(ProfileError::Broken),
            Err(e) => return Err(e.into()),
        };
        VaultRecord::parse(&bytes).filter(|record| record.id == *id).ok_or(ProfileError::Broken)
    }

    /// Makes a vault: its folder first, its description last, so that half a vault is none.
    pub fn create(
        &self,
        new: NewVault,
        entropy: &mut dyn Entropy,
    ) -> Result<(VaultRecord, VaultLock), ProfileError> {
        let id = VaultId::make(entropy)?;
        let record = VaultRecord::of_new(id, new)?;
        disk::private_folder(&self.vault_folder(&id))?;
        let lock = self.lock_folder(&id)?;
        self.save(&lock, &record)?;
        disk::sync_folder_of(&self.vault_folder(&id)).map_err(DiskError::from)?;
        Ok((record, lock))
    }

    /// Replaces the description of a vault that this process holds.
    pub fn save(&self, lock: &VaultLock, record: &VaultRecord) -> Result<(), ProfileError> {
        record.check()?;
        if record.id != lock.id {
            return Err(ProfileError::Missing);
        }
        Ok(disk::replace(&self.record_file(&record.id), &record.to_json()?)?)
    }

    /// Takes a vault for this process, so that no other writes it. Freed when dropped.
    pub fn lock(&self, id: &VaultId) -> Result<VaultLock, ProfileError> {
        if !self.record_file(id).is_file() {
            return Err(ProfileError::Missing);
        }
        self.lock_folder(id)
    }

    fn lock_folder(&self, id: &VaultId) -> Result<VaultLock, ProfileError> {
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(self.vault_folder(id).join("lock")).map_err(DiskError::from)?;
        match file.try_lock() {
            Ok(()) => Ok(VaultLock { id: *id, _file: file }),
            Err(TryLockError::WouldBlock) => Err(ProfileError::InUse),
            Err(TryLockError::Error(e)) => Err(DiskError::from(e).into()),
        }
    }

    /// Removes a vault from this computer. What the keyring holds for it is the caller's to delete.
    ///
    /// The folder is renamed first: a crash leaves a vault that is whole or one that is gone.
    pub fn remove(&self, lock: VaultLock) -> Result<(), ProfileError> {
        let id = lock.id;
        let grave = self.vaults().join(format!("{REMOVED}{id}"));
        drop(lock); // another process that takes the lock now finds no description any more
        disk::rename(&self.vault_folder(&id), &grave)?;
        if self.selected()? == Some(id) {
            disk::remove(&self.selected_file())?;
        }
        fs::remove_dir_all(&grave).map_err(DiskError::from)?;
        Ok(())
    }

    /// Finishes removals that a crash interrupted. What cannot be deleted now is tried next time.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(self.vaults()) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let removed = name.to_str().and_then(|n| n.strip_prefix(REMOVED));
            if removed.is_some_and(|id| id.parse::<VaultId>().is_ok()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    fn selected_file(&self) -> PathBuf {
        self.root.join("selected.json")
    }

    /// The vault that was selected last, if it is still here.
    pub fn selected(&self) -> Result<Option<VaultId>, ProfileError> {
        let bytes = match disk::read(&self.selected_file(), MAX_RECORD) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(e) if e.is_oversized() => Vec::new(),
            Err(e) => return Err(e.into()),
        };
        let selected = serde_json::from_slice::<Selected>(&bytes).ok();
        Ok(selected
            .filter(|s| s.version == record::VERSION && self.record_file(&s.vault).is_file())
            .map(|s| s.vault))
    }

    /// Remembers the vault to show first next time.
    pub fn select(&self, vault: VaultId) -> Result<(), ProfileError> {
        let selected = Selected { version: record::VERSION, vault };
        let bytes = serde_json::to_vec(&selected).map_err(|_| ProfileError::Broken)?;
        Ok(disk::replace(&self.selected_file(), &bytes)?)
    }
}

#[cfg(test)]
mod tests;
