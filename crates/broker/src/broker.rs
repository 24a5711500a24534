//! One running broker: what every way in shares.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use strongroom_client::clock::{Clock as _, SystemClock};
use strongroom_control::{
    held::{Answer, Answered},
    link::{AgentConfig, Config, SecretEntry, SessionState, ToOwner},
};
use strongroom_format::id::AgentId;
use strongroom_policy::{OnLock, Usage};
use strongroom_secret::SecretBytes;
use tokio::sync::Notify;

use crate::{
    approvals::Approvals,
    control::OperatorCode,
    egress::Egress,
    gateway::LegacySource,
    inject::Refreshed,
    journal::{Journal, JournalError},
    leases::Leases,
    owner::Owner,
    sessions::{Agent, End, Session, Sessions},
    tokens::TokenBook,
    who::WhoAsks,
};

/// The shortest time between two reports of sessions to the owner.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// How often values that nobody uses are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// How long an agent waits before it asks for the same again.
const ASK_EVERY: Duration = Duration::from_mins(1);
/// How many providers an agent may ask for meanwhile.
const ASKS_PER_AGENT: usize = 5;

/// What a broker begins with.
pub struct Options {
    /// The port of 127.0.0.1; 0 for any.
    pub port: u16,
    /// Where the journal is.
    pub journal: PathBuf,
    /// The way out.
    pub egress: Egress,
    /// Who asks, as the system knows it.
    pub who: Arc<dyn WhoAsks>,
    /// Whoever holds the vault.
    pub owner: Arc<dyn Owner>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("port", &self.port).finish_non_exhaustive()
    }
}

