//! What each type of link may do: the table of docs/protocol.md, section 6, row by row.
//!
//! Every rule checks first and changes the state last, so that a refused link leaves no trace.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_format::check::{holds, require};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{AgentId, EnvId, InviteId, OrgId, Principal, SecretId, UserId};
use strongroom_format::pins::AuditPin;
use strongroom_format::statement::{
    Body, CutPoint, EnvKind, EnvRight, EpochReason, Link, MemberKeys, Policy, PublicKey,
    RETENTION_STEP, Rights, Role, SUITE_1, Signature, Statement, WrapEntry, key_change_message,
    pop_message,
};

use crate::org::{
    Agent, ChainError, EnvState, Epoch, Grant, Invite, Member, OrgState, Timeline, Token,
};
use crate::signature::{are_strong, is_strong_encryption_key, is_strong_signing_key, verifies};

type Checked = Result<(), ChainError>;

pub(crate) fn found(genesis: &Link) -> Result<OrgState, ChainError> {
    let s = &genesis.statement;
    let Body::Genesis { suite, founder, keys, audit_vkey, policy } = &s.body else {
        return Err(ChainError::Genesis);
    };
    let first = holds(s.seq == 0) && holds(s.prev == ZERO) && holds(s.org.is_zero());
    require(first && holds(s.author == Principal::User(*founder)), ChainError::Genesis)?;
    require(*suite == SUITE_1, ChainError::UnknownSuite)?;
    require(are_strong(keys), ChainError::WeakKey)?;
    require(is_strong_signing_key(audit_vkey), ChainError::WeakKey)?;
    require(keys.isk != keys.iek, ChainError::KeyReused)?;
    let signed = crate::signature::verifies_labelled(
        "stmt",
        &keys.isk,
        genesis.signed_bytes(),
        &genesis.signature(),
    );
    require(signed, ChainError::BadSignature)?;
    Ok(OrgState {
        org: OrgId::of_genesis(genesis.as_bytes()),
        heads: vec![(genesis.head(), s.time_ms)],
        suite: *suite,
        policy: policy.clone(),
        audit_vkey: *audit_vkey,
        audit: AuditPin { reset: 0, size: 0, root: ZERO },
        retained: AuditPin { reset: 0, size: 0, root: ZERO },
        members: BTreeMap::from([(*founder, member(0, Role::Owner, *keys, InviteId::ZERO))]),
        invites: BTreeMap::new(),
        envs: BTreeMap::new(),
        tokens: BTreeMap::new(),
        agents: BTreeMap::new(),
        used_keys: BTreeSet::from([keys.isk, keys.iek]),
        directory: None,
    })
}

fn member(seq: u64, role: Role, keys: MemberKeys, invite: InviteId) -> Member {
    Member {
        roles: Timeline::new(seq, role),
        keys: Timeline::new(seq, keys),
        added: seq,
        invite,
        resets: Vec::new(),
        removed: None,
    }
}

