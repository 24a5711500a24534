//! The finer rules: data keys, ends of rights, compositions, questions about the past,
//! and holes that were found by attack and closed.

use strongroom_chain::history::{CommitError, EnvHistory};
use strongroom_chain::org::ChainError;
use strongroom_format::commit::{Change, MAX_ITEMS, SignedCommit};
use strongroom_format::id::{EnvId, SecretId, TokenId, UserId};
use strongroom_format::statement::{Body, EnvKind, EnvRight, EpochReason, Policy, Rights, Role};

use crate::refused_commits::stocked;
use crate::refused_links::composed;
use crate::world::{
    DAY, DIRECTORY, EpochEdit, PROD, Signer, World, admin, bystander, delete, digest, env_id,
    owner, place, put, reviewer, secret, writer,
};

type Way = fn(&mut World);

// ---- data keys ----------------------------------------------------------------------------

#[test]
fn every_way_out_makes_a_new_data_key_due() {
    let lapsing = |world: &mut World| {
        let not_after = world.now + DAY;
        let rights = Rights::READ;
        world
            .say(
                &owner(),
                Body::EnvGrant { env: PROD, principal: bystander().who, rights, not_after },
            )
            .unwrap();
        let right = EnvRight { env: PROD, rights: Rights::ALL, not_after: 0 };
        world.say(&owner(), World::token_body(&Signer::token(70), vec![right], 0)).unwrap();
        world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
        world.write(&owner(), PROD, vec![put(secret(1), 2, 7)]).unwrap();
    };
    let mut base = stocked();
    lapsing(&mut base);
    let ways: [(&str, Way); 9] = [
        ("removal", |w| w.say(&owner(), w.remove_body(&writer())).unwrap()),
        ("leaving", |w| w.say(&writer(), w.remove_body(&writer())).unwrap()),
        ("revoke", |w| {
            w.say(&owner(), Body::EnvRevoke { env: PROD, principal: writer().who }).unwrap();
        }),
        ("downgrade", |w| w.grant(&owner(), PROD, &writer(), Rights::WRITE)),
        ("becoming a reviewer", |w| {
            let body = Body::MemberRole { user: writer().user(), role: Role::Reviewer };
            w.say(&owner(), body).unwrap();
        }),
        ("rotated keys", |w| {
            w.say(&writer(), w.rotate_body(&writer(), &writer().rekeyed(90))).unwrap();
        }),
        ("reset keys", |w| {
            w.say(&owner(), w.reset_body(&writer(), &writer().rekeyed(90))).unwrap();
        }),
        ("revoked token", |w| {
            let token = TokenId([70; 16]);
            w.say(&owner(), Body::TokenRevoke { token }).unwrap();
        }),
        ("lapsed grant", |w| w.now += 2 * DAY),
    ];
    for (way, act) in ways {
        let mut world = base.clone();
        assert!(!world.org.is_due(&PROD, world.now), "{way}");
        act(&mut world);
        assert!(world.org.is_due(&PROD, world.now), "{way}");
        for reason in [EpochReason::ReaderAdded, EpochReason::First] {
            let outcome = world.would(&owner(), world.epoch_body(PROD, reason));
            assert_eq!(outcome, Err(ChainError::EpochReason), "{way}");
        }
        if way != "lapsed grant" {
            let outcome = world.would_take(&owner(), PROD, vec![put(secret(2), 2, 8)], |_| {});
            assert_eq!(outcome, Err(CommitError::Due), "{way}");
        }
        world.epoch(&owner(), PROD, EpochReason::Rotation);
        assert!(!world.org.is_due(&PROD, world.now), "{way}");
        // A data key for a new reader right behind it does not save the work of sealing anew.
        world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
        let all = world.reseal(PROD);
        for partial in [all[..2].to_vec(), vec![put(secret(9), 1, 1)], Vec::new()] {
            let outcome = world.would_take(&owner(), PROD, partial, |_| {});
            assert_eq!(outcome, Err(CommitError::NotResealed), "{way}");
        }
        let mut with_deletion = all.clone();
        with_deletion[0] = delete(all[0].secret, all[0].version);
        let outcome = world.would_take(&owner(), PROD, with_deletion, |_| {});
        assert_eq!(outcome, Err(CommitError::NotResealed), "{way}");
        assert_eq!(world.write(&owner(), PROD, all), Ok(()), "{way}");
        assert_eq!(world.write(&owner(), PROD, vec![put(secret(9), 1, 1)]), Ok(()), "{way}");
        assert!(world.verify_fresh(PROD).is_ok(), "{way}");
    }
}

