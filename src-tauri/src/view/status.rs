//! The status bar: what this computer verified, and what is going on.

use serde::Serialize;

use super::Millis;

/// The status bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// The server's address, or the words for the embedded one.
    pub server: String,
    /// The server runs inside this program.
    pub embedded: bool,
    /// The last successful sync.
    pub last_sync: Option<Millis>,
    /// How far verification is.
    pub state: VerifyState,
    /// The last link of the organisation's chain verified here.
    pub link: u32,
    /// The last commit verified here, over all environments.
    pub commit: u32,
    /// The last audit entry verified here.
    pub audit: u32,
    /// Statements checked, while checking.
    pub checked: u32,
    /// Statements to check, while checking.
    pub to_check: u32,
    /// A value of ours lies on the clipboard.
    pub clipboard: Option<CopyView>,
    /// When the vault locks if nobody touches it.
    pub locks_at: Option<Millis>,
    /// When the last check ended.
    pub verified_at: Option<Millis>,
    /// What stopped the vault.
    pub stop: Option<StopView>,
    /// This computer, as the audit log names it.
    pub device: String,
}

/// How far verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum VerifyState {
    /// Everything received was checked.
    Verified,
    /// A check is running.
    Checking,
    /// The server has not been reached for a while.
    Behind,
    /// The server's history contradicts what this computer pinned.
    Stopped,
}

/// The evidence that the server's history differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct StopView {
    /// In which way it differs.
    pub code: StopCode,
    /// What differs, in words.
    pub what: String,
    /// What this computer pinned.
    pub pinned: String,
    /// What the server showed.
    pub shown: String,
    /// Where the evidence was saved.
    pub evidence: Option<String>,
    /// The audit log alone differs, and this user may accept the one that the server has now.
    pub can_reset: bool,
}

/// In which way a history differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum StopCode {
    /// Two histories with a common past.
    Fork,
    /// An older state than the pinned one.
    Rollback,
    /// A statement that does not verify.
    Invalid,
}

/// A value on the clipboard: its name and the end of its time there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct CopyView {
    /// The name of the secret.
    pub name: String,
    /// When it is cleared.
    pub clears_at: Millis,
}

/// Work that takes longer than a blink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ProgressView {
    /// Names the work, for `task_cancel`.
    pub task: String,
    /// What it is.
    pub kind: ProgressKind,
    /// Steps done. Equal to `total`: it ended.
    pub done: u32,
    /// Steps in all.
    pub total: u32,
    /// It can be cancelled now.
    pub cancellable: bool,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum ProgressKind {
    /// A vault is unlocked.
    Unlock,
    /// A vault is made.
    Create,
    /// The sample is made.
    Sample,
    /// A file is imported.
    Import,
    /// Changes are signed.
    Commit,
    /// The server is asked.
    Sync,
    /// Statements are verified.
    Verify,
    /// A data key is replaced.
    Rotate,
    /// Links are signed.
    Sign,
    /// A code is used to join.
    Join,
    /// A vault is restored from its Emergency Kit.
    Restore,
    /// The browser is asked to sign in.
    SignIn,
    /// New entries of the audit log are read.
    ReadLog,
    /// The whole audit log is checked.
    VerifyLog,
    /// Entries of the audit log are written to a file.
    ExportLog,
}
