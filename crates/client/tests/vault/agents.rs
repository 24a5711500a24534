//! Agents over the real server: made, changed and ended, what is lent to them, and what the log says.

use std::sync::Arc;

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::robot::{Robot, ServiceToken};
use strongroom_client::vault::{AgentEntry, AgentUse, Note, Once, Session, VaultError};
use strongroom_core::agents::open_call;
use strongroom_core::lock_file::Lock;
use strongroom_core::log::index::Query;
use strongroom_core::team::{AgentPut, Intent, LineKind, NewToken, SecretPolicyPut};
use strongroom_format::agency::{AgentCall, CallOutcome};
use strongroom_format::event::{Event, EventKind};
use strongroom_format::id::{EnvId, Principal};
use strongroom_format::statement::{EnvRight, Rights, Role};
use strongroom_policy::{AgentPolicy, Auth, Effect, Rule, SecretAt, SecretPolicy};
use strongroom_secret::SecretBytes;

use crate::team::{Team, grant, invite, sign, team};
use crate::world::World;
use crate::{app, id_of, stage_new, value_of};

fn rule(name: &str, effect: Effect, secrets: Vec<SecretAt>) -> Rule {
    Rule {
        name: name.to_owned(),
        effect,
        provider: "github".to_owned(),
        capability: None,
        secrets,
        hosts: vec!["api.github.com".parse().unwrap()],
        ports: vec![443],
        methods: vec!["GET".parse().unwrap()],
        paths: vec!["/repos/**".parse().unwrap()],
        process: None,
        uses: None,
        not_after_ms: None,
        rate: None,
        bytes: None,
        reason: false,
    }
}

fn may(secrets: Vec<SecretAt>) -> AgentPolicy {
    AgentPolicy { rules: vec![rule("read", Effect::Allow, secrets)], ..AgentPolicy::nothing() }
}

fn goes_to(host: &str) -> SecretPolicy {
    SecretPolicy {
        hosts: vec![host.parse().unwrap()],
        ports: vec![443],
        methods: vec!["GET".parse().unwrap()],
        paths: vec!["/**".parse().unwrap()],
        ..SecretPolicy::nothing(Auth::Bearer)
    }
}

fn put(session: &Session, name: &str, policy: AgentPolicy) -> AgentPut {
    let (name, responsible) = (name.to_owned(), session.user());
    AgentPut { agent: None, name, policy, responsible, not_after: 0, secrets: Vec::new() }
}

fn only_agent(session: &Session) -> AgentEntry {
    let mut agents = session.agents().unwrap();
    assert_eq!(agents.len(), 1);
    agents.remove(0)
}

fn policy_of(session: &Session, at: SecretAt) -> Option<SecretPolicy> {
    session.secret_policy(at.env, &at.secret).unwrap().unwrap()
}

fn call(outcome: CallOutcome) -> AgentCall {
    AgentCall::new("GET", "api.github.com", "/repos/acme/docs", "/usr/bin/node", outcome)
}

