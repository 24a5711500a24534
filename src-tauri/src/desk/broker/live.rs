//! What agents did just now: one row for each request, until newer ones push it out.
//!
//! Invariants: at most [`ROWS`] rows; a row keeps its id while its request goes on; nothing here is
//! the audit log, and nothing of it is kept when the program ends. Pure.

use std::collections::{BTreeMap, VecDeque};

use strongroom_control::{
    held::Held,
    record::{Outcome, Record},
};

use crate::{
    desk::translate,
    view::{LiveDecision, LivePage, LiveRow},
};

/// How many requests are remembered.
const ROWS: usize = 5_000;
/// How many rows one answer holds; whoever asks again gets the next ones.
const PAGE: usize = 500;

/// The rows, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Live {
    rows: VecDeque<Entry>,
    next_id: u64,
    changes: u64,
    /// Which row a request of the broker has.
    requests: BTreeMap<u64, u64>,
    /// Which row a request that waits has.
    held: BTreeMap<u64, u64>,
}

#[derive(Debug)]
struct Entry {
    row: LiveRow,
    /// Counts changes of all rows: whoever saw this one has this version.
    change: u64,
    /// A person's word was asked for it, and its record has not come yet.
    answered: bool,
}

/// How the window calls what a record only numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// The agent.
    pub(super) agent: String,
    /// The credential.
    pub(super) uses: Option<String>,
}

impl Live {
    /// Rows that changed since change `after`.
    pub(super) fn page(&self, after: u64) -> LivePage {
        // A number of another run of the program begins anew.
        let after = if after > self.changes { 0 } else { after };
        let mut changed: Vec<&Entry> = self.rows.iter().filter(|row| row.change > after).collect();
        changed.sort_by_key(|row| row.change);
        changed.truncate(PAGE);
        let next = changed.last().map_or(self.changes, |row| row.change);
        LivePage { rows: changed.into_iter().map(|row| row.row.clone()).collect(), next }
    }

    /// Counts up with every change.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// A request waits for a person.
    pub(super) fn holds(&mut self, held: &Held) {
        let row = LiveRow {
            id: 0,
            at: translate::millis(held.asked_ms),
            agent: held.agent_name.clone(),
            agent_id: held.agent.to_string(),
            method: held.method.clone(),
            host: held.host.clone(),
            path: without_query(&held.path).to_owned(),
            uses: some(&held.secret_name),
            decision: LiveDecision::Held,
            why: Some(format!("the rule \u{201c}{}\u{201d} wants a person's word", held.rule)),
            status: None,
            millis: None,
            bytes: None,
            process: some(&held.process),
        };
        let id = self.push(row, false);
        self.held.insert(held.id, id);
    }

    /// It waits no more; `how` is a word of [`strongroom_control::link::ToOwner::HeldOver`].
    pub(super) fn held_over(&mut self, held: u64, how: &str) {
        let Some(id) = self.held.remove(&held) else { return };
        let allowed = matches!(how, "once" | "task");
        self.change(id, |entry| {
            entry.answered = true;
            let decision = if allowed { LiveDecision::Approved } else { LiveDecision::Denied };
            (entry.row.decision, entry.row.why) = (decision, over(how).map(str::to_owned));
        });
    }

    /// The broker wrote something down.
    pub(super) fn record(&mut self, record: &Record, names: Names) {
        let known = self.requests.get(&record.request).copied();
        let id = known.filter(|id| self.position(*id).is_some()).unwrap_or_else(|| {
            self.answered(record).unwrap_or_else(|| self.push(row(record, names), false))
        });
        self.requests.insert(record.request, id);
        self.change(id, |entry| {
            entry.answered = false;
            go_on(&mut entry.row, record);
        });
    }

    /// The row of a request that waited for a person and has no record yet.
    fn answered(&self, record: &Record) -> Option<u64> {
        let agent = record.agent.to_string();
        let is_it = |entry: &&Entry| {
            let row = &entry.row;
            entry.answered
                && row.agent_id == agent
                && row.method == record.method
                && row.host == record.host
                && row.path == record.path
        };
        self.rows.iter().find(is_it).map(|entry| entry.row.id)
    }

    fn push(&mut self, mut row: LiveRow, answered: bool) -> u64 {
        self.next_id += 1;
        self.changes += 1;
        row.id = self.next_id;
        self.rows.push_back(Entry { row, change: self.changes, answered });
        if self.rows.len() > ROWS
            && let Some(gone) = self.rows.pop_front()
        {
            self.requests.retain(|_, id| *id != gone.row.id);
        }
        self.next_id
    }

    fn change(&mut self, id: u64, change: impl FnOnce(&mut Entry)) {
        let Some(at) = self.position(id) else { return };
        self.changes += 1;
        if let Some(entry) = self.rows.get_mut(at) {
            entry.change = self.changes;
            change(entry);
        }
    }

    /// Ids rise by one from row to row.
    fn position(&self, id: u64) -> Option<usize> {
        let first = self.rows.front()?.row.id;
        let at = usize::try_from(id.checked_sub(first)?).ok()?;
        (at < self.rows.len()).then_some(at)
    }
}

fn row(record: &Record, names: Names) -> LiveRow {
    LiveRow {
        id: 0,
        at: translate::millis(record.time_ms),
        agent: names.agent,
        agent_id: record.agent.to_string(),
        method: record.method.clone(),
        host: record.host.clone(),
        path: record.path.clone(),
        uses: names.uses,
        decision: LiveDecision::Allowed,
        why: None,
        status: None,
        millis: None,
        bytes: None,
        process: some(&record.process),
    }
}

