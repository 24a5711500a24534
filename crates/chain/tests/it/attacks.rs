//! The rows of the attack table that the verifiers answer, by their ids. Each runs against a device
//! that starts from nothing and, where it matters, against one that has a pin.

use strongroom_chain::history::{CommitError, EnvHistory, verify};
use strongroom_chain::org::ChainError;
use strongroom_chain::signature::is_strong_signing_key;
use strongroom_format::commit::{Change, SignedCommit};
use strongroom_format::id::{EnvId, InviteId};
use strongroom_format::statement::{Body, EnvKind, EpochReason, MemberKeys, Rights, Role};

use crate::refused_commits::stocked;
use crate::world::{
    PROD, Signer, World, admin, bystander, delete, env_id, owner, place, put, secret, writer,
};

fn replay(world: &World, commits: &[SignedCommit]) -> Result<EnvHistory, CommitError> {
    verify(&world.org, PROD, commits, None)
}

/// Five commits by two people.
fn busy() -> World {
    let mut world = stocked();
    world.write(&owner(), PROD, vec![put(secret(1), 2, 5), delete(secret(2), 2)]).unwrap();
    world.write(&writer(), PROD, vec![put(secret(3), 2, 6)]).unwrap();
    world
}

#[test]
fn b08_no_commit_is_dropped_doubled_swapped_or_replayed() {
    let world = busy();
    let honest = &world.commits[&PROD];
    assert!(replay(&world, honest).is_ok());
    for i in 0..honest.len() {
        let mut doubled = honest.clone();
        doubled.insert(i, honest[i].clone());
        assert_eq!(replay(&world, &doubled).unwrap_err(), CommitError::WrongSeq, "doubled {i}");
        let mut replayed = honest.clone();
        replayed.push(honest[i].clone());
        assert_eq!(replay(&world, &replayed).unwrap_err(), CommitError::WrongSeq, "replayed {i}");
        if i + 1 < honest.len() {
            let mut dropped = honest.clone();
            dropped.remove(i);
            assert_eq!(replay(&world, &dropped).unwrap_err(), CommitError::WrongSeq, "dropped {i}");
            let mut swapped = honest.clone();
            swapped.swap(i, i + 1);
            assert_eq!(replay(&world, &swapped).unwrap_err(), CommitError::WrongSeq, "swapped {i}");
        }
    }
}

#[test]
fn b09_no_item_is_missing_or_added() {
    let world = busy();
    let head = world.commits[&PROD].last().unwrap();
    let items = world.items(PROD);
    let open = |items| EnvHistory::from_head(&world.org, PROD, head, items).map(drop);
    assert_eq!(open(items.clone()), Ok(()));
    for i in 0..items.len() {
        let mut missing = items.clone();
        missing.remove(i);
        assert_eq!(open(missing), Err(CommitError::StateRoot));
        let mut doubled = items.clone();
        doubled.insert(i, items[i].clone());
        assert_eq!(open(doubled), Err(CommitError::StateRoot));
        let mut added = items.clone();
        let mut copy = items[i].clone();
        copy.change.secret.0[15] ^= 1;
        added.push(copy);
        added.sort_by_key(|item| item.change.secret);
        assert_eq!(open(added), Err(CommitError::StateRoot));
    }
    assert_eq!(open(Vec::new()), Err(CommitError::StateRoot));
}

#[test]
fn b10_an_environment_that_nobody_created_is_refused() {
    let world = World::team();
    // Complete and well signed, but the chain does not know it.
    let commit = world.commit(&owner(), env_id(9), vec![put(secret(1), 1, 1)]);
    let signed = owner().sign_commit(commit);
    let outcome = verify(&world.org, env_id(9), std::slice::from_ref(&signed), None);
    assert_eq!(outcome.unwrap_err(), CommitError::UnknownEnv);
    let outcome = EnvHistory::from_head(&world.org, env_id(9), &signed, Vec::new());
    assert_eq!(outcome.unwrap_err(), CommitError::UnknownEnv);
    // Nor is it created by a member.
    let body = World::create_body(env_id(9), EnvKind::App, place(1), EnvId::ZERO);
    assert_eq!(world.would(&writer(), body), Err(ChainError::NotAllowed));
}