/// Signed under the data key and head of the chain as they are now, and kept back.
fn kept_back(world: &World, author: &Signer) -> SignedCommit {
    author.sign_commit(world.commit(author, PROD, vec![put(secret(2), 2, 0x66)]))
}

#[test]
fn whoever_loses_a_data_key_in_any_way_writes_nothing_behind_the_next_ones_cut() {
    let token = Signer::token(70);
    let both = Rights::READ.with(Rights::WRITE);
    let ways: [(&str, Signer, Way); 6] = [
        ("revoke", writer(), |w| {
            w.say(&owner(), Body::EnvRevoke { env: PROD, principal: writer().who }).unwrap();
        }),
        ("a grant without write", writer(), |w| w.grant(&owner(), PROD, &writer(), Rights::READ)),
        ("new keys", writer(), |w| {
            w.say(&writer(), w.rotate_body(&writer(), &writer().rekeyed(90))).unwrap();
        }),
        ("reset keys", writer(), |w| {
            w.say(&owner(), w.reset_body(&writer(), &writer().rekeyed(90))).unwrap();
        }),
        ("a revoked token", token.clone(), |w| {
            w.say(&owner(), Body::TokenRevoke { token: TokenId([70; 16]) }).unwrap();
        }),
        ("a grant that lapsed", bystander(), |w| w.now += 2 * DAY),
    ];
    let mut base = stocked();
    let right = EnvRight { env: PROD, rights: both, not_after: 0 };
    base.say(&owner(), World::token_body(&token, vec![right], 0)).unwrap();
    let (principal, not_after) = (bystander().who, base.now + DAY);
    let grant = Body::EnvGrant { env: PROD, principal, rights: both, not_after };
    base.say(&owner(), grant).unwrap();
    base.epoch(&owner(), PROD, EpochReason::ReaderAdded);
    base.write(&owner(), PROD, vec![put(secret(1), 2, 1)]).unwrap();
    for (way, who, lose) in ways {
        let mut world = base.clone();
        let late = kept_back(&world, &who);
        lose(&mut world);
        // Until somebody makes the new key, nothing says where the old one ends.
        assert_eq!(world.clone().take(late.clone()), Ok(()), "{way}");
        world.epoch(&owner(), PROD, EpochReason::Rotation);
        assert_eq!(world.clone().take(late.clone()), Err(CommitError::Cut), "{way}");
        // A fresh device that is shown only the late commit and its items.
        let mut items = world.items(PROD);
        let changed = items.iter_mut().find(|item| item.change.secret == secret(2)).unwrap();
        changed.change = put(secret(2), 2, 0x66);
        let fresh = EnvHistory::from_head(&world.org, PROD, &late, items);
        assert_eq!(fresh.map(drop), Err(CommitError::Cut), "{way}");
        let all = world.reseal(PROD);
        assert_eq!(world.write(&owner(), PROD, all), Ok(()), "{way}");
        assert!(world.verify_fresh(PROD).is_ok(), "{way}");
    }
}

