//! What agents did just now, on this computer.

use serde::Serialize;

use crate::view::Millis;

/// The rows that changed since somebody last asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct LivePage {
    /// New rows and rows that went on, the one that changed longest ago first.
    pub rows: Vec<LiveRow>,
    /// What to ask with next time.
    pub next: u64,
}

/// One request of an agent. It keeps its id while it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct LiveRow {
    /// Rises with the time at which the request came.
    pub id: u64,
    /// When it came.
    pub at: Millis,
    /// The agent's name.
    pub agent: String,
    /// The agent.
    pub agent_id: String,
    /// The method.
    pub method: String,
    /// Host and port.
    pub host: String,
    /// The path without its query.
    pub path: String,
    /// The name of the credential that it used, if it used one.
    pub uses: Option<String>,
    /// What became of it so far.
    pub decision: LiveDecision,
    /// Why it was denied or failed.
    pub why: Option<String>,
    /// The status that came back.
    pub status: Option<u16>,
    /// How long it took.
    pub millis: Option<u64>,
    /// Bytes of request and answer together.
    pub bytes: Option<u64>,
    /// The process that asked, as the system knows it.
    pub process: Option<String>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum LiveDecision {
    /// It waits for a person.
    Held,
    /// The policy allowed it.
    Allowed,
    /// A person allowed it.
    Approved,
    /// It was not sent.
    Denied,
    /// It was sent, and its answer did not come back whole.
    Failed,
}
