//! OAuth 2 (row J25): an agent's requests carry access tokens, and it sees neither them nor the
//! refresh token that they come from.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{Response, StatusCode};
use strongroom_control::record::Outcome;
use strongroom_policy::{
    AgentPolicy, Auth, Provider,
    provider::{EnvValue, EnvVar, Place, Shape},
};

use crate::support::{
    AGENT, World, direct, policy, provider, rule, secret,
    upstream::{Got, Upstream, whole},
};

const REFRESH: &str = "rt-live-4kQz81PmvoLr7wNhJk3Dq5cV";
const REPLACED: &str = "rt-live-9xTb62WnueKs8yMgHi4Er6dB";
const ACCESS: &str = "at-live-2pLm73XqwcVn5zRtYu8Fg1hC";
const CLIENT_SECRET: &str = "cs-live-6vBn40SdfGh9jKlQw2Er5tYu";

fn value() -> String {
    format!(
        r#"{{"client_id":"app","client_secret":"{CLIENT_SECRET}","refresh_token":"{REFRESH}"}}"#
    )
}

/// A provider that a user defined, which wants OAuth 2.
fn acme() -> Provider {
    let auth = Auth::OAuth2 {
        token_url: "https://auth.acme.example/oauth/token".to_owned(),
        scopes: vec!["read".to_owned()],
    };
    let variable = |name: &str, value: EnvValue| EnvVar { name: name.to_owned(), value };
    Provider {
        id: "acme".to_owned(),
        name: "Acme".to_owned(),
        hosts: vec!["api.acme.example".parse().unwrap()],
        base: "https://api.acme.example".parse().unwrap(),
        auth,
        paths: vec!["/**".parse().unwrap()],
        shape: Shape::Prefix { text: String::new() },
        env: vec![
            variable("ACME_TOKEN", EnvValue::Token),
            variable("ACME_URL", EnvValue::BaseUrl { suffix: String::new() }),
        ],
        effects: Vec::new(),
        mints: vec!["/oauth/token".parse().unwrap()],
        capabilities: Vec::new(),
        agent_sends: vec![Place::Authorization { scheme: "Bearer".to_owned() }],
        ..provider("openai")
    }
}

fn world(upstreams: &[&Upstream]) -> World {
    let (acme, at, value) = (acme(), secret(1), value());
    let secret_policy = acme.secret_policy();
    let rules = vec![rule(&acme, vec![at])];
    let policy = AgentPolicy { providers: vec![acme], ..policy(rules) };
    World::new(upstreams).agent(AGENT, "coder", policy, &[(at, &value, secret_policy)])
}

fn granted(got: &Got, posts: &AtomicUsize) -> Response<crate::support::upstream::Body> {
    posts.fetch_add(1, Ordering::SeqCst);
    let body = String::from_utf8_lossy(&got.body).into_owned();
    let knows = got.header("authorization").starts_with("Basic ") && body.contains(REFRESH);
    let text = if knows {
        format!(
            r#"{{"access_token":"{ACCESS}","token_type":"Bearer","expires_in":3600,"refresh_token":"{REPLACED}"}}"#
        )
    } else {
        format!(r#"{{"error":"invalid_grant","error_description":"{REFRESH} is over"}}"#)
    };
    let mut response = Response::new(whole(text));
    *response.status_mut() = if knows { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    response
}

async fn ask(world: &World, session: &crate::support::Session, path: &str) -> (u16, String) {
    let url = format!("{}{path}", session.variable("ACME_URL"));
    assert!(url.starts_with(&world.url("/acme")), "{url}");
    let request = direct().get(url).bearer_auth(session.variable("ACME_TOKEN"));
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let headers = format!("{:?}", answer.headers());
    (status, headers + &answer.text().await.unwrap())
}

fn assert_hidden(text: &str) {
    for live in [REFRESH, REPLACED, ACCESS, CLIENT_SECRET] {
        assert!(!text.contains(&live[..12]), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_carry_the_access_token_and_its_echo_is_scrubbed() {
    let posts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&posts);
    let auth =
        Upstream::answering(&["auth.acme.example"], move |got| granted(&got, &counted)).await;
    let api = Upstream::echo(&["api.acme.example"]).await;
    let world = world(&[&auth, &api]);
    let session = world.session();
    for _ in 0..3 {
        let (status, text) = ask(&world, &session, "/v1/files").await;
        assert_eq!(status, 200, "{text}");
        assert_hidden(&text);
        assert!(text.contains("srf_acme_"), "{text}");
    }
    assert_eq!(posts.load(Ordering::SeqCst), 1, "one access token serves until it ends");
    for got in api.got() {
        assert_eq!(got.header("authorization"), format!("Bearer {ACCESS}"));
    }
    assert_eq!(auth.got()[0].uri.trim_start_matches("https://auth.acme.example"), "/oauth/token");
    // The new refresh token is on its way to the vault, with the rest of the value as it was.
    let captured = world.vault.captured.lock().unwrap().clone();
    assert_eq!(captured, [(secret(1), value().replace(REFRESH, REPLACED))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_written_down_before_it_leaves_and_names_where_it_went() {
    let posts = Arc::new(AtomicUsize::new(0));
    let auth = Upstream::answering(&["auth.acme.example"], move |got| granted(&got, &posts)).await;
    let api = Upstream::echo(&["api.acme.example"]).await;
    let world = world(&[&auth, &api]);
    ask(&world, &world.session(), "/v1/files").await;
    let records = world.records();
    let told: Vec<(Outcome, &str, &str)> =
        records.iter().map(|one| (one.outcome, one.method.as_str(), one.host.as_str())).collect();
    assert_eq!(
        told,
        [
            (Outcome::Sent, "POST", "auth.acme.example"),
            (Outcome::Done, "POST", "auth.acme.example"),
            (Outcome::Sent, "GET", "api.acme.example"),
            (Outcome::Done, "GET", "api.acme.example"),
        ]
    );
    assert!(records.iter().all(|one| one.secret == Some((secret(1), 1)) && one.agent == AGENT));
    assert_eq!(records[0].request, records[1].request);
    assert_ne!(records[1].request, records[2].request);
    assert_hidden(&format!("{records:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_says_of_a_refusal_does_not_reach_the_agent() {
    let auth = Upstream::answering(&["auth.acme.example"], |_| {
        let text =
            format!(r#"{{"error":"invalid_grant","error_description":"{REFRESH} is over"}}"#);
        let mut response = Response::new(whole(text));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response
    })
    .await;
    let api = Upstream::echo(&["api.acme.example"]).await;
    let world = world(&[&auth, &api]);
    let (status, text) = ask(&world, &world.session(), "/v1/files").await;
    assert_eq!(status, 502, "{text}");
    assert!(text.contains("sign in there again"), "{text}");
    assert_hidden(&text);
    assert!(api.got().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_ends_or_is_compressed_gives_no_token() {
    for compressed in [true, false] {
        let auth = Upstream::answering(&["auth.acme.example"], move |_| {
            let text = if compressed { "x".to_owned() } else { " ".repeat(80 * 1024) };
            let mut response = Response::new(whole(text));
            if compressed {
                let gzip = http::HeaderValue::from_static("gzip");
                response.headers_mut().insert("content-encoding", gzip);
            }
            response
        })
        .await;
        let api = Upstream::echo(&["api.acme.example"]).await;
        let world = world(&[&auth, &api]);
        let (status, text) = ask(&world, &world.session(), "/v1/files").await;
        assert_eq!(status, 502, "{text}");
        assert!(api.got().is_empty());
    }
}
