//! Everything behind the window: the vaults of this computer, one of them selected, and while it is
//! open its session.
//!
//! Invariants: a method that hands out a secret says so in its result type, which is one of
//! [`crate::view::secure`]; every other result is safe to show in the main window. No cryptography,
//! no SQL and no HTTP here: those are `strongroom-client`'s and the embedded server's.

mod access;
pub mod agents;
mod answering;
pub mod audit;
mod broker;
mod device;
mod embedded;
mod env;
pub mod fakes;
mod handover;
mod import;
mod insights;
pub mod intents;
pub mod joining;
mod kit;
pub mod links;
mod members;
mod offboard;
mod org;
mod palette;
mod people;
mod rotation;
mod server;
pub mod signing;
mod staged;
mod status;
mod tokens;
mod translate;
mod trust;
mod vaults;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use strongroom_client::{
    api::Admission,
    clipboard::SecretClipboard,
    clock::{Clock, SystemClock},
    keyring::{Keyring, OsKeyring},
    profile::{Profile, ServerPlace},
    settings::Settings,
    vault::{self as client, ImportRun, OpenOrg, Session},
};
use strongroom_core::log::{AuditCopy, Facts};
use strongroom_format::id::UserId;
use strongroom_secret::SecretText;
use tokio::sync::broadcast;

use crate::{
    error::{Answer, CommandError},
    view::{AppView, AuditState, LockView, OrgView, ProgressView, StatusView},
};

/// How many changes a window may be behind before it asks for the whole picture.
const NOTICES: usize = 1024;

/// Something changed that the main window shows.
#[derive(Debug, Clone)]
pub enum Notice {
    /// Phase, selection or settings.
    App(Box<AppView>),
    /// The tree or a name in it.
    Org(Box<OrgView>),
    /// Rows of an environment, or what is staged in it.
    Env {
        /// The environment.
        env_id: String,
    },
    /// Members, invites, grants, tokens or due keys.
    Team,
    /// The status bar.
    Status(Box<StatusView>),
    /// Entries of the audit log were read, or reading began or ended.
    Audit(AuditState),
    /// Work in progress.
    Progress(ProgressView),
    /// Agents did something, or what is known of them changed.
    Agents {
        /// Requests came or went on.
        live: bool,
        /// How many requests wait for a person.
        held: u32,
    },
    /// A request of an agent began to wait for a person.
    AgentAsks,
}

/// What the main window asked to create, before the passphrase is known.
#[derive(Debug, Clone)]
pub struct NewVault {
    /// The local label.
    pub label: String,
    /// The person's name.
    pub person: String,
    /// The organisation's name.
    pub organisation: String,
    /// Where it is made.
    pub server: ServerPlace,
    /// The code that a new team server wants for its first account.
    pub founder_code: Option<Arc<SecretText>>,
}

impl NewVault {
    /// Its server, as it is shown.
    pub fn server_shown(&self) -> String {
        status::place(&self.server)
    }
}

