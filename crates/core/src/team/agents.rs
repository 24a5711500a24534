//! What is signed and written when an agent, or where a secret may go, changes.

use std::collections::BTreeMap;

use strongroom_chain::CommitError;
use strongroom_format::check::require;
use strongroom_format::commit::Field;
use strongroom_format::id::{AgentId, EnvId, Principal};
use strongroom_format::statement::{Body, Rights, Role};
use strongroom_policy::{AgentPolicy, SecretAt, SecretPolicy};

use super::{AgentPut, SecretPolicyPut};
use crate::agents::{self, AgentEntry, Terms};
use crate::details::{Details, Thing};
use crate::env::TakeError;
use crate::pen::{Pen, Policies, WriteError, name};
use crate::replica::{ReadError, Replica};

/// A broker policy that a plan writes, and the one it takes the place of, as they are sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PolicyChange {
    pub(super) at: SecretAt,
    pub(super) before: Option<Vec<u8>>,
    pub(super) after: Option<Vec<u8>>,
}

/// The changes that are any, after a check that whoever plans them may sign them: an owner or admin
/// who writes there. (Whoever writes there can open the value and carry it anywhere; that a manager
/// says where it may go keeps that word with those who answer for it.)
pub(super) fn policy_changes(
    puts: &[SecretPolicyPut],
    replica: &mut Replica,
    now_ms: u64,
) -> Result<Vec<PolicyChange>, WriteError> {
    let mut changes = Vec::with_capacity(puts.len());
    for SecretPolicyPut { at, policy } in puts {
        require_manager(replica, at.env, now_ms)?;
        if let Some(policy) = policy {
            // What is written must be read by every client.
            SecretPolicy::parse(&policy.encode())?;
        }
        let change = PolicyChange {
            at: *at,
            before: held(replica, at)?,
            after: policy.as_ref().map(SecretPolicy::encode),
        };
        if change.before != change.after {
            changes.push(change);
        }
    }
    changes.sort_by_key(|change| change.at);
    changes.dedup_by_key(|change| change.at);
    Ok(changes)
}

fn require_manager(replica: &Replica, env: EnvId, now_ms: u64) -> Result<(), WriteError> {
    let (state, me) = (replica.state(), replica.principal());
    let manages = match me {
        Principal::User(user) => state.role(&user).is_some_and(Role::manages),
        Principal::Token(_) | Principal::Agent(_) => false,
    };
    let writes = state.rights(&env, &me, now_ms.max(state.time_ms())).includes(Rights::WRITE);
    Ok(require(manages && writes, TakeError::Commit(CommitError::NoRight))?)
}

/// The sealed policy of a live secret; one that does not open counts as none.
fn held(replica: &mut Replica, at: &SecretAt) -> Result<Option<Vec<u8>>, ReadError> {
    replica.env(&at.env).and_then(|copy| copy.lookup(&at.secret)).ok_or(ReadError::Missing)?;
    match replica.open_field(at.env, &at.secret, Field::Policy) {
        Ok(bytes) => Ok(Some(bytes.lend(<[u8]>::to_vec))),
        Err(ReadError::Missing | ReadError::Open(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The terms of an agent that is put, and the link that signs them; `None` where it has them already.
pub(super) fn link_of(
    put: &AgentPut,
    (id, salt): (AgentId, [u8; agents::SALT]),
    replica: &mut Replica,
    now_ms: u64,
) -> Result<Option<Body>, WriteError> {
    AgentPolicy::parse(&put.policy.encode())?;
    if let Some(agent) = put.agent {
        require_unrevoked(replica, &agent)?;
        if is_so(put, agents::agent(replica, agent, now_ms)) {
            return Ok(None);
        }
    }
    let terms = Terms::new(salt, &put.policy);
    Ok(Some(Body::AgentIssue {
        agent: id,
        name_hash: terms.commits_to_name(&put.name),
        policy_hash: terms.commits_to_policy(),
        responsible: put.responsible,
        not_after: put.not_after,
    }))
}

/// Ending an agent is for good.
pub(super) fn require_unrevoked(replica: &Replica, agent: &AgentId) -> Result<(), ReadError> {
    let found = replica.state().agents().get(agent);
    require(found.is_some_and(|agent| agent.revoked.is_none()), ReadError::Missing)
}

fn is_so(put: &AgentPut, found: Option<AgentEntry>) -> bool {
    found.is_some_and(|found| {
        found.name == put.name
            && found.policy.as_ref() == Ok(&put.policy)
            && found.responsible == put.responsible
            && found.not_after == put.not_after
    })
}

impl Pen<'_> {
    /// Names an agent in the directory and seals its terms beside the name.
    pub(super) fn put_agent(
        &mut self,
        id: AgentId,
        agent_name: &str,
        terms: &Terms,
    ) -> Result<(), WriteError> {
        let directory = self.replica().state().directory().ok_or(ReadError::Missing)?;
        let item = id.directory_item();
        let put = name(item, agent_name, Details::of(Thing::Agent));
        let policies = Policies::from([(item, Some(terms.encode()))]);
        self.commit_with(directory, vec![put], &[], &policies)
    }

    /// Signs planned broker policies, one commit for each environment.
    pub(super) fn put_planned(&mut self, changes: &[PolicyChange]) -> Result<(), WriteError> {
        let mut by_env: BTreeMap<EnvId, Policies> = BTreeMap::new();
        for change in changes {
            by_env.entry(change.at.env).or_default().insert(change.at.secret, change.after.clone());
        }
        for (env, policies) in &by_env {
            self.put_policies(*env, policies)?;
        }
        Ok(())
    }
}
