//! Linux: `/proc` and the credentials of a Unix socket.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use strongroom_policy::Process;
use tokio::net::UnixStream;

use super::executable::{self, Executables};
use super::{WhoAsks, diag, procfs};

/// How many ancestors are named.
const PARENTS: usize = 8;

/// How many of the processes that asked last are looked at before all others.
const RECENT: usize = 16;

/// How many processes below a session's first are looked at.
const BELOW: usize = 4_096;

/// How many ancestors a process has at most.
const DEPTH: usize = 1_024;

/// The processes of this machine.
#[derive(Debug, Default)]
pub(super) struct Linux {
    executables: Executables,
    recent: Recent,
}

/// The processes that asked last: most likely they ask again, and looking at all takes long.
#[derive(Debug, Default)]
struct Recent(Mutex<VecDeque<u32>>);

impl Recent {
    fn processes(&self) -> Vec<u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    fn add(&self, pid: u32) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|one| *one != pid);
        recent.push_front(pid);
        recent.truncate(RECENT);
    }
}

fn socket_between(local: SocketAddr, remote: SocketAddr) -> Option<procfs::Socket> {
    diag::socket_between(local, remote).unwrap_or_else(|_| procfs::socket(local, remote))
}

impl WhoAsks for Linux {
    fn of_peer(&self, local: SocketAddr, peer: SocketAddr, root: Option<u32>) -> Option<Process> {
        let socket = socket_between(peer, local)?;
        let holder = |pid: &u32| procfs::holds(*pid, socket.inode);
        let pid = root
            .and_then(|root| below(root).into_iter().find(holder))
            .or_else(|| self.recent.processes().into_iter().find(holder))
            .or_else(|| {
                procfs::all().filter(|pid| procfs::uid(*pid) == Some(socket.uid)).find(holder)
            })?;
        self.recent.add(pid);
        self.describe(pid)
    }

    fn uid_of_peer(&self, local: SocketAddr, peer: SocketAddr) -> Option<u32> {
        socket_between(peer, local).map(|socket| socket.uid)
    }

    fn of_unix(&self, stream: &UnixStream) -> Option<Process> {
        let credentials = stream.peer_cred().ok()?;
        let pid = u32::try_from(credentials.pid()?).ok()?;
        self.describe(pid)
    }

    fn ancestors(&self, pid: u32) -> Option<Vec<u32>> {
        if pid == 0 {
            return None; // a process of another namespace, which has no number here
        }
        let mut ancestors = vec![pid];
        let mut at = pid;
        while at > 1 && ancestors.len() < DEPTH {
            at = procfs::stat(at)?.parent;
            ancestors.push(at);
        }
        // A chain without a top was looked at while it changed.
        (at <= 1).then_some(ancestors)
    }
}

impl Linux {
    fn describe(&self, pid: u32) -> Option<Process> {
        let before = procfs::stat(pid)?;
        let uid = procfs::uid(pid)?;
        let path = executable::path(pid)?;
        let sha256 = self.executables.sha256(pid);
        let parents = parents(before.parent);
        // Another process may have got the number meanwhile, or this one may run another program.
        let is_same = procfs::stat(pid)? == before && executable::path(pid)? == path;
        is_same.then_some(Process { pid, uid, path, sha256, parents })
    }
}

/// The executables of a process and of those above it, nearest first. One that may not be looked at
/// (of another user) goes by the name that it gives itself, in brackets.
fn parents(mut pid: u32) -> Vec<String> {
    let mut parents = Vec::new();
    while pid > 1 && parents.len() < PARENTS {
        let named = || procfs::name(pid).map(|name| format!("[{name}]"));
        let Some(parent) = executable::path(pid).or_else(named) else { break };
        parents.push(parent);
        let Some(stat) = procfs::stat(pid) else { break };
        pid = stat.parent;
    }
    parents
}

/// A process and all below it, nearest first.
fn below(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut seen = BTreeSet::from([root]);
    let mut at = 0;
    while let Some(&pid) = found.get(at) {
        at += 1;
        let Some(children) = procfs::children(pid) else { break };
        for child in children {
            if found.len() < BELOW && seen.insert(child) {
                found.push(child);
            }
        }
    }
    found
}
