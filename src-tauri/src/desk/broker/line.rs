//! The line to a broker: what it says is done or shown, what it asks for is lent.

use std::sync::Arc;

use strongroom_client::vault::{Session, VaultError};
use strongroom_control::{
    frame,
    link::{NoLease, ToBroker, ToOwner},
};
use strongroom_format::id::AgentId;
use strongroom_policy::SecretAt;
use strongroom_secret::SecretBytes;
use tokio::{
    net::UnixStream,
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::mpsc,
};

use super::state::{Said, Whose};
use crate::desk::{Desk, Notice, hold};

/// Serves the line until one of the two ends it.
pub(super) async fn serve(
    desk: Arc<Desk>,
    number: u64,
    stream: UnixStream,
    queue: mpsc::Receiver<Said>,
) {
    let (read, write) = stream.into_split();
    let ended = tokio::select! {
        ended = listen(&desk, number, read) => ended,
        ended = speak(write, queue) => ended,
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "the line to the broker");
    }
    let died =
        hold(&desk.broker.state).died(number, "The broker ended by itself. It is started again.");
    if let Some(run) = died {
        tracing::warn!("the broker ended by itself");
        run.end().await;
        desk.broker.poke();
        desk.broker.news.notify_one();
    }
}

async fn speak(
    mut write: OwnedWriteHalf,
    mut queue: mpsc::Receiver<Said>,
) -> Result<(), frame::FrameError> {
    while let Some((message, tail)) = queue.recv().await {
        frame::write(&mut write, &message, tail.as_deref()).await?;
    }
    Ok(())
}

async fn listen(
    desk: &Arc<Desk>,
    number: u64,
    mut read: OwnedReadHalf,
) -> Result<(), frame::FrameError> {
    while let Some((message, tail)) = frame::read::<ToOwner>(&mut read).await? {
        take(desk, number, message, tail);
    }
    Ok(())
}

/// One message. What takes its time goes on by itself, so that the next message is not kept waiting.
fn take(desk: &Arc<Desk>, number: u64, message: ToOwner, tail: SecretBytes) {
    let seat = &desk.broker;
    let mut state = hold(&seat.state);
    // What a broker still says that was ended meanwhile is about another organisation.
    let Some(run) = state.run.as_mut().filter(|run| run.number == number) else { return };
    let whose = run.whose;
    match message {
        ToOwner::Ready { port, .. } => run.address = Some(format!("127.0.0.1:{port}")),
        ToOwner::Ask { ask, agent, secret, version } => {
            tokio::spawn(lend(Arc::clone(desk), whose, ask, agent, secret, version));
            return;
        }
        ToOwner::Records { records } => {
            state.take_records(records);
            seat.records.notify_one();
        }
        ToOwner::Held { held } => {
            state.holds(held);
            desk.tell(Notice::AgentAsks);
        }
        ToOwner::HeldOver { id, how } => state.held_over(id, how),
        ToOwner::Answered { held, what } => {
            if let Some(waits) = state.answers.remove(&held) {
                // Whoever asked may have closed the window.
                waits.send(what).ok();
            }
        }
        ToOwner::Sessions { sessions, stopped, stopped_agents } => {
            state.sessions = sessions;
            // Somebody may have stopped or resumed from a terminal.
            state.stopped_all = stopped;
            state.stopped_agents = stopped_agents.into_iter().collect();
        }
        ToOwner::AccessAsked { agent, provider, reason } => {
            state.access_asked(&agent, provider, reason);
        }
        ToOwner::Captured { secret, version } => {
            tokio::spawn(capture(Arc::clone(desk), whose, secret, version, tail));
            return;
        }
    }
    drop(state);
    seat.news.notify_one();
}

/// Lends a value, or says why not. The broker is not believed: what it asks for must be named, for
/// this agent and at this version, by the state that was verified here.
async fn lend(
    desk: Arc<Desk>,
    whose: Whose,
    ask: u64,
    agent: AgentId,
    secret: SecretAt,
    version: u64,
) {
    let named = hold(&desk.broker.state)
        .entry(&agent, &secret)
        .is_some_and(|entry| entry.version == version);
    let lent = match desk.session() {
        _ if !named => Err(NoLease::Gone),
        Err(_) => Err(NoLease::Locked),
        Ok(session) => open(session, whose, secret, version).await,
    };
    let (version, value, refused) = match lent {
        Ok(value) => (version, Some(value), None),
        Err(why) => (0, None, Some(why)),
    };
    if refused == Some(NoLease::Gone) {
        desk.broker.poke();
    }
    hold(&desk.broker.state).say(ToBroker::Lent { ask, version, refused }, value);
}

async fn open(
    session: Arc<Session>,
    whose: Whose,
    at: SecretAt,
    version: u64,
) -> Result<Arc<SecretBytes>, NoLease> {
    let opened = tokio::task::spawn_blocking(move || {
        if !is_of(&session, whose) {
            return Err(NoLease::Gone);
        }
        match session.lend_to_agent(at.env, &at.secret) {
            Ok((found, value)) if found == version => Ok(value),
            Ok(_) | Err(VaultError::NotFound) => Err(NoLease::Gone),
            // That it was opened could not be noted.
            Err(VaultError::Cache(_)) => Err(NoLease::CannotRecord),
            Err(error) => {
                tracing::warn!(%error, "a value was not lent");
                Err(NoLease::Unreadable)
            }
        }
    });
    opened.await.unwrap_or(Err(NoLease::Unreadable))
}

/// Keeps a credential that a provider gave in place of another one.
async fn capture(desk: Arc<Desk>, whose: Whose, at: SecretAt, version: u64, value: SecretBytes) {
    let Ok(session) = desk.session() else {
        return tracing::error!("a new credential came while the vault was locked, and is lost");
    };
    if !is_of(&session, whose) {
        return tracing::error!("a new credential came for another organisation, and is lost");
    }
    match session.capture(at.env, at.secret, version, value).await {
        Ok(version) => tracing::info!(version, "a provider replaced a credential"),
        Err(error) => tracing::error!(%error, "a new credential could not be kept"),
    }
}

/// Whether this session has the vault and, in front, the organisation that a broker works for.
pub(super) fn is_of(session: &Session, whose: Whose) -> bool {
    session.record().id == whose.vault && session.current().is_ok_and(|org| org == whose.org)
}
