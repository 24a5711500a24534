//! Changes that exist on this computer only, until they are signed.

use serde::{Deserialize, Serialize};

use super::{Millis, PersonView};

/// What waits in one environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct StagedSummary {
    /// New secrets.
    pub added: u32,
    /// Changed secrets.
    pub changed: u32,
    /// Deleted secrets.
    pub deleted: u32,
    /// There is a step to take back.
    pub can_undo: bool,
    /// There is a step to take again.
    pub can_redo: bool,
}

/// What a change does to a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum StagedOp {
    /// It is new.
    Add,
    /// It gets a new version.
    Change,
    /// It goes.
    Delete,
}

/// One line of the review sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct StagedRow {
    /// The secret.
    pub secret_id: String,
    /// Its name after the change.
    pub name: String,
    /// What happens to it.
    pub op: StagedOp,
    /// The signed version it starts from.
    pub from_version: Option<u32>,
    /// The version it becomes.
    pub to_version: u32,
    /// Which parts differ.
    pub what: Vec<StagedWhat>,
    /// When it was staged.
    pub at: Millis,
}

/// A part of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum StagedWhat {
    /// Its name.
    Name,
    /// Its value.
    Value,
    /// Its note.
    Note,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum CommitOutcome {
    /// It is signed, accepted and pinned.
    Signed {
        /// Its number.
        commit: u32,
        /// How many secrets it changed.
        changes: u32,
    },
    /// Others changed the same secrets first. Nothing was signed.
    Conflict {
        /// One row for each such secret.
        conflicts: Vec<ConflictRow>,
    },
}

/// A secret that somebody else changed in the meantime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ConflictRow {
    /// The secret.
    pub secret_id: String,
    /// Its name.
    pub name: String,
    /// Their version.
    pub their_version: u32,
    /// Who.
    pub their_by: PersonView,
    /// When.
    pub their_at: Millis,
    /// They deleted it.
    pub deleted: bool,
}

/// Which side of a conflict stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum Keep {
    /// The staged change is dropped.
    Theirs,
    /// The staged change becomes the version after theirs.
    Mine,
}
