//! Signing what was planned, and what follows from it.

use strongroom_chain::org::OrgState;
use strongroom_format::id::{EnvId, Principal, UserId};
use strongroom_format::statement::{Body, EpochReason, Rights};
use strongroom_format::wire::{InviteUpload, TokenUpload};

use super::plan::{Made, Plan, PlanError};
use super::{Intent, Joiner};
use crate::agents::Terms;
use crate::details::{Details, Thing};
use crate::pen::{Pen, WriteError, name};
use crate::replica::{ReadError, Replica};

/// Beyond so many wraps, a write takes no further data key: with the most readers that one may
/// have, it stays below what a page holds.
const MOST_WRAPS: usize = 8_000;
/// The same for links.
const MOST_LINKS: usize = 900;

impl Pen<'_> {
    /// Signs the links of a plan, tells the server what it compares bearers with, names what is
    /// new, and wraps data keys for new readers.
    pub fn carry_out(&mut self, plan: &Plan) -> Result<(), PlanError> {
        let now_ms = self.now_ms();
        let bodies = plan.again(self.replica(), now_ms)?;
        let links = bodies.len();
        for body in bodies {
            self.link(body)?;
        }
        match &plan.made {
            Made::Invite(key) => {
                let bearer_hash = key.bearer().hash();
                self.batch().invites.push(InviteUpload { invite: key.id(), bearer_hash });
            }
            Made::Token(token) => {
                let bearer_hash = token.bearer().hash();
                self.batch().tokens.push(TokenUpload { token: token.id(), bearer_hash });
                if let Intent::TokenIssue(new) = plan.intent() {
                    let item = token.id().directory_item();
                    self.put_names(vec![name(item, &new.name, Details::of(Thing::Token))])?;
                }
            }
            Made::Agent(id, salt) => {
                if let Intent::AgentPut(put) = plan.intent()
                    && links > 0
                {
                    self.put_agent(*id, &put.name, &Terms::new(*salt, &put.policy))?;
                }
            }
            Made::Nothing => {}
        }
        self.put_planned(plan.policies())?;
        self.wrap_for_new_readers()?;
        Ok(())
    }

    /// Admits a joiner with the role and the grants that its invitation promised, as far as they
    /// can still be given.
    pub fn admit(&mut self, joiner: &Joiner) -> Result<(), WriteError> {
        let invite = self.replica().state().invites().get(&joiner.invite).cloned();
        let invite = invite.ok_or(ReadError::Missing)?;
        let Joiner { invite: id, user, keys, pop } = *joiner;
        self.link(Body::MemberAdd { user, keys, role: invite.role, invite: id, pop })?;
        let now_ms = self.now_ms();
        for grant in invite.grants {
            let lapsed = grant.not_after != 0 && grant.not_after <= now_ms;
            let gone = self.replica().state().env(&grant.env).is_none();
            if lapsed || gone {
                continue;
            }
            self.link(Body::EnvGrant {
                env: grant.env,
                principal: Principal::User(user),
                rights: grant.rights,
                not_after: grant.not_after,
            })?;
        }
        self.wrap_for_new_readers()
    }

    /// Gives every reader that still lacks it the data keys that this device holds.
    pub fn wrap_for_new_readers(&mut self) -> Result<(), WriteError> {
        let now_ms = self.now_ms();
        for env in lacking(self.replica(), now_ms) {
            if self.batch().wraps.len() > MOST_WRAPS || self.batch().links.len() > MOST_LINKS {
                break; // one write holds no more; the rest is wrapped after the next sync
            }
            self.new_epoch(env, EpochReason::ReaderAdded)?;
        }
        Ok(())
    }

    /// Writes one's own name into the directory.
    pub fn introduce(&mut self, user: &UserId, person: &str) -> Result<(), WriteError> {
        self.put_names(vec![name(user.directory_item(), person, Details::of(Thing::Member))])
    }
}

/// Environments with readers who hold no wrap of the newest data key, where this device holds it
/// and may wrap it for them. A due environment is not among them: its rotation reaches everybody.
pub fn lacking(replica: &Replica, now_ms: u64) -> Vec<EnvId> {
    let state = replica.state();
    let (me, time_ms) = (replica.principal(), now_ms.max(state.time_ms()));
    let envs = state.envs().keys().copied();
    envs.filter(|env| {
        !state.is_due(env, time_ms)
            && waits(state, env, time_ms).next().is_some()
            && may_wrap(state, env, &me, time_ms)
            && holds_newest(state, env, &me)
    })
    .collect()
}

/// Readers of an environment without a wrap of its newest data key.
pub fn waits<'a>(
    state: &'a OrgState,
    env: &EnvId,
    time_ms: u64,
) -> impl Iterator<Item = Principal> + 'a {
    let newest = state.env(env).and_then(|env| env.epochs.last());
    let readers = state.readers(env, time_ms).into_iter();
    readers.filter(move |reader| !newest.is_some_and(|epoch| is_listed(epoch, reader)))
}

fn may_wrap(state: &OrgState, env: &EnvId, me: &Principal, time_ms: u64) -> bool {
    let rights = state.rights(env, me, time_ms);
    let manages = match me {
        Principal::User(user) => {
            state.role(user).is_some_and(strongroom_format::statement::Role::manages)
        }
        _ => false,
    };
    rights.includes(Rights::READ) && (rights.includes(Rights::WRITE) || manages)
}

fn holds_newest(state: &OrgState, env: &EnvId, me: &Principal) -> bool {
    let newest = state.env(env).and_then(|env| env.epochs.last());
    newest.is_some_and(|epoch| is_listed(epoch, me))
}

fn is_listed(epoch: &strongroom_chain::org::Epoch, who: &Principal) -> bool {
    epoch.wraps.iter().any(|wrap| wrap.recipient == *who)
}