/// Applies a statement whose place, author and signature are checked already.
pub(crate) fn apply(org: &mut OrgState, s: &Statement) -> Checked {
    let link = Step { seq: s.seq, time_ms: s.time_ms, author: s.author, role: role_of(org, s) };
    match &s.body {
        Body::Genesis { .. } => Err(ChainError::Genesis),
        Body::Invite { invite, key_hash, role, grants, expires } => {
            let invite_state = Invite {
                link: s.seq,
                key_hash: *key_hash,
                role: *role,
                grants: grants.clone(),
                expires: *expires,
                used: None,
            };
            link.invite(org, *invite, invite_state)
        }
        Body::MemberAdd { user, keys, role, invite, pop } => {
            link.member_add(org, *user, keys, *role, *invite, pop)
        }
        Body::MemberRole { user, role } => link.member_role(org, *user, *role),
        Body::MemberRemove { user, cuts } => link.member_remove(org, *user, cuts),
        Body::KeyRotate { keys, by_new } => link.key_rotate(org, keys, by_new),
        Body::KeyReset { user, keys, pop } => link.key_reset(org, *user, keys, pop),
        Body::EnvCreate { env, kind, place, parent, expires, owner } => {
            let state = EnvState {
                kind: *kind,
                place: *place,
                parent: *parent,
                expires: *expires,
                created: s.seq,
                grants: BTreeMap::new(),
                epochs: Vec::new(),
                composed: Vec::new(),
                due: Vec::new(),
            };
            link.env_create(org, *env, state, *owner)
        }
        Body::EnvGrant { env, principal, rights, not_after } => {
            link.env_grant(org, *env, *principal, Grant { rights: *rights, not_after: *not_after })
        }
        Body::EnvRevoke { env, principal } => link.env_revoke(org, *env, *principal),
        Body::DekEpoch { env, epoch, dek_commit, reason, cut_seq, cut_head, wraps, previous } => {
            let state = Epoch {
                link: s.seq,
                dek_commit: *dek_commit,
                reason: *reason,
                cut_seq: *cut_seq,
                cut_head: *cut_head,
                wraps: wraps.clone(),
                previous: *previous,
            };
            link.dek_epoch(org, *env, *epoch, state)
        }
        Body::TokenIssue { token, sig_pub, enc_pub, rights, not_after } => {
            let state = Token {
                issued: s.seq,
                sig_pub: *sig_pub,
                enc_pub: *enc_pub,
                not_after: *not_after,
                revoked: None,
            };
            link.token_issue(org, *token, state, rights)
        }
        Body::TokenRevoke { token } => link.token_revoke(org, *token),
        Body::Policy(policy) => link.policy(org, policy),
        Body::AuditAnchor { reset, size, root } => {
            link.audit_anchor(org, AuditPin { reset: *reset, size: *size, root: *root })
        }
        Body::SuiteRaise { .. } => {
            require(link.role == Some(Role::Owner), ChainError::NotAllowed)?;
            // This program has suite 1 only; whoever raises the suite has a newer one.
            Err(ChainError::UnknownSuite)
        }
        Body::AuditReset { old_reset, audit_vkey, .. } => {
            link.audit_reset(org, *old_reset, audit_vkey)
        }
        Body::AgentIssue { agent, name_hash, policy_hash, responsible, not_after } => {
            let state = Agent {
                issued: s.seq,
                changed: s.seq,
                responsible: *responsible,
                name_hash: *name_hash,
                policy_hash: *policy_hash,
                not_after: *not_after,
                revoked: None,
            };
            link.agent_issue(org, *agent, state)
        }
        Body::AgentRevoke { agent } => {
            link.manager()?;
            let state = org.agents.get_mut(agent).filter(|a| a.revoked.is_none());
            state.ok_or(ChainError::Unknown)?.revoked = Some(s.seq);
            Ok(())
        }
        Body::Compose { env, groups } => link.compose(org, *env, groups),
        Body::AuditRetention { reset, size, root } => {
            link.audit_retention(org, AuditPin { reset: *reset, size: *size, root: *root })
        }
    }
}

fn role_of(org: &OrgState, s: &Statement) -> Option<Role> {
    match &s.author {
        Principal::User(user) => org.role(user),
        _ => None,
    }
}

/// One link on its way into the state: where it stands and who speaks.
struct Step {
    seq: u64,
    time_ms: u64,
    author: Principal,
    role: Option<Role>,
}

impl Step {
    fn manager(&self) -> Result<Role, ChainError> {
        self.role.filter(|role| role.manages()).ok_or(ChainError::NotAllowed)
    }

    fn owner(&self) -> Checked {
        require(self.role == Some(Role::Owner), ChainError::NotAllowed)
    }

    /// A manager may act on whoever stands below, an owner on everybody.
    fn over(&self, subject: Role) -> Checked {
        let role = self.manager()?;
        require(role == Role::Owner || role.is_above(subject), ChainError::NotAllowed)
    }

