//! The people of an organisation: whose keys are checked, who waits, and for what.

use strongroom_core::team::waits;
use strongroom_crypto::safe::{Fingerprint, words};
use strongroom_format::id::{EnvId, InviteId, Principal, UserId};
use strongroom_format::statement::{EnvRight, MemberKeys, Rights, Role};
use strongroom_format::wire::PendingJoin;

pub use super::book::Trust;
use super::error::VaultError;
use super::session::{Notice, Session, hold};

/// A member as the chain and this computer know it.
#[derive(Debug, Clone)]
pub struct MemberInfo {
    /// Who.
    pub user: UserId,
    /// The present role; `None` for who left.
    pub role: Option<Role>,
    /// How the keys were checked.
    pub trust: Trust,
    /// Who checked them, if it was not this computer.
    pub trusted_by: Option<UserId>,
    /// The fingerprint of the present keys, in groups.
    pub fingerprint: String,
    /// Environments, without the directory, whose newest data key is wrapped for this person.
    pub holds: Vec<EnvId>,
    /// Environments that it may read and whose data key nobody has wrapped for it yet.
    pub waits_for: Vec<EnvId>,
    /// The link that admitted it.
    pub added: u64,
    /// The link at which an admin replaced its keys, until that is acknowledged here.
    pub reset: Option<u64>,
    /// The link that removed it.
    pub removed: Option<u64>,
}

/// An invitation as the chain and this computer know it.
#[derive(Debug, Clone)]
pub struct InviteInfo {
    /// Which.
    pub invite: InviteId,
    /// For whom, if this computer made it.
    pub label: String,
    /// The promised role.
    pub role: Role,
    /// The promised grants.
    pub grants: Vec<EnvRight>,
    /// The link that made it.
    pub link: u64,
    /// Its end, in milliseconds since 1970.
    pub expires: u64,
    /// The link that used it up.
    pub used: Option<u64>,
    /// Whether this computer holds the code.
    pub code_here: bool,
    /// Whose keys it is to replace.
    pub resets: Option<UserId>,
    /// Who asked to join with it.
    pub asked: Vec<PendingJoin>,
}

impl Session {
    /// Everybody who is or was a member of the organisation in front, by link of admission.
    pub fn members(&self) -> Result<Vec<MemberInfo>, VaultError> {
        let (org, now_ms) = (self.current()?, self.now_ms());
        self.book(org, |_| ())?;
        self.with(|opened| {
            let books = hold(&self.books);
            let book = books.get(&org).ok_or(VaultError::NotFound)?;
            let replica = opened.replica();
            let state = replica.state();
            let time_ms = now_ms.max(state.time_ms());
            let directory = state.directory();
            let envs: Vec<EnvId> =
                state.envs().keys().copied().filter(|env| Some(*env) != directory).collect();
            let mut all: Vec<MemberInfo> = Vec::with_capacity(state.members().len());
            for (user, member) in state.members() {
                let who = Principal::User(*user);
                let (trust, trusted_by) = book.trust(replica, user);
                let keys = member.keys.all().last().map(|(_, keys)| *keys);
                let holds = |env: &EnvId| {
                    let newest = state.env(env).and_then(|env| env.epochs.last());
                    newest.is_some_and(|e| e.wraps.iter().any(|wrap| wrap.recipient == who))
                };
                let reads = |env: &EnvId| state.rights(env, &who, time_ms).includes(Rights::READ);
                let read: Vec<EnvId> = envs.iter().copied().filter(reads).collect();
                let (held, waits_for) = read.into_iter().partition(holds);
                all.push(MemberInfo {
                    user: *user,
                    role: state.role(user),
                    trust,
                    trusted_by,
                    fingerprint: keys
                        .map_or_else(String::new, |keys| Fingerprint::of(user, &keys).groups()),
                    holds: held,
                    waits_for,
                    added: member.added,
                    reset: book.open_reset(replica, user),
                    removed: member.removed.as_ref().map(|(link, _)| *link),
                });
            }
            all.sort_by_key(|member| (member.added, member.user));
            Ok(all)
        })
    }

    /// How the keys of each present member were checked.
    pub fn trust(&self) -> Result<std::collections::BTreeMap<UserId, Trust>, VaultError> {
        Ok(self.members()?.into_iter().map(|member| (member.user, member.trust)).collect())
    }

