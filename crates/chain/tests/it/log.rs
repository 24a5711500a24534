//! What the chain says of the audit log: anchors, retention and new logs.

use strongroom_chain::org::ChainError;
use strongroom_format::hash::ZERO;
use strongroom_format::pins::AuditPin;
use strongroom_format::statement::{Body, RETENTION_STEP};

use crate::world::{Signer, World, admin, digest, owner, reviewer, writer};

fn anchor(reset: u32, size: u64, root: u8) -> Body {
    Body::AuditAnchor { reset, size, root: digest(root) }
}

fn retention(reset: u32, size: u64, root: u8) -> Body {
    Body::AuditRetention { reset, size, root: digest(root) }
}

fn reset(old_reset: u32) -> Body {
    let audit_vkey = Signer::person(0xfb).keys().isk;
    Body::AuditReset { old_reset, size: 10, root: digest(1), audit_vkey }
}

#[test]
fn anchors_go_forward_and_a_new_log_is_an_owners_act() {
    let mut world = World::team();
    world.say(&writer(), anchor(0, 10, 1)).unwrap();
    for (body, outcome) in [
        (anchor(0, 10, 1), Ok(())),
        (anchor(0, 11, 2), Ok(())),
        (anchor(0, 10, 2), Err(ChainError::AuditBackwards)),
        (anchor(0, 9, 1), Err(ChainError::AuditBackwards)),
        (anchor(1, 11, 1), Err(ChainError::AuditBackwards)),
    ] {
        assert_eq!(world.would(&reviewer(), body), outcome);
    }
    let reset = |old_reset, vkey| Body::AuditReset {
        old_reset,
        size: 10,
        root: digest(1),
        audit_vkey: vkey,
    };
    let vkey = Signer::person(0xfb).keys().isk;
    assert_eq!(world.would(&owner(), reset(1, vkey)), Err(ChainError::AuditBackwards));
    assert_eq!(world.would(&owner(), reset(0, [0; 32])), Err(ChainError::WeakKey));
    world.say(&owner(), reset(0, vkey)).unwrap();
    assert_eq!((world.org.audit_reset(), world.org.audit_anchor().size), (1, 0));
    assert_eq!(*world.org.audit_vkey(), vkey);
    assert_eq!(world.would(&writer(), anchor(0, 11, 1)), Err(ChainError::AuditBackwards));
    assert_eq!(world.would(&writer(), anchor(1, 1, 1)), Ok(()));
}

#[test]
fn retention_is_an_owners_goes_forward_in_whole_steps_and_has_the_root_of_the_anchor() {
    const STEP: u64 = RETENTION_STEP;
    let mut world = World::team();
    let none = AuditPin { reset: 0, size: 0, root: ZERO };
    assert_eq!(*world.org.audit_retained(), none);
    world.say(&writer(), anchor(0, 3 * STEP, 3)).unwrap();
    world.say(&owner(), retention(0, 2 * STEP, 2)).unwrap();
    let kept = AuditPin { reset: 0, size: 2 * STEP, root: digest(2) };
    assert_eq!(*world.org.audit_retained(), kept);
    for (body, outcome) in [
        (retention(0, 2 * STEP, 2), Err(ChainError::AuditBackwards)),
        (retention(0, STEP, 1), Err(ChainError::AuditBackwards)),
        (retention(1, 4 * STEP, 4), Err(ChainError::AuditBackwards)),
        (retention(0, 3 * STEP, 9), Err(ChainError::AuditBackwards)),
        (retention(0, 4 * STEP - 1, 4), Err(ChainError::RetentionStep)),
        (retention(0, 4 * STEP + 1, 4), Err(ChainError::RetentionStep)),
        (retention(0, 3 * STEP, 3), Ok(())),
        // Behind the newest anchor: whether it is the log's root is for whoever has the log.
        (retention(0, 4 * STEP, 4), Ok(())),
    ] {
        assert_eq!(world.would(&owner(), body.clone()), outcome, "{body:?}");
    }
    for signer in [admin(), writer(), reviewer()] {
        assert_eq!(world.would(&signer, retention(0, 3 * STEP, 3)), Err(ChainError::NotAllowed));
    }
    assert_eq!(world.would(&owner(), retention(0, 0, 0)), Err(ChainError::AuditBackwards));
}

#[test]
fn an_anchor_has_the_root_of_the_retention_at_its_size() {
    let mut world = World::team();
    world.say(&owner(), retention(0, RETENTION_STEP, 1)).unwrap();
    let anchored = |root| world.would(&writer(), anchor(0, RETENTION_STEP, root));
    assert_eq!(anchored(2), Err(ChainError::AuditBackwards));
    assert_eq!(anchored(1), Ok(()));
}

#[test]
fn of_a_new_log_every_entry_is_kept_until_an_owner_says_otherwise_again() {
    let mut world = World::team();
    world.say(&owner(), retention(0, 2 * RETENTION_STEP, 2)).unwrap();
    world.say(&owner(), reset(0)).unwrap();
    assert_eq!(*world.org.audit_retained(), AuditPin { reset: 1, size: 0, root: ZERO });
    let again = retention(0, 3 * RETENTION_STEP, 3);
    assert_eq!(world.would(&owner(), again), Err(ChainError::AuditBackwards));
    // Also one of fewer entries: it is another log.
    assert_eq!(world.would(&owner(), retention(1, RETENTION_STEP, 1)), Ok(()));
}

#[test]
fn the_place_of_a_head_is_found_and_a_foreign_one_is_not() {
    let world = World::team();
    for seq in 0..=world.org.seq() {
        assert_eq!(world.org.seq_of(&world.org.head_at(seq).unwrap()), Some(seq));
    }
    assert_eq!(world.org.seq_of(&digest(9)), None);
    assert_eq!(world.org.seq_of(&ZERO), None);
}
