//! Settings of this computer.

use serde::{Deserialize, Serialize};

use super::KeyringState;

/// All settings. The last five fields are facts about this computer: they are shown, and what comes
/// back in them is not looked at.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the settings page")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsView {
    /// Minutes without a key or pointer until the vault locks: 0 (never), 1, 5, 10, 15, 30 or 60.
    pub auto_lock_minutes: u32,
    /// Lock when the screen locks.
    pub lock_on_screen_lock: bool,
    /// Lock before sleep.
    pub lock_on_sleep: bool,
    /// Seconds until a copied value is cleared: 10, 30, 60 or 90.
    pub clipboard_seconds: u32,
    /// Seconds a value is shown: 10, 15 or 30.
    pub reveal_seconds: u32,
    /// The colours.
    pub theme: Theme,
    /// The height of table rows.
    pub row_height: RowHeight,
    /// Single letters act in lists.
    pub single_keys: bool,
    /// The desktop tells when its screen locks.
    pub screen_lock_signal: bool,
    /// This system can hide secure windows from screen capture.
    pub content_protection: bool,
    /// The state of the keyring.
    pub keyring: KeyringState,
    /// Where the vaults of this computer lie.
    pub data_folder: String,
}

/// The colours of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum Theme {
    /// As the desktop says.
    #[default]
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// The height of table rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum RowHeight {
    /// 32 pixels.
    #[default]
    Compact,
    /// 40 pixels.
    Roomy,
}