/// A running broker.
pub struct Broker {
    roster: RwLock<Arc<BTreeMap<AgentId, Arc<Agent>>>>,
    pub(crate) sessions: Sessions,
    pub(crate) tokens: TokenBook,
    pub(crate) leases: Leases,
    pub(crate) usage: Mutex<Usage>,
    pub(crate) refreshed: Refreshed,
    pub(crate) approvals: Approvals,
    pub(crate) egress: Egress,
    pub(crate) who: Arc<dyn WhoAsks>,
    pub(crate) owner: Arc<dyn Owner>,
    pub(crate) operator: OperatorCode,
    journal: Journal,
    requests: AtomicU64,
    listener: Mutex<Option<StdListener>>,
    address: SocketAddr,
    changed: Notify,
    asks: Mutex<BTreeMap<(AgentId, String), Instant>>,
    door: OnceLock<String>,
    pub(crate) legacy: OnceLock<Arc<dyn LegacySource>>,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Broker {
    /// Binds the port and opens the journal. Nothing is served before [`crate::serve::serve`].
    pub fn start(options: Options) -> Result<Arc<Self>, JournalError> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, options.port))
            // The usual port may be taken by another vault of this person.
            .or_else(|_| StdListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        listener.set_nonblocking(true)?;
        let told = Arc::clone(&options.owner);
        Ok(Arc::new(Self {
            roster: RwLock::default(),
            sessions: Sessions::default(),
            tokens: TokenBook::default(),
            leases: Leases::default(),
            usage: Mutex::default(),
            refreshed: Refreshed::default(),
            approvals: Approvals::new(Arc::new(SystemClock), move |what| told.tell(what)),
            egress: options.egress,
            who: options.who,
            owner: options.owner,
            operator: OperatorCode::default(),
            journal: Journal::open(&options.journal)?,
            requests: AtomicU64::new(now_ms() << 20),
            address: listener.local_addr()?,
            listener: Mutex::new(Some(listener)),
            changed: Notify::new(),
            asks: Mutex::default(),
            door: OnceLock::new(),
            legacy: OnceLock::new(),
        }))
    }

    /// Where agents reach it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a person's commands reach it; empty before it listens there.
    pub fn door(&self) -> &str {
        self.door.get().map_or("", String::as_str)
    }

    /// It listens at this socket.
    pub fn set_door(&self, path: String) {
        self.door.set(path).ok();
    }

    /// Clients of the older service are answered from this; before it is set, from nothing.
    pub fn set_legacy(&self, source: Arc<dyn LegacySource>) {
        self.legacy.set(source).ok();
    }

    pub(crate) fn take_listener(&self) -> Option<StdListener> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What was written down.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// A number for a request, never used before, also not by a broker before this one.
    pub(crate) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// A living agent, as the newest verified state has it.
    pub fn agent(&self, id: AgentId) -> Option<Arc<Agent>> {
        let lives = |agent: &Arc<Agent>| {
            let end = agent.config.not_after_ms;
            end == 0 || end > now_ms()
        };
        self.roster().get(&id).cloned().filter(lives)
    }

    /// All agents.
    pub fn roster(&self) -> Arc<BTreeMap<AgentId, Arc<Agent>>> {
        Arc::clone(&self.roster.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What holds from now on. Sessions of agents that are gone end; values whose version or policy
    /// changed are asked for again.
    pub fn configure(&self, config: Config) {
        let Config { agents, tokens } = config;
        let next: BTreeMap<AgentId, Arc<Agent>> =
            agents.into_iter().map(|agent| (agent.id, Arc::new(Agent::new(agent)))).collect();
        let changed = |before: &AgentConfig, after: Option<&Arc<Agent>>| {
            after.is_none_or(|after| after.config.secrets != before.secrets)
        };
        let before = self.roster();
        let others: Vec<AgentId> = before
            .iter()
            .filter(|(id, agent)| changed(&agent.config, next.get(id)))
            .map(|(id, _)| *id)
            .collect();
        {
            let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
            let other = |id: &AgentId, one: &Agent| {
                next.get(id).is_none_or(|after| after.config.policy != one.config.policy)
            };
            for (id, _) in before.iter().filter(|(id, one)| other(id, one)) {
                usage.forget_rules(*id);
            }
        }
        *self.roster.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        self.tokens.set_standing(&tokens);
        let roster = self.roster();
        self.close(self.sessions.end_all(End::Agent, |one| !roster.contains_key(&one.agent)));
        if !others.is_empty() {
            self.leases.end_all();
            // Not all of it: a refresh token that its provider replaced works only here until the
            // owner has stored it, which shows as another version.
            self.refreshed.retain(|at, version| {
                let has = |one: &SecretEntry| one.at == at && one.version == version;
                roster.values().any(|agent| agent.config.secrets.iter().any(has))
            });
        }
        self.session_changed();
    }

    /// The vault is locked. First nobody may release any more, then the values go.
    pub fn lock(&self) {
        self.sessions.set_locked(true);
        let roster = self.roster();
        let ends = |one: &Session| {
            let agent = roster.get(&one.agent);
            agent.is_none_or(|agent| agent.config.policy.on_lock == OnLock::End)
        };
        self.close(self.sessions.end_all(End::Locked, ends));
        self.leases.end_all();
        self.refreshed.clear();
        self.approvals.stop(None);
        self.session_changed();
    }

    /// The vault is open again.
    pub fn unlock(&self) {
        self.sessions.set_locked(false);
        self.session_changed();
    }

    /// Safe mode, of one agent or of everything: every session ends, open connections included.
    pub fn stop(&self, agent: Option<AgentId>) {
        self.close(self.sessions.stop(agent));
        self.approvals.stop(agent.as_ref());
        if agent.is_none() {
            self.leases.end_all();
            self.refreshed.clear();
        }
        self.session_changed();
    }

    /// Takes a stop back.
    pub fn resume(&self, agent: Option<AgentId>) {
        self.sessions.resume(agent);
        self.session_changed();
    }

    /// Ends one session.
    pub fn end_session(&self, id: u64, end: End) {
        self.sessions.end(id, end);
        self.close(vec![id]);
        self.session_changed();
    }

    /// A person's word about a request that waits.
    pub fn answer(&self, held: u64, answer: Answer) -> Answered {
        self.approvals.answer(held, answer)
    }

    /// The code with which a person answers from a terminal; empty takes it away.
    pub fn set_operator_code(&self, code: SecretBytes) {
        self.operator.set(code);
    }

    /// Sessions began, ended or were used.
    pub(crate) fn session_changed(&self) {
        self.changed.notify_one();
    }

    /// Whether an agent may ask for a provider now, and notes that it does.
    pub(crate) fn may_ask_access(&self, agent: AgentId, provider: &str) -> bool {
        let now = Instant::now();
        let mut asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
        asks.retain(|_, at| now.saturating_duration_since(*at) < ASK_EVERY);
        let of_agent = asks.keys().filter(|(other, _)| *other == agent).count();
        let key = (agent, provider.to_owned());
        if of_agent >= ASKS_PER_AGENT || asks.contains_key(&key) {
            return false;
        }
        asks.insert(key, now);
        true
    }

    pub(crate) fn begin_counting(&self, session: u64, now_ms: u64) {
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        if usage.of(AgentId([0; 16]), session).session().is_none() {
            usage.begin(session, now_ms);
        }
    }

    /// What is left of ended sessions goes.
    fn close(&self, ended: Vec<u64>) {
        for id in ended {
            self.tokens.end_session(id);
            self.leases.end_session(id);
            self.approvals.end_session(id);
            self.usage.lock().unwrap_or_else(PoisonError::into_inner).end(id);
        }
    }

    /// Tells the owner what changes, ends what is over its time, wipes what nobody uses. For as long
    /// as the broker runs.
    pub async fn keep_house(self: Arc<Self>) {
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                () = self.changed.notified() => {
                    self.owner.tell(self.sessions_now());
                    tokio::time::sleep(TELL_EVERY).await;
                }
                _ = sweep.tick() => {
                    self.leases.sweep(Instant::now());
                    self.refreshed.sweep(Instant::now());
                    let now = now_ms();
                    let roster = self.roster();
                    let is_over = |one: &Session| {
                        let end = roster.get(&one.agent).map_or(0, |one| one.config.not_after_ms);
                        (one.until_ms != 0 && one.until_ms <= now) || (end != 0 && end <= now)
                    };
                    let ended = self.sessions.end_all(End::Time, is_over);
                    if !ended.is_empty() {
                        self.close(ended);
                        self.session_changed();
                    }
                }
            }
        }
    }

    fn sessions_now(&self) -> ToOwner {
        let (stopped, stopped_agents) = self.sessions.stopped();
        let sessions: Vec<SessionState> = self.sessions.states();
        ToOwner::Sessions { sessions, stopped, stopped_agents }
    }
}

/// Now, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemClock.now_ms()
}
