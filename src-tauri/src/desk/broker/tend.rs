//! Looking after the broker: it runs while somebody needs it, knows what holds, and its journal is
//! emptied into the audit log.

use std::{sync::Arc, time::Duration};

use strongroom_client::vault::{AgentUse, Session};
use strongroom_control::{link::ToBroker, recorder::Noted};
use tokio::{sync::mpsc, time::timeout};

use super::{
    child, config, line,
    state::{QUEUE, Whose},
};
use crate::{
    desk::{Desk, Notice, hold, translate, vaults::blocking},
    error::Answer,
};

/// The shortest time between two things that the window is told.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// The shortest time between two writes of acts.
const NOTE_EVERY: Duration = Duration::from_millis(250);
/// How many acts are signed at once: nobody else uses the vault meanwhile.
const MOST_ACTS: usize = 500;
/// How long a broker may take to tell what an earlier one left in the journal.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

impl Desk {
    /// Starts, configures and ends the broker as what holds changes; runs as long as the program.
    pub async fn tend_broker(self: Arc<Self>) {
        tokio::spawn(Arc::clone(&self).keep_acts());
        tokio::spawn(Arc::clone(&self).tell_agents());
        loop {
            let rest = self.tend_once().await.unwrap_or_else(|error| {
                // Locked meanwhile, or no organisation yet.
                tracing::debug!(%error, "the broker waits");
                None
            });
            match rest {
                None => self.broker.poke.notified().await,
                // Over or poked: it is looked at again.
                Some(rest) => drop(timeout(rest, self.broker.poke.notified()).await),
            }
        }
    }

    /// One look. Answers how long to wait until the next one, if nothing happens.
    async fn tend_once(self: &Arc<Self>) -> Answer<Option<Duration>> {
        // A locked vault keeps its broker, which knows that it is locked.
        let Ok(session) = self.session() else { return Ok(None) };
        let vault = session.record().id;
        let whose = session.current().map(|org| Whose { vault, org });
        let other = {
            let mut state = hold(&self.broker.state);
            let running = state.run.as_ref().map(|run| run.whose);
            let front = whose.as_ref().ok();
            let is_other = running.is_some_and(|running| front != Some(&running));
            if is_other { state.take_run() } else { None }
        };
        if let Some(other) = other {
            other.end().await;
        }
        let whose = whose?;
        let read = {
            let session = Arc::clone(&session);
            blocking(move || config::read(&session)).await?
        };
        let ended = {
            let mut state = hold(&self.broker.state);
            state.people = read.people;
            let wanted = state.is_wanted(&read.config);
            if wanted { None } else { Some(state.take_run()) }
        };
        if let Some(run) = ended {
            if let Some(run) = run {
                run.end().await;
            }
            self.broker.news.notify_one();
            return Ok(None);
        }
        let rest = {
            let state = hold(&self.broker.state);
            if state.run.is_none() { state.rest() } else { None }
        };
        if rest.is_some() {
            return Ok(rest);
        }
        if hold(&self.broker.state).run.is_none() {
            self.start_broker(whose);
        }
        self.configure(read.config);
        self.broker.news.notify_one();
        Ok(hold(&self.broker.state).rest().filter(|_| !self.broker.has_run()))
    }

    fn configure(&self, config: strongroom_control::link::Config) {
        let mut state = hold(&self.broker.state);
        if state.config != config {
            state.config = config.clone();
            state.say(ToBroker::Configure { config }, None);
        }
        state.unlock();
    }

    #[cfg(unix)]
    fn start_broker(self: &Arc<Self>, whose: Whose) {
        let journal = self.profile.vault_folder(&whose.vault);
        let journal = journal.join(format!("broker-{}.journal", whose.org));
        match child::start(&journal) {
            Ok((child, stream)) => {
                let (to, queue) = mpsc::channel(QUEUE);
                let number = hold(&self.broker.state).begin(whose, to, child);
                tokio::spawn(line::serve(Arc::clone(self), number, stream, queue));
            }
            Err(error) => {
                let why = if error.kind() == std::io::ErrorKind::NotFound {
                    "The program strongroom-broker is not beside this one. Install Strongroom again."
                        .to_owned()
                } else {
                    format!("The broker could not be started: {error}.")
                };
                tracing::error!(%error, "the broker");
                hold(&self.broker.state).failed(&why, false);
            }
        }
    }

    #[cfg(not(unix))]
    fn start_broker(self: &Arc<Self>, _: Whose) {
        let why = "The broker does not run on this system yet.";
        hold(&self.broker.state).failed(why, false);
    }

    /// Turns what the broker wrote down into acts.
    async fn keep_acts(self: Arc<Self>) {
        loop {
            if self.broker.has_run() {
                // Also without news, for what an earlier broker left.
                drop(timeout(TOLD_WITHIN, self.broker.records.notified()).await);
            } else {
                self.broker.records.notified().await;
            }
            if let Err(error) = self.keep_acts_once().await {
                tracing::warn!(%error, "what agents did is not in the audit log yet");
            }
            tokio::time::sleep(NOTE_EVERY).await;
        }
    }

    async fn keep_acts_once(&self) -> Answer<()> {
        let (uses, whose) = {
            let mut state = hold(&self.broker.state);
            let Some(run) = &state.run else { return Ok(()) };
            let (whose, started_ms) = (run.whose, run.started_ms);
            if run.started.elapsed() > TOLD_WITHIN {
                state.recorder.give_up(started_ms);
            }
            let mut uses = state.recorder.waiting();
            if uses.len() > MOST_ACTS {
                uses.truncate(MOST_ACTS);
                self.broker.records.notify_one();
            }
            (uses, whose)
        };
        if !uses.is_empty() {
            let Ok(session) = self.session() else { return Ok(()) };
            let count = uses.len();
            let noted = blocking(move || note(&session, whose, uses)).await?;
            if !noted {
                return Ok(());
            }
            hold(&self.broker.state).recorder.kept(count);
        }
        hold(&self.broker.state).tell_through();
        Ok(())
    }

    /// Tells the window what changed, at most four times a second.
    async fn tell_agents(self: Arc<Self>) {
        let mut seen = 0;
        loop {
            self.broker.news.notified().await;
            let (held, changes) = {
                let state = hold(&self.broker.state);
                (translate::count(state.held.len()), state.live.changes())
            };
            self.tell(Notice::Agents { live: changes != seen, held });
            seen = changes;
            tokio::time::sleep(TELL_EVERY).await;
        }
    }
}

/// Says whether it is this session that notes what the broker of `whose` did.
fn note(session: &Session, whose: Whose, noted: Vec<Noted>) -> Answer<bool> {
    if !line::is_of(session, whose) {
        return Ok(false);
    }
    let of = |Noted { agent, secret, status, call }| AgentUse { agent, secret, status, call };
    let uses: Vec<AgentUse> = noted.into_iter().map(of).collect();
    session.note_agent_uses(&uses)?;
    Ok(true)
}
