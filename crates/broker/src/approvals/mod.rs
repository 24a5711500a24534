//! Requests that wait for a person, and what a person allowed for a while.
//!
//! Invariants: nothing is allowed by waiting: a time that runs out, a request that is dropped, a
//! session that ends and a crowd are all "no". An allowance for a task has a time *and* a count
//! *and* a path, and holds only for what the person saw: the same session, rule, credential, version
//! and policies ([`Binding`]). Every number here has a cap.
//!
//! Deliberately not here: whether a request needs a person (`strongroom-policy`), who may answer
//! (the owner's window, [`crate::control`]), and any disclosure of a value.

mod binding;
mod tasks;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_client::clock::Clock;
use strongroom_control::held::{Answer, Answered, Held};
use strongroom_control::link::ToOwner;
use strongroom_format::id::AgentId;
use strongroom_policy::target::Path;
use tokio::sync::oneshot;

pub use binding::{Binding, Bound};
use tasks::{Limits, Tasks, Whose};

/// How long a request waits for a person.
pub const WAIT: Duration = Duration::from_mins(5);

/// How many requests of one agent wait at once.
pub const WAITING_PER_AGENT: usize = 32;

/// How many requests wait at once.
pub const WAITING: usize = 256;

/// How many requests that are over are remembered, so that a late answer learns it was late.
const REMEMBERED: usize = 256;

/// The longest reason that an agent receives, in characters.
const MAX_REASON: usize = 500;

/// What became of a request that needed a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A person allowed this one.
    Once,
    /// A person allowed this one and like ones, or had done so before.
    Task,
    /// A person said no.
    Denied {
        /// For the agent; without control characters, may be empty.
        reason: String,
    },
    /// Nobody answered in time.
    TimedOut,
    /// Too many wait already, of this agent or in all.
    TooMany,
    /// The session or everything was stopped meanwhile.
    Stopped,
}

/// A request that needs a person's word.
#[derive(Debug)]
pub struct Wish {
    /// What the person's word is bound to.
    pub binding: Binding,
    /// The path, for allowances of a task.
    pub path: Path,
    /// What the person sees. `id`, `asked_ms`, `ends_ms`, `alike` and `alike_last_ms` are set here.
    pub held: Held,
}

/// The requests that wait, and the allowances that hold. Shared by everything in the broker.
pub struct Approvals {
    clock: Arc<dyn Clock>,
    tell: Box<dyn Fn(ToOwner) + Send + Sync>,
    wait: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    waiting: BTreeMap<u64, Waiting>,
    over: VecDeque<(u64, u64)>,
    tasks: Tasks,
}

#[derive(Debug)]
struct Waiting {
    held: Held,
    binding: Binding,
    path: Path,
    verdict: oneshot::Sender<Verdict>,
}

