//! Receipts: where the server says that it wrote this person's acts down.
//!
//! A server could take acts, say so, and leave them out of the log that everybody else reads. So each
//! promised entry is remembered by its hash, and at every sync some are asked for, until each was
//! seen once. Which ones is drawn here, so that nobody knows what will not be asked for.

use std::collections::BTreeMap;

use strongroom_chain::tree;
use strongroom_core::replica::Replica;
use strongroom_crypto::safe::{OsEntropy, entropy};
use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::event::{Event, SignedAct};
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::AuditPin;
use strongroom_format::wire::Receipt;

use super::error::{Stop, StopKind, VaultError};
use super::session::Session;
use super::sync::{Contradiction, nodes, short};
use crate::api::ApiError;

/// The most entries that are remembered; of more, the oldest are let go.
const MOST: usize = 1_000;
/// How many are asked for at each sync.
const SAMPLE: usize = 10;

/// An entry that the server says it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promised {
    /// The reset counter of the log.
    reset: u32,
    /// Its place.
    entry: u64,
    /// Its leaf hash.
    leaf: Digest,
}

#[cfg(test)]
impl Promised {
    pub(super) fn place(&self) -> u64 {
        self.entry
    }

    pub(super) fn moved(self, entry: u64) -> Self {
        Self { entry, ..self }
    }
}

impl Codec for Promised {
    fn write(&self, w: &mut Writer) {
        w.u32(self.reset).u64(self.entry).fixed(&self.leaf);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { reset: r.u32()?, entry: r.u64()?, leaf: r.array()? })
    }
}

/// What a receipt promises of `acts`: every byte of their entries is known to who sent them.
fn promised(acts: Vec<SignedAct>, receipt: &Receipt, reset: u32) -> Option<Vec<Promised>> {
    let whole = acts.len() as u64 == receipt.count;
    let entries = receipt.first..receipt.first.checked_add(receipt.count)?;
    let promise = |(entry, SignedAct { act, signature }): (u64, SignedAct)| {
        let (server_time_ms, peer) = (receipt.time_ms, receipt.peer.clone());
        let event = Event { act, signature, server_time_ms, peer };
        Promised { reset, entry, leaf: tree::leaf_hash(&event.encode()) }
    };
    whole.then(|| entries.zip(acts).map(promise).collect())
}

impl Session {
    /// Remembers where the server says that `acts` stand. A receipt for something else is no answer
    /// of this protocol.
    pub(super) fn keep_receipt(
        &self,
        org: OrgId,
        acts: Vec<SignedAct>,
        receipt: &Receipt,
    ) -> Result<(), VaultError> {
        let reset = self.copy_to_change(org)?.0.state().audit_reset();
        let new = promised(acts, receipt, reset).ok_or(ApiError::Garbage)?;
        self.change_watch(org, |watch| {
            watch.receipts.extend(new);
            let old = watch.receipts.len().saturating_sub(MOST);
            watch.receipts.drain(..old);
        })
    }

    /// Asks for some of the promised entries in the log that is pinned, and forgets those that are
    /// there. The caller has just verified the pinned state. Only a contradiction is an error.
    pub(super) async fn check_receipts(&self, org: OrgId) -> Result<(), VaultError> {
        let (replica, _) = self.copy_to_change(org)?;
        let (reset, size) = (replica.audit().reset, replica.audit().size);
        let kept = replica.state().audit_retained().size;
        // An owner gave the others up: with the tree, or because they are old.
        let stands = |promised: &Promised| promised.reset == reset && promised.entry >= kept;
        let open: Vec<Promised> = self.look_at_watch(org, |watch| watch.receipts.clone())?;
        let mut done: Vec<Promised> = open.iter().copied().filter(|p| !stands(p)).collect();
        let mut asked = Vec::new();
        for promised in open.into_iter().filter(stands) {
            match self.leaf_read(org, reset, promised.entry) {
                // Whoever reads the whole log has it here.
                Some(leaf) if leaf == promised.leaf => done.push(promised),
                Some(_) => return Err(self.broken(&replica, &promised, None)),
                None => asked.push(promised),
            }
        }
        let mut pinned = BTreeMap::from([(size, true)]);
        for promised in drawn(asked, SAMPLE)? {
            match self.is_included(&replica, &promised, &mut pinned).await {
                Ok(Ok(())) => done.push(promised),
                Ok(Err(note)) => return Err(self.broken(&replica, &promised, note)),
                // It is asked for again at the next sync.
                Err(_) => break,
            }
        }
        self.change_watch(org, |watch| watch.receipts.retain(|promised| !done.contains(promised)))
    }

