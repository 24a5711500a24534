//! Checks behind which another one often stands: each is reached alone here, so that taking it away
//! shows (scripts/faults).

use std::collections::BTreeMap;

use strongroom_chain::history::{CommitError, EnvHistory};
use strongroom_chain::org::{ChainError, OrgState};
use strongroom_chain::tree::{
    Frontier, TreeError, leaf_hash, node_hash, prove_consistency, verify_consistency,
    verify_inclusion,
};
use strongroom_chain::trie::{Item, Trie};
use strongroom_format::commit::MAX_ITEMS;
use strongroom_format::hash::{Digest, ZERO};
use strongroom_format::id::{
    AgentId, EnvId, InviteId, OrgId, Principal, SecretId, TokenId, UserId,
};
use strongroom_format::statement::{Body, EnvKind, EnvRight, EpochReason, Rights, Role};

use crate::refused_commits::stocked;
use crate::world::{
    DIRECTORY, PROD, START, Signer, World, admin, digest, env_id, owner, place, put, secret, writer,
};

fn one() -> Vec<strongroom_format::commit::Change> {
    vec![put(secret(1), 2, 9)]
}

// ---- commits and histories ------------------------------------------------------------------

#[test]
fn a_commit_that_names_another_organisation_is_refused() {
    let outcome = stocked().would_take(&writer(), PROD, one(), |c| c.org = OrgId([7; 32]));
    assert_eq!(outcome, Err(CommitError::WrongEnv));
}

#[test]
fn an_environment_without_a_data_key_takes_no_commit() {
    let mut world = World::team();
    let body = World::create_body(env_id(9), EnvKind::App, place(1), EnvId::ZERO);
    world.say(&owner(), body).unwrap();
    let outcome = world.would_take(&owner(), env_id(9), vec![put(secret(1), 1, 1)], |c| {
        c.dek_epoch = 0;
    });
    assert_eq!(outcome, Err(CommitError::WrongEpoch));
}

#[test]
fn items_out_of_order_are_not_those_of_a_head() {
    let world = stocked();
    let head = world.commits[&PROD].last().unwrap();
    let items = world.items(PROD);
    let open = |items: Vec<Item>| EnvHistory::from_head(&world.org, PROD, head, items).map(drop);
    assert_eq!(open(items.clone()), Ok(()));
    for i in 1..items.len() {
        let mut swapped = items.clone();
        swapped.swap(i - 1, i);
        assert_eq!(open(swapped), Err(CommitError::StateRoot));
    }
}

#[test]
fn a_head_of_more_items_than_an_environment_holds_is_refused() {
    let world = World::team();
    let id = |n: usize| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(n as u64).to_be_bytes());
        SecretId(id)
    };
    let open = |n: usize| {
        let item = |n| Item { change: put(id(n), 1, 1), epoch: 2, origin: None };
        let items: Vec<Item> = (0..n).map(item).collect();
        let mut commit = world.commit(&writer(), PROD, vec![put(id(0), 1, 1)]);
        commit.state_root = Trie::default().with(items.clone()).root();
        let head = writer().sign_commit(commit);
        EnvHistory::from_head(&world.org, PROD, &head, items).map(drop)
    };
    assert_eq!(open(MAX_ITEMS), Ok(()));
    assert_eq!(open(MAX_ITEMS + 1), Err(CommitError::TooManyItems));
}

#[test]
fn a_history_whose_past_is_unknown_confirms_nothing() {
    let world = stocked();
    let head = world.commits[&PROD].last().unwrap();
    let open = || EnvHistory::from_head(&world.org, PROD, head, world.items(PROD)).unwrap();
    let mut device = open();
    assert_eq!(device.confirm(open()), Err(CommitError::WrongEnv));
    assert!(!device.is_complete());
}

// ---- questions about the past -----------------------------------------------------------------

#[test]
fn nobody_was_there_before_the_link_that_says_so() {
    let mut world = World::team();
    let token = Signer::token(70);
    let right = EnvRight { env: PROD, rights: Rights::ALL, not_after: 0 };
    world.say(&owner(), World::token_body(&token, vec![right], 0)).unwrap();
    let issued = world.org.seq();
    let key = |seq| world.org.signing_key(&token.who, seq, world.now);
    assert_eq!((key(issued), key(issued - 1)), (Some(token.keys().isk), None));
    let member = world.org.member(&writer().user()).unwrap();
    assert!(member.is_active_at(member.added) && !member.is_active_at(member.added - 1));
    let rights = |seq| world.org.rights_at(&DIRECTORY, &owner().who, seq, START);
    assert_eq!((rights(1), rights(0)), (Rights::ALL, Rights::NONE));
}

// ---- links --------------------------------------------------------------------------------

#[test]
fn only_an_owner_is_told_that_the_suite_is_unknown() {
    let raise = |who: &Signer| World::team().would(who, Body::SuiteRaise { suite: 2 });
    assert_eq!(raise(&owner()), Err(ChainError::UnknownSuite));
    assert_eq!(raise(&admin()), Err(ChainError::NotAllowed));
}

#[test]
fn an_agent_has_a_present_member_who_answers_for_it() {
    let mut world = World::team();
    world.say(&owner(), world.remove_body(&writer())).unwrap();
    let issue = |responsible: UserId| {
        let (agent, not_after) = (AgentId([0x72; 16]), world.now);
        let (name_hash, policy_hash) = (digest(1), digest(2));
        let body = Body::AgentIssue { agent, name_hash, policy_hash, responsible, not_after };
        world.would(&owner(), body)
    };
    assert_eq!(issue(admin().user()), Ok(()));
    assert_eq!(issue(writer().user()), Err(ChainError::Unknown));
    assert_eq!(issue(UserId([9; 16])), Err(ChainError::Unknown));
}

