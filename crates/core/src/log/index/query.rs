//! What can be asked of an index, and what it answers.

use strongroom_format::event::EventKind;
use strongroom_format::id::{EnvId, Principal, SecretId};

use crate::log::Level;

/// What a person wants to see. An empty list means: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Levels of truth.
    pub levels: Vec<Level>,
    /// What happened.
    pub kinds: Vec<EventKind>,
    /// Who acted, or the agent that it was done for; `None` stands for nobody who proved it.
    pub who: Vec<Option<Principal>>,
    /// Environments.
    pub envs: Vec<EnvId>,
    /// Secrets.
    pub secrets: Vec<(EnvId, SecretId)>,
    /// How it ended.
    pub outcomes: Vec<Outcome>,
    /// Words that must all be found: in the name of who, agent, environment or secret, in the verb, in
    /// the address, in the device's id, or as the number of a link or commit or the status.
    pub text: String,
    /// The earliest time, in milliseconds since 1970.
    pub from_ms: Option<u64>,
    /// The time from which on nothing is wanted, in milliseconds since 1970.
    pub to_ms: Option<u64>,
    /// Leaves out what clients fetch every few minutes by themselves, unless `kinds` names it.
    pub quiet: bool,
}

impl Query {
    /// Whether rows of this kind are wanted.
    pub(super) fn wants(&self, kind: EventKind) -> bool {
        if self.kinds.is_empty() {
            !(self.quiet && is_routine(kind))
        } else {
            self.kinds.contains(&kind)
        }
    }
}

/// The heartbeat of clients.
fn is_routine(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::ChainFetched
            | EventKind::AuditFetched
            | EventKind::JoinsFetched
            | EventKind::KeysetFetched
    )
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused, by a person or by the server.
    Refused,
}

impl Outcome {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Done, Self::Refused];

    /// Of a row with this kind and status.
    pub fn of(kind: EventKind, status: u16) -> Self {
        let refused =
            matches!(kind, EventKind::Refused | EventKind::RateLimited | EventKind::Denied);
        if refused || status >= 400 { Self::Refused } else { Self::Done }
    }
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The rows that match, oldest first.
    pub rows: Vec<u32>,
    /// What could be chosen besides.
    pub facets: Facets,
    /// When it happened.
    pub timeline: Timeline,
}

/// How many rows each value of a group would give: all filters hold but the group's own, so that
/// another value can be chosen. Most first; values that are chosen are there even with none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// By level of truth.
    pub levels: Vec<(Level, u32)>,
    /// By what happened. Leaving out routine counts as a filter of this group.
    pub kinds: Vec<(EventKind, u32)>,
    /// By who acted, and by the agent that it was done for: such a row counts for both.
    pub who: Vec<(Option<Principal>, u32)>,
    /// By environment.
    pub envs: Vec<(EnvId, u32)>,
    /// By secret: the first 50, and those chosen.
    pub secrets: Vec<((EnvId, SecretId), u32)>,
    /// By outcome.
    pub outcomes: Vec<(Outcome, u32)>,
}

/// The rows that match all but the time range, in bars of the same length over all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The time of the earliest, in milliseconds since 1970; 0 if there is none.
    pub from_ms: u64,
    /// The end of the last bar.
    pub to_ms: u64,
    /// Sixty, rising; none if there is no row.
    pub bars: Vec<Bar>,
}

/// One bar: how many rows from its beginning to that of the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bar {
    /// Its beginning, in milliseconds since 1970.
    pub from_ms: u64,
    /// Signed by clients.
    pub signed: u32,
    /// Seen by the server.
    pub seen: u32,
    /// Derived from links and commits.
    pub derived: u32,
    /// Not to be believed.
    pub doubtful: u32,
}

/// Names of what entries hold by id. What has none is found by its id.
pub trait Names {
    /// Of a person, a token or an agent.
    fn who(&self, who: &Principal) -> Option<String>;
    /// Of an environment, with its application.
    fn env(&self, env: &EnvId) -> Option<String>;
    /// Of a secret.
    fn secret(&self, env: &EnvId, secret: &SecretId) -> Option<String>;
}