    /// Whether an entry is where it was promised to be, in the log that is pinned; if not, the
    /// checkpoint that came instead. `pinned` remembers which sizes lie on that log.
    async fn is_included(
        &self,
        replica: &Replica,
        promised: &Promised,
        pinned: &mut BTreeMap<u64, bool>,
    ) -> Result<Result<(), Option<String>>, VaultError> {
        let org = replica.state().org();
        let answer = match self.api.inclusion(&org, promised.entry).await {
            Ok(answer) => answer,
            Err(ApiError::Refused { status: 400 | 404 | 422, .. }) => return Ok(Err(None)),
            Err(error) => return Err(error.into()),
        };
        let Ok(checkpoint) = replica.signed_checkpoint(&answer.checkpoint) else {
            return Ok(Err(Some(answer.checkpoint)));
        };
        let Checkpoint { reset, size, root, .. } = checkpoint;
        let proof = nodes(&answer.proof);
        let there = tree::verify_inclusion(&promised.leaf, promised.entry, size, &root, &proof);
        if there.is_err() || (size == replica.audit().size && root != replica.audit().root) {
            return Ok(Err(Some(answer.checkpoint)));
        }
        let lies = match pinned.get(&size).copied() {
            Some(lies) => lies,
            None => self.lies_on_pin(replica, &AuditPin { reset, size, root }).await?,
        };
        pinned.insert(size, lies);
        Ok(if lies { Ok(()) } else { Err(Some(answer.checkpoint)) })
    }

    /// The server promised an entry that is not there.
    fn broken(&self, replica: &Replica, promised: &Promised, note: Option<String>) -> VaultError {
        let stop = Stop {
            kind: StopKind::Invalid,
            place: format!("audit entry {}", promised.entry),
            pinned: short(&promised.leaf),
            shown: "nothing".to_owned(),
        };
        let verified = replica.audit_note().as_bytes().to_vec();
        let shown = note.unwrap_or_default().into_bytes();
        self.stop(replica, Contradiction { stop, env: None, verified, shown })
    }
}

/// At most `n` of `all`, drawn at random.
fn drawn<T>(mut all: Vec<T>, n: usize) -> Result<Vec<T>, VaultError> {
    let n = n.min(all.len());
    for at in 0..n {
        let random = u64::from_be_bytes(entropy::array(&mut OsEntropy)?);
        let left = (all.len() - at) as u64;
        // How unevenly this falls on the few that are left is of no use to anybody.
        let with = at + usize::try_from(random % left).unwrap_or(0);
        all.swap(at, with);
    }
    all.truncate(n);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_takes_each_once_and_no_more_than_there_are() {
        let mut few = drawn(vec![1, 2, 3], 10).unwrap();
        few.sort_unstable();
        assert_eq!(few, [1, 2, 3]);
        let mut some = drawn((0..100).collect(), 10).unwrap();
        some.sort_unstable();
        some.dedup();
        assert_eq!(some.len(), 10);
        assert_eq!(drawn(Vec::<u8>::new(), 10).unwrap(), Vec::<u8>::new());
        let firsts: std::collections::BTreeSet<i32> =
            (0..50).map(|_| drawn((0..100).collect(), 1).unwrap()[0]).collect();
        assert!(firsts.len() > 5, "every time others");
    }
}
