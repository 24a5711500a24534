//! One test for each reason to refuse a commit.

use strongroom_chain::history::{CommitError, EnvHistory, verify};
use strongroom_format::commit::MAX_ITEMS;
use strongroom_format::id::{EnvId, SecretId, UserId};
use strongroom_format::pins::EnvPin;
use strongroom_format::statement::{Body, EnvKind, EpochReason, Rights};

use crate::coverage::refusals;
use crate::world::{
    DAY, PROD, Signer, World, admin, bystander, delete, digest, env_id, owner, place, put, secret,
    writer,
};

/// [`World::team`] with three secrets in production.
pub(crate) fn stocked() -> World {
    let mut world = World::team();
    for n in 1..=3 {
        world.write(&writer(), PROD, vec![put(secret(n), 1, n)]).unwrap();
    }
    world
}

fn one() -> Vec<strongroom_format::commit::Change> {
    vec![put(secret(1), 2, 9)]
}

/// A branch of production that ends in a day, and the id of it.
fn branch(world: &mut World) -> EnvId {
    let expires = world.now + DAY;
    let body = Body::EnvCreate {
        env: env_id(7),
        kind: EnvKind::Branch,
        place: place(1),
        parent: PROD,
        expires,
        owner: UserId::ZERO,
    };
    world.say(&writer(), body).unwrap();
    world.epoch(&writer(), env_id(7), EpochReason::First);
    env_id(7)
}

refusals! { CommitError;
    WrongEnv: a_commit_of_another_environment_is_refused => {
        let world = stocked();
        let commit = owner().sign_commit(world.commit(&owner(), PROD, one()));
        EnvHistory::new(world.org.org(), env_id(4)).apply(&world.org, &commit)
    }
    WrongSeq: a_commit_that_skips_a_place_is_refused => {
        stocked().would_take(&writer(), PROD, one(), |c| c.seq += 1)
    }
    WrongPrev: a_commit_that_continues_another_history_is_refused => {
        stocked().would_take(&writer(), PROD, one(), |c| c.prev = digest(1))
    }
    UnknownEnv: a_commit_to_an_environment_that_is_not_on_the_chain_is_refused => {
        stocked().would_take(&writer(), env_id(9), vec![put(secret(1), 1, 1)], |_| {})
    }
    OrgHead: a_commit_that_names_a_foreign_head_is_refused => {
        stocked().would_take(&writer(), PROD, one(), |c| c.org_head = digest(1))
    }
    OrgHeadWentBack: a_commit_that_goes_back_on_the_chain_is_refused => {
        let world = stocked();
        let old = world.org.seq() - 1;
        let head = world.org.head_at(old).unwrap();
        world.would_take(&writer(), PROD, one(), |c| (c.org_seq, c.org_head) = (old, head))
    }
    TimeWentBack: a_commit_older_than_its_predecessor_is_refused => {
        stocked().would_take(&writer(), PROD, one(), |c| c.time_ms -= 1)
    }
    UnknownAuthor: a_commit_by_a_stranger_is_refused => {
        stocked().would_take(&Signer::person(66), PROD, one(), |_| {})
    }
    BadSignature: a_commit_signed_by_somebody_else_is_refused => {
        let mut world = stocked();
        let commit = world.commit(&writer(), PROD, one());
        world.take(owner().sign_commit(commit))
    }
    NoRight: a_commit_without_the_right_to_write_is_refused => {
        let mut world = stocked();
        world.grant(&owner(), PROD, &bystander(), Rights::READ.with(Rights::GRANT));
        world.would_take(&bystander(), PROD, one(), |_| {})
    }
    Cut: a_removed_member_writes_nothing_behind_the_cut => {
        let mut world = stocked();
        let before = (world.org.seq(), world.org.head());
        let late = world.commit(&writer(), PROD, one());
        world.say(&owner(), world.remove_body(&writer())).unwrap();
        assert_eq!((late.org_seq, late.org_head), before);
        world.take(writer().sign_commit(late))
    }
    CutForked: a_history_other_than_the_one_a_removal_names_is_refused => {
        let mut world = stocked();
        let mut fork = world.clone();
        world.write(&owner(), PROD, one()).unwrap();
        world.say(&owner(), world.remove_body(&writer())).unwrap();
        let other = fork.commit(&owner(), PROD, vec![put(secret(2), 2, 7)]);
        fork.org = world.org;
        fork.take(owner().sign_commit(other))
    }
    BeforeCut: a_history_that_ends_before_a_cut_is_refused => {
        let mut world = stocked();
        let (head, items) = (world.commits[&PROD].last().unwrap().clone(), world.items(PROD));
        world.write(&owner(), PROD, one()).unwrap();
        world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
        EnvHistory::from_head(&world.org, PROD, &head, items)
    }
    Ended: a_branch_takes_nothing_after_its_end => {
        let mut world = stocked();
        let env = branch(&mut world);
        world.write(&writer(), env, vec![put(secret(1), 1, 1)]).unwrap();
        world.now += 3 * DAY;
        world.write(&writer(), env, vec![put(secret(1), 2, 1)])
    }
    WrongEpoch: a_commit_under_an_old_data_key_is_refused => {
        stocked().would_take(&writer(), PROD, one(), |c| c.dek_epoch -= 1)
    }
    Due: nothing_is_written_between_a_removal_and_the_new_data_key => {
        let mut world = stocked();
        world.say(&owner(), world.remove_body(&writer())).unwrap();
        world.write(&owner(), PROD, one())
    }
    NotResealed: after_a_rotation_one_value_alone_is_refused => {
        let mut world = stocked();
        world.say(&owner(), world.remove_body(&writer())).unwrap();
        world.epoch(&owner(), PROD, EpochReason::Rotation);
        world.write(&owner(), PROD, one())
    }
    Empty: a_commit_that_changes_nothing_is_refused => {
        stocked().write(&writer(), PROD, Vec::new())
    }
    Version: a_version_that_is_not_the_next_is_refused => {
        stocked().write(&writer(), PROD, vec![put(secret(1), 3, 1)])
    }
    NothingToDelete: what_never_was_cannot_be_deleted => {
        stocked().write(&writer(), PROD, vec![delete(secret(9), 1)])
    }
    TooManyItems: an_environment_holds_ten_thousand_items => {
        let mut world = World::team();
        let id = |n: usize| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(n as u64).to_be_bytes());
            SecretId(id)
        };
        let all = (0..MAX_ITEMS).map(|n| put(id(n), 1, 1)).collect();
        world.write(&writer(), PROD, all).unwrap();
        world.write(&writer(), PROD, vec![put(id(MAX_ITEMS), 1, 1)])
    }
    StateRoot: a_state_other_than_the_stated_one_is_refused => {
        stocked().would_take(&writer(), PROD, one(), |c| c.state_root = digest(1))
    }
    BelowPin: a_history_shorter_than_the_pin_is_refused => {
        let world = stocked();
        let pin = world.history(PROD).pin();
        verify(&world.org, PROD, &world.commits[&PROD][..2], Some(&pin))
    }
    Fork: a_history_other_than_the_pinned_one_is_refused => {
        let world = stocked();
        let pin = EnvPin { seq: 2, head: digest(1), ..world.history(PROD).pin() };
        verify(&world.org, PROD, &world.commits[&PROD], Some(&pin))
    }
}

