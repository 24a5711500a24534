//! What is left of a contradiction: what this device had verified, what it was shown instead, and
//! the chain by which anybody can say who signed what.
//!
//! The server signs nothing but audit checkpoints, so a file proves who *signed*; that it was the
//! server who showed it is the word of whoever holds the file, and the judgement says so.

mod judge;

use serde::{Deserialize, Serialize};
use strongroom_format::id::{EnvId, OrgId};
use strongroom_format::wire::B64;

pub use judge::{Judgement, Unreadable, judge};

/// The largest evidence file that is read, in bytes.
pub const MAX_FILE: usize = 256 * 1024 * 1024;
/// The version of this format.
pub const VERSION: u32 = 2;

/// The content of an evidence file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Evidence {
    /// The version of this format.
    pub version: u32,
    /// Which organisation.
    pub org: OrgId,
    /// Which environment; absent where the chain or the audit log contradicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<EnvId>,
    /// What happened, in words.
    pub what: String,
    /// When this computer noticed, in milliseconds since 1970.
    pub noticed_ms: u64,
    /// The signed object that this computer had verified: a link, a commit or a checkpoint. Empty
    /// where nothing was there yet.
    pub verified: B64,
    /// What the server showed; empty where it showed nothing.
    pub shown: B64,
    /// The organisation's chain as this computer had verified it, from its genesis.
    pub chain: Vec<B64>,
}

#[cfg(test)]
mod tests;
