//! A service token on a machine that remembers nothing between two runs.
//!
//! What a computer's pins are to a person, `strongroom.lock` is to a build: the organisation's id
//! authenticates the chain, and nothing below or beside what the file names is taken. A token reads
//! no directory, so environments go by their ids here.

use std::sync::Arc;

use strongroom_chain::org::Agent;
use strongroom_core::agents;
use strongroom_core::env::{EnvCopy, TakeError};
use strongroom_core::lock_file::{Lock, LockError};
use strongroom_core::log::{Acts, Use};
use strongroom_core::replica::{Me, Named, ReadError, Replica, ReplicaError};
use strongroom_crypto::safe::{EntropyError, OsEntropy, entropy};
use strongroom_format::agency::Agency;
use strongroom_format::commit::{Field, SignedCommit};
use strongroom_format::event::Detail;
use strongroom_format::hash::Digest;
use strongroom_format::id::{AgentId, DeviceId, EnvId, OrgId, Principal, SecretId};
use strongroom_format::statement::Rights;
use strongroom_format::wire::{ActPage, EnvHead, ItemRecord, SyncAnswer};
use strongroom_policy::{PolicyError, SecretPolicy};
use strongroom_secret::SecretBytes;
use thiserror::Error;

use crate::api::{Api, ApiError};
use crate::vault::AgentUse;

pub use strongroom_crypto::safe::ServiceToken;

/// How often items are read again because somebody wrote meanwhile.
const ATTEMPTS: usize = 4;

/// Why a token got nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RobotError {
    /// The server.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The lock file.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The chain, or the token's place on it.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// An environment.
    #[error(transparent)]
    Env(#[from] TakeError),
    /// A value.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A broker policy that says nothing this program understands.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The token may not read there, or there is nothing there.
    #[error("the token may not read this environment")]
    NoEnv,
}

/// A service token's verified view of its organisation.
#[derive(Debug)]
pub struct Robot {
    api: Api,
    replica: Replica,
    heads: Vec<EnvHead>,
    lock: Lock,
    acts: Acts,
    now_ms: u64,
}

impl Robot {
    /// Fetches and checks the whole chain, from the organisation's id in the lock file on.
    pub async fn open(
        api: Api,
        token: &ServiceToken,
        lock: Lock,
        now_ms: u64,
    ) -> Result<Self, RobotError> {
        api.speak_for(token).await?;
        let me = Arc::new(Me::token(token));
        let mut answer = api.sync(&lock.org, 0).await?;
        let genesis = answer.links.first().ok_or(ApiError::Garbage)?;
        let mut replica = Replica::start(me, lock.org, &genesis.0)?;
        loop {
            take(&mut replica, &mut answer)?;
            if !answer.more {
                break;
            }
            let before = replica.state().seq();
            answer = api.sync(&lock.org, before).await?;
            // A page that brings nothing new and promises more would never end.
            if answer.more && answer.links.len() < 2 {
                return Err(ApiError::Garbage.into());
            }
        }
        lock.check(replica.state())?;
        replica.require_mine()?;
        replica.check_checkpoint(&answer.checkpoint)?;
        let acts = Acts::new(DeviceId(entropy::array(&mut OsEntropy)?));
        Ok(Self { api, replica, heads: answer.envs, lock, acts, now_ms })
    }

    /// The environments that the token may read, rising.
    pub fn readable(&self) -> Vec<EnvId> {
        let (state, me) = (self.replica.state(), self.replica.principal());
        let now_ms = self.now_ms.max(state.time_ms());
        let reads = |env: &EnvId| state.rights(env, &me, now_ms).includes(Rights::READ);
        state.envs().keys().copied().filter(reads).collect()
    }

