//! From the broker's journal to acts of the audit log.
//!
//! Invariants: every use of a credential becomes one act, also one whose end was never written down;
//! the journal keeps a record until the act that it became is kept. Pure: whoever calls it notes the
//! acts and tells the broker.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use strongroom_format::agency::{AgentCall, CallOutcome};
use strongroom_format::id::AgentId;
use strongroom_policy::SecretAt;

use crate::record::{Outcome, Record};

/// How many records are remembered that became acts, so that they do not again when a broker that
/// was killed had not learned of it.
const REMEMBERED: usize = 20_000;

/// What has to become an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// Which agent.
    pub agent: AgentId,
    /// Which credential, and its version; `None` where none was asked for.
    pub secret: Option<(SecretAt, u64)>,
    /// The HTTP status that came back; 0 for none.
    pub status: u16,
    /// What was asked for, and what became of it.
    pub call: AgentCall,
}

/// What the journal said so far.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Requests that began and have not ended, by request.
    begun: BTreeMap<u64, Record>,
    /// Records whose act is not kept yet, the oldest first.
    waiting: VecDeque<Waiting>,
    /// The newest record that was read.
    last: u64,
    /// Requests and how they ended, that became acts.
    noted: BTreeSet<(u64, u8)>,
    order: VecDeque<(u64, u8)>,
}

/// A record that has to become an act.
#[derive(Debug)]
struct Waiting {
    seq: u64,
    place: (u64, u8),
    noted: Noted,
}

impl Recorder {
    /// Another broker begins to tell its journal, from its first record.
    pub fn begin(&mut self) {
        self.last = 0;
        // What is not an act yet comes again: from the journal, where it still is.
        self.begun.clear();
        self.waiting.clear();
    }

    /// Takes what the broker wrote down.
    pub fn take(&mut self, records: Vec<Record>) {
        for record in records {
            self.last = self.last.max(record.seq);
            if self.noted.contains(&place(&record)) {
                self.begun.remove(&record.request);
                continue;
            }
            match record.outcome {
                Outcome::Sent => {
                    self.begun.insert(record.request, record);
                }
                Outcome::Done => self.ended(&record, CallOutcome::Done),
                Outcome::Broken => self.ended(&record, CallOutcome::Broken),
                Outcome::Approved => self.push(&record, CallOutcome::Approved),
                Outcome::Refused => self.push(&record, CallOutcome::Refused),
                Outcome::TimedOut => self.push(&record, CallOutcome::TimedOut),
                Outcome::Denied => self.push(&record, CallOutcome::Forbidden),
                Outcome::Alarm => self.push(&record, CallOutcome::Alarm),
            }
        }
    }

    /// Requests that began before `run_ms`, when this broker was started, end never more: what their
    /// credential did is not known, only that it left.
    pub fn give_up(&mut self, run_ms: u64) {
        let lost: Vec<u64> = self
            .begun
            .values()
            .filter(|record| record.time_ms < run_ms)
            .map(|record| record.request)
            .collect();
        for request in lost {
            if let Some(record) = self.begun.remove(&request) {
                self.push(&record, CallOutcome::Unknown);
            }
        }
    }

    fn ended(&mut self, record: &Record, how: CallOutcome) {
        self.begun.remove(&record.request);
        self.push(record, how);
    }

    fn push(&mut self, record: &Record, how: CallOutcome) {
        let Record { seq, agent, secret, status, .. } = *record;
        let call = AgentCall::new(&record.method, &record.host, &record.path, &record.process, how);
        let noted = Noted { agent, secret, status, call };
        self.waiting.push_back(Waiting { seq, place: place(record), noted });
    }

    /// What has to become acts.
    pub fn waiting(&self) -> Vec<Noted> {
        self.waiting.iter().map(|waiting| waiting.noted.clone()).collect()
    }

    /// The first `count` of [`Recorder::waiting`] are kept as acts.
    pub fn kept(&mut self, count: usize) {
        for _ in 0..count {
            let Some(Waiting { place, .. }) = self.waiting.pop_front() else { return };
            if self.noted.insert(place) {
                self.order.push_back(place);
            }
            if self.order.len() > REMEMBERED
                && let Some(old) = self.order.pop_front()
            {
                self.noted.remove(&old);
            }
        }
    }

    /// Up to which record the journal may forget. What began stays there until it ends.
    pub fn through(&self) -> u64 {
        let begun = self.begun.values().map(|record| record.seq);
        let waiting = self.waiting.iter().map(|waiting| waiting.seq);
        begun.chain(waiting).min().map_or(self.last, |first| first.saturating_sub(1))
    }
}

