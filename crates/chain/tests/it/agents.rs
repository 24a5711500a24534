//! Agents: issued, issued again with other terms, and over for good.

use strongroom_chain::org::{Agent, ChainError, OrgState};
use strongroom_format::id::{AgentId, UserId};
use strongroom_format::statement::{Body, Role};

use crate::world::{DAY, Signer, World, admin, digest, owner};

const AGENT: AgentId = AgentId([0x72; 16]);

fn issue(policy: u8, responsible: UserId, not_after: u64) -> Body {
    Body::AgentIssue {
        agent: AGENT,
        name_hash: digest(1),
        policy_hash: digest(policy),
        responsible,
        not_after,
    }
}

fn agent(state: &OrgState) -> &Agent {
    &state.agents()[&AGENT]
}

#[test]
fn an_agent_is_issued_again_with_other_terms_and_keeps_its_first_link() {
    let mut world = World::team();
    world.say(&owner(), issue(2, owner().user(), 0)).unwrap();
    let first = world.org.seq();
    let end = world.now + DAY;
    world.say(&admin(), issue(3, admin().user(), end)).unwrap();
    let again = agent(&world.org);
    assert_eq!((again.issued, again.changed), (first, first + 1));
    assert_eq!((again.policy_hash, again.responsible), (digest(3), admin().user()));
    assert_eq!(again.not_after, end);
    // What has only ended by time goes on when it is issued again.
    assert!(!world.org.agent_lives(&AGENT, end + 1));
    world.say(&owner(), issue(3, admin().user(), 0)).unwrap();
    assert!(world.org.agent_lives(&AGENT, u64::MAX));
}

#[test]
fn a_revoked_agent_never_comes_back() {
    let mut world = World::team();
    world.say(&owner(), issue(2, owner().user(), 0)).unwrap();
    assert!(world.org.agent_lives(&AGENT, world.now));
    world.say(&owner(), Body::AgentRevoke { agent: AGENT }).unwrap();
    assert!(!world.org.agent_lives(&AGENT, world.now));
    let again = world.would(&owner(), issue(2, owner().user(), 0));
    assert_eq!(again, Err(ChainError::Unknown));
    let revoked_again = world.would(&owner(), Body::AgentRevoke { agent: AGENT });
    assert_eq!(revoked_again, Err(ChainError::Unknown));
}

#[test]
fn an_agent_ends_with_the_person_who_answers_for_it_and_goes_on_with_another() {
    let mut world = World::team();
    let leaver = Signer::person(50);
    world.admit(&leaver, Role::Member);
    world.say(&owner(), issue(2, leaver.user(), 0)).unwrap();
    assert!(world.org.agent_lives(&AGENT, world.now));
    world.say(&owner(), world.remove_body(&leaver)).unwrap();
    assert!(!world.org.agent_lives(&AGENT, world.now));
    // Issuing it again does not bring back who left.
    let of_leaver = world.would(&owner(), issue(2, leaver.user(), 0));
    assert_eq!(of_leaver, Err(ChainError::Unknown));
    world.say(&owner(), issue(2, admin().user(), 0)).unwrap();
    assert!(world.org.agent_lives(&AGENT, world.now));
}

#[test]
fn an_agent_lives_to_the_very_end_and_an_unknown_one_never() {
    let mut world = World::team();
    world.say(&owner(), issue(2, owner().user(), world.now + DAY)).unwrap();
    let end = agent(&world.org).not_after;
    assert!(world.org.agent_lives(&AGENT, end));
    assert!(!world.org.agent_lives(&AGENT, end + 1));
    assert!(!world.org.agent_lives(&AgentId([9; 16]), 0));
}
