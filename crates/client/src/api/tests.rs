//! The client against servers that are honest, broken, slow and hostile.

pub(crate) mod server;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use strongroom_format::id::UserId;
use strongroom_format::wire::{Keyset, SignInKey};

use super::*;
use server::{Request, Server, answer, json, refuse};

const ORG: OrgId = OrgId([7; 32]);
const ENV: EnvId = EnvId([4; 16]);

struct Signer;

impl SignIn for Signer {
    fn user(&self) -> UserId {
        UserId([1; 16])
    }

    fn key(&self) -> SignInKey {
        SignInKey::Identity
    }

    fn sign(&self, _: &[u8]) -> Result<[u8; 64], CannotSign> {
        Ok([9; 64])
    }
}

/// Answers the two requests of a sign-in; `None` for any other.
fn sign_in(request: &Request, token: &str) -> Option<Vec<u8>> {
    match request.path.as_str() {
        "/v1/session/challenge" => {
            Some(json(&format!(r#"{{"nonce":"{}","time_ms":1000}}"#, "A".repeat(43))))
        }
        "/v1/session" => Some(json(&format!(r#"{{"token":"{token}","expires_ms":601000}}"#))),
        _ => None,
    }
}

const NO_ORGS: &str = r#"{"orgs":[]}"#;

fn limits() -> TimeLimits {
    TimeLimits {
        connect: Duration::from_secs(2),
        silence: Duration::from_millis(300),
        whole: Duration::from_secs(5),
    }
}

fn api(origin: &str) -> Api {
    Api::new(origin.parse().unwrap(), limits()).unwrap()
}

async fn signed_in(server: &Server) -> Api {
    let api = api(&server.origin);
    api.sign_in_as(Arc::new(Signer)).await;
    api
}

/// A server that signs everybody in and answers the rest with `raw`.
async fn answering(raw: Vec<u8>) -> (Server, Api) {
    let server = Server::start(move |r| sign_in(r, "t").unwrap_or_else(|| raw.clone())).await;
    let api = signed_in(&server).await;
    (server, api)
}

const RECEIPT: &str = r#"{"count":0,"first":7,"time_ms":1,"peer":"127.0.0.1:9","checkpoint":"c"}"#;

#[tokio::test]
async fn every_route_is_asked_as_it_is_written_down() {
    let server = Server::start(|r| {
        sign_in(r, "a.b-c_d").unwrap_or_else(|| match r.path.as_str() {
            "/v1/orgs" if r.method == "GET" => json(NO_ORGS),
            p if p.contains("/items") || p.contains("/commits") => refuse(404, "not-found"),
            p if p.ends_with("/envelopes") || p == "/v1/accounts" => {
                answer("204 No Content", "", b"")
            }
            p if p.ends_with("/events") => json(RECEIPT),
            p if ["/sync", "/proof", "/inclusion", "/v1/server"].iter().any(|x| p.contains(x)) => {
                refuse(403, "not-allowed")
            }
            _ => json(r#"{"link":3,"checkpoint":"c"}"#),
        })
    })
    .await;
    let api = signed_in(&server).await;
    let account = CreateAccount {
        user_id: UserId([1; 16]),
        keyset: Keyset {
            epoch: 1,
            profile: 1,
            salt: vec![0; 16].into(),
            login_pub: vec![0; 32].into(),
            isk: vec![0; 32].into(),
            iek: vec![0; 32].into(),
            blob: vec![0; 9].into(),
        },
        login_sig: vec![0; 64].into(),
        identity_sig: vec![0; 64].into(),
    };
    assert!(api.server_info().await.unwrap_err().is("not-allowed"));
    api.create_account(&account, None).await.unwrap();
    assert_eq!(api.orgs().await.unwrap().orgs, []);
    let batch = WriteBatch::default();
    assert_eq!(api.create_org(&batch).await.unwrap().link, 3);
    assert_eq!(api.write(&ORG, &batch).await.unwrap().link, 3);
    api.stage_envelopes(&ORG, &EnvelopePage::default()).await.unwrap();
    assert_eq!(api.report_acts(&ORG, &ActPage::default()).await.unwrap().first, 7);
    assert!(api.sync(&ORG, 5).await.is_err());
    let after = SecretId([2; 16]);
    assert!(api.items(&ORG, &ENV, None).await.unwrap_err().is_not_found());
    assert!(api.items(&ORG, &ENV, Some(&after)).await.is_err());
    assert!(api.commits(&ORG, &ENV, 6, true).await.is_err());
    assert!(api.consistency(&ORG, 1, 2).await.is_err());
    assert!(api.inclusion(&ORG, 5).await.is_err());

    let org = format!("/v1/orgs/{ORG}");
    let expected = [
        ("GET", "/v1/server".to_owned(), "", false),
        ("POST", "/v1/accounts".into(), "application/json", false),
        ("POST", "/v1/session/challenge".into(), "application/json", false),
        ("POST", "/v1/session".into(), "application/json", false),
        ("GET", "/v1/orgs".into(), "", true),
        ("POST", "/v1/orgs".into(), "application/octet-stream", true),
        ("POST", format!("{org}/write"), "application/octet-stream", true),
        ("POST", format!("{org}/envelopes"), "application/octet-stream", true),
        ("POST", format!("{org}/events"), "application/octet-stream", true),
        ("GET", format!("{org}/sync?from=5"), "", true),
        ("GET", format!("{org}/envs/{ENV}/items"), "", true),
        ("GET", format!("{org}/envs/{ENV}/items?after={after}"), "", true),
        ("GET", format!("{org}/envs/{ENV}/commits?from=6&envelopes=true"), "", true),
        ("GET", format!("{org}/audit/proof?old=1&new=2"), "", true),
        ("GET", format!("{org}/audit/inclusion?index=5"), "", true),
    ];
    let seen: Vec<_> = server
        .requests()
        .into_iter()
        .map(|r| {
            assert_eq!(r.body.is_empty(), r.method == "GET");
            let bearer = r.header("authorization") == Some("Bearer a.b-c_d");
            let content_type = r.header("content-type").unwrap_or("").to_owned();
            (r.method, r.path, content_type, bearer)
        })
        .collect();
    assert_eq!(seen.len(), expected.len());
    for (seen, (method, path, content_type, bearer)) in seen.into_iter().zip(expected) {
        assert_eq!(seen, (method.into(), path, content_type.into(), bearer));
    }
}

#[tokio::test]
async fn the_challenge_is_signed_for_the_address_this_client_was_given() {
    struct Witness(std::sync::Mutex<Vec<u8>>);
    impl SignIn for Witness {
        fn user(&self) -> UserId {
            UserId([1; 16])
        }
        fn key(&self) -> SignInKey {
            SignInKey::Login
        }
        fn sign(&self, message: &[u8]) -> Result<[u8; 64], CannotSign> {
            self.0.lock().unwrap().extend_from_slice(message);
            Ok([0; 64])
        }
    }
    let server = Server::start(|r| sign_in(r, "t").unwrap()).await;
    let api = api(&server.origin);
    let witness = Arc::new(Witness(std::sync::Mutex::default()));
    api.sign_in_as(Arc::clone(&witness) as _).await;
    api.sign_in().await.unwrap();
    let signed = witness.0.lock().unwrap().clone();
    let meant = strongroom_format::wire::challenge_message(
        &server.origin,
        &UserId([1; 16]),
        &[0; 32],
        1000,
    );
    assert_eq!(signed, meant);
}

#[tokio::test]
async fn an_ended_session_causes_one_sign_in_and_one_repetition() {
    let sessions = AtomicUsize::new(0);
    let server = Server::start(move |r| {
        let token = format!("t{}", sessions.load(Ordering::SeqCst));
        if let Some(answer) = sign_in(r, &token) {
            if r.path == "/v1/session" {
                sessions.fetch_add(1, Ordering::SeqCst);
            }
            return answer;
        }
        match r.header("authorization") {
            Some("Bearer t1") => json(NO_ORGS),
            _ => refuse(401, "session-ended"),
        }
    })
    .await;
    let api = signed_in(&server).await;
    api.orgs().await.unwrap();
    assert_eq!(server.count("/v1/orgs"), 2);
    assert_eq!(server.count("/v1/session"), 2);
    api.orgs().await.unwrap();
    assert_eq!(server.count("/v1/session"), 2);
}

#[tokio::test]
async fn a_server_that_always_refuses_the_session_is_asked_twice_and_no_more() {
    let (server, api) = answering(refuse(401, "no")).await;
    assert!(matches!(api.orgs().await, Err(ApiError::Refused { status: 401, .. })));
    assert_eq!(server.count("/v1/orgs"), 2);
    assert_eq!(server.count("/v1/session"), 2);
}

#[tokio::test]
async fn a_refused_sign_in_is_not_repeated() {
    let server = Server::start(|_| refuse(401, "no")).await;
    let api = signed_in(&server).await;
    assert!(api.orgs().await.is_err());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn many_calls_at_once_share_one_sign_in() {
    let (server, api) = answering(json(NO_ORGS)).await;
    let api = Arc::new(api);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let api = Arc::clone(&api);
            tokio::spawn(async move { api.orgs().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.count("/v1/session"), 1);
}

#[tokio::test]
async fn signing_out_forgets_the_session() {
    let (server, api) = answering(json(NO_ORGS)).await;
    api.orgs().await.unwrap();
    api.sign_out().await;
    assert_eq!(api.orgs().await, Err(ApiError::SignedOut));
    assert_eq!(server.count("/v1/orgs"), 1);
}

#[tokio::test]
async fn what_is_not_the_protocol_is_garbage() {
    let ok = "200 OK";
    let cases = [
        answer(ok, "text/html", NO_ORGS.as_bytes()),
        answer(ok, "", NO_ORGS.as_bytes()),
        answer(ok, "application/json, text/html", NO_ORGS.as_bytes()),
        answer(ok, "application/json\r\ncontent-type: text/html", NO_ORGS.as_bytes()),
        answer(ok, "application/json\r\ncontent-encoding: gzip", NO_ORGS.as_bytes()),
        json(r#"{"orgs":[],"also":1}"#),
        json(r#"{"orgs":[],"orgs":[]}"#),
        json(r#"{"orgs":[]} x"#),
        json(r#"{"orgs":["org_x"]}"#),
        json("{}"),
        json(""),
        answer("302 Found", "application/json\r\nlocation: /v1/server", NO_ORGS.as_bytes()),
        answer("503 Service Unavailable", "text/html", b"<h1>down</h1>"),
        answer("400 Bad Request", "application/json", br#"{"error":"x"}"#),
        b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"
            .to_vec(),
    ];
    for raw in cases {
        let text = String::from_utf8_lossy(&raw).into_owned();
        let (server, api) = answering(raw).await;
        assert_eq!(api.orgs().await, Err(ApiError::Garbage), "{text}");
        assert_eq!(server.count("/v1/orgs"), 1, "asked again: {text}");
        assert_eq!(server.count("/v1/server"), 0, "followed: {text}");
    }
}

#[tokio::test]
async fn a_page_with_a_byte_too_many_is_garbage() {
    let page = ItemPage { head: Vec::new(), items: Vec::new(), more: false };
    let mut bytes = page.encode();
    let octets = |b: &[u8]| answer("200 OK", "application/octet-stream", b);
    let (_server, api) = answering(octets(&bytes)).await;
    assert_eq!(api.items(&ORG, &ENV, None).await, Ok(page));
    bytes.push(0);
    let (_server, api) = answering(octets(&bytes)).await;
    assert_eq!(api.items(&ORG, &ENV, None).await, Err(ApiError::Garbage));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_at_the_cap() {
    let server = Server::start(|r| {
        sign_in(r, "t").unwrap_or_else(|| {
            let head = answer("200 OK", "application/json", b"");
            let text = String::from_utf8(head).unwrap();
            server::endless(&text.replace("content-length: 0\r\n", ""))
        })
    })
    .await;
    let api = signed_in(&server).await;
    let limit = strongroom_format::wire::MAX_JSON;
    assert_eq!(api.orgs().await, Err(ApiError::AnswerTooLarge { limit }));
    assert!(server.sent_endless() < 16 * 1024 * 1024);
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999999\r\n\r\n";
    let (_server, api) = answering(head.as_bytes().to_vec()).await;
    let limit = strongroom_format::wire::MAX_JSON;
    assert_eq!(api.orgs().await, Err(ApiError::AnswerTooLarge { limit }));
}

#[tokio::test]
async fn a_request_over_the_cap_is_not_sent() {
    let (server, api) = answering(json(NO_ORGS)).await;
    let limit = strongroom_format::wire::MAX_PAGE;
    let page = EnvelopePage { envelopes: vec![vec![0; 70_000]; 130] };
    assert_eq!(api.stage_envelopes(&ORG, &page).await, Err(ApiError::RequestTooLarge { limit }));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nothing_that_a_server_says_is_repeated_but_a_plain_code() {
    for (said, kept) in [
        ("not-found", "not-found"),
        ("Hello <b>", "unreadable"),
        ("\\u001b[31m", "unreadable"),
        ("", "unreadable"),
        (&"x".repeat(65), "unreadable"),
    ] {
        let (_server, api) = answering(refuse(403, said)).await;
        let error = api.orgs().await.unwrap_err();
        assert!(error.is(kept), "{error}");
        assert!(!format!("{error} {error:?}").contains("a sentence of the server"));
    }
}

#[tokio::test]
async fn counts_and_lengths_inside_an_answer_are_capped() {
    let sync = |links: usize, head: &str| {
        let links = vec!["\"AA\""; links].join(",");
        let envs = format!(r#"{{"env_id":"{ENV}","seq":1,"head":"{head}"}}"#);
        json(&format!(
            r#"{{"links":[{links}],"more":false,"wraps":[],"previous":[],"envs":[{envs}],"checkpoint":"c"}}"#
        ))
    };
    let good = "A".repeat(43);
    for (raw, fits) in [
        (sync(MAX_LINKS, &good), true),
        (sync(MAX_LINKS + 1, &good), false),
        (sync(1, "AAAA"), false),
    ] {
        let (_server, api) = answering(raw).await;
        assert_eq!(api.sync(&ORG, 0).await.is_ok(), fits);
    }
}

#[tokio::test]
async fn a_dead_silent_or_broken_line_is_offline() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let dead = api(&format!("http://{closed}"));
    assert_eq!(dead.server_info().await, Err(ApiError::Offline));

    let silent = Server::start(|_| server::silence()).await;
    let info = api(&silent.origin).server_info().await;
    assert_eq!(info, Err(ApiError::Offline));

    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let cut = Server::start(move |_| head.as_bytes().to_vec()).await;
    let info = api(&cut.origin).server_info().await;
    assert_eq!(info, Err(ApiError::Offline));
}

#[tokio::test]
async fn a_server_without_a_trusted_certificate_is_told_apart_from_a_dead_one() {
    let plain = Server::start(|_| json("{}")).await;
    let https = plain.origin.replace("http:", "https:");
    assert_eq!(api(&https).server_info().await, Err(ApiError::Tls));
}

/// Runs itself a second time with proxies in the environment.
#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used_for_this_computer() {
    const NAME: &str = "api::tests::a_proxy_of_the_environment_is_not_used_for_this_computer";
    if std::env::var_os("HTTP_PROXY").is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|v| (v, "http://127.0.0.1:9")))
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let (_server, api) = answering(json(NO_ORGS)).await;
    api.orgs().await.unwrap();
}
