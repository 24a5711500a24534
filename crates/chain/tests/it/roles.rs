//! Who may sign which link: every signer against every link type (attacks C12 and C13).

use strongroom_chain::org::{ChainError, OrgState};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{AgentId, EnvId, InviteId, Principal, TokenId, UserId};
use strongroom_format::statement::{Body, EnvKind, EnvRight, EpochReason, Policy, Rights, Role};

use crate::world::{
    DAY, DIRECTORY, PROD, Signer, World, admin, bystander, digest, env_id, genesis_statement,
    owner, place, reviewer, writer,
};

/// The signers, each by the letter that stands for it in the table.
fn signers() -> Vec<(char, Signer)> {
    vec![
        ('O', owner()),
        ('A', admin()),
        ('W', writer()),
        ('B', bystander()),
        ('R', reviewer()),
        ('T', Signer::token(70)),
        ('X', Signer::person(50)), // removed
        ('Y', Signer::token(71)),  // revoked
        ('S', Signer::person(66)), // never part of it
    ]
}

/// [`World::team`], a token with all rights on production, a removed member, a revoked token, an
/// agent, a group, and open invitations.
fn world() -> World {
    let mut world = World::team();
    let removed = Signer::person(50);
    world.admit(&removed, Role::Admin);
    world.grant(&owner(), PROD, &removed, Rights::ALL);
    world.say(&owner(), world.remove_body(&removed)).unwrap();
    let all = EnvRight { env: PROD, rights: Rights::ALL, not_after: 0 };
    for token in [70, 71] {
        let body = World::token_body(&Signer::token(token), vec![all], 0);
        world.say(&owner(), body).unwrap();
    }
    world.say(&owner(), Body::TokenRevoke { token: TokenId([71; 16]) }).unwrap();
    world.say(&owner(), agent_issue(72)).unwrap();
    world.create(&owner(), env_id(2), EnvKind::Group, place(2), EnvId::ZERO);
    // Readers of production that compose the group read it.
    for reader in [writer(), Signer::token(70)] {
        world.grant(&owner(), env_id(2), &reader, Rights::READ);
    }
    world.invite(&owner(), 80, Role::Member);
    world.invite(&owner(), 81, Role::Owner);
    world.epoch(&owner(), DIRECTORY, EpochReason::Rotation);
    world.epoch(&owner(), PROD, EpochReason::Rotation);
    world
}

fn agent_issue(id: u8) -> Body {
    Body::AgentIssue {
        agent: AgentId([id; 16]),
        name_hash: digest(1),
        policy_hash: digest(2),
        responsible: owner().user(),
        not_after: 0,
    }
}

fn branch(world: &World) -> Body {
    Body::EnvCreate {
        env: env_id(7),
        kind: EnvKind::Branch,
        place: place(1),
        parent: PROD,
        expires: world.now + DAY,
        owner: UserId::ZERO,
    }
}

fn personal(signer: &Signer) -> Body {
    let owner = match signer.who {
        Principal::User(user) => user,
        other => UserId(other.id()),
    };
    Body::EnvCreate {
        env: env_id(7),
        kind: EnvKind::Personal,
        place: place(1),
        parent: PROD,
        expires: 0,
        owner,
    }
}

type Row = (&'static str, &'static str, fn(&World, &Signer) -> Body);

const NEW: u8 = 60;

