//! An audit log of the liar's own: any entries, in an honest tree, signed with any key.
//!
//! With the server's own key it is what a server can do that turned evil: every checkpoint verifies,
//! every proof within this log holds, and only what somebody saw before gives it away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::SigningKey;
use serde_json::Value;
use strongroom_chain::tree::{Frontier, leaf_hash, prove_consistency, prove_inclusion};
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::{Body, Link};
use strongroom_format::wire::{
    B64, ConsistencyAnswer, EventsAnswer, InclusionAnswer, MAX_ACTS, SyncAnswer, WriteAnswer,
    WriteBatch,
};

use crate::answer::Answer;
use crate::notes::signed;
use crate::traffic::Request;

/// A log that answers for itself.
#[derive(Debug, Clone)]
pub struct FalseLog {
    org: OrgId,
    reset: u32,
    key: SigningKey,
    entries: Vec<Vec<u8>>,
    frontier: Frontier,
    nodes: HashMap<(u8, u64), Digest>,
    roots: Vec<Digest>,
    /// Links that anchor this log, which an honest server refuses; all logs made from one share them.
    anchors: Arc<Mutex<Vec<Link>>>,
}

impl FalseLog {
    /// A log of `org`, signed with the key of this seed.
    pub fn new(org: OrgId, reset: u32, seed: &[u8; 32], entries: Vec<Vec<u8>>) -> Self {
        let frontier = Frontier::new();
        let mut log = Self {
            org,
            reset,
            key: SigningKey::from_bytes(seed),
            entries: Vec::new(),
            roots: vec![frontier.root()],
            nodes: HashMap::new(),
            frontier,
            anchors: Arc::default(),
        };
        log.extend(entries);
        log
    }

    /// The same log with other entries.
    #[must_use]
    pub fn with(&self, entries: Vec<Vec<u8>>) -> Self {
        let other = Self::new(self.org, self.reset, &self.key.to_bytes(), entries);
        Self { anchors: Arc::clone(&self.anchors), ..other }
    }

    /// Appends entries.
    pub fn extend(&mut self, entries: Vec<Vec<u8>>) {
        for entry in entries {
            for node in self.frontier.append(leaf_hash(&entry)) {
                self.nodes.insert((node.level, node.index), node.hash);
            }
            self.roots.push(self.frontier.root());
            self.entries.push(entry);
        }
    }

    /// Every entry.
    pub fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }

    /// The key that signs it.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// How many entries there are.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The checkpoint at a size that the log has, or of the newest there is.
    pub fn checkpoint(&self, size: u64) -> Checkpoint {
        let size = size.min(self.size());
        let at = usize::try_from(size).ok().and_then(|at| self.roots.get(at));
        let root = at.copied().unwrap_or_default();
        Checkpoint { org: self.org, reset: self.reset, size, root }
    }

    /// The signed note of [`FalseLog::checkpoint`].
    pub fn note(&self, size: u64) -> String {
        self.sign(&self.checkpoint(size))
    }

    /// Any checkpoint, signed.
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        signed(checkpoint, &self.key)
    }

    /// What the log says to a request about it; `None` for any other request.
    pub fn answer(&self, request: &Request) -> Option<Answer> {
        let number = |name| request.parameter(name).and_then(|n| n.parse::<u64>().ok());
        if request.is("GET", "/audit/events") {
            return Some(Answer::json(&self.page(number("from")?, MAX_ACTS)));
        }
        let lookup = |level, index| self.nodes.get(&(level, index)).copied();
        let checkpoint = self.note(self.size());
        if request.is("GET", "/audit/proof") {
            let (old, new) = (number("old")?, number("new")?);
            let proof = nodes(prove_consistency(old, new, lookup).unwrap_or_default());
            return Some(Answer::json(&ConsistencyAnswer { proof, checkpoint }));
        }
        if request.is("GET", "/audit/inclusion") {
            let proof = prove_inclusion(number("index")?, self.size(), lookup);
            let proof = nodes(proof.unwrap_or_default());
            return Some(Answer::json(&InclusionAnswer { proof, checkpoint }));
        }
        if request.is("POST", "/write") {
            let link = self.take_anchor(request)?;
            return Some(Answer::json(&WriteAnswer { link, checkpoint }));
        }
        None
    }

    /// Takes in a write of nothing but an anchor, which is of this log and of no other.
    fn take_anchor(&self, request: &Request) -> Option<u64> {
        let batch = WriteBatch::decode(&request.body).ok()?;
        let [link] = batch.links.as_slice() else { return None };
        let link = Link::parse(link).ok()?;
        if !batch.commits.is_empty() || !matches!(link.statement.body, Body::AuditAnchor { .. }) {
            return None;
        }
        let seq = link.statement.seq;
        self.anchors.lock().unwrap_or_else(PoisonError::into_inner).push(link);
        Some(seq)
    }

    /// Puts the anchors behind the honest server's links.
    fn add_anchors(&self, sync: &mut SyncAnswer) {
        // An honest server that is asked from an anchor on knows of nothing there.
        let last = sync.links.last().and_then(|link| Link::parse(&link.0).ok());
        let last = last.map_or(0, |link| link.statement.seq);
        let anchors = self.anchors.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = anchors.iter().filter(|link| link.statement.seq > last);
        sync.links.extend(newer.map(|link| B64(link.as_bytes().to_vec())));
    }

    /// At most `most` entries from `from` on, as the server gives them.
    pub fn page(&self, from: u64, most: usize) -> EventsAnswer {
        let at = usize::try_from(from).unwrap_or(usize::MAX).min(self.entries.len());
        let rest = self.entries.get(at..).unwrap_or_default();
        let events = rest.iter().take(most).cloned().map(B64).collect();
        let checkpoint = self.note(self.size());
        EventsAnswer { events, base: from, peaks: Vec::new(), more: rest.len() > most, checkpoint }
    }

    /// Puts this log's newest checkpoint into an answer that has one, and its anchors into a chain.
    pub fn dress(&self, answer: &mut Answer) {
        answer.edit(|sync: &mut SyncAnswer| self.add_anchors(sync));
        let note = self.note(self.size());
        answer.edit_value(|value| {
            if let Some(checkpoint) = value.get_mut("checkpoint") {
                *checkpoint = Value::String(note);
            }
        });
    }
}

fn nodes(proof: Vec<Digest>) -> Vec<B64> {
    proof.into_iter().map(|node| B64(node.to_vec())).collect()
}
