//! The answers that others published for RFC 6962 trees and for signed notes.

use data_encoding::{BASE64, HEXLOWER};
use serde::Deserialize;
use strongroom_chain::signature::verifies;
use strongroom_chain::tree::{
    Frontier, TreeError, leaf_hash, prove_consistency, prove_inclusion, verify_consistency,
    verify_inclusion,
};
use strongroom_format::hash::Digest;
use strongroom_format::note::key_id;

use crate::{Nodes, damaged};

#[derive(Deserialize)]
struct Published {
    merkle: Merkle,
    note: Note,
}

#[derive(Deserialize)]
struct Merkle {
    entries: Vec<String>,
    roots: Vec<String>,
    leaf: Leaf,
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
}

#[derive(Deserialize)]
struct Leaf {
    entry: String,
    hash: String,
}

#[derive(Deserialize)]
struct Inclusion {
    index: u64,
    size: u64,
    proof: Vec<String>,
}

#[derive(Deserialize)]
struct Consistency {
    old: u64,
    new: u64,
    proof: Vec<String>,
}

#[derive(Deserialize)]
struct Note {
    text: String,
    signed: Vec<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    name: String,
    vkey: String,
    signature: String,
}

fn published() -> Published {
    serde_json::from_str(include_str!("published.json")).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn digest(text: &str) -> Digest {
    hex(text).try_into().unwrap()
}

fn digests(texts: &[String]) -> Vec<Digest> {
    texts.iter().map(|text| digest(text)).collect()
}

/// Values that the published suites put in the place of a right one.
const SOME_HASH: &str = "abacaba000000000000000000000000000000000000000000060061e00123456";

#[test]
fn roots_and_leaves_are_the_published_ones() {
    let merkle = published().merkle;
    assert_eq!(leaf_hash(&hex(&merkle.leaf.entry)), digest(&merkle.leaf.hash));
    let roots = digests(&merkle.roots);
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), roots[0]);
    for (entry, root) in merkle.entries.iter().zip(&roots[1..]) {
        frontier.append(leaf_hash(&hex(entry)));
        assert_eq!(frontier.root(), *root, "after {} entries", frontier.size());
    }
}

#[test]
fn inclusion_proofs_are_the_published_ones_and_their_corruptions_are_refused() {
    let merkle = published().merkle;
    let entries: Vec<Vec<u8>> = merkle.entries.iter().map(|entry| hex(entry)).collect();
    let nodes = Nodes::of(&entries);
    let roots = digests(&merkle.roots);
    for Inclusion { index, size, proof } in merkle.inclusion {
        let (leaf, proof) = (leaf_hash(&entries[index as usize]), digests(&proof));
        let root = roots[size as usize];
        assert_eq!(prove_inclusion(index, size, nodes.lookup()), Ok(proof.clone()));
        assert_eq!(verify_inclusion(&leaf, index, size, &root, &proof), Ok(()));
        for (index, size) in [
            (index.wrapping_sub(1), size),
            (index + 1, size),
            (index ^ 2, size),
            (index, size * 2),
            (index, size / 2),
        ] {
            let refused = verify_inclusion(&leaf, index, size, &root, &proof);
            assert!(refused.is_err(), "{index} of {size}");
        }
        for wrong in [roots[0], digest(SOME_HASH)] {
            assert!(verify_inclusion(&leaf, index, size, &wrong, &proof).is_err());
            assert!(verify_inclusion(&wrong, index, size, &root, &proof).is_err());
        }
        for wrong in damaged(&proof, &[root, leaf, roots[0], digest(SOME_HASH)]) {
            assert!(verify_inclusion(&leaf, index, size, &root, &wrong).is_err());
        }
    }
}

#[test]
fn consistency_proofs_are_the_published_ones_and_their_corruptions_are_refused() {
    let merkle = published().merkle;
    let entries: Vec<Vec<u8>> = merkle.entries.iter().map(|entry| hex(entry)).collect();
    let nodes = Nodes::of(&entries);
    let roots = digests(&merkle.roots);
    for Consistency { old, new, proof } in merkle.consistency {
        let proof = digests(&proof);
        let (old_root, new_root) = (roots[old as usize], roots[new as usize]);
        assert_eq!(prove_consistency(old, new, nodes.lookup()), Ok(proof.clone()));
        assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
        if proof.is_empty() {
            continue;
        }
        for (old, new) in
            [(old - 1, new), (old + 1, new), (old ^ 2, new), (old, new * 2), (old, new / 2)]
        {
            let refused = verify_consistency(old, &old_root, new, &new_root, &proof);
            assert!(refused.is_err(), "{old} to {new}");
        }
        assert!(verify_consistency(old, &new_root, new, &old_root, &proof).is_err());
        assert!(verify_consistency(old, &digest(SOME_HASH), new, &new_root, &proof).is_err());
        assert!(verify_consistency(old, &old_root, new, &digest(SOME_HASH), &proof).is_err());
        assert!(verify_consistency(old, &old_root, new, &new_root, &[]).is_err());
        for wrong in damaged(&proof, &[old_root, new_root, proof[0], digest(SOME_HASH)]) {
            assert!(verify_consistency(old, &old_root, new, &new_root, &wrong).is_err());
        }
    }
}

/// The edge cases of `TestVerifyConsistency`: sizes that hardly exist.
#[test]
fn what_is_consistent_without_a_proof_is_what_others_take_for_it() {
    let (one, other, empty) = ([1; 32], [2; 32], digest(&published().merkle.roots[0]));
    for (old, new, old_root, new_root, proof, expected) in [
        (0, 0, one, other, &[][..], Err(TreeError::Proof)),
        (1, 1, one, other, &[], Err(TreeError::Proof)),
        (0, 0, one, one, &[], Ok(())),
        (0, 1, one, other, &[], Ok(())),
        (1, 1, other, other, &[], Ok(())),
        (1, 0, one, other, &[], Err(TreeError::Range)),
        (2, 1, one, other, &[], Err(TreeError::Range)),
        (1, 2, one, other, &[], Err(TreeError::Proof)),
        (0, 0, empty, other, &[], Err(TreeError::Proof)),
        (1, 1, empty, other, &[], Err(TreeError::Proof)),
        (0, 0, empty, empty, &[empty], Err(TreeError::Proof)),
        (0, 1, empty, empty, &[empty], Err(TreeError::Proof)),
        (1, 1, empty, empty, &[empty], Err(TreeError::Proof)),
    ] {
        let found = verify_consistency(old, &old_root, new, &new_root, proof);
        assert_eq!(found, expected, "{old} to {new}");
    }
}

#[test]
fn a_notes_key_id_and_signature_are_those_of_the_first_implementation() {
    let note = published().note;
    for Signed { name, vkey, signature } in note.signed {
        let vkey = BASE64.decode(vkey.as_bytes()).unwrap();
        let (kind, key) = vkey.split_first().unwrap();
        assert_eq!(*kind, 1, "Ed25519");
        let key = key.try_into().unwrap();
        let signed = BASE64.decode(signature.as_bytes()).unwrap();
        assert_eq!(key_id(&name, &key), signed[..4], "{name}");
        let signature: [u8; 64] = signed[4..].try_into().unwrap();
        assert!(verifies(&key, note.text.as_bytes(), &signature), "{name}");
        assert!(!verifies(&key, note.text.trim_end().as_bytes(), &signature), "{name}");
    }
}
