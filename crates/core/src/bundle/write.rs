//! Makes a bundle, line by line.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};
use strongroom_chain::tree::{node_hash, prove_consistency};
use strongroom_format::check::require;
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::Event;
use strongroom_format::hash::{Digest, label};
use strongroom_format::id::Principal;
use strongroom_format::note::Checkpoint;
use strongroom_format::wire::B64;
use thiserror::Error;

use super::cover::cover;
use super::line::{
    AnchorLine, EntryLine, Heading, KIND, LinkLine, MAX_FILTER, MAX_NAME, NameLine, Named,
    NodeLine, SignatureLine, VERSION, write_line,
};
use super::repeated::Repeated;
use super::tlog_proof::LogKey;
use crate::replica::{Me, Replica};

/// Why a bundle cannot be made.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Only people sign bundles.
    #[error("only a person can sign a bundle")]
    NoPerson,
    /// The checkpoint is not one of the organisation's log.
    #[error("the checkpoint is not signed by the log's key")]
    Checkpoint,
    /// The chain repeats a newer state of the log than the checkpoint.
    #[error("the chain knows a newer state of the log: read the log first")]
    Behind,
    /// Entries must come in their order, each once, within the log.
    #[error("the entries are not in the order of the log")]
    Order,
    /// An entry or a node is not on this computer.
    #[error("a part of the log is not on this computer")]
    Missing,
}

/// What a bundle is to be made of.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which entries, in words.
    pub filter: String,
    /// The same for programs.
    pub query: String,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// The signed note that covers the entries.
    pub checkpoint: String,
    /// How many entries will be given.
    pub entries: u64,
}

/// A bundle in the making.
pub struct BundleWriter<'a, W> {
    out: W,
    hash: Sha256,
    me: &'a Me,
    checkpoint: Checkpoint,
    repeated: Option<Repeated>,
    at: u64,
    left: u64,
    named: BTreeSet<Named>,
}

impl<W> std::fmt::Debug for BundleWriter<'_, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BundleWriter").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<'a, W: Write> BundleWriter<'a, W> {
    /// Writes the first line and the chain, as `replica` verified it.
    pub fn begin(out: W, replica: &'a Replica, order: Order) -> Result<Self, WriteError> {
        let state = replica.state();
        let Principal::User(by) = replica.principal() else { return Err(WriteError::NoPerson) };
        let log = LogKey { org: state.org(), reset: state.audit_reset(), key: *state.audit_vkey() };
        let checkpoint = log.checkpoint(&order.checkpoint).ok_or(WriteError::Checkpoint)?;
        let repeated = repeated(replica);
        let covers = repeated.is_none_or(|repeated| repeated.size <= checkpoint.size);
        require(covers, WriteError::Behind)?;
        let mut writer = Self {
            out,
            hash: Sha256::new(),
            me: replica.me(),
            checkpoint,
            repeated,
            at: 0,
            left: order.entries,
            named: BTreeSet::from([Named::Who(replica.principal())]),
        };
        writer.line(&Heading {
            strongroom: KIND.to_owned(),
            version: VERSION,
            org: state.org(),
            made_ms: order.now_ms.max(state.time_ms()),
            by,
            filter: shortened(order.filter, MAX_FILTER),
            query: shortened(order.query, MAX_FILTER),
            checkpoint: order.checkpoint,
            links: state.seq() + 1,
            entries: order.entries,
        })?;
        for link in (0..=state.seq()).filter_map(|seq| replica.link(seq)) {
            writer.line(&LinkLine { link: B64(link.as_bytes().to_vec()) })?;
        }
        Ok(writer)
    }

    /// Writes the next entry, and the nodes that stand for those before it; `node` gives a perfect
    /// subtree of the log by level and index.
    pub fn entry(
        &mut self,
        entry: u64,
        event: &[u8],
        node: &mut dyn FnMut(u8, u64) -> Option<Digest>,
    ) -> Result<(), WriteError> {
        require(entry >= self.at, WriteError::Order)?;
        require(entry < self.checkpoint.size, WriteError::Order)?;
        self.left = self.left.checked_sub(1).ok_or(WriteError::Order)?;
        self.cover_to(entry, node)?;
        let act = Event::decode(event).map_err(|_| WriteError::Missing)?.act;
        self.named.extend(Named::of(&act));
        self.line(&EntryLine { entry, event: B64(event.to_vec()) })?;
        self.at = entry + 1;
        Ok(())
    }

    /// Writes the rest and signs the whole. `name` gives what the exporter calls something.
    pub fn finish(
        mut self,
        node: &mut dyn FnMut(u8, u64) -> Option<Digest>,
        name: &mut dyn FnMut(&Named) -> Option<String>,
    ) -> Result<W, WriteError> {
        require(self.left == 0, WriteError::Order)?;
        let size = self.checkpoint.size;
        self.cover_to(size, node)?;
        if let Some(Repeated { link: anchor, size: old, .. }) = self.repeated {
            let proof = prove_consistency(old, size, |level, index| subtree(level, index, node));
            let proof = proof.map_err(|_| WriteError::Missing)?;
            let proof = proof.into_iter().map(|hash| B64(hash.to_vec())).collect();
            self.line(&AnchorLine { anchor, proof })?;
        }
        let names = std::mem::take(&mut self.named).into_iter();
        let names: BTreeMap<String, String> = names
            .filter_map(|named| Some((named.to_string(), shortened(name(&named)?, MAX_NAME))))
            .collect();
        for (id, name) in names {
            self.line(&NameLine { id, name })?;
        }
        let hash: Digest = std::mem::take(&mut self.hash).finalize().into();
        let signature = self.me.keyset.isk.sign(&[label("bundle"), hash.to_vec()].concat());
        self.line(&SignatureLine { signature: B64(signature.to_vec()) })?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn cover_to(
        &mut self,
        end: u64,
        node: &mut dyn FnMut(u8, u64) -> Option<Digest>,
    ) -> Result<(), WriteError> {
        for (level, index) in cover(self.at, end) {
            let hash = subtree(level, index, node).ok_or(WriteError::Missing)?;
            self.line(&NodeLine { node: (level, index), hash: B64(hash.to_vec()) })?;
        }
        self.at = end;
        Ok(())
    }

    fn line(&mut self, line: &impl serde::Serialize) -> Result<(), WriteError> {
        let bytes = write_line(line);
        self.hash.update(&bytes);
        Ok(self.out.write_all(&bytes)?)
    }
}

/// A perfect subtree, from its halves where only those are kept: entries that were retired are
/// known by the widest subtrees before the oldest kept one.
fn subtree(
    level: u8,
    index: u64,
    node: &mut dyn FnMut(u8, u64) -> Option<Digest>,
) -> Option<Digest> {
    if let Some(hash) = node(level, index) {
        return Some(hash);
    }
    let below = level.checked_sub(1)?;
    let left = subtree(below, index * 2, node)?;
    Some(node_hash(&left, &subtree(below, index * 2 + 1, node)?))
}

/// The widest state of the log that the chain repeats.
fn repeated(replica: &Replica) -> Option<Repeated> {
    let links = (0..=replica.state().seq()).filter_map(|seq| Some((seq, replica.link(seq)?)));
    links.fold(None, |last, (seq, link)| Repeated::after(last, seq, &link.statement.body))
}

/// As much of a text as a line takes.
fn shortened(mut text: String, most: usize) -> String {
    while text.len() > most {
        text.pop();
    }
    text
}
