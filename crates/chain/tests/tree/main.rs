//! The Merkle tree against an independent implementation (`ct-merkle`) and published answers.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a broken fixture should fail loudly; test trees are small"
)]

mod published;

use std::collections::HashMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::collection::btree_set;
use proptest::prelude::*;
use sha2::Sha256;
use strongroom_chain::tree::{
    Frontier, TreeError, empty_root, leaf_hash, prove_consistency, prove_inclusion,
    verify_consistency, verify_inclusion,
};
use strongroom_format::hash::Digest;

/// Every size up to this one is looked at, with every index and every older size: one over a power
/// of two and one below it are among them, seven times.
const EVERY: u64 = 130;
/// Every size up to this one is tried with every proof of another index or size in the place of its
/// own.
const CROSSED: u64 = 70;
/// The widest tree that is drawn.
const WIDEST: u64 = 3_000;

/// What a log stores: its nodes, and what its root was at each size.
pub(crate) struct Nodes {
    frontier: Frontier,
    stored: HashMap<(u8, u64), Digest>,
    roots: Vec<Digest>,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self { frontier: Frontier::new(), stored: HashMap::new(), roots: vec![empty_root()] }
    }

    pub(crate) fn of(entries: &[Vec<u8>]) -> Self {
        let mut nodes = Self::new();
        for entry in entries {
            nodes.append(entry);
        }
        nodes
    }

    pub(crate) fn append(&mut self, entry: &[u8]) {
        for node in self.frontier.append(leaf_hash(entry)) {
            let old = self.stored.insert((node.level, node.index), node.hash);
            assert!(old.is_none(), "a stored node is never written again");
        }
        self.roots.push(self.frontier.root());
    }

    pub(crate) fn lookup(&self) -> impl Fn(u8, u64) -> Option<Digest> + '_ {
        |level, index| self.stored.get(&(level, index)).copied()
    }

    fn root(&self, size: u64) -> &Digest {
        &self.roots[size as usize]
    }
}

type Theirs = MemoryBackedTree<Sha256, Vec<u8>>;

/// Both implementations, fed with the same entries.
struct Pair {
    ours: Nodes,
    theirs: Theirs,
}

impl Pair {
    fn new() -> Self {
        Self { ours: Nodes::new(), theirs: Theirs::new() }
    }

    fn size(&self) -> u64 {
        self.ours.frontier.size()
    }

    fn grow_to(&mut self, size: u64) {
        for i in self.size()..size {
            self.ours.append(&entry(i));
            self.theirs.push(entry(i));
        }
    }

    fn roots_agree(&self) {
        let root = self.ours.root(self.size());
        assert_eq!(self.theirs.root().as_bytes().as_slice(), root, "{} entries", self.size());
        let loaded = Frontier::load(self.size(), self.ours.lookup()).unwrap();
        assert_eq!(loaded, self.ours.frontier);
        let kept = Frontier::kept(self.size(), loaded.peaks().to_vec()).unwrap();
        assert_eq!(kept.root(), *root);
    }

    /// Each takes the other's proof that an entry is in the whole.
    fn inclusion_agrees(&self, index: u64) -> Vec<Digest> {
        let size = self.size();
        let proof = prove_inclusion(index, size, self.ours.lookup()).unwrap();
        let theirs = self.theirs.prove_inclusion(index as usize);
        assert_eq!(theirs.as_bytes(), proof.concat(), "{index} of {size}");
        let parsed = InclusionProof::try_from_bytes(proof.concat()).unwrap();
        assert!(self.theirs.root().verify_inclusion(&entry(index), index, &parsed).is_ok());
        let (leaf, root) = (leaf_hash(&entry(index)), self.ours.root(size));
        assert_eq!(verify_inclusion(&leaf, index, size, root, &proof), Ok(()));
        proof
    }