#[test]
fn an_invitation_is_made_once() {
    let mut world = World::team();
    world.invite(&owner(), 80, Role::Member);
    let again = world.invite_body(80, Role::Admin);
    assert_eq!(world.would(&owner(), again), Err(ChainError::Duplicate));
    assert_eq!(world.org.invites()[&InviteId([80; 16])].role, Role::Member);
}

#[test]
fn rights_go_to_somebody_who_is_there() {
    let mut world = World::team();
    let (gone, revoked) = (Signer::person(50), Signer::token(70));
    world.admit(&gone, Role::Member);
    world.say(&owner(), world.remove_body(&gone)).unwrap();
    world.say(&owner(), World::token_body(&revoked, Vec::new(), 0)).unwrap();
    world.say(&owner(), Body::TokenRevoke { token: TokenId([70; 16]) }).unwrap();
    world.epoch(&owner(), DIRECTORY, EpochReason::Rotation);
    for nobody in [gone.who, revoked.who, Signer::person(66).who, Signer::token(67).who] {
        let body =
            Body::EnvGrant { env: PROD, principal: nobody, rights: Rights::READ, not_after: 0 };
        assert_eq!(world.would(&owner(), body), Err(ChainError::Unknown), "{nobody}");
    }
}

#[test]
fn only_what_is_held_is_taken_away() {
    let mut world = World::team();
    let revoke = |world: &World, principal: Principal| {
        world.would(&owner(), Body::EnvRevoke { env: PROD, principal })
    };
    assert_eq!(revoke(&world, admin().who), Err(ChainError::Unknown));
    assert_eq!(revoke(&world, writer().who), Ok(()));
    world.say(&owner(), Body::EnvRevoke { env: PROD, principal: writer().who }).unwrap();
    assert_eq!(revoke(&world, writer().who), Err(ChainError::Unknown));
    let token = Body::TokenRevoke { token: TokenId([70; 16]) };
    assert_eq!(world.would(&owner(), token.clone()), Err(ChainError::Unknown));
    world.say(&owner(), World::token_body(&Signer::token(70), Vec::new(), 0)).unwrap();
    world.say(&owner(), token.clone()).unwrap();
    assert_eq!(world.would(&owner(), token), Err(ChainError::Unknown));
}

#[test]
fn a_later_data_key_is_not_a_first_one() {
    let world = World::team();
    let body = world.edited_epoch(PROD, EpochReason::First, |e| *e.previous = ZERO);
    assert_eq!(world.would(&owner(), body), Err(ChainError::EpochReason));
}

#[test]
fn a_genesis_stands_at_the_beginning_and_founds_for_its_author() {
    let founder = owner();
    let found = |edit: fn(&mut strongroom_format::statement::Statement)| {
        let mut statement = crate::world::genesis_statement(&founder);
        edit(&mut statement);
        OrgState::found(&founder.sign_link(statement)).map(drop)
    };
    assert_eq!(found(|_| {}), Ok(()));
    assert_eq!(found(|s| s.seq = 1), Err(ChainError::Genesis));
    assert_eq!(found(|s| s.prev = digest(1)), Err(ChainError::Genesis));
    assert_eq!(found(|s| s.org = OrgId([1; 32])), Err(ChainError::Genesis));
    assert_eq!(found(|s| s.author = admin().who), Err(ChainError::Genesis));
}

#[test]
fn one_key_is_not_both_keys() {
    let mut world = World::team();
    // Some public keys are good ones of either kind.
    let is_either = |who: &Signer| who.keys().isk[31] < 0x80;
    let mut twin = (50..=255).map(Signer::person).find(is_either).unwrap();
    twin.enc = twin.keys().isk;
    let invite = world.invite(&owner(), 50, Role::Member);
    let add = world.add_body(&twin, Role::Member, invite);
    assert_eq!(world.would(&owner(), add), Err(ChainError::KeyReused));
    twin.who = writer().who;
    let rotate = world.rotate_body(&writer(), &twin);
    assert_eq!(world.would(&writer(), rotate), Err(ChainError::KeyReused));
}

// ---- audit proofs -------------------------------------------------------------------------

/// The root over `n` entries, and the proof that the first `old` are a beginning.
fn log(n: u64, old: u64) -> (Digest, Vec<Digest>) {
    let mut frontier = Frontier::new();
    let mut nodes = BTreeMap::new();
    for entry in 0..n {
        for node in frontier.append(leaf_hash(&entry.to_be_bytes())) {
            nodes.insert((node.level, node.index), node.hash);
        }
    }
    let lookup = |level, index| nodes.get(&(level, index)).copied();
    (frontier.root(), prove_consistency(old, n, lookup).unwrap())
}

#[test]
fn a_proof_has_as_many_steps_as_the_stated_sizes_ask_for() {
    let ((three, _), (five, proof)) = (log(3, 3), log(5, 3));
    assert_eq!(verify_consistency(3, &three, 5, &five, &proof), Ok(()));
    // The same nodes under a larger size, whose tree is one level higher.
    assert_eq!(verify_consistency(3, &three, 9, &five, &proof), Err(TreeError::Proof));
    // Roots that hide a level above what their sizes allow.
    let above = |root| node_hash(&digest(1), root);
    let longer = [&proof[..], &[digest(1)]].concat();
    let outcome = verify_consistency(3, &above(&three), 5, &above(&five), &longer);
    assert_eq!(outcome, Err(TreeError::Proof));
    let leaf = leaf_hash(b"entry");
    let outcome = verify_inclusion(&leaf, 0, 1, &above(&leaf), &[digest(1)]);
    assert_eq!(outcome, Err(TreeError::Proof));
}
