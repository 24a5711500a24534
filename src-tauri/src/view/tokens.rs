//! Service tokens.

use serde::{Deserialize, Serialize};

use super::{Millis, PersonView};

/// The page of service tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct TokensView {
    /// Tokens that work.
    pub living: Vec<TokenRow>,
    /// Revoked and expired ones.
    pub ended: Vec<TokenRow>,
    /// This user may make and revoke them.
    pub can_manage: bool,
}

/// One token, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct TokenRow {
    /// The token.
    pub id: String,
    /// Its name in the directory.
    pub name: String,
    /// What it may do, and where.
    pub scopes: Vec<TokenScope>,
    /// When it expires.
    pub ends_at: Option<Millis>,
    /// When it was revoked.
    pub revoked_at: Option<Millis>,
    /// Who signed it.
    pub issued_by: PersonView,
    /// When.
    pub issued_at: Millis,
    /// The link that carries it.
    pub link: u32,
    /// When the server last saw it.
    pub last_use: Option<Millis>,
    /// From which address.
    pub from: Option<String>,
    /// What should be looked at.
    pub findings: Vec<TokenFinding>,
}

/// What a token may do in one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct TokenScope {
    /// Where.
    pub env_id: String,
    /// Application and environment.
    pub place: String,
    /// Bits: read 1, write 2.
    pub rights: u8,
}

/// What should be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum TokenFinding {
    /// It expires within two weeks.
    EndsSoon,
    /// It was not used for a month.
    Stale,
    /// It was never used, a week after it was made.
    NeverUsed,
    /// It reads more than three environments, or all of an application with production among them.
    Broad,
    /// It has no end.
    NeverEnds,
}

/// What a new token may do in one environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenScopeSpec {
    /// Where.
    pub env_id: String,
    /// Bits: read 1, write 2.
    pub rights: u8,
}