    /// Each takes the other's proof that the whole continues its first `old` entries.
    fn consistency_agrees(&self, old: u64) -> Vec<Digest> {
        let new = self.size();
        let proof = prove_consistency(old, new, self.ours.lookup()).unwrap();
        let (old_root, new_root) = (self.ours.root(old), self.ours.root(new));
        assert_eq!(verify_consistency(old, old_root, new, new_root, &proof), Ok(()));
        if (1..new).contains(&old) {
            let theirs = self.theirs.prove_consistency((new - old) as usize);
            assert_eq!(theirs.as_bytes(), proof.concat(), "{old} to {new}");
            let parsed = ConsistencyProof::<Sha256>::try_from_bytes(proof.concat()).unwrap();
            let their_old = RootHash::<Sha256>::new((*old_root).into(), old);
            assert!(self.theirs.root().verify_consistency(&their_old, &parsed).is_ok());
        }
        proof
    }
}

fn entry(i: u64) -> Vec<u8> {
    format!("event {i}").into_bytes()
}

/// Every proof that differs a little: a flipped bit in each hash, each hash left out or said twice,
/// each of `strangers` put in at each place or in the place of a hash, two neighbours swapped.
pub(crate) fn damaged(proof: &[Digest], strangers: &[Digest]) -> Vec<Vec<Digest>> {
    let mut all = Vec::new();
    let mut change = |change: &dyn Fn(&mut Vec<Digest>)| {
        let mut changed = proof.to_vec();
        change(&mut changed);
        if changed != proof {
            all.push(changed);
        }
    };
    for i in 0..proof.len() {
        for bit in [0, 3, 100, 255] {
            change(&|p| p[i][bit / 8] ^= 1 << (bit % 8));
        }
        change(&|p| {
            p.remove(i);
        });
        change(&|p| p.insert(i, p[i]));
        change(&|p| p.truncate(i));
        change(&|p| p.swap(i, (i + 1) % proof.len()));
        for stranger in strangers {
            change(&|p| p[i] = *stranger);
        }
    }
    for i in 0..=proof.len() {
        for stranger in strangers {
            change(&|p| p.insert(i, *stranger));
        }
    }
    all
}

#[test]
fn every_small_tree_has_the_roots_and_proofs_of_the_other_implementation() {
    let mut pair = Pair::new();
    for size in 1..=EVERY {
        pair.grow_to(size);
        pair.roots_agree();
        for index in 0..size {
            pair.inclusion_agrees(index);
        }
        for old in 0..=size {
            pair.consistency_agrees(old);
        }
    }
}

#[test]
fn in_no_small_tree_does_an_entry_pass_for_another() {
    let mut pair = Pair::new();
    for size in 1..=CROSSED {
        pair.grow_to(size);
        let root = pair.ours.root(size);
        for index in 0..size {
            let proof = prove_inclusion(index, size, pair.ours.lookup()).unwrap();
            let leaf = leaf_hash(&entry(index));
            for other in 0..=size {
                let fits = verify_inclusion(&leaf, other, size, root, &proof).is_ok();
                assert_eq!(fits, other == index, "{index} as {other} of {size}");
                let strange =
                    verify_inclusion(&leaf_hash(&entry(other)), index, size, root, &proof);
                assert_eq!(strange.is_ok(), other == index, "{other} as {index} of {size}");
            }
        }
    }
}

