//! Requests that wait for a person.

use std::time::Duration;

use strongroom_control::{
    held::{Answer, Answered, Held},
    link::ToOwner,
    record::Outcome,
};
use strongroom_policy::Effect;
use tokio::task::JoinHandle;

use crate::support::{
    AGENT, REAL, World, direct, policy, provider, rule, secret, upstream::Upstream,
};

fn asking(upstream: &Upstream) -> World {
    let openai = provider("openai");
    let at = secret(1);
    let mut asks = rule(&openai, vec![at]);
    asks.effect = Effect::Ask;
    let secrets = [(at, REAL, openai.secret_policy())];
    World::new(&[upstream]).agent(AGENT, "coder", policy(vec![asks]), &secrets)
}

fn ask(world: &World, fake: &str) -> JoinHandle<(u16, String)> {
    let request = direct().post(world.url("/openai/v1/chat/completions")).bearer_auth(fake);
    tokio::spawn(async move {
        let answer = request.body(r#"{"model":"small"}"#).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}

async fn held(world: &World) -> Held {
    let pick = |told: &ToOwner| match told {
        ToOwner::Held { held } => Some(held.clone()),
        _ => None,
    };
    world.vault.wait_for(pick).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_request_says_what_it_would_do_and_goes_on_by_itself_after_a_yes() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let world = asking(&upstream);
    let session = world.session();
    let waiting = ask(&world, session.variable("OPENAI_API_KEY"));
    let held = held(&world).await;
    assert_eq!((held.agent_name.as_str(), held.responsible.as_str()), ("coder", "Mara Lind"));
    assert_eq!((held.method.as_str(), held.host.as_str()), ("POST", "api.openai.com"));
    assert_eq!((held.secret_name.as_str(), held.place.as_str()), ("API_KEY", "storefront / prod"));
    assert!(held.sentence.to_string().contains("small"), "{}", held.sentence);
    assert!(held.process.contains("pid"), "{}", held.process);
    assert!(upstream.got().is_empty(), "nothing leaves while a person thinks");
    assert_eq!(world.vault.lent.load(std::sync::atomic::Ordering::Relaxed), 0, "no value either");
    assert_eq!(world.broker.answer(held.id, Answer::Once), Answered::Taken);
    let (status, body) = waiting.await.unwrap();
    assert_eq!(status, 200, "{body}");
    assert!(!body.contains(&REAL[..12]));
    let outcomes: Vec<Outcome> = world.records().iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes[..2], [Outcome::Approved, Outcome::Sent]);
    let late = world.broker.answer(held.id, Answer::Once);
    assert!(matches!(late, Answered::TooLate { .. }), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_and_its_reason_reach_the_agent_and_nothing_left() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let world = asking(&upstream);
    let session = world.session();
    let waiting = ask(&world, session.variable("OPENAI_API_KEY"));
    let reason = "use the small model".to_owned();
    world.broker.answer(held(&world).await.id, Answer::Deny { reason });
    let (status, body) = waiting.await.unwrap();
    assert_eq!(status, 403);
    assert!(body.contains("use the small model"), "{body}");
    assert!(upstream.got().is_empty());
    assert_eq!(world.records().last().unwrap().outcome, Outcome::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_a_person_thinks_is_asked_again() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let mut world = asking(&upstream);
    let session = world.session();
    let waiting = ask(&world, session.variable("OPENAI_API_KEY"));
    let first = held(&world).await;
    world.configure(|config| config.agents[0].secrets[0].policy.uses = Some(9));
    assert_eq!(world.broker.answer(first.id, Answer::Once), Answered::Taken);
    let second = held(&world).await;
    assert_ne!(first.id, second.id);
    assert!(upstream.got().is_empty(), "a yes to another policy lets nothing out");
    world.broker.answer(second.id, Answer::Once);
    assert_eq!(waiting.await.unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_for_a_task_covers_its_count_and_no_more() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let world = asking(&upstream);
    let session = world.session();
    let fake = session.variable("OPENAI_API_KEY");
    let waiting = ask(&world, fake);
    let task = Answer::Task { minutes: 5, count: 2, path: "/v1/chat/completions".to_owned() };
    let held_first = held(&world).await;
    assert_eq!(world.broker.answer(held_first.id, task), Answered::Taken);
    assert_eq!(waiting.await.unwrap().0, 200);
    assert_eq!(ask(&world, fake).await.unwrap().0, 200, "the second of two");
    let third = ask(&world, fake);
    let again = held(&world).await;
    world.broker.stop(Some(AGENT));
    assert_eq!(third.await.unwrap().0, 403, "a stop ends waiting too");
    assert!(matches!(world.broker.answer(again.id, Answer::Once), Answered::TooLate { .. }));
    assert_eq!(upstream.got().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_gives_up_withdraws_what_waits() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let world = asking(&upstream);
    let session = world.session();
    let waiting = ask(&world, session.variable("OPENAI_API_KEY"));
    let id = held(&world).await.id;
    waiting.abort();
    let over = |told: &ToOwner| match told {
        ToOwner::HeldOver { id, how } => Some((*id, how.clone())),
        _ => None,
    };
    let gone = tokio::time::timeout(Duration::from_secs(10), world.vault.wait_for(over)).await;
    assert_eq!(gone.unwrap(), (id, "withdrawn".to_owned()));
}
