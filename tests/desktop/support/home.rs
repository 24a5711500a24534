//! A private home for one or more runs of the program.

use std::path::Path;

use tempfile::TempDir;

/// Folders in which the program keeps what it keeps. They go with this value.
pub(crate) struct Home(TempDir);

impl Home {
    /// An empty one, as on a new computer.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for temporary files"))
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The variables that make the program use it.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let below = |name: &str| self.0.path().join(name).display().to_string();
        vec![
            ("HOME", below("home")),
            ("XDG_DATA_HOME", below("data")),
            ("XDG_CONFIG_HOME", below("config")),
            ("XDG_CACHE_HOME", below("cache")),
            ("XDG_STATE_HOME", below("state")),
            ("LANG", "C.UTF-8".to_owned()),
        ]
    }
}
