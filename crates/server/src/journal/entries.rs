//! Jobs that only write down what happened.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use strongroom_chain::OrgState;
use strongroom_format::event::EventKind;
use strongroom_format::id::{DeviceId, EnvId, Principal, UserId};
use strongroom_store::StoreError;

use super::{Batch, Job, Stop, Subject};
use crate::error::ApiError;
use crate::limits::Room;

/// Refusals of all who are nobody in an organisation, within a minute, that are written down there
/// one by one.
const MAX_STRANGERS: u32 = 600;

/// An audit entry for something that was read: written in the transaction in which the right to it
/// is looked at for the last time.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) subject: Subject,
    pub(crate) kind: EventKind,
    /// How many things were read.
    pub(crate) number: u64,
    /// Whether reading the environment's data is what was asked for.
    pub(crate) needs_read: bool,
    /// Whether people alone may.
    pub(crate) members_only: bool,
}

#[async_trait]
impl Job for Seen {
    /// The state in which the right was looked at.
    type Answer = Arc<OrgState>;

    fn subject(&self) -> Option<Subject> {
        Some(self.subject.clone())
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<Arc<OrgState>, Stop> {
        let now_ms = batch.now_ms;
        let Some(vault) = batch.vault(&self.subject.org).await? else {
            return Err(Stop::Refused(ApiError::not_found()));
        };
        let state = Arc::clone(&vault.state);
        let actor = self.subject.actor.ok_or(Stop::Refused(ApiError::unauthenticated()))?;
        crate::rights::require_insider(&state, &actor, now_ms, self.members_only)?;
        if self.needs_read {
            crate::rights::require_reader(&state, &self.subject.env, &actor, now_ms)?;
        }
        batch.record(&self.subject, self.kind, DeviceId::ZERO, self.number, 200).await?;
        Ok(state)
    }
}

/// The right to see something that leaves no entry, looked at in its turn.
#[derive(Debug)]
pub(crate) struct Inside {
    pub(crate) subject: Subject,
}

#[async_trait]
impl Job for Inside {
    type Answer = ();

    fn subject(&self) -> Option<Subject> {
        Some(self.subject.clone())
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        let now_ms = batch.now_ms;
        let vault = batch.vault(&self.subject.org).await?;
        let vault = vault.ok_or(Stop::Refused(ApiError::not_found()))?;
        let actor = self.subject.actor.ok_or(Stop::Refused(ApiError::unauthenticated()))?;
        crate::rights::require_insider(&vault.state, &actor, now_ms, false)?;
        Ok(())
    }
}

/// A reading of the log by a member: an entry of its own, unless there is nothing to read. A quiet
/// log would otherwise grow by those who look whether it grew (docs/adr/0019-the-log.md).
#[derive(Debug)]
pub(crate) struct LogRead {
    pub(crate) subject: Subject,
    /// The first entry that is wanted.
    pub(crate) from: u64,
}

#[async_trait]
impl Job for LogRead {
    /// The newest checkpoint, where there is nothing to read.
    type Answer = Option<Arc<str>>;

    fn subject(&self) -> Option<Subject> {
        Some(self.subject.clone())
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<Option<Arc<str>>, Stop> {
        let now_ms = batch.now_ms;
        let vault = batch.vault(&self.subject.org).await?;
        let vault = vault.ok_or(Stop::Refused(ApiError::not_found()))?;
        let actor = self.subject.actor.ok_or(Stop::Refused(ApiError::unauthenticated()))?;
        crate::rights::require_insider(&vault.state, &actor, now_ms, true)?;
        if self.from >= vault.next_entry() {
            return Ok(Some(vault.checkpoint()));
        }
        batch
            .record(&self.subject, EventKind::AuditFetched, DeviceId::ZERO, self.from, 200)
            .await?;
        Ok(None)
    }
}

/// An audit entry for a refusal that was decided before the journal.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) subject: Subject,
    pub(crate) status: StatusCode,
    /// How many of these the address may have yet, if it is nobody's of the organisation.
    pub(crate) room: Room,
}

#[async_trait]
impl Job for Refusal {
    type Answer = ();

    fn subject(&self) -> Option<Subject> {
        None
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        let now_ms = batch.now_ms;
        let Some(vault) = batch.vault(&self.subject.org).await? else { return Ok(()) };
        let state = &vault.state;
        let is_inside = |who| state.signing_key(who, state.seq(), now_ms).is_some();
        if !self.subject.actor.as_ref().is_some_and(is_inside) {
            let all_together = vault.strangers.next(now_ms, MAX_STRANGERS);
            match self.room.min(all_together) {
                Room::Free => {}
                Room::Last => self.status = StatusCode::TOO_MANY_REQUESTS,
                Room::Full => return Ok(()),
            }
        }
        batch.record_refusal(&self.subject, self.status).await?;
        Ok(())
    }
}

/// Something a person did to no organisation in particular: written into the log of each.
pub(crate) struct Everywhere {
    user: UserId,
    /// Nobody, where nothing was proven.
    actor: Option<Principal>,
    kind: EventKind,
    status: StatusCode,
    peer: String,
}

impl Everywhere {
    pub(crate) fn done(user: UserId, kind: EventKind, peer: String) -> Self {
        let actor = Some(Principal::User(user));
        Self { user, actor, kind, status: StatusCode::OK, peer }
    }

    /// Somebody claimed to be `user` and did not prove it.
    pub(crate) fn refused(user: UserId, peer: String) -> Self {
        let (kind, status) = (EventKind::Refused, StatusCode::FORBIDDEN);
        Self { user, actor: None, kind, status, peer }
    }

    /// Adds the entries to a transaction.
    pub(crate) async fn write_down(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        for org in batch.tx.orgs_of(&self.user).await? {
            let subject =
                Subject { org, actor: self.actor, env: EnvId::ZERO, peer: self.peer.clone() };
            let status = self.status.as_u16();
            batch.record(&subject, self.kind, DeviceId::ZERO, 0, status).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Job for Everywhere {
    type Answer = ();

    fn subject(&self) -> Option<Subject> {
        None
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        Ok(self.write_down(batch).await?)
    }
}
