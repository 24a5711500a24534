//! From changed cells to links, in an order that every verifier accepts.

use std::collections::BTreeMap;

use strongroom_chain::org::{EnvState, Grant, OrgState};
use strongroom_format::id::{EnvId, Principal};
use strongroom_format::statement::{Body, EnvKind, Rights, Role};
use thiserror::Error;

use super::CellChange;

/// Why a change cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such environment, or its readers are no matter of grants.
    #[error("this environment has no grants")]
    NoEnvironment,
    /// Whoever it is about has left, was revoked or has ended.
    #[error("the person or token is no longer there")]
    Gone,
    /// A reviewer can never hold a key.
    #[error("a reviewer can never hold a key")]
    Reviewer,
    /// An agent never holds a key.
    #[error("an agent never holds a key")]
    Agent,
    /// The end lies in the past.
    #[error("the end has passed already")]
    Ended,
    /// The author may not give or take this here.
    #[error("your rights here do not allow this")]
    NotAllowed,
    /// The author's own rights end before.
    #[error("your own rights here end before")]
    Outlasts,
    /// Whoever reads the environment must read the groups it composes.
    #[error("it would not read a group that this environment composes")]
    NeedsGroup(EnvId),
    /// Whoever loses the group still reads an environment that composes it.
    #[error("it still reads an environment that composes this group")]
    StillComposed(EnvId),
}

/// One change that cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub change: CellChange,
    /// Why.
    pub why: Refusal,
}

/// The changes that cannot be signed. Then none of the others is, either.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} changes of access cannot be signed", .0.len())]
pub struct RefusedChanges(pub Vec<Refused>);

/// The links for `changes` by `author`: grants and revocations in an order that the verifier
/// accepts. The last change of a cell counts; what is already so needs no link.
pub fn bodies(
    state: &OrgState,
    author: &Principal,
    changes: &[CellChange],
    now_ms: u64,
) -> Result<Vec<Body>, RefusedChanges> {
    let mut ahead = Ahead::new(state, author, now_ms);
    let mut bodies = Vec::new();
    let mut refused = Vec::new();
    for change in in_order(state, author, changes) {
        if ahead.is_so(&change) {
            continue;
        }
        match ahead.check(&change) {
            Ok(()) => {
                ahead.take(&change);
                bodies.push(body(&change));
            }
            Err(why) => refused.push(Refused { change, why }),
        }
    }
    if refused.is_empty() { Ok(bodies) } else { Err(RefusedChanges(refused)) }
}

fn body(change: &CellChange) -> Body {
    let CellChange { principal, env, rights, not_after } = *change;
    if rights == Rights::NONE {
        Body::EnvRevoke { env, principal }
    } else {
        Body::EnvGrant { env, principal, rights, not_after }
    }
}

