//! Acts that clients signed: which are taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_chain::OrgState;
use strongroom_chain::signature::verifies;
use strongroom_format::event::SignedAct;
use strongroom_format::hash::{Digest, ZERO};
use strongroom_format::id::{DeviceId, OrgId, Principal};
use strongroom_format::statement::PublicKey;
use strongroom_format::wire::act_hash;

use crate::error::ApiError;
use crate::journal::{Batch, Stop};

/// How many signatures are verified at a time without a thread of their own.
const AT_ONCE: usize = 32;

/// Acts of one principal on their way into the log.
pub(super) struct Acts {
    signed: Vec<SignedAct>,
    /// The key by which each was verified ahead of its turn, as far as that was done.
    verified: Vec<Option<PublicKey>>,
}

impl From<Vec<SignedAct>> for Acts {
    fn from(signed: Vec<SignedAct>) -> Self {
        Self { signed, verified: Vec::new() }
    }
}

impl Acts {
    /// Verifies signatures before the journal is asked: they cost most, and all others wait there.
    /// `state` is what is known of the organisation by now.
    pub(super) async fn verified_ahead(
        signed: Vec<SignedAct>,
        state: Option<Arc<OrgState>>,
        by: Principal,
        now_ms: u64,
    ) -> Result<Self, ApiError> {
        let Some(state) = state else { return Ok(signed.into()) };
        let many = signed.len() > AT_ONCE;
        let verify = move || {
            let mut keys = Keys { state: &state, by, now_ms, last: None };
            let mut verified = Vec::with_capacity(signed.len());
            for SignedAct { act, signature } in &signed {
                let key = keys.at(&act.org_head).ok();
                verified.push(key.filter(|key| verifies(key, &act.message(), signature)));
            }
            Self { signed, verified }
        };
        if many {
            tokio::task::spawn_blocking(verify).await.map_err(|_| ApiError::internal())
        } else {
            Ok(verify())
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.signed.is_empty()
    }

    /// Checks that all are the principal's own, signed by the key in force at the link that each
    /// names, and without a gap since the last one.
    pub(super) async fn check(
        &self,
        batch: &mut Batch<'_>,
        state: &OrgState,
        by: Principal,
    ) -> Result<(), Stop> {
        // Whoever leaves by this very write is nobody any more.
        if self.is_empty() {
            return Ok(());
        }
        let (org, now_ms) = (state.org(), batch.now_ms);
        if state.signing_key(&by, state.seq(), now_ms).is_none() {
            return Err(refused("act-author").into());
        }
        let mut keys = Keys { state, by, now_ms, last: None };
        let mut heads: BTreeMap<DeviceId, (u64, Digest)> = BTreeMap::new();
        for (index, SignedAct { act, signature }) in self.signed.iter().enumerate() {
            if act.org != org || act.actor != Some(by) || !act.kind.is_signed() {
                return Err(refused("act-author").into());
            }
            let key = keys.at(&act.org_head)?;
            let ahead = self.verified.get(index).copied().flatten();
            if ahead != Some(key) && !verifies(&key, &act.message(), signature) {
                return Err(refused("act-signature").into());
            }
            let (seq, hash) = if let Some(head) = heads.get(&act.device) {
                *head
            } else {
                let head = batch.actor_head(&org, &by, &act.device).await?;
                head.map_or((0, ZERO), |head| (head.seq, head.hash))
            };
            if Some(act.actor_seq) != seq.checked_add(1) || act.actor_prev != hash {
                return Err(refused("act-gap").into());
            }
            heads.insert(act.device, (act.actor_seq, act_hash(act)));
        }
        Ok(())
    }

    /// Adds what was checked to the log.
    pub(super) fn record(&mut self, batch: &mut Batch<'_>, org: &OrgId, by: Principal, peer: &str) {
        for act in std::mem::take(&mut self.signed) {
            batch.record_act(org, by, act, peer);
        }
    }
}

/// The keys of one principal along the chain; neighbours mostly name the same link.
struct Keys<'a> {
    state: &'a OrgState,
    by: Principal,
    now_ms: u64,
    last: Option<(Digest, PublicKey)>,
}

impl Keys<'_> {
    /// The key in force at the link with this head.
    fn at(&mut self, head: &Digest) -> Result<PublicKey, ApiError> {
        if let Some((last, key)) = self.last
            && last == *head
        {
            return Ok(key);
        }
        let link = self.state.seq_of(head).ok_or_else(|| refused("act-head"))?;
        let key = self.state.signing_key(&self.by, link, self.now_ms);
        let key = key.ok_or_else(|| refused("act-author"))?;
        self.last = Some((*head, key));
        Ok(key)
    }
}

fn refused(code: &str) -> ApiError {
    ApiError::unprocessable(code, "the audit event does not fit")
}
