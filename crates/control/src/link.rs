//! The link between a broker and its owner.

use serde::{Deserialize, Serialize};
use strongroom_format::id::AgentId;
use strongroom_policy::{AgentPolicy, SecretAt, SecretPolicy};

use crate::held::{Answer, Answered, Held};
use crate::record::Record;

/// Everything a broker works by. Sent whole; the newest counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The agents that live.
    pub agents: Vec<AgentConfig>,
    /// Standing fake tokens.
    pub tokens: Vec<StandingToken>,
}

/// One agent, from verified state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentConfig {
    /// Which.
    pub id: AgentId,
    /// Its name; names of living agents of one configuration differ.
    pub name: String,
    /// The person who answers for it, by name.
    pub responsible: String,
    /// What it may do.
    pub policy: AgentPolicy,
    /// The end of the agent, in milliseconds since 1970; zero for none.
    pub not_after_ms: u64,
    /// The credentials that its rules name and that its owner can open.
    pub secrets: Vec<SecretEntry>,
}

/// A credential as the broker knows it before it is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretEntry {
    /// Where it is.
    pub at: SecretAt,
    /// Its name.
    pub name: String,
    /// Application and environment.
    pub place: String,
    /// The version that the policy belongs to.
    pub version: u64,
    /// Where it may go.
    pub policy: SecretPolicy,
}

/// A fake token that outlives a session, as its owner keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StandingToken {
    /// Its number in the owner's list.
    pub id: u64,
    /// SHA-256 of the token's text.
    pub hash: [u8; 32],
    /// Whose.
    pub agent: AgentId,
    /// For which provider.
    pub provider: String,
    /// Its end, in milliseconds since 1970; zero for none.
    pub not_after_ms: u64,
}

/// Why an owner does not lend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum NoLease {
    /// The vault is locked.
    Locked,
    /// There is no such secret, or its policy is another one now.
    Gone,
    /// The owner cannot tell its log, or its disk is full.
    CannotRecord,
    /// The value cannot be opened.
    Unreadable,
}

/// From the owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say", deny_unknown_fields)]
pub enum ToBroker {
    /// What holds from now on.
    Configure {
        /// All of it.
        config: Config,
    },
    /// A value, in the tail; or why not.
    Lent {
        /// The question.
        ask: u64,
        /// The version in the tail.
        version: u64,
        /// Why there is none.
        refused: Option<NoLease>,
    },
    /// The vault is locked: every value goes, sessions pause or end.
    Lock,
    /// It is open again.
    Unlock,
    /// A person's word. Answered by [`ToOwner::Answered`].
    Answer {
        /// On which request.
        held: u64,
        /// The word.
        answer: Answer,
    },
    /// Every session ends now, of one agent or of all.
    Stop {
        /// `None` for all.
        agent: Option<AgentId>,
    },
    /// Sessions may begin again.
    Resume {
        /// `None` for all.
        agent: Option<AgentId>,
    },
    /// Records up to this one are kept elsewhere.
    Recorded {
        /// The last of them.
        through: u64,
    },
    /// The code with which a person answers from a terminal, in the tail; empty takes it away.
    OperatorCode,
}

/// From the broker.
#[expect(clippy::large_enum_variant, reason = "messages pass one at a time and are not stored")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "say", deny_unknown_fields)]
pub enum ToOwner {
    /// It listens.
    Ready {
        /// On this port of 127.0.0.1.
        port: u16,
        /// At this socket.
        door: String,
    },
    /// It wants a value.
    Ask {
        /// The question's number.
        ask: u64,
        /// For which agent.
        agent: AgentId,
        /// Which.
        secret: SecretAt,
        /// Under which version's policy.
        version: u64,
    },
    /// What it wrote down; answered by [`ToBroker::Recorded`].
    Records {
        /// Rising.
        records: Vec<Record>,
    },
    /// A request waits.
    Held {
        /// Which.
        held: Held,
    },
    /// It waits no more.
    HeldOver {
        /// Which.
        id: u64,
        /// In one word: `once`, `task`, `denied`, `timed-out`, `withdrawn`, `stopped`.
        how: String,
    },
    /// What became of a person's word.
    Answered {
        /// On which request.
        held: u64,
        /// What.
        what: Answered,
    },
    /// Sessions as they are now, whenever they change, at most four times a second.
    Sessions {
        /// All of them.
        sessions: Vec<SessionState>,
        /// Stopped as a whole.
        stopped: bool,
        /// Agents that are stopped by themselves.
        stopped_agents: Vec<AgentId>,
    },
    /// An agent asks for what it lacks.
    AccessAsked {
        /// Which agent.
        agent: AgentId,
        /// For which provider.
        provider: String,
        /// Its words, at most 500 characters.
        reason: String,
    },
    /// A provider replaced a credential; the new one is in the tail.
    Captured {
        /// Which.
        secret: SecretAt,
        /// The version that it replaces.
        version: u64,
    },
}

/// A session that lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionState {
    /// Its number.
    pub id: u64,
    /// Whose.
    pub agent: AgentId,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// The command that runs in it; empty for the session of standing tokens.
    pub command: String,
    /// Requests so far.
    pub calls: u64,
    /// Bytes so far.
    pub bytes: u64,
    /// The vault is locked, and the session waits for it.
    pub paused: bool,
}
