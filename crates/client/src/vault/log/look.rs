//! Searching the log that is kept on this computer, and one entry of it with its proof.

use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_chain::tree;
use strongroom_core::bundle::tlog_proof;
use strongroom_core::log::index::{Found, Index, Query};
use strongroom_core::log::{AuditCopy, Nodes, Segment, Verdict};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::Event;
use strongroom_format::hash::{Digest, h};
use strongroom_format::id::{OrgId, base32};

use super::super::error::VaultError;
use super::super::session::{Session, hold};
use super::keep::Entries;
use super::names::LogNames;

/// How much of a root is compared, in bytes. Whoever keeps two logs chooses what stands in both, so
/// that two of them agree in this much after 2^80 tries.
const CODE: usize = 20;

/// Whoever looked at the log so short a time ago still looks.
const LOOKING_MS: u64 = 60_000;
/// How long what was read of the log is new enough for screens that only mention it.
const RESTING_MS: u64 = 5 * 60_000;

/// The log as it is kept here, to look at.
#[derive(Debug)]
pub struct LogView<'a> {
    /// Everything that was read, settled.
    pub copy: &'a AuditCopy,
    /// The columns of its entries.
    pub index: &'a Index,
    /// Names for what they hold.
    pub names: &'a LogNames,
}

/// What a query found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The rows, and what could be chosen besides.
    pub found: Found,
    /// How long the search took.
    pub took: Duration,
    /// How many rows there are.
    pub total: u32,
    /// The entry of row 0.
    pub base: u64,
}

/// How reading the log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStanding {
    /// Whether the server lets this person read it.
    pub readable: bool,
    /// Entries up to which everything was read and settled; 0 before the first reading.
    pub size: u64,
    /// The first entry that is kept.
    pub base: u64,
    /// When it was settled last since the vault was opened, in milliseconds since 1970.
    pub settled_ms: Option<u64>,
    /// What the index takes in memory, in bytes; 0 where it is not loaded.
    pub index_bytes: usize,
}

/// One entry, with the proof that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryShown {
    /// Its place.
    pub entry: u64,
    /// What checking it gave.
    pub verdict: Verdict,
    /// The event.
    pub event: Event,
    /// Its hash in the tree.
    pub leaf: Digest,
    /// The size of the log that the proof leads to ...
    pub size: u64,
    /// ... and its root.
    pub root: Digest,
    /// The siblings, deepest first. Checked.
    pub proof: Vec<Digest>,
    /// Entry, proof and checkpoint as a c2sp.org/tlog-proof file.
    pub text: String,
    /// The entry of the same actor before it.
    pub before: Option<u64>,
    /// And behind it.
    pub after: Option<u64>,
}

/// The root of the log at one size, in a form that two people can compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootShown {
    /// How many entries.
    pub size: u64,
    /// 160 bits over log, size and root, as eight groups of four characters.
    pub code: String,
}

/// What a comparison of two roots says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootMatch {
    /// Both computers verified the same log up to there.
    Same,
    /// They verified two logs.
    Differs,
    /// This computer has not read as far, or what was retired is meant.
    Unknown,
}

impl Session {
    /// How reading the log of the organisation in front stands.
    pub fn log_standing(&self) -> Result<LogStanding, VaultError> {
        let org = self.current()?;
        let copy = self.copy_of_log(org)?.filter(|copy| copy.settled().is_some());
        let audits = hold(&self.audits);
        let kept = audits.get(&org).map(|audit| &audit.kept);
        let entries = kept.and_then(|kept| kept.entries.as_ref());
        Ok(LogStanding {
            readable: kept.is_none_or(|kept| !kept.refused),
            size: copy.as_ref().map_or(0, |copy| copy.size()),
            base: copy.as_ref().map_or(0, |copy| copy.base()),
            settled_ms: kept.and_then(|kept| kept.settled_ms),
            index_bytes: entries.map_or(0, |entries| entries.index().bytes()),
        })
    }

