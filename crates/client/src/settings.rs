//! What a person chose on this computer: locking, clipboard, looks. Nothing here is secret.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::disk::{self, DiskError};

const FILE: &str = "settings.json";
const MAX_FILE: usize = 16 * 1024;

/// Which colours the windows wear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the desktop does.
    #[default]
    System,
    /// Always dark.
    Dark,
    /// Always light.
    Light,
}

/// How high a row of a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowHeight {
    /// More rows on a screen.
    #[default]
    Compact,
    /// More air.
    Roomy,
}

/// The settings. [`Settings::default`] is what holds until somebody chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// Minutes without keyboard or mouse until the vault locks; 0 never. One of
    /// [`Settings::AUTO_LOCK_MINUTES`].
    pub auto_lock_minutes: u32,
    /// Lock when the desktop locks its screen.
    pub lock_on_screen_lock: bool,
    /// Lock when the computer goes to sleep.
    pub lock_on_sleep: bool,
    /// Seconds until a copied secret is cleared. One of [`Settings::CLIPBOARD_SECONDS`].
    pub clipboard_seconds: u32,
    /// Seconds until a revealed secret is hidden. One of [`Settings::REVEAL_SECONDS`].
    pub reveal_seconds: u32,
    /// Colours.
    pub theme: Theme,
    /// Height of rows.
    pub row_height: RowHeight,
    /// Whether single letters act in lists.
    pub single_keys: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            auto_lock_minutes: 10,
            lock_on_screen_lock: true,
            lock_on_sleep: true,
            clipboard_seconds: 30,
            reveal_seconds: 15,
            theme: Theme::default(),
            row_height: RowHeight::default(),
            single_keys: true,
        }
    }
}

/// Why settings were not read or kept.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A number that is not among the choices of the named field.
    #[error("{field} is not one of the choices")]
    NotAChoice {
        /// The field.
        field: &'static str,
    },
    /// The file is not a settings file. [`Settings::default`] holds until the next save.
    #[error("the settings file cannot be read")]
    Broken,
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// The file: the settings and the version of their form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    settings: Settings,
}

const VERSION: u32 = 1;

impl Settings {
    /// What [`Settings::auto_lock_minutes`] may be.
    pub const AUTO_LOCK_MINUTES: [u32; 7] = [0, 1, 5, 10, 15, 30, 60];
    /// What [`Settings::clipboard_seconds`] may be.
    pub const CLIPBOARD_SECONDS: [u32; 4] = [10, 30, 60, 90];
    /// What [`Settings::reveal_seconds`] may be.
    pub const REVEAL_SECONDS: [u32; 3] = [10, 15, 30];

    /// Whether every field is one of its choices.
    pub fn check(&self) -> Result<(), SettingsError> {
        let fields: [(&'static str, u32, &[u32]); 3] = [
            ("autoLockMinutes", self.auto_lock_minutes, &Self::AUTO_LOCK_MINUTES),
            ("clipboardSeconds", self.clipboard_seconds, &Self::CLIPBOARD_SECONDS),
            ("revealSeconds", self.reveal_seconds, &Self::REVEAL_SECONDS),
        ];
        match fields.into_iter().find(|(_, value, choices)| !choices.contains(value)) {
            Some((field, ..)) => Err(SettingsError::NotAChoice { field }),
            None => Ok(()),
        }
    }

    /// The settings kept in `folder`, or the defaults if none were kept yet.
    ///
    /// A file that cannot be read is an error and not a default: the caller falls back to the
    /// defaults, which lock and clear, and says so.
    pub fn load(folder: &Path) -> Result<Self, SettingsError> {
        let bytes = match disk::read(&path(folder), MAX_FILE) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Self::default()),
            Err(e) if e.is_oversized() => return Err(SettingsError::Broken),
            Err(e) => return Err(e.into()),
        };
        let file: File = serde_json::from_slice(&bytes).map_err(|_| SettingsError::Broken)?;
        if file.version != VERSION {
            return Err(SettingsError::Broken);
        }
        file.settings.check().map_err(|_| SettingsError::Broken)?;
        Ok(file.settings)
    }

    /// Checks the settings and keeps them in `folder`.
    pub fn save(&self, folder: &Path) -> Result<(), SettingsError> {
        self.check()?;
        let file = File { version: VERSION, settings: self.clone() };
        let bytes = serde_json::to_vec_pretty(&file).map_err(|_| SettingsError::Broken)?;
        Ok(disk::replace(&path(folder), &bytes)?)
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_back_and_start_with_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Settings::load(folder.path()).unwrap(), Settings::default());
        let chosen = Settings { auto_lock_minutes: 0, theme: Theme::Dark, ..Settings::default() };
        chosen.save(folder.path()).unwrap();
        assert_eq!(Settings::load(folder.path()).unwrap(), chosen);
    }

    #[test]
    fn the_defaults_are_choices() {
        assert!(Settings::default().check().is_ok());
    }

    #[test]
    fn a_number_that_is_no_choice_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let odd = Settings { clipboard_seconds: 3600, ..Settings::default() };
        assert!(matches!(
            odd.save(folder.path()),
            Err(SettingsError::NotAChoice { field: "clipboardSeconds" })
        ));
        assert!(!path(folder.path()).exists());
    }

    #[test]
    fn a_file_that_is_not_exactly_ours_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        Settings::default().save(folder.path()).unwrap();
        let good = std::fs::read_to_string(path(folder.path())).unwrap();
        for bad in [
            good.replace("\"version\": 1", "\"version\": 2"),
            good.replace("\"theme\"", "\"colour\""),
            good.replace("\"clipboardSeconds\": 30", "\"clipboardSeconds\": 31"),
            format!("{good} x"),
            String::new(),
            format!("{good}{}", " ".repeat(MAX_FILE)),
        ] {
            assert_ne!(bad, good);
            std::fs::write(path(folder.path()), bad).unwrap();
            assert!(matches!(Settings::load(folder.path()), Err(SettingsError::Broken)));
        }
    }
}