#[test]
fn a_device_that_took_a_commit_before_it_was_cut_off_sees_it_afterwards() {
    let mut world = stocked();
    let mut device = world.history(PROD);
    let late = kept_back(&world, &writer());
    device.apply(&world.org, &late).unwrap();
    assert_eq!(device.require_cuts(&world.org), Ok(()));
    world.epoch(&owner(), PROD, EpochReason::Rotation);
    assert_eq!(device.require_cuts(&world.org), Err(CommitError::Cut));
    assert_eq!(world.history(PROD).require_cuts(&world.org), Ok(()));
    // Where the chain names another commit at the same place, and where it names a later one.
    let mut forked = world.clone();
    let other = forked.commit(&owner(), PROD, forked.reseal(PROD));
    forked.take(owner().sign_commit(other)).unwrap();
    let all = world.reseal(PROD);
    world.write(&owner(), PROD, all).unwrap();
    let behind = forked.clone();
    world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
    let forked = forked.history(PROD).require_cuts(&world.org);
    assert_eq!(forked, Err(CommitError::CutForked));
    world.write(&owner(), PROD, vec![put(secret(7), 1, 1)]).unwrap();
    world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
    let behind = behind.history(PROD).require_cuts(&world.org);
    assert_eq!(behind, Err(CommitError::CutForked));
}

#[test]
fn every_data_keys_cut_names_one_history_for_ever() {
    let mut world = stocked();
    let before = world.clone();
    world.write(&writer(), PROD, vec![put(secret(1), 2, 1)]).unwrap();
    world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
    world.write(&writer(), PROD, vec![put(secret(1), 3, 1)]).unwrap();
    world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
    let mut fork = before;
    fork.org = world.org.clone();
    let mut other = fork.commit(&writer(), PROD, vec![put(secret(1), 2, 2)]);
    (other.org_seq, other.dek_epoch) = (world.org.seq() - 2, 2);
    other.org_head = world.org.head_at(other.org_seq).unwrap();
    let outcome = fork.take(writer().sign_commit(other));
    assert_eq!(outcome, Err(CommitError::CutForked), "the cut before the last one counts too");
}

#[test]
fn the_cuts_of_data_keys_go_forward() {
    let mut world = stocked();
    let first = |edit: fn(EpochEdit<'_>)| {
        let mut world = World::founded();
        let body = World::create_body(PROD, EnvKind::App, place(1), EnvId::ZERO);
        world.say(&owner(), body).unwrap();
        world.would(&owner(), world.edited_epoch(PROD, EpochReason::First, edit))
    };
    assert_eq!(first(|_| {}), Ok(()));
    assert_eq!(first(|e| *e.cut_seq = 1), Err(ChainError::EpochCut));
    assert_eq!(first(|e| *e.cut_head = digest(1)), Err(ChainError::EpochCut));
    assert_eq!(first(|e| (*e.cut_seq, *e.cut_head) = (1, digest(1))), Err(ChainError::EpochCut));
    world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
    let next = |world: &World, edit: fn(EpochEdit<'_>)| {
        world.would(&owner(), world.edited_epoch(PROD, EpochReason::ReaderAdded, edit))
    };
    assert_eq!(next(&world, |_| {}), Ok(()), "nothing was written in between");
    assert_eq!(next(&world, |e| *e.cut_head = digest(1)), Err(ChainError::EpochCut));
    assert_eq!(next(&world, |e| *e.cut_seq -= 1), Err(ChainError::EpochCut));
    assert_eq!(
        next(&world, |e| (*e.cut_seq, *e.cut_head) = (0, [0; 32])),
        Err(ChainError::EpochCut)
    );
    world.write(&writer(), PROD, vec![put(secret(1), 2, 1)]).unwrap();
    assert_eq!(next(&world, |_| {}), Ok(()));
    assert_eq!(next(&world, |e| *e.cut_head = [0; 32]), Err(ChainError::EpochCut));
}

