//! An audit log of the liar's own: any entries, in an honest tree, signed with any key.
//!
//! With the server's own key it is what a server can do that turned evil: every checkpoint verifies,
//! every proof within this log holds, and only what somebody saw before gives it away.

use std::collections::HashMap;

use ed25519_dalek::SigningKey;
use serde_json::Value;
use strongroom_chain::tree::{Frontier, leaf_hash, prove_consistency, prove_inclusion};
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_format::note::Checkpoint;
use strongroom_format::wire::{B64, ConsistencyAnswer, EventsAnswer, InclusionAnswer, MAX_ACTS};

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
        };
        log.extend(entries);
        log
    }

    /// The same log with other entries.
    #[must_use]
    pub fn with(&self, entries: Vec<Vec<u8>>) -> Self {
        Self::new(self.org, self.reset, &self.key.to_bytes(), entries)
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
        None
    }

    /// At most `most` entries from `from` on, as the server gives them.
    pub fn page(&self, from: u64, most: usize) -> EventsAnswer {
        let at = usize::try_from(from).unwrap_or(usize::MAX).min(self.entries.len());
        let rest = self.entries.get(at..).unwrap_or_default();
        let events = rest.iter().take(most).cloned().map(B64).collect();
        let checkpoint = self.note(self.size());
        EventsAnswer { events, base: from, peaks: Vec::new(), more: rest.len() > most, checkpoint }
    }

    /// Puts this log's newest checkpoint into an answer that has one.
    pub fn dress(&self, answer: &mut Answer) {
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