#[expect(clippy::too_many_lines, reason = "one table")]
fn table() -> Vec<Row> {
    vec![
        ("genesis", "", |_, signer| match signer.who {
            Principal::User(_) => genesis_statement(signer).body,
            _ => genesis_statement(&owner()).body,
        }),
        ("invite a reviewer", "OA", |w, _| w.invite_body(NEW, Role::Reviewer)),
        ("invite a member", "OA", |w, _| w.invite_body(NEW, Role::Member)),
        ("invite an admin", "OA", |w, _| w.invite_body(NEW, Role::Admin)),
        ("invite an owner", "O", |w, _| w.invite_body(NEW, Role::Owner)),
        ("admit a member", "OA", |w, _| {
            w.add_body(&Signer::person(NEW), Role::Member, InviteId([80; 16]))
        }),
        ("admit an owner", "O", |w, _| {
            w.add_body(&Signer::person(NEW), Role::Owner, InviteId([81; 16]))
        }),
        ("admit above the invitation", "", |w, _| {
            w.add_body(&Signer::person(NEW), Role::Admin, InviteId([80; 16]))
        }),
        ("make a member a reviewer", "OA", |_, _| Body::MemberRole {
            user: bystander().user(),
            role: Role::Reviewer,
        }),
        ("make a member an admin", "O", |_, _| Body::MemberRole {
            user: bystander().user(),
            role: Role::Admin,
        }),
        ("make a member an owner", "O", |_, _| Body::MemberRole {
            user: bystander().user(),
            role: Role::Owner,
        }),
        ("make oneself an owner", "O", |_, signer| Body::MemberRole {
            user: UserId(signer.who.id()),
            role: Role::Owner,
        }),
        ("make oneself an admin", "", |_, signer| Body::MemberRole {
            user: UserId(signer.who.id()),
            role: Role::Admin,
        }),
        ("demote an admin", "O", |_, _| Body::MemberRole {
            user: admin().user(),
            role: Role::Member,
        }),
        ("demote the owner", "", |_, _| Body::MemberRole {
            user: owner().user(),
            role: Role::Member,
        }),
        ("remove a member", "OAB", |w, _| w.remove_body(&bystander())),
        ("remove a reviewer", "OAR", |w, _| w.remove_body(&reviewer())),
        ("remove an admin", "OA", |w, _| w.remove_body(&admin())),
        ("remove the owner", "", |w, _| w.remove_body(&owner())),
        ("rotate own keys", "OAWBR", |w, signer| match signer.who {
            Principal::User(_) => w.rotate_body(signer, &signer.rekeyed(NEW)),
            _ => w.rotate_body(&owner(), &owner().rekeyed(NEW)),
        }),
        ("reset a member's keys", "OA", |w, _| w.reset_body(&writer(), &writer().rekeyed(NEW))),
        ("reset an admin's keys", "O", |w, _| w.reset_body(&admin(), &admin().rekeyed(NEW))),
        ("reset the owner's keys", "O", |w, _| w.reset_body(&owner(), &owner().rekeyed(NEW))),
        ("create an application's environment", "OA", |_, _| {
            World::create_body(env_id(7), EnvKind::App, place(1), EnvId::ZERO)
        }),
        ("create a group", "OA", |_, _| {
            World::create_body(env_id(7), EnvKind::Group, place(7), EnvId::ZERO)
        }),
        ("create a second directory", "", |_, _| {
            World::create_body(env_id(7), EnvKind::Directory, [0; 16], EnvId::ZERO)
        }),
        ("create a branch", "OWT", |w, _| branch(w)),
        ("create a personal overlay", "OW", |_, signer| personal(signer)),
        ("grant reading", "OAT", |_, _| World::grant_body(PROD, &bystander(), Rights::READ)),
        ("grant oneself reading", "OAT", |_, signer| World::grant_body(PROD, signer, Rights::READ)),
        ("grant in the directory", "", |_, _| {
            World::grant_body(DIRECTORY, &bystander(), Rights::ALL)
        }),
        ("revoke", "OAWT", |_, _| Body::EnvRevoke { env: PROD, principal: writer().who }),
        ("make a data key", "OWT", |w, _| w.epoch_body(PROD, EpochReason::Rotation)),
        ("make the directory's data key", "OA", |w, _| {
            w.epoch_body(DIRECTORY, EpochReason::Rotation)
        }),
        ("issue a token without rights", "OA", |_, _| {
            World::token_body(&Signer::token(NEW), Vec::new(), 0)
        }),
        ("issue a token that reads", "O", |_, _| {
            let right = EnvRight { env: PROD, rights: Rights::READ, not_after: 0 };
            World::token_body(&Signer::token(NEW), vec![right], 0)
        }),
        ("revoke a token", "OA", |_, _| Body::TokenRevoke { token: TokenId([70; 16]) }),
        ("tighten the policy", "O", |_, _| {
            Body::Policy(Policy { max_quiet_days: 1, ..Policy::initial() })
        }),
        ("anchor the audit log", "OAWBR", |_, _| Body::AuditAnchor {
            reset: 0,
            size: 5,
            root: digest(5),
        }),
        ("raise the suite", "", |_, _| Body::SuiteRaise { suite: 2 }),
        ("accept a new audit log", "O", |_, _| Body::AuditReset {
            old_reset: 0,
            size: 0,
            root: ZERO,
            audit_vkey: Signer::person(0xfb).keys().isk,
        }),
        ("retire audit entries", "O", |_, _| Body::AuditRetention {
            reset: 0,
            size: 1_024,
            root: digest(5),
        }),
        ("issue an agent", "OA", |_, _| agent_issue(NEW)),
        ("revoke an agent", "OA", |_, _| Body::AgentRevoke { agent: AgentId([72; 16]) }),
        ("compose", "OA", |_, _| Body::Compose { env: PROD, groups: vec![env_id(2)] }),
    ]
}