#[test]
fn the_recipients_are_exactly_the_readers() {
    let world = World::team();
    let with = |wraps| world.edited_epoch(PROD, EpochReason::Rotation, |e| *e.wraps = wraps);
    let Body::DekEpoch { wraps, .. } = world.epoch_body(PROD, EpochReason::Rotation) else {
        panic!()
    };
    assert_eq!(wraps.len(), 2);
    assert_eq!(world.would(&owner(), with(wraps.clone())), Ok(()));
    for wrong in [vec![wraps[0]], vec![wraps[1]], vec![], vec![wraps[0], wraps[0], wraps[1]]] {
        assert_eq!(world.would(&owner(), with(wrong)), Err(ChainError::Recipients));
    }
    let mut swapped = wraps.clone();
    swapped[1].recipient = bystander().who;
    assert_eq!(world.would(&owner(), with(swapped)), Err(ChainError::Recipients));
    // A reader whose time is over is none.
    let mut world = world;
    let not_after = world.now + DAY;
    let rights = Rights::READ;
    let grant = Body::EnvGrant { env: PROD, principal: bystander().who, rights, not_after };
    world.say(&owner(), grant).unwrap();
    assert_eq!(world.org.readers(&PROD, not_after).len(), 3);
    assert_eq!(world.org.readers(&PROD, not_after + 1).len(), 2);
    let with_bystander = world.epoch_body(PROD, EpochReason::ReaderAdded);
    assert_eq!(world.would(&owner(), with_bystander.clone()), Ok(()));
    world.now += 2 * DAY;
    assert_eq!(world.would(&owner(), with_bystander), Err(ChainError::Recipients));
}

#[test]
fn a_directory_too_large_for_one_commit_is_sealed_anew_in_full_ones() {
    let mut world = World::team();
    let id = |n: u64| {
        let mut id = [0xc0; 16];
        id[8..].copy_from_slice(&n.to_be_bytes());
        SecretId(id)
    };
    let count = u64::try_from(MAX_ITEMS).unwrap();
    let name = |n| Change { fields: put(id(n), 1, 1).fields[..1].to_vec(), ..put(id(n), 1, 1) };
    world.write(&owner(), DIRECTORY, (0..count).map(name).collect()).unwrap();
    world.write(&owner(), DIRECTORY, (count..count + 5).map(name).collect()).unwrap();
    world.say(&owner(), world.remove_body(&writer())).unwrap();
    world.epoch(&owner(), DIRECTORY, EpochReason::Rotation);

    let again = |n| Change { version: 2, ..name(n) };
    let part = |from: u64, to: u64| (from..to).map(again).collect::<Vec<_>>();
    let refused = |world: &World, changes| {
        let outcome = world.would_take(&owner(), DIRECTORY, changes, |_| {});
        assert_eq!(outcome, Err(CommitError::NotResealed));
    };
    refused(&world, part(0, 5));
    refused(&world, vec![put(secret(1), 1, 1)]);
    world.write(&owner(), DIRECTORY, part(5, count + 5)).unwrap();
    // Half done: nothing but the rest is accepted, also by a device that starts here.
    refused(&world, vec![put(secret(1), 1, 1)]);
    refused(&world, part(0, 4));
    let again_again = |n| Change { version: 3, ..name(n) };
    refused(&world, (5..10).map(again_again).collect());
    let head = world.commits[&DIRECTORY].last().unwrap();
    let items = world.items(DIRECTORY);
    let mut device = EnvHistory::from_head(&world.org, DIRECTORY, head, items).unwrap();
    let one = world.commit(&owner(), DIRECTORY, vec![put(secret(1), 1, 1)]);
    let outcome = device.apply(&world.org, &owner().sign_commit(one));
    assert_eq!(outcome, Err(CommitError::NotResealed));
    world.write(&owner(), DIRECTORY, part(0, 5)).unwrap();
    world.write(&owner(), DIRECTORY, vec![put(secret(1), 1, 1)]).unwrap();
    device.apply(&world.org, &world.commits[&DIRECTORY][3]).unwrap();
    device.apply(&world.org, &world.commits[&DIRECTORY][4]).unwrap();
    assert_eq!(device.pin(), world.history(DIRECTORY).pin());
}

// ---- a device that starts from the head ---------------------------------------------------

