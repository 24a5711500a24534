//! Offboarding: what somebody who leaves could read, and what has been done about it.

use serde::{Deserialize, Serialize};

use super::{Millis, OffboardState, PersonView, PrincipalView, RotationRow};

/// One offboarding of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OffboardRow {
    /// Who leaves.
    pub principal: PrincipalView,
    /// Since when.
    pub started_at: Millis,
    /// How far it is.
    pub state: OffboardState,
    /// Values that have to be replaced.
    pub to_rotate: u32,
    /// Values that are.
    pub rotated: u32,
}

/// One offboarding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OffboardView {
    /// Who leaves.
    pub principal: PrincipalView,
    /// Since when.
    pub started_at: Millis,
    /// Who began it.
    pub by: PersonView,
    /// The links that took the rights.
    pub revoke: OffboardRevoke,
    /// Data keys.
    pub rotations: Vec<RotationRow>,
    /// Secrets they could read.
    pub could_read: u32,
    /// How many rows each list has.
    pub counts: OffboardCounts,
    /// Values marked as replaced.
    pub ticked: u32,
    /// Whether the certificate can be written.
    pub certificate: CertificateState,
    /// The audit log was read up to now.
    pub log_complete: bool,
}

/// The links that took the rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OffboardRevoke {
    /// How many grants ended.
    pub grants: u32,
    /// The first link.
    pub first_link: u32,
    /// The last link.
    pub last_link: u32,
}

/// How many rows each list has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OffboardCounts {
    /// Values they used: to be replaced.
    pub rotate: u32,
    /// Ciphertext was fetched, nothing more is known.
    pub fetched: u32,
    /// Never fetched.
    pub never: u32,
}

/// Whether the certificate can be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct CertificateState {
    /// It can.
    pub ready: bool,
    /// What is missing, in words.
    pub missing: Vec<String>,
}

/// Which list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum OffboardTab {
    /// Values to be replaced.
    Rotate,
    /// Fetched only.
    Fetched,
    /// Never fetched.
    Never,
}

/// A window onto one list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OffboardRows {
    /// Rows of the list.
    pub total: u32,
    /// Index of the first row sent.
    pub offset: u32,
    /// The rows.
    pub rows: Vec<OffboardSecret>,
}

/// One secret they could read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OffboardSecret {
    /// Its environment.
    pub env_id: String,
    /// Which.
    pub secret_id: String,
    /// Its name.
    pub name: String,
    /// Application and environment.
    pub place: String,
    /// The strongest thing they did with it.
    pub strongest: Option<UseKind>,
    /// When they last did anything with it.
    pub last: Option<Millis>,
    /// Whoever wrote its newest version.
    pub owner: Option<PersonView>,
    /// When it got a new value since then.
    pub new_value_since: Option<Millis>,
    /// When it was marked as replaced.
    pub ticked: Option<Millis>,
}

/// What was done with a secret, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum UseKind {
    /// Shown on a screen.
    Revealed,
    /// Copied to a clipboard.
    Copied,
    /// Handed to a process.
    Injected,
    /// Used by the broker.
    Brokered,
    /// Written to a file.
    Exported,
    /// Opened.
    Decrypted,
    /// Fetched as ciphertext.
    Fetched,
}

/// A secret by its place.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// Its environment.
    pub env_id: String,
    /// Which.
    pub secret_id: String,
}