    /// Whether the log should be read again although nobody asked for it: every half minute while
    /// somebody looks at it, now and then otherwise. To read it is logged itself, so that many
    /// computers that read all the time would fill it with each other.
    pub fn log_is_due(&self) -> Result<bool, VaultError> {
        let (org, now) = (self.current()?, self.now_ms());
        let mut audits = hold(&self.audits);
        let kept = &audits.entry(org).or_default().kept;
        let looked = now.saturating_sub(kept.looked_ms) < LOOKING_MS;
        let rested = kept.settled_ms.is_none_or(|at| now.saturating_sub(at) > RESTING_MS);
        Ok(looked || rested)
    }

    /// Looks at the log of the organisation in front; `None` before it was opened or read, or for
    /// who may not read it. Holds a lock on the index: quick work only, or on a blocking thread.
    pub fn with_log<R>(
        &self,
        look: impl FnOnce(&LogView<'_>) -> R,
    ) -> Result<Option<R>, VaultError> {
        let org = self.current()?;
        let Some((copy, entries)) = self.settled_log(org)? else { return Ok(None) };
        let names = self.log_names(org)?;
        let looked_ms = self.now_ms();
        hold(&self.audits).entry(org).or_default().kept.looked_ms = looked_ms;
        let index = entries.index();
        Ok(Some(look(&LogView { copy: &copy, index: &index, names: &names })))
    }

    /// Searches the log. `None` as for [`Session::with_log`].
    pub fn log_ask(&self, query: &Query) -> Result<Option<Arc<Answer>>, VaultError> {
        self.with_log(|log| {
            let began = Instant::now();
            let found = log.index.ask(query, log.names);
            let took = began.elapsed();
            let (total, base) = (log.index.len(), log.index.base());
            Arc::new(Answer { found, took, total, base })
        })
    }

    /// One entry with its proof, worked out and checked here. [`VaultError::NotFound`] for an entry
    /// that is not kept.
    pub fn log_entry(&self, entry: u64) -> Result<EntryShown, VaultError> {
        let org = self.current()?;
        let (copy, entries) = self.settled_log(org)?.ok_or(VaultError::NotFound)?;
        let load = |number: u64| self.segment_of(org, &copy, &entries, number);
        let kept = load(Segment::of(entry)).ok_or(VaultError::NotFound)?;
        let kept = kept.get(entry).ok_or(VaultError::NotFound)?;
        let event = Event::decode(&kept.bytes).map_err(|_| VaultError::NotFound)?;
        let settled = copy.settled().ok_or(VaultError::NotFound)?;
        let (size, root) = (copy.size(), copy.root());
        let mut nodes = Nodes::new(&copy, load);
        let proof = tree::prove_inclusion(entry, size, |level, at| nodes.lookup(level, at));
        let proof = proof.map_err(|_| VaultError::NotFound)?;
        let leaf = tree::leaf_hash(&kept.bytes);
        tree::verify_inclusion(&leaf, entry, size, &root, &proof)
            .map_err(|_| VaultError::NotFound)?;
        let text = tlog_proof::write(entry, &kept.bytes, &proof, &settled.note);
        let index = entries.index();
        let base = index.base();
        let row = u32::try_from(entry - base).map_err(|_| VaultError::NotFound)?;
        let (before, after) = index.neighbours(row);
        let place = |row: Option<u32>| row.map(|row| base + u64::from(row));
        let (before, after) = (place(before), place(after));
        let verdict = kept.verdict;
        Ok(EntryShown { entry, verdict, event, leaf, size, root, proof, text, before, after })
    }

    /// The root at one size, or the newest, to compare with somebody else's.
    /// [`VaultError::NotFound`] for a size that this computer has not read.
    pub fn root_shown(&self, size: Option<u64>) -> Result<RootShown, VaultError> {
        let org = self.current()?;
        let (copy, entries) = self.settled_log(org)?.ok_or(VaultError::NotFound)?;
        let size = size.unwrap_or(copy.size());
        let root = Nodes::new(&copy, |number| self.segment_of(org, &copy, &entries, number))
            .root_at(size)
            .ok_or(VaultError::NotFound)?;
        Ok(RootShown { size, code: root_code(org, copy.reset(), size, &root) })
    }

    /// Compares what somebody else's computer shows, a size and its code in one line, with this
    /// one's. Case, spaces and dashes within the code do not matter; [`VaultError::NotACode`] for
    /// what is neither.
    pub fn root_compare(&self, line: &str) -> Result<RootMatch, VaultError> {
        let (size, code) =
            line.trim().split_once(char::is_whitespace).ok_or(VaultError::NotACode)?;
        let size: u64 = size.parse().map_err(|_| VaultError::NotACode)?;
        let plain = |code: &str| -> String {
            let kept = code.chars().filter(|c| !c.is_whitespace() && *c != '-');
            kept.map(|c| c.to_ascii_lowercase()).collect()
        };
        let typed = plain(code);
        let known = |b: u8| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b);
        if typed.len() != CODE * 8 / 5 || !typed.bytes().all(known) {
            return Err(VaultError::NotACode);
        }
        match self.root_shown(Some(size)) {
            Ok(own) if plain(&own.code) == typed => Ok(RootMatch::Same),
            Ok(_) => Ok(RootMatch::Differs),
            Err(VaultError::NotFound) => Ok(RootMatch::Unknown),
            Err(error) => Err(error),
        }
    }

