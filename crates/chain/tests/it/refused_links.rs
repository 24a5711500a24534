//! One test for each reason to refuse a link.

use strongroom_chain::org::{ChainError, OrgState, verify};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{EnvId, InviteId, OrgId, Principal, UserId};
use strongroom_format::statement::{
    Body, EnvKind, EnvRight, EpochReason, MemberKeys, Policy, Rights, Role,
};

use crate::coverage::refusals;
use crate::refused_commits::stocked;
use crate::world::{
    DAY, DIRECTORY, PROD, Signer, World, admin, bystander, digest, env_id, genesis_statement,
    owner, place, resigned, reviewer, writer,
};

/// [`World::team`] with a group that its production environment composes; the writer reads both.
pub(crate) fn composed() -> World {
    let mut world = World::team();
    world.create(&owner(), env_id(2), EnvKind::Group, place(2), EnvId::ZERO);
    world.grant(&owner(), env_id(2), &writer(), Rights::READ);
    world.say(&owner(), Body::Compose { env: PROD, groups: vec![env_id(2)] }).unwrap();
    world
}

fn anchor(size: u64, root: u8) -> Body {
    Body::AuditAnchor { reset: 0, size, root: digest(root) }
}

refusals! { ChainError;
    Genesis: a_second_genesis_is_refused => {
        World::team().would(&owner(), genesis_statement(&owner()).body)
    }
    WrongOrg: a_link_of_another_organisation_is_refused => {
        let mut world = World::team();
        let mut statement = world.statement(&owner(), anchor(1, 1));
        statement.org = OrgId([7; 32]);
        world.push(owner().sign_link(statement))
    }
    WrongSeq: a_link_that_skips_a_place_is_refused => {
        let mut world = World::team();
        let mut statement = world.statement(&owner(), anchor(1, 1));
        statement.seq += 1;
        world.push(owner().sign_link(statement))
    }
    WrongPrev: a_link_that_continues_another_chain_is_refused => {
        let mut world = World::team();
        let mut statement = world.statement(&owner(), anchor(1, 1));
        statement.prev = world.org.head_at(3).unwrap();
        world.push(owner().sign_link(statement))
    }
    TimeWentBack: a_link_older_than_its_predecessor_is_refused => {
        let mut world = World::team();
        let mut statement = world.statement(&owner(), anchor(1, 1));
        statement.time_ms = world.org.time_ms() - 1;
        world.push(owner().sign_link(statement))
    }
    UnknownAuthor: a_link_by_a_stranger_is_refused => {
        World::team().would(&Signer::person(66), anchor(1, 1))
    }
    BadSignature: a_link_signed_by_somebody_else_is_refused => {
        let mut world = World::team();
        let link = world.link(&owner(), anchor(1, 1));
        let forged = resigned(&link, admin().sign_labelled("stmt", link.signed_bytes()));
        world.push(forged)
    }
    NotAllowed: a_member_invites_nobody => {
        let world = World::team();
        world.would(&writer(), world.invite_body(60, Role::Member))
    }
    WeakKey: a_member_with_a_weak_key_is_refused => {
        let mut world = World::team();
        let invite = world.invite(&owner(), 60, Role::Member);
        let mut identity = [0; 32];
        identity[0] = 1;
        world.would(&owner(), Body::MemberAdd {
            user: UserId([60; 16]),
            keys: MemberKeys { isk: identity, iek: Signer::person(60).enc },
            role: Role::Member,
            invite,
            // R = the identity and S = 0: a signature under the identity key for every message.
            pop: std::array::from_fn(|i| u8::from(i == 0)),
        })
    }
    KeyReused: a_member_with_the_key_of_another_is_refused => {
        let mut world = World::team();
        let invite = world.invite(&owner(), 60, Role::Member);
        let mut twin = Signer::person(60).rekeyed(3);
        twin.enc = Signer::person(60).enc;
        world.would(&owner(), world.add_body(&twin, Role::Member, invite))
    }
    NoProof: a_key_that_did_not_sign_for_itself_is_refused => {
        let mut world = World::team();
        let invite = world.invite(&owner(), 60, Role::Member);
        let other = world.invite(&owner(), 61, Role::Member);
        // A proof for another invitation.
        let Body::MemberAdd { user, keys, role, pop, .. } =
            world.add_body(&Signer::person(60), Role::Member, other) else { panic!() };
        world.would(&owner(), Body::MemberAdd { user, keys, role, invite, pop })
    }
    Duplicate: a_member_id_is_admitted_once => {
        let mut world = World::team();
        let invite = world.invite(&owner(), 60, Role::Member);
        world.would(&owner(), world.add_body(&writer().rekeyed(60), Role::Member, invite))
    }
    Unknown: an_environment_that_does_not_exist_has_no_grants => {
        World::team().would(&owner(), World::grant_body(env_id(9), &writer(), Rights::READ))
    }
    Invite: an_invitation_admits_one_person => {
        let mut world = World::team();
        let invite = world.invite(&owner(), 60, Role::Member);
        let first = world.add_body(&Signer::person(60), Role::Member, invite);
        world.say(&owner(), first).unwrap();
        world.would(&owner(), world.add_body(&Signer::person(61), Role::Member, invite))
    }
    LastOwner: the_last_owner_cannot_leave => {
        let world = World::team();
        world.would(&owner(), world.remove_body(&owner()))
    }
    CutPoints: a_removal_without_all_cut_points_is_refused => {
        let world = World::team();
        let Body::MemberRemove { user, mut cuts } = world.remove_body(&writer()) else { panic!() };
        cuts.retain(|cut| cut.env != PROD);
        world.would(&owner(), Body::MemberRemove { user, cuts })
    }
    Rights: a_reviewer_is_granted_nothing => {
        World::team().would(&owner(), World::grant_body(PROD, &reviewer(), Rights::READ))
    }
    Environment: a_branch_of_nothing_is_refused => {
        let world = World::team();
        world.would(&owner(), Body::EnvCreate {
            env: env_id(9),
            kind: EnvKind::Branch,
            place: place(1),
            parent: EnvId::ZERO,
            expires: world.now + DAY,
            owner: UserId::ZERO,
        })
    }
    EpochNumber: a_data_key_that_skips_a_number_is_refused => {
        let world = World::team();
        let body = world.edited_epoch(PROD, EpochReason::Rotation, |e| *e.epoch += 1);
        world.would(&owner(), body)
    }
    EpochReason: a_rotation_cannot_pass_as_an_added_reader => {
        let mut world = World::team();
        world.say(&owner(), Body::EnvRevoke { env: PROD, principal: writer().who }).unwrap();
        world.would(&owner(), world.epoch_body(PROD, EpochReason::ReaderAdded))
    }
    Recipients: a_ghost_among_the_recipients_is_refused => {
        let world = World::team();
        let body = world.edited_epoch(PROD, EpochReason::Rotation, |e| {
            let mut ghost = e.wraps[0];
            ghost.recipient = bystander().who;
            e.wraps.push(ghost);
            e.wraps.sort_by_key(|wrap| wrap.recipient);
        });
        world.would(&owner(), body)
    }
    Previous: a_new_data_key_without_the_old_one_is_refused => {
        let world = World::team();
        let body = world.edited_epoch(PROD, EpochReason::Rotation, |e| *e.previous = ZERO);
        world.would(&owner(), body)
    }
    EpochCut: a_new_data_key_that_cuts_before_the_last_one_is_refused => {
        let mut world = stocked();
        world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
        let body = world.edited_epoch(PROD, EpochReason::ReaderAdded, |e| *e.cut_seq -= 1);
        world.would(&owner(), body)
    }
    NotTightening: a_policy_cannot_be_loosened => {
        let looser = Policy { max_quiet_days: 30, ..Policy::initial() };
        World::team().would(&owner(), Body::Policy(looser))
    }
    AuditBackwards: an_anchor_below_an_earlier_one_is_refused => {
        let mut world = World::team();
        world.say(&writer(), anchor(10, 1)).unwrap();
        world.would(&writer(), anchor(9, 1))
    }
    RetentionStep: a_retention_that_ends_within_a_step_is_refused => {
        World::team().would(
            &owner(),
            Body::AuditRetention { reset: 0, size: 1_000, root: digest(1) },
        )
    }
    UnknownSuite: a_suite_that_nobody_here_has_is_refused => {
        World::team().would(&owner(), Body::SuiteRaise { suite: 2 })
    }
    Composition: a_reader_of_a_composition_keeps_its_groups => {
        composed().would(&owner(), Body::EnvRevoke { env: env_id(2), principal: writer().who })
    }
    BelowPin: a_chain_shorter_than_the_pin_is_refused => {
        let world = World::team();
        let pin = (world.org.seq(), world.org.head());
        verify(&world.links[..world.links.len() - 1], world.org.org(), Some(pin))
    }
    Fork: a_chain_other_than_the_pinned_one_is_refused => {
        let world = World::team();
        let mut other = world.clone();
        other.say(&writer(), anchor(1, 1)).unwrap();
        let mut fork = world.clone();
        fork.say(&writer(), anchor(1, 2)).unwrap();
        verify(&fork.links, world.org.org(), Some((other.org.seq(), other.org.head())))
    }
}

