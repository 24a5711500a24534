//! A service token as the owner of a broker.

use std::collections::BTreeSet;

use strongroom_client::api::ApiError;
use strongroom_client::robot::{Robot, RobotError};
use strongroom_client::vault::AgentUse;
use strongroom_control::link::{AgentConfig, Config, NoLease, SecretEntry, ToOwner};
use strongroom_control::recorder::{Noted, Recorder};
use strongroom_core::lock_file::LockError;
use strongroom_core::replica::{ReadError, ReplicaError};
use strongroom_format::id::AgentId;
use strongroom_policy::SecretAt;
use strongroom_secret::SecretBytes;
use tokio::sync::Mutex;

use super::config::AgentSettings;
use crate::owner::{Lending, Lent, Owner};

/// The verified view of a service token, and what of its agents' doings the server has not yet.
#[derive(Debug)]
pub struct TokenOwner {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    robot: Robot,
    recorder: Recorder,
    /// How many of the recorder's acts the robot has taken, and the server has not.
    handed_over: usize,
}

impl TokenOwner {
    /// By what `robot` verified.
    pub fn new(robot: Robot) -> Self {
        let state = State { robot, recorder: Recorder::default(), handed_over: 0 };
        Self { state: Mutex::new(state) }
    }

    /// A newer view takes the place of this one, unless the old one has something left to tell.
    pub(super) async fn renew(&self, robot: Robot) {
        let mut state = self.state.lock().await;
        if state.handed_over == 0 {
            state.robot = robot;
        }
    }

    /// Reads with the recorder, under one lock.
    pub(super) async fn record<T>(&self, read: impl FnOnce(&mut Recorder) -> T) -> T {
        read(&mut self.state.lock().await.recorder)
    }

    /// Signs what agents did and tells the server. Answers up to which record the journal may
    /// forget.
    pub(super) async fn report(&self) -> Result<u64, RobotError> {
        let mut state = self.state.lock().await;
        let State { robot, recorder, handed_over } = &mut *state;
        let new: Vec<AgentUse> =
            recorder.waiting().into_iter().skip(*handed_over).map(used).collect();
        // The robot has them from here on, also where the server does not answer.
        *handed_over += new.len();
        robot.note_agent_uses(&new).await?;
        recorder.kept(std::mem::take(handed_over));
        Ok(recorder.through())
    }
}

impl Owner for TokenOwner {
    fn lend(&self, _: AgentId, secret: SecretAt, version: u64) -> Lending<'_> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            let lent = state.robot.lend_to_agent(secret.env, &secret.secret).await;
            let (opened, value) = lent.map_err(|error| no_lease(&error))?;
            // Whatever the policy was read of, this is what would be sent.
            if opened == version { Ok(Lent { version, value }) } else { Err(NoLease::Gone) }
        })
    }

    fn captured(&self, secret: SecretAt, _: u64, _: SecretBytes) {
        let SecretAt { env, secret } = secret;
        tracing::warn!(
            %env,
            %secret,
            "a provider replaced a credential; it is kept in memory until this broker ends, so \
             renew it in the vault"
        );
    }

    fn tell(&self, what: ToOwner) {
        match what {
            ToOwner::Held { held } => tracing::info!(
                agent = held.agent_name,
                "request {} waits for a person: {}; see `strongroom agent approvals`",
                held.id,
                held.sentence
            ),
            ToOwner::HeldOver { id, how } => tracing::info!("request {id} waits no more: {how}"),
            ToOwner::AccessAsked { agent, provider, reason } => {
                tracing::info!(%agent, provider, reason, "an agent asks for access");
            }
            _ => {}
        }
    }
}

fn used(noted: Noted) -> AgentUse {
    let Noted { agent, secret, status, call } = noted;
    AgentUse { agent, secret, status, call }
}

fn no_lease(error: &RobotError) -> NoLease {
    match error {
        RobotError::Read(ReadError::Missing) | RobotError::NoEnv => NoLease::Gone,
        RobotError::Read(_) => NoLease::Unreadable,
        _ => NoLease::CannotRecord,
    }
}

/// Whether the token or the history is not what it was: then nothing is lent any more, at once.
pub(super) fn is_over(error: &RobotError) -> bool {
    matches!(
        error,
        RobotError::Api(ApiError::SignedOut | ApiError::Refused { status: 401 | 403 | 404, .. })
            | RobotError::Lock(
                LockError::Lower
                    | LockError::Forked
                    | LockError::OtherOrg
                    | LockError::Malformed(_)
            )
            | RobotError::Replica(ReplicaError::NotMine | ReplicaError::RolledBack)
    )
}

/// What holds: the agents of this machine's file that live, with the credentials that their rules
/// name and that the token may read.
pub(super) fn config(robot: &mut Robot, agents: &[AgentSettings], now_ms: u64) -> Config {
    let living = agents.iter().filter_map(|agent| {
        let not_after_ms = robot.agent(&agent.id)?.not_after;
        robot.agent_lives(&agent.id, now_ms).then_some((agent, not_after_ms))
    });
    let living: Vec<(&AgentSettings, u64)> = living.collect();
    for agent in agents.iter().filter(|agent| !living.iter().any(|(one, _)| one.id == agent.id)) {
        tracing::warn!(agent = agent.name, id = %agent.id, "the organisation has no such agent now");
    }
    let agents = living.into_iter().map(|(agent, not_after_ms)| AgentConfig {
        id: agent.id,
        name: agent.name.clone(),
        responsible: agent.responsible.clone(),
        policy: agent.policy.clone(),
        not_after_ms,
        secrets: entries(robot, agent),
    });
    Config { agents: agents.collect(), tokens: Vec::new() }
}

fn entries(robot: &mut Robot, agent: &AgentSettings) -> Vec<SecretEntry> {
    let named: BTreeSet<SecretAt> =
        agent.policy.rules.iter().flat_map(|rule| rule.secrets.iter().copied()).collect();
    let mut entries = Vec::new();
    for at in named {
        match entry(robot, at) {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => tracing::warn!(secret = %at.secret, "no policy says where it may go"),
            Err(error) => tracing::warn!(secret = %at.secret, %error, "it cannot be used"),
        }
    }
    entries
}

fn entry(robot: &mut Robot, at: SecretAt) -> Result<Option<SecretEntry>, RobotError> {
    let (version, policy) = robot.secret_policy(at.env, &at.secret)?;
    let Some(policy) = policy else { return Ok(None) };
    let names = robot.names(at.env)?;
    let name = names.into_iter().find(|(secret, _)| *secret == at.secret);
    let name = name.map(|(_, named)| named.name).unwrap_or_default();
    Ok(Some(SecretEntry { at, name, place: at.env.to_string(), version, policy }))
}
