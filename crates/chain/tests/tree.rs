//! The Merkle tree against an independent implementation (`ct-merkle`).
#![expect(
    clippy::cast_possible_truncation,
    reason = "a broken fixture should fail loudly; test trees are small"
)]

use std::collections::HashMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;
use strongroom_chain::tree::{
    Frontier, TreeError, empty_root, leaf_hash, prove_consistency, prove_inclusion,
    verify_consistency, verify_inclusion,
};
use strongroom_format::hash::Digest;

/// Both implementations, fed with the same entries.
struct Pair {
    ours: Frontier,
    nodes: HashMap<(u8, u64), Digest>,
    roots: Vec<Digest>,
    theirs: MemoryBackedTree<Sha256, Vec<u8>>,
}

impl Pair {
    fn of(size: u64) -> Self {
        let mut pair = Self {
            ours: Frontier::new(),
            nodes: HashMap::new(),
            roots: vec![empty_root()],
            theirs: MemoryBackedTree::new(),
        };
        for i in 0..size {
            let entry = entry(i);
            for node in pair.ours.append(leaf_hash(&entry)) {
                let old = pair.nodes.insert((node.level, node.index), node.hash);
                assert!(old.is_none(), "a stored node is never written again");
            }
            pair.roots.push(pair.ours.root());
            pair.theirs.push(entry);
        }
        pair
    }

    fn lookup(&self) -> impl Fn(u8, u64) -> Option<Digest> + '_ {
        |level, index| self.nodes.get(&(level, index)).copied()
    }
}

fn entry(i: u64) -> Vec<u8> {
    format!("event {i}").into_bytes()
}

fn flat(proof: &[Digest]) -> Vec<u8> {
    proof.concat()
}

#[test]
fn the_roots_are_those_of_the_other_implementation() {
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let pair = Pair::of(300);
    for size in 1..=300u64 {
        theirs.push(entry(size - 1));
        assert_eq!(theirs.root().as_bytes().as_slice(), pair.roots[size as usize]);
        let loaded = Frontier::load(size, pair.lookup()).unwrap();
        assert_eq!(loaded.root(), pair.roots[size as usize]);
    }
    assert_eq!(Frontier::new().root(), empty_root());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn inclusion_proofs_agree_and_no_other_entry_passes(size in 1u64..200, at: prop::sample::Index) {
        let pair = Pair::of(size);
        let index = at.index(size as usize) as u64;
        let proof = prove_inclusion(index, size, pair.lookup()).unwrap();
        let theirs = pair.theirs.prove_inclusion(index as usize);
        prop_assert_eq!(theirs.as_bytes().to_vec(), flat(&proof));

        let root = pair.ours.root();
        let leaf = leaf_hash(&entry(index));
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &root, &proof), Ok(()));
        let parsed = InclusionProof::try_from_bytes(flat(&proof)).unwrap();
        prop_assert!(pair.theirs.root().verify_inclusion(&entry(index), index, &parsed).is_ok());

        for other in 0..size {
            let fits = verify_inclusion(&leaf, other, size, &root, &proof).is_ok();
            prop_assert_eq!(fits, other == index);
        }
        prop_assert!(verify_inclusion(&leaf_hash(b"no"), index, size, &root, &proof).is_err());
        for broken in damaged(&proof) {
            prop_assert!(verify_inclusion(&leaf, index, size, &root, &broken).is_err());
        }
    }

    #[test]
    fn consistency_proofs_agree_and_no_other_history_passes(new in 1u64..200, at: prop::sample::Index) {
        let pair = Pair::of(new);
        let old = at.index(new as usize) as u64 + 1;
        let proof = prove_consistency(old, new, pair.lookup()).unwrap();
        let (old_root, new_root) = (pair.roots[old as usize], pair.roots[new as usize]);
        prop_assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));

        if old < new {
            let theirs = pair.theirs.prove_consistency((new - old) as usize);
            prop_assert_eq!(theirs.as_bytes().to_vec(), flat(&proof));
            let parsed = ConsistencyProof::<Sha256>::try_from_bytes(flat(&proof)).unwrap();
            let their_old = RootHash::<Sha256>::new(old_root.into(), old);
            prop_assert!(pair.theirs.root().verify_consistency(&their_old, &parsed).is_ok());
        }
        prop_assert!(verify_consistency(old, &[7; 32], new, &new_root, &proof).is_err());
        prop_assert!(verify_consistency(old, &old_root, new, &[7; 32], &proof).is_err());
        for broken in damaged(&proof) {
            prop_assert!(verify_consistency(old, &old_root, new, &new_root, &broken).is_err());
        }
    }
}

/// Every proof that differs a little: a flipped bit, a node less, a node more.
fn damaged(proof: &[Digest]) -> Vec<Vec<Digest>> {
    let mut all = Vec::new();
    for i in 0..proof.len() {
        let mut flipped = proof.to_vec();
        flipped[i][0] ^= 1;
        all.push(flipped);
        let mut shorter = proof.to_vec();
        shorter.remove(i);
        all.push(shorter);
    }
    let mut longer = proof.to_vec();
    longer.push([0; 32]);
    all.push(longer);
    all
}

#[test]
fn sizes_and_indices_outside_the_tree_are_refused() {
    let pair = Pair::of(5);
    let lookup = pair.lookup();
    assert_eq!(prove_inclusion(5, 5, &lookup), Err(TreeError::Range));
    assert_eq!(prove_consistency(6, 5, &lookup), Err(TreeError::Range));
    assert_eq!(prove_inclusion(0, 64, &lookup), Err(TreeError::Missing));
    let root = pair.ours.root();
    assert_eq!(verify_inclusion(&root, 0, 0, &root, &[]), Err(TreeError::Range));
    assert_eq!(verify_consistency(6, &root, 5, &root, &[]), Err(TreeError::Range));
    assert_eq!(verify_consistency(0, &root, 5, &root, &[]), Ok(()));
    assert_eq!(verify_consistency(0, &root, 5, &root, &[root]), Err(TreeError::Proof));
}
