//! What is known of the broker at one moment.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use strongroom_client::profile::VaultId;
use strongroom_control::{
    held::{Answered, Held},
    link::{AgentConfig, Config, SecretEntry, SessionState, ToBroker},
    record::{Outcome, Record},
    recorder::Recorder,
};
use strongroom_format::id::{AgentId, OrgId};
use strongroom_policy::SecretAt;
use strongroom_secret::SecretBytes;
use tokio::sync::{mpsc, oneshot};

use super::{
    child::Child,
    live::{Live, Names},
};
use crate::{
    clock,
    desk::translate,
    view::{AccessAsk, AlarmRow, BrokerState, BrokerView, PersonView},
};

/// How many messages may wait for the broker. More means that it hangs, and then it is ended.
pub(super) const QUEUE: usize = 1_024;
/// How many questions of agents, and how many alarms, are shown.
const NOTES: usize = 100;
/// How many requests that wait no more are remembered, to say what became of them.
const OVER: usize = 256;
/// A request whose end the broker did not tell is forgotten this long after its time.
const LATE_MS: u64 = 5_000;
/// The longest wait before a broker that keeps dying is started again.
const SLOWEST: Duration = Duration::from_mins(1);
/// A broker that ran this long was well.
const WELL: Duration = Duration::from_mins(1);

/// A message for the broker, with the secret bytes it is about.
pub(super) type Said = (ToBroker, Option<Arc<SecretBytes>>);

/// Whose values a broker may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) vault: VaultId,
    pub(super) org: OrgId,
}

/// A broker that runs.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) whose: Whose,
    pub(super) started: Instant,
    pub(super) started_ms: u64,
    pub(super) to: mpsc::Sender<Said>,
    pub(super) child: Child,
    pub(super) address: Option<String>,
}

impl Run {
    /// Ends it: without an owner it ends by itself, and if it does not, it is killed.
    pub(super) async fn end(self) {
        drop(self.to);
        self.child.end().await;
    }
}

/// What is known.
#[derive(Default)]
pub(super) struct State {
    pub(super) run: Option<Run>,
    runs: u64,
    wanted: bool,
    why: Option<String>,
    failures: u32,
    retry_at: Option<Instant>,
    pub(super) locked: bool,
    /// What the broker was told last.
    pub(super) config: Config,
    pub(super) people: BTreeMap<AgentId, PersonView>,
    pub(super) sessions: Vec<SessionState>,
    pub(super) stopped_all: bool,
    pub(super) stopped_agents: BTreeSet<AgentId>,
    pub(super) held: BTreeMap<u64, Held>,
    pub(super) over: VecDeque<(u64, String)>,
    pub(super) answers: BTreeMap<u64, oneshot::Sender<Answered>>,
    pub(super) asks: VecDeque<AccessAsk>,
    pub(super) alarms: VecDeque<AlarmRow>,
    notes: u64,
    /// Up to which record the broker was told that it may forget.
    told: u64,
    pub(super) live: Live,
    pub(super) recorder: Recorder,
    /// When each standing token was used last, since this program runs.
    pub(super) used: BTreeMap<u64, u64>,
    pub(super) operator: Option<Arc<SecretBytes>>,
}

impl State {
    /// How the broker is, for the window.
    pub(super) fn view(&self) -> BrokerView {
        let address = self.address().map(str::to_owned);
        let state = match (&self.run, &address) {
            (None, _) if self.why.is_some() => BrokerState::Failed,
            (None, _) => BrokerState::Off,
            (Some(_), None) => BrokerState::Starting,
            (Some(_), Some(_)) if self.locked => BrokerState::Locked,
            (Some(_), Some(_)) if self.stopped_all => BrokerState::Stopped,
            (Some(_), Some(_)) => BrokerState::Running,
        };
        let why = self.why.clone().filter(|_| state == BrokerState::Failed);
        BrokerView { state, address, why }
    }

    pub(super) fn address(&self) -> Option<&str> {
        self.run.as_ref()?.address.as_deref()
    }

    /// Says something to the broker. False where none runs; one that does not listen is cut off.
    pub(super) fn say(&mut self, what: ToBroker, tail: Option<Arc<SecretBytes>>) -> bool {
        let Some(run) = &self.run else { return false };
        let said = run.to.try_send((what, tail)).is_ok();
        if !said {
            tracing::warn!("the broker does not listen and is ended");
            run.child.kill();
        }
        said
    }

    /// Somebody wants a broker, also one that failed.
    pub(super) fn start(&mut self) {
        (self.wanted, self.failures, self.retry_at, self.why) = (true, 0, None, None);
    }

    /// Whether a broker is wanted for what now holds.
    pub(super) fn is_wanted(&self, config: &Config) -> bool {
        self.wanted || !config.agents.is_empty()
    }

    /// How long to wait before the next try.
    pub(super) fn rest(&self) -> Option<Duration> {
        self.retry_at?.checked_duration_since(Instant::now())
    }

    /// A broker runs. It is told first what is stopped.
    pub(super) fn begin(&mut self, whose: Whose, to: mpsc::Sender<Said>, child: Child) -> u64 {
        self.runs += 1;
        self.why = None;
        (self.config, self.told) = (Config::default(), 0);
        self.recorder.begin();
        self.run = Some(Run {
            number: self.runs,
            whose,
            started: Instant::now(),
            started_ms: u64::try_from(clock::now()).unwrap_or(0),
            to,
            child,
            address: None,
        });
        if self.stopped_all {
            self.say(ToBroker::Stop { agent: None }, None);
        }
        for agent in self.stopped_agents.clone() {
            self.say(ToBroker::Stop { agent: Some(agent) }, None);
        }
        self.runs
    }