#[test]
fn b10_an_environment_holds_nothing_from_before_it_was_created() {
    let mut world = World::team();
    let early = (world.org.seq(), world.org.head());
    world.create(&owner(), env_id(2), EnvKind::App, place(1), EnvId::ZERO);
    let outcome = world.would_take(&owner(), env_id(2), vec![put(secret(1), 1, 1)], |c| {
        (c.org_seq, c.org_head) = early;
    });
    assert_eq!(outcome, Err(CommitError::UnknownEnv));
}

#[test]
fn b11_a_deleted_secret_does_not_come_back() {
    let world = busy();
    let head = world.commits[&PROD].last().unwrap();
    let mut items = world.items(PROD);
    let gone = items.iter_mut().find(|item| item.change.secret == secret(2)).unwrap();
    assert!(!gone.is_live());
    gone.change = put(secret(2), 1, 2);
    let outcome = EnvHistory::from_head(&world.org, PROD, head, items);
    assert_eq!(outcome.unwrap_err(), CommitError::StateRoot);
    // A writer may write it again, but only as a new version after the tombstone.
    let again =
        |version| world.would_take(&writer(), PROD, vec![put(secret(2), version, 2)], |_| {});
    assert_eq!(again(1), Err(CommitError::Version));
    assert_eq!(again(2), Err(CommitError::Version));
    assert_eq!(again(3), Ok(()));
    let twice = world.would_take(&writer(), PROD, vec![delete(secret(2), 3)], |_| {});
    assert_eq!(twice, Err(CommitError::NothingToDelete));
}

#[test]
fn b12_an_old_version_does_not_stand_in_a_new_state() {
    let world = busy();
    let head = world.commits[&PROD].last().unwrap();
    let mut items = world.items(PROD);
    let old: Change = world.commits[&PROD][0].commit.changes[0].clone();
    let item = items.iter_mut().find(|item| item.change.secret == old.secret).unwrap();
    assert_eq!((old.version, item.change.version), (1, 2));
    item.change = old;
    let outcome = EnvHistory::from_head(&world.org, PROD, head, items);
    assert_eq!(outcome.unwrap_err(), CommitError::StateRoot);
    for version in [0, 1, 2, 4, u64::MAX] {
        let outcome = world.would_take(&writer(), PROD, vec![put(secret(1), version, 1)], |_| {});
        assert_eq!(outcome, Err(CommitError::Version), "{version}");
    }
}

#[test]
fn b15_a_huge_position_is_refused_and_never_overflows() {
    let mut world = busy();
    for seq in [0, 1, 7, u64::MAX] {
        let outcome =
            world.would_take(&writer(), PROD, vec![put(secret(1), 3, 1)], |c| c.seq = seq);
        assert_eq!(outcome, Err(CommitError::WrongSeq), "{seq}");
        let mut statement =
            world.statement(&writer(), Body::AuditAnchor { reset: 0, size: 1, root: [1; 32] });
        statement.seq = if seq == 7 { statement.seq + 1 } else { seq };
        assert_eq!(world.push(writer().sign_link(statement)), Err(ChainError::WrongSeq), "{seq}");
    }
    // A writer and a server together show a fresh device a head at the end of all numbers. What
    // follows is refused; the past that would prove it does not exist.
    let changes = vec![put(secret(1), 3, 1)];
    let mut commit = world.commit(&writer(), PROD, changes.clone());
    commit.seq = u64::MAX;
    let last = writer().sign_commit(commit);
    let mut items = world.items(PROD);
    items.iter_mut().find(|i| i.change.secret == secret(1)).unwrap().change = changes[0].clone();
    let mut device = EnvHistory::from_head(&world.org, PROD, &last, items).unwrap();
    let next = world.commit(&writer(), PROD, vec![put(secret(1), 4, 1)]);
    for seq in [0, 1, u64::MAX] {
        let mut next = next.clone();
        (next.seq, next.prev) = (seq, last.head());
        let outcome = device.apply(&world.org, &writer().sign_commit(next));
        assert_eq!(outcome, Err(CommitError::WrongSeq));
    }
    let whole = world.verify_fresh(PROD).unwrap();
    assert_eq!(device.confirm(whole), Err(CommitError::BelowPin));
}

