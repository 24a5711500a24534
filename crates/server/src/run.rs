//! Starting and ending a server.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use strongroom_format::hash::{Digest, sha256};
use strongroom_store::{Store, StoreError};
use strongroom_store_sqlite::SqliteStore;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::auth::{Challenges, Issuers, Sessions};
use crate::clock::{Clock, SystemClock};
use crate::config::{AuthMode, Config, ConfigError, Registration};
use crate::journal::Journal;
use crate::keys::{self, KeyError, ServerKeys};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::{http, routes};

const DATABASE: &str = "strongroom.db";

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration would be dangerous.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A key cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data directory or the address cannot be used.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Another server runs on the same data.
    #[error("another server uses this data directory")]
    InUse,
    /// Others may replace the files.
    #[error("everybody on this machine may write to the data directory")]
    Exposed,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoEntropy,
    /// The keys of issuers could never be fetched.
    #[error("the system's certificates cannot be used")]
    NoHttp,
}

/// A running server.
#[derive(Debug)]
pub struct Running {
    origin: String,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    failed: watch::Receiver<bool>,
    serving: Vec<JoinHandle<std::io::Result<()>>>,
    writing: JoinHandle<()>,
    store: Arc<dyn Store>,
    lock: Option<File>,
}

impl Running {
    /// What clients call the server.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends when the storage can no longer be trusted; a server should then end too.
    pub async fn failed(&self) {
        let mut failed = self.failed.clone();
        // The sender lives as long as the journal; its end is the end of the server.
        let _ = failed.wait_for(|failed| *failed).await;
    }

    /// Whether the storage can no longer be trusted, see [`Running::failed`].
    pub fn has_failed(&self) -> bool {
        *self.failed.borrow()
    }

    /// Takes no new requests, finishes those under way (they have two seconds), and leaves the files
    /// in order. What was answered is durable with or without it.
    pub async fn shut_down(self) {
        let _ = self.stop.send(true);
        for serving in self.serving {
            let _ = serving.await;
        }
        let _ = self.writing.await;
        self.store.close().await;
        drop(self.lock);
    }
}

/// Starts a server with the clock of the machine.
pub async fn start(config: Config) -> Result<Running, StartError> {
    start_with(config, Arc::new(SystemClock)).await
}

/// Starts a server with another clock.
pub async fn start_with(config: Config, clock: Arc<dyn Clock>) -> Result<Running, StartError> {
    config.check()?;
    make_private_dir(&config.data_dir)?;
    let lock = lock(&config.data_dir)?;
    let file = config.data_dir.join(DATABASE);
    let keys = ServerKeys::open(&config.data_dir, file.exists())?;
    let max_bytes = config.max_database_mib.map(|mib| mib.saturating_mul(1024 * 1024));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file, max_bytes).await?);
    run(config, clock, store, keys, Some(lock)).await
}

/// Starts a server on another storage. The keys are in the data directory nevertheless; they are
/// made there if they are missing.
pub async fn start_on(
    config: Config,
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
) -> Result<Running, StartError> {
    config.check()?;
    make_private_dir(&config.data_dir)?;
    let keys = ServerKeys::open(&config.data_dir, false)?;
    run(config, clock, store, keys, None).await
}

/// The founder code, where one is needed: made when there is no account, told to the operator.
async fn founder(config: &Config, store: &dyn Store) -> Result<Option<Digest>, StartError> {
    let file = config.data_dir.join(keys::FOUNDER_CODE);
    let needed =
        config.registration == Registration::Invited && !store.read().await?.has_accounts().await?;
    if !needed {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => return Ok(None),
        }
    }
    let code = keys::founder_code(&config.data_dir)?;
    tracing::info!(
        code = code.as_str(),
        "the first account of this server needs this founder code"
    );
    Ok(Some(sha256(&[code.as_bytes()])))
}

async fn run(
    config: Config,
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    keys: ServerKeys,
    lock: Option<File>,
) -> Result<Running, StartError> {
    let listener = TcpListener::bind(config.bind).await?;
    let address = listener.local_addr()?;
    let ops = match config.ops_bind {
        Some(ops) => Some(TcpListener::bind(ops).await?),
        None => None,
    };
    let metrics = Arc::new(Metrics::default());
    let (failed_tx, failed) = watch::channel(false);
    let audit_vkey = keys.audit.public();
    let (journal, writing) = Journal::start(
        Arc::clone(&store),
        keys.audit,
        Arc::clone(&clock),
        Arc::clone(&metrics),
        failed_tx,
    );
    let origin = config.origin_at(address);
    let founder = founder(&config, store.as_ref()).await?;
    let app = Arc::new(App {
        store: Arc::clone(&store),
        journal,
        sessions: Sessions::new(&origin, &keys.session),
        issuers: Issuers::new(&config.issuers).map_err(|_| StartError::NoHttp)?,
        challenges: Challenges::new().map_err(|_| StartError::NoEntropy)?,
        limits: Limits::new(config.limits),
        clock,
        metrics: Arc::clone(&metrics),
        origin: origin.clone(),
        audit_vkey,
        registration: config.registration,
        founder,
        founder_file: config.data_dir.join(keys::FOUNDER_CODE),
        dev_auth: config.auth == AuthMode::Dev,
        trusted_proxies: config.trusted_proxies,
    });
    let (stop, stopped) = watch::channel(false);
    let router = http::guarded(routes::all(), app);
    let mut serving = vec![tokio::spawn(http::serve(listener, router, stopped.clone()))];
    if let Some(listener) = ops {
        serving.push(tokio::spawn(http::serve(listener, operations(metrics, &failed), stopped)));
    }
    Ok(Running { origin, address, stop, failed, serving, writing, store, lock })
}

/// Health and metrics, on a loopback address of their own.
fn operations(metrics: Arc<Metrics>, failed: &watch::Receiver<bool>) -> Router {
    let failed = failed.clone();
    Router::new().route("/metrics", get(move || async move { metrics.text() })).route(
        "/health",
        get(move || async move {
            if *failed.borrow() {
                (axum::http::StatusCode::SERVICE_UNAVAILABLE, "storage failed\n")
            } else {
                (axum::http::StatusCode::OK, "ok\n")
            }
        }),
    )
}

/// Two servers on one database would each believe to be the only one that writes.
fn lock(dir: &Path) -> Result<File, StartError> {
    let file = File::options().create(true).append(true).open(dir.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Makes the directory with mode 0700, or refuses one in which anybody may replace the files.
fn make_private_dir(dir: &Path) -> Result<(), StartError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        builder.mode(0o700).create(dir)?;
        if std::fs::metadata(dir)?.permissions().mode() & 0o002 != 0 {
            return Err(StartError::Exposed);
        }
    }
    #[cfg(not(unix))]
    builder.create(dir)?;
    Ok(())
}
