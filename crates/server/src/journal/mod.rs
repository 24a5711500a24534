//! The journal: the one place where anything is written, and where every act meets its audit entry.
//!
//! Requests hand in [`Job`]s. One task takes all jobs that wait, runs them in one transaction,
//! appends their audit events, tree nodes and checkpoints to the same transaction, commits once,
//! and only then answers. So a flush to the disk is shared, and nothing is answered that could be
//! lost. If the transaction fails, every job in it fails and nothing happened.
//!
//! The verified states live here too. A job changes copies; they replace the originals when the
//! transaction is durable.

mod batch;
mod entries;
mod seal;
mod vault;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use strongroom_chain::OrgState;
use strongroom_format::id::{EnvId, OrgId, Principal};
use strongroom_store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::error::ApiError;
use crate::keys::AuditKey;
use crate::metrics::Metrics;

pub(crate) use batch::{Batch, Stop};
pub(crate) use entries::{Everywhere, Inside, LogRead, Refusal, Seen};
pub(crate) use vault::{Vault, load_frontier, load_history, nodes_for};

/// The most requests that share a transaction.
const MAX_GROUP: usize = 256;
/// The most requests that wait for one.
const MAX_WAITING: usize = 4_096;
/// How long staged envelopes wait for their commit.
pub(crate) const STAGED_MS: u64 = 60 * 60 * 1000;
const SWEEP: Duration = Duration::from_mins(1);

/// One request's part of a transaction.
#[async_trait]
pub(crate) trait Job: Send + 'static {
    /// What the request learns once everything is durable.
    type Answer: Send + 'static;

    /// Who asks for what, for the log entry of a refusal; `None` where nobody is to be told.
    fn subject(&self) -> Option<Subject>;

    /// Decides and writes. After [`Stop::Refused`] the job must have written nothing.
    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<Self::Answer, Stop>;
}

/// Who did something to which organisation, from where.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) org: OrgId,
    pub(crate) actor: Option<Principal>,
    pub(crate) env: EnvId,
    pub(crate) peer: String,
}

/// What is durable of every organisation that was needed so far.
type Durable = Arc<RwLock<HashMap<OrgId, Standing>>>;

/// Where an organisation stands.
#[derive(Debug, Clone)]
struct Standing {
    state: Arc<OrgState>,
    /// The newest checkpoint.
    checkpoint: Arc<str>,
}

/// A handle to the journal.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    jobs: mpsc::Sender<Box<dyn Erased>>,
    durable: Durable,
}

impl Journal {
    /// Starts the task. `failed` turns true when the storage can no longer be trusted.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        audit_key: AuditKey,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        failed: watch::Sender<bool>,
    ) -> (Self, JoinHandle<()>) {
        let (jobs, waiting) = mpsc::channel(MAX_WAITING);
        let durable = Durable::default();
        let writer = Writer {
            store,
            audit_key,
            clock,
            metrics,
            durable: Arc::clone(&durable),
            vaults: HashMap::new(),
            failed,
            swept_ms: 0,
        };
        (Self { jobs, durable }, tokio::spawn(writer.work(waiting)))
    }

    /// Runs a job and waits until it is durable.
    pub(crate) async fn run<J: Job>(&self, job: J) -> Result<J::Answer, ApiError> {
        let (answer, answered) = oneshot::channel();
        let pending = Pending { job, result: None, answer };
        self.jobs.try_send(Box::new(pending)).map_err(|_| overloaded())?;
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Runs a job without waiting: for refusals that must not take longer for one than for another.
    pub(crate) fn post<J: Job>(&self, job: J) -> Result<(), ApiError> {
        let (answer, _) = oneshot::channel();
        let pending = Pending { job, result: None, answer };
        self.jobs.try_send(Box::new(pending)).map_err(|_| overloaded())
    }

    /// The newest durable audit checkpoint of `org`, as a signed note.
    pub(crate) async fn checkpoint(&self, org: &OrgId) -> Result<String, ApiError> {
        if self.standing(org).is_none() {
            self.run(Wake(*org)).await?;
        }
        let standing = self.standing(org).ok_or_else(ApiError::not_found)?;
        Ok(standing.checkpoint.to_string())
    }

    /// The newest durable state of `org`, if it was needed since the server began. For work ahead
    /// of a job's turn only: what it decides is decided by the state that the job sees.
    pub(crate) fn state(&self, org: &OrgId) -> Option<Arc<OrgState>> {
        self.standing(org).map(|standing| standing.state)
    }

    fn standing(&self, org: &OrgId) -> Option<Standing> {
        self.durable.read().unwrap_or_else(PoisonError::into_inner).get(org).cloned()
    }
}