/// The last change of each cell. Reading is given to groups first and taken from them last, because
/// whoever reads a composition reads its groups; and what the author does to itself comes after
/// everything that it may do now and perhaps not then.
fn in_order(state: &OrgState, author: &Principal, changes: &[CellChange]) -> Vec<CellChange> {
    let last: BTreeMap<(EnvId, Principal), CellChange> =
        changes.iter().map(|change| ((change.env, change.principal), *change)).collect();
    let mut changes: Vec<CellChange> = last.into_values().collect();
    changes.sort_by_key(|change| {
        let group = state.env(&change.env).is_some_and(|env| env.kind == EnvKind::Group);
        let stage = match (change.rights.includes(Rights::READ), group) {
            (true, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (false, true) => 3,
        };
        (change.principal == *author, stage)
    });
    changes
}

/// The grants as they are after the changes taken so far.
pub(super) struct Ahead<'a> {
    state: &'a OrgState,
    author: &'a Principal,
    time_ms: u64,
    set: BTreeMap<(EnvId, Principal), Grant>,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(state: &'a OrgState, author: &'a Principal, now_ms: u64) -> Self {
        let time_ms = now_ms.max(state.time_ms());
        Self { state, author, time_ms, set: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, change: &CellChange) {
        let CellChange { principal, env, rights, not_after } = *change;
        self.set.insert((env, principal), Grant { rights, not_after });
    }

    /// Whether nothing would change.
    pub(super) fn is_so(&self, change: &CellChange) -> bool {
        if self.grantable(&change.env).is_err() {
            return false;
        }
        let grant = self.grant(&change.env, &change.principal);
        let now = grant.at(self.time_ms);
        now == change.rights && (now == Rights::NONE || grant.not_after == change.not_after)
    }

    /// What the verifier asks of a grant or a revocation, and what no person means.
    pub(super) fn check(&self, change: &CellChange) -> Result<(), Refusal> {
        let CellChange { principal, env, rights, not_after } = change;
        let place = self.grantable(env)?;
        let gives = *rights != Rights::NONE;
        if gives {
            self.require_recipient(principal)?;
            if *not_after != 0 && *not_after <= self.time_ms {
                return Err(Refusal::Ended);
            }
        }
        self.require_right(change)?;
        if rights.includes(Rights::READ) {
            let closed = place.composed.iter().find(|group| !self.reads(group, principal));
            closed.map_or(Ok(()), |group| Err(Refusal::NeedsGroup(*group)))
        } else {
            let open = self.state.envs().iter().find(|(other, place)| {
                place.composed.contains(env) && self.reads(other, principal)
            });
            open.map_or(Ok(()), |(env, _)| Err(Refusal::StillComposed(*env)))
        }
    }

    fn grantable(&self, env: &EnvId) -> Result<&EnvState, Refusal> {
        let place = self.state.env(env).filter(|place| place.kind != EnvKind::Directory);
        place.ok_or(Refusal::NoEnvironment)
    }

    fn require_recipient(&self, principal: &Principal) -> Result<(), Refusal> {
        match principal {
            Principal::Agent(_) => Err(Refusal::Agent),
            Principal::User(user) if self.state.role(user) == Some(Role::Reviewer) => {
                Err(Refusal::Reviewer)
            }
            _ if self.is_there(principal) => Ok(()),
            _ => Err(Refusal::Gone),
        }
    }

    fn require_right(&self, change: &CellChange) -> Result<(), Refusal> {
        if manages(self.state, self.author) {
            return Ok(());
        }
        let own = self.rights(&change.env, self.author);
        let gives = change.rights != Rights::NONE;
        let itself = change.principal == *self.author;
        if !own.includes(Rights::GRANT.with(change.rights)) {
            return if itself && !gives { Ok(()) } else { Err(Refusal::NotAllowed) };
        }
        let end = self.grant(&change.env, self.author).not_after;
        let lasting = end == 0 || (change.not_after != 0 && change.not_after <= end);
        if !gives || lasting { Ok(()) } else { Err(Refusal::Outlasts) }
    }

    fn is_there(&self, who: &Principal) -> bool {
        self.state.signing_key(who, self.state.seq(), self.time_ms).is_some()
    }

    fn reads(&self, env: &EnvId, who: &Principal) -> bool {
        self.rights(env, who).includes(Rights::READ)
    }

    fn rights(&self, env: &EnvId, who: &Principal) -> Rights {
        if self.is_there(who) { self.grant(env, who).at(self.time_ms) } else { Rights::NONE }
    }

    fn grant(&self, env: &EnvId, who: &Principal) -> Grant {
        let none = Grant { rights: Rights::NONE, not_after: 0 };
        self.set.get(&(*env, *who)).copied().unwrap_or_else(|| {
            let signed = self.state.env(env).and_then(|env| env.grants.get(who));
            signed.and_then(|line| line.at(self.state.seq())).map_or(none, |(_, grant)| *grant)
        })
    }
}

/// Whether a principal is an owner or an admin.
pub(super) fn manages(state: &OrgState, who: &Principal) -> bool {
    match who {
        Principal::User(user) => state.role(user).is_some_and(Role::manages),
        _ => false,
    }
}
