//! Which nodes of the tree stand for the entries that are left out, and the root over all of it.
//!
//! Entries and nodes lie side by side from entry 0 to the end of the log. A run of entries that are
//! left out is covered by the fewest perfect subtrees, so that there is one way to write a file.

use strongroom_chain::tree::{Frontier, TreeError, node_hash};
use strongroom_format::check::require;
use strongroom_format::hash::Digest;

/// The fewest perfect subtrees over the entries `from..to`, in their order, as (level, index).
pub(super) fn cover(from: u64, to: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut at = from;
    std::iter::from_fn(move || {
        let room = to.checked_sub(at)?.checked_ilog2()?;
        let level = at.trailing_zeros().min(room).min(63);
        let index = at >> level;
        at += 1 << level;
        Some((u8::try_from(level).unwrap_or(63), index))
    })
}

/// A perfect subtree on the way to the root.
struct Subtree {
    level: u8,
    hash: Digest,
    /// Whether the file gave its hash; it is worked out otherwise.
    is_given: bool,
}

/// The root over entries and nodes that come in their order.
#[derive(Default)]
pub(super) struct Fold {
    at: u64,
    /// Widest first: each is wider than the next.
    subtrees: Vec<Subtree>,
}

impl Fold {
    /// The first entry that is not covered yet.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Takes the leaf of the next entry.
    pub(super) fn leaf(&mut self, entry: u64, hash: Digest) -> Result<(), TreeError> {
        require(entry == self.at, TreeError::Range)?;
        self.push(Subtree { level: 0, hash, is_given: false })
    }

    /// Takes the node over the next entries, which end before `size`. Two that a wider one could
    /// have stood for are refused.
    pub(super) fn node(
        &mut self,
        level: u8,
        index: u64,
        hash: Digest,
        size: u64,
    ) -> Result<(), TreeError> {
        let from = index.checked_shl(u32::from(level)).filter(|from| from >> level == index);
        require(from == Some(self.at), TreeError::Range)?;
        let fits = size.checked_sub(self.at).is_some_and(|room| room >> level > 0);
        require(fits, TreeError::Range)?;
        self.push(Subtree { level, hash, is_given: true })
    }

    fn push(&mut self, subtree: Subtree) -> Result<(), TreeError> {
        self.at += 1 << subtree.level;
        let mut right = subtree;
        while let Some(left) = self.subtrees.pop_if(|left| left.level == right.level) {
            require(!(left.is_given && right.is_given), TreeError::Proof)?;
            let hash = node_hash(&left.hash, &right.hash);
            right = Subtree { level: right.level + 1, hash, is_given: false };
        }
        self.subtrees.push(right);
        Ok(())
    }

    /// The root over everything that was taken.
    pub(super) fn root(&self) -> Result<Digest, TreeError> {
        let peaks = self.subtrees.iter().map(|subtree| subtree.hash).collect();
        Ok(Frontier::kept(self.at, peaks)?.root())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use strongroom_chain::tree::leaf_hash;

    use super::*;

    fn leaf(entry: u64) -> Digest {
        leaf_hash(&entry.to_be_bytes())
    }

    fn tree(size: u64) -> (Frontier, BTreeMap<(u8, u64), Digest>) {
        let (mut frontier, mut nodes) = (Frontier::new(), BTreeMap::new());
        for entry in 0..size {
            let complete = frontier.append(leaf(entry));
            nodes.extend(complete.into_iter().map(|node| ((node.level, node.index), node.hash)));
        }
        (frontier, nodes)
    }

    proptest! {
        #[test]
        fn any_choice_of_entries_gives_the_root(
            kept in prop::collection::btree_set(0..300_u64, 0..40),
            size in 0..300_u64,
        ) {
            let (frontier, nodes) = tree(size);
            let mut fold = Fold::default();
            let kept = kept.into_iter().filter(|entry| *entry < size);
            for end in kept.map(Some).chain([None]) {
                for (level, index) in cover(fold.at(), end.unwrap_or(size)) {
                    fold.node(level, index, nodes[&(level, index)], size).unwrap();
                }
                if let Some(entry) = end {
                    fold.leaf(entry, leaf(entry)).unwrap();
                }
            }
            prop_assert_eq!(fold.at(), size);
            prop_assert_eq!(fold.root(), Ok(frontier.root()));
        }
    }

    #[test]
    fn there_is_one_cover_and_no_other() {
        let (_, nodes) = tree(8);
        assert_eq!(cover(1, 8).collect::<Vec<_>>(), [(0, 1), (1, 1), (2, 1)]);
        assert_eq!(cover(3, 3).count(), 0);
        let widest = u64::MAX;
        assert_eq!(cover(0, widest).count(), 64);
        let take = |blocks: &[(u8, u64)]| {
            let mut fold = Fold::default();
            fold.leaf(0, leaf(0)).unwrap();
            blocks.iter().try_for_each(|(l, i)| {
                fold.node(*l, *i, nodes.get(&(*l, *i)).copied().unwrap_or([0; 32]), 8)
            })
        };
        assert_eq!(take(&[(0, 1), (1, 1), (2, 1)]), Ok(()));
        assert_eq!(take(&[(0, 1), (0, 2), (0, 3)]), Err(TreeError::Proof), "two for one");
        assert_eq!(take(&[(1, 1)]), Err(TreeError::Range), "a hole");
        assert_eq!(take(&[(0, 0)]), Err(TreeError::Range), "covered already");
        assert_eq!(take(&[(0, 1), (1, 1), (3, 1)]), Err(TreeError::Range), "beyond the end");
        assert_eq!(take(&[(64, 0)]), Err(TreeError::Range), "no such level");
        assert_eq!(take(&[(63, 1)]), Err(TreeError::Range), "not aligned");
    }
}