    fn rights(&self, org: &OrgState, env: &EnvId) -> Rights {
        org.rights(env, &self.author, self.time_ms)
    }

    fn invite(&self, org: &mut OrgState, id: InviteId, invite: Invite) -> Checked {
        let role = self.manager()?;
        require(!invite.role.is_above(role), ChainError::NotAllowed)?;
        require(!org.invites.contains_key(&id), ChainError::Duplicate)?;
        // The proof of a key change names the zero invite; it must not admit anybody.
        require(!id.is_zero(), ChainError::Invite)?;
        require(invite.grants.is_empty() || invite.role != Role::Reviewer, ChainError::Rights)?;
        for grant in &invite.grants {
            grantable(org, &grant.env)?;
        }
        org.invites.insert(id, invite);
        Ok(())
    }

    fn member_add(
        &self,
        org: &mut OrgState,
        user: UserId,
        keys: &MemberKeys,
        role: Role,
        invite: InviteId,
        pop: &Signature,
    ) -> Checked {
        let own = self.manager()?;
        require(!role.is_above(own), ChainError::NotAllowed)?;
        unnamed(org, user.0)?;
        let promised = org.invites.get(&invite).ok_or(ChainError::Invite)?;
        require(promised.used.is_none(), ChainError::Invite)?;
        require(self.time_ms <= promised.expires, ChainError::Invite)?;
        require(promised.role == role, ChainError::Invite)?;
        let message = pop_message(&org.org, &invite, &user, keys);
        admit_keys(org, keys, &message, pop)?;
        if let Some(invite) = org.invites.get_mut(&invite) {
            invite.used = Some(self.seq);
        }
        org.members.insert(user, member(self.seq, role, *keys, invite));
        Ok(())
    }

    fn member_role(&self, org: &mut OrgState, user: UserId, role: Role) -> Checked {
        let old = org.role(&user).ok_or(ChainError::Unknown)?;
        self.over(old)?;
        self.over(role)?;
        require(
            old != Role::Owner || role == Role::Owner || owners(org) > 1,
            ChainError::LastOwner,
        )?;
        if role == Role::Reviewer {
            end_grants(org, &Principal::User(user), self);
        }
        if let Some(member) = org.members.get_mut(&user) {
            member.roles.set(self.seq, role);
        }
        Ok(())
    }

    fn member_remove(&self, org: &mut OrgState, user: UserId, cuts: &[CutPoint]) -> Checked {
        let role = org.role(&user).ok_or(ChainError::Unknown)?;
        if self.author != Principal::User(user) {
            self.over(role)?;
        }
        require(role != Role::Owner || owners(org) > 1, ChainError::LastOwner)?;
        let cut: Vec<EnvId> = cuts.iter().map(|cut| cut.env).collect();
        require(org.envs_to_cut(&user) == cut, ChainError::CutPoints)?;
        mark_due(org, &Principal::User(user), self);
        if let Some(member) = org.members.get_mut(&user) {
            member.removed = Some((self.seq, cuts.to_vec()));
        }
        Ok(())
    }

    fn key_rotate(&self, org: &mut OrgState, keys: &MemberKeys, by_new: &Signature) -> Checked {
        let Principal::User(user) = self.author else {
            return Err(ChainError::NotAllowed);
        };
        admit_keys(org, keys, &key_change_message(&org.org, &user, keys), by_new)?;
        mark_due(org, &self.author, self);
        if let Some(member) = org.members.get_mut(&user) {
            member.keys.set(self.seq, *keys);
        }
        Ok(())
    }

    fn key_reset(
        &self,
        org: &mut OrgState,
        user: UserId,
        keys: &MemberKeys,
        pop: &Signature,
    ) -> Checked {
        self.over(org.role(&user).ok_or(ChainError::Unknown)?)?;
        admit_keys(org, keys, &key_change_message(&org.org, &user, keys), pop)?;
        mark_due(org, &Principal::User(user), self);
        if let Some(member) = org.members.get_mut(&user) {
            member.keys.set(self.seq, *keys);
            member.resets.push(self.seq);
        }
        Ok(())
    }

