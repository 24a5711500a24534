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

    /// A request of `session` goes `way`, with the credential `with`. Noted before it goes.
    pub fn note(
        &mut self,
        agent: AgentId,
        session: u64,
        policy: &AgentPolicy,
        way: &Way,
        with: Option<(SecretAt, &SecretPolicy)>,
        now_ms: u64,
    ) {
        let rule_rate = policy.rules.get(way.rule).and_then(|rule| rule.rate);
        self.sessions.entry(session).or_default().note(policy.rate, now_ms);
        self.rules.entry((agent, way.rule)).or_default().note(rule_rate, now_ms);
        if let Some((at, secret)) = with {
            self.note_secret(at, secret, now_ms);
        }
    }

    /// One more credential is used for a request that was noted: the next of its pool.
    pub fn note_secret(&mut self, at: SecretAt, secret: &SecretPolicy, now_ms: u64) {
        self.secrets.entry(at).or_default().note(secret.rate, now_ms);
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

    /// In how many milliseconds one more may go at this rate; none: now.
    pub fn wait_ms(&self, rate: Rate, now_ms: u64) -> Option<u64> {
        let window_ms = u64::from(rate.per_seconds).saturating_mul(1000);
        let newest_first = usize::try_from(rate.count).unwrap_or(usize::MAX);
        let Some(place) = newest_first.checked_sub(1) else { return Some(window_ms) };
        let counted = self.recent_ms.iter().rev().nth(place)?;
        let free_at = counted.saturating_add(window_ms);
        (free_at > now_ms).then(|| free_at - now_ms)
    }

    fn note(&mut self, rate: Option<Rate>, now_ms: u64) {
        self.since_ms.get_or_insert(now_ms);
        self.uses = self.uses.saturating_add(1);
        if let Some(rate) = rate {
            self.recent_ms.push_back(now_ms);
            while self.recent_ms.len() > rate.count as usize {
                self.recent_ms.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_holds_in_every_stretch_of_time_and_says_how_long_to_wait() {
        let rate = Rate { count: 2, per_seconds: 10 };
        let mut tally = Tally::default();
        assert_eq!(tally.wait_ms(rate, 0), None);
        tally.note(Some(rate), 1_000);
        assert_eq!(tally.wait_ms(rate, 1_000), None);
        tally.note(Some(rate), 9_000);
        assert_eq!(tally.wait_ms(rate, 9_500), Some(1_500));
        assert_eq!(tally.wait_ms(rate, 10_999), Some(1));
        assert_eq!(tally.wait_ms(rate, 11_000), None);
        tally.note(Some(rate), 11_000);
        assert_eq!(tally.wait_ms(rate, 11_000), Some(8_000), "the one at 9 s still counts");
        assert_eq!(
            tally.wait_ms(rate, 0),
            Some(19_000),
            "a clock that goes back gives nothing away"
        );
        assert_eq!((tally.uses(), tally.since_ms()), (3, Some(1_000)));
        assert_eq!(tally.recent_ms.len(), 2, "no more is kept than the rate needs");
    }

    #[test]
    fn a_rate_of_none_never_lets_one_go() {
        let rate = Rate { count: 0, per_seconds: 10 };
        assert_eq!(Tally::default().wait_ms(rate, 5), Some(10_000));
    }

    #[test]
    fn sessions_count_alone_rules_for_their_agent_and_secrets_for_all() {
        let (one, other) = (AgentId([1; 16]), AgentId([2; 16]));
        let mut usage = Usage::default();
        usage.begin(7, 500);
        usage.note_bytes(one, 7, 0, 10);
        usage.note_bytes(one, 8, 0, 5);
        assert_eq!(usage.of(one, 7).session().map(Tally::bytes), Some(10));
        assert_eq!(usage.of(one, 7).session().and_then(Tally::since_ms), Some(500));
        assert_eq!(usage.of(one, 9).rule(0).map(Tally::bytes), Some(15));
        assert!(usage.of(other, 9).rule(0).is_none());
        usage.forget_rules(one);
        assert!(usage.of(one, 7).rule(0).is_none());
        usage.end(7);
        assert!(usage.of(one, 7).session().is_none());
    }
}
