//! What this computer verified, up to where, and what it cannot know.

use serde::Serialize;

use super::{EnvClass, Millis, PersonView, StopView};

/// The trust page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct TrustView {
    /// This computer.
    pub device: String,
    /// When everything was last verified.
    pub verified_at: Option<Millis>,
    /// The address of the server, or the words for the embedded one.
    pub server: String,
    /// The last link verified.
    pub link: u32,
    /// 80 bits of its head, as 16 characters in groups of four.
    pub head_code: String,
    /// The environments.
    pub commits: Vec<CommitTrust>,
    /// The audit log.
    pub audit: AuditTrust,
    /// What this does not cover, in words.
    pub not_covered: Vec<String>,
    /// What stopped the vault.
    pub stop: Option<StopView>,
    /// Who holds the data keys.
    pub holders: Vec<HolderRow>,
}

/// How far one environment is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct CommitTrust {
    /// Which.
    pub env_id: String,
    /// Application and environment.
    pub place: String,
    /// The last commit verified.
    pub seq: u32,
    /// The code of its head.
    pub code: String,
    /// Every commit was checked here.
    pub complete: bool,
}

/// How far the audit log is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditTrust {
    /// Entries.
    pub size: u32,
    /// The code of its root.
    pub code: String,
    /// Every entry was read and hashed here, not only its proof.
    pub complete: bool,
}

/// Who holds the data key of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct HolderRow {
    /// Which.
    pub env_id: String,
    /// Application and environment.
    pub place: String,
    /// What it is for.
    pub cls: EnvClass,
    /// Living people who hold it.
    pub people: u32,
    /// Who proved it, and when.
    pub drills: Vec<DrillRow>,
    /// This user holds it.
    pub you: bool,
}

/// A proof that somebody holds a data key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct DrillRow {
    /// Who.
    pub person: PersonView,
    /// When.
    pub at: Millis,
    /// It is of the data key in use.
    pub valid: bool,
}

/// How another person’s head compares with this computer’s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum HeadsCompared {
    /// Both saw the same history.
    Same,
    /// They did not: one of them was lied to.
    Differs,
    /// This computer does not know that link yet.
    Unknown,
}