    /// Fetches an environment, and every commit since the one that the lock file names.
    pub async fn fetch(&mut self, env: EnvId) -> Result<(), RobotError> {
        if !self.readable().contains(&env) {
            return Err(RobotError::NoEnv);
        }
        let stated = self.heads.iter().find(|head| head.env_id == env).map_or(0, |head| head.seq);
        if stated == 0 {
            // Nothing was ever written there, or the server says so.
            let copy = EnvCopy::new(self.replica.state(), env);
            self.lock.check_env(&copy)?;
            copy.history().require_cuts(self.replica.state()).map_err(TakeError::from)?;
            self.replica.put_env(env, copy);
            return Ok(());
        }
        let (head, items) = self.items(env).await?;
        let copy = EnvCopy::from_items(self.replica.state(), env, &head, items)?;
        if copy.history().seq() < stated {
            return Err(ReplicaError::RolledBack.into());
        }
        self.lock.check_env(&copy)?;
        self.require_descent(&copy).await?;
        self.replica.put_env(env, copy);
        Ok(())
    }

    /// The groups that an environment composes, in their order.
    pub fn composed(&self, env: &EnvId) -> Vec<EnvId> {
        self.replica.state().env(env).map(|state| state.composed.clone()).unwrap_or_default()
    }

    /// Whether everybody who may write `one` may read `other` as well: only then may a value of `one`
    /// refer to one of `other`, since whoever writes the reference gets to read what it becomes.
    pub fn may_refer(&self, one: &EnvId, other: &EnvId) -> bool {
        let state = self.replica.state();
        let now_ms = self.now_ms.max(state.time_ms());
        let has = |env: &EnvId, who: &Principal, right: Rights| {
            state.rights(env, who, now_ms).includes(right)
        };
        let writes = |who: &&Principal| has(one, who, Rights::WRITE);
        state.env(one).is_some_and(|env| {
            env.grants.keys().filter(writes).all(|who| has(other, who, Rights::READ))
        })
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.lock.org
    }

    /// The names of everything in a fetched environment.
    pub fn names(&mut self, env: EnvId) -> Result<Vec<(SecretId, Named)>, RobotError> {
        Ok(self.replica.open_all_named(env)?)
    }

    /// Opens a value of a fetched environment. [`Robot::note`] comes first.
    pub fn value(&mut self, env: EnvId, secret: &SecretId) -> Result<SecretBytes, RobotError> {
        Ok(self.replica.open_field(env, secret, Field::Value)?)
    }

    /// Tells the server, signed, what is done with these values; what it did not write down is not
    /// done.
    pub async fn note(
        &mut self,
        what: Use,
        env: EnvId,
        secrets: &[SecretId],
    ) -> Result<(), RobotError> {
        let me = Arc::clone(self.replica.me());
        let state = self.replica.state();
        for secret in secrets {
            let item = self.replica.env(&env).and_then(|copy| copy.lookup(secret));
            let version = item.ok_or(ReadError::Missing)?.change.version;
            self.acts.push_opened(&me, state, env, *secret, version);
            let detail = Detail { env, secret: *secret, version, ..Detail::status(0) };
            self.acts.push(&me, state, what.kind(), detail);
        }
        self.report().await
    }

    /// An agent as the chain has it; a token reads neither its name nor its policy.
    pub fn agent(&self, agent: &AgentId) -> Option<&Agent> {
        self.replica.state().agents().get(agent)
    }

    /// Whether an agent may do anything now.
    pub fn agent_lives(&self, agent: &AgentId, now_ms: u64) -> bool {
        let state = self.replica.state();
        state.agent_lives(agent, now_ms.max(state.time_ms()))
    }

    /// The version of a secret of a fetched environment, and where it may go; `None` where nothing
    /// says so, and then it goes nowhere.
    pub fn secret_policy(
        &mut self,
        env: EnvId,
        secret: &SecretId,
    ) -> Result<(u64, Option<SecretPolicy>), RobotError> {
        let item = self.replica.env(&env).and_then(|copy| copy.lookup(secret));
        let version = item.ok_or(ReadError::Missing)?.change.version;
        Ok((version, agents::secret_policy(&mut self.replica, env, secret)??))
    }

    /// Opens the value of a secret of a fetched environment for an agent, with its version, once
    /// the server has written down that it is opened.
    pub async fn lend_to_agent(
        &mut self,
        env: EnvId,
        secret: &SecretId,
    ) -> Result<(u64, SecretBytes), RobotError> {
        let me = Arc::clone(self.replica.me());
        let item = self.replica.env(&env).and_then(|copy| copy.lookup(secret));
        let version = item.ok_or(ReadError::Missing)?.change.version;
        self.acts.push_opened(&me, self.replica.state(), env, *secret, version);
        self.report().await?;
        Ok((version, self.value(env, secret)?))
    }

