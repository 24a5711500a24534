//! From a file and a token to a running broker, until somebody ends it.

use std::fs::DirBuilder;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use strongroom_client::api::{Api, Origin, TimeLimits};
use strongroom_client::clock::{Clock as _, SystemClock};
use strongroom_client::robot::{Robot, RobotError, ServiceToken};
use strongroom_control::dial::{self, DialError};
use strongroom_control::link::Config;
use strongroom_core::lock_file::Lock;
use strongroom_crypto::safe::{EntropyError, OsEntropy};
use strongroom_secret::SecretBytes;
use thiserror::Error;
use tokio::time::MissedTickBehavior;

use super::code;
use super::config::{ConfigError, Settings};
use super::owner::{self, TokenOwner};
use crate::broker::Broker;
use crate::control::DoorError;
use crate::gateway::RobotSource;
use crate::running::{RunError, Running};

/// How often everything is verified anew.
const VERIFY_EVERY: Duration = Duration::from_mins(1);

/// How long it may go unverified before the broker locks itself.
const UNVERIFIED: Duration = Duration::from_mins(15);

/// How often what agents did is sent to the server.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// How many records are taken from the journal at once.
const PAGE: usize = 256;

/// Why a headless broker does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HeadlessError {
    /// The file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server's address.
    #[error("the lock file's server: {0}")]
    Origin(String),
    /// The organisation could not be verified.
    #[error(transparent)]
    Robot(#[from] RobotError),
    /// No agent of the file lives, and there is no token for older clients.
    #[error("no agent of this file lives; compare the ids with the Agents page")]
    NoAgent,
    /// The folder of the journal.
    #[error("{path}: {source}")]
    State {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// There is no place for the socket.
    #[error(transparent)]
    Place(#[from] DialError),
    /// The broker.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The door.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Runs until `ended` returns, or a part of the broker fails, which answers `false`.
pub async fn run(
    settings: Settings,
    token: ServiceToken,
    ended: impl Future<Output = ()>,
) -> Result<bool, HeadlessError> {
    let mut verifier = Verifier::new(settings, token)?;
    let (robot, config) = verifier.verify().await?;
    if config.agents.is_empty() && verifier.settings.legacy.is_empty() {
        return Err(HeadlessError::NoAgent);
    }
    let settings = &verifier.settings;
    make_private(&settings.state)?;
    let owner = Arc::new(TokenOwner::new(robot));
    let journal = settings.state.join("journal");
    let mut running = Running::start(settings.port, journal, Arc::clone(&owner) as _)?;
    let broker = Arc::clone(running.broker());
    let mut told = take_over(&broker, &owner).await;
    broker.configure(config.clone());
    show_code(&broker)?;
    let socket = match &settings.socket {
        Some(socket) => socket.clone(),
        None => dial::path()?,
    };
    running.open_door(&socket)?;
    broker.set_legacy(Arc::new(verifier.legacy()));
    running.serve();
    tracing::info!(address = %broker.address(), door = broker.door(), "the broker listens");

    let mut held = Holding { config, verified: Instant::now(), is_locked: false };
    let mut look = tokio::time::interval(VERIFY_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.tick().await;
    let mut report = tokio::time::interval(REPORT_EVERY);
    report.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(ended);
    let is_well = loop {
        tokio::select! {
            () = &mut ended => break true,
            () = running.failed() => break false,
            _ = look.tick() => held.renew(&mut verifier, &broker, &owner).await,
            _ = report.tick() => told = send(&broker, &owner, told).await,
        }
    };
    running.end().await;
    send(&broker, &owner, told).await;
    Ok(is_well)
}

/// Verifies the organisation, each time from the newest that was verified before.
struct Verifier {
    settings: Settings,
    token: Arc<ServiceToken>,
    origin: Origin,
    lock: Arc<Mutex<Lock>>,
}

impl Verifier {
    fn new(settings: Settings, token: ServiceToken) -> Result<Self, HeadlessError> {
        let origin = settings.lock.server.parse();
        let origin: Origin = origin.map_err(|error| HeadlessError::Origin(format!("{error}")))?;
        let lock = Arc::new(Mutex::new(settings.lock.clone()));
        Ok(Self { settings, token: Arc::new(token), origin, lock })
    }

    async fn verify(&mut self) -> Result<(Robot, Config), RobotError> {
        let now_ms = SystemClock.now_ms();
        let mut robot = open(&self.origin, &self.token, newest(&self.lock), now_ms).await?;
        for env in self.settings.envs() {
            match robot.fetch(env).await {
                Err(RobotError::NoEnv) => tracing::warn!(%env, "the token may not read it"),
                other => other?,
            }
        }
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = robot.raised()?;
        let config = owner::config(&mut robot, &self.settings.agents, now_ms);
        Ok((robot, config))
    }

    /// What clients of the older service are answered from: state that is verified for each answer,
    /// from the newest that was verified here.
    fn legacy(&self) -> RobotSource {
        let (origin, token) = (self.origin.clone(), Arc::clone(&self.token));
        let lock = Arc::clone(&self.lock);
        let opening = move || {
            let (origin, token, lock) = (origin.clone(), Arc::clone(&token), newest(&lock));
            Box::pin(async move { open(&origin, &token, lock, SystemClock.now_ms()).await }) as _
        };
        RobotSource::new(self.settings.legacy.clone(), Box::new(opening))
    }
}

async fn open(
    origin: &Origin,
    token: &ServiceToken,
    lock: Lock,
    now_ms: u64,
) -> Result<Robot, RobotError> {
    let api = Api::new(origin.clone(), TimeLimits::default())?;
    Robot::open(api, token, lock, now_ms).await
}

fn newest(lock: &Mutex<Lock>) -> Lock {
    lock.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What holds, and since when.
struct Holding {
    config: Config,
    verified: Instant,
    is_locked: bool,
}

impl Holding {
    async fn renew(&mut self, verifier: &mut Verifier, broker: &Broker, owner: &TokenOwner) {
        match verifier.verify().await {
            Ok((robot, config)) => {
                owner.renew(robot).await;
                if config != self.config {
                    broker.configure(config.clone());
                    self.config = config;
                }
                self.verified = Instant::now();
                if std::mem::take(&mut self.is_locked) {
                    tracing::info!("everything is verified again; sessions go on");
                    broker.unlock();
                }
            }
            Err(error) => {
                let is_over = owner::is_over(&error) || self.verified.elapsed() >= UNVERIFIED;
                tracing::warn!(%error, "the organisation could not be verified");
                if is_over && !self.is_locked {
                    tracing::error!("sessions wait until it can be");
                    self.is_locked = true;
                    broker.lock();
                }
            }
        }
    }
}

/// Takes what an earlier broker left in the journal: what it had sent and not seen the end of ended
/// somehow. Answers the newest record.
async fn take_over(broker: &Broker, owner: &TokenOwner) -> u64 {
    let left = broker.journal().page(0, usize::MAX);
    let newest = left.last().map_or(0, |record| record.seq);
    let now_ms = SystemClock.now_ms();
    owner
        .record(|recorder| {
            recorder.take(left);
            recorder.give_up(now_ms);
        })
        .await;
    newest
}

/// Sends what agents did since `told` to the server, and lets the journal forget it.
async fn send(broker: &Broker, owner: &TokenOwner, told: u64) -> u64 {
    let records = broker.journal().page(told, PAGE);
    let newest = records.last().map_or(told, |record| record.seq);
    owner.record(|recorder| recorder.take(records)).await;
    match owner.report().await {
        Ok(through) => {
            if let Err(error) = broker.journal().forget(through) {
                tracing::warn!(%error, "the journal cannot be shortened");
            }
        }
        Err(error) => tracing::warn!(%error, "what agents did is not in the audit log yet"),
    }
    newest
}

/// A code for the terminal that started this. Without a terminal there is none, and requests that
/// need a person are refused when their time is over.
fn show_code(broker: &Broker) -> Result<(), EntropyError> {
    let code: SecretBytes = code::make(&mut OsEntropy)?;
    if code::show(&code) {
        broker.set_operator_code(code);
    } else {
        tracing::warn!("there is no terminal to show an operator code at: nobody can approve");
    }
    Ok(())
}

fn make_private(folder: &Path) -> Result<(), HeadlessError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let path = || folder.display().to_string();
    made.map_err(|source| HeadlessError::State { path: path(), source })?;
    Ok(dial::require_private(folder)?)
}
