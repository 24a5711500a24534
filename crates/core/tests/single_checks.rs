//! Checks of the copy behind which another one often stands: each is reached alone here, so that
//! taking it away shows (scripts/faults).
#![expect(clippy::unwrap_used, reason = "a broken fixture should fail loudly")]

use std::sync::Arc;

use strongroom_core::pen::{Founding, Pen};
use strongroom_core::replica::{Me, Replica, ReplicaError};
use strongroom_crypto::safe::{IdentityKey, Keyset, RepeatableEntropy};
use strongroom_format::id::UserId;
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::Pins;

const NOW: u64 = 1_790_000_000_000;

fn founded(entropy: &mut RepeatableEntropy) -> (Replica, IdentityKey) {
    let server = IdentityKey::make(entropy).unwrap();
    let founding = Founding {
        organisation: "Acme".into(),
        person: "Mara Lind".into(),
        sample: false,
        audit_vkey: server.public(),
    };
    let me = Arc::new(Me::person(UserId([7; 16]), Keyset::make(entropy).unwrap()));
    (Pen::found(me, &founding, entropy, NOW).unwrap().finish().0, server)
}

#[test]
fn other_keys_than_those_of_the_chain_are_not_mine() {
    let mut entropy = RepeatableEntropy::new(1);
    let (replica, _) = founded(&mut entropy);
    assert_eq!(replica.require_mine(), Ok(()));
    let state = replica.state();
    let links: Vec<Vec<u8>> =
        (0..=state.seq()).map(|n| replica.link(n).unwrap().as_bytes().to_vec()).collect();
    for user in [UserId([7; 16]), UserId([8; 16])] {
        let other = Arc::new(Me::person(user, Keyset::make(&mut entropy).unwrap()));
        let mut device = Replica::start(other, state.org(), &links[0]).unwrap();
        device.take_links(&links).unwrap();
        assert_eq!(device.require_mine(), Err(ReplicaError::NotMine));
    }
}

#[test]
fn a_checkpoint_goes_forward_and_is_signed_by_the_log() {
    let mut entropy = RepeatableEntropy::new(2);
    let (mut replica, server) = founded(&mut entropy);
    let org = replica.state().org();
    let note = |key: &IdentityKey, size, root| {
        let checkpoint = Checkpoint { org, reset: 0, size, root: [root; 32] };
        checkpoint.note(&server.public(), &key.sign(checkpoint.text().as_bytes()))
    };
    let first = note(&server, 10, 1);
    let checkpoint = replica.check_checkpoint(&first).unwrap();
    replica.set_audit(&checkpoint, &first);
    assert!(replica.check_checkpoint(&first).is_ok());
    assert!(replica.check_checkpoint(&note(&server, 11, 2)).is_ok());
    let other = IdentityKey::make(&mut entropy).unwrap();
    for bad in [note(&server, 9, 1), note(&server, 10, 2), note(&other, 11, 2)] {
        assert_eq!(replica.check_checkpoint(&bad), Err(ReplicaError::Checkpoint));
    }
}

#[test]
fn every_part_of_the_pins_holds_alone() {
    let (replica, _) = founded(&mut RepeatableEntropy::new(3));
    let pins = replica.pins(1);
    let check = |edit: fn(&mut Pins)| {
        let mut pins = pins.clone();
        edit(&mut pins);
        replica.require_pins(&pins)
    };
    assert_eq!(check(|_| {}), Ok(()));
    assert_eq!(check(|p| p.org_seq += 1), Err(ReplicaError::RolledBack));
    assert_eq!(check(|p| p.org_head[0] ^= 1), Err(ReplicaError::Forked));
    assert_eq!(check(|p| p.audit.size += 1), Err(ReplicaError::RolledBack));
    assert_eq!(check(|p| p.audit.root[0] ^= 1), Err(ReplicaError::Forked));
    assert_eq!(check(|p| p.audit.reset += 1), Err(ReplicaError::RolledBack));
    assert_eq!(check(|p| p.envs[0].seq += 1), Err(ReplicaError::RolledBack));
    assert_eq!(check(|p| p.envs[0].head[0] ^= 1), Err(ReplicaError::Forked));
    assert_eq!(check(|p| p.envs[0].env.0[0] ^= 1), Err(ReplicaError::RolledBack));
    // What a device knew less of contradicts nothing.
    assert_eq!(check(|p| (p.envs[0].seq, p.envs[0].head) = (0, [9; 32])), Ok(()));
}
