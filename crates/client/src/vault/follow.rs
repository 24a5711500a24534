//! What a computer does by itself after each sync: let in whoever was promised a place and shows the
//! code, wrap data keys for readers who lack them, finish its own join, anchor the audit log
//! and show it to a witness.
//!
//! Nothing here gives anybody more than a person signed before: an invitation names role and grants,
//! and a reader without a wrap has its grant already.

use strongroom_core::replica::Replica;
use strongroom_core::team::{Joiner, lacking};
use strongroom_crypto::safe::InviteCode;
use strongroom_format::id::{InviteId, OrgId, UserId};
use strongroom_format::statement::Role;
use strongroom_format::wire::PendingJoin;

use super::book::KeptInvite;
use super::error::VaultError;
use super::join::is_recognised;
use super::session::{Notice, Session, hold};
use crate::api::ApiError;

impl Session {
    /// Syncs, and finishes what waits for this computer.
    pub async fn follow_up(&self) -> Result<(), VaultError> {
        self.finish_joining().await?;
        self.sync().await?;
        let all: Vec<OrgId> = hold(&self.orgs).all.keys().copied().collect();
        for org in all {
            self.let_in(org).await?;
            self.wrap_in(org).await?;
            self.anchor_in(org).await?;
            self.ask_witness(org).await?;
        }
        Ok(())
    }

    /// Asks who wants to join, and admits whoever shows a code that this computer holds.
    async fn let_in(&self, org: OrgId) -> Result<(), VaultError> {
        let (replica, _) = self.copy_to_change(org)?;
        self.forget_used(&replica)?;
        if !replica.state().role(&self.user()).is_some_and(Role::manages) {
            return Ok(());
        }
        let joins = match self.api.joins(&org).await {
            Ok(joins) => joins,
            Err(ApiError::Refused { status: 403 | 404, .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let before = hold(&self.joins).insert(org, joins.clone());
        let mut changed = before.as_ref() != Some(&joins);
        for join in &joins {
            if join.request.reset {
                continue; // replacing keys is signed by a person
            }
            if let Some(joiner) = self.recognise(org, join)? {
                changed |= self.admit(org, joiner).await?;
            }
        }
        if changed {
            self.tell(Notice::Org);
        }
        Ok(())
    }

    /// Forgets codes that were used, with the help of another computer for instance.
    fn forget_used(&self, replica: &Replica) -> Result<(), VaultError> {
        let (org, invites) = (replica.state().org(), replica.state().invites());
        let is_used = |kept: &KeptInvite| {
            invites.get(&kept.invite).is_some_and(|invite| invite.used.is_some())
        };
        if self.book(org, |book| book.invites.iter().any(is_used))? {
            self.write_book(org, |book| book.invites.retain(|kept| !is_used(kept)))?;
        }
        Ok(())
    }

    async fn admit(&self, org: OrgId, joiner: Joiner) -> Result<bool, VaultError> {
        let admitted = self
            .write_in(org, None, move |pen| {
                let state = pen.replica().state();
                let open = state.invites().get(&joiner.invite).is_some_and(|i| i.used.is_none());
                if open {
                    pen.admit(&joiner)?;
                }
                Ok(open.then(|| pen.replica().state().seq()))
            })
            .await;
        match admitted {
            Ok(link) => {
                self.write_book(org, |book| {
                    if let Some(link) = link {
                        book.mark(joiner.user, false, link);
                    }
                    book.forget(&joiner.invite);
                })?;
                if let Some(joins) = hold(&self.joins).get_mut(&org) {
                    joins.retain(|join| join.invite_id != joiner.invite);
                }
                Ok(true)
            }
            // An invitation that ended, or a key that was used before: it stays in the list of what
            // waits, where a person sees it.
            // So does one whose id belongs to somebody else.
            Err(VaultError::Write(_) | VaultError::NotAllowed) => Ok(false),
            Err(VaultError::Api(error)) if error.is("id-taken") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The joiner, if the request was made with a code that this computer holds.
    fn recognise(&self, org: OrgId, join: &PendingJoin) -> Result<Option<Joiner>, VaultError> {
        self.book(org, |book| {
            let kept = book.invite(&join.invite_id)?;
            let code = kept.code.lend(InviteCode::parse).ok()?;
            is_recognised(&code.key, &org, &join.request)
        })
    }

    /// A member who lost all keys and shows a code that this computer holds: to be signed.
    pub fn reset_of(&self, invite: InviteId, user: UserId) -> Result<Joiner, VaultError> {
        let org = self.current()?;
        let joins = hold(&self.joins).get(&org).cloned().unwrap_or_default();
        let asked = joins
            .iter()
            .find(|j| j.invite_id == invite && j.request.user_id == user && j.request.reset)
            .ok_or(VaultError::NotFound)?;
        self.recognise(org, asked)?.ok_or(VaultError::BadCode)
    }

    /// Wraps the data keys that this computer holds for readers who lack them.
    async fn wrap_in(&self, org: OrgId) -> Result<(), VaultError> {
        let now_ms = self.now_ms();
        let (replica, _) = self.copy_to_change(org)?;
        if lacking(&replica, now_ms).is_empty() {
            return Ok(());
        }
        self.write_in(org, None, |pen| Ok(pen.wrap_for_new_readers()?)).await?;
        self.tell(Notice::Org);
        Ok(())
    }
}