#[test]
fn a_head_is_refused_where_its_own_changes_or_its_rotation_are_missing() {
    let mut world = stocked();
    world.say(&owner(), world.remove_body(&writer())).unwrap();
    world.epoch(&owner(), PROD, EpochReason::Rotation);
    // A rotation that seals one of three values anew, with a root over all three: `apply` refuses
    // it, and so does a device that sees nothing else.
    let changes = vec![put(secret(1), 2, 9)];
    let commit = world.commit(&owner(), PROD, changes.clone());
    let signed = owner().sign_commit(commit);
    assert_eq!(world.clone().take(signed.clone()), Err(CommitError::NotResealed));
    let mut items = world.items(PROD);
    let first = items.iter_mut().find(|item| item.change.secret == secret(1)).unwrap();
    first.change = changes[0].clone();
    first.epoch = 3;
    let open =
        |head: &SignedCommit, items| EnvHistory::from_head(&world.org, PROD, head, items).map(drop);
    assert_eq!(open(&signed, items.clone()), Err(CommitError::NotResealed));

    // A root over items that the head's own changes contradict.
    let mut other = items.clone();
    for item in &mut other {
        item.epoch = 3;
    }
    let mut commit = signed.commit.clone();
    commit.changes = vec![put(secret(1), 2, 10)];
    let contradicting = owner().sign_commit(commit);
    assert_eq!(open(&contradicting, other.clone()), Err(CommitError::StateRoot));
    assert_eq!(open(&signed, other), Ok(()));
}

#[test]
fn a_past_confirms_only_the_very_head_that_was_shown() {
    let mut left = stocked();
    let mut right = left.clone();
    left.write(&writer(), PROD, vec![put(secret(1), 2, 1)]).unwrap();
    right.write(&writer(), PROD, vec![put(secret(1), 2, 2)]).unwrap();
    right.write(&writer(), PROD, vec![put(secret(1), 3, 2)]).unwrap();
    let head = left.commits[&PROD].last().unwrap();
    let mut device = EnvHistory::from_head(&left.org, PROD, head, left.items(PROD)).unwrap();
    // The other branch is longer, and whole; it is still another one.
    assert_eq!(device.confirm(right.verify_fresh(PROD).unwrap()), Err(CommitError::Fork));
    let shorter =
        strongroom_chain::history::verify(&left.org, PROD, &left.commits[&PROD][..3], None);
    assert_eq!(device.confirm(shorter.unwrap()), Err(CommitError::BelowPin));
    let elsewhere = EnvHistory::new(left.org.org(), DIRECTORY);
    assert_eq!(device.confirm(elsewhere), Err(CommitError::WrongEnv));
    assert!(!device.is_complete());
    assert_eq!(device.confirm(left.verify_fresh(PROD).unwrap()), Ok(()));
    assert!(device.is_complete());
}

#[test]
fn an_item_twice_in_one_draft_does_not_end_the_process() {
    let history = stocked().history(PROD);
    let twice = [put(secret(1), 2, 1), delete(secret(1), 3)];
    assert_ne!(history.root_after(&twice), history.items().root());
}

// ---- time ---------------------------------------------------------------------------------

#[test]
fn a_right_that_ends_passes_on_none_that_outlasts_it() {
    let mut world = World::team();
    let end = world.now + DAY;
    let grant = |to: &Signer, rights, not_after| Body::EnvGrant {
        env: PROD,
        principal: to.who,
        rights,
        not_after,
    };
    world.say(&owner(), grant(&bystander(), Rights::ALL, end)).unwrap();
    for (to, not_after, allowed) in [
        (bystander(), 0, false),
        (bystander(), end + 1, false),
        (bystander(), end, true),
        (writer(), 0, false),
        (writer(), end - 1, true),
    ] {
        let outcome = world.would(&bystander(), grant(&to, Rights::READ, not_after));
        assert_eq!(outcome.is_ok(), allowed, "{} until {not_after}", to.who);
    }
    // A token that ends as a whole passes on nothing that stays.
    let right = EnvRight { env: PROD, rights: Rights::ALL, not_after: 0 };
    let token = Signer::token(70);
    world.say(&owner(), World::token_body(&token, vec![right], end)).unwrap();
    assert_eq!(world.would(&token, grant(&writer(), Rights::READ, 0)), Err(ChainError::NotAllowed));
    assert_eq!(world.would(&token, grant(&writer(), Rights::READ, end)), Ok(()));
    // A manager may give what it likes; it needs no grant for that.
    assert_eq!(world.would(&admin(), grant(&writer(), Rights::READ, 0)), Ok(()));
    world.now += 2 * DAY;
    assert_eq!(
        world.would(&bystander(), grant(&writer(), Rights::READ, end)),
        Err(ChainError::NotAllowed)
    );
    assert_eq!(
        world.would(&token, grant(&writer(), Rights::READ, end)),
        Err(ChainError::UnknownAuthor)
    );
}

