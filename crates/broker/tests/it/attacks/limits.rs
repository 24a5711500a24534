//! Many requests at once for a use that may happen only so often.

use http::{Response, StatusCode};
use strongroom_control::{held::Answer, link::ToOwner};
use strongroom_policy::{Effect, Rate, Rule, SecretPolicy};

use crate::support::{
    AGENT, REAL, Session, World, direct, policy, provider, rule, secret,
    upstream::{Upstream, whole},
};

const SECOND: &str = "sk-live-Hn5tRq9bWcYx0uLg3EoKs7PzMd4A";

fn world(upstream: &Upstream, change: impl FnOnce(&mut Rule, &mut [SecretPolicy; 2])) -> World {
    let openai = provider("openai");
    let (one, two) = (secret(1), secret(2));
    let mut only = rule(&openai, vec![one]);
    let mut secrets = [openai.secret_policy(), openai.secret_policy()];
    change(&mut only, &mut secrets);
    let [first, second] = secrets;
    let entries = [(one, REAL, first), (two, SECOND, second)];
    World::new(&[upstream]).agent(AGENT, "coder", policy(vec![only]), &entries)
}

/// The statuses of `count` requests at once.
async fn at_once(world: &World, session: &Session, count: usize) -> Vec<u16> {
    let all = (0..count).map(|_| {
        let request = direct().get(world.url("/openai/v1/models"));
        let request = request.bearer_auth(session.variable("OPENAI_API_KEY"));
        tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
    });
    let all: Vec<_> = all.collect();
    let mut statuses = Vec::new();
    for one in all {
        statuses.push(one.await.unwrap());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_spent_once_however_many_ask_at_the_same_time() {
    type Limit = fn(&mut Rule, &mut [SecretPolicy; 2]);
    let limits: [Limit; 4] = [
        |rule, _| rule.uses = Some(3),
        |rule, _| rule.rate = Some(Rate { count: 3, per_seconds: 3_600 }),
        |_, [secret, _]| secret.uses = Some(3),
        |_, [secret, _]| secret.rate = Some(Rate { count: 3, per_seconds: 3_600 }),
    ];
    for limit in limits {
        let upstream = Upstream::echo(&["api.openai.com"]).await;
        let world = world(&upstream, limit);
        let statuses = at_once(&world, &world.session(), 20).await;
        let gone = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!((gone, upstream.got().len()), (3, 3), "{statuses:?}");
        // Another session of the same agent has no use left either.
        assert_ne!(at_once(&world, &world.session(), 1).await, [200]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_approvals_at_once_do_not_spend_the_last_use_twice() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let world = world(&upstream, |rule, _| {
        (rule.effect, rule.uses) = (Effect::Ask, Some(1));
    });
    let session = world.session();
    let asking = async {
        let mut waiting = Vec::new();
        for _ in 0..2 {
            let pick = |told: &ToOwner| match told {
                ToOwner::Held { held } => Some(held.id),
                _ => None,
            };
            waiting.push(world.vault.wait_for(pick).await);
        }
        for id in waiting {
            world.broker.answer(id, Answer::Once);
        }
    };
    let (mut statuses, ()) = tokio::join!(at_once(&world, &session, 2), asking);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
    assert_eq!(upstream.got().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_credential_of_a_pool_that_was_tried_counts_as_used() {
    let upstream = Upstream::answering(&["api.openai.com"], |got| {
        let mut response = Response::new(whole("x"));
        if got.header("authorization").ends_with(REAL) {
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        }
        response
    })
    .await;
    let world = world(&upstream, |rule, [_, second]| {
        rule.secrets = vec![secret(1), secret(2)];
        second.uses = Some(1);
    });
    let session = world.session();
    assert_eq!(at_once(&world, &session, 1).await, [200], "the second credential helped");
    assert_eq!(at_once(&world, &session, 1).await, [429], "and may not help again");
    let used = upstream.got();
    let with =
        |key: &str| used.iter().filter(|got| got.header("authorization").ends_with(key)).count();
    assert_eq!((with(REAL), with(SECOND)), (2, 1));
}