#[test]
fn what_an_honest_team_writes_is_accepted_by_a_fresh_device() {
    let mut world = stocked();
    world.write(&writer(), PROD, vec![delete(secret(2), 2)]).unwrap();
    world.write(&writer(), PROD, vec![put(secret(2), 3, 4)]).unwrap();
    world.say(&owner(), world.remove_body(&writer())).unwrap();
    world.epoch(&owner(), PROD, EpochReason::Rotation);
    let all = world.reseal(PROD);
    world.write(&owner(), PROD, all).unwrap();
    world.write(&owner(), PROD, vec![put(secret(5), 1, 1)]).unwrap();
    world.grant(&owner(), PROD, &admin(), Rights::ALL);
    world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
    world.write(&admin(), PROD, vec![put(secret(6), 1, 1)]).unwrap();
    let fresh = world.verify_fresh(PROD).unwrap();
    assert!(fresh.is_complete());
    assert_eq!(fresh.pin(), world.history(PROD).pin());
    assert_eq!((fresh.items().len(), fresh.items().live()), (5, 5));

    let head = world.commits[&PROD].last().unwrap();
    let mut from_head = EnvHistory::from_head(&world.org, PROD, head, world.items(PROD)).unwrap();
    assert!(!from_head.is_complete());
    assert_eq!(from_head.pin(), fresh.pin());
    from_head.confirm(fresh).unwrap();
    assert!(from_head.is_complete());
}
