//! One unlocked vault: its keys, its verified copies, and the way to its server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_core::draft::Draft;
use strongroom_core::replica::Me;
use strongroom_crypto::safe::{CacheKey, DraftsKey, OsEntropy, SecretKey};
use strongroom_format::id::{EnvId, OrgId, UserId};
use strongroom_format::wire::{PendingJoin, SignInKey};
use tokio::sync::broadcast;

use super::acts::Audits;
use super::book::Book;
use super::error::{Stop, VaultError};
use super::org::OpenOrg;
use super::task::Task;
use super::watch::Watches;
use crate::api::{Api, CannotSign, SignIn};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::keyring::{Keyring, VaultKeys};
use crate::pins::PinStore;
use crate::profile::{Profile, VaultLock, VaultRecord};

/// What long work is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// Opening a vault.
    Unlock,
    /// Making a vault.
    Create,
    /// Making the sample.
    Sample,
    /// Importing a file.
    Import,
    /// Signing staged changes.
    Commit,
    /// Fetching.
    Sync,
    /// Checking the past.
    Verify,
    /// Replacing data keys.
    Rotate,
    /// Joining with an invite code.
    Join,
    /// Restoring from an Emergency Kit.
    Restore,
    /// Waiting for a sign-in in the browser.
    SignIn,
    /// Reading the audit log, or opening what is kept of it.
    ReadLog,
    /// Checking every entry of the audit log.
    VerifyLog,
    /// Writing entries of the audit log to a file.
    ExportLog,
}

/// How far long work is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Its name, to cancel it.
    pub task: String,
    /// What it is about.
    pub kind: TaskKind,
    /// Steps done; equal to `total` when it ended, in whatever way.
    pub done: u32,
    /// All steps.
    pub total: u32,
    /// Whether it can be cancelled.
    pub cancellable: bool,
}

/// Something changed that a window shows.
#[derive(Debug, Clone)]
pub enum Notice {
    /// The tree or a name in it.
    Org,
    /// Rows of an environment, or what is staged in it.
    Env(EnvId),
    /// What was verified, and when.
    Status,
    /// Entries of the audit log were read.
    Log,
    /// How far long work is.
    Progress(Progress),
}

/// How a vault stands to its server.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// When the server last answered and everything verified, in milliseconds since 1970.
    pub synced_ms: Option<u64>,
    /// Since when the server does not answer.
    pub offline_since_ms: Option<u64>,
    /// How many commits of the past are checked, and how many there are to check.
    pub checked: (u64, u64),
    /// A contradiction: nothing is written any more.
    pub stop: Option<Stop>,
    /// Where the evidence of it lies.
    pub evidence: Option<PathBuf>,
}

/// One unlocked vault. Dropping it wipes its keys.
pub struct Session {
    pub(super) profile: Profile,
    pub(super) lock: VaultLock,
    pub(super) record: Mutex<VaultRecord>,
    pub(super) api: Api,
    pub(super) me: Arc<Me>,
    pub(super) cache: Cache<CacheKey>,
    pub(super) drafts: Cache<DraftsKey>,
    pub(super) pins: PinStore,
    pub(super) keys: VaultKeys,
    /// The Secret Key of a vault that was made a moment ago, until its kit is put away.
    pub(super) fresh: Mutex<Option<SecretKey>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) notices: broadcast::Sender<Notice>,
    pub(super) orgs: Mutex<Orgs>,
    /// What is kept of the audit logs.
    pub(super) audits: Mutex<Audits>,
    /// What is watched of them.
    pub(super) watches: Mutex<Watches>,
    /// What this computer knows of people, by organisation.
    pub(super) books: Mutex<BTreeMap<OrgId, Book>>,
    /// Who asked to join, as the server said last.
    pub(super) joins: Mutex<BTreeMap<OrgId, Vec<PendingJoin>>>,
    /// One reading of an audit log at a time; writes and syncs go on beside it.
    pub(super) reading: tokio::sync::Mutex<()>,
    /// One write or sync at a time: whoever holds it may replace the verified copies.
    pub(super) gate: tokio::sync::Mutex<()>,
    tasks: Mutex<BTreeMap<String, Arc<AtomicBool>>>,
}

/// The organisations of a vault, one of them in front.
#[derive(Debug)]
pub(super) struct Orgs {
    pub(super) all: BTreeMap<OrgId, OpenOrg>,
    pub(super) current: Option<OrgId>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("vault", &self.lock.id()).finish_non_exhaustive()
    }
}

/// The computer that a vault is opened on.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its files.
    pub profile: Profile,
    /// Its keyring.
    pub keyring: Arc<dyn Keyring>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Who is told of changes.
    pub notices: broadcast::Sender<Notice>,
}

/// What a session is made of; [`super::unlock`] and [`super::create`] put it together.
pub(super) struct Parts {
    pub(super) profile: Profile,
    pub(super) lock: VaultLock,
    pub(super) record: VaultRecord,
    pub(super) api: Api,
    pub(super) me: Arc<Me>,
    pub(super) cache: Cache<CacheKey>,
    pub(super) drafts: Cache<DraftsKey>,
    pub(super) pins: PinStore,
    pub(super) keys: VaultKeys,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) notices: broadcast::Sender<Notice>,
}

