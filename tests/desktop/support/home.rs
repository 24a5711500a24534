//! A private home for one or more runs of the program.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::bus::Bus;

/// Folders in which the program keeps what it keeps. They go with this value.
pub(crate) struct Home {
    folder: TempDir,
    /// A session bus with a keyring of its own; none on the bus of the whole test.
    bus: Option<Bus>,
    /// Where its vaults lie; none where the program would put them.
    vaults: Option<PathBuf>,
}

impl Home {
    /// An empty one, as on a new computer.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        Self { folder, bus: None, vaults: None }
    }

    /// One more computer beside others: its programs and keyring do not find those of the others.
    pub(crate) fn of_another_person() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let bus = Bus::start(folder.path());
        Self { folder, bus: Some(bus), vaults: None }
    }

    /// One with a copy of vaults that were made elsewhere, and of the keys beside them.
    pub(crate) fn with_vaults(from: &Path) -> Self {
        let home = Self::new();
        let vaults = home.path().join("vaults");
        copy(from, &vaults);
        Self { vaults: Some(vaults), ..home }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The variables that make the program use it.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let below = |name: &str| self.folder.path().join(name).display().to_string();
        let mut all = vec![
            ("HOME", below("home")),
            ("XDG_DATA_HOME", below("data")),
            ("XDG_CONFIG_HOME", below("config")),
            ("XDG_CACHE_HOME", below("cache")),
            ("XDG_STATE_HOME", below("state")),
            ("LANG", "C.UTF-8".to_owned()),
        ];
        all.extend(self.vaults.as_ref().map(|at| ("STRONGROOM_DATA", at.display().to_string())));
        all.extend(self.bus.as_ref().map(|bus| ("DBUS_SESSION_BUS_ADDRESS", bus.address())));
        all
    }
}

/// Copies a folder with everything in it, as private as it is.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder can be written");
    let private = fs::metadata(from).expect("the folder is there").permissions();
    fs::set_permissions(to, private).expect("the folder is ours");
    for entry in fs::read_dir(from).expect("the folder can be read").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the folder can be written");
        }
    }
}
