//! No single bit of a link or a commit can be turned (goal P2), and every object has one encoding
//! (attack D11).

use strongroom_chain::history::EnvHistory;
use strongroom_chain::org::OrgState;
use strongroom_format::commit::SignedCommit;
use strongroom_format::encoding::{Codec, DecodeError};
use strongroom_format::statement::{Link, Statement};

use crate::world::{PROD, World, delete, put, secret, writer};

fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

#[test]
fn no_bit_of_a_link_can_be_turned() {
    // Every link type that the honest world has.
    let world = World::team();
    let mut state = OrgState::found(&world.links[0]).unwrap();
    let mut tried = 0;
    for link in &world.links[1..] {
        for flipped in flips(link.as_bytes()) {
            tried += 1;
            let Ok(flipped) = Link::parse(&flipped) else { continue };
            assert!(state.apply(&flipped).is_err());
        }
        state.apply(link).unwrap();
    }
    assert_eq!(state.head(), world.org.head());
    assert!(tried > 20_000, "{tried}");
}

#[test]
fn no_bit_of_a_genesis_can_be_turned() {
    let world = World::team();
    for flipped in flips(world.links[0].as_bytes()) {
        let Ok(flipped) = Link::parse(&flipped) else { continue };
        assert!(strongroom_chain::org::verify(&[flipped], world.org.org(), None).is_err());
    }
}

#[test]
fn no_bit_of_a_commit_can_be_turned() {
    let mut world = World::team();
    let first = vec![put(secret(1), 1, 1), put(secret(2), 1, 1)];
    let sorted = |mut changes: Vec<strongroom_format::commit::Change>| {
        changes.sort_by_key(|change| change.secret);
        changes
    };
    world.write(&writer(), PROD, sorted(first)).unwrap();
    let second = vec![put(secret(1), 2, 1), delete(secret(2), 2), put(secret(3), 1, 3)];
    world.write(&writer(), PROD, sorted(second)).unwrap();
    let items = world.items(PROD);
    let mut history = EnvHistory::new(world.org.org(), PROD);
    for (n, commit) in world.commits[&PROD].iter().enumerate() {
        for flipped in flips(commit.as_bytes()) {
            let Ok(flipped) = SignedCommit::parse(&flipped) else { continue };
            assert!(history.apply(&world.org, &flipped).is_err());
            if n == 1 {
                let from_head = EnvHistory::from_head(&world.org, PROD, &flipped, items.clone());
                assert!(from_head.is_err());
            }
        }
        history.apply(&world.org, commit).unwrap();
    }
}

#[test]
fn a_link_or_commit_with_a_byte_more_or_less_is_refused() {
    let mut world = World::team();
    world.write(&writer(), PROD, vec![put(secret(1), 1, 1)]).unwrap();
    let commit = world.commits[&PROD][0].as_bytes().to_vec();
    for link in &world.links {
        let bytes = link.as_bytes();
        for n in 0..bytes.len() {
            assert!(Link::parse(&bytes[..n]).is_err(), "{n}");
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert!(Link::parse(&longer).is_err());
        // A byte between statement and signature.
        let mut inside = bytes.to_vec();
        inside.insert(bytes.len() - 64, 0);
        assert_eq!(Link::parse(&inside).map(drop), Err(DecodeError::Trailing));
        assert_eq!(Statement::decode(link.signed_bytes()).unwrap().encode(), link.signed_bytes());
    }
    for n in 0..commit.len() {
        assert!(SignedCommit::parse(&commit[..n]).is_err(), "{n}");
    }
    let mut longer = commit;
    longer.push(0);
    assert!(SignedCommit::parse(&longer).is_err());
}
