//! The whole window: which vault, and whether it is open.

use serde::{Deserialize, Serialize};

use super::{Millis, SettingsView};

/// What the window shows first: it is enough to draw the frame before anything is unlocked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AppView {
    /// Which of the three faces the window has.
    pub phase: Phase,
    /// The version of this program.
    pub version: String,
    /// The vaults known on this computer.
    pub vaults: Vec<VaultView>,
    /// The id of the selected vault.
    pub current: Option<String>,
    /// Why and since when the vault is locked, in phase `locked`.
    pub locked: Option<LockView>,
    /// The open vault asked to be let into an organisation and is not in yet.
    pub waiting: Option<WaitingView>,
    /// Whether the system keeps keys for us.
    pub keyring: KeyringState,
    /// Known before unlock, because the theme is one of them.
    pub settings: SettingsView,
}

/// A vault between asking to join and being let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct WaitingView {
    /// Six words of the organisation's id.
    pub organisation_words: String,
    /// This user's own fingerprint, which the inviter sees too.
    pub fingerprint: String,
    /// The server.
    pub server: String,
    /// When it asked.
    pub since: Millis,
}

/// The three faces of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// No vault is on this computer yet.
    Welcome,
    /// A vault is selected and its keys are not in memory.
    Locked,
    /// The selected vault is open.
    Open,
}

/// A vault on this computer, by what may be shown while it is locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct VaultView {
    /// The local id of the vault.
    pub id: String,
    /// The label its owner chose on this computer; the server never sees it.
    pub label: String,
    /// The address of its server, or the words for the embedded one.
    pub server: String,
    /// The server runs inside this program.
    pub embedded: bool,
    /// A sample with invented people.
    pub sample: bool,
    /// When it was last open here.
    pub last_opened: Option<Millis>,
}

/// Why the vault is locked, and what locking did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct LockView {
    /// What locked it.
    pub reason: LockReason,
    /// When.
    pub at: Millis,
    /// How long nobody was there, for reason `idle`.
    pub idle_minutes: Option<u32>,
    /// How many staged changes wait for the next unlock.
    pub staged_kept: u32,
    /// A copied value was taken off the clipboard.
    pub clipboard_cleared: bool,
}

/// What locked a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum LockReason {
    /// The program has just started.
    Start,
    /// Its user asked for it.
    User,
    /// Nobody touched the program for the time set.
    Idle,
    /// The desktop's screen was locked.
    Screen,
    /// The computer is about to sleep.
    Sleep,
    /// The program is closing.
    Quit,
}

/// Whether the system's keyring can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum KeyringState {
    /// It answers.
    Available,
    /// This desktop has none.
    Missing,
    /// It is there and waits to be unlocked.
    Locked,
}
