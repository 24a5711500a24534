//! Who may read what, which changes are staged, and why a cell is as it is.

use serde::{Deserialize, Serialize};

use super::{EnvClass, Millis, PersonView, PrincipalView, Role, Trust};

/// Rows and columns of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AccessAxes {
    /// Tiles of another version are stale.
    pub version: u32,
    /// Principals, in display order.
    pub rows: Vec<AccessRow>,
    /// Environments, in display order.
    pub columns: Vec<AccessColumn>,
    /// What waits to be signed.
    pub staged: AccessStaged,
}

/// One row: a principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AccessRow {
    /// Who.
    pub principal: PrincipalView,
    /// The role of a person.
    pub role: Option<Role>,
    /// How the keys of a person were checked.
    pub trust: Option<Trust>,
    /// Everything they hold is staged to be revoked.
    pub leaving: bool,
}

/// One column: an environment or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AccessColumn {
    /// The environment.
    pub env_id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub cls: EnvClass,
    /// Its application.
    pub app_id: String,
    /// The name of its application.
    pub app: String,
    /// It is a group that others compose.
    pub group: bool,
    /// How many secrets it holds.
    pub secrets: u32,
    /// How many living people hold its data key.
    pub people: u32,
    /// Its data key must be replaced before anything else is signed.
    pub due: bool,
    /// This user may change this column.
    pub can_grant: bool,
}

/// What is staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AccessStaged {
    /// Changed cells.
    pub count: u32,
    /// Principals who gain something.
    pub gains: u32,
    /// Principals who lose something.
    pub loses: u32,
    /// Data keys to be replaced after signing.
    pub keys_replaced: u32,
    /// There is a step to take back.
    pub can_undo: bool,
    /// There is a step to take again.
    pub can_redo: bool,
}

/// A square of 32 by 32 cells; empty cells are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AccessTile {
    /// The version of the axes it belongs to.
    pub version: u32,
    /// Its cells.
    pub cells: Vec<AccessCell>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AccessCell {
    /// Index of its row.
    pub row: u32,
    /// Index of its column.
    pub col: u32,
    /// What the principal has there.
    pub state: CellState,
    /// Bits: read 1, write 2, grant 4.
    pub rights: u8,
    /// When the rights lapse.
    pub ends_at: Option<Millis>,
    /// When the principal last decrypted something there; none with state `key`: never.
    pub last_decrypt: Option<Millis>,
    /// What is staged for it.
    pub staged: Option<StagedCell>,
}

/// What is staged for a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct StagedCell {
    /// Bits; 0 revokes.
    pub rights: u8,
    /// When the rights lapse.
    pub ends_at: Option<Millis>,
}

/// What a principal has in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum CellState {
    /// Holds the data key.
    Key,
    /// Was granted it, and nobody wrapped the data key yet.
    Waits,
    /// May manage it, and holds no key.
    Role,
    /// Uses it through the broker.
    Use,
    /// A reviewer: never a key.
    Never,
}

/// What a principal has in an environment, or that it has nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum ExplainState {
    /// Holds the data key.
    Key,
    /// Was granted it, and nobody wrapped the data key yet.
    Waits,
    /// May manage it, and holds no key.
    Role,
    /// Uses it through the broker.
    Use,
    /// A reviewer: never a key.
    Never,
    /// Nothing.
    None,
}

/// One staged change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessChange {
    /// Who.
    pub principal_id: String,
    /// Where.
    pub env_id: String,
    /// Bits; 0 revokes.
    pub rights: u8,
    /// When the rights lapse.
    pub ends_at: Option<Millis>,
}

