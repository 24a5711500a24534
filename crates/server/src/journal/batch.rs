//! One transaction in the making, with the states and audit entries that belong to it.

use std::collections::HashMap;

use axum::http::StatusCode;
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, Event, EventKind, SignedAct};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{DeviceId, OrgId, Principal, SecretId};
use strongroom_format::statement::PublicKey;
use strongroom_format::wire::act_hash;
use strongroom_store::{ActorHead, StoreError, WriteTx};

use super::Subject;
use super::vault::Vault;
use crate::error::ApiError;

/// Why a job ends without an answer.
#[derive(Debug)]
pub(crate) enum Stop {
    /// This request is refused; the others go on.
    Refused(ApiError),
    /// The storage failed; the whole transaction fails.
    Store(StoreError),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One transaction.
pub(crate) struct Batch<'a> {
    pub(crate) tx: Box<dyn WriteTx>,
    /// The server's clock, in milliseconds since 1970.
    pub(crate) now_ms: u64,
    /// The key of the server's own audit checkpoints.
    pub(crate) audit_vkey: PublicKey,
    durable: &'a mut HashMap<OrgId, Vault>,
    pub(super) changed: HashMap<OrgId, Vault>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        tx: Box<dyn WriteTx>,
        now_ms: u64,
        durable: &'a mut HashMap<OrgId, Vault>,
        audit_vkey: PublicKey,
    ) -> Self {
        Self { tx, now_ms, audit_vkey, durable, changed: HashMap::new() }
    }

    /// The organisation as this transaction sees it; `None` if it does not exist.
    pub(crate) async fn vault(&mut self, org: &OrgId) -> Result<Option<&mut Vault>, StoreError> {
        if !self.changed.contains_key(org) {
            let vault = match self.durable.get(org) {
                Some(vault) => Some(vault.clone()),
                None => Vault::load(self.tx.as_mut(), org).await?,
            };
            let Some(vault) = vault else { return Ok(None) };
            self.changed.insert(*org, vault);
        }
        Ok(self.changed.get_mut(org))
    }

    /// Takes in an organisation that this transaction founds.
    pub(crate) fn found(&mut self, vault: Vault) {
        self.changed.insert(vault.state.org(), vault);
    }

    /// Adds an audit entry of the server.
    pub(crate) async fn record(
        &mut self,
        subject: &Subject,
        kind: EventKind,
        device: DeviceId,
        number: u64,
        status: u16,
    ) -> Result<bool, StoreError> {
        let server_time_ms = self.now_ms;
        let Some(vault) = self.vault(&subject.org).await? else { return Ok(false) };
        let detail =
            Detail { env: subject.env, secret: SecretId::ZERO, version: 0, number, status };
        let act = Act {
            org: subject.org,
            kind,
            actor: subject.actor,
            device,
            actor_seq: 0,
            actor_prev: ZERO,
            org_head: vault.state.head(),
            detail,
            agency: None,
        };
        let peer = subject.peer.clone();
        let event = Event { act, signature: [0; 64], server_time_ms, peer };
        vault.entries.push(event.encode());
        Ok(true)
    }

    /// Adds an audit entry for a refusal; false if there is no such organisation.
    pub(crate) async fn record_refusal(
        &mut self,
        subject: &Subject,
        status: StatusCode,
    ) -> Result<bool, StoreError> {
        let kind = if status == StatusCode::TOO_MANY_REQUESTS {
            EventKind::RateLimited
        } else {
            EventKind::Refused
        };
        self.record(subject, kind, DeviceId::ZERO, 0, status.as_u16()).await
    }

    /// Where an actor's signed acts on a device stand, those of this transaction included.
    pub(crate) async fn actor_head(
        &mut self,
        org: &OrgId,
        actor: &Principal,
        device: &DeviceId,
    ) -> Result<Option<ActorHead>, StoreError> {
        let place = (*actor, *device);
        let vault = self.changed.get(org);
        let known = vault.and_then(|v| v.moved.get(&place).or_else(|| v.heads.get(&place)));
        match known {
            Some(head) => Ok(Some(*head)),
            None => self.tx.actor_head(org, actor, device).await,
        }
    }

    /// Adds an act of `actor`, who signed it, already checked.
    pub(crate) fn record_act(&mut self, org: &OrgId, actor: Principal, act: SignedAct, peer: &str) {
        let server_time_ms = self.now_ms;
        if let Some(vault) = self.changed.get_mut(org) {
            let SignedAct { act, signature } = act;
            let (device, seq, hash) = (act.device, act.actor_seq, act_hash(&act));
            vault.moved.insert((actor, device), ActorHead { actor, device, seq, hash });
            let event = Event { act, signature, server_time_ms, peer: peer.to_owned() };
            vault.entries.push(event.encode());
        }
    }

    pub(super) async fn commit(self) -> Result<HashMap<OrgId, Vault>, StoreError> {
        self.tx.commit().await?;
        Ok(self.changed)
    }
}
