//! What of a head goes on, and what does not.

use super::kit::sent;

async fn fields(lines: &str) -> Vec<(String, String)> {
    let raw = format!(
        "GET /v1/chat HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer srf_fake\r\n{lines}\r\n"
    );
    let mut outcome = sent(raw.as_bytes()).await;
    assert_eq!(outcome.status(), 200, "{lines}: {}", outcome.answer);
    outcome.arrived.remove(0).fields
}

#[tokio::test]
async fn an_apis_own_fields_go_on() {
    let lines = "accept: text/event-stream\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n\
        x-stainless-lang: python\r\nuser-agent: OpenAI/Python 1.0\r\nidempotency-key: k\r\nx-api_key: v\r\n\
        x-github-api-version: 2022-11-28\r\nif-none-match: \"etag\"\r\nnotion-version: 2022-06-28\r\n";
    let fields = fields(lines).await;
    for line in lines.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        assert!(fields.contains(&(name.to_owned(), value.to_owned())), "{line} in {fields:?}");
    }
}

#[tokio::test]
async fn what_is_about_the_connection_or_the_client_stays_here() {
    let dropped = [
        "connection: keep-alive, x-named",
        "x-named: by connection",
        "keep-alive: timeout=5",
        "proxy-authorization: Basic own-credential",
        "proxy-connection: keep-alive",
        "te: trailers, deflate",
        "trailer: x-check",
        "via: 1.1 proxy",
        "forwarded: for=127.0.0.1;host=evil.example",
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-host: evil.example",
        "x-forwarded-proto: https",
        "x-forwarded-anything: else",
        "x-real-ip: 127.0.0.1",
        "true-client-ip: 127.0.0.1",
        "cf-connecting-ip: 127.0.0.1",
        "max-forwards: 0",
        "accept-charset: utf-7",
        "a-im: vcdiff",
        "early-data: 1",
        "x-strongroom-reason: because",
        "x-strongroom-capability: chat",
    ];
    let fields = fields(&format!("{}\r\n", dropped.join("\r\n"))).await;
    let names: Vec<_> = fields.iter().map(|field| field.0.as_str()).collect();
    assert_eq!(names, ["host", "accept-encoding", "authorization"], "{fields:?}");
}

#[tokio::test]
async fn no_coding_is_asked_for_whatever_the_agent_wants() {
    let fields = fields("accept-encoding: gzip, br, zstd\r\naccept-encoding: *\r\n").await;
    let asked: Vec<_> = fields.iter().filter(|field| field.0 == "accept-encoding").collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1, "identity");
}

#[tokio::test]
async fn split_cookies_are_joined() {
    let fields = fields("cookie: a=b\r\ncookie: c=d\r\n").await;
    let cookies: Vec<_> = fields.iter().filter(|field| field.0 == "cookie").collect();
    assert_eq!(cookies.len(), 1);
    assert_eq!(cookies[0].1, "a=b; c=d");
}

#[tokio::test]
async fn an_expectation_that_is_unknown_is_refused() {
    let raw = "GET /v1 HTTP/1.1\r\nhost: x\r\nauthorization: srf_\r\nexpect: 200-maybe\r\n\r\n";
    assert_eq!(sent(raw.as_bytes()).await.status(), 417);
}
