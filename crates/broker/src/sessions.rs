//! Sessions: an agent at work.
//!
//! Invariants: a session of a command ends with the connection that opened it; the standing session
//! of an agent serves its standing tokens; every request and every open connection watches its
//! session and dies with it; a stop is there before anything else of the session is looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use strongroom_control::link::{AgentConfig, SessionState};
use strongroom_format::id::AgentId;
use strongroom_policy::{Scope, SecretAt, SecretPolicy};
use tokio::sync::watch;

use crate::{ca::SessionCa, egress::Egress};

/// How a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// At work.
    Open,
    /// Waiting for the vault.
    Paused,
    /// Over, and why.
    Ended(End),
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its command is.
    Command,
    /// Its time is.
    Time,
    /// A person stopped it.
    Stopped,
    /// The vault was locked, and its policy says that it ends then.
    Locked,
    /// Its agent ended or is not there any more.
    Agent,
}

/// An agent as the newest verified state has it.
#[derive(Debug)]
pub struct Agent {
    /// What its owner says of it.
    pub config: AgentConfig,
    /// Where each of its credentials may go.
    pub secrets: BTreeMap<SecretAt, SecretPolicy>,
}

impl Agent {
    /// From what the owner says.
    pub fn new(config: AgentConfig) -> Self {
        let secrets = config.secrets.iter().map(|one| (one.at, one.policy.clone())).collect();
        Self { config, secrets }
    }
}

/// One agent at work.
#[derive(Debug)]
pub struct Session {
    /// Its number in this run.
    pub id: u64,
    /// Whose.
    pub agent: AgentId,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// Until when at most; zero for no end.
    pub until_ms: u64,
    /// The command that runs in it; empty for a standing session.
    pub command: String,
    /// What it may do at most.
    pub scope: Scope,
    /// SHA-256 of the password of the forward proxy; `None` for a standing session.
    pub password: Option<[u8; 32]>,
    /// The process at its root, as soon as it runs.
    pub root: OnceLock<u32>,
    /// Its own authority, where it has one.
    pub ca: Option<SessionCa>,
    /// Its own connections to the world.
    pub egress: Egress,
    /// Requests so far.
    pub calls: AtomicU64,
    /// Bytes so far.
    pub bytes: AtomicU64,
    standing: watch::Sender<Standing>,
}

/// What a session begins with.
#[derive(Debug)]
pub struct Begin {
    /// Whose.
    pub agent: AgentId,
    /// In milliseconds since 1970.
    pub now_ms: u64,
    /// Until when at most; zero for no end.
    pub until_ms: u64,
    /// The command.
    pub command: String,
    /// What it may do at most.
    pub scope: Scope,
    /// SHA-256 of the password of the forward proxy.
    pub password: Option<[u8; 32]>,
    /// Its own authority.
    pub ca: Option<SessionCa>,
    /// Its own connections to the world.
    pub egress: Egress,
}

impl Session {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    /// Watches how it stands.
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Returns when the session is over.
    pub async fn ended(&self) -> End {
        let mut watch = self.watch();
        loop {
            if let Standing::Ended(end) = *watch.borrow_and_update() {
                return end;
            }
            if watch.changed().await.is_err() {
                return End::Stopped;
            }
        }
    }

    fn end(&self, end: End) {
        self.standing.send_if_modified(|standing| {
            let ends = !matches!(standing, Standing::Ended(_));
            if ends {
                *standing = Standing::Ended(end);
            }
            ends
        });
    }

    fn pause(&self, paused: bool) {
        self.standing.send_if_modified(|standing| {
            let to = if paused { Standing::Paused } else { Standing::Open };
            let changes = !matches!(standing, Standing::Ended(_)) && *standing != to;
            if changes {
                *standing = to;
            }
            changes
        });
    }

    fn state(&self) -> SessionState {
        SessionState {
            id: self.id,
            agent: self.agent,
            since_ms: self.since_ms,
            command: self.command.clone(),
            calls: self.calls.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            paused: self.standing() == Standing::Paused,
        }
    }
}