#[test]
fn c11_a_removed_member_writes_nothing_even_with_the_servers_help() {
    let mut world = busy();
    let writers_view = (world.org.seq(), world.org.head());
    world.say(&owner(), world.remove_body(&writer())).unwrap();
    let late = |edit: &dyn Fn(&mut strongroom_format::commit::Commit)| {
        world.would_take(&writer(), PROD, vec![put(secret(1), 3, 9)], |c| edit(c))
    };
    // With the head it saw when it was a member, and with the new one.
    let epoch = world.org.env(&PROD).unwrap().epoch_at(writers_view.0);
    assert_eq!(
        late(&|c| {
            (c.org_seq, c.org_head) = writers_view;
            c.dek_epoch = epoch;
        }),
        Err(CommitError::Cut)
    );
    assert_eq!(late(&|_| {}), Err(CommitError::UnknownAuthor));
    // What it wrote before stays valid for a device that starts from nothing.
    assert_eq!(world.verify_fresh(PROD).unwrap().seq(), 5);
    // It signs no link either.
    let anchor = Body::AuditAnchor { reset: 0, size: 1, root: [1; 32] };
    assert_eq!(world.would(&writer(), anchor), Err(ChainError::UnknownAuthor));
}

#[test]
fn c11_the_cut_holds_where_the_right_to_write_had_ended_before_the_removal() {
    let mut world = busy();
    let with_right = (world.org.seq(), world.org.head());
    world.say(&owner(), Body::EnvRevoke { env: PROD, principal: writer().who }).unwrap();
    world.say(&owner(), world.remove_body(&writer())).unwrap();
    // The commits it made when it had the right are still good ...
    assert_eq!(world.verify_fresh(PROD).unwrap().seq(), 5);
    // ... and no other can be slipped in behind them.
    let outcome = world.would_take(&writer(), PROD, vec![put(secret(1), 3, 9)], |c| {
        (c.org_seq, c.org_head) = with_right;
    });
    assert_eq!(outcome, Err(CommitError::Cut));
}

#[test]
fn c12_a_reader_neither_writes_nor_grants() {
    let mut world = busy();
    world.grant(&owner(), PROD, &bystander(), Rights::READ);
    let outcome = world.would_take(&bystander(), PROD, vec![put(secret(1), 3, 9)], |_| {});
    assert_eq!(outcome, Err(CommitError::NoRight));
    for rights in [Rights::READ, Rights::WRITE, Rights::ALL] {
        let outcome = world.would(&bystander(), World::grant_body(PROD, &bystander(), rights));
        assert_eq!(outcome, Err(ChainError::NotAllowed));
    }
    let outcome = world.would(&bystander(), world.epoch_body(PROD, EpochReason::Rotation));
    assert_eq!(outcome, Err(ChainError::NotAllowed));
}

#[test]
fn c14_adding_a_member_again_does_not_replace_its_keys() {
    let mut world = World::team();
    let invite = world.invite(&admin(), 60, Role::Member);
    let fake = writer().rekeyed(60);
    let outcome = world.would(&admin(), world.add_body(&fake, Role::Member, invite));
    assert_eq!(outcome, Err(ChainError::Duplicate));
    // Not even after it left: an id is one person for ever.
    world.say(&owner(), world.remove_body(&writer())).unwrap();
    let outcome = world.would(&admin(), world.add_body(&fake, Role::Member, invite));
    assert_eq!(outcome, Err(ChainError::Duplicate));
}

#[test]
fn c20_an_old_key_is_worth_nothing_after_its_rotation() {
    let mut world = busy();
    let old = writer();
    let new = writer().rekeyed(60);
    world.say(&old, world.rotate_body(&old, &new)).unwrap();
    let anchor = || Body::AuditAnchor { reset: 0, size: 1, root: [1; 32] };
    assert_eq!(world.would(&old, anchor()), Err(ChainError::BadSignature));
    assert_eq!(world.would(&new, anchor()), Ok(()));
    world.epoch(&new, PROD, EpochReason::Rotation);
    let all = world.reseal(PROD);
    let outcome = world.would_take(&old, PROD, all.clone(), |_| {});
    assert_eq!(outcome, Err(CommitError::BadSignature));
    world.write(&new, PROD, all).unwrap();
    // Hiding behind the chain as it was before the rotation does not help: the history has moved on.
    let stale = world.org.seq() - 2;
    let head = world.org.head_at(stale).unwrap();
    let outcome = world.would_take(&old, PROD, vec![put(secret(1), 4, 9)], |c| {
        (c.org_seq, c.org_head, c.dek_epoch) = (stale, head, 2);
    });
    assert_eq!(outcome, Err(CommitError::OrgHeadWentBack));
    // What the old key signed in its time stays good.
    assert!(world.verify_fresh(PROD).is_ok());
    // And no key comes back, neither for its owner nor for another.
    assert_eq!(world.would(&new, world.rotate_body(&new, &old)), Err(ChainError::KeyReused));
}

