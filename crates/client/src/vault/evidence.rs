//! What is left of a contradiction: both signed objects, in a file that anybody can judge.

use serde::{Deserialize, Serialize};
use strongroom_format::id::{EnvId, OrgId};
use strongroom_format::wire::B64;

use super::error::Stop;

/// The content of an evidence file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Evidence {
    /// The version of this format.
    pub version: u32,
    /// Which organisation.
    pub org: OrgId,
    /// Which environment; absent where the chain itself contradicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<EnvId>,
    /// What happened, in words.
    pub what: String,
    /// When this computer noticed, in milliseconds since 1970.
    pub noticed_ms: u64,
    /// The signed object that this computer had verified.
    pub verified: B64,
    /// What the server showed; empty where it showed nothing.
    pub shown: B64,
}

impl Evidence {
    /// Evidence of `stop`.
    pub fn new(
        org: OrgId,
        env: Option<EnvId>,
        stop: &Stop,
        verified: &[u8],
        shown: &[u8],
        noticed_ms: u64,
    ) -> Self {
        Self {
            version: 1,
            org,
            env,
            what: format!("{:?} at {}", stop.kind, stop.place),
            noticed_ms,
            verified: B64(verified.to_vec()),
            shown: B64(shown.to_vec()),
        }
    }
}
