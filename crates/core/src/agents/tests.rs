use strongroom_crypto::safe::RepeatableEntropy;
use strongroom_format::agency::{AgentCall, CallOutcome};
use strongroom_format::event::{Act, Detail, EventKind};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{DeviceId, Principal, UserId};
use strongroom_policy::OnLock;

use super::*;
use crate::details::{Details, Thing};
use crate::offboard::tests::Story;
use crate::pen::{Policies, name};
use crate::replica::Me;
use crate::team::{AgentPut, Intent, Plan};

const MARA: UserId = UserId([7; 16]);

fn policy() -> AgentPolicy {
    AgentPolicy { on_lock: OnLock::End, ..AgentPolicy::nothing() }
}

/// An organisation with the agent "triage".
fn story() -> (Story, AgentId) {
    let mut story = Story::begin();
    let put = AgentPut {
        agent: None,
        name: "triage".to_owned(),
        policy: policy(),
        responsible: MARA,
        not_after: 0,
        secrets: Vec::new(),
    };
    let mut entropy = RepeatableEntropy::new(5);
    let plan =
        Plan::make(&mut story.replica, Intent::AgentPut(put), &mut entropy, story.now).unwrap();
    let agent = plan.agent().unwrap();
    story.write(|pen, _| pen.carry_out(&plan).unwrap());
    (story, agent)
}

fn policy_now(story: &mut Story) -> Result<AgentPolicy, Broken> {
    let mut all = agents(&mut story.replica, story.now);
    assert_eq!(all.len(), 1);
    all.remove(0).policy
}

/// Somebody who may write every name writes the agent's item by itself.
fn rewrite(story: &mut Story, agent: AgentId, called: &str, field: Option<Vec<u8>>) {
    let item = agent.directory_item();
    story.write(|pen, _| {
        let directory = pen.replica().state().directory().unwrap();
        let put = name(item, called, Details::of(Thing::Agent));
        let policies = Policies::from([(item, field)]);
        pen.commit_with(directory, vec![put], &[], &policies).unwrap();
    });
}

fn field(story: &mut Story, agent: AgentId) -> Vec<u8> {
    let directory = story.replica.state().directory().unwrap();
    let item = agent.directory_item();
    let field = story.replica.open_field(directory, &item, Field::Policy).unwrap();
    field.lend(<[u8]>::to_vec)
}

#[test]
fn terms_that_are_not_the_signed_ones_are_none() {
    let (mut story, agent) = story();
    assert_eq!(policy_now(&mut story), Ok(policy()));
    let signed = field(&mut story, agent);
    assert_eq!(Terms::parse(&signed).unwrap().encode(), signed);

    let wider = AgentPolicy { on_lock: OnLock::Pause, ..policy() };
    let salt = *signed[1..].first_chunk().unwrap();
    rewrite(&mut story, agent, "triage", Some(Terms::new(salt, &wider).encode()));
    assert_eq!(policy_now(&mut story), Err(Broken::Unsigned), "another policy");
    rewrite(&mut story, agent, "triage", Some(Terms::new([9; SALT], &policy()).encode()));
    assert_eq!(policy_now(&mut story), Err(Broken::Unsigned), "the same under another salt");
    rewrite(&mut story, agent, "triage", Some(vec![2; 60]));
    assert_eq!(policy_now(&mut story), Err(Broken::Unsigned), "another version");
    rewrite(&mut story, agent, "triage", None);
    assert_eq!(policy_now(&mut story), Err(Broken::Missing));
    rewrite(&mut story, agent, "admin-bot", Some(signed.clone()));
    assert_eq!(policy_now(&mut story), Err(Broken::Unsigned), "another name");
    rewrite(&mut story, agent, "triage", Some(signed));
    assert_eq!(policy_now(&mut story), Ok(policy()));
}

#[test]
fn a_name_that_is_written_again_keeps_the_terms_beside_it() {
    let (mut story, agent) = story();
    let item = agent.directory_item();
    story.write(|pen, _| {
        pen.put_names(vec![name(item, "triage", Details::of(Thing::Agent))]).unwrap();
    });
    assert_eq!(policy_now(&mut story), Ok(policy()));
}

fn call() -> AgentCall {
    AgentCall::new("GET", "api.example", "/v1/models", "/usr/bin/node", CallOutcome::Done)
}

/// An act of Mara about the agent.
fn act(story: &mut Story, agent: AgentId) -> Act {
    let mut entropy = RepeatableEntropy::new(6);
    let agency = seal_call(&mut story.replica, agent, &call(), &mut entropy).unwrap();
    assert!(agency.sealed.is_some());
    Act {
        org: story.replica.state().org(),
        kind: EventKind::Brokered,
        actor: Some(Principal::User(MARA)),
        device: DeviceId::ZERO,
        actor_seq: 1,
        actor_prev: ZERO,
        org_head: story.replica.state().head(),
        detail: Detail::status(200),
        agency: Some(agency),
    }
}

#[test]
fn what_an_agent_did_opens_in_its_act_and_under_no_other_name() {
    let (mut story, agent) = story();
    let act = act(&mut story, agent);
    assert_eq!(open_call(&mut story.replica, &act), Some(call()));
    let other = |change: fn(&mut Act)| {
        let mut other = act.clone();
        change(&mut other);
        other
    };
    let lies: [fn(&mut Act); 5] = [
        |act| act.actor = Some(Principal::User(UserId([8; 16]))),
        |act| act.actor = None,
        |act| act.agency.as_mut().unwrap().agent = AgentId([9; 16]),
        |act| act.agency.as_mut().unwrap().sealed.as_mut().unwrap().epoch = 2,
        |act| act.agency.as_mut().unwrap().sealed.as_mut().unwrap().envelope[90] ^= 1,
    ];
    for lie in lies {
        assert_eq!(open_call(&mut story.replica, &other(lie)), None);
    }
}

#[test]
fn what_an_agent_did_before_the_names_were_sealed_anew_still_opens() {
    let (mut story, agent) = story();
    let before = act(&mut story, agent);
    let directory = story.replica.state().directory().unwrap();
    story.write(|pen, _| {
        pen.new_epoch(directory, strongroom_format::statement::EpochReason::ReaderAdded).unwrap();
    });
    let after = act(&mut story, agent);
    let epoch = |act: &Act| act.agency.as_ref().unwrap().sealed.as_ref().unwrap().epoch;
    assert_eq!((epoch(&before), epoch(&after)), (1, 2));
    for told in [before, after] {
        assert_eq!(open_call(&mut story.replica, &told), Some(call()));
    }
}

#[test]
fn a_token_names_the_agent_and_seals_nothing() {
    let (mut story, agent) = story();
    story.issue();
    // The same copy in the hands of the token: it has the chain, and no key of the directory.
    let links: Vec<Vec<u8>> = (0..=story.replica.state().seq())
        .map(|seq| story.replica.link(seq).unwrap().as_bytes().to_vec())
        .collect();
    let me = std::sync::Arc::new(Me::token(&story.token));
    let org = story.replica.state().org();
    let mut theirs = Replica::start(me, org, &links[0]).unwrap();
    theirs.take_links(&links).unwrap();
    let agency = seal_call(&mut theirs, agent, &call(), &mut RepeatableEntropy::new(7)).unwrap();
    assert_eq!((agency.agent, agency.sealed), (agent, None));
    // It knows that the agent lives, and nothing of what it may do.
    let seen = super::agent(&mut theirs, agent, story.now).unwrap();
    assert!(seen.lives);
    assert_eq!((seen.name.as_str(), seen.policy), ("", Err(Broken::Missing)));
}