    /// The leaf hash of an entry of the log with this reset counter, as it was read and settled.
    pub(in crate::vault) fn leaf_read(&self, org: OrgId, reset: u32, entry: u64) -> Option<Digest> {
        let (copy, entries) = self.settled_log(org).ok().flatten()?;
        let load = |number: u64| self.segment_of(org, &copy, &entries, number);
        (copy.reset() == reset).then(|| Nodes::new(&copy, load).lookup(0, entry))?
    }

    /// As [`Session::leaf_read`], the root over the first `size` entries.
    pub(in crate::vault) fn root_read(&self, org: OrgId, reset: u32, size: u64) -> Option<Digest> {
        let (copy, entries) = self.settled_log(org).ok().flatten()?;
        let load = |number: u64| self.segment_of(org, &copy, &entries, number);
        (copy.reset() == reset).then(|| Nodes::new(&copy, load).root_at(size))?
    }

    /// The newest settled copy with its entries.
    pub(super) fn settled_log(
        &self,
        org: OrgId,
    ) -> Result<Option<(Arc<AuditCopy>, Entries)>, VaultError> {
        let copy = self.copy_of_log(org)?.filter(|copy| copy.settled().is_some());
        let entries = hold(&self.audits).get(&org).and_then(|audit| audit.kept.entries.clone());
        Ok(copy.zip(entries).filter(|(copy, entries)| entries.are_of(copy)))
    }

    /// A segment of a settled log, by its number.
    pub(super) fn segment_of(
        &self,
        org: OrgId,
        copy: &AuditCopy,
        entries: &Entries,
        number: u64,
    ) -> Option<Arc<Segment>> {
        if number == entries.tail.number() {
            return Some(Arc::clone(&entries.tail));
        }
        let mut segment = self.segment(org, copy.reset(), number).ok()??;
        segment.truncate(copy.size());
        Some(Arc::new(segment))
    }
}

/// Eight groups of four characters.
fn root_code(org: OrgId, reset: u32, size: u64, root: &Digest) -> String {
    let (reset, size) = (reset.to_be_bytes(), size.to_be_bytes());
    let digest = h("audit-root", &[org.as_bytes(), &reset, &size, root]);
    let text = base32().encode(&digest[..CODE]);
    let groups: Vec<&str> = (0..text.len()).step_by(4).map(|at| &text[at..at + 4]).collect();
    groups.join(" ")
}
