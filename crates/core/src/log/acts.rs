//! The acts of this device that the server has not written down yet.
//!
//! Each is signed at once, counted, and names the one before, so that none can be left out or put
//! elsewhere later. The queue is kept sealed by the caller: it outlives a lock, a crash and days
//! without a server.

use std::collections::BTreeMap;

use strongroom_chain::OrgState;
use strongroom_format::agency::Agency;
use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::event::{Act, Detail, EventKind, SignedAct};
use strongroom_format::hash::{Digest, ZERO};
use strongroom_format::id::{DeviceId, EnvId, SecretId};
use strongroom_format::wire::{MAX_ACTS, act_hash};

use super::ActorHead;
use crate::replica::Me;

const VERSION: u8 = 1;

/// The queue of one organisation on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acts {
    device: DeviceId,
    seq: u64,
    prev: Digest,
    waiting: Vec<SignedAct>,
    /// The newest version of each secret that was noted as opened on this device.
    opened: BTreeMap<(EnvId, SecretId), u64>,
}

impl Acts {
    /// An empty queue of a device whose random id says nothing else.
    pub fn new(device: DeviceId) -> Self {
        Self { device, seq: 0, prev: ZERO, waiting: Vec::new(), opened: BTreeMap::new() }
    }

    /// The device's id in the log.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// Signs an act and puts it behind the others.
    pub fn push(&mut self, me: &Me, state: &OrgState, kind: EventKind, detail: Detail) {
        self.push_about(me, state, kind, detail, None);
    }

    /// As [`Acts::push`], of a kind that [may name an agent](EventKind::may_name_agent).
    pub fn push_about(
        &mut self,
        me: &Me,
        state: &OrgState,
        kind: EventKind,
        detail: Detail,
        agency: Option<Agency>,
    ) {
        let act = Act {
            org: state.org(),
            kind,
            actor: Some(me.principal),
            device: self.device,
            actor_seq: self.seq + 1,
            actor_prev: self.prev,
            org_head: state.head(),
            detail,
            agency: agency.filter(|_| kind.may_name_agent()),
        };
        self.seq = act.actor_seq;
        self.prev = act_hash(&act);
        let signature = me.keyset.isk.sign(&act.message());
        self.waiting.push(SignedAct { act, signature });
    }

    /// Notes that a version of a secret was opened here, unless that was noted before.
    pub fn push_opened(
        &mut self,
        me: &Me,
        state: &OrgState,
        env: EnvId,
        secret: SecretId,
        version: u64,
    ) {
        if self.opened.insert((env, secret), version) != Some(version) {
            let detail = Detail { env, secret, version, ..Detail::status(0) };
            self.push(me, state, EventKind::Decrypted, detail);
        }
    }

    /// How many acts of this device the server says that it has written down.
    pub fn acknowledged(&self) -> u64 {
        self.seq.saturating_sub(self.waiting.len() as u64)
    }

    /// What waits, oldest first.
    pub fn waiting(&self) -> &[SignedAct] {
        &self.waiting
    }

    /// The oldest that fit into one request.
    pub fn page(&self) -> &[SignedAct] {
        &self.waiting[..self.waiting.len().min(MAX_ACTS)]
    }

    /// Forgets the oldest `n`, which the server has written down.
    pub fn sent(&mut self, n: usize) {
        self.waiting.drain(..n.min(self.waiting.len()));
    }

    /// Goes on from where the log stands, after the server refused a page. What the log holds
    /// already (an answer was lost) is forgotten. Where the log does not fit to this queue at all,
    /// a restored disk for instance, or keys that were replaced since, what waits is signed anew as
    /// `device`, which is new.
    pub fn realign(
        &mut self,
        me: &Me,
        state: &OrgState,
        logged: Option<&ActorHead>,
        device: DeviceId,
    ) {
        let known =
            |signed: &SignedAct| logged.is_some_and(|head| act_hash(&signed.act) == head.hash);
        if let Some(at) = self.waiting.iter().position(known) {
            self.sent(at + 1);
        }
        let (seq, hash) = logged.map_or((0, ZERO), |head| (head.seq, head.hash));
        let next = self.waiting.first().map(|signed| (signed.act.actor_seq, signed.act.actor_prev));
        let fits = next.is_none_or(|next| (seq.checked_add(1), hash) == (Some(next.0), next.1));
        if !fits || !self.is_signed_by(me) {
            self.begin_anew(me, state, device);
        }
    }

    fn is_signed_by(&self, me: &Me) -> bool {
        let key = me.keyset.isk.public();
        let verifies = |signed: &SignedAct| {
            let message = signed.act.message();
            strongroom_chain::signature::verifies(&key, &message, &signed.signature)
        };
        self.waiting.iter().all(verifies)
    }

    /// Goes on as `device`, which is new: what waits is signed anew, and nothing counts as written
    /// down. An owner gave up the log in which the old count stands.
    pub fn begin_anew(&mut self, me: &Me, state: &OrgState, device: DeviceId) {
        let waiting = std::mem::take(&mut self.waiting);
        (self.device, self.seq, self.prev) = (device, 0, ZERO);
        for SignedAct { act, .. } in waiting {
            self.push_about(me, state, act.kind, act.detail, act.agency);
        }
    }

    /// The bytes to keep, sealed.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(VERSION);
        self.device.write(&mut w);
        w.u64(self.seq).fixed(&self.prev).count(self.waiting.len());
        for signed in &self.waiting {
            signed.write(&mut w);
        }
        w.count(self.opened.len());
        for ((env, secret), version) in &self.opened {
            env.write(&mut w);
            secret.write(&mut w);
            w.u64(*version);
        }
        w.finish()
    }

    /// Reads what [`Acts::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let (device, seq, prev) = (DeviceId::read(&mut r)?, r.u64()?, r.array()?);
        let n = r.count(usize::MAX)?;
        let waiting = (0..n).map(|_| SignedAct::read(&mut r)).collect::<Result<_, _>>()?;
        let mut opened = BTreeMap::new();
        for _ in 0..r.count(usize::MAX)? {
            opened.insert((EnvId::read(&mut r)?, SecretId::read(&mut r)?), r.u64()?);
        }
        r.finish()?;
        Ok(Self { device, seq, prev, waiting, opened })
    }
}
