//! The dry run of an import: what a file would change, by names and lines, without values.

use serde::Serialize;

/// What an import would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Names this dry run until it is applied or discarded.
    pub id: String,
    /// Where it would go.
    pub env_id: String,
    /// The file's name without its folder.
    pub file_name: String,
    /// How many entries the file holds.
    pub read: u32,
    /// How many would be new.
    pub added: u32,
    /// How many would get a new version.
    pub changed: u32,
    /// How many have the same value already.
    pub same: u32,
    /// How many cannot be taken as they are.
    pub skipped: u32,
    /// At most 500 rows; the counts cover all.
    pub rows: Vec<ImportRow>,
    /// At most 500 issues.
    pub issues: Vec<ImportIssue>,
}

/// One entry of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ImportRow {
    /// Its line, from 1.
    pub line: u32,
    /// Its name.
    pub name: String,
    /// What it would do.
    pub op: ImportOp,
}

/// What an entry would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum ImportOp {
    /// A new secret.
    Add,
    /// A new version.
    Change,
    /// Nothing: the value is the same.
    Same,
}

/// A line that needs a decision, or cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ImportIssue {
    /// Its line, from 1.
    pub line: u32,
    /// The line it collides with.
    pub other_line: Option<u32>,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What is wrong.
    pub kind: ImportIssueKind,
    /// Another name would solve it.
    pub can_rename: bool,
    /// Choosing one of the two lines would solve it.
    pub can_choose: bool,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum ImportIssueKind {
    /// The name is not one of the allowed names.
    BadName,
    /// The name stands twice.
    Duplicate,
    /// A quote is opened and never closed.
    UnterminatedQuote,
    /// There is no `=`.
    NoEquals,
    /// The value is longer than a secret may be.
    TooLong,
    /// It is not text.
    NotText,
}