#[test]
fn in_no_small_tree_does_a_size_pass_for_another() {
    let mut pair = Pair::new();
    for new in 1..=CROSSED {
        pair.grow_to(new);
        let new_root = pair.ours.root(new);
        for old in 1..new {
            let proof = prove_consistency(old, new, pair.ours.lookup()).unwrap();
            let old_root = pair.ours.root(old);
            for other in 1..new {
                let fits = verify_consistency(other, old_root, new, new_root, &proof).is_ok();
                assert_eq!(fits, other == old, "{old} as {other} to {new}");
                let strange = pair.ours.root(other);
                let fits = verify_consistency(old, strange, new, new_root, &proof).is_ok();
                assert_eq!(fits, other == old, "the root of {other} for {old} to {new}");
            }
            // Sizes the wrong way round, and roots.
            assert!(verify_consistency(new, old_root, old, new_root, &proof).is_err());
            assert!(verify_consistency(old, new_root, new, old_root, &proof).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn drawn_trees_have_the_roots_and_proofs_of_the_other_implementation(
        sizes in btree_set(1..=WIDEST, 1..8),
        at in any::<[prop::sample::Index; 8]>(),
    ) {
        let mut pair = Pair::new();
        for size in sizes {
            pair.grow_to(size);
            pair.roots_agree();
            for at in at {
                pair.inclusion_agrees(at.index(size as usize) as u64);
                pair.consistency_agrees(at.index(size as usize + 1) as u64);
            }
        }
    }

    #[test]
    fn no_damaged_proof_of_a_drawn_tree_is_taken(
        size in 1..=WIDEST,
        at in any::<[prop::sample::Index; 4]>(),
    ) {
        let mut pair = Pair::new();
        pair.grow_to(size);
        let root = pair.ours.root(size);
        for at in at {
            let index = at.index(size as usize) as u64;
            let leaf = leaf_hash(&entry(index));
            let proof = pair.inclusion_agrees(index);
            for wrong in damaged(&proof, &[*root, leaf, [0; 32]]) {
                prop_assert!(verify_inclusion(&leaf, index, size, root, &wrong).is_err());
            }
            let other = (index + 1) % size;
            let fits = verify_inclusion(&leaf, other, size, root, &proof).is_ok();
            prop_assert_eq!(fits, other == index);
            // A tree twice as wide, and half as wide.
            prop_assert!(verify_inclusion(&leaf, index, size * 2, root, &proof).is_err());
            prop_assert!(verify_inclusion(&leaf, index, size / 2, root, &proof).is_err());

            let old = index + 1;
            let old_root = pair.ours.root(old);
            let proof = pair.consistency_agrees(old);
            for wrong in damaged(&proof, &[*root, *old_root, [0; 32]]) {
                prop_assert!(verify_consistency(old, old_root, size, root, &wrong).is_err());
            }
            for (old, new) in [(old - 1, size), (old + 1, size), (old, size * 2), (size, old)] {
                let fits = verify_consistency(old, old_root, new, root, &proof).is_ok();
                // Nothing has to be shown for a log that had no entry, or that is the same.
                let nothing = proof.is_empty() && (old == 0 || old == new && old_root == root);
                prop_assert_eq!(fits, nothing, "{} to {}", old, new);
            }
        }
    }
}

#[test]
fn sizes_and_indices_outside_the_tree_are_refused() {
    let mut pair = Pair::new();
    pair.grow_to(5);
    let lookup = pair.ours.lookup();
    assert_eq!(prove_inclusion(5, 5, &lookup), Err(TreeError::Range));
    assert_eq!(prove_consistency(6, 5, &lookup), Err(TreeError::Range));
    assert_eq!(prove_inclusion(0, 64, &lookup), Err(TreeError::Missing));
    assert_eq!(prove_consistency(3, 64, &lookup), Err(TreeError::Missing));
    assert_eq!(Frontier::load(6, &lookup), Err(TreeError::Missing));
    let root = pair.ours.root(5);
    assert_eq!(verify_inclusion(root, 0, 0, root, &[]), Err(TreeError::Range));
    assert_eq!(verify_inclusion(root, u64::MAX, u64::MAX, root, &[]), Err(TreeError::Range));
    assert_eq!(verify_inclusion(root, 0, u64::MAX, root, &[*root; 70]), Err(TreeError::Proof));
    assert_eq!(verify_consistency(6, root, 5, root, &[]), Err(TreeError::Range));
    assert_eq!(verify_consistency(1, root, u64::MAX, root, &[*root; 70]), Err(TreeError::Proof));
    assert_eq!(Frontier::kept(5, vec![*root; 3]), Err(TreeError::Range));
    assert_eq!(Frontier::kept(0, vec![*root]), Err(TreeError::Range));
}
