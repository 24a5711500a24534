//! Agents as their organisation knows them: who answers for them, and what they may do.
//!
//! The chain says that an agent exists, who answers for it and until when, and commits to its name
//! and policy; both stand sealed in the directory, where every member reads them. A policy that is
//! not the one the chain commits to is no policy: nothing it says is told.
//!
//! Deliberately not here: what a policy means (`strongroom-policy`), and what agents do right now
//! (the broker).

mod calls;
mod terms;

use strongroom_format::commit::Field;
use strongroom_format::hash::Digest;
use strongroom_format::id::{AgentId, EnvId, SecretId, UserId};
use strongroom_policy::{AgentPolicy, PolicyError, SecretAt, SecretPolicy};
use thiserror::Error;

use crate::replica::{ReadError, Replica};
use crate::team::place;

pub use calls::{open_call, seal_call};
pub use terms::{SALT, Terms};

/// An agent, living or not.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentEntry {
    /// Which.
    pub id: AgentId,
    /// Its name; empty where it does not open.
    pub name: String,
    /// The person who answers for it.
    pub responsible: UserId,
    /// What it may do.
    pub policy: Result<AgentPolicy, Broken>,
    /// The chain's commitment to the policy; differs whenever the policy does.
    pub policy_hash: Digest,
    /// The link that issued it first.
    pub issued: u64,
    /// The newest link that issued it.
    pub changed: u64,
    /// Its end, in milliseconds since 1970; zero for none.
    pub not_after: u64,
    /// The link that ended it.
    pub revoked: Option<u64>,
    /// Whether it may do anything now.
    pub lives: bool,
}

/// Why an agent has no policy that counts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Broken {
    /// The directory has none.
    #[error("the agent's policy is missing; save the agent again")]
    Missing,
    /// This person cannot open it.
    #[error("the agent's policy does not open; save the agent again")]
    Closed,
    /// It is not the one that was signed for.
    #[error("the agent's name or policy is not the one that was signed; save the agent again")]
    Unsigned,
    /// It is signed and says nothing that this program understands.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// A credential that an agent's rules name, and where it may ever go.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSecret {
    /// Where it is.
    pub at: SecretAt,
    /// Its name.
    pub name: String,
    /// Application and environment.
    pub place: String,
    /// The version that the policy belongs to.
    pub version: u64,
    /// Where it may go; nowhere without one.
    pub policy: Option<SecretPolicy>,
}

/// All agents, ended ones included, rising by id.
pub fn agents(replica: &mut Replica, now_ms: u64) -> Vec<AgentEntry> {
    let ids: Vec<AgentId> = replica.state().agents().keys().copied().collect();
    ids.into_iter().filter_map(|id| agent(replica, id, now_ms)).collect()
}

/// One agent.
pub fn agent(replica: &mut Replica, id: AgentId, now_ms: u64) -> Option<AgentEntry> {
    let item = id.directory_item();
    let named = replica.directory_name(item);
    let terms = terms(replica, item);
    let state = replica.state();
    let signed = state.agents().get(&id)?;
    let name = named.map(|named| named.name.clone()).unwrap_or_default();
    let policy = terms.and_then(|terms| {
        let bound = terms.commits_to_name(&name) == signed.name_hash
            && terms.commits_to_policy() == signed.policy_hash;
        if bound { Ok(AgentPolicy::parse(terms.policy())?) } else { Err(Broken::Unsigned) }
    });
    Some(AgentEntry {
        id,
        name,
        responsible: signed.responsible,
        policy,
        policy_hash: signed.policy_hash,
        issued: signed.issued,
        changed: signed.changed,
        not_after: signed.not_after,
        revoked: signed.revoked,
        lives: state.agent_lives(&id, now_ms.max(state.time_ms())),
    })
}

fn terms(replica: &mut Replica, item: SecretId) -> Result<Terms, Broken> {
    let directory = replica.state().directory().ok_or(Broken::Missing)?;
    match replica.open_field(directory, &item, Field::Policy) {
        Ok(bytes) => bytes.lend(Terms::parse).ok_or(Broken::Unsigned),
        Err(ReadError::Missing) => Err(Broken::Missing),
        Err(_) => Err(Broken::Closed),
    }
}

/// The credentials that the rules of a policy name, as far as this person can read their names, in
/// the order in which they are named first.
pub fn secrets_of(replica: &mut Replica, policy: &AgentPolicy) -> Vec<AgentSecret> {
    let mut named: Vec<SecretAt> = Vec::new();
    for at in policy.rules.iter().flat_map(|rule| &rule.secrets) {
        if !named.contains(at) {
            named.push(*at);
        }
    }
    named.into_iter().filter_map(|at| secret(replica, at)).collect()
}

fn secret(replica: &mut Replica, at: SecretAt) -> Option<AgentSecret> {
    let version = replica.env(&at.env)?.lookup(&at.secret)?.change.version;
    let name = replica.open_named(at.env, &at.secret).ok()?.name;
    let policy = secret_policy(replica, at.env, &at.secret).ok().and_then(Result::ok).flatten();
    Some(AgentSecret { at, name, place: place(replica, &at.env), version, policy })
}

/// Where a secret may go; `None` where nothing says so, and then it goes nowhere. The inner error is
/// of a policy that was signed and says nothing that this program understands.
pub fn secret_policy(
    replica: &mut Replica,
    env: EnvId,
    secret: &SecretId,
) -> Result<Result<Option<SecretPolicy>, PolicyError>, ReadError> {
    match replica.open_field(env, secret, Field::Policy) {
        Ok(bytes) => Ok(bytes.lend(SecretPolicy::parse).map(Some)),
        Err(ReadError::Missing) if replica.env(&env).and_then(|c| c.lookup(secret)).is_some() => {
            Ok(Ok(None))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
