//! The nodes of a log's tree, worked out from what a device keeps.

use std::sync::Arc;

use strongroom_chain::tree::{Frontier, node_hash};
use strongroom_format::hash::Digest;

use super::AuditCopy;
use super::segment::{SEGMENT, SEGMENT_LEVEL, Segment};

/// The nodes of one log: proofs of it need nobody else.
pub struct Nodes<'a, F> {
    copy: &'a AuditCopy,
    load: F,
    /// The leaves of the segment that was needed last.
    leaves: Option<(u64, Vec<Digest>)>,
}

impl<F> std::fmt::Debug for Nodes<'_, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nodes").field("size", &self.copy.size()).finish_non_exhaustive()
    }
}

impl<'a, F: FnMut(u64) -> Option<Arc<Segment>>> Nodes<'a, F> {
    /// The nodes of a copy whose segments `load` gives by their number.
    pub fn new(copy: &'a AuditCopy, load: F) -> Self {
        Self { copy, load, leaves: None }
    }

    /// The perfect subtree over `index << level .. (index + 1) << level`; `None` where its entries
    /// were not read, or were retired.
    pub fn lookup(&mut self, level: u8, index: u64) -> Option<Digest> {
        let end = index.checked_add(1)?.checked_shl(u32::from(level))?;
        if end >> level != index + 1 || end > self.copy.size() {
            return None;
        }
        let base = self.copy.base;
        if end <= base {
            return self.retired(level, index);
        }
        if index << level < base {
            let (left, right) = (self.lookup(level - 1, index * 2)?, index * 2 + 1);
            return Some(node_hash(&left, &self.lookup(level - 1, right)?));
        }
        if level >= SEGMENT_LEVEL {
            let first = (index << (level - SEGMENT_LEVEL)) - base / SEGMENT;
            let from = usize::try_from(first).ok()?;
            let count = 1_usize.checked_shl(u32::from(level - SEGMENT_LEVEL))?;
            return fold(self.copy.roots.get(from..from.checked_add(count)?)?);
        }
        let number = Segment::of(index << level);
        let from = usize::try_from((index << level) - number * SEGMENT).ok()?;
        let leaves = self.leaves_of(number)?;
        fold(leaves.get(from..from + (1 << level))?)
    }

    /// The root over the first `size` entries.
    pub fn root_at(&mut self, size: u64) -> Option<Digest> {
        Frontier::load(size, |level, index| self.lookup(level, index)).ok().map(|f| f.root())
    }

    fn leaves_of(&mut self, number: u64) -> Option<&[Digest]> {
        if self.leaves.as_ref().is_none_or(|(held, _)| *held != number) {
            self.leaves = Some((number, (self.load)(number)?.leaves()));
        }
        self.leaves.as_ref().map(|(_, leaves)| leaves.as_slice())
    }

    /// Of what was retired only the peaks are known.
    fn retired(&self, level: u8, index: u64) -> Option<Digest> {
        let base = self.copy.base;
        let is_peak = base >> level & 1 == 1 && index == (base >> level) - 1;
        let wider = (base >> level).count_ones() as usize;
        if is_peak { self.copy.base_peaks.get(wider - 1).copied() } else { None }
    }
}

/// The root over a power of two of nodes of one level.
fn fold(nodes: &[Digest]) -> Option<Digest> {
    let mut nodes = nodes.to_vec();
    while nodes.len() > 1 {
        nodes = nodes.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    nodes.pop()
}