    fn env_create(
        &self,
        org: &mut OrgState,
        id: EnvId,
        mut env: EnvState,
        owner: UserId,
    ) -> Checked {
        unnamed(org, id.0)?;
        let parent = org.envs.get(&env.parent);
        let parented = parent.is_some_and(|p| p.kind == EnvKind::App && p.place == env.place);
        let placed = env.place != [0; 16];
        let well_formed = match env.kind {
            EnvKind::App | EnvKind::Group => {
                placed && env.parent.is_zero() && env.expires == 0 && owner.is_zero()
            }
            EnvKind::Directory => {
                !placed && env.parent.is_zero() && env.expires == 0 && owner.is_zero()
            }
            EnvKind::Branch => parented && env.expires > self.time_ms && owner.is_zero(),
            EnvKind::Personal => {
                parented && env.expires == 0 && self.author == Principal::User(owner)
            }
        };
        require(well_formed, ChainError::Environment)?;
        require(!id.is_zero() && holds(id.0 != env.place), ChainError::Environment)?;
        // The place of an application is no group's, and no other thing's.
        match org.envs.values().find(|other| placed && other.place == env.place) {
            Some(other) => {
                let same = (other.kind == EnvKind::Group) == (env.kind == EnvKind::Group);
                require(same, ChainError::Duplicate)?;
            }
            None if placed => unnamed(org, env.place)?,
            None => {}
        }
        match env.kind {
            EnvKind::App | EnvKind::Group => self.manager().map(|_| ())?,
            EnvKind::Directory => {
                self.owner()?;
                require(org.directory.is_none(), ChainError::Duplicate)?;
                org.directory = Some(id);
            }
            EnvKind::Branch | EnvKind::Personal => {
                let writes = self.rights(org, &env.parent).includes(Rights::WRITE);
                require(writes, ChainError::NotAllowed)?;
            }
        }
        if env.kind != EnvKind::Directory {
            let all = Grant { rights: Rights::ALL, not_after: 0 };
            env.grants.insert(self.author, Timeline::new(self.seq, all));
        }
        org.envs.insert(id, env);
        Ok(())
    }

    fn env_grant(&self, org: &mut OrgState, env: EnvId, to: Principal, grant: Grant) -> Checked {
        grantable(org, &env)?;
        let own = self.rights(org, &env);
        let allowed =
            self.role.is_some_and(Role::manages) || own.includes(Rights::GRANT.with(grant.rights));
        // Whose own right ends passes on none that outlasts it, not even to itself.
        let end = org.end_of_rights(&env, &self.author);
        let lasting = end == 0 || (grant.not_after != 0 && grant.not_after <= end);
        require(allowed, ChainError::NotAllowed)?;
        require(lasting || self.role.is_some_and(Role::manages), ChainError::NotAllowed)?;
        require(org.encryption_key(&to).is_some(), ChainError::Unknown)?;
        if let Principal::User(user) = to {
            require(org.role(&user) != Some(Role::Reviewer), ChainError::Rights)?;
        }
        if grant.rights.includes(Rights::READ) {
            let reads = |group| org.rights(group, &to, self.time_ms).includes(Rights::READ);
            require(org.envs[&env].composed.iter().all(reads), ChainError::Composition)?;
        } else {
            self.keeps_compositions(org, env, to)?;
        }
        let read_before = org.rights(&env, &to, self.time_ms).includes(Rights::READ);
        if let Some(state) = org.envs.get_mut(&env) {
            if read_before && !grant.rights.includes(Rights::READ) {
                state.due.push(self.seq);
            }
            set_grant(state, to, self.seq, grant);
        }
        Ok(())
    }

