//! The owner's side of the broker: starts the process beside this program, tells it what holds,
//! lends it values while the vault is open, and turns what it wrote down into signed acts.
//!
//! Invariants: a broker works for one organisation of one vault; it is told to lock before the keys
//! go; a value is lent only for a secret that the newest verified state names for that agent; what
//! was stopped stays stopped when the process is started again.
//!
//! Deliberately not here: a person's word on a request that waits ([`super::answering`]).

mod child;
mod config;
mod line;
mod live;
mod state;
mod tend;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use strongroom_control::{
    held::{Answered, Held},
    link::{SessionState, ToBroker},
};
use strongroom_format::id::AgentId;
use strongroom_secret::SecretBytes;
use tokio::sync::{Notify, oneshot};

use self::state::State;
use super::{Desk, hold};
use crate::{
    error::{Answer, CommandError},
    view::{AccessAsk, AlarmRow, BrokerView, LivePage, PersonView},
};

/// What this program knows of its broker.
#[derive(Default)]
pub(super) struct Seat {
    state: Mutex<State>,
    /// What holds may have changed.
    poke: Notify,
    /// The broker wrote something down.
    records: Notify,
    /// The window shows something that changed.
    news: Notify,
}

/// A look at what goes on, for the window.
#[derive(Debug, Default)]
pub(super) struct Going {
    pub(super) sessions: Vec<SessionState>,
    pub(super) stopped: bool,
    pub(super) stopped_agents: Vec<AgentId>,
    pub(super) held: Vec<Held>,
    pub(super) asks: Vec<AccessAsk>,
    pub(super) alarms: Vec<AlarmRow>,
    /// When each standing token was used last, in milliseconds since 1970.
    pub(super) used: BTreeMap<u64, u64>,
}

impl Seat {
    /// What holds may have changed: it is looked at soon.
    pub(super) fn poke(&self) {
        self.poke.notify_one();
    }

    /// How the broker is.
    pub(super) fn view(&self) -> BrokerView {
        hold(&self.state).view()
    }

    /// What goes on.
    pub(super) fn going(&self) -> Going {
        let mut state = hold(&self.state);
        state.forget_over();
        Going {
            sessions: state.sessions.clone(),
            stopped: state.stopped_all,
            stopped_agents: state.stopped_agents.iter().copied().collect(),
            held: state.held.values().cloned().collect(),
            asks: state.asks.iter().cloned().collect(),
            alarms: state.alarms.iter().rev().cloned().collect(),
            used: state.used.clone(),
        }
    }

    /// Requests that changed since.
    pub(super) fn live(&self, after: u64) -> LivePage {
        hold(&self.state).live.page(after)
    }

    /// A person wants a broker although no agent needs one yet, or one that failed again.
    pub(super) fn start(&self) {
        hold(&self.state).start();
        self.poke();
    }

    /// Ends every session, of one agent or of all. Never asks, and never fails: where no broker
    /// runs there is nothing to end, and the next one begins stopped.
    pub(super) fn stop(&self, agent: Option<AgentId>) {
        {
            let mut state = hold(&self.state);
            match agent {
                None => state.stopped_all = true,
                Some(agent) => {
                    state.stopped_agents.insert(agent);
                }
            }
            state.say(ToBroker::Stop { agent }, None);
        }
        self.news.notify_one();
    }

    /// Lets sessions begin again.
    pub(super) fn resume(&self, agent: Option<AgentId>) {
        {
            let mut state = hold(&self.state);
            match agent {
                None => {
                    state.stopped_all = false;
                    state.stopped_agents.clear();
                }
                Some(agent) => {
                    state.stopped_agents.remove(&agent);
                }
            }
            state.say(ToBroker::Resume { agent }, None);
        }
        self.news.notify_one();
    }

    /// The vault locks: no value is lent from now on, and what was lent goes.
    pub(super) fn lock(&self) {
        hold(&self.state).lock();
        self.news.notify_one();
    }

    /// Tells a person's word, and waits for what became of it. None where no broker runs.
    pub(super) fn ask_answered(
        &self,
        held: u64,
        word: ToBroker,
    ) -> Option<oneshot::Receiver<Answered>> {
        let mut state = hold(&self.state);
        let (answered, waits) = oneshot::channel();
        let said = state.say(word, None);
        if said {
            // A window that was closed before its answer came leaves one behind, and only one.
            state.answers.insert(held, answered);
        }
        said.then_some(waits)
    }

    /// A request that waits, with the person who answers for its agent.
    pub(super) fn held(&self, id: u64) -> Option<(Held, Option<PersonView>)> {
        let state = hold(&self.state);
        let held = state.held.get(&id)?.clone();
        let person = state.people.get(&held.agent).cloned();
        Some((held, person))
    }

    /// All that wait, the oldest first.
    pub(super) fn held_ids(&self) -> Vec<u64> {
        hold(&self.state).held.keys().copied().collect()
    }

    /// Why a request waits no more.
    pub(super) fn how_over(&self, id: u64) -> Option<String> {
        hold(&self.state)
            .over
            .iter()
            .rev()
            .find(|(over, _)| *over == id)
            .map(|(_, how)| how.clone())
    }

    /// The person who answers for an agent.
    pub(super) fn responsible(&self, agent: &AgentId) -> Option<PersonView> {
        hold(&self.state).people.get(agent).cloned()
    }

    /// The operator code of this run of the broker, made at first with `make`.
    pub(super) fn operator_code(
        &self,
        make: impl FnOnce() -> Answer<SecretBytes>,
    ) -> Answer<Arc<SecretBytes>> {
        let mut state = hold(&self.state);
        if let Some(code) = &state.operator {
            return Ok(Arc::clone(code));
        }
        if state.run.is_none() {
            let why = "it does not run; an agent that lives starts it".to_owned();
            return Err(CommandError::NoBroker { why });
        }
        let code = Arc::new(make()?);
        state.operator = Some(Arc::clone(&code));
        state.say(ToBroker::OperatorCode, Some(Arc::clone(&code)));
        Ok(code)
    }

    /// A person has seen what an agent asked for.
    pub(super) fn dismiss(&self, ask: &str) {
        hold(&self.state).asks.retain(|one| one.id != ask);
        self.news.notify_one();
    }

    fn has_run(&self) -> bool {
        hold(&self.state).run.is_some()
    }

    /// Where agents reach the broker.
    pub(super) fn address(&self) -> Option<String> {
        hold(&self.state).address().map(str::to_owned)
    }
}

impl Desk {
    /// Starts the broker, also one that failed.
    pub fn broker_start(&self) -> Answer<()> {
        self.session()?;
        self.broker.start();
        Ok(())
    }

    /// Ends every session, of one agent or of all. Works while the vault is locked.
    pub fn broker_stop(&self, agent_id: Option<&str>) -> Answer<()> {
        self.broker.stop(agent_id.map(str::parse).transpose()?);
        Ok(())
    }

    /// Lets sessions begin again.
    pub fn broker_resume(&self, agent_id: Option<&str>) -> Answer<()> {
        self.session()?;
        self.broker.resume(agent_id.map(str::parse).transpose()?);
        Ok(())
    }

    /// A person has seen what an agent asked for.
    pub fn access_ask_dismiss(&self, id: &str) -> Answer<()> {
        self.session()?;
        self.broker.dismiss(id);
        Ok(())
    }

    /// Ends the broker, for the end of the program.
    pub(super) async fn end_broker(&self) {
        let run = hold(&self.broker.state).take_run();
        if let Some(run) = run {
            run.end().await;
        }
    }
}