#[test]
fn every_link_type_is_signed_by_those_who_may_and_nobody_else() {
    let world = world();
    let mut kinds = std::collections::BTreeSet::new();
    for (what, allowed, body) in table() {
        for (letter, signer) in signers() {
            let body = body(&world, &signer);
            kinds.insert(body.kind());
            let outcome = world.would(&signer, body);
            assert_eq!(
                outcome.is_ok(),
                allowed.contains(letter),
                "{what} by {letter}: {outcome:?}"
            );
            if "XYS".contains(letter) {
                assert_eq!(outcome, Err(ChainError::UnknownAuthor), "{what} by {letter}");
            }
        }
    }
    assert!(kinds.into_iter().eq(1..=21), "a link type has no row");
}

#[test]
fn the_first_directory_is_the_founders() {
    let founder = owner();
    let genesis = founder.sign_link(genesis_statement(&founder));
    let mut world = World::founded();
    world.org = OrgState::found(&genesis).unwrap();
    world.invite(&founder, 2, Role::Admin);
    let add = world.add_body(&admin(), Role::Admin, InviteId([2; 16]));
    world.say(&founder, add).unwrap();
    let body = || World::create_body(DIRECTORY, EnvKind::Directory, [0; 16], EnvId::ZERO);
    assert_eq!(world.would(&admin(), body()), Err(ChainError::NotAllowed));
    assert_eq!(world.would(&founder, body()), Ok(()));
}

/// Who may act on whom: a role change, a removal, a key reset.
#[test]
fn nobody_acts_upwards() {
    let roles = [Role::Owner, Role::Admin, Role::Member, Role::Reviewer];
    let mut world = World::team();
    let mut people = Vec::new();
    for (first, role) in (100..).step_by(2).zip(roles) {
        // Two of each, so that a role can act on its own kind and an owner always remains.
        let pair = [first, first + 1].map(Signer::person);
        for person in &pair {
            world.admit(person, role);
        }
        people.push((role, pair));
    }
    for (actor_role, [actor, _]) in &people {
        for (subject_role, [_, subject]) in &people {
            let over = *actor_role == Role::Owner
                || (*actor_role == Role::Admin && subject_role.byte() > Role::Admin.byte());
            let cell = format!("{actor_role:?} on {subject_role:?}");
            let removed = world.would(actor, world.remove_body(subject));
            assert_eq!(removed.is_ok(), over, "{cell}");
            let reset = world.would(actor, world.reset_body(subject, &subject.rekeyed(200)));
            assert_eq!(reset.is_ok(), over, "{cell}");
            for new in roles {
                let body = Body::MemberRole { user: subject.user(), role: new };
                let may = over && (*actor_role == Role::Owner || new.byte() > Role::Admin.byte());
                assert_eq!(world.would(actor, body).is_ok(), may, "{cell} to {new:?}");
            }
        }
    }
}

/// Every right that somebody without the right to grant might hope to pass on.
#[test]
fn nobody_passes_on_what_it_does_not_have() {
    for bits in 1..8u8 {
        let own = rights(bits);
        let mut world = World::team();
        world.grant(&owner(), PROD, &bystander(), own);
        for given in (1..8u8).map(rights) {
            let outcome = world.would(&bystander(), World::grant_body(PROD, &writer(), given));
            let may = own.includes(Rights::GRANT) && own.includes(given);
            assert_eq!(outcome.is_ok(), may, "{own:?} gives {given:?}: {outcome:?}");
        }
    }
}

fn rights(bits: u8) -> Rights {
    [Rights::READ, Rights::WRITE, Rights::GRANT]
        .into_iter()
        .filter(|right| bits & right.bits() != 0)
        .fold(Rights::NONE, Rights::with)
}
