//! Anchors: the state of the audit log, signed into the chain by whoever had verified it.
//!
//! Everybody's client holds each of them against the log that it pins, so a server that keeps two
//! logs has to keep two chains as well, and fifty people who never compare anything still compare
//! their logs. Clients make them by themselves, about one a day for the whole organisation.

use strongroom_chain::tree;
use strongroom_core::replica::Replica;
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::{Digest, sha256};
use strongroom_format::id::{DeviceId, OrgId, Principal};
use strongroom_format::pins::AuditPin;
use strongroom_format::statement::Body;

use super::error::{Stop, StopKind, VaultError};
use super::session::{Notice, Session};
use super::sync::{Contradiction, PullError, nodes, short};
use crate::api::ApiError;

/// The most anchors that one sync asks proofs of. More are left for the next ones, so that a chain
/// full of anchors delays nobody; the newest is always among those that are checked.
const MOST_PROOFS: usize = 16;
/// An anchor that is older than this is due for another, in milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;
const HOUR: u64 = 60 * 60 * 1000;
/// An anchor that is so many entries behind is due for another, where several people share a log.
const FAR_BEHIND: u64 = 10_000;
/// Lots are drawn from this many.
const LOTS: u32 = 1 << 16;

/// An anchor in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnchorSeen {
    /// The link that holds it.
    pub link: u64,
    /// Who signed it.
    pub by: Principal,
    /// When, by its author's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// How many entries it covers.
    pub size: u64,
    /// Their root.
    pub root: Digest,
}

impl Session {
    /// Holds every anchor that was not checked yet against the pinned audit state, which the caller
    /// has verified. Answers up to which link all are checked now.
    ///
    /// All, and not just the newest: of two logs a server could else show one to somebody who
    /// anchors it, and let an accomplice's true anchor cover that up before others sync.
    pub(super) async fn check_anchors(&self, replica: &Replica) -> Result<u64, PullError> {
        let (org, last) = (replica.state().org(), replica.state().seq());
        let from = self.look_at_watch(org, |watch| watch.anchors_to)?.saturating_add(1);
        let mut open = anchors(replica, from.min(last + 1));
        // The newest first: it covers what is shown today.
        let newest = open.pop();
        open.splice(0..0, newest);
        let left = open.get(MOST_PROOFS).map(|anchor| anchor.link);
        open.truncate(MOST_PROOFS);
        for anchor in open {
            if let Some(note) = self.contradicts(replica, &anchor).await? {
                let found = contradiction(replica, &anchor, &note);
                return Err(PullError::Contradiction(Box::new(found)));
            }
        }
        Ok(left.map_or(last, |link| link - 1))
    }

    /// What the server shows where an anchor does not lie on the pinned log; `None` if it does.
    async fn contradicts(
        &self,
        replica: &Replica,
        anchor: &AnchorSeen,
    ) -> Result<Option<String>, VaultError> {
        let (reset, size, root) = (replica.audit().reset, anchor.size, anchor.root);
        if self.lies_on_pin(replica, &AuditPin { reset, size, root }).await? {
            return Ok(None);
        }
        if anchor.size == replica.audit().size {
            return Ok(Some(replica.audit_note().to_owned()));
        }
        // The note of the very size says most: two roots for one size cannot both be right.
        let org = replica.state().org();
        let same_size = self.api.consistency(&org, anchor.size, anchor.size).await;
        let note = same_size.map(|answer| answer.checkpoint).ok();
        let note = note.filter(|note| replica.signed_checkpoint(note).is_ok());
        Ok(Some(note.unwrap_or_else(|| replica.audit_note().to_owned())))
    }