impl fmt::Debug for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approvals").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Approvals {
    /// Nobody waits. `tell` hears [`ToOwner::Held`] and [`ToOwner::HeldOver`] in their order; it
    /// must not block.
    pub fn new(clock: Arc<dyn Clock>, tell: impl Fn(ToOwner) + Send + Sync + 'static) -> Self {
        Self::with_wait(clock, WAIT, tell)
    }

    /// The same, for requests that wait as long as `wait`.
    pub fn with_wait(
        clock: Arc<dyn Clock>,
        wait: Duration,
        tell: impl Fn(ToOwner) + Send + Sync + 'static,
    ) -> Self {
        Self { clock, tell: Box::new(tell), wait, state: Mutex::default() }
    }

    /// Waits for a person's word, unless one for a task covers the request already. Dropping the
    /// future withdraws the request.
    ///
    /// What the request rests on may change while it waits: whoever calls this decides anew
    /// afterwards, and asks again if the [`Binding`] is another one then.
    pub async fn ask(&self, wish: Wish) -> Verdict {
        let (mut verdict, place) = match self.begin(wish) {
            Ok(waiting) => waiting,
            Err(verdict) => return verdict,
        };
        match tokio::time::timeout(self.wait, &mut verdict).await {
            Ok(answered) => answered.unwrap_or(Verdict::Stopped),
            Err(_) if place.leave("timed-out") => Verdict::TimedOut,
            // An answer came in the same moment, and whoever gave it was told that it holds.
            Err(_) => verdict.try_recv().unwrap_or(Verdict::Stopped),
        }
    }

    /// Takes a person's word on the request with this number.
    pub fn answer(&self, id: u64, answer: Answer) -> Answered {
        let now_ms = self.clock.now_ms();
        let mut state = self.lock();
        let Some(waiting) = state.waiting.get(&id) else { return state.missing(id, now_ms) };
        let (verdict, how) = match answer {
            Answer::Once => (Verdict::Once, "once"),
            Answer::Deny { reason } => (Verdict::Denied { reason: readable(&reason) }, "denied"),
            Answer::Task { minutes, count, path } => {
                let Some(limits) = Limits::new(minutes, count, &path, &waiting.path) else {
                    return Answered::BadTask;
                };
                let binding = waiting.binding;
                state.allow(id, limits, now_ms);
                self.release(&mut state, id, Verdict::Task, "task");
                for like_it in state.covered(binding, now_ms) {
                    self.release(&mut state, like_it, Verdict::Task, "task");
                }
                return Answered::Taken;
            }
        };
        self.release(&mut state, id, verdict, how);
        Answered::Taken
    }

    /// Everything that waits, the oldest first.
    pub fn waiting(&self) -> Vec<Held> {
        self.lock().waiting.values().map(|waiting| waiting.held.clone()).collect()
    }

    /// How many requests of an agent wait.
    pub fn waiting_of(&self, agent: &AgentId) -> usize {
        self.lock().waiting.values().filter(|waiting| waiting.held.agent == *agent).count()
    }

    /// A session is over: nothing of it waits, and nothing is allowed to it any more.
    pub fn end_session(&self, session: u64) {
        let mut state = self.lock();
        state.tasks.end(|whose| whose.session == session);
        self.release_where(&mut state, |held| held.session == session);
    }

    /// One agent or everything is stopped: nothing of it waits, and every allowance is gone.
    pub fn stop(&self, agent: Option<&AgentId>) {
        let mut state = self.lock();
        let is_stopped = |other: &AgentId| agent.is_none_or(|agent| other == agent);
        state.tasks.end(|whose| is_stopped(&whose.agent));
        self.release_where(&mut state, |held| is_stopped(&held.agent));
    }

    /// Makes the request wait, or says at once what becomes of it.
    fn begin(&self, wish: Wish) -> Result<(oneshot::Receiver<Verdict>, Place<'_>), Verdict> {
        let Wish { binding, path, mut held } = wish;
        let now_ms = self.clock.now_ms();
        let mut state = self.lock();
        if state.tasks.take(binding, &path, now_ms) {
            state.tasks.note_alike(&held, now_ms);
            return Err(Verdict::Task);
        }
        let of_agent = state.waiting.values().filter(|other| other.held.agent == held.agent);
        if of_agent.count() >= WAITING_PER_AGENT || state.waiting.len() >= WAITING {
            return Err(Verdict::TooMany);
        }
        state.last_id += 1;
        let id = state.last_id;
        let wait_ms = u64::try_from(self.wait.as_millis()).unwrap_or(u64::MAX);
        (held.id, held.asked_ms, held.ends_ms) = (id, now_ms, now_ms.saturating_add(wait_ms));
        (held.alike, held.alike_last_ms) = state.tasks.alike(&held, now_ms);
        let (verdict, answered) = oneshot::channel();
        (self.tell)(ToOwner::Held { held: held.clone() });
        state.waiting.insert(id, Waiting { held, binding, path, verdict });
        Ok((answered, Place { approvals: self, id }))
    }

    fn release_where(&self, state: &mut State, which: impl Fn(&Held) -> bool) {
        let all = state.waiting.iter().filter(|(_, waiting)| which(&waiting.held));
        let ids: Vec<u64> = all.map(|(id, _)| *id).collect();
        for id in ids {
            self.release(state, id, Verdict::Stopped, "stopped");
        }
    }

    /// The request waits no more. Says whether it did.
    fn release(&self, state: &mut State, id: u64, verdict: Verdict, how: &str) -> bool {
        let Some(waiting) = state.waiting.remove(&id) else { return false };
        let now_ms = self.clock.now_ms();
        if matches!(verdict, Verdict::Once | Verdict::Task) {
            state.tasks.note_alike(&waiting.held, now_ms);
        }
        state.remember(id, now_ms);
        (self.tell)(ToOwner::HeldOver { id, how: how.to_owned() });
        // That nobody waits for it any more is no reason to fail: its place is being left.
        let _ = waiting.verdict.send(verdict);
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// An allowance begins with the request that waits under this number, and counts it.
    fn allow(&mut self, id: u64, limits: Limits, now_ms: u64) {
        let Some(Waiting { held, binding, path, .. }) = self.waiting.get(&id) else { return };
        self.tasks.allow(*binding, Whose::of(held), limits, now_ms);
        self.tasks.take(*binding, path, now_ms);
    }

    /// Those who wait and are covered by an allowance now; each uses it up by one.
    fn covered(&mut self, binding: Binding, now_ms: u64) -> Vec<u64> {
        let Self { waiting, tasks, .. } = self;
        let alike = waiting.iter().filter(|(_, waiting)| waiting.binding == binding);
        let covered = alike.filter(|(_, waiting)| tasks.take(binding, &waiting.path, now_ms));
        covered.map(|(id, _)| *id).collect()
    }

    fn remember(&mut self, id: u64, now_ms: u64) {
        if self.over.len() == REMEMBERED {
            self.over.pop_front();
        }
        self.over.push_back((id, now_ms));
    }

    fn missing(&self, id: u64, now_ms: u64) -> Answered {
        let over = self.over.iter().find(|(other, _)| *other == id);
        over.map_or(Answered::Unknown, |(_, over_ms)| Answered::TooLate {
            seconds: now_ms.saturating_sub(*over_ms) / 1000,
        })
    }
}

/// A request's place among those that wait; left when dropped.
struct Place<'a> {
    approvals: &'a Approvals,
    id: u64,
}

impl Place<'_> {
    /// Says whether the request still waited.
    fn leave(&self, how: &str) -> bool {
        let mut state = self.approvals.lock();
        // Nobody listens any more; the verdict is for the form's sake.
        self.approvals.release(&mut state, self.id, Verdict::TimedOut, how)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave("withdrawn");
    }
}

/// A person's words as one line that can stand in any answer.
fn readable(reason: &str) -> String {
    let line = reason.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(MAX_REASON).collect()
}
