//! Who may do what, told a second time and as simply as possible: the model that the verifier is
//! held against. It knows nothing of signatures, epochs' numbers or positions.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_format::id::{EnvId, InviteId, Principal, TokenId, UserId};
use strongroom_format::statement::{Body, EnvKind, Rights, Role};

/// The organisation after one link.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) members: BTreeMap<UserId, Role>,
    pub(crate) tokens: BTreeSet<TokenId>,
    pub(crate) grants: BTreeMap<(EnvId, Principal), Rights>,
    pub(crate) envs: BTreeMap<EnvId, EnvKind>,
    pub(crate) recipients: BTreeMap<EnvId, BTreeSet<Principal>>,
    invites: BTreeMap<InviteId, Role>,
    used: BTreeSet<[u8; 16]>,
    pub(crate) min_profile: u8,
}

impl Table {
    pub(crate) fn role(&self, who: &Principal) -> Option<Role> {
        match who {
            Principal::User(user) => self.members.get(user).copied(),
            _ => None,
        }
    }

    pub(crate) fn rights(&self, who: &Principal, env: &EnvId) -> Rights {
        let here = match who {
            Principal::User(user) => self.members.contains_key(user),
            Principal::Token(token) => self.tokens.contains(token),
            Principal::Agent(_) => false,
        };
        match (here, self.envs.get(env), self.role(who)) {
            (true, Some(EnvKind::Directory), Some(role)) if role.manages() => Rights::ALL,
            (true, Some(EnvKind::Directory), Some(_)) => Rights::READ,
            (true, Some(kind), _) if *kind != EnvKind::Directory => {
                self.grants.get(&(*env, *who)).copied().unwrap_or(Rights::NONE)
            }
            _ => Rights::NONE,
        }
    }

    pub(crate) fn readers(&self, env: &EnvId) -> BTreeSet<Principal> {
        let people = self.members.keys().copied().map(Principal::User);
        let all = people.chain(self.tokens.iter().copied().map(Principal::Token));
        all.filter(|who| self.rights(who, env).includes(Rights::READ)).collect()
    }

    /// Whether `author` may say this here. Bodies that the model never says are not allowed.
    pub(crate) fn allows(&self, author: &Principal, body: &Body) -> bool {
        let role = self.role(author);
        let manages = role.is_some_and(Role::manages);
        let over = |other: Role| {
            role == Some(Role::Owner) || (manages && role.is_some_and(|role| role.is_above(other)))
        };
        let up_to = |other: Role| manages && role.is_some_and(|role| !other.is_above(role));
        let own = |env: &EnvId| self.rights(author, env);
        let keeps_an_owner = |user: &UserId, next: Option<Role>| {
            let others =
                self.members.iter().filter(|(id, role)| *id != user && **role == Role::Owner);
            self.members.get(user) != Some(&Role::Owner)
                || next == Some(Role::Owner)
                || others.count() > 0
        };
        let is_data =
            |env: &EnvId| self.envs.get(env).is_some_and(|kind| *kind != EnvKind::Directory);
        match body {
            Body::Genesis { .. } => self.envs.is_empty() && self.members.is_empty(),
            Body::Invite { role, .. } => up_to(*role),
            Body::MemberAdd { user, role, invite, .. } => {
                up_to(*role)
                    && self.invites.get(invite) == Some(role)
                    && !self.used.contains(&user.0)
            }
            Body::MemberRole { user, role } => {
                self.members.get(user).is_some_and(|old| over(*old))
                    && over(*role)
                    && keeps_an_owner(user, Some(*role))
            }
            Body::MemberRemove { user, .. } => {
                let self_made = *author == Principal::User(*user);
                self.members.get(user).is_some_and(|old| self_made || over(*old))
                    && keeps_an_owner(user, None)
            }
            Body::EnvCreate { env, kind, .. } => {
                let owner = role == Some(Role::Owner);
                !self.used.contains(&env.0) && (owner || manages && *kind != EnvKind::Directory)
            }
            Body::EnvGrant { env, principal, rights, .. } => {
                let passes = own(env).includes(Rights::GRANT.with(*rights));
                let target = match principal {
                    Principal::User(user) => {
                        self.members.get(user).is_some_and(|role| *role != Role::Reviewer)
                    }
                    Principal::Token(token) => self.tokens.contains(token),
                    Principal::Agent(_) => false,
                };
                is_data(env) && (manages || passes) && target
            }
            Body::EnvRevoke { env, principal } => {
                let held = self.grants.get(&(*env, *principal)).is_some_and(|r| *r != Rights::NONE);
                let may = manages || own(env).includes(Rights::GRANT) || author == principal;
                is_data(env) && held && may && (role.is_some() || own(env) != Rights::NONE)
            }
            Body::DekEpoch { env, wraps, .. } => {
                let may = manages || own(env).includes(Rights::WRITE);
                let listed: BTreeSet<Principal> = wraps.iter().map(|wrap| wrap.recipient).collect();
                may && own(env).includes(Rights::READ) && listed == self.readers(env)
            }
            Body::TokenIssue { token, rights, .. } => {
                let within = |env: &EnvId, rights| is_data(env) && own(env).includes(rights);
                let fresh = !self.used.contains(&token.0);
                manages && fresh && rights.iter().all(|right| within(&right.env, right.rights))
            }
            Body::TokenRevoke { token } => manages && self.tokens.contains(token),
            Body::Policy(policy) => {
                role == Some(Role::Owner) && policy.min_profile >= self.min_profile
            }
            _ => false,
        }
    }

    /// The table after an allowed link.
    pub(crate) fn after(&self, author: &Principal, body: &Body) -> Self {
        let mut next = self.clone();
        match body {
            Body::Genesis { founder, policy, .. } => {
                next.members.insert(*founder, Role::Owner);
                next.used.insert(founder.0);
                next.min_profile = policy.min_profile;
            }
            Body::Invite { invite, role, .. } => {
                next.invites.insert(*invite, *role);
            }
            Body::MemberAdd { user, role, invite, .. } => {
                next.invites.remove(invite);
                next.members.insert(*user, *role);
                next.used.insert(user.0);
            }
            Body::MemberRole { user, role } => {
                next.members.insert(*user, *role);
                if *role == Role::Reviewer {
                    next.grants.retain(|(_, who), _| *who != Principal::User(*user));
                }
            }
            Body::MemberRemove { user, .. } => {
                next.members.remove(user);
            }
            Body::EnvCreate { env, kind, .. } => {
                next.envs.insert(*env, *kind);
                next.used.insert(env.0);
                if *kind != EnvKind::Directory {
                    next.grants.insert((*env, *author), Rights::ALL);
                }
            }
            Body::EnvGrant { env, principal, rights, .. } => {
                next.grants.insert((*env, *principal), *rights);
            }
            Body::EnvRevoke { env, principal } => {
                next.grants.remove(&(*env, *principal));
            }
            Body::DekEpoch { env, wraps, .. } => {
                let listed = wraps.iter().map(|wrap| wrap.recipient).collect();
                next.recipients.insert(*env, listed);
            }
            Body::TokenIssue { token, rights, .. } => {
                next.tokens.insert(*token);
                next.used.insert(token.0);
                for right in rights {
                    next.grants.insert((right.env, Principal::Token(*token)), right.rights);
                }
            }
            Body::TokenRevoke { token } => {
                next.tokens.remove(token);
            }
            Body::Policy(policy) => next.min_profile = policy.min_profile,
            _ => {}
        }
        next
    }
}