fn go_on(row: &mut LiveRow, record: &Record) {
    let ended = |row: &mut LiveRow| {
        row.status = Some(record.status).filter(|status| *status != 0);
        row.millis = Some(record.millis);
        row.bytes = Some(record.bytes);
    };
    match record.outcome {
        Outcome::Sent => {}
        Outcome::Done => ended(row),
        Outcome::Broken => {
            ended(row);
            (row.decision, row.why) = (LiveDecision::Failed, some(&record.why));
        }
        Outcome::Approved => (row.decision, row.why) = (LiveDecision::Approved, None),
        Outcome::Refused | Outcome::TimedOut | Outcome::Denied | Outcome::Alarm => {
            row.decision = LiveDecision::Denied;
            row.why = some(&record.why).or_else(|| row.why.take());
        }
    }
}

fn over(how: &str) -> Option<&'static str> {
    match how {
        "denied" => Some("a person said no"),
        "timed-out" => Some("nobody answered in time"),
        "withdrawn" => Some("the agent gave up waiting"),
        "stopped" => Some("everything was stopped"),
        _ => None,
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use strongroom_format::id::AgentId;

    use super::*;

    fn record(request: u64, outcome: Outcome) -> Record {
        Record {
            seq: 1,
            request,
            time_ms: 1_000,
            agent: AgentId([7; 16]),
            session: 1,
            secret: None,
            outcome,
            method: "POST".to_owned(),
            host: "api.example.com".to_owned(),
            path: "/v1/refunds".to_owned(),
            process: String::new(),
            status: if outcome == Outcome::Done { 201 } else { 0 },
            millis: 84,
            bytes: 900,
            token: 0,
            why: if outcome == Outcome::Denied { "no rule".to_owned() } else { String::new() },
        }
    }

    fn held(id: u64) -> Held {
        let json = format!(
            r#"{{"id":{id},"agent":"{}","agentName":"refund-desk","responsible":"Mara",
            "session":1,"sentence":{{"parts":[]}},"method":"POST","host":"api.example.com",
            "path":"/v1/refunds?x=1","secret":null,"secretName":"STRIPE_KEY","place":"shop / prod",
            "process":"","rule":"refunds","reason":"","askedMs":900,"endsMs":9000,"alike":0,
            "alikeLastMs":0}}"#,
            AgentId([7; 16])
        );
        serde_json::from_str(&json).unwrap()
    }

    fn decisions(live: &Live) -> Vec<LiveDecision> {
        live.page(0).rows.iter().map(|row| row.decision).collect()
    }

    #[test]
    fn a_request_is_one_row_from_its_beginning_to_its_end() {
        let mut live = Live::default();
        live.record(&record(1 << 60, Outcome::Sent), Names::default());
        let begun = live.page(0);
        assert_eq!((begun.rows[0].status, begun.rows[0].id), (None, 1));
        live.record(&record(1 << 60, Outcome::Done), Names::default());
        let went_on = live.page(begun.next);
        assert_eq!(went_on.rows.len(), 1);
        let row = &went_on.rows[0];
        assert_eq!((row.id, row.status, row.bytes), (1, Some(201), Some(900)));
        assert!(live.page(went_on.next).rows.is_empty(), "nothing new");
    }

    #[test]
    fn a_request_that_a_person_allows_stays_one_row_that_says_so() {
        let mut live = Live::default();
        live.holds(&held(4));
        assert_eq!(decisions(&live), [LiveDecision::Held]);
        live.held_over(4, "once");
        for outcome in [Outcome::Approved, Outcome::Sent, Outcome::Done] {
            live.record(&record(9, outcome), Names::default());
        }
        assert_eq!(decisions(&live), [LiveDecision::Approved]);
        assert_eq!(live.page(0).rows[0].status, Some(201));
        live.record(&record(10, Outcome::Sent), Names::default());
        assert_eq!(live.page(0).rows.len(), 2, "the next one like it is another row");
    }

    #[test]
    fn a_request_that_nobody_answers_is_denied_and_says_why() {
        let mut live = Live::default();
        live.holds(&held(4));
        live.held_over(4, "timed-out");
        live.record(&record(9, Outcome::TimedOut), Names::default());
        let page = live.page(0);
        assert_eq!(page.rows.len(), 1);
        assert_eq!(page.rows[0].why.as_deref(), Some("nobody answered in time"));
    }

    #[test]
    fn old_rows_go_and_what_still_came_for_them_harms_nobody() {
        let mut live = Live::default();
        for request in 0..ROWS as u64 + 10 {
            live.record(&record(request, Outcome::Sent), Names::default());
        }
        assert_eq!(live.rows.len(), ROWS);
        live.record(&record(3, Outcome::Done), Names::default());
        assert_eq!(live.rows.len(), ROWS, "a forgotten request is a row again");
        let mut seen = 0;
        let mut after = 0;
        loop {
            let page = live.page(after);
            if page.rows.is_empty() {
                break;
            }
            assert!(page.rows.len() <= PAGE);
            (seen, after) = (seen + page.rows.len(), page.next);
        }
        assert_eq!(seen, ROWS);
    }

    #[test]
    fn a_number_of_another_run_begins_anew() {
        let mut live = Live::default();
        live.record(&record(1, Outcome::Sent), Names::default());
        assert_eq!(live.page(1_000).rows.len(), 1);
    }
}