/// All sessions, and what is stopped.
#[derive(Debug, Default)]
pub struct Sessions {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    living: BTreeMap<u64, Arc<Session>>,
    locked: bool,
    stopped: bool,
    stopped_agents: BTreeSet<AgentId>,
}

impl Sessions {
    /// Begins a session; `None` while its agent or everything is stopped.
    pub fn begin(&self, begin: Begin) -> Option<Arc<Session>> {
        self.hold().begin(begin)
    }

    /// A living session.
    pub fn lookup(&self, id: u64) -> Option<Arc<Session>> {
        self.hold().living.get(&id).cloned()
    }

    /// The session in which an agent's standing tokens work; begun when the first one is used.
    pub fn standing_of(
        &self,
        agent: AgentId,
        begin: impl FnOnce() -> Begin,
    ) -> Option<Arc<Session>> {
        let mut inner = self.hold();
        let mut living = inner.living.values();
        let found = living.find(|one| one.agent == agent && one.password.is_none()).cloned();
        found.or_else(|| inner.begin(begin()))
    }

    /// The session whose proxy password has this hash.
    pub fn by_password(&self, hash: &[u8; 32]) -> Option<Arc<Session>> {
        use subtle::ConstantTimeEq as _;
        let inner = self.hold();
        let is_it = |one: &&Arc<Session>| {
            one.password.as_ref().is_some_and(|password| bool::from(password.ct_eq(hash)))
        };
        inner.living.values().find(is_it).cloned()
    }

    /// Ends one session.
    pub fn end(&self, id: u64, end: End) {
        let session = self.hold().living.remove(&id);
        if let Some(session) = session {
            session.end(end);
        }
    }

    /// Ends the sessions that `which` picks; answers their numbers.
    pub fn end_all(&self, end: End, which: impl Fn(&Session) -> bool) -> Vec<u64> {
        let ended: Vec<Arc<Session>> = {
            let mut inner = self.hold();
            let mut ended = Vec::new();
            inner.living.retain(|_, session| {
                let goes = which(session);
                if goes {
                    ended.push(Arc::clone(session));
                }
                !goes
            });
            ended
        };
        for session in &ended {
            session.end(end);
        }
        ended.iter().map(|session| session.id).collect()
    }

    /// Nothing of this agent, or of any, begins or goes on. First the mark, then the ends: whoever
    /// begins meanwhile sees the mark.
    pub fn stop(&self, agent: Option<AgentId>) -> Vec<u64> {
        {
            let mut inner = self.hold();
            match agent {
                Some(agent) => drop(inner.stopped_agents.insert(agent)),
                None => inner.stopped = true,
            }
        }
        self.end_all(End::Stopped, |session| agent.is_none_or(|agent| session.agent == agent))
    }

    /// Takes a stop back. One of everything takes those of single agents with it.
    pub fn resume(&self, agent: Option<AgentId>) {
        let mut inner = self.hold();
        if let Some(agent) = agent {
            inner.stopped_agents.remove(&agent);
        } else {
            inner.stopped = false;
            inner.stopped_agents.clear();
        }
    }

    /// Whether an agent may not begin anything.
    pub fn is_stopped(&self, agent: AgentId) -> bool {
        self.hold().is_stopped(agent)
    }

    /// Whether everything is stopped, and which agents are by themselves.
    pub fn stopped(&self) -> (bool, Vec<AgentId>) {
        let inner = self.hold();
        (inner.stopped, inner.stopped_agents.iter().copied().collect())
    }

    /// The vault is locked, or open again: sessions wait.
    pub fn set_locked(&self, locked: bool) {
        let mut inner = self.hold();
        inner.locked = locked;
        for session in inner.living.values() {
            session.pause(locked);
        }
    }

    /// Whether the vault is locked.
    pub fn is_locked(&self) -> bool {
        self.hold().locked
    }

    /// All living sessions, for people.
    pub fn states(&self) -> Vec<SessionState> {
        self.hold().living.values().map(|session| session.state()).collect()
    }

    /// The living sessions whose root process is known, with that process.
    pub fn roots(&self) -> Vec<(u32, Arc<Session>)> {
        let inner = self.hold();
        let rooted = |one: &Arc<Session>| Some((*one.root.get()?, Arc::clone(one)));
        inner.living.values().filter_map(rooted).collect()
    }