    fn env_revoke(&self, org: &mut OrgState, env: EnvId, from: Principal) -> Checked {
        grantable(org, &env)?;
        let own = self.rights(org, &env);
        let allowed = self.role.is_some_and(Role::manages) || own.includes(Rights::GRANT);
        require(allowed || self.author == from, ChainError::NotAllowed)?;
        let current = org.envs[&env].grants.get(&from).and_then(|t| t.at(self.seq));
        let held = current.is_some_and(|(_, grant)| grant.rights != Rights::NONE);
        require(held, ChainError::Unknown)?;
        self.keeps_compositions(org, env, from)?;
        if let Some(state) = org.envs.get_mut(&env) {
            state.due.push(self.seq);
            set_grant(state, from, self.seq, Grant { rights: Rights::NONE, not_after: 0 });
        }
        Ok(())
    }

    /// Whoever reads an environment keeps reading the groups it composes.
    fn keeps_compositions(&self, org: &OrgState, group: EnvId, who: Principal) -> Checked {
        let broken = org.envs.iter().any(|(env, state)| {
            state.composed.contains(&group)
                && org.rights(env, &who, self.time_ms).includes(Rights::READ)
        });
        require(!broken, ChainError::Composition)
    }

    fn dek_epoch(&self, org: &mut OrgState, env: EnvId, number: u32, epoch: Epoch) -> Checked {
        let state = org.envs.get(&env).ok_or(ChainError::Unknown)?;
        let own = self.rights(org, &env);
        let may = own.includes(Rights::WRITE) || self.role.is_some_and(Role::manages);
        require(own.includes(Rights::READ), ChainError::NotAllowed)?;
        require(may, ChainError::NotAllowed)?;
        require(number == state.epoch_at(self.seq).saturating_add(1), ChainError::EpochNumber)?;
        let expected = if number == 1 {
            EpochReason::First
        } else if org.is_due(&env, self.time_ms) {
            EpochReason::Rotation
        } else {
            // Nothing forces a rotation; one may still be made by choice.
            epoch.reason
        };
        let first = epoch.reason == EpochReason::First;
        require(epoch.reason == expected, ChainError::EpochReason)?;
        require(first == (number == 1), ChainError::EpochReason)?;
        require((epoch.previous == ZERO) == first, ChainError::Previous)?;
        require(continues_cut(state.epochs.last(), &epoch), ChainError::EpochCut)?;
        let listed = epoch.wraps.iter().map(|WrapEntry { recipient, .. }| *recipient);
        require(listed.eq(org.readers(&env, self.time_ms)), ChainError::Recipients)?;
        if let Some(state) = org.envs.get_mut(&env) {
            state.epochs.push(epoch);
        }
        Ok(())
    }

    fn token_issue(
        &self,
        org: &mut OrgState,
        id: strongroom_format::id::TokenId,
        token: Token,
        rights: &[EnvRight],
    ) -> Checked {
        self.manager()?;
        unnamed(org, id.0)?;
        require(
            is_strong_signing_key(&token.sig_pub) && is_strong_encryption_key(&token.enc_pub),
            ChainError::WeakKey,
        )?;
        unused(org, &[token.sig_pub, token.enc_pub])?;
        for right in rights {
            grantable(org, &right.env)?;
            require(self.rights(org, &right.env).includes(right.rights), ChainError::Rights)?;
            let reads = |env: &EnvId| {
                rights.iter().any(|r| r.env == *env && r.rights.includes(Rights::READ))
            };
            let alone = !right.rights.includes(Rights::READ);
            let composed = &org.envs[&right.env].composed;
            require(alone || composed.iter().all(reads), ChainError::Composition)?;
        }
        org.used_keys.extend([token.sig_pub, token.enc_pub]);
        org.tokens.insert(id, token);
        for right in rights {
            if let Some(state) = org.envs.get_mut(&right.env) {
                let grant = Grant { rights: right.rights, not_after: right.not_after };
                set_grant(state, Principal::Token(id), self.seq, grant);
            }
        }
        Ok(())
    }

