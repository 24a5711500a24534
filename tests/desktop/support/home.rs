//! A private home for one or more runs of the program.

use std::path::Path;

use tempfile::TempDir;

use super::bus::Bus;

/// Folders in which the program keeps what it keeps. They go with this value.
pub(crate) struct Home {
    folder: TempDir,
    /// A session bus with a keyring of its own; none on the bus of the whole test.
    bus: Option<Bus>,
}

impl Home {
    /// An empty one, as on a new computer.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder for temporary files"), bus: None }
    }

    /// One more computer beside others: its programs and keyring do not find those of the others.
    pub(crate) fn of_another_person() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let bus = Bus::start(folder.path());
        Self { folder, bus: Some(bus) }
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
        all.extend(self.bus.as_ref().map(|bus| ("DBUS_SESSION_BUS_ADDRESS", bus.address())));
        all
    }
}