    /// Whether a state of the present log is one that the pinned log went through or leads to.
    pub(super) async fn lies_on_pin(
        &self,
        replica: &Replica,
        other: &AuditPin,
    ) -> Result<bool, VaultError> {
        let (org, pin) = (replica.state().org(), *replica.audit());
        if other.size == pin.size {
            return Ok(other.root == pin.root);
        }
        let (old, new) = if other.size < pin.size { (other, &pin) } else { (&pin, other) };
        if new.size == pin.size
            && let Some(root) = self.root_read(org, pin.reset, old.size)
        {
            return Ok(root == old.root);
        }
        match self.api.consistency(&org, old.size, new.size).await {
            Ok(answer) => {
                let proof = nodes(&answer.proof);
                let holds =
                    tree::verify_consistency(old.size, &old.root, new.size, &new.root, &proof);
                Ok(holds.is_ok())
            }
            // It has no way from the one to the other.
            Err(ApiError::Refused { status: 400 | 404 | 422, .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Anchors what this computer has verified, where that is due and the lot falls on it. Says
    /// whether it did. Losing a race or being refused is no error: somebody else anchors.
    pub(super) async fn anchor_in(&self, org: OrgId) -> Result<bool, VaultError> {
        let (replica, _) = self.copy_to_change(org)?;
        let device = self.look_at_acts(org, strongroom_core::log::Acts::device)?;
        if !is_due(&replica, device, self.now_ms()) {
            return Ok(false);
        }
        let written = self
            .write_in(org, None, move |pen| {
                let now_ms = pen.now_ms();
                // Somebody may have been quicker.
                let due = is_due(pen.replica(), device, now_ms);
                if due {
                    let AuditPin { reset, size, root } = *pen.replica().audit();
                    pen.link(Body::AuditAnchor { reset, size, root })?;
                }
                Ok(due)
            })
            .await;
        match written {
            Ok(anchored) => {
                if anchored {
                    self.tell(Notice::Status);
                }
                Ok(anchored)
            }
            Err(VaultError::Stopped(stop)) => Err(VaultError::Stopped(stop)),
            Err(_) => Ok(false),
        }
    }
}

/// The anchors of the present log from a link on, oldest first. One of size 0 says nothing.
pub(super) fn anchors(replica: &Replica, from: u64) -> Vec<AnchorSeen> {
    let state = replica.state();
    let seen = |link: u64| {
        let statement = &replica.link(link)?.statement;
        match statement.body {
            Body::AuditAnchor { reset, size, root } => {
                let (by, at_ms) = (statement.author, statement.time_ms);
                Some((reset, AnchorSeen { link, by, at_ms, size, root }))
            }
            _ => None,
        }
    };
    (from..=state.seq())
        .filter_map(seen)
        .filter(|(reset, anchor)| *reset == state.audit_reset() && anchor.size > 0)
        .map(|(_, anchor)| anchor)
        .collect()
}

/// Whether this device is to anchor now.
fn is_due(replica: &Replica, device: DeviceId, now_ms: u64) -> bool {
    let (state, pin) = (replica.state(), replica.audit());
    let began = |seq: &u64| {
        let body = replica.link(*seq).map(|link| &link.statement.body);
        matches!(body, Some(Body::AuditReset { .. } | Body::AuditAnchor { .. }))
    };
    // Since the last anchor, or since the present tree began.
    let link = (0..=state.seq()).rev().find(began).unwrap_or(0);
    let since = state.time_at(link).unwrap_or(0);
    let people = state.members().values().filter(|member| member.is_active_at(state.seq())).count();
    let covered = state.audit_anchor();
    let behind = pin.size.saturating_sub(covered.size);
    if pin.reset != covered.reset || behind == 0 {
        return false;
    }
    let late = now_ms.saturating_sub(since).checked_sub(DAY).map(|late| late / HOUR);
    let far = if people > 1 { behind.checked_sub(FAR_BEHIND).map(|far| far / 1_000) } else { None };
    late.max(far).is_some_and(|steps| lot(device, link) < share(steps))
}

/// How many of [`LOTS`] anchor: one in sixteen when it becomes due, twice as many with each step
/// that nobody did, and in the end everybody.
fn share(steps: u64) -> u32 {
    let doubled = u32::try_from(steps.min(4)).unwrap_or(4);
    (LOTS / 16) << doubled
}

/// What a device drew for the anchor after `link`: every time another few are the first.
fn lot(device: DeviceId, link: u64) -> u32 {
    let drawn = sha256(&[&device.encode(), &link.to_be_bytes()]);
    u32::from(u16::from_be_bytes([drawn[0], drawn[1]]))
}

fn contradiction(replica: &Replica, anchor: &AnchorSeen, note: &str) -> Contradiction {
    let shown = replica.signed_checkpoint(note).ok().filter(|shown| shown.size == anchor.size);
    let stop = Stop {
        kind: StopKind::Fork,
        place: format!("audit entry {}", anchor.size),
        pinned: short(&anchor.root),
        shown: shown.map_or_else(|| "nothing".to_owned(), |shown| short(&shown.root)),
    };
    let link = replica.link(anchor.link);
    let verified = link.map_or_else(Vec::new, |link| link.as_bytes().to_vec());
    Contradiction { stop, env: None, verified, shown: note.as_bytes().to_vec() }
}