    /// A new agent, or a living one with another name, policy, person or end. Revoking is for good.
    fn agent_issue(&self, org: &mut OrgState, id: AgentId, mut agent: Agent) -> Checked {
        self.manager()?;
        require(org.is_member(&agent.responsible), ChainError::Unknown)?;
        match org.agents.get(&id) {
            None => unnamed(org, id.0)?,
            Some(before) => {
                require(before.revoked.is_none(), ChainError::Unknown)?;
                agent.issued = before.issued;
            }
        }
        org.agents.insert(id, agent);
        Ok(())
    }

    fn token_revoke(&self, org: &mut OrgState, id: strongroom_format::id::TokenId) -> Checked {
        self.manager()?;
        let live = org.tokens.get(&id).is_some_and(|t| t.revoked.is_none());
        require(live, ChainError::Unknown)?;
        mark_due(org, &Principal::Token(id), self);
        if let Some(token) = org.tokens.get_mut(&id) {
            token.revoked = Some(self.seq);
        }
        Ok(())
    }

    fn policy(&self, org: &mut OrgState, new: &Policy) -> Checked {
        self.owner()?;
        let old = &org.policy;
        let tighter = holds(new.min_profile >= old.min_profile)
            && holds(new.min_format >= old.min_format)
            && holds(new.max_quiet_days <= old.max_quiet_days)
            && holds(old.grants_to_unverified || !new.grants_to_unverified)
            && holds(old.two_person.iter().all(|env| new.two_person.contains(env)));
        require(tighter, ChainError::NotTightening)?;
        org.policy = new.clone();
        Ok(())
    }

    fn audit_anchor(&self, org: &mut OrgState, anchor: AuditPin) -> Checked {
        require(self.role.is_some(), ChainError::NotAllowed)?;
        let old = &org.audit;
        require(anchor.reset == old.reset, ChainError::AuditBackwards)?;
        require(anchor.size >= old.size, ChainError::AuditBackwards)?;
        require(agree(&anchor, old), ChainError::AuditBackwards)?;
        require(agree(&anchor, &org.retained), ChainError::AuditBackwards)?;
        org.audit = anchor;
        Ok(())
    }

    fn audit_reset(&self, org: &mut OrgState, old_reset: u32, vkey: &PublicKey) -> Checked {
        self.owner()?;
        require(old_reset == org.audit.reset, ChainError::AuditBackwards)?;
        require(is_strong_signing_key(vkey), ChainError::WeakKey)?;
        org.audit = AuditPin { reset: old_reset.saturating_add(1), size: 0, root: ZERO };
        org.retained = org.audit;
        org.audit_vkey = *vkey;
        Ok(())
    }

    fn audit_retention(&self, org: &mut OrgState, kept: AuditPin) -> Checked {
        self.owner()?;
        require(kept.reset == org.audit.reset, ChainError::AuditBackwards)?;
        require(kept.size > org.retained.size, ChainError::AuditBackwards)?;
        require(kept.size.is_multiple_of(RETENTION_STEP), ChainError::RetentionStep)?;
        require(agree(&kept, &org.audit), ChainError::AuditBackwards)?;
        org.retained = kept;
        Ok(())
    }

    fn compose(&self, org: &mut OrgState, env: EnvId, groups: &[EnvId]) -> Checked {
        self.manager()?;
        let state = org.envs.get(&env).ok_or(ChainError::Unknown)?;
        require(matches!(state.kind, EnvKind::App | EnvKind::Branch), ChainError::Environment)?;
        let distinct: BTreeSet<&EnvId> = groups.iter().collect();
        require(distinct.len() == groups.len(), ChainError::Duplicate)?;
        for group in groups {
            let group_state = org.envs.get(group).ok_or(ChainError::Unknown)?;
            require(group_state.kind == EnvKind::Group, ChainError::Environment)?;
            let group_readers = org.readers(group, self.time_ms);
            let all = org.readers(&env, self.time_ms).is_subset(&group_readers);
            require(all, ChainError::Composition)?;
        }
        if let Some(state) = org.envs.get_mut(&env) {
            state.composed = groups.to_vec();
        }
        Ok(())
    }
}

