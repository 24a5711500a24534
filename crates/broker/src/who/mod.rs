//! Which process asks, as the operating system knows it.
//!
//! What is learnt here tells programs apart; it does not hold a program that wants to be taken for
//! another. Every process of the same user may trace or preload its neighbours, and an interpreter
//! runs whatever script it is given. A rule about processes narrows what a policy allows, and a log
//! that names them helps a person; neither is a wall.
//!
//! Races, all of them answered by "unknown" or by the process that holds the socket *now*: a process
//! may end between connecting and being looked for, may hand its socket to another, and its number
//! may be given to a new process (which is noticed by the time it was started).
//!
//! An unknown process is `None`, and a policy with a rule about processes denies it. Deliberately
//! not here: what a process may do (`strongroom-policy`).

#[cfg(target_os = "linux")]
mod diag;
#[cfg(target_os = "linux")]
mod executable;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod procfs;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;

use strongroom_policy::Process;
use tokio::net::UnixStream;
use tokio::sync::OnceCell;

/// Finds the process at the other end of a connection. Calls block: they read files of the kernel
/// and may hash an executable.
pub trait WhoAsks: Debug + Send + Sync {
    /// The process that holds the other end of an accepted loopback connection: `local` is this
    /// end, `peer` the other. Processes below `root`, the first process of a session, are looked at
    /// first; then all of this user.
    fn of_peer(&self, local: SocketAddr, peer: SocketAddr, root: Option<u32>) -> Option<Process>;

    /// The user who made the other end of an accepted loopback connection.
    fn uid_of_peer(&self, local: SocketAddr, peer: SocketAddr) -> Option<u32>;

    /// The process that connected to a Unix socket.
    fn of_unix(&self, stream: &UnixStream) -> Option<Process>;

    /// A process and those above it, nearest first. `None` where nobody can tell.
    fn ancestors(&self, pid: u32) -> Option<Vec<u32>>;
}

/// What this system can tell.
#[cfg(target_os = "linux")]
pub fn of_this_system() -> Arc<dyn WhoAsks> {
    Arc::new(linux::Linux::default())
}

/// What this system can tell: nothing yet.
#[cfg(not(target_os = "linux"))]
pub fn of_this_system() -> Arc<dyn WhoAsks> {
    Arc::new(Nobody)
}

/// Knows no process: systems without an implementation, and tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl WhoAsks for Nobody {
    fn of_peer(&self, _: SocketAddr, _: SocketAddr, _: Option<u32>) -> Option<Process> {
        None
    }

    fn uid_of_peer(&self, _: SocketAddr, _: SocketAddr) -> Option<u32> {
        None
    }

    fn of_unix(&self, _: &UnixStream) -> Option<Process> {
        None
    }

    fn ancestors(&self, _: u32) -> Option<Vec<u32>> {
        None
    }
}

/// One accepted loopback connection, and the process at its other end once somebody asked.
#[derive(Debug)]
pub struct Peer {
    local: SocketAddr,
    remote: SocketAddr,
    process: OnceCell<Option<Arc<Process>>>,
}

impl Peer {
    /// A connection between `local`, this end, and `remote`.
    pub fn new(local: SocketAddr, remote: SocketAddr) -> Self {
        Self { local, remote, process: OnceCell::new() }
    }

    /// The process at the other end. Looked for once in the life of the connection, away from the
    /// threads that serve.
    pub async fn process(&self, who: &Arc<dyn WhoAsks>, root: Option<u32>) -> Option<Arc<Process>> {
        let look = || async {
            let (who, local, remote) = (Arc::clone(who), self.local, self.remote);
            let found = tokio::task::spawn_blocking(move || who.of_peer(local, remote, root)).await;
            found.ok().flatten().map(Arc::new)
        };
        self.process.get_or_init(look).await.clone()
    }
}
