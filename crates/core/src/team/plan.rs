//! The links that an intent takes.

use std::collections::BTreeSet;

use strongroom_chain::EnvHistory;
use strongroom_chain::org::OrgState;
use strongroom_crypto::safe::{Entropy, InviteKey, ServiceToken, entropy};
use strongroom_format::id::{AgentId, EnvId, Principal, UserId};
use strongroom_format::pins::AuditPin;
use strongroom_format::statement::{Body, CutPoint, Policy, PublicKey, Rights, Role};
use thiserror::Error;

use super::agents::{PolicyChange, link_of, policy_changes, require_unrevoked};
use super::{Intent, Joiner, NewInvite, NewLog, NewToken};
use crate::agents::{self, AgentEntry, SALT};
use crate::pen::WriteError;
use crate::replica::{ReadError, Replica};

/// Why what was shown cannot be signed.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The links are not the ones that were shown: something changed in the meantime.
    #[error("the organisation changed since this was shown")]
    Changed,
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What was made for an intent, once.
pub(super) enum Made {
    Nothing,
    Invite(InviteKey),
    Token(ServiceToken),
    Agent(AgentId, [u8; SALT]),
}

/// The links of an intent, ready to be shown and then signed.
pub struct Plan {
    intent: Intent,
    pub(super) made: Made,
    bodies: Vec<Body>,
    policies: Vec<PolicyChange>,
    before: Stood,
}

/// How everything stood when a change was shown: the same link does something else to what stands
/// otherwise.
#[derive(PartialEq)]
struct Stood {
    people: Vec<Before>,
    agent: Option<AgentEntry>,
}

/// How somebody stood.
#[derive(PartialEq, Eq)]
struct Before {
    role: Option<Role>,
    rights: Rights,
    key: Option<PublicKey>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plan({} links)", self.bodies.len())
    }
}

impl Plan {
    /// Makes what the intent needs, and its links upon `replica`.
    pub fn make(
        replica: &mut Replica,
        intent: Intent,
        entropy: &mut dyn Entropy,
        now_ms: u64,
    ) -> Result<Self, WriteError> {
        let made = match &intent {
            Intent::Invite(_) => Made::Invite(InviteKey::make(entropy)?),
            Intent::TokenIssue(_) => Made::Token(ServiceToken::make(entropy)?),
            Intent::AgentPut(put) => {
                let new = AgentId(entropy::array(entropy)?);
                Made::Agent(put.agent.unwrap_or(new), entropy::array(entropy)?)
            }
            _ => Made::Nothing,
        };
        let bodies = bodies(&intent, &made, replica, now_ms)?;
        let policies = policies(&intent, replica, now_ms)?;
        let before = stood(&intent, replica, now_ms);
        Ok(Self { intent, made, bodies, policies, before })
    }

    /// What was asked for.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// The links, in order. Data-key links follow from them and are not among them.
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// The broker policies of secrets that are written, each with the one it takes the place of.
    pub(super) fn policies(&self) -> &[PolicyChange] {
        &self.policies
    }

    /// How many things are signed for it to be seen by everybody: its links, and the commits that
    /// change where secrets may go.
    pub fn signatures(&self) -> usize {
        let envs: BTreeSet<EnvId> = self.policies.iter().map(|change| change.at.env).collect();
        self.bodies.len() + envs.len()
    }

    /// The agent that this plan makes or changes.
    pub fn agent(&self) -> Option<AgentId> {
        if let Made::Agent(agent, _) = &self.made { Some(*agent) } else { None }
    }

    /// The key of the invitation that this plan makes.
    pub fn invite_key(&self) -> Option<&InviteKey> {
        if let Made::Invite(key) = &self.made { Some(key) } else { None }
    }

    /// The service token that this plan makes.
    pub fn token(&self) -> Option<&ServiceToken> {
        if let Made::Token(token) = &self.made { Some(token) } else { None }
    }

    /// The links upon a newer copy, if they say what was shown, of people and tokens who stand as
    /// they did then. Only the places where commits are cut may differ: they follow what others
    /// write in the meantime.
    pub(super) fn again(&self, replica: &mut Replica, now_ms: u64) -> Result<Vec<Body>, PlanError> {
        let bodies = bodies(&self.intent, &self.made, replica, now_ms)?;
        let same = bodies.len() == self.bodies.len()
            && bodies.iter().zip(&self.bodies).all(|(new, shown)| says_the_same(new, shown));
        let same = same && policies(&self.intent, replica, now_ms)? == self.policies;
        let same = same && stood(&self.intent, replica, now_ms) == self.before;
        if same { Ok(bodies) } else { Err(PlanError::Changed) }
    }
}

fn policies(
    intent: &Intent,
    replica: &mut Replica,
    now_ms: u64,
) -> Result<Vec<PolicyChange>, WriteError> {
    match intent {
        Intent::AgentPut(put) => policy_changes(&put.secrets, replica, now_ms),
        Intent::SecretPolicyPut(put) => policy_changes(std::slice::from_ref(put), replica, now_ms),
        _ => Ok(Vec::new()),
    }
}

fn stood(intent: &Intent, replica: &mut Replica, now_ms: u64) -> Stood {
    let agent = match intent {
        Intent::AgentPut(put) => put.agent.and_then(|id| agents::agent(replica, id, now_ms)),
        Intent::AgentEnd { agent } => agents::agent(replica, *agent, now_ms),
        _ => None,
    };
    Stood { people: before(intent, replica.state(), now_ms), agent }
}