    /// Tells the server, signed, what agents did, one act each. What it did not write down goes
    /// again with the next report. A token holds no key of the directory, so that the acts name the
    /// agent and not where its requests went.
    pub async fn note_agent_uses(&mut self, uses: &[AgentUse]) -> Result<(), RobotError> {
        let me = Arc::clone(self.replica.me());
        for used in uses {
            let agency = Some(Agency { agent: used.agent, sealed: None });
            let state = self.replica.state();
            self.acts.push_about(&me, state, used.kind(), used.detail(), agency);
        }
        self.report().await
    }

    async fn report(&mut self) -> Result<(), RobotError> {
        while !self.acts.page().is_empty() {
            let acts = self.acts.page().to_vec();
            let count = acts.len();
            self.api.report_acts(&self.lock.org, &ActPage { acts }).await?;
            self.acts.sent(count);
        }
        Ok(())
    }

    /// The newest signed time that was shown, in milliseconds since 1970.
    pub fn newest_ms(&self) -> u64 {
        self.replica.pins(0).newest_ms
    }

    /// The lock file, raised to everything that was fetched.
    pub fn raised(&self) -> Result<Lock, RobotError> {
        let mut lock = self.lock.clone();
        lock.raise(&self.replica)?;
        Ok(lock)
    }

    /// All items of an environment, and the newest commit that they belong to.
    async fn items(&self, env: EnvId) -> Result<(Vec<u8>, Vec<ItemRecord>), RobotError> {
        for _ in 0..ATTEMPTS {
            let mut head: Option<Vec<u8>> = None;
            let mut items: Vec<ItemRecord> = Vec::new();
            loop {
                let after = items.last().map(|item| item.secret);
                let page = self.api.items(&self.lock.org, &env, after.as_ref()).await?;
                if head.as_ref().is_some_and(|head| *head != page.head) {
                    break; // somebody wrote meanwhile
                }
                head = Some(page.head);
                let rises = page.items.first().is_none_or(|item| Some(item.secret) > after)
                    && page.items.is_sorted_by(|a, b| a.secret < b.secret);
                let empty = page.items.is_empty();
                items.extend(page.items);
                if !rises || items.len() > strongroom_format::commit::MAX_ITEMS {
                    return Err(ApiError::Garbage.into());
                }
                if !page.more || empty {
                    return Ok((head.unwrap_or_default(), items));
                }
            }
        }
        Err(ApiError::Garbage.into())
    }

    /// What has grown must have grown from the commit that the lock file names: each names the one
    /// before, and the newest is verified.
    async fn require_descent(&self, copy: &EnvCopy) -> Result<(), RobotError> {
        let history = copy.history();
        let Some(pin) = self.lock.env(&history.env()) else { return Ok(()) };
        let (mut next, mut head): (u64, Digest) = (pin.seq, pin.head);
        while next <= history.seq() && history.seq() > pin.seq {
            let page = self.api.commits(&self.lock.org, &pin.env, next, false).await?;
            if page.commits.is_empty() {
                return Err(ApiError::Garbage.into());
            }
            for record in page.commits {
                let signed = SignedCommit::parse(&record.commit).map_err(|_| ApiError::Garbage)?;
                let follows = if next == pin.seq { signed.head() } else { signed.commit.prev };
                if signed.commit.seq != next || follows != head {
                    return Err(LockError::Forked.into());
                }
                head = signed.head();
                next += 1;
                if next > history.seq() {
                    break;
                }
            }
        }
        if head == history.head() { Ok(()) } else { Err(LockError::Forked.into()) }
    }
}

fn take(replica: &mut Replica, answer: &mut SyncAnswer) -> Result<(), RobotError> {
    let links: Vec<Vec<u8>> = answer.links.drain(..).map(|link| link.0).collect();
    replica.take_links(&links)?;
    let wraps = std::mem::take(&mut answer.wraps);
    replica.take_keys(wraps, std::mem::take(&mut answer.previous));
    Ok(())
}
