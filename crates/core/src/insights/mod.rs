//! What in this organisation deserves a look, worked out on this computer from what it verified.
//!
//! A pure function of the verified chain, the histories, the audit log and a time: the same input
//! gives the same findings, in the same order. A use is what its actor's client signed; an entry
//! that is not to be believed is none. Everything the server alone says (addresses, refusals,
//! fetches) is told as its word. Times are those at which the server wrote an entry down: what was
//! noted without a connection comes later than it was.
//!
//! Deliberately not here: names and words, and what is kept of decoys and dismissals.

mod charts;
mod decoys;
mod finding;
mod firsts;
mod habits;
pub mod limits;
mod pass;
mod refusals;
mod reveals;
mod secrets;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use strongroom_chain::OrgState;
use strongroom_format::id::{EnvId, SecretId};

use crate::details::EnvClass;
use crate::log::Facts;
use crate::log::index::Glance;

pub use charts::{Charts, Day, Zone};
pub use finding::{Finding, Key, Queue, Severity, What};
pub use secrets::{KnownSecret, KnownSecrets, ValueAge};

use pass::Pass;

/// What findings are worked out from, beside the entries of the log.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The verified chain.
    pub state: &'a OrgState,
    /// What this device knows of secrets.
    pub secrets: &'a KnownSecrets,
    /// What environments are for; one that is missing is for anything.
    pub classes: &'a BTreeMap<EnvId, EnvClass>,
    /// The secrets that are decoys, and since when.
    pub decoys: &'a BTreeMap<(EnvId, SecretId), u64>,
    /// Offboardings that are not finished.
    pub queues: &'a [Queue],
    /// What the log says; `None` where it was not read to its end, or is closed to this user.
    pub facts: Option<&'a Facts>,
    /// Until when findings are dismissed, in milliseconds since 1970.
    pub dismissed: &'a BTreeMap<Key, u64>,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// The reader's clock.
    pub zone: Zone,
}

impl Known<'_> {
    fn is_dismissed(&self, key: &Key) -> bool {
        self.dismissed.get(key).is_some_and(|until| *until > self.now_ms)
    }

    fn is_production(&self, env: &EnvId) -> bool {
        self.classes.get(env) == Some(&EnvClass::Production)
    }

    /// Whether `at_ms` lies within the last `span_ms`.
    fn within(&self, at_ms: u64, span_ms: u64) -> bool {
        at_ms >= self.now_ms.saturating_sub(span_ms)
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insights {
    /// Findings, the most pressing first.
    pub findings: Vec<Finding>,
    /// Those that are dismissed for now, in the same order.
    pub dismissed: Vec<Finding>,
    /// The charts.
    pub charts: Charts,
    /// What was looked at.
    pub looked: Looked,
}

/// What was looked at, so that "nothing found" means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looked {
    /// Entries of the log.
    pub entries: u64,
    /// Of those, how many are not to be believed and count for nothing.
    pub doubtful: u64,
    /// The time of the oldest entry.
    pub from_ms: Option<u64>,
    /// Secrets.
    pub secrets: usize,
    /// People and tokens that may read something.
    pub holders: usize,
    /// Living tokens.
    pub tokens: usize,
    /// Environments of which this device knows names at most.
    pub unseen: usize,
}

/// Looks at everything once. `rows` rise as in the log; none where it was not read.
pub fn look<'a>(known: &Known<'_>, rows: impl IntoIterator<Item = Glance<'a>>) -> Insights {
    let mut pass = Pass::new(known);
    for row in rows {
        pass.take(&row);
    }
    let mut found = Found { known: *known, open: Vec::new(), dismissed: Vec::new() };
    let (charts, mut looked) = pass.finish(&mut found);
    standing::look(&mut found, &mut looked);
    let Found { open, dismissed, .. } = found;
    Insights { findings: in_order(open), dismissed: in_order(dismissed), charts, looked }
}

fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| {
        (finding.severity, finding.rank(), std::cmp::Reverse(finding.at_ms()), finding.key)
    });
    findings
}

/// What is found, as it is found.
struct Found<'a> {
    known: Known<'a>,
    open: Vec<Finding>,
    dismissed: Vec<Finding>,
}

impl Found<'_> {
    /// Adds a finding about one thing.
    fn add(&mut self, key: Key, severity: Severity, what: What) {
        let list = if self.known.is_dismissed(&key) { &mut self.dismissed } else { &mut self.open };
        list.push(Finding::new(vec![key], severity, what));
    }

    /// Adds a finding about several things of one kind; those of them that are dismissed are one
    /// of their own.
    fn add_several<T>(
        &mut self,
        all: Vec<(Key, T)>,
        severity: Severity,
        what: impl Fn(Vec<T>) -> What,
    ) {
        let known = self.known;
        let parts: (Vec<_>, Vec<_>) = all.into_iter().partition(|(key, _)| known.is_dismissed(key));
        for (part, list) in [(parts.0, &mut self.dismissed), (parts.1, &mut self.open)] {
            if !part.is_empty() {
                let (covers, things) = part.into_iter().unzip();
                list.push(Finding::new(covers, severity, what(things)));
            }
        }
    }
}
