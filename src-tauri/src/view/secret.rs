//! Secrets without their values: names, versions, people.

use serde::{Deserialize, Serialize};

use super::{EnvClass, Millis, PersonView, Span, StagedOp};

/// Which rows of an environment the table wants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RowsQuery {
    /// The environment.
    pub env_id: String,
    /// Letters to look for in names; empty keeps all.
    pub filter: String,
    /// The column that orders the rows.
    pub sort: SortKey,
    /// From the last to the first.
    pub descending: bool,
    /// Only rows with a change that waits to be signed.
    pub staged_only: bool,
    /// The first row wanted.
    pub offset: u32,
    /// How many rows are wanted.
    pub limit: u32,
}

/// The column that orders the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum SortKey {
    /// By name.
    Name,
    /// By the time of the newest version.
    ChangedAt,
    /// By the number of versions.
    Version,
}

/// A window onto the rows of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct RowsView {
    /// How many secrets the environment holds, staged ones included.
    pub total: u32,
    /// How many the filter keeps.
    pub matched: u32,
    /// The index of the first row sent.
    pub offset: u32,
    /// The rows.
    pub rows: Vec<SecretRow>,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SecretRow {
    /// The secret.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its newest signed version; 0 if it is not signed yet.
    pub version: u32,
    /// Who signed that version.
    pub changed_by: PersonView,
    /// When.
    pub changed_at: Millis,
    /// The first line of its note, cut.
    pub note: Option<String>,
    /// Where the filter matched the name.
    pub matches: Vec<Span>,
    /// What its details say it is.
    pub kind: SecretKind,
    /// The change that waits.
    pub staged: Option<StagedOp>,
    /// The version that the waiting change becomes.
    pub next_version: Option<u32>,
}

/// What a secret is, by its details and never by its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum SecretKind {
    /// Any text.
    Text,
    /// A key or certificate in PEM armour.
    Pem,
    /// It refers to another secret.
    Reference,
}

/// Everything about one secret but its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SecretDetail {
    /// The secret.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its whole note.
    pub note: Option<String>,
    /// Its newest signed version.
    pub version: u32,
    /// The change that waits.
    pub staged: Option<StagedOp>,
    /// Who holds the data key.
    pub readers: Vec<ReaderRow>,
    /// The versions known on this computer, newest first.
    pub versions: Vec<VersionRow>,
}

/// One reader, with the link of the chain that made them one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ReaderRow {
    /// Who.
    pub person: PersonView,
    /// The number of the link that granted it.
    pub link: u32,
    /// `R`, `RW` or `RWG`.
    pub rights: String,
    /// When the grant ends.
    pub ends_at: Option<Millis>,
}

/// One version of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct VersionRow {
    /// Its number, from 1.
    pub version: u32,
    /// Who signed it.
    pub by: PersonView,
    /// When.
    pub at: Millis,
    /// The commit that carried it.
    pub commit: u32,
    /// This version took the secret away.
    pub deleted: bool,
}

/// The answer of the palette.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct PaletteView {
    /// How many secrets were looked at.
    pub searched: u32,
    /// How long that took, in whole milliseconds.
    pub took_ms: u32,
    /// The best matches, best first.
    pub hits: Vec<PaletteHit>,
}

/// One match of the palette.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct PaletteHit {
    /// Where the secret is.
    pub env_id: String,
    /// The secret.
    pub secret_id: String,
    /// Its name.
    pub name: String,
    /// The name of its application.
    pub app_name: String,
    /// The name of its environment.
    pub env_name: String,
    /// What that environment is for.
    pub class: EnvClass,
    /// This user holds the data key.
    pub readable: bool,
    /// Where the query matched the name.
    pub matches: Vec<Span>,
}
