//! A broker and all that keeps it going: its port, its door, its housekeeping.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinSet;

use crate::broker::{Broker, Options};
use crate::control::{Door, DoorError};
use crate::egress::{Egress, EgressError, EgressOptions, SystemResolver, TimeLimits, system_roots};
use crate::journal::JournalError;
use crate::owner::Owner;
use crate::{serve, who};

/// The port that a broker takes where none is named, so that tools with standing tokens find it.
pub const PORT: u16 = 7417;

/// How long ended sessions have to write down how their requests ended.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// Why a broker does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The way out.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The journal, or the port.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The door.
    #[error(transparent)]
    Door(#[from] DoorError),
}

/// A broker that runs.
#[derive(Debug)]
pub struct Running {
    broker: Arc<Broker>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Starts a broker whose journal is at `journal`. Nobody is served before [`Running::serve`].
    pub fn start(port: u16, journal: PathBuf, owner: Arc<dyn Owner>) -> Result<Self, RunError> {
        raise_file_limit();
        let egress = Egress::new(EgressOptions {
            resolver: Arc::new(SystemResolver::default()),
            roots: system_roots(),
            limits: TimeLimits::default(),
        })?;
        let who = who::of_this_system();
        let broker = Broker::start(Options { port, journal, egress, who, owner })?;
        Ok(Self { broker, tasks: JoinSet::new() })
    }

    /// The broker.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    /// Lets a person's commands in at `path`.
    pub fn open_door(&mut self, path: &Path) -> Result<(), DoorError> {
        let door = Door::bind(Arc::clone(&self.broker), path)?;
        self.tasks.spawn(door.serve());
        Ok(())
    }

    /// Lets agents in.
    pub fn serve(&mut self) {
        self.tasks.spawn(Arc::clone(&self.broker).keep_house());
        let broker = Arc::clone(&self.broker);
        self.tasks.spawn(async move {
            if let Err(error) = serve::serve(broker).await {
                tracing::error!(%error, "agents cannot be served");
            }
        });
    }

    /// Returns when a part of it has ended, which none does while all is well.
    pub async fn failed(&mut self) {
        match self.tasks.join_next().await {
            Some(_) => tracing::error!("a part of the broker has ended"),
            None => std::future::pending().await,
        }
    }

    /// Ends every session and everything that is open, and writes down how it ended.
    pub async fn end(mut self) {
        self.broker.stop(None);
        tokio::time::sleep(LAST_WORDS).await;
        // The door's socket goes with its task.
        self.tasks.shutdown().await;
    }
}

/// Takes as many open files as the system lets this process have: every agent has a handful, and
/// the usual limit is for programs that wait on few.
#[cfg(unix)]
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

#[cfg(not(unix))]
fn raise_file_limit() {}