fn before(intent: &Intent, state: &OrgState, now_ms: u64) -> Vec<Before> {
    let time_ms = now_ms.max(state.time_ms());
    let stands = |who: &Principal, rights| {
        let role = if let Principal::User(user) = who { state.role(user) } else { None };
        Before { role, rights, key: state.encryption_key(who) }
    };
    match intent {
        Intent::Access(changes) => changes
            .iter()
            .map(|change| {
                let rights = state.rights(&change.env, &change.principal, time_ms);
                stands(&change.principal, rights)
            })
            .collect(),
        Intent::Role { user, .. } | Intent::Remove { user } => {
            vec![stands(&Principal::User(*user), Rights::NONE)]
        }
        Intent::Reset(joiner) => vec![stands(&Principal::User(joiner.user), Rights::NONE)],
        Intent::Invite(_)
        | Intent::TokenIssue(_)
        | Intent::TokenRevoke { .. }
        | Intent::OnlyVerified
        | Intent::AuditReset(_)
        | Intent::AuditRetention(_)
        | Intent::AgentPut(_)
        | Intent::AgentEnd { .. }
        | Intent::SecretPolicyPut(_) => Vec::new(),
    }
}

fn says_the_same(new: &Body, shown: &Body) -> bool {
    match (new, shown) {
        (Body::MemberRemove { user, .. }, Body::MemberRemove { user: shown, .. }) => user == shown,
        _ => new == shown,
    }
}

fn bodies(
    intent: &Intent,
    made: &Made,
    replica: &mut Replica,
    now_ms: u64,
) -> Result<Vec<Body>, WriteError> {
    if let (Intent::AgentPut(put), Made::Agent(agent, salt)) = (intent, made) {
        return Ok(link_of(put, (*agent, *salt), replica, now_ms)?.into_iter().collect());
    }
    let state = replica.state();
    Ok(match (intent, made) {
        (Intent::Access(changes), _) => {
            crate::access::bodies(state, &replica.principal(), changes, now_ms)?
        }
        (Intent::Invite(new), Made::Invite(key)) => vec![invite(new, key)],
        (Intent::Role { user, role }, _) => vec![Body::MemberRole { user: *user, role: *role }],
        (Intent::Remove { user }, _) => {
            vec![Body::MemberRemove { user: *user, cuts: cuts(replica, user) }]
        }
        (Intent::TokenIssue(new), Made::Token(token)) => vec![token_issue(new, token)],
        (Intent::TokenRevoke { token }, _) => vec![Body::TokenRevoke { token: *token }],
        (Intent::Reset(joiner), _) => vec![reset(joiner)],
        (Intent::OnlyVerified, _) => {
            vec![Body::Policy(Policy { grants_to_unverified: false, ..state.policy().clone() })]
        }
        (Intent::AuditReset(new), _) => new_log(state, new),
        (Intent::AuditRetention(old), _) => vec![Body::AuditRetention {
            reset: state.audit_reset(),
            size: old.size,
            root: old.root,
        }],
        (Intent::AgentEnd { agent }, _) => {
            require_unrevoked(replica, agent)?;
            vec![Body::AgentRevoke { agent: *agent }]
        }
        (Intent::SecretPolicyPut(_), _) => Vec::new(),
        (Intent::Invite(_) | Intent::TokenIssue(_) | Intent::AgentPut(_), _) => {
            return Err(ReadError::Missing.into());
        }
    })
}

fn invite(new: &NewInvite, key: &InviteKey) -> Body {
    let mut grants = new.grants.clone();
    grants.sort_by_key(|grant| grant.env);
    Body::Invite {
        invite: key.id(),
        key_hash: key.commitment(),
        role: new.role,
        grants,
        expires: new.expires_ms,
    }
}

fn token_issue(new: &NewToken, token: &ServiceToken) -> Body {
    let mut rights = new.rights.clone();
    rights.sort_by_key(|right| right.env);
    Body::TokenIssue {
        token: token.id(),
        sig_pub: token.identity().public(),
        enc_pub: token.encryption().public(),
        rights,
        not_after: new.not_after,
    }
}

fn reset(joiner: &Joiner) -> Body {
    Body::KeyReset { user: joiner.user, keys: joiner.keys, pop: joiner.pop }
}

/// The reset, and what is kept of the log, which the new one has to say again: entries that are gone
/// do not come back.
fn new_log(state: &OrgState, new: &NewLog) -> Vec<Body> {
    let (old_reset, retained) = (state.audit_reset(), state.audit_retained());
    let AuditPin { size, root, .. } = new.old;
    let mut bodies = vec![Body::AuditReset { old_reset, size, root, audit_vkey: new.audit_vkey }];
    if retained.size > 0 {
        let (reset, size, root) = (old_reset.saturating_add(1), retained.size, retained.root);
        bodies.push(Body::AuditRetention { reset, size, root });
    }
    bodies
}

/// Where the commits of a leaver end: at the heads this device has verified.
fn cuts(replica: &Replica, user: &UserId) -> Vec<CutPoint> {
    let cut = |env| {
        let history = replica.env(&env).map(crate::env::EnvCopy::history);
        CutPoint {
            env,
            seq: history.map_or(0, EnvHistory::seq),
            head: history.map_or(strongroom_format::hash::ZERO, EnvHistory::head),
        }
    };
    replica.state().envs_to_cut(user).into_iter().map(cut).collect()
}