    /// Takes the running broker away, to end it.
    pub(super) fn take_run(&mut self) -> Option<Run> {
        self.forget_run();
        self.run.take()
    }

    /// The broker with this number ended by itself.
    pub(super) fn died(&mut self, number: u64, why: &str) -> Option<Run> {
        let run = self.run.take_if(|run| run.number == number)?;
        self.forget_run();
        if run.started.elapsed() > WELL {
            self.failures = 0;
        }
        self.failed(why, true);
        Some(run)
    }

    /// It could not be started, or died; where trying again may help, that is tried later and later.
    pub(super) fn failed(&mut self, why: &str, again: bool) {
        self.failures = self.failures.saturating_add(1);
        self.why = Some(why.to_owned());
        let wait = Duration::from_secs(1 << self.failures.min(7)).min(SLOWEST);
        self.retry_at = Some(Instant::now() + if again { wait } else { Duration::from_hours(24) });
    }

    fn forget_run(&mut self) {
        self.sessions.clear();
        self.held.clear();
        self.answers.clear();
        self.operator = None;
    }

    /// The vault is open: what was tried in vain may be tried again.
    pub(super) fn unlock(&mut self) {
        if std::mem::take(&mut self.locked) {
            self.say(ToBroker::Unlock, None);
        }
    }

    /// The vault locks. What was shown of it goes too.
    pub(super) fn lock(&mut self) {
        self.locked = true;
        self.say(ToBroker::Lock, None);
        if self.operator.take().is_some() {
            self.say(ToBroker::OperatorCode, None);
        }
        (self.wanted, self.why, self.retry_at, self.failures) = (false, None, None, 0);
        self.live = Live::default();
        self.asks.clear();
        self.alarms.clear();
        self.people.clear();
    }

    /// A credential that the newest verified state names for an agent.
    pub(super) fn entry(&self, agent: &AgentId, at: &SecretAt) -> Option<&SecretEntry> {
        self.agent(agent)?.secrets.iter().find(|entry| entry.at == *at)
    }

    pub(super) fn agent(&self, agent: &AgentId) -> Option<&AgentConfig> {
        self.config.agents.iter().find(|one| one.id == *agent)
    }

    fn agent_name(&self, agent: &AgentId) -> String {
        self.agent(agent).map_or_else(String::new, |one| one.name.clone())
    }

    /// Takes over what the broker wrote down, for the log and for the window.
    pub(super) fn take_records(&mut self, records: Vec<Record>) {
        // Nothing is shown of a locked vault.
        let shown = if self.locked { &[] } else { records.as_slice() };
        for record in shown {
            let names = Names {
                agent: self.agent_name(&record.agent),
                uses: record
                    .secret
                    .and_then(|(at, _)| Some(self.entry(&record.agent, &at)?.name.clone())),
            };
            self.live.record(record, names);
            if record.token != 0 {
                self.used.insert(record.token, record.time_ms);
            }
            if record.outcome == Outcome::Alarm {
                self.alarm(record);
            }
        }
        self.recorder.take(records);
    }

    /// The broker may forget the records that are acts now.
    pub(super) fn tell_through(&mut self) {
        let through = self.recorder.through();
        if through > self.told && self.say(ToBroker::Recorded { through }, None) {
            self.told = through;
        }
    }

    fn alarm(&mut self, record: &Record) {
        let row = AlarmRow {
            id: self.note(),
            at: translate::millis(record.time_ms),
            agent_id: record.agent.to_string(),
            agent: self.agent_name(&record.agent),
            host: record.host.clone(),
            why: record.why.clone(),
        };
        push(&mut self.alarms, row, NOTES);
    }

    /// An agent asks for what it lacks. Asking twice for the same is asking once.
    pub(super) fn access_asked(&mut self, agent: &AgentId, provider: String, reason: String) {
        let agent_id = agent.to_string();
        self.asks.retain(|ask| ask.agent_id != agent_id || ask.provider != provider);
        let agent = self.agent_name(agent);
        let (id, at) = (self.note(), clock::now());
        push(&mut self.asks, AccessAsk { id, agent_id, agent, provider, reason, at }, NOTES);
    }

    fn note(&mut self) -> String {
        self.notes += 1;
        self.notes.to_string()
    }

    /// A request waits.
    pub(super) fn holds(&mut self, held: Held) {
        if self.locked {
            return;
        }
        self.live.holds(&held);
        self.held.insert(held.id, held);
    }

    /// It waits no more.
    pub(super) fn held_over(&mut self, id: u64, how: String) {
        self.live.held_over(id, &how);
        self.held.remove(&id);
        push(&mut self.over, (id, how), OVER);
    }

    /// Requests whose time is over, and whose end was not told.
    pub(super) fn forget_over(&mut self) {
        let now = u64::try_from(clock::now()).unwrap_or(0);
        let late: Vec<u64> = self
            .held
            .values()
            .filter(|held| held.ends_ms.saturating_add(LATE_MS) < now)
            .map(|held| held.id)
            .collect();
        for id in late {
            self.held_over(id, "timed-out".to_owned());
        }
    }
}

fn push<T>(list: &mut VecDeque<T>, one: T, most: usize) {
    list.push_back(one);
    if list.len() > most {
        list.pop_front();
    }
}