#[test]
fn c20_a_reset_ends_the_lost_key_and_shows() {
    let mut world = busy();
    let new = writer().rekeyed(60);
    world.say(&admin(), world.reset_body(&writer(), &new)).unwrap();
    let anchor = || Body::AuditAnchor { reset: 0, size: 1, root: [1; 32] };
    assert_eq!(world.would(&writer(), anchor()), Err(ChainError::BadSignature));
    assert_eq!(world.would(&new, anchor()), Ok(()));
    assert_eq!(world.org.member(&writer().user()).unwrap().resets, [world.org.seq()]);
    assert!(world.org.is_due(&PROD, world.now));
}

#[test]
fn d09_the_suite_does_not_go_down() {
    let world = World::team();
    for suite in [0, 1, 2, 255] {
        for signer in [owner(), admin(), writer()] {
            assert!(world.would(&signer, Body::SuiteRaise { suite }).is_err(), "{suite}");
        }
    }
    assert_eq!(world.org.suite(), 1);
}

#[test]
fn d10_an_old_state_is_refused_by_whoever_saw_a_newer_one() {
    let world = busy();
    let pin = (world.org.seq(), world.org.head());
    for n in 1..world.links.len() {
        let outcome = strongroom_chain::org::verify(&world.links[..n], world.org.org(), Some(pin));
        assert_eq!(outcome.map(drop), Err(ChainError::BelowPin), "{n}");
        // A fresh device cannot know better: an honest prefix is a valid chain.
        assert!(strongroom_chain::org::verify(&world.links[..n], world.org.org(), None).is_ok());
    }
    let pin = world.history(PROD).pin();
    for n in 0..world.commits[&PROD].len() {
        let outcome = verify(&world.org, PROD, &world.commits[&PROD][..n], Some(&pin));
        assert_eq!(outcome.map(drop), Err(CommitError::BelowPin), "{n}");
    }
}

#[test]
fn e03_nobody_can_be_framed_with_a_commit_it_did_not_sign() {
    let world = busy();
    let mut framed = world.commit(&bystander(), PROD, vec![put(secret(1), 3, 9)]);
    framed.author = writer().who;
    let signed = bystander().sign_commit(framed);
    assert_eq!(world.clone().take(signed), Err(CommitError::BadSignature));
}

/// Encodings of points of small order, canonical or not (RFC 8032, section 5.1.3; the list is that
/// of "Taming the many `EdDSAs`", table 4).
const SMALL_ORDER: [&str; 10] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

#[test]
fn f06_no_weak_key_enters_by_any_door() {
    let mut world = World::team();
    let invite: InviteId = world.invite(&owner(), 60, Role::Member);
    for hex in SMALL_ORDER {
        let weak = crate::vectors::unhex(hex);
        let key: [u8; 32] = weak.try_into().unwrap();
        assert!(!is_strong_signing_key(&key), "{hex}");
        let keys = MemberKeys { isk: key, iek: Signer::person(60).enc };
        let mut forged = [0; 64];
        forged[0] = 1;
        let user = writer().user();
        for body in [
            Body::MemberAdd {
                user: Signer::person(60).user(),
                keys,
                role: Role::Member,
                invite,
                pop: forged,
            },
            Body::KeyReset { user, keys, pop: forged },
            Body::KeyRotate { keys, by_new: forged },
        ] {
            assert_eq!(world.would(&owner(), body), Err(ChainError::WeakKey), "{hex}");
        }
        let token = Signer::token(61);
        let mut body = World::token_body(&token, Vec::new(), 0);
        if let Body::TokenIssue { sig_pub, .. } = &mut body {
            *sig_pub = key;
        }
        assert_eq!(world.would(&owner(), body), Err(ChainError::WeakKey), "{hex}");
    }
}