fn overloaded() -> ApiError {
    ApiError::unavailable("busy", "the server is busy; try again")
}

fn stopping() -> ApiError {
    ApiError::unavailable("stopping", "the server is stopping")
}

/// Brings an organisation into memory.
struct Wake(OrgId);

#[async_trait]
impl Job for Wake {
    type Answer = ();

    fn subject(&self) -> Option<Subject> {
        None
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        batch.vault(&self.0).await?.map(|_| ()).ok_or(Stop::Refused(ApiError::not_found()))
    }
}

/// A job of any kind, on its way through the task.
#[async_trait]
trait Erased: Send {
    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), StoreError>;
    fn finish(self: Box<Self>, outcome: Result<(), ApiError>);
}

struct Pending<J: Job> {
    job: J,
    result: Option<Result<J::Answer, ApiError>>,
    answer: oneshot::Sender<Result<J::Answer, ApiError>>,
}

#[async_trait]
impl<J: Job> Erased for Pending<J> {
    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let subject = self.job.subject();
        self.result = Some(match self.job.run(batch).await {
            Ok(answer) => Ok(answer),
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Refused(mut error)) => {
                if let Some(subject) = subject {
                    error.recorded = batch.record_refusal(&subject, error.status).await?;
                }
                Err(error)
            }
        });
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<(), ApiError>) {
        let result = match (outcome, self.result) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(ApiError::internal()),
        };
        // Whoever asked may have left; what is written stays written.
        let _ = self.answer.send(result);
    }
}

struct Writer {
    store: Arc<dyn Store>,
    audit_key: AuditKey,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    durable: Durable,
    vaults: HashMap<OrgId, Vault>,
    failed: watch::Sender<bool>,
    swept_ms: u64,
}

impl Writer {
    async fn work(mut self, mut waiting: mpsc::Receiver<Box<dyn Erased>>) {
        while let Some(first) = waiting.recv().await {
            let mut jobs = vec![first];
            while jobs.len() < MAX_GROUP
                && let Ok(next) = waiting.try_recv()
            {
                jobs.push(next);
            }
            let begun = Instant::now();
            let outcome = self.run_group(&mut jobs).await;
            let busy = begun.elapsed().as_micros();
            self.metrics.busy_micros.add(u64::try_from(busy).unwrap_or(u64::MAX));
            if let Err(error) = &outcome {
                self.metrics.failed_groups.add(1);
                if *error == StoreError::Taken {
                    // What is in memory is not what is stored: read it again.
                    self.vaults.clear();
                }
                if let StoreError::Failed(_) = error {
                    // After a failed flush nobody knows what the disk holds: only reading it
                    // again from the start tells (docs/threat-model.md, fsync).
                    tracing::error!(%error, "the storage failed; nothing more is written");
                    let _ = self.failed.send(true);
                }
            }
            for job in jobs {
                job.finish(outcome.clone().map_err(ApiError::from));
            }
        }
    }

    async fn run_group(&mut self, jobs: &mut [Box<dyn Erased>]) -> Result<(), StoreError> {
        if *self.failed.borrow() {
            return Err(StoreError::Failed("stopped after a failure".to_owned()));
        }
        let now_ms = self.clock.now_ms();
        let tx = self.store.write().await?;
        let mut batch = Batch::new(tx, now_ms, &mut self.vaults, self.audit_key.public());
        for job in jobs.iter_mut() {
            job.run(&mut batch).await?;
        }
        if now_ms.saturating_sub(self.swept_ms) > u64::try_from(SWEEP.as_millis()).unwrap_or(0) {
            self.swept_ms = now_ms;
            batch.tx.drop_staged(now_ms.saturating_sub(STAGED_MS)).await?;
        }
        let events = batch.seal(&self.audit_key).await?;
        let changed = batch.commit().await?;
        self.metrics.commits.add(1);
        self.metrics.jobs.add(jobs.len() as u64);
        self.metrics.events.add(events);
        let mut durable = self.durable.write().unwrap_or_else(PoisonError::into_inner);
        for (org, vault) in changed {
            let (state, checkpoint) = (Arc::clone(&vault.state), Arc::clone(&vault.checkpoint));
            durable.insert(org, Standing { state, checkpoint });
            self.vaults.insert(org, vault);
        }
        Ok(())
    }
}
