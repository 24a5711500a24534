//! Who names what in the directory, that an id names one thing, and what an invitation holds.

use strongroom_chain::history::CommitError;
use strongroom_chain::org::ChainError;
use strongroom_format::id::{AppId, EnvId, InviteId, SecretId, UserId};
use strongroom_format::statement::{Body, EnvKind, EnvRight, Rights, Role};

use crate::world::{
    DAY, DIRECTORY, PROD, Signer, World, admin, bystander, digest, env_id, owner, place, put,
    reviewer, secret, writer,
};

fn label(world: &World, author: &Signer, item: SecretId) -> Result<(), CommitError> {
    let version =
        world.history(DIRECTORY).items().lookup(&item).map_or(1, |item| item.change.version + 1);
    world.would_take(author, DIRECTORY, vec![put(item, version, 1)], |_| {})
}

#[test]
fn in_the_directory_a_member_names_itself_and_secrets_and_nothing_else() {
    let mut world = World::team();
    world.say(&owner(), World::token_body(&Signer::token(70), Vec::new(), 0)).unwrap();
    let org = world.org.org();
    let others = [
        org.directory_item(),
        AppId(place(1)).directory_item(),
        PROD.directory_item(),
        DIRECTORY.directory_item(),
        SecretId([0; 16]),
        owner().user().directory_item(),
        reviewer().user().directory_item(),
        SecretId([70; 16]),
    ];
    for member in [writer(), bystander(), reviewer()] {
        assert_eq!(label(&world, &member, member.user().directory_item()), Ok(()));
        assert_eq!(label(&world, &member, secret(1)), Ok(()));
        for item in others.iter().filter(|item| **item != member.user().directory_item()) {
            assert_eq!(label(&world, &member, *item), Err(CommitError::NoRight), "{item}");
        }
    }
    for manager in [owner(), admin()] {
        for item in others {
            assert_eq!(label(&world, &manager, item), Ok(()), "{item}");
        }
    }
    let token = Signer::token(70);
    assert_eq!(label(&world, &token, secret(1)), Err(CommitError::NoRight));
    assert_eq!(label(&world, &token, SecretId([70; 16])), Err(CommitError::NoRight));
}

#[test]
fn what_is_created_later_does_not_undo_a_label_in_the_directory() {
    let mut world = World::team();
    world.write(&bystander(), DIRECTORY, vec![put(secret(1), 1, 1)]).unwrap();
    // A writer makes an environment whose id is that of a secret somebody labelled.
    let body = Body::EnvCreate {
        env: EnvId(secret(1).0),
        kind: EnvKind::Personal,
        place: place(1),
        parent: PROD,
        expires: 0,
        owner: writer().user(),
    };
    world.say(&writer(), body).unwrap();
    assert!(world.verify_fresh(DIRECTORY).is_ok());
    // From now on the item is the environment's.
    assert_eq!(label(&world, &bystander(), secret(1)), Err(CommitError::NoRight));
}

#[test]
fn an_id_names_one_thing_whatever_its_type() {
    let mut world = World::team();
    let invite = world.invite(&owner(), 60, Role::Member);
    let mut joiner = Signer::person(60);
    let taken = [PROD.0, place(1), DIRECTORY.0, world.org.org().directory_item().0, [0; 16]];
    for id in taken {
        // Who could call itself as an environment is called could rename that environment.
        joiner.who = UserId(id).into();
        let outcome = world.would(&owner(), world.add_body(&joiner, Role::Member, invite));
        assert_eq!(outcome, Err(ChainError::Duplicate), "{id:?}");
    }
    for id in [writer().user().0, place(1), world.org.org().directory_item().0] {
        let body = World::create_body(EnvId(id), EnvKind::App, place(3), EnvId::ZERO);
        assert_eq!(world.would(&owner(), body), Err(ChainError::Duplicate), "{id:?}");
        let mut token = Signer::token(61);
        token.who = strongroom_format::id::TokenId(id).into();
        let body = World::token_body(&token, Vec::new(), 0);
        assert_eq!(world.would(&owner(), body), Err(ChainError::Duplicate), "{id:?}");
        let body = Body::AgentIssue {
            agent: strongroom_format::id::AgentId(id),
            name_hash: digest(1),
            policy_hash: digest(1),
            responsible: owner().user(),
            not_after: 0,
        };
        assert_eq!(world.would(&owner(), body), Err(ChainError::Duplicate), "{id:?}");
    }
    for (kind, place) in [
        (EnvKind::App, writer().user().0),
        (EnvKind::App, PROD.0),
        (EnvKind::Group, place(1)),
        (EnvKind::Group, world.org.org().directory_item().0),
    ] {
        let body = World::create_body(env_id(9), kind, place, EnvId::ZERO);
        assert_eq!(world.would(&owner(), body), Err(ChainError::Duplicate), "{place:?}");
    }
    let body = World::create_body(env_id(9), EnvKind::App, env_id(9).0, EnvId::ZERO);
    assert_eq!(world.would(&owner(), body), Err(ChainError::Environment));
    let body = World::create_body(env_id(9), EnvKind::App, place(1), EnvId::ZERO);
    assert_eq!(world.would(&owner(), body), Ok(()));
}

#[test]
fn a_proof_for_a_key_change_admits_nobody() {
    let world = World::team();
    let body = world.invite_body(0, Role::Member);
    let Body::Invite { invite: InviteId::ZERO, .. } = body else { panic!() };
    assert_eq!(world.would(&owner(), body), Err(ChainError::Invite));
}

#[test]
fn an_invitation_holds_for_its_role_and_its_time() {
    let mut world = World::team();
    let invite = world.invite(&owner(), 60, Role::Admin);
    let joiner = Signer::person(60);
    let outcome = world.would(&owner(), world.add_body(&joiner, Role::Member, invite));
    assert_eq!(outcome, Err(ChainError::Invite));
    let unknown = world.add_body(&joiner, Role::Admin, InviteId([99; 16]));
    assert_eq!(world.would(&owner(), unknown), Err(ChainError::Invite));
    assert_eq!(world.would(&owner(), world.add_body(&joiner, Role::Admin, invite)), Ok(()));
    world.now += 8 * DAY;
    let late = world.add_body(&joiner, Role::Admin, invite);
    assert_eq!(world.would(&owner(), late), Err(ChainError::Invite));
    let Body::Invite { invite, key_hash, expires, .. } = world.invite_body(61, Role::Reviewer)
    else {
        panic!()
    };
    let grants = vec![EnvRight { env: PROD, rights: Rights::READ, not_after: 0 }];
    let body = Body::Invite { invite, key_hash, role: Role::Reviewer, grants, expires };
    assert_eq!(world.would(&owner(), body), Err(ChainError::Rights));
}
