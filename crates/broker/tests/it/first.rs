//! The first things that must work.

use strongroom_control::record::Outcome;

use crate::support::{AGENT, REAL, World, direct, upstream::Upstream};

#[tokio::test]
async fn a_request_to_the_base_address_gets_the_real_credential_and_its_echo_is_scrubbed() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let world = World::new(&[&upstream]).with("openai");
    let session = world.session();
    let fake = session.variable("OPENAI_API_KEY");
    let base = session.variable("OPENAI_BASE_URL");
    assert!(base.starts_with(&world.url("/openai")), "{base}");
    let answer = direct().get(format!("{base}/models")).bearer_auth(fake).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let seen = answer.headers()["x-seen"].to_str().unwrap().to_owned();
    let body = answer.text().await.unwrap();
    let got = upstream.got();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].header("authorization"), format!("Bearer {REAL}"));
    assert_eq!(got[0].uri.trim_start_matches("https://api.openai.com"), "/v1/models");
    assert!(!seen.contains(&REAL[..12]) && !body.contains(&REAL[..12]), "{seen} {body}");
    assert!(body.contains("srf_openai_"), "the agent finds its own token there: {body}");
    let records = world.records();
    let outcomes: Vec<Outcome> = records.iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Sent, Outcome::Done]);
    assert_eq!((records[1].status, records[1].host.as_str()), (200, "api.openai.com"));
}

#[tokio::test]
async fn a_request_through_the_forward_proxy_gets_it_too() {
    let upstream = Upstream::echo(&["api.anthropic.com"]).await;
    let world = World::new(&[&upstream]).with("anthropic");
    let session = world.session();
    let fake = session.variable("ANTHROPIC_API_KEY");
    let answer = session
        .client()
        .post("https://api.anthropic.com/v1/messages")
        .header("x-api-key", fake)
        .body("{\"model\":\"m\"}")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let body = answer.text().await.unwrap();
    assert_eq!(upstream.got()[0].header("x-api-key"), REAL);
    assert!(!body.contains(&REAL[..12]), "{body}");
}

#[tokio::test]
async fn a_standing_token_is_known_again_in_the_record_and_a_sessions_is_not() {
    let upstream = Upstream::echo(&["api.openai.com"]).await;
    let mut world = World::new(&[&upstream]).with("openai");
    let _first = world.standing(AGENT, "openai");
    let second = world.standing(AGENT, "openai");
    let session = world.session();
    for token in [second.as_str(), session.variable("OPENAI_API_KEY")] {
        let url = world.url("/openai/v1/models");
        direct().get(url).bearer_auth(token).send().await.unwrap().text().await.unwrap();
    }
    let sent = world.records().into_iter().filter(|record| record.outcome == Outcome::Sent);
    assert_eq!(sent.map(|record| record.token).collect::<Vec<_>>(), [1, 0]);
}