/// The vaults of this computer, one of them selected.
pub struct Desk {
    profile: Profile,
    keyring: Arc<dyn Keyring>,
    clipboard: SecretClipboard,
    clock: Arc<dyn Clock>,
    server: embedded::Embedded,
    settings: Mutex<Settings>,
    session: Mutex<Option<Arc<Session>>>,
    locked: Mutex<Option<LockView>>,
    copied: Arc<Mutex<Option<status::Copied>>>,
    imports: Mutex<BTreeMap<String, ImportRun>>,
    palette: Mutex<palette::Palette>,
    auditing: Mutex<audit::Auditing>,
    rotating: rotation::Running,
    broker: broker::Seat,
    /// The window shows that the open vault waits to be let in.
    shown_waiting: AtomicBool,
    /// The server knows the organisation no more, to this user.
    shut_out: AtomicBool,
    /// A sign-in that waits for the browser, by its task.
    signing_in: Mutex<Option<(String, Arc<AtomicBool>)>>,
    /// What the browser brought, and for which server.
    admitted: Mutex<Option<(String, Arc<Admission>)>>,
    /// The kit in its window, so that it can be saved without asking again.
    kit_shown: Mutex<Option<Arc<client::Kit>>>,
    /// One creation, unlock, lock or removal at a time.
    gate: tokio::sync::Mutex<()>,
    notices: broadcast::Sender<Notice>,
    inner: broadcast::Sender<client::Notice>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    /// Opens this computer's files, in `root` or in the user's own folder for data.
    pub fn open(root: Option<PathBuf>) -> Result<Self, Box<dyn std::error::Error>> {
        let profile = Profile::open(root)?;
        let settings = Settings::load(profile.root()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the settings cannot be read; the defaults hold");
            Settings::default()
        });
        let inner = broadcast::channel(NOTICES).0;
        let copied = Arc::new(Mutex::new(None));
        let (held, told) = (Arc::clone(&copied), inner.clone());
        let clipboard = SecretClipboard::start(Box::new(move |_| {
            *hold(&held) = None;
            // Nobody watching is no error.
            let _ = told.send(client::Notice::Status);
        }))?;
        Ok(Self {
            server: embedded::Embedded::new(profile.clone()),
            profile,
            keyring: Arc::new(OsKeyring::new()),
            clipboard,
            clock: Arc::new(SystemClock),
            settings: Mutex::new(settings),
            session: Mutex::default(),
            locked: Mutex::default(),
            copied,
            imports: Mutex::default(),
            palette: Mutex::default(),
            auditing: Mutex::default(),
            rotating: rotation::Running::default(),
            broker: broker::Seat::default(),
            shown_waiting: AtomicBool::new(false),
            shut_out: AtomicBool::new(false),
            signing_in: Mutex::default(),
            admitted: Mutex::default(),
            kit_shown: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            notices: broadcast::channel(NOTICES).0,
            inner,
        })
    }

    /// Changes from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Turns what the session tells into what the window shows; runs as long as the program.
    pub async fn pass_on(&self) {
        let mut inner = self.inner.subscribe();
        loop {
            match inner.recv().await {
                Ok(client::Notice::Org) => {
                    // A vault that waited may be in now.
                    self.tell_app().await;
                    self.tell_org().await;
                    self.tell(Notice::Team);
                    self.broker.poke();
                }
                Ok(client::Notice::Env(env)) => {
                    self.tell(Notice::Env { env_id: env.to_string() });
                    self.broker.poke();
                }
                Ok(client::Notice::Status) => self.tell_status().await,
                Ok(client::Notice::Log) => self.tell_audit().await,
                Ok(client::Notice::Progress(progress)) => {
                    let news = progress.kind == client::TaskKind::ReadLog
                        && self.note_reading(progress.done, progress.total);
                    self.tell(Notice::Progress(translate::progress(progress)));
                    if news {
                        self.tell_audit().await;
                    }
                }
                // The windows were told too much at once: they get the whole picture again.
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.tell_app().await;
                    self.broker.poke();
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    async fn tell_app(&self) {
        if let Ok(view) = self.app().await {
            self.tell(Notice::App(Box::new(view)));
        }
    }

    async fn tell_org(&self) {
        if let Ok(view) = self.org().await {
            self.tell(Notice::Org(Box::new(view)));
        }
    }

    async fn tell_status(&self) {
        if let Ok(view) = self.status().await {
            self.tell(Notice::Status(Box::new(view)));
        }
    }

    fn tell(&self, notice: Notice) {
        // Nobody watching is no error.
        let _ = self.notices.send(notice);
    }

    /// The open vault.
    fn session(&self) -> Answer<Arc<Session>> {
        hold(&self.session).clone().ok_or(CommandError::Locked)
    }

    /// Whether the open vault has been let into an organisation.
    fn has_organisation(&self) -> bool {
        self.session().is_ok_and(|session| session.org_count() > 0)
    }

    /// Who is signed in.
    pub fn user(&self) -> Answer<UserId> {
        Ok(self.session()?.user())
    }

    /// Looks at the open organisation on a thread that may take its time.
    async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Session, &mut OpenOrg) -> Answer<R> + Send + 'static,
    ) -> Answer<R> {
        let session = self.session()?;
        let looked = tokio::task::spawn_blocking(move || {
            let mut answer = Err(CommandError::Locked);
            session.with(|org| {
                answer = look(&session, org);
                Ok(())
            })?;
            answer
        });
        looked.await.map_err(|error| CommandError::internal(&error))?
    }

    /// The same, beside what the audit log says, as far as it was read.
    async fn look_with_log<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Session, &mut OpenOrg, Option<&Facts>) -> Answer<R> + Send + 'static,
    ) -> Answer<R> {
        let session = self.session()?;
        let log = tokio::task::spawn_blocking(move || session.audit_copy());
        let log = log.await.map_err(|error| CommandError::internal(&error))??;
        self.look(move |session, org| look(session, org, log.as_deref().and_then(AuditCopy::facts)))
            .await
    }

    fn now(&self) -> u64 {
        self.clock.now_ms()
    }
}

/// Locks a mutex. What it guards is replaced as a whole, so a thread that died left nothing half
/// done.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