    /// All invitations of the organisation in front, newest first, with who asked to join.
    pub fn invites(&self) -> Result<Vec<InviteInfo>, VaultError> {
        let org = self.current()?;
        let asked = hold(&self.joins).get(&org).cloned().unwrap_or_default();
        let kept = self.book(org, |book| {
            let line =
                |kept: &super::book::KeptInvite| (kept.invite, (kept.label.clone(), kept.resets));
            book.invites.iter().map(line).collect::<std::collections::BTreeMap<_, _>>()
        })?;
        self.with(|opened| {
            let state = opened.replica().state();
            let mut all: Vec<InviteInfo> = state
                .invites()
                .iter()
                .map(|(id, invite)| {
                    let here = kept.get(id);
                    let asked = asked.iter().filter(|join| join.invite_id == *id);
                    InviteInfo {
                        invite: *id,
                        label: here.map_or_else(String::new, |(label, _)| label.clone()),
                        role: invite.role,
                        grants: invite.grants.clone(),
                        link: invite.link,
                        expires: invite.expires,
                        used: invite.used,
                        code_here: here.is_some(),
                        resets: here.and_then(|(_, resets)| *resets),
                        asked: asked.cloned().collect(),
                    }
                })
                .collect();
            all.sort_by_key(|invite| std::cmp::Reverse(invite.link));
            Ok(all)
        })
    }

    /// How many readers of all environments wait for a data key, whoever could wrap it.
    pub fn waiting_for_keys(&self) -> Result<usize, VaultError> {
        let now_ms = self.now_ms();
        self.with(|opened| {
            let state = opened.replica().state();
            let time_ms = now_ms.max(state.time_ms());
            Ok(state.envs().keys().map(|env| waits(state, env, time_ms).count()).sum())
        })
    }

    /// The six words to compare with `user`, and the fingerprint of its keys. Takes as long as an
    /// unlock; run it off the window's thread.
    pub async fn words_with(
        &self,
        user: UserId,
    ) -> Result<([&'static str; 6], String), VaultError> {
        let (org, mine, own) = (self.current()?, self.user(), self.me.keyset.public());
        let keys = self.with(|opened| {
            let member = opened.replica().state().member(&user).ok_or(VaultError::NotFound)?;
            member
                .keys
                .all()
                .last()
                .map(|(_, keys): &(u64, MemberKeys)| *keys)
                .ok_or(VaultError::NotFound)
        })?;
        let words = tokio::task::spawn_blocking(move || {
            words::six_words(&org, (&mine, &own), (&user, &keys))
        })
        .await??;
        Ok((words, Fingerprint::of(&user, &keys).groups()))
    }

    /// Remembers that two people compared their words: they match, or they do not. `fingerprint` is
    /// that of the keys the words were made of; keys that took their place meanwhile are not
    /// vouched for.
    pub fn mark_words(
        &self,
        user: UserId,
        matched: bool,
        fingerprint: &str,
    ) -> Result<(), VaultError> {
        let (link, keys) = self.with(|opened| {
            let state = opened.replica().state();
            let member = state.member(&user).ok_or(VaultError::NotFound)?;
            Ok((state.seq(), member.keys.all().last().map(|(_, keys)| *keys)))
        })?;
        let same = keys.is_some_and(|keys| Fingerprint::of(&user, &keys).groups() == fingerprint);
        if matched && !same {
            return Err(VaultError::SummaryChanged);
        }
        self.write_book(self.current()?, |book| {
            if matched {
                book.mark(user, true, link);
            } else {
                book.unmark(&user);
            }
        })?;
        self.tell(Notice::Org);
        Ok(())
    }

    /// Remembers that the newest replacement of a member's keys was seen.
    pub fn acknowledge_reset(&self, user: UserId) -> Result<(), VaultError> {
        let reset = self.with(|opened| {
            let member = opened.replica().state().member(&user).ok_or(VaultError::NotFound)?;
            member.resets.last().copied().ok_or(VaultError::NotFound)
        })?;
        self.write_book(self.current()?, |book| book.acknowledge(user, reset))?;
        self.tell(Notice::Org);
        Ok(())
    }
}
