//! The keys of an issuer: how often they are fetched, how long they hold, and what is no key (H09).

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use strongroom_server::Algorithm;

use crate::issuer::{Issuer, NOW, Served, Signer, header};
use crate::oidc::Scene;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

type Change = Box<dyn FnOnce(&mut Served)>;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_unknown_keys_make_one_fetch_a_minute() {
    let scene = Scene::new(Signer::ed(1)).await;
    let claims = scene.issuer.claims("mara").to_string();
    let good = scene.token("mara");
    let begun = scene.issuer.fetches();
    for minute in 1..=5 {
        scene.server.clock.advance(MINUTE);
        for n in 0..2_000 {
            let kid = format!("unknown-{minute}-{n}");
            let token = scene.signer.token(&header(Algorithm::EdDsa, &kid), &claims);
            assert_eq!(scene.code(&token).await, "sign-in-required");
        }
        assert_eq!(scene.code(&good).await, "ok", "nobody else is held up");
        assert!(scene.issuer.fetches() - begun <= minute, "minute {minute}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_roll_over_and_a_withdrawn_key_ends() {
    let scene = Scene::new(Signer::ed(1)).await;
    let (old, next) = (scene.token("mara"), Signer::ed(2));
    let claims = |exp| {
        let mut claims = scene.issuer.claims("mara");
        claims["exp"] = json!(NOW + exp);
        claims.to_string()
    };
    let new = next.token(&header(Algorithm::EdDsa, "k2"), &claims(7200));
    scene.server.clock.advance(MINUTE);
    assert_eq!(scene.code(&new).await, "sign-in-required");
    scene.issuer.publish(&[scene.signer.jwk("k1"), next.jwk("k2")]);
    // It was looked for in vain just now: it stays unknown for five minutes.
    scene.server.clock.advance(4 * MINUTE);
    assert_eq!(scene.code(&new).await, "sign-in-required");
    scene.server.clock.advance(MINUTE);
    assert_eq!(scene.code(&new).await, "ok");
    assert_eq!(scene.code(&old).await, "ok");
    scene.issuer.publish(&[next.jwk("k2")]);
    assert_eq!(scene.code(&old).await, "ok", "for ten minutes at most");
    scene.server.clock.advance(10 * MINUTE + 1);
    assert_eq!(scene.code(&old).await, "sign-in-required");
    assert_eq!(scene.code(&new).await, "ok");
    // The same name for another key: what was verified with the old one counts no more than it.
    scene.issuer.publish(&[Signer::ed(3).jwk("k2")]);
    scene.server.clock.advance(10 * MINUTE + 1);
    let again = next.token(&header(Algorithm::EdDsa, "k2"), &claims(7199));
    assert_eq!(scene.code(&again).await, "sign-in-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_keys_hold_a_day_through_an_outage_and_no_longer() {
    let scene = Scene::new(Signer::ed(1)).await;
    let at = |hour: u64| {
        let mut claims = scene.issuer.claims("mara");
        let now = NOW + hour * 3600;
        (claims["iat"], claims["exp"]) = (json!(now), json!(now + 3600));
        scene.signer.token(&scene.header(), &claims.to_string())
    };
    scene.issuer.change(|served| served.status = StatusCode::SERVICE_UNAVAILABLE);
    scene.server.clock.advance(HOUR);
    assert_eq!(scene.code(&at(1)).await, "ok");
    scene.server.clock.advance(22 * HOUR);
    assert_eq!(scene.code(&at(23)).await, "ok");
    scene.server.clock.advance(2 * HOUR);
    assert_eq!(scene.code(&at(25)).await, "issuer-unavailable");
    scene.issuer.change(|served| served.status = StatusCode::OK);
    assert_eq!(scene.code(&at(25)).await, "issuer-unavailable", "one fetch a minute, also now");
    scene.server.clock.advance(MINUTE);
    assert_eq!(scene.code(&at(25)).await, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_issuer_may_not_answer_gives_no_keys() {
    let signer = Signer::ed(1);
    let elsewhere = Issuer::start(&[signer.jwk("k1")]).await;
    let issuer = Issuer::start(&[]).await;
    let server = issuer.server(Algorithm::EdDsa).await;
    let token = signer.token(&header(Algorithm::EdDsa, "k1"), &issuer.claims("mara").to_string());
    let keys = json!({ "keys": [signer.jwk("k1")] });
    let large = json!({ "keys": [signer.jwk("k1")], "pad": "x".repeat(64 * 1024) });
    let moved = format!("{}/jwks", elsewhere.url);
    let whole = |body: &Value| body.to_string().into_bytes();
    let refused: Vec<Change> = vec![
        Box::new(|s| s.status = StatusCode::NOT_FOUND),
        Box::new(move |s| {
            (s.status, s.location) = (StatusCode::FOUND, Some(moved));
        }),
        Box::new(move |s| {
            (s.status, s.location, s.body) = (StatusCode::OK, None, whole(&large));
        }),
        Box::new(|s| s.body = b"<html>".to_vec()),
        Box::new(move |s| (s.body, s.delay) = (whole(&keys), Duration::from_secs(5))),
    ];
    for change in refused {
        issuer.change(change);
        let answer = server.client.get("/v1/account", &token).await;
        answer.is(503, "issuer-unavailable");
        server.clock.advance(MINUTE);
    }
    assert_eq!(elsewhere.fetches(), 0, "no redirect is followed");
    issuer.change(|served| served.delay = Duration::ZERO);
    server.client.get("/v1/account", &token).await.is(401, "unknown-identity");
    // A set without keys is a statement: nothing that was signed before counts.
    issuer.publish(&[]);
    server.clock.advance(11 * MINUTE);
    server.client.get("/v1/account", &token).await.is(401, "sign-in-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_and_leaves_does_not_keep_new_keys_away() {
    let scene = Scene::new(Signer::ed(1)).await;
    let next = Signer::ed(2);
    scene.issuer.publish(&[next.jwk("k2")]);
    scene.issuer.change(|served| served.delay = Duration::from_millis(300));
    scene.server.clock.advance(MINUTE);
    let claims = scene.issuer.claims("mara").to_string();
    let impatient = {
        let client = scene.server.client.clone();
        let token = scene.signer.token(&header(Algorithm::EdDsa, "unknown"), &claims);
        async move { client.get("/v1/account", &token).await }
    };
    assert!(tokio::time::timeout(Duration::from_millis(50), impatient).await.is_err());
    let token = next.token(&header(Algorithm::EdDsa, "k2"), &claims);
    assert_eq!(scene.code(&token).await, "ok", "it waits for the fetch that goes on");
}
