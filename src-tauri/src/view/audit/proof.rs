//! What one entry proves, what the whole log proves, and what neither does.

use serde::Serialize;

use super::{AuditRow, Millis, PrincipalView};

/// One entry with its raw fields and its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// As in the table.
    pub row: AuditRow,
    /// Everything that was hashed and signed, in order.
    pub fields: Vec<AuditField>,
    /// The proof that it is in the log.
    pub proof: AuditProof,
    /// What this row proves and what it does not.
    pub sentence: String,
    /// The entry of the same actor before this one.
    pub before: Option<u64>,
    /// The entry of the same actor after this one.
    pub after: Option<u64>,
    /// Opens this row, for whoever may read the log.
    pub link: String,
}

/// One raw field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditField {
    /// What it is.
    pub label: String,
    /// What it says.
    pub text: String,
    /// It is an id, a hash or an address.
    pub mono: bool,
}

/// That an entry is in the log of a signed size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditProof {
    /// The size.
    pub size: u64,
    /// The root of that size, in hexadecimal.
    pub root: String,
    /// The neighbours on the way up, in hexadecimal.
    pub hashes: Vec<String>,
    /// It was checked here.
    pub verified: bool,
    /// The same as a C2SP tlog-proof, to be saved.
    pub text: String,
}

/// What a full check came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditVerified {
    /// Every step holds.
    pub ok: bool,
    /// How many entries were checked.
    pub entries: u64,
    /// When.
    pub at: Millis,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// What was checked.
    pub steps: Vec<AuditStep>,
    /// The first entry that is not what it should be.
    pub bad: Option<AuditBad>,
    /// Where it fails: the last head that is known to be good, in words.
    pub last_good: Option<String>,
    /// The root, in hexadecimal.
    pub root: String,
    /// The newest link that repeats a root of this log.
    pub anchor: Option<AnchorView>,
    /// How far the server's clock is ahead of this computer's, in milliseconds.
    pub clock_ahead_ms: Option<Millis>,
    /// What this does not prove, a sentence each.
    pub limits: Vec<String>,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditStep {
    /// Which.
    pub id: AuditStepId,
    /// The claim.
    pub title: String,
    /// The claim in numbers.
    pub detail: String,
    /// It holds; none where there is nothing to check yet.
    pub ok: Option<bool>,
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum AuditStepId {
    /// The log's key signed the size and the root.
    Checkpoint,
    /// The log only grew.
    Grew,
    /// Every entry is under the root.
    Included,
    /// The signatures of whoever acted hold.
    Signed,
    /// What this user did is there.
    Own,
    /// Others saw the same log.
    Others,
}

/// An entry that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditBad {
    /// Which; none where it is only known that there is one.
    pub entry: Option<u64>,
    /// Why.
    pub why: String,
}

/// A link that repeats a root of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AnchorView {
    /// Which.
    pub link: u64,
    /// When it was signed.
    pub at: Millis,
    /// The size it repeats.
    pub size: u64,
}

/// A head of the log, to be compared with what somebody else sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditCompared {
    /// Of which size.
    pub size: u64,
    /// Eight groups of four characters over log, size and root.
    pub code: String,
    /// What it means when both are the same.
    pub sentence: String,
}

/// A new log that an owner accepted in place of one that this computer had verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct NewLogView {
    /// The link that says so.
    pub link: u64,
    /// The owner who signed it.
    pub by: PrincipalView,
    /// When, by the owner's clock.
    pub at: Millis,
    /// How many entries of the old log the owner's computer had verified.
    pub size: u64,
    /// How many this computer had verified.
    pub verified_here: u64,
    /// The two had verified two logs of this same size: somebody was shown another one.
    pub differs: bool,
    /// The new log is signed with another key.
    pub new_key: bool,
    /// Somebody has seen this here.
    pub acknowledged: bool,
}