#[test]
fn a_foreign_genesis_is_refused_on_a_fresh_device() {
    let world = World::team();
    let mut statement = genesis_statement(&owner());
    statement.time_ms += 1;
    let foreign = owner().sign_link(statement);
    assert_eq!(verify(&[foreign], world.org.org(), None).map(drop), Err(ChainError::WrongOrg));
}

#[test]
fn a_genesis_is_refused_unless_it_is_self_consistent() {
    let founder = owner();
    let refused = |edit: &dyn Fn(&mut strongroom_format::statement::Statement)| {
        let mut statement = genesis_statement(&founder);
        edit(&mut statement);
        OrgState::found(&founder.sign_link(statement)).map(drop)
    };
    assert_eq!(refused(&|_| {}), Ok(()));
    assert_eq!(refused(&|s| s.seq = 1), Err(ChainError::Genesis));
    assert_eq!(refused(&|s| s.prev = [1; 32]), Err(ChainError::Genesis));
    assert_eq!(refused(&|s| s.org = OrgId([1; 32])), Err(ChainError::Genesis));
    assert_eq!(refused(&|s| s.author = admin().who), Err(ChainError::Genesis));
    assert_eq!(
        refused(&|s| s.author = Principal::Token(strongroom_format::id::TokenId([1; 16]))),
        Err(ChainError::Genesis)
    );
    let body = |edit: &dyn Fn(&mut u8, &mut MemberKeys, &mut [u8; 32])| {
        refused(&|s| {
            if let Body::Genesis { suite, keys, audit_vkey, .. } = &mut s.body {
                edit(suite, keys, audit_vkey);
            }
        })
    };
    assert_eq!(body(&|suite, _, _| *suite = 0), Err(ChainError::UnknownSuite));
    assert_eq!(body(&|suite, _, _| *suite = 2), Err(ChainError::UnknownSuite));
    assert_eq!(body(&|_, keys, _| keys.isk = admin().keys().isk), Err(ChainError::BadSignature));
    assert_eq!(body(&|_, keys, _| keys.iek = [0; 32]), Err(ChainError::WeakKey));
    assert_eq!(body(&|_, keys, _| keys.iek = keys.isk), Err(ChainError::KeyReused));
    assert_eq!(body(&|_, _, vkey| *vkey = [0; 32]), Err(ChainError::WeakKey));
    assert_eq!(refused(&|s| s.body = anchor(1, 1)), Err(ChainError::Genesis));
    assert_eq!(verify(&[], OrgId([0; 32]), None).map(drop), Err(ChainError::Genesis));
}

