//! Who stands at the door.

use std::sync::Arc;

use nix::unistd::geteuid;
use strongroom_control::door::Reply;
use tokio::net::UnixStream;

use super::refused;
use crate::broker::Broker;
use crate::open::Opened;
use crate::sessions::Session;

/// The longest description of a command that people see, in characters.
const MAX_COMMAND: usize = 256;

/// A process of this user that connected.
#[derive(Debug)]
pub(super) struct Guest {
    /// Its number; `None` where the system does not say.
    pid: Option<u32>,
    place: Place,
}

/// Where a process stands.
#[derive(Debug)]
enum Place {
    /// Outside every session: a person's own.
    Outside,
    /// In a session: an agent, or something it started.
    Inside(Arc<Session>),
    /// The system does not say, or the process is gone.
    Unknown,
}

impl Guest {
    /// Who connected; `None` for another user.
    pub(super) fn at(stream: &UnixStream, broker: &Broker) -> Option<Self> {
        let credentials = stream.peer_cred().ok()?;
        if credentials.uid() != geteuid().as_raw() {
            tracing::warn!(uid = credentials.uid(), "another user was turned away at the door");
            return None;
        }
        let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
        let place = pid.map_or(Place::Unknown, |pid| place(pid, broker));
        Some(Self { pid, place })
    }

    /// The session that the guest is part of.
    pub(super) fn session(&self) -> Option<&Arc<Session>> {
        match &self.place {
            Place::Inside(session) => Some(session),
            Place::Outside | Place::Unknown => None,
        }
    }

    /// Refuses everybody but a person's own processes.
    pub(super) fn require_outside(&self) -> Result<(), Reply> {
        match &self.place {
            Place::Outside => Ok(()),
            Place::Inside(_) => Err(refused(
                "inside",
                "this runs inside an agent's session, where only a person's own terminal may; use \
                 another terminal, or Strongroom's window",
            )),
            Place::Unknown => Err(refused(
                "unknown-process",
                "the system does not say which process asks; use Strongroom's window",
            )),
        }
    }

    /// Begins a session, whose root is the guest's process.
    pub(super) fn open(
        &self,
        broker: &Broker,
        agent: Option<&str>,
        only: &[String],
        minutes: Option<u32>,
        command: &str,
    ) -> Result<Opened, Reply> {
        // Otherwise an agent could begin one of another agent, who may do more.
        self.require_outside()?;
        let shown = command.chars().map(|c| if c.is_control() { ' ' } else { c });
        let opened = broker
            .open_session(agent, only, minutes, shown.take(MAX_COMMAND).collect())
            .map_err(|error| refused(error.code(), error.to_string()))?;
        if let Some(pid) = self.pid {
            // It is new, so nobody else has set it.
            let _ = opened.session.root.set(pid);
        }
        Ok(opened)
    }
}

fn place(pid: u32, broker: &Broker) -> Place {
    let Some(ancestors) = broker.who.ancestors(pid) else { return Place::Unknown };
    let mut roots = broker.sessions.roots().into_iter();
    let inside = roots.find(|(root, _)| ancestors.contains(root));
    inside.map_or(Place::Outside, |(_, session)| Place::Inside(session))
}