#[test]
fn a_commit_is_not_dated_back_behind_the_chain_it_names() {
    let mut world = stocked();
    let end = world.now + DAY;
    let right = EnvRight { env: PROD, rights: Rights::READ.with(Rights::WRITE), not_after: 0 };
    let token = Signer::token(70);
    world.say(&owner(), World::token_body(&token, vec![right], end)).unwrap();
    world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
    let write = |world: &World, time_ms| {
        world.would_take(&token, PROD, vec![put(secret(1), 2, 1)], |c| c.time_ms = time_ms)
    };
    assert_eq!(write(&world, world.now), Ok(()));
    world.now = end + DAY;
    world.say(&owner(), Body::AuditAnchor { reset: 0, size: 1, root: digest(1) }).unwrap();
    // After its end, the token claims to have seen today's chain yesterday.
    assert_eq!(write(&world, end), Err(CommitError::TimeWentBack));
    assert_eq!(write(&world, world.now), Err(CommitError::UnknownAuthor));
}

// ---- compositions -------------------------------------------------------------------------

#[test]
fn who_reads_a_composition_reads_its_groups() {
    let world = composed();
    let group = env_id(2);
    // In by either door: a grant, a token.
    assert_eq!(
        world.would(&owner(), World::grant_body(PROD, &bystander(), Rights::READ)),
        Err(ChainError::Composition)
    );
    let right = |env, rights| EnvRight { env, rights, not_after: 0 };
    let token = |rights| World::token_body(&Signer::token(70), rights, 0);
    assert_eq!(
        world.would(&owner(), token(vec![right(PROD, Rights::READ)])),
        Err(ChainError::Composition)
    );
    let write_group = vec![right(PROD, Rights::READ), right(group, Rights::WRITE)];
    assert_eq!(world.would(&owner(), token(write_group)), Err(ChainError::Composition));
    let both = vec![right(PROD, Rights::READ), right(group, Rights::READ)];
    assert_eq!(world.would(&owner(), token(both)), Ok(()));
    assert_eq!(world.would(&owner(), token(vec![right(PROD, Rights::WRITE)])), Ok(()));
    // Out by either door: a revoke, a smaller grant.
    for body in [
        Body::EnvRevoke { env: group, principal: writer().who },
        World::grant_body(group, &writer(), Rights::WRITE),
    ] {
        assert_eq!(world.would(&owner(), body), Err(ChainError::Composition));
    }
    // A new composition needs its readers first.
    let mut world = world;
    world.create(&owner(), env_id(3), EnvKind::Group, place(3), EnvId::ZERO);
    let compose = || Body::Compose { env: PROD, groups: vec![env_id(3), group] };
    assert_eq!(world.would(&owner(), compose()), Err(ChainError::Composition));
    world.grant(&owner(), env_id(3), &writer(), Rights::READ);
    world.say(&owner(), compose()).unwrap();
    assert_eq!(world.org.env(&PROD).unwrap().composed, [env_id(3), group]);
    for (env, groups, error) in [
        (PROD, vec![group, group], ChainError::Duplicate),
        (PROD, vec![DIRECTORY], ChainError::Environment),
        (PROD, vec![env_id(9)], ChainError::Unknown),
        (group, vec![env_id(3)], ChainError::Environment),
        (DIRECTORY, vec![group], ChainError::Environment),
    ] {
        assert_eq!(world.would(&owner(), Body::Compose { env, groups }), Err(error));
    }
}

// ---- environments -------------------------------------------------------------------------