/// Why a cell is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AccessExplain {
    /// Who.
    pub principal: PrincipalView,
    /// How the keys of a person were checked.
    pub trust: Option<Trust>,
    /// Application and environment.
    pub place: String,
    /// What the environment is for.
    pub cls: EnvClass,
    /// What the principal has there.
    pub state: ExplainState,
    /// Bits: read 1, write 2, grant 4.
    pub rights: u8,
    /// When the rights lapse.
    pub ends_at: Option<Millis>,
    /// The epoch in which the data key was wrapped for it.
    pub epoch: Option<u32>,
    /// Since when it holds the data key.
    pub holds_since: Option<Millis>,
    /// The link that gives the right.
    pub because: Option<Because>,
    /// The role of a person.
    pub role: Option<Role>,
    /// When it last fetched ciphertext from there.
    pub last_fetched: Option<FetchedAt>,
    /// When it last decrypted something there.
    pub last_decrypted: Option<DecryptedAt>,
    /// Secrets it could read.
    pub could_read: u32,
    /// Secrets of which it decrypted something.
    pub used: u32,
    /// All of it in one sentence.
    pub sentence: String,
}

/// The link that gives a right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct Because {
    /// Who signed it.
    pub by: PersonView,
    /// Its number.
    pub link: u32,
    /// When.
    pub at: Millis,
}

/// A fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct FetchedAt {
    /// When.
    pub at: Millis,
    /// From which address.
    pub from: String,
}

/// A decryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct DecryptedAt {
    /// When.
    pub at: Millis,
    /// On which device.
    pub device: String,
}

/// What signing the staged changes would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AccessReview {
    /// Who gains what.
    pub gains: Vec<ReviewPerson>,
    /// Who loses what.
    pub loses: Vec<ReviewPerson>,
    /// What happens, step by step.
    pub what: Vec<ReviewAct>,
    /// The text of the one box to be ticked.
    pub check: Option<String>,
    /// Why the policy forbids it; then it cannot be signed.
    pub blocked: Option<String>,
    /// How many links.
    pub links: u32,
    /// How many data keys are replaced.
    pub keys_replaced: u32,
    /// How many secrets are sealed anew.
    pub secrets_resealed: u32,
}

/// One principal of the review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ReviewPerson {
    /// Who.
    pub principal: PrincipalView,
    /// How the keys of a person were checked.
    pub trust: Option<Trust>,
    /// What to know about it.
    pub note: Option<String>,
    /// What changes for it.
    pub lines: Vec<ReviewLine>,
}

/// One change for a principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ReviewLine {
    /// In words.
    pub text: String,
    /// How many secrets it is about.
    pub secrets: u32,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ReviewAct {
    /// Of which kind.
    pub kind: ReviewKind,
    /// In words.
    pub text: String,
    /// The person to compare six words with first.
    pub compare_with: Option<String>,
}

/// Kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum ReviewKind {
    /// Links are signed.
    Sign,
    /// A data key is replaced.
    Rotate,
    /// Something to know before signing.
    Warn,
}

/// What the question “who can read this” is about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum WhoSubject {
    /// An environment.
    Environment {
        /// Which.
        id: String,
    },
    /// A secret.
    Secret {
        /// Its environment.
        env_id: String,
        /// Which.
        id: String,
    },
    /// A person, a token or an agent.
    Principal {
        /// Which.
        id: String,
    },
}

/// Who can read something, by which rule, and who did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct WhoView {
    /// What it is about.
    pub title: String,
    /// Where that is.
    pub subtitle: String,
    /// One row for each right.
    pub rows: Vec<WhoRow>,
}

/// One right, and what was done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct WhoRow {
    /// Who.
    pub principal: PrincipalView,
    /// How the keys of a person were checked.
    pub trust: Option<Trust>,
    /// Application and environment.
    pub place: String,
    /// The environment.
    pub env_id: String,
    /// Bits: read 1, write 2, grant 4.
    pub rights: u8,
    /// When the rights lapse.
    pub ends_at: Option<Millis>,
    /// By which rule, in words.
    pub rule: String,
    /// The link that says so.
    pub link: u32,
    /// Last fetched, from the audit log.
    pub fetched: Option<Millis>,
    /// Last decrypted.
    pub decrypted: Option<Millis>,
    /// Last revealed.
    pub revealed: Option<Millis>,
    /// Last copied.
    pub copied: Option<Millis>,
}
