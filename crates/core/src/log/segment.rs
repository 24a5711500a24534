//! The entries of a log as a device keeps them: in files of 1,024, each a perfect subtree.

use strongroom_chain::tree::leaf_hash;
use strongroom_format::encoding::{Codec as _, DecodeError, Reader, Writer};
use strongroom_format::event::{Event, MAX_DETAIL, MAX_PEER};
use strongroom_format::hash::Digest;

use super::Verdict;

/// Entries of one segment: a perfect subtree of the log's Merkle tree.
pub const SEGMENT: u64 = 1 << SEGMENT_LEVEL;
/// The level of that subtree's root.
pub(super) const SEGMENT_LEVEL: u8 = 10;
const VERSION: u8 = 1;
/// More than any event is long.
const MAX_EVENT: usize = 512 + MAX_DETAIL + MAX_PEER;

/// One entry and what was found when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How far it is to be believed.
    pub verdict: Verdict,
    /// The event, as it was hashed.
    pub bytes: Vec<u8>,
}

impl Entry {
    /// The event. It was read before it was kept, so an error means that the file is not ours.
    pub fn event(&self) -> Result<Event, DecodeError> {
        Event::decode(&self.bytes)
    }
}

/// Up to [`SEGMENT`] entries that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    number: u64,
    entries: Vec<Entry>,
}

impl Segment {
    /// The empty segment of this number: its first entry is `number * SEGMENT`.
    pub fn new(number: u64) -> Self {
        Self { number, entries: Vec::new() }
    }

    /// In which segment an entry lies.
    pub fn of(entry: u64) -> u64 {
        entry / SEGMENT
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Its first entry.
    pub fn first(&self) -> u64 {
        self.number * SEGMENT
    }

    /// The entry behind its last.
    pub fn end(&self) -> u64 {
        self.first() + self.entries.len() as u64
    }

    /// All of them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// One of them by its place in the log.
    pub fn get(&self, entry: u64) -> Option<&Entry> {
        let at = entry.checked_sub(self.first())?;
        self.entries.get(usize::try_from(at).ok()?)
    }

    /// Whether no more fit.
    pub fn is_full(&self) -> bool {
        self.entries.len() as u64 >= SEGMENT
    }

    /// Puts the next one behind them; the caller begins a new segment when this one is full.
    pub fn push(&mut self, entry: Entry) {
        debug_assert!(!self.is_full(), "a full segment takes no more");
        self.entries.push(entry);
    }

    /// Forgets the entries from this place in the log on.
    pub fn truncate(&mut self, size: u64) {
        let keep = usize::try_from(size.saturating_sub(self.first())).unwrap_or(usize::MAX);
        self.entries.truncate(keep);
    }

    /// The leaf hashes.
    pub fn leaves(&self) -> Vec<Digest> {
        self.entries.iter().map(|entry| leaf_hash(&entry.bytes)).collect()
    }

    /// The bytes to keep, sealed.
    pub fn encode(&self) -> Vec<u8> {
        let length: usize = self.entries.iter().map(|entry| entry.bytes.len() + 5).sum();
        let mut w = Writer::with_room(length + 13);
        w.u8(VERSION).u64(self.number).count(self.entries.len());
        for entry in &self.entries {
            w.u8(entry.verdict.byte()).lp(&entry.bytes);
        }
        w.finish()
    }

    /// Reads what [`Segment::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let number = r.u64()?;
        if number > u64::MAX / SEGMENT - 1 {
            return Err(DecodeError::NotCanonical);
        }
        let count = r.count(usize::try_from(SEGMENT).unwrap_or(usize::MAX))?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            let verdict = Verdict::from_byte(r.u8()?).ok_or(DecodeError::UnknownTag)?;
            entries.push(Entry { verdict, bytes: r.lp(MAX_EVENT)?.to_vec() });
        }
        r.finish()?;
        Ok(Self { number, entries })
    }
}