#[test]
fn the_shape_of_an_environment_follows_from_its_kind() {
    let mut world = World::team();
    world.create(&owner(), env_id(2), EnvKind::Group, place(2), EnvId::ZERO);
    world.grant(&owner(), env_id(2), &writer(), Rights::ALL);
    let later = world.now + DAY;
    let (some, none) = (writer().user(), UserId::ZERO);
    for (kind, place, parent, expires, owner) in [
        (EnvKind::App, [0; 16], EnvId::ZERO, 0, none),
        (EnvKind::App, place(1), PROD, 0, none),
        (EnvKind::App, place(1), EnvId::ZERO, later, none),
        (EnvKind::App, place(1), EnvId::ZERO, 0, some),
        (EnvKind::Group, [0; 16], EnvId::ZERO, 0, none),
        (EnvKind::Directory, place(1), EnvId::ZERO, 0, none),
        (EnvKind::Branch, place(1), PROD, 0, none),
        (EnvKind::Branch, place(1), PROD, world.now, none),
        (EnvKind::Branch, place(1), PROD, later, some),
        (EnvKind::Branch, place(2), PROD, later, none),
        (EnvKind::Branch, place(2), env_id(2), later, none),
        (EnvKind::Branch, [0; 16], DIRECTORY, later, none),
        (EnvKind::Personal, place(1), PROD, 0, none),
        (EnvKind::Personal, place(1), PROD, 0, bystander().user()),
        (EnvKind::Personal, place(1), PROD, later, some),
        (EnvKind::Personal, place(1), EnvId::ZERO, 0, some),
    ] {
        let body = Body::EnvCreate { env: env_id(9), kind, place, parent, expires, owner };
        let outcome = world.would(&writer(), body.clone());
        assert_eq!(outcome, Err(ChainError::Environment), "{body:?}");
    }
}

#[test]
fn a_personal_overlay_is_read_by_its_owner_alone() {
    let mut world = World::team();
    let body = Body::EnvCreate {
        env: env_id(5),
        kind: EnvKind::Personal,
        place: place(1),
        parent: PROD,
        expires: 0,
        owner: writer().user(),
    };
    world.say(&writer(), body).unwrap();
    world.epoch(&writer(), env_id(5), EpochReason::First);
    assert!(world.org.readers(&env_id(5), world.now).into_iter().eq([writer().who]));
    for other in [owner(), admin(), bystander()] {
        assert_eq!(world.org.rights(&env_id(5), &other.who, world.now), Rights::NONE);
        let outcome = world.would(&other, world.epoch_body(env_id(5), EpochReason::Rotation));
        assert_eq!(outcome, Err(ChainError::NotAllowed));
    }
}

#[test]
fn a_reviewer_never_reads_a_value_by_any_path() {
    let mut world = World::team();
    // Granted, asked for, promised, carried over from an earlier role, or made by itself.
    for signer in [owner(), reviewer()] {
        assert!(world.would(&signer, World::grant_body(PROD, &reviewer(), Rights::READ)).is_err());
    }
    let expires = world.now + DAY;
    for (kind, owner, expires) in
        [(EnvKind::Branch, UserId::ZERO, expires), (EnvKind::Personal, reviewer().user(), 0)]
    {
        let body =
            Body::EnvCreate { env: env_id(9), kind, place: place(1), parent: PROD, expires, owner };
        assert_eq!(world.would(&reviewer(), body), Err(ChainError::NotAllowed));
    }
    let body = Body::MemberRole { user: writer().user(), role: Role::Reviewer };
    world.say(&owner(), body).unwrap();
    assert_eq!(world.org.rights(&PROD, &writer().who, world.now), Rights::NONE);
    assert!(!world.org.readers(&PROD, world.now).contains(&writer().who));
    // Back as a member it starts without grants.
    let body = Body::MemberRole { user: writer().user(), role: Role::Member };
    world.say(&owner(), body).unwrap();
    assert_eq!(world.org.rights(&PROD, &writer().who, world.now), Rights::NONE);
    // It does read the directory.
    assert!(world.org.readers(&DIRECTORY, world.now).contains(&reviewer().who));
}

// ---- policy ---------------------------------------------------------------------