impl Session {
    pub(super) async fn assemble(parts: Parts) -> Arc<Self> {
        let Parts { profile, lock, record, api, me, cache, drafts, pins, keys, clock, notices } =
            parts;
        api.sign_in_as(Arc::new(Identity { user: record.user, me: Arc::clone(&me) })).await;
        Arc::new(Self {
            profile,
            lock,
            record: Mutex::new(record),
            api,
            me,
            cache,
            drafts,
            pins,
            keys,
            fresh: Mutex::default(),
            clock,
            notices,
            orgs: Mutex::new(Orgs { all: BTreeMap::new(), current: None }),
            audits: Mutex::default(),
            watches: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            books: Mutex::default(),
            joins: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            tasks: Mutex::default(),
        })
    }

    /// The vault's description.
    pub fn record(&self) -> VaultRecord {
        hold(&self.record).clone()
    }

    /// Who is signed in.
    pub fn user(&self) -> UserId {
        hold(&self.record).user
    }

    /// Looks at the organisation in front, or changes its drafts. Runs under a lock: quick work
    /// only, or on a blocking thread.
    pub fn with<R>(
        &self,
        look: impl FnOnce(&mut OpenOrg) -> Result<R, VaultError>,
    ) -> Result<R, VaultError> {
        let mut orgs = hold(&self.orgs);
        let current = orgs.current.ok_or(VaultError::NotFound)?;
        look(orgs.all.get_mut(&current).ok_or(VaultError::NotFound)?)
    }

    /// All organisations of this vault with their names.
    pub fn organisations(&self) -> Vec<(OrgId, String, bool)> {
        let mut orgs = hold(&self.orgs);
        let current = orgs.current;
        orgs.all.iter_mut().map(|(id, org)| (*id, org.name(), Some(*id) == current)).collect()
    }

    /// Which organisation is in front.
    pub fn current(&self) -> Result<OrgId, VaultError> {
        hold(&self.orgs).current.ok_or(VaultError::NotFound)
    }

    /// Brings another organisation of this vault to the front.
    pub fn select(&self, org: OrgId) -> Result<(), VaultError> {
        let mut orgs = hold(&self.orgs);
        if !orgs.all.contains_key(&org) {
            return Err(VaultError::NotFound);
        }
        orgs.current = Some(org);
        drop(orgs);
        self.tell(Notice::Org);
        self.tell(Notice::Status);
        Ok(())
    }

    /// Changes what is staged for an environment, and keeps it on this computer, sealed.
    pub fn stage<R>(
        &self,
        env: EnvId,
        change: impl FnOnce(&mut OpenOrg) -> Result<R, VaultError>,
    ) -> Result<R, VaultError> {
        let (result, draft) = self.with(|org| {
            let result = change(org)?;
            Ok((result, org.draft(env).clone()))
        })?;
        self.keep_draft(env, &draft)?;
        self.tell(Notice::Env(env));
        Ok(result)
    }

    pub(super) fn keep_draft(&self, env: EnvId, draft: &Draft) -> Result<(), VaultError> {
        let name = env.to_string();
        if draft.is_empty() {
            return Ok(self.drafts.remove(&name)?);
        }
        let bytes = draft.encode();
        Ok(bytes.lend(|bytes| self.drafts.put(&name, bytes, &mut OsEntropy))?)
    }

    /// How many changes are staged in all organisations.
    pub fn staged_total(&self) -> usize {
        hold(&self.orgs).all.values().map(OpenOrg::staged_total).sum()
    }

    /// Begins long work that [`Session::cancel`] can end.
    pub(super) fn begin(&self, kind: TaskKind, total: usize) -> Task {
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        let task = Task::start(kind, total, true, &self.notices);
        let mut tasks = hold(&self.tasks);
        // A switch that nobody else holds belongs to work that ended.
        tasks.retain(|_, switch| Arc::strong_count(switch) > 1);
        tasks.insert(task.id().to_owned(), task.switch());
        task
    }

    /// Cancels long work; work that ended already is let be.
    pub fn cancel(&self, task: &str) {
        if let Some(switch) = hold(&self.tasks).get(task) {
            switch.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn tell(&self, notice: Notice) {
        // Nobody watching is no error.
        let _ = self.notices.send(notice);
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// The two words that secure windows show; `None` where no keyring keeps them.
    pub fn words(&self) -> Option<(String, String)> {
        self.keys.words().ok()
    }

    /// Ends the way to the server; what is under way finishes first.
    pub async fn close(&self) {
        let _gate = self.gate.lock().await;
        self.api.sign_out().await;
    }
}

/// Signs in with the identity key of an unlocked vault.
struct Identity {
    user: UserId,
    me: Arc<Me>,
}

impl SignIn for Identity {
    fn user(&self) -> UserId {
        self.user
    }

    fn key(&self) -> SignInKey {
        SignInKey::Identity
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CannotSign> {
        Ok(self.me.keyset.isk.sign(message))
    }
}

/// Locks a mutex whose content is replaced as a whole, so that a thread that died left nothing half
/// done.
pub(super) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
