//! The audit log's Merkle tree (RFC 6962 section 2.1, docs/protocol.md section 12).
//!
//! Pure: whoever keeps the nodes passes a lookup. Only perfect subtrees are stored, each under
//! (level, index): the node over the entries `index << level .. (index + 1) << level`. A stored
//! node never changes again, so appending is the only thing that can be done to a log.

use strongroom_format::check::require;
use strongroom_format::hash::{Digest, sha256};
use thiserror::Error;

/// A proof does not show what it should, or a stored node is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TreeError {
    /// The proof does not lead from what is claimed to the root.
    #[error("the audit proof does not hold")]
    Proof,
    /// An index or size outside the tree.
    #[error("outside the audit tree")]
    Range,
    /// The lookup knows no such node.
    #[error("a node of the audit tree is missing")]
    Missing,
}

/// `SHA-256(0x00 || event)`.
pub fn leaf_hash(event: &[u8]) -> Digest {
    sha256(&[&[0], event])
}

/// `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    sha256(&[&[1], left, right])
}

/// The root of a log without entries: SHA-256 of nothing.
pub fn empty_root() -> Digest {
    sha256(&[])
}

/// A perfect subtree's root, to be stored once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Height over the leaves; a leaf is 0.
    pub level: u8,
    /// Position within its level.
    pub index: u64,
    /// Its hash.
    pub hash: Digest,
}

/// What a log must remember to go on: its size and one node for each bit of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// A log without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The frontier of a log of `size` entries, from its stored nodes.
    pub fn load(
        size: u64,
        mut lookup: impl FnMut(u8, u64) -> Option<Digest>,
    ) -> Result<Self, TreeError> {
        let peaks = perfect_cover(0, size)
            .map(|(level, index)| lookup(level, index).ok_or(TreeError::Missing))
            .collect::<Result<_, _>>()?;
        Ok(Self { size, peaks })
    }

    /// The frontier that a reader of the log kept: its size and [`Frontier::peaks`]. Only a root
    /// that somebody signed shows that they are right.
    pub fn kept(size: u64, peaks: Vec<Digest>) -> Result<Self, TreeError> {
        let fits = u64::try_from(peaks.len()) == Ok(u64::from(size.count_ones()));
        if fits { Ok(Self { size, peaks }) } else { Err(TreeError::Range) }
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its perfect subtrees, widest first: one for each bit of the size.
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Appends an entry by its leaf hash; gives the nodes that are now complete, leaf first.
    pub fn append(&mut self, leaf: Digest) -> Vec<Node> {
        let mut node = Node { level: 0, index: self.size, hash: leaf };
        let mut complete = vec![node];
        while node.index & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            node = Node {
                level: node.level + 1,
                index: node.index >> 1,
                hash: node_hash(&left, &node.hash),
            };
            complete.push(node);
        }
        self.peaks.push(node.hash);
        self.size += 1;
        complete
    }

    /// The root over all entries.
    pub fn root(&self) -> Digest {
        bag(&self.peaks)
    }
}

/// The path that shows entry `index` inside a tree of `size` entries, deepest node first.
pub fn prove_inclusion(
    index: u64,
    size: u64,
    mut lookup: impl FnMut(u8, u64) -> Option<Digest>,
) -> Result<Vec<Digest>, TreeError> {
    if index >= size {
        return Err(TreeError::Range);
    }
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(range_root(middle, to, &mut lookup)?);
            to = middle;
        } else {
            path.push(range_root(from, middle, &mut lookup)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The nodes that show that the first `old` of `new` entries are the old log, deepest first.
/// Nothing needs to be shown for `old` = 0 and `old` = `new`.
pub fn prove_consistency(
    old: u64,
    new: u64,
    mut lookup: impl FnMut(u8, u64) -> Option<Digest>,
) -> Result<Vec<Digest>, TreeError> {
    if old > new {
        return Err(TreeError::Range);
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut from, mut to) = (0, new);
    let mut proof = Vec::new();
    // Descends to the subtree that ends exactly where the old log ended.
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            proof.push(range_root(middle, to, &mut lookup)?);
            to = middle;
        } else {
            proof.push(range_root(from, middle, &mut lookup)?);
            from = middle;
        }
    }
    // Starting at 0 it is the old root itself, which the verifier has.
    if from > 0 {
        proof.push(range_root(from, to, &mut lookup)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that `leaf` is entry `index` of the tree (`size`, `root`) (RFC 9162 section 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    root: &Digest,
    proof: &[Digest],
) -> Result<(), TreeError> {
    require(index < size, TreeError::Range)?;
    let (mut node, mut last) = (index, size.saturating_sub(1));
    let mut hash = *leaf;
    for sibling in proof {
        require(last != 0, TreeError::Proof)?;
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            climb(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    require(last == 0, TreeError::Proof)?;
    require(hash == *root, TreeError::Proof)
}

/// Checks that the tree (`new`, `new_root`) begins with the tree (`old`, `old_root`)
/// (RFC 9162 section 2.1.4.2). Every tree begins with the empty one.
pub fn verify_consistency(
    old: u64,
    old_root: &Digest,
    new: u64,
    new_root: &Digest,
    proof: &[Digest],
) -> Result<(), TreeError> {
    require(old <= new, TreeError::Range)?;
    if old == new {
        require(proof.is_empty(), TreeError::Proof)?;
        return require(old_root == new_root, TreeError::Proof);
    }
    if old == 0 {
        return require(proof.is_empty(), TreeError::Proof);
    }
    let mut nodes = proof.iter();
    let first =
        if old.is_power_of_two() { old_root } else { nodes.next().ok_or(TreeError::Proof)? };
    let (mut node, mut last) = (old - 1, new - 1);
    climb_odd(&mut node, &mut last);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in nodes {
        require(last != 0, TreeError::Proof)?;
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            climb(&mut node, &mut last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    require(last == 0, TreeError::Proof)?;
    require(old_hash == *old_root, TreeError::Proof)?;
    require(new_hash == *new_root, TreeError::Proof)
}

/// Skips the levels where the last node has no sibling.
fn climb(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        *node >>= 1;
        *last >>= 1;
    }
}

/// Skips the levels where the old tree ends in a right child.
fn climb_odd(node: &mut u64, last: &mut u64) {
    while *node & 1 == 1 {
        *node >>= 1;
        *last >>= 1;
    }
}

/// The largest power of two below `n` (`n` > 1): where RFC 6962 splits a tree.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The root over the entries `from..to`, where `from` is a multiple of a power of two >= `to - from`.
fn range_root(
    from: u64,
    to: u64,
    lookup: &mut impl FnMut(u8, u64) -> Option<Digest>,
) -> Result<Digest, TreeError> {
    let peaks = perfect_cover(from, to)
        .map(|(level, index)| lookup(level, index).ok_or(TreeError::Missing))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(bag(&peaks))
}

/// The perfect subtrees of `from..to`, widest first, as (level, index).
fn perfect_cover(from: u64, to: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut at = from;
    (0..64u8).rev().filter_map(move |level| {
        if (to - from) >> level & 1 == 0 {
            return None;
        }
        let index = at >> level;
        at += 1 << level;
        Some((level, index))
    })
}

/// Joins peaks, widest first, into one root.
fn bag(peaks: &[Digest]) -> Digest {
    let mut narrowest_first = peaks.iter().rev();
    let Some(last) = narrowest_first.next() else {
        return empty_root();
    };
    narrowest_first.fold(*last, |right, left| node_hash(left, &right))
}
