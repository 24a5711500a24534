//! What a person allowed for a task, and how often the like was allowed today.

use std::collections::BTreeMap;
use std::time::Duration;

use strongroom_control::held::Held;
use strongroom_format::id::AgentId;
use strongroom_policy::SecretAt;
use strongroom_policy::target::{Path, PathPattern};
use tokio::time::Instant;

use super::Binding;

/// The longest that an allowance lasts: a day.
const MAX_MINUTES: u32 = 24 * 60;

/// The most requests that an allowance covers.
const MAX_COUNT: u32 = 10_000;

/// How many allowances hold at once; the one that ends first makes room.
const MAX_TASKS: usize = 1_024;

/// How many kinds of requests are counted; the oldest makes room.
const MAX_KINDS: usize = 1_024;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// All three limits of an allowance.
#[derive(Debug)]
pub(super) struct Limits {
    minutes: u32,
    count: u32,
    path: PathPattern,
}

impl Limits {
    /// `None` unless all three are given, narrow something, and cover the request itself.
    pub(super) fn new(minutes: u32, count: u32, path: &str, request: &Path) -> Option<Self> {
        let is_any_path = path == "/**";
        let path: PathPattern = path.parse().ok()?;
        let holds = (1..=MAX_MINUTES).contains(&minutes)
            && (1..=MAX_COUNT).contains(&count)
            && !is_any_path
            && path.matches(request);
        holds.then_some(Self { minutes, count, path })
    }
}

/// To whom something is allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose {
    pub(super) agent: AgentId,
    pub(super) session: u64,
}

impl Whose {
    pub(super) fn of(held: &Held) -> Self {
        Self { agent: held.agent, session: held.session }
    }
}

/// An allowance. It ends by whichever clock says so first: the time of day can be set back, and the
/// monotonic one stands still while a computer sleeps.
#[derive(Debug)]
struct Task {
    whose: Whose,
    until_ms: u64,
    until: Instant,
    left: u32,
    path: PathPattern,
}

/// Requests that look the same to a person.
type Kind = (AgentId, String, Option<SecretAt>, String, String);

/// Allowances, and counts of what was allowed.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    all: BTreeMap<Binding, Vec<Task>>,
    alike: BTreeMap<Kind, Alike>,
}

#[derive(Debug, Default)]
struct Alike {
    day: u64,
    count: u32,
    last_ms: u64,
}

impl Tasks {
    /// A person allows.
    pub(super) fn allow(&mut self, binding: Binding, whose: Whose, limits: Limits, now_ms: u64) {
        self.clear_ended(now_ms);
        if self.all.values().map(Vec::len).sum::<usize>() >= MAX_TASKS {
            self.end_first();
        }
        let lasts = Duration::from_secs(u64::from(limits.minutes) * 60);
        self.all.entry(binding).or_default().push(Task {
            whose,
            until_ms: now_ms.saturating_add(u64::from(limits.minutes) * 60_000),
            until: Instant::now() + lasts,
            left: limits.count,
            path: limits.path,
        });
    }

    /// Whether an allowance covers the request; uses it up by one.
    pub(super) fn take(&mut self, binding: Binding, path: &Path, now_ms: u64) -> bool {
        self.clear_ended(now_ms);
        let tasks = self.all.get_mut(&binding);
        let task = tasks.and_then(|tasks| tasks.iter_mut().find(|task| task.path.matches(path)));
        let Some(task) = task else { return false };
        task.left = task.left.saturating_sub(1);
        true
    }

    /// Nothing is allowed any more to these.
    pub(super) fn end(&mut self, ended: impl Fn(Whose) -> bool) {
        self.keep(|task| !ended(task.whose));
    }

    /// How many like this one were allowed today, and when the last one was (0 for never).
    pub(super) fn alike(&self, held: &Held, now_ms: u64) -> (u32, u64) {
        let Some(alike) = self.alike.get(&kind(held)) else { return (0, 0) };
        let count = if alike.day == now_ms / DAY_MS { alike.count } else { 0 };
        (count, alike.last_ms)
    }

    /// One was allowed.
    pub(super) fn note_alike(&mut self, held: &Held, now_ms: u64) {
        let kind = kind(held);
        if self.alike.len() >= MAX_KINDS && !self.alike.contains_key(&kind) {
            let oldest = self.alike.iter().min_by_key(|(_, alike)| alike.last_ms);
            if let Some(oldest) = oldest.map(|(kind, _)| kind.clone()) {
                self.alike.remove(&oldest);
            }
        }
        let (alike, today) = (self.alike.entry(kind).or_default(), now_ms / DAY_MS);
        if alike.day != today {
            (alike.day, alike.count) = (today, 0);
        }
        alike.count = alike.count.saturating_add(1);
        alike.last_ms = now_ms;
    }

    fn clear_ended(&mut self, now_ms: u64) {
        let now = Instant::now();
        self.keep(|task| task.left > 0 && task.until > now && task.until_ms > now_ms);
    }

    fn end_first(&mut self) {
        let first = self.all.values().flatten().map(|task| task.until).min();
        self.keep(|task| Some(task.until) != first);
    }

    fn keep(&mut self, which: impl Fn(&Task) -> bool) {
        self.all.retain(|_, tasks| {
            tasks.retain(&which);
            !tasks.is_empty()
        });
    }
}

fn kind(held: &Held) -> Kind {
    (held.agent, held.rule.clone(), held.secret, held.method.clone(), held.host.clone())
}
