//! What holds for every request.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use strongroom_format::event::EventKind;
use strongroom_format::wire::{EnvelopePage, ErrorAnswer, MAX_JSON, MAX_PAGE};

use crate::server::{JSON, PAGE, Server};
use crate::team::{PROD, Person};

/// Sends bytes as they are, and gives the whole answer.
fn raw(origin: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(origin.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_browser_gets_nothing() {
    let server = Server::start().await;
    for header in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-mode", "no-cors"),
        ("sec-fetch-site", "same-origin"),
    ] {
        let answer = server.client.send(Method::GET, "/v1/server", &[header], Vec::new()).await;
        answer.is(403, "no-browsers");
    }
    let asked = [("origin", "https://evil.example"), ("access-control-request-method", "GET")];
    let answer = server.client.send(Method::OPTIONS, "/v1/server", &asked, Vec::new()).await;
    answer.is(403, "no-browsers");
    server.client.send(Method::OPTIONS, "/v1/server", &[], Vec::new()).await.is(405, "method");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_rebound_to_this_address_gets_nothing() {
    let server = Server::start().await;
    let origin = server.client.origin.clone();
    let own = origin.strip_prefix("http://").unwrap();
    let port = own.rsplit_once(':').unwrap().1;
    let ask = |target: &str, hosts: &[&str]| {
        let hosts: Vec<_> = hosts.iter().map(|host| format!("host: {host}\r\n")).collect();
        let hosts = hosts.concat();
        raw(&origin, &format!("GET {target} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n"))
    };
    assert!(ask("/v1/server", &[own]).starts_with("HTTP/1.1 200"));
    let localhost = format!("localhost:{port}");
    let elsewhere = format!("http://evil.example:{port}/v1/server");
    for (target, hosts) in [
        ("/v1/server", vec!["evil.example"]),
        ("/v1/server", vec![localhost.as_str()]),
        ("/v1/server", vec!["127.0.0.1"]),
        ("/v1/server", vec![]),
        ("/v1/server", vec![own, "evil.example"]),
        ("/v1/server", vec!["evil.example", own]),
        (elsewhere.as_str(), vec![own]),
    ] {
        let answer = ask(target, &hosts);
        assert!(!answer.starts_with("HTTP/1.1 200"), "{target} {hosts:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_on_ipv6_loopback_under_that_name() {
    let server = Server::start_with(|c| c.bind = "[::1]:0".parse().unwrap()).await;
    assert!(server.client.origin.starts_with("http://[::1]:"));
    server.client.get("/v1/server", "").await.is(200, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_has_one_spelling() {
    let server = Server::start().await;
    let (team, session) = server.team().await;
    let org = team.org();
    for path in ["/v1/%73erver", "/v1//server", "/v1/orgs/%41/sync", "/v1/orgs%2fx"] {
        server.client.get(path, &session).await.is(400, "bad-path");
    }
    for path in [
        "/".to_owned(),
        "/v1".to_owned(),
        "/v1/server/".to_owned(),
        "/V1/server".to_owned(),
        format!("/v1/orgs/{}/sync?from=0", org.to_string().to_uppercase()),
        format!("/v1/orgs/{org}/envs/{org}/items"),
    ] {
        server.client.get(&path, &session).await.is(404, "not-found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_queries_are_strict() {
    let server = Server::start().await;
    let (team, session) = server.team().await;
    let (org, user) = (team.org(), team.owner.user());
    let post = async |kind: &str, body: String| {
        let headers = [("content-type", kind)];
        let path = "/v1/session/challenge";
        server.client.send(Method::POST, path, &headers, body.into_bytes()).await
    };
    post(JSON, format!(r#"{{"user_id":"{user}"}}"#)).await.is(200, "ok");
    for bad in [
        format!(r#"{{"user_id":"{user}","admin":true}}"#),
        format!(r#"{{"user_id":"{user}","user_id":"{user}"}}"#),
        format!(r#"{{"user_id":"{user}"}} x"#),
        format!(r#"{{"user_id":"{org}"}}"#),
        r#"{"user_id":7}"#.to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        String::new(),
        "[".repeat(100_000),
    ] {
        post(JSON, bad).await.is(400, "malformed");
    }
    for kind in ["text/plain", "application/json; charset=utf-8", PAGE] {
        post(kind, format!(r#"{{"user_id":"{user}"}}"#)).await.is(400, "content-type");
    }
    for query in ["", "?from=", "?from=-1", "?from=0&from=1", "?from=0&x=1", "?from=1e3"] {
        let path = format!("/v1/orgs/{org}/sync{query}");
        server.client.get(&path, &session).await.is(400, "malformed");
    }
    for query in ["?after=x", &format!("?after={org}"), "?before=1"] {
        let path = format!("/v1/orgs/{org}/envs/{PROD}/items{query}");
        server.client.get(&path, &session).await.is(400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_in_the_usual_form() {
    let server = Server::start().await;
    let (team, session) = server.team().await;
    let headers = [("content-type", JSON)];
    let path = "/v1/session/challenge";
    let big = vec![b' '; MAX_JSON + 1];
    server.client.send(Method::POST, path, &headers, big).await.is(413, "too-large");
    let bearer = format!("Bearer {session}");
    let headers = [("authorization", bearer.as_str()), ("content-type", PAGE)];
    let path = format!("/v1/orgs/{}/envelopes", team.org());
    let big = vec![0; MAX_PAGE + 1];
    server.client.send(Method::POST, &path, &headers, big).await.is(413, "too-large");
    // A stranger's page is refused for what it is, and the answer arrives.
    let headers = [("authorization", "Bearer x"), ("content-type", PAGE)];
    let page = vec![0; MAX_PAGE];
    server.client.send(Method::POST, &path, &headers, page).await.is(401, "sign-in-required");
    let trailing = [&[1, 0, 0, 0, 0][..], &[0]].concat();
    let headers = [("authorization", bearer.as_str()), ("content-type", PAGE)];
    server.client.send(Method::POST, &path, &headers, trailing).await.is(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_of_others_and_one_that_is_not_there_answer_alike() {
    let server = Server::start().await;
    let (team, _) = server.team().await;
    let stranger = server.client.join(&Person::new(9)).await;
    let nowhere = strongroom_format::id::OrgId([0x77; 32]);
    for rest in [
        "sync?from=0".to_owned(),
        "audit/proof?old=0&new=1".to_owned(),
        "audit/inclusion?index=0".to_owned(),
        "audit/events?from=0".to_owned(),
        format!("envs/{PROD}/items"),
        format!("envs/{PROD}/commits?from=1&envelopes=true"),
        "sync?nonsense".to_owned(),
    ] {
        let answers = [team.org(), nowhere].map(|org| format!("/v1/orgs/{org}/{rest}"));
        let there = server.client.get(&answers[0], &stranger).await;
        let not_there = server.client.get(&answers[1], &stranger).await;
        there.is(404, "not-found");
        assert_eq!((there.status, &there.body), (not_there.status, &not_there.body), "{rest}");
    }
    for rest in ["write", "envelopes", "events"] {
        let page = EnvelopePage::default();
        let there = format!("/v1/orgs/{}/{rest}", team.org());
        let not_there = format!("/v1/orgs/{nowhere}/{rest}");
        let there = server.client.post(&there, &stranger, &page).await;
        let not_there = server.client.post(&not_there, &stranger, &page).await;
        there.is(404, "not-found");
        assert_eq!(there.body, not_there.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_in_the_log_of_the_organisation_with_its_status_and_sender() {
    let server = Server::start().await;
    let (team, session) = server.team().await;
    let (org, mara) = (team.org(), Some(team.owner.who));
    let stranger = Person::new(9);
    let stranger_session = server.client.join(&stranger).await;
    let before = server.client.log(&org, &session).await.len();

    let sync = format!("/v1/orgs/{org}/sync");
    server.client.get(&format!("{sync}?from=0"), "garbage").await.is(401, "sign-in-required");
    let who = Some(stranger.who);
    server.client.get(&format!("{sync}?from=0"), &stranger_session).await.is(404, "not-found");
    server.client.get(&sync, &session).await.is(400, "malformed");
    let events = format!("/v1/orgs/{org}/events");
    server.client.get(&events, &session).await.is(405, "method");
    let bearer = format!("Bearer {session}");
    let headers = [("authorization", bearer.as_str()), ("content-type", PAGE)];
    let answer = server.client.send(Method::POST, &events, &headers, vec![9; 3]).await;
    answer.is(400, "malformed");
    let page = [("origin", "https://evil.example")];
    server.client.send(Method::GET, &sync, &page, Vec::new()).await.is(403, "no-browsers");
    let proof = format!("/v1/orgs/{org}/audit/proof?old=0&new=999999");
    server.client.get(&proof, &session).await.is(404, "not-found");

    // A refusal does not wait for its entry; the next write does.
    server.client.get("/v1/orgs", &session).await.is(200, "ok");
    let log = server.client.log(&org, &session).await;
    // The page that was read before stands first: it was written down after it was read.
    let seen: Vec<_> = log[before + 1..log.len() - 1]
        .iter()
        .map(|event| {
            assert_eq!(event.act.kind, EventKind::Refused);
            assert!(event.peer.starts_with("127.0.0.1:"));
            (event.act.actor, event.act.detail.status)
        })
        .collect();
    let expected =
        [(None, 401), (who, 404), (mara, 400), (None, 405), (mara, 400), (None, 403), (mara, 404)];
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_that_it_is_not_to_be_kept_and_what_it_is() {
    let server = Server::start().await;
    let own = server.client.origin.strip_prefix("http://").unwrap().to_owned();
    for path in ["/v1/server", "/v1/orgs", "/nowhere"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {own}\r\nconnection: close\r\n\r\n");
        let answer = raw(&server.client.origin, &request).to_lowercase();
        assert!(answer.contains("\r\ncache-control: no-store\r\n"), "{answer}");
        assert!(answer.contains("\r\nx-content-type-options: nosniff\r\n"), "{answer}");
        assert!(answer.contains("\r\ncontent-type: application/json\r\n"), "{answer}");
        assert!(!answer.contains("access-control"), "{answer}");
    }
    let answer = server.client.get("/nowhere", "").await;
    let body: ErrorAnswer = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body.error.code, "not-found");
}