#[test]
fn the_policy_tightens_in_every_direction_and_loosens_in_none() {
    let mut world = World::team();
    let tight = Policy {
        min_profile: 2,
        min_format: 2,
        max_quiet_days: 3,
        grants_to_unverified: false,
        two_person: vec![PROD],
    };
    world.say(&owner(), Body::Policy(tight.clone())).unwrap();
    assert_eq!(*world.org.policy(), tight);
    for loose in [
        Policy { min_profile: 1, ..tight.clone() },
        Policy { min_format: 1, ..tight.clone() },
        Policy { max_quiet_days: 4, ..tight.clone() },
        Policy { grants_to_unverified: true, ..tight.clone() },
        Policy { two_person: vec![], ..tight.clone() },
        Policy { two_person: vec![DIRECTORY], ..tight.clone() },
    ] {
        assert_eq!(world.would(&owner(), Body::Policy(loose)), Err(ChainError::NotTightening));
    }
    assert_eq!(world.would(&owner(), Body::Policy(tight)), Ok(()));
}

// ---- questions about the past -------------------------------------------------------------

#[test]
fn the_state_answers_for_every_link_of_the_past() {
    let mut world = World::team();
    let who = bystander().who;
    let mut expected = Vec::new();
    let both = Rights::READ.with(Rights::WRITE);
    let step = |world: &mut World, body, rights, role, expected: &mut Vec<_>| {
        world.say(&owner(), body).unwrap();
        expected.push((world.org.seq(), rights, role));
    };
    let member = Some(Role::Member);
    let user = bystander().user();
    let grant = |rights| World::grant_body(PROD, &bystander(), rights);
    step(&mut world, grant(Rights::READ), Rights::READ, member, &mut expected);
    step(&mut world, grant(both), both, member, &mut expected);
    let revoke = Body::EnvRevoke { env: PROD, principal: who };
    step(&mut world, revoke, Rights::NONE, member, &mut expected);
    step(&mut world, grant(Rights::ALL), Rights::ALL, member, &mut expected);
    let role = |role| Body::MemberRole { user, role };
    let admin = Some(Role::Admin);
    step(&mut world, role(Role::Admin), Rights::ALL, admin, &mut expected);
    let reviewer = Some(Role::Reviewer);
    step(&mut world, role(Role::Reviewer), Rights::NONE, reviewer, &mut expected);
    let removal = world.remove_body(&bystander());
    step(&mut world, removal, Rights::NONE, None, &mut expected);
    for (seq, rights, role) in expected {
        assert_eq!(world.org.rights_at(&PROD, &who, seq, world.now), rights, "{seq}");
        assert_eq!(world.org.member(&user).unwrap().role_at(seq), role, "{seq}");
        assert_eq!(world.org.signing_key(&who, seq, world.now).is_some(), role.is_some());
    }
    let added = world.org.member(&user).unwrap().added;
    assert_eq!(world.org.signing_key(&who, added - 1, world.now), None);
    assert_eq!(world.org.rights_at(&DIRECTORY, &who, added - 1, world.now), Rights::NONE);
    assert_eq!(world.org.rights_at(&DIRECTORY, &who, added, world.now), Rights::READ);
    let created = world.org.env(&PROD).unwrap().created;
    assert_eq!(world.org.rights_at(&PROD, &owner().who, created - 1, world.now), Rights::NONE);
    assert_eq!(world.org.rights_at(&PROD, &owner().who, created, world.now), Rights::ALL);
    assert_eq!(world.org.env(&PROD).unwrap().epoch_at(created), 0);
    assert_eq!(world.org.env(&PROD).unwrap().epoch_at(created + 1), 1);
}

#[test]
fn keys_hold_from_the_link_that_set_them() {
    let mut world = World::team();
    let new = writer().rekeyed(60);
    let before = world.org.seq();
    world.say(&writer(), world.rotate_body(&writer(), &new)).unwrap();
    let key = |seq| world.org.signing_key(&writer().who, seq, world.now);
    assert_eq!(key(before), Some(writer().keys().isk));
    assert_eq!(key(before + 1), Some(new.keys().isk));
    assert_eq!(world.org.encryption_key(&writer().who), Some(new.enc));
}