    fn hold(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn begin(&mut self, begin: Begin) -> Option<Arc<Session>> {
        if self.is_stopped(begin.agent) {
            return None;
        }
        self.next += 1;
        let standing = if self.locked { Standing::Paused } else { Standing::Open };
        let session = Arc::new(Session {
            id: self.next,
            agent: begin.agent,
            since_ms: begin.now_ms,
            until_ms: begin.until_ms,
            command: begin.command,
            scope: begin.scope,
            password: begin.password,
            root: OnceLock::new(),
            ca: begin.ca,
            egress: begin.egress,
            calls: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            standing: watch::Sender::new(standing),
        });
        self.living.insert(session.id, Arc::clone(&session));
        Some(session)
    }

    fn is_stopped(&self, agent: AgentId) -> bool {
        self.stopped || self.stopped_agents.contains(&agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::{EgressOptions, SystemResolver, TimeLimits};

    const AGENT: AgentId = AgentId([1; 16]);
    const OTHER: AgentId = AgentId([2; 16]);

    fn begin(agent: AgentId) -> Begin {
        Begin {
            agent,
            now_ms: 1,
            until_ms: 0,
            command: "agent".to_owned(),
            scope: Scope::whole(),
            password: Some([7; 32]),
            ca: None,
            egress: egress(),
        }
    }

    fn egress() -> Egress {
        let options = EgressOptions {
            resolver: Arc::new(SystemResolver::default()),
            roots: rustls::RootCertStore::empty(),
            limits: TimeLimits::default(),
        };
        Egress::new(options).unwrap()
    }

    #[tokio::test]
    async fn a_stop_of_one_agent_ends_its_sessions_and_lets_none_begin() {
        let sessions = Sessions::default();
        let one = sessions.begin(begin(AGENT)).unwrap();
        let other = sessions.begin(begin(OTHER)).unwrap();
        assert_eq!(sessions.stop(Some(AGENT)), [one.id]);
        assert_eq!(one.ended().await, End::Stopped);
        assert_eq!(other.standing(), Standing::Open);
        assert!(sessions.begin(begin(AGENT)).is_none());
        let standing = || Begin { password: None, ..begin(AGENT) };
        assert!(sessions.standing_of(AGENT, standing).is_none());
        sessions.resume(Some(AGENT));
        assert!(sessions.begin(begin(AGENT)).is_some());
    }

    #[tokio::test]
    async fn a_stop_of_everything_is_taken_back_for_everything() {
        let sessions = Sessions::default();
        let one = sessions.begin(begin(AGENT)).unwrap();
        sessions.stop(Some(OTHER));
        sessions.stop(None);
        assert_eq!(one.ended().await, End::Stopped);
        assert!(sessions.begin(begin(OTHER)).is_none());
        sessions.resume(None);
        assert_eq!(sessions.stopped(), (false, Vec::new()));
        assert_eq!(one.standing(), Standing::Ended(End::Stopped), "what is over stays over");
    }

    #[test]
    fn a_lock_pauses_and_what_ended_does_not_come_back() {
        let sessions = Sessions::default();
        let one = sessions.begin(begin(AGENT)).unwrap();
        let two = sessions.begin(begin(AGENT)).unwrap();
        sessions.set_locked(true);
        assert_eq!(one.standing(), Standing::Paused);
        assert_eq!(sessions.begin(begin(AGENT)).unwrap().standing(), Standing::Paused);
        sessions.end(two.id, End::Command);
        sessions.set_locked(false);
        assert_eq!(one.standing(), Standing::Open);
        assert_eq!(two.standing(), Standing::Ended(End::Command));
    }

    #[test]
    fn a_password_opens_its_own_session_while_that_lives() {
        let sessions = Sessions::default();
        let one = sessions.begin(begin(AGENT)).unwrap();
        assert_eq!(sessions.by_password(&[7; 32]).unwrap().id, one.id);
        assert!(sessions.by_password(&[8; 32]).is_none());
        sessions.end(one.id, End::Command);
        assert!(sessions.by_password(&[7; 32]).is_none());
    }
}
