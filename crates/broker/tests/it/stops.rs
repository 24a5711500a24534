//! Safe mode, a locked vault, a session that is over: nothing goes on, whatever way it came.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use strongroom_broker::sessions::End;
use strongroom_control::record::Outcome;
use strongroom_policy::OnLock;

use crate::support::{
    AGENT, REAL, World, direct, policy, provider, rule, secret, upstream::Upstream,
};

/// An upstream whose answers never end.
async fn endless(host: &str) -> Upstream {
    Upstream::answering(&[host], |_| {
        let ticks = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok(http_body::Frame::data(Bytes::from_static(b"data: tick\n\n"))), ()))
        });
        Response::new(BodyExt::boxed(StreamBody::new(ticks)))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_open_streams_of_both_ways_in_within_a_second_and_lets_nothing_new_begin() {
    let upstream = endless("api.openai.com").await;
    let mut world = World::new(&[&upstream]).with("openai");
    let standing = world.standing(AGENT, "openai");
    let session = world.session();
    let fake = session.variable("OPENAI_API_KEY").to_owned();
    let (base, client) = (world.url("/openai/v1/models"), session.client());
    let through = "https://api.openai.com/v1/models";
    let answers = [
        direct().get(&base).bearer_auth(&fake).send().await.unwrap(),
        direct().get(&base).bearer_auth(&standing).send().await.unwrap(),
        client.get(through).bearer_auth(&fake).send().await.unwrap(),
    ];
    let mut streams: Vec<_> = answers.into_iter().map(reqwest::Response::bytes_stream).collect();
    for stream in &mut streams {
        assert!(stream.next().await.unwrap().is_ok(), "it flows");
    }
    let begin = Instant::now();
    world.broker.stop(None);
    for stream in &mut streams {
        while let Some(Ok(_)) = stream.next().await {}
    }
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    let before = upstream.got().len();
    for token in [&fake, &standing] {
        let answer = direct().get(&base).bearer_auth(token).send().await.unwrap();
        assert!([401, 403].contains(&answer.status().as_u16()), "{}", answer.status());
    }
    assert!(client.get(through).bearer_auth(&fake).send().await.is_err(), "no CONNECT either");
    assert!(world.broker.open_session(None, &[], None, String::new()).is_err());
    assert_eq!(upstream.got().len(), before);
    world.broker.resume(None);
    let answer = direct().get(&base).bearer_auth(&standing).send().await.unwrap();
    assert_eq!(answer.status(), 200, "a standing token works again");
    let answer = direct().get(&base).bearer_auth(&fake).send().await.unwrap();
    assert_eq!(answer.status(), 401, "a session that was stopped does not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_off_stream_is_written_down_as_broken_off() {
    let upstream = endless("api.openai.com").await;
    let world = World::new(&[&upstream]).with("openai");
    let session = world.session();
    let base = world.url("/openai/v1/models");
    let answer = direct().get(base).bearer_auth(session.variable("OPENAI_API_KEY"));
    let mut stream = answer.send().await.unwrap().bytes_stream();
    stream.next().await.unwrap().unwrap();
    world.broker.end_session(session.id, End::Command);
    while let Some(Ok(_)) = stream.next().await {}
    let last = loop {
        let last = world.records().pop().unwrap();
        if last.outcome != Outcome::Sent {
            break last;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((last.outcome, last.status), (Outcome::Broken, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_vault_pauses_sessions_and_takes_every_value_away() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let world = World::new(&[&upstream]).with("openai");
    let session = world.session();
    let ask = || async {
        let base = world.url("/openai/v1/models");
        let fake = session.variable("OPENAI_API_KEY");
        direct().get(base).bearer_auth(fake).send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask().await, 200);
    let lent = || world.vault.lent.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(lent(), 1);
    assert_eq!((ask().await, lent()), (200, 1), "a value in use is not asked for again");
    world.broker.lock();
    assert_eq!(ask().await, 503);
    assert_eq!(upstream.got().len(), 2);
    world.broker.unlock();
    assert_eq!((ask().await, lent()), (200, 2), "it was gone, and is asked for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_may_say_that_a_lock_ends_the_session() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let openai = provider("openai");
    let at = secret(1);
    let mut ends = policy(vec![rule(&openai, vec![at])]);
    ends.on_lock = OnLock::End;
    let world = World::new(&[&upstream]);
    let world = world.agent(AGENT, "coder", ends, &[(at, REAL, openai.secret_policy())]);
    let session = world.session();
    world.broker.lock();
    world.broker.unlock();
    let base = world.url("/openai/v1/models");
    let fake = session.variable("OPENAI_API_KEY");
    let answer = direct().get(base).bearer_auth(fake).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(upstream.got().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_one_agent_leaves_the_others_alone() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let openai = provider("openai");
    let other = strongroom_format::id::AgentId([0xb2; 16]);
    let at = secret(2);
    let world = World::new(&[&upstream]).with("openai");
    let rules = policy(vec![rule(&openai, vec![at])]);
    let world = world.agent(other, "writer", rules, &[(at, REAL, openai.secret_policy())]);
    let (one, two) = (world.session_of(Some("coder")), world.session_of(Some("writer")));
    world.broker.stop(Some(AGENT));
    let base = world.url("/openai/v1/models");
    for (session, status) in [(one, 401), (two, 200)] {
        let fake = session.variable("OPENAI_API_KEY");
        let answer = direct().get(&base).bearer_auth(fake).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
}
