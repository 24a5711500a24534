//! Records: what the broker wrote down before and after it used a credential.

use serde::{Deserialize, Serialize};
use strongroom_format::id::AgentId;
use strongroom_policy::SecretAt;

/// How a request of an agent ended, or that it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The credential is about to leave; written before it does.
    Sent,
    /// The answer came back whole.
    Done,
    /// The upstream, the agent or the broker broke off after the credential had left.
    Broken,
    /// A person allowed it. Not about a use: the use has its own record.
    Approved,
    /// A person said no.
    Refused,
    /// Nobody answered in time.
    TimedOut,
    /// The policy said no.
    Denied,
    /// A fake token was seen where it must never go.
    Alarm,
}

/// What the broker writes down about one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Position in the journal, from 1, without gaps.
    pub seq: u64,
    /// The request: `Sent` and how it ended share it.
    pub request: u64,
    /// In milliseconds since 1970.
    pub time_ms: u64,
    /// Which agent.
    pub agent: AgentId,
    /// Which session of it.
    pub session: u64,
    /// Which credential, and which version of it; `None` where none was used.
    pub secret: Option<(SecretAt, u64)>,
    /// The standing fake token that it came with; 0 for none.
    pub token: u64,
    /// How it ended, or that it began.
    pub outcome: Outcome,
    /// The method.
    pub method: String,
    /// Host and port, as in a URL.
    pub host: String,
    /// The path without its query, cut at 256 bytes.
    pub path: String,
    /// The executable of the process that asked, as the system knows it; empty where unknown.
    pub process: String,
    /// The status that came back; 0 for none.
    pub status: u16,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Bytes of request and answer together.
    pub bytes: u64,
    /// Why not, in words; empty where it was allowed.
    pub why: String,
}
