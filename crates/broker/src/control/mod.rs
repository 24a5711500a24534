//! The door: a Unix socket at which a person's commands arrive.
//!
//! Invariants: only processes of this user are heard (the folder's mode, the socket's mode, and the
//! peer's credentials say so, each by itself); what a person alone may say (an answer, a resume)
//! needs the operator code *and* comes from outside every session's processes, for an agent that
//! runs commands must not approve itself; nothing here lends a value. Stopping needs nothing: it is
//! the safe direction.
//!
//! A session that is opened here belongs to its connection, and ends with it: with the command, with
//! its death, with a kill.

mod asked;
mod code;
mod guest;
mod socket;
#[cfg(test)]
mod tests;
mod visitors;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use strongroom_control::door::{Ask, Reply};
use strongroom_control::frame::{self, FrameError};
use strongroom_secret::SecretBytes;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;

use crate::broker::Broker;
use crate::exchange;
use crate::sessions::{End, Session};

pub use code::{CodeError, OperatorCode};
use guest::Guest;
use socket::Bound;
pub use socket::DoorError;
use visitors::Visitors;

/// How many connections are served at once; a session is one.
const CONNECTIONS: usize = 4_096;

/// How long a connection without a session may say nothing.
const SILENCE: Duration = Duration::from_mins(1);

/// The door of a broker. Its socket goes when this is dropped.
#[derive(Debug)]
pub struct Door {
    broker: Arc<Broker>,
    bound: Bound,
    free: Arc<Semaphore>,
    visitors: Arc<Visitors>,
}

impl Door {
    /// Binds the socket at `path`, in a folder that only this user may enter and that is made if it
    /// is not there.
    pub fn bind(broker: Arc<Broker>, path: &Path) -> Result<Self, DoorError> {
        let bound = Bound::bind(path)?;
        broker.set_door(path.display().to_string());
        let free = Arc::new(Semaphore::new(CONNECTIONS));
        Ok(Self { broker, bound, free, visitors: Arc::default() })
    }

    /// Serves whoever comes, until it is dropped.
    pub async fn serve(self) {
        loop {
            let Ok(free) = Arc::clone(&self.free).acquire_owned().await else { return };
            let stream = match self.bound.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of files, usually: others have to end first.
                    tracing::warn!(%error, "the door cannot be opened");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (broker, visitors) = (Arc::clone(&self.broker), Arc::clone(&self.visitors));
            tokio::spawn(async move {
                if let Err(error) = converse(broker, &visitors, stream).await {
                    tracing::debug!(%error, "a command broke off");
                }
                drop(free);
            });
        }
    }
}

/// One connection, from its first question to its end.
async fn converse(
    broker: Arc<Broker>,
    visitors: &Visitors,
    mut stream: UnixStream,
) -> Result<(), FrameError> {
    let Some(guest) = Guest::at(&stream, &broker) else { return Ok(()) };
    // An agent that comes in crowds must not keep a person from the door.
    let Some(_place) = visitors.enter(guest.session().map(|session| session.id)) else {
        return Ok(());
    };
    let mut held = Held { broker: Arc::clone(&broker), session: None };
    loop {
        let heard = tokio::select! {
            heard = listen(&mut stream, held.session.is_some()) => heard?,
            end = held.ended() => {
                let refusal = exchange::ended(end);
                let reply = refused(refusal.code, refusal.message);
                return frame::write(&mut stream, &reply, None).await;
            }
        };
        let Some((ask, code)) = heard else { return Ok(()) };
        let reply = match ask {
            // Whoever got hold of a session's connection from inside gets no further with it.
            _ if held.session.is_some() => {
                refused("in-session", "this connection carries a session; ask on another one")
            }
            Ask::Open { agent, only, minutes, command } => {
                match guest.open(&broker, agent.as_deref(), &only, minutes, &command) {
                    Ok(opened) => {
                        held.session = Some(opened.session);
                        opened.reply
                    }
                    Err(refusal) => refusal,
                }
            }
            other => asked::answer(&broker, &guest, other, &code),
        };
        frame::write(&mut stream, &reply, None).await?;
    }
}

/// The next question; `None` where there is none any more.
async fn listen(
    stream: &mut UnixStream,
    has_session: bool,
) -> Result<Option<(Ask, SecretBytes)>, FrameError> {
    if has_session {
        return frame::read(stream).await;
    }
    tokio::time::timeout(SILENCE, frame::read(stream)).await.unwrap_or(Ok(None))
}

/// The session of a connection; it ends when this is dropped.
struct Held {
    broker: Arc<Broker>,
    session: Option<Arc<Session>>,
}

impl Held {
    /// Returns when the session is over; never, where there is none.
    async fn ended(&self) -> End {
        match &self.session {
            Some(session) => session.ended().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            self.broker.end_session(session.id, End::Command);
        }
    }
}

fn refused(code: &str, message: impl Into<String>) -> Reply {
    Reply::Refused { code: code.to_owned(), message: message.into() }
}