/// A vault with a token of GitHub in it.
async fn with_token() -> (World, Arc<Session>, SecretAt) {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    stage_new(&session, env, "GITHUB_TOKEN", "ghp_real");
    session.commit_staged(env).await.unwrap();
    let secret = id_of(&session, env, "GITHUB_TOKEN");
    (world, session, SecretAt { env, secret })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_and_where_its_secret_may_go_are_signed_together() {
    let (world, session, at) = with_token().await;
    let secrets = vec![SecretPolicyPut { at, policy: Some(goes_to("api.github.com")) }];
    let new = AgentPut { secrets, ..put(&session, " refund-desk ", may(vec![at])) };
    let proposal = session.propose(Intent::AgentPut(new), Note::default()).await.unwrap();
    let said: Vec<&str> = proposal.lines.iter().map(|line| line.text.as_str()).collect();
    let expected = [
        "New agent \u{201c}refund-desk\u{201d}",
        "The agent never ends by itself",
        "May call GitHub with GITHUB_TOKEN (storefront / prod)",
        "GITHUB_TOKEN (storefront / prod) may be sent to api.github.com",
    ];
    assert_eq!(said, expected);
    assert_eq!(proposal.links, 2, "the agent's link and the commit of the secret");
    let signed = session.sign(proposal).await.unwrap();

    let agent = only_agent(&session);
    assert_eq!(signed.agent, Some(agent.id));
    assert_eq!((agent.name.as_str(), agent.responsible), ("refund-desk", session.user()));
    assert_eq!(agent.policy, Ok(may(vec![at])));
    assert!(agent.lives);
    assert_eq!((agent.issued, agent.changed), (signed.first_link, signed.first_link));
    let secrets = session.agent_secrets(&may(vec![at])).unwrap();
    assert_eq!(secrets.len(), 1);
    assert_eq!((secrets[0].name.as_str(), secrets[0].version), ("GITHUB_TOKEN", 2));
    assert_eq!(secrets[0].policy, Some(goes_to("api.github.com")));

    // Another computer of the same person has it from the server alone.
    let second = world.second_device(&session).await;
    second.sync().await.unwrap();
    assert_eq!(second.agents().unwrap(), session.agents().unwrap());
    assert_eq!(policy_of(&second, at), Some(goes_to("api.github.com")));
    assert!(world.files_containing(b"refund-desk").is_empty(), "names are sealed");
    assert!(world.files_containing(b"api.github.com").is_empty(), "policies are sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_gets_other_terms_and_the_window_tells_only_what_changes() {
    let (_world, session, at) = with_token().await;
    sign(&session, Intent::AgentPut(put(&session, "triage", may(vec![at])))).await.unwrap();
    let first = only_agent(&session);
    let mut policy = may(vec![at]);
    policy.rules.push(rule("write", Effect::Ask, vec![at]));
    let again = AgentPut {
        agent: Some(first.id),
        not_after: crate::team::now() + crate::team::WEEK,
        ..put(&session, "triage", policy.clone())
    };
    let proposal = session.propose(Intent::AgentPut(again.clone()), Note::default()).await.unwrap();
    let said: Vec<&str> = proposal.lines.iter().map(|line| line.text.as_str()).collect();
    let expected = [
        "Agent \u{201c}triage\u{201d} is issued again",
        "May, when a person says so, call GitHub with GITHUB_TOKEN (storefront / prod)",
        "1 rule stays as it is",
        "1 secret of its rules may be sent nowhere yet",
    ];
    assert_eq!(said, expected);
    session.sign(proposal).await.unwrap();
    let second = only_agent(&session);
    assert_eq!((second.id, second.issued), (first.id, first.issued));
    assert!(second.changed > first.changed && second.policy_hash != first.policy_hash);
    assert_eq!(second.policy, Ok(policy));

    let nothing = session.propose(Intent::AgentPut(again), Note::default()).await;
    assert!(matches!(nothing, Err(VaultError::NothingToSign)), "{nothing:?}");
    let taken = Intent::AgentPut(put(&session, "TRIAGE", may(vec![at])));
    let taken = session.propose(taken, Note::default()).await;
    assert!(matches!(taken, Err(VaultError::NameTaken(_))), "{taken:?}");

    sign(&session, Intent::AgentEnd { agent: first.id }).await.unwrap();
    let ended = only_agent(&session);
    assert!(!ended.lives && ended.revoked.is_some());
    let revived = AgentPut { agent: Some(first.id), ..put(&session, "triage", may(vec![at])) };
    let revived = session.propose(Intent::AgentPut(revived), Note::default()).await;
    assert!(matches!(revived, Err(VaultError::NotFound)), "{revived:?}");
    // Its name is free again.
    sign(&session, Intent::AgentPut(put(&session, "triage", may(vec![at])))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_a_captured_and_a_rotated_secret_keep_their_broker_policy() {
    let (_world, session, at) = with_token().await;
    let policy = goes_to("api.github.com");
    let give = SecretPolicyPut { at, policy: Some(policy.clone()) };
    sign(&session, Intent::SecretPolicyPut(give.clone())).await.unwrap();
    let again = session.propose(Intent::SecretPolicyPut(give), Note::default()).await;
    assert!(matches!(again, Err(VaultError::NothingToSign)), "{again:?}");

    let value = strongroom_secret::SecretText::from_string("ghp_next".to_owned());
    session.stage_put(at.env, Some(at.secret), "GITHUB_TOKEN", Some(value), "a note").unwrap();
    session.commit_staged(at.env).await.unwrap();
    assert_eq!(policy_of(&session, at), Some(policy.clone()));

    let value = SecretBytes::from_vec(b"ghp_captured".to_vec());
    assert_eq!(session.capture(at.env, at.secret, 3, value).await.unwrap(), 4);
    assert_eq!(value_of(&session, at.env, "GITHUB_TOKEN"), "ghp_captured");
    assert_eq!(policy_of(&session, at), Some(policy.clone()));
    let late = session.capture(at.env, at.secret, 3, SecretBytes::from_vec(b"x".to_vec())).await;
    assert!(matches!(late, Err(VaultError::Conflict(_))), "{late:?}");

    let take = SecretPolicyPut { at, policy: None };
    let proposal = session.propose(Intent::SecretPolicyPut(take), Note::default()).await.unwrap();
    assert_eq!(proposal.lines[0].kind, LineKind::Lose);
    let signed = session.sign(proposal).await.unwrap();
    assert!(signed.first_link > signed.last_link, "no link was needed");
    assert_eq!(policy_of(&session, at), None);
    assert_eq!(value_of(&session, at.env, "GITHUB_TOKEN"), "ghp_captured");
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_outlive_the_replacement_of_every_data_key() {
    let Team { mara, teo, env, world: _world } = team().await;
    let at = SecretAt { env, secret: id_of(&mara, env, "DATABASE_URL") };
    let secrets = vec![SecretPolicyPut { at, policy: Some(goes_to("db.example")) }];
    let new = AgentPut { secrets, ..put(&mara, "triage", may(vec![at])) };
    sign(&mara, Intent::AgentPut(new)).await.unwrap();
    let of_teo = AgentPut { responsible: teo.user(), ..put(&mara, "helper", may(Vec::new())) };
    let of_teo = sign(&mara, Intent::AgentPut(of_teo)).await.unwrap().agent.unwrap();
    let leave = Intent::Remove { user: teo.user() };
    let shown = mara.propose(leave.clone(), Note::default()).await.unwrap();
    assert!(shown.lines.iter().any(|line| line.text == "1 agent ends with it"), "{shown:?}");
    let due = sign(&mara, leave).await.unwrap().due;
    assert_eq!(due.len(), 2, "the environment and the names");
    for done in mara.rotate(&due).await.unwrap() {
        done.result.unwrap();
    }
    let agents = mara.agents().unwrap();
    assert_eq!(agents.len(), 2);
    for agent in agents {
        let (lives, secrets) =
            if agent.id == of_teo { (false, Vec::new()) } else { (true, vec![at]) };
        assert_eq!((agent.lives, agent.policy), (lives, Ok(may(secrets))));
    }
    assert_eq!(policy_of(&mara, at), Some(goes_to("db.example")));
}

#[tokio::test(flavor = "multi_thread")]
async fn staged_edits_go_along_when_only_the_policy_changed() {
    let (_world, session, at) = with_token().await;
    let value = strongroom_secret::SecretText::from_string("ghp_staged".to_owned());
    session.stage_put(at.env, Some(at.secret), "GITHUB_TOKEN", Some(value), "").unwrap();
    let give = SecretPolicyPut { at, policy: Some(goes_to("api.github.com")) };
    sign(&session, Intent::SecretPolicyPut(give)).await.unwrap();
    session.commit_staged(at.env).await.unwrap();
    assert_eq!(value_of(&session, at.env, "GITHUB_TOKEN"), "ghp_staged");
    assert_eq!(policy_of(&session, at), Some(goes_to("api.github.com")));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_manager_who_writes_there_says_where_a_secret_may_go() {
    let Team { mara, teo, env, world: _world } = team().await;
    let at = SecretAt { env, secret: id_of(&mara, env, "DATABASE_URL") };
    let give = SecretPolicyPut { at, policy: Some(goes_to("db.example")) };
    let refused = teo.propose(Intent::SecretPolicyPut(give.clone()), Note::default()).await;
    assert!(matches!(refused, Err(VaultError::NotAllowed)), "{refused:?}");
    let agent = Intent::AgentPut(put(&teo, "mine", may(vec![at])));
    let refused = sign(&teo, agent).await;
    assert!(matches!(refused, Err(VaultError::NotAllowed)), "{refused:?}");

    sign(&mara, Intent::Role { user: teo.user(), role: Role::Admin }).await.unwrap();
    teo.sync().await.unwrap();
    sign(&teo, Intent::SecretPolicyPut(give)).await.unwrap();
    // A manager who only reads says nothing about it.
    mara.sync().await.unwrap();
    sign(&mara, Intent::Access(vec![grant(env, teo.user(), Rights::READ)])).await.unwrap();
    teo.sync().await.unwrap();
    let take = SecretPolicyPut { at, policy: None };
    let refused = teo.propose(Intent::SecretPolicyPut(take), Note::default()).await;
    assert!(matches!(refused, Err(VaultError::NotAllowed)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_is_not_signed_once_somebody_else_changed_it() {
    let Team { mara, teo, env, world: _world } = team().await;
    sign(&mara, Intent::Role { user: teo.user(), role: Role::Admin }).await.unwrap();
    teo.sync().await.unwrap();
    let at = SecretAt { env, secret: id_of(&mara, env, "DATABASE_URL") };
    let give = |host| Intent::SecretPolicyPut(SecretPolicyPut { at, policy: Some(goes_to(host)) });
    let shown = mara.propose(give("mine.example"), Note::default()).await.unwrap();
    sign(&teo, give("theirs.example")).await.unwrap();
    let late = mara.sign(shown).await;
    assert!(matches!(late, Err(VaultError::SummaryChanged)), "{late:?}");
    assert_eq!(policy_of(&mara, at), Some(goes_to("theirs.example")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lent_is_what_is_signed_and_is_noted_once() {
    let (_world, session, at) = with_token().await;
    session.sync().await.unwrap();
    let value = strongroom_secret::SecretText::from_string("ghp_staged".to_owned());
    session.stage_put(at.env, Some(at.secret), "GITHUB_TOKEN", Some(value), "").unwrap();
    for _ in 0..3 {
        let (version, lent) = session.lend_to_agent(at.env, &at.secret).unwrap();
        assert_eq!(version, 1);
        assert!(lent.lend(|bytes| bytes == b"ghp_real"), "not what is only staged");
    }
    assert_eq!(session.acts_waiting().unwrap(), 1, "opened once");
    let nowhere = session.lend_to_agent(EnvId([9; 16]), &at.secret);
    assert!(matches!(nowhere, Err(VaultError::NotFound)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_token_lends_by_the_signed_policy_and_tells_what_agents_did() {
    let (world, session, at) = with_token().await;
    let secrets = vec![SecretPolicyPut { at, policy: Some(goes_to("api.github.com")) }];
    let new = AgentPut { secrets, ..put(&session, "triage", may(vec![at])) };
    let agent = sign(&session, Intent::AgentPut(new)).await.unwrap().agent.unwrap();
    let rights = vec![EnvRight { env: at.env, rights: Rights::READ, not_after: 0 }];
    let new = NewToken { name: "broker".into(), rights, not_after: 0 };
    let once = sign(&session, Intent::TokenIssue(new)).await.unwrap().once;
    let Some(Once::Token(once)) = once else { panic!("a token is shown once") };
    let token = ServiceToken::parse(&once.text.lend(str::to_owned)).unwrap();
    let lock = Lock::parse(&session.lock_file().unwrap()).unwrap();
    let mut robot = Robot::open(world.api(), &token, lock, crate::team::now()).await.unwrap();
    robot.fetch(at.env).await.unwrap();

    assert!(robot.agent_lives(&agent, crate::team::now()));
    let (version, policy) = robot.secret_policy(at.env, &at.secret).unwrap();
    assert_eq!((version, policy), (2, Some(goes_to("api.github.com"))));
    for _ in 0..2 {
        let (version, lent) = robot.lend_to_agent(at.env, &at.secret).await.unwrap();
        assert!(version == 2 && lent.lend(|bytes| bytes == b"ghp_real"));
    }
    let used =
        AgentUse { agent, secret: Some((at, 2)), status: 200, call: call(CallOutcome::Done) };
    robot.note_agent_uses(&[used]).await.unwrap();

    session.sync().await.unwrap();
    session.pull_log().await.unwrap();
    let of = |kind| Query {
        who: vec![Some(Principal::Token(token.id()))],
        kinds: vec![kind],
        ..Query::default()
    };
    let count = |kind| session.log_ask(&of(kind)).unwrap().unwrap().found.rows.len();
    assert_eq!((count(EventKind::Decrypted), count(EventKind::Brokered)), (1, 1), "opened once");
    let for_agent = Query { who: vec![Some(Principal::Agent(agent))], ..Query::default() };
    let rows = session.log_ask(&for_agent).unwrap().unwrap();
    assert_eq!(rows.found.rows.len(), 1, "what the token lent is found by the agent");
    let entry = rows.base + u64::from(rows.found.rows[0]);
    assert!(session.log_calls(&[entry]).unwrap().is_empty(), "it has no words");

    sign(&session, Intent::AgentEnd { agent }).await.unwrap();
    let lock = Lock::parse(&session.lock_file().unwrap()).unwrap();
    let robot = Robot::open(world.api(), &token, lock, crate::team::now()).await.unwrap();
    assert!(!robot.agent_lives(&agent, crate::team::now()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_reads_in_the_log_what_an_agent_did_and_the_server_does_not() {
    let Team { mara, teo, env, world } = team().await;
    let at = SecretAt { env, secret: id_of(&mara, env, "DATABASE_URL") };
    let agent =
        sign(&mara, Intent::AgentPut(put(&mara, "triage", may(vec![at])))).await.unwrap().agent;
    let agent = agent.unwrap();
    let used = |secret, status, outcome| AgentUse { agent, secret, status, call: call(outcome) };
    mara.note_agent_uses(&[
        used(Some((at, 1)), 200, CallOutcome::Done),
        used(None, 0, CallOutcome::Approved),
        used(None, 0, CallOutcome::Refused),
    ])
    .unwrap();
    mara.sync().await.unwrap();
    assert_eq!(mara.acts_waiting().unwrap(), 0, "the server takes them");

    // Somebody who came later reads it too, a reviewer for instance.
    let (_, shown) = invite(&mara, Role::Reviewer, Vec::new()).await;
    let rita = world.join(&shown.code, "Rita", None).await.unwrap();
    rita.follow_up().await.unwrap();
    mara.follow_up().await.unwrap();
    rita.follow_up().await.unwrap();
    for reader in [&mara, &teo, &rita] {
        reader.sync().await.unwrap();
        reader.pull_log().await.unwrap();
        let kinds = vec![EventKind::Brokered, EventKind::Approved, EventKind::Denied];
        let query = Query { kinds, ..Query::default() };
        let answer = reader.log_ask(&query).unwrap().unwrap();
        let acts: Vec<Event> = answer
            .found
            .rows
            .iter()
            .map(|row| reader.log_entry(u64::from(*row)).unwrap().event)
            .collect();
        assert_eq!(acts.len(), 3);
        let entries: Vec<u64> = answer.found.rows.iter().map(|row| u64::from(*row)).collect();
        assert_eq!(reader.log_calls(&entries).unwrap().len(), 3);
        for event in &acts {
            assert_eq!(event.act.actor, Some(Principal::User(mara.user())));
            assert_eq!(event.act.agency.as_ref().unwrap().agent, agent);
            let said = reader.with(|org| Ok(open_call(org.replica(), &event.act))).unwrap();
            assert_eq!(said.unwrap().path, "/repos/acme/docs");
        }
    }
    assert!(world.files_containing(b"api.github.com").is_empty(), "what it did is sealed");
}
