//! Counters, as Prometheus reads them. No label names a person, an organisation or a secret.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the server counts.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) requests: Counter,
    pub(crate) refused: Counter,
    pub(crate) failed: Counter,
    pub(crate) rate_limited: Counter,
    pub(crate) commits: Counter,
    pub(crate) failed_groups: Counter,
    pub(crate) jobs: Counter,
    pub(crate) events: Counter,
    pub(crate) busy_micros: Counter,
}

impl Metrics {
    /// The text exposition format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, help, counter) in [
            ("requests_total", "Requests answered.", &self.requests),
            ("refused_total", "Requests answered with 4xx.", &self.refused),
            ("failed_total", "Requests answered with 5xx.", &self.failed),
            ("rate_limited_total", "Requests over their rate.", &self.rate_limited),
            ("commits_total", "Durable transactions.", &self.commits),
            ("failed_commits_total", "Transactions that failed.", &self.failed_groups),
            ("jobs_total", "Requests that shared those transactions.", &self.jobs),
            ("audit_events_total", "Audit entries written.", &self.events),
            ("journal_busy_microseconds_total", "Time spent in transactions.", &self.busy_micros),
        ] {
            let value = counter.get();
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "# HELP strongroom_{name} {help}\n# TYPE strongroom_{name} counter\nstrongroom_{name} {value}"
            );
        }
        text
    }
}
