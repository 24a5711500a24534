//! Requests that wait for a person.

use serde::{Deserialize, Serialize};
use strongroom_format::id::AgentId;
use strongroom_policy::{SecretAt, effect::Sentence};

/// A request that waits for a person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Held {
    /// Its number in this run of the broker.
    pub id: u64,
    /// Which agent asks.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: String,
    /// The person who answers for it.
    pub responsible: String,
    /// Which session.
    pub session: u64,
    /// What it would do.
    pub sentence: Sentence,
    /// The method.
    pub method: String,
    /// Host and port.
    pub host: String,
    /// The path with its query, cut at 256 bytes.
    pub path: String,
    /// The credential it would use.
    pub secret: Option<SecretAt>,
    /// Its name.
    pub secret_name: String,
    /// Application and environment.
    pub place: String,
    /// The executable and process number that asks; empty where unknown.
    pub process: String,
    /// The rule that wants a person's word.
    pub rule: String,
    /// The agent's own reason; empty for none.
    pub reason: String,
    /// When it began to wait, in milliseconds since 1970.
    pub asked_ms: u64,
    /// When no answer means no.
    pub ends_ms: u64,
    /// How many like it were allowed today.
    pub alike: u32,
    /// When the last one was, 0 for never.
    pub alike_last_ms: u64,
}

/// A person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer", deny_unknown_fields)]
pub enum Answer {
    /// This request, once.
    Once,
    /// This and like ones, until the first of the limits is reached.
    Task {
        /// For how many minutes, 1 to 1,440.
        minutes: u32,
        /// For how many requests, this one included.
        count: u32,
        /// For which paths, as a pattern by segment.
        path: String,
    },
    /// Not, and why; the agent receives the reason.
    Deny {
        /// In a person's words, at most 500 characters.
        reason: String,
    },
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answered", deny_unknown_fields)]
pub enum Answered {
    /// It holds.
    Taken,
    /// Nobody waits any more: the time was over this many seconds ago, or the agent gave up.
    TooLate {
        /// Seconds.
        seconds: u64,
    },
    /// There is no such request.
    Unknown,
    /// The limits of a task are not all given, or too wide.
    BadTask,
}