/// What tells two records apart, also in another journal: a broker never uses a request's number
/// again. `Broken` and `Done` are the same end.
fn place(record: &Record) -> (u64, u8) {
    let end = match record.outcome {
        Outcome::Sent | Outcome::Done | Outcome::Broken => 0,
        Outcome::Approved => 1,
        Outcome::Refused | Outcome::TimedOut | Outcome::Denied => 2,
        Outcome::Alarm => 3,
    };
    (record.request, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: u64, request: u64, outcome: Outcome) -> Record {
        Record {
            seq,
            request,
            time_ms: 1_000 + seq,
            agent: AgentId([7; 16]),
            session: 1,
            secret: None,
            outcome,
            method: "GET".to_owned(),
            host: "api.example.com".to_owned(),
            path: "/".to_owned(),
            process: String::new(),
            status: if outcome == Outcome::Done { 200 } else { 0 },
            millis: 0,
            bytes: 0,
            why: String::new(),
            token: 0,
        }
    }

    fn outcomes(recorder: &Recorder) -> Vec<(u64, CallOutcome, u16)> {
        let all = recorder.waiting.iter();
        all.map(|one| (one.place.0, one.noted.call.outcome, one.noted.status)).collect()
    }

    #[test]
    fn a_use_becomes_one_act_when_it_ends() {
        let mut recorder = Recorder::default();
        recorder.take(vec![record(1, 10, Outcome::Sent)]);
        assert!(recorder.waiting().is_empty());
        assert_eq!(recorder.through(), 0, "the journal keeps what began");
        recorder.take(vec![record(2, 10, Outcome::Done)]);
        assert_eq!(outcomes(&recorder), [(10, CallOutcome::Done, 200)]);
        assert_eq!(recorder.through(), 1, "and what is not an act yet");
        recorder.kept(1);
        assert_eq!(recorder.through(), 2);
    }

    #[test]
    fn the_journal_keeps_everything_from_the_first_that_still_runs() {
        let mut recorder = Recorder::default();
        recorder.take(vec![
            record(1, 10, Outcome::Denied),
            record(2, 11, Outcome::Sent),
            record(3, 12, Outcome::Sent),
            record(4, 12, Outcome::Done),
        ]);
        recorder.kept(2);
        assert_eq!(recorder.through(), 1);
    }

    #[test]
    fn what_a_killed_broker_had_sent_is_said_with_an_unknown_end() {
        let mut recorder = Recorder::default();
        recorder.begin();
        recorder.take(vec![
            record(1, 10, Outcome::Sent),
            record(2, 11, Outcome::Sent),
            record(3, 11, Outcome::Done),
        ]);
        recorder.kept(1);
        recorder.give_up(5_000);
        assert_eq!(outcomes(&recorder), [(10, CallOutcome::Unknown, 0)]);
        recorder.kept(1);
        assert_eq!(recorder.through(), 3);
        let now = Record { time_ms: 6_000, ..record(4, 12, Outcome::Sent) };
        recorder.take(vec![now]);
        recorder.give_up(5_000);
        assert!(recorder.waiting().is_empty(), "what this broker sent can still end");
    }

    #[test]
    fn records_that_come_again_after_a_crash_are_not_acts_again() {
        let mut recorder = Recorder::default();
        let all = || {
            vec![
                record(1, 10, Outcome::Sent),
                record(2, 11, Outcome::Sent),
                record(3, 11, Outcome::Done),
                record(4, 12, Outcome::Denied),
            ]
        };
        recorder.take(all());
        recorder.kept(2);
        recorder.begin();
        recorder.take(all());
        assert!(recorder.waiting().is_empty());
        recorder.give_up(5_000);
        assert_eq!(outcomes(&recorder), [(10, CallOutcome::Unknown, 0)]);
        // The end of a request that was given up, however it comes, is no second act.
        recorder.kept(1);
        recorder.take(vec![record(5, 10, Outcome::Done)]);
        assert!(recorder.waiting().is_empty());
        assert_eq!(recorder.through(), 5);
    }

    #[test]
    fn an_approval_and_the_use_after_it_are_two_acts() {
        let mut recorder = Recorder::default();
        let all = [Outcome::Approved, Outcome::Sent, Outcome::Done];
        recorder.take(all.into_iter().zip(1..).map(|(one, seq)| record(seq, 10, one)).collect());
        assert_eq!(recorder.waiting().len(), 2);
    }
}