#[test]
fn a_refused_link_leaves_no_trace() {
    let world = composed();
    let before = format!("{:?}", world.org);
    for (author, body) in [
        (owner(), Body::EnvRevoke { env: env_id(2), principal: writer().who }),
        (
            owner(),
            World::token_body(
                &Signer::token(70),
                vec![EnvRight { env: PROD, rights: Rights::READ, not_after: 0 }],
                0,
            ),
        ),
        (owner(), world.invite_body(3, Role::Owner)),
        (admin(), world.remove_body(&owner())),
        (owner(), World::create_body(env_id(8), EnvKind::Directory, [0; 16], EnvId::ZERO)),
        (owner(), World::create_body(DIRECTORY, EnvKind::App, place(8), EnvId::ZERO)),
        (admin(), world.reset_body(&owner(), &Signer::person(88))),
        (owner(), world.add_body(&Signer::person(77), Role::Member, InviteId([99; 16]))),
        (owner(), world.epoch_body(PROD, EpochReason::First)),
        (owner(), Body::Compose { env: PROD, groups: vec![env_id(2), env_id(2)] }),
    ] {
        let mut after = world.clone();
        let outcome = after.say(&author, body.clone());
        if outcome.is_ok() {
            assert!(matches!(body, Body::Invite { .. }), "{body:?}");
        } else {
            assert_eq!(format!("{:?}", after.org), before, "{body:?}");
        }
    }
}