/// One size of a log has one root.
fn agree(one: &AuditPin, other: &AuditPin) -> bool {
    one.size != other.size || one.root == other.root
}

/// The first data key cuts nothing; a later one cuts where the one before did, or behind. Whether
/// the cut is a commit at all is seen by whoever has the history.
fn continues_cut(before: Option<&Epoch>, epoch: &Epoch) -> bool {
    let before = before.map_or((0, ZERO), |before| (before.cut_seq, before.cut_head));
    let here = (epoch.cut_seq, epoch.cut_head);
    let forward = here.0 > before.0 && here.1 != ZERO && epoch.reason != EpochReason::First;
    forward || here == before
}

/// An environment whose readers are a matter of grants; the directory's are not.
fn grantable(org: &OrgState, env: &EnvId) -> Checked {
    let state = org.envs.get(env).ok_or(ChainError::Unknown)?;
    require(state.kind != EnvKind::Directory, ChainError::Rights)
}

/// A new id, of whatever type: one item of the directory names one thing.
fn unnamed(org: &OrgState, id: [u8; 16]) -> Checked {
    require(!org.is_named_at(&SecretId(id), org.seq()), ChainError::Duplicate)
}

fn owners(org: &OrgState) -> usize {
    org.members.values().filter(|m| m.role_at(org.seq()) == Some(Role::Owner)).count()
}

fn unused(org: &OrgState, keys: &[PublicKey; 2]) -> Checked {
    require(keys[0] != keys[1], ChainError::KeyReused)?;
    require(keys.iter().all(|key| !org.used_keys.contains(key)), ChainError::KeyReused)
}

fn admit_keys(org: &mut OrgState, keys: &MemberKeys, message: &[u8], proof: &Signature) -> Checked {
    require(are_strong(keys), ChainError::WeakKey)?;
    unused(org, &[keys.isk, keys.iek])?;
    require(verifies(&keys.isk, message, proof), ChainError::NoProof)?;
    org.used_keys.extend([keys.isk, keys.iek]);
    Ok(())
}

fn set_grant(env: &mut EnvState, who: Principal, seq: u64, grant: Grant) {
    match env.grants.get_mut(&who) {
        Some(timeline) => timeline.set(seq, grant),
        None => {
            env.grants.insert(who, Timeline::new(seq, grant));
        }
    }
}

/// Every environment that `who` reads or holds the newest data key of must get a new one.
fn mark_due(org: &mut OrgState, who: &Principal, at: &Step) {
    let reads = |org: &OrgState, env: &EnvId, state: &EnvState| {
        org.rights(env, who, at.time_ms).includes(Rights::READ)
            || state.epochs.last().is_some_and(|e| e.wraps.iter().any(|w| w.recipient == *who))
    };
    let envs: Vec<EnvId> = org
        .envs
        .iter()
        .filter(|(env, state)| reads(org, env, state))
        .map(|(env, _)| *env)
        .collect();
    for env in envs {
        if let Some(state) = org.envs.get_mut(&env) {
            state.due.push(at.seq);
        }
    }
}

fn end_grants(org: &mut OrgState, who: &Principal, at: &Step) {
    for state in org.envs.values_mut() {
        let held = state.grants.get(who).and_then(|t| t.at(at.seq));
        if held.is_some_and(|(_, grant)| grant.rights != Rights::NONE) {
            state.due.push(at.seq);
            set_grant(state, *who, at.seq, Grant { rights: Rights::NONE, not_after: 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_format::encoding::Codec as _;

    use super::*;

    #[test]
    fn the_wire_order_of_readers_is_the_order_of_the_set() {
        // `Recipients` compares the sorted list of a link with the sorted set of readers.
        let user = Principal::User(UserId([9; 16]));
        let token = Principal::Token(strongroom_format::id::TokenId([1; 16]));
        assert!(user < token && user.encode() < token.encode());
    }
}
