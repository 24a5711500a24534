//! The corpus of requests that readers understand differently (J14, J15): nothing ambiguous leaves.
//!
//! What arrives at the upstream is read by [`super::strict`], which ends the test at anything that
//! is not exactly one clean request.

use super::kit::{Outcome, sent};

const FAKE: &str = "authorization: Bearer srf_fake\r\n";

/// A request with these lines, the fake token and this body.
fn with(lines: &str, body: &str) -> String {
    format!("POST /v1/chat HTTP/1.1\r\nhost: 127.0.0.1\r\n{FAKE}{lines}\r\n{body}")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{FAKE}\r\n")
}

async fn refused(cases: &[(&str, String)]) {
    for (name, raw) in cases {
        let Outcome { arrived, answer } = sent(raw.as_bytes()).await;
        assert!(arrived.is_empty(), "{name}: arrived {arrived:?}");
        let status = answer.get(9..12).unwrap_or("none");
        assert!(
            matches!(status, "none" | "400" | "403" | "405" | "414" | "417" | "431" | "501"),
            "{name}: {answer}"
        );
    }
}

/// What arrives of a request that is not refused.
async fn passed(cases: &[(&str, String, &str)]) {
    for (name, raw, body) in cases {
        let outcome = sent(raw.as_bytes()).await;
        assert_eq!(outcome.status(), 200, "{name}: {}", outcome.answer);
        assert_eq!(outcome.arrived.len(), 1, "{name}: {:?}", outcome.arrived);
        let arrived = &outcome.arrived[0];
        assert_eq!(String::from_utf8_lossy(&arrived.body), *body, "{name}");
    }
}

#[tokio::test]
async fn a_length_with_more_than_one_reading_is_refused() {
    refused(&[
        ("two lengths", with("content-length: 5\r\ncontent-length: 6\r\n", "hello!")),
        ("a list of lengths", with("content-length: 5, 5\r\n", "hello")),
        ("a list of other lengths", with("content-length: 5, 6\r\n", "hello!")),
        ("a signed length", with("content-length: +5\r\n", "hello")),
        ("a negative length", with("content-length: -5\r\n", "hello")),
        ("a hexadecimal length", with("content-length: 0x5\r\n", "hello")),
        ("a length with a point", with("content-length: 5.0\r\n", "hello")),
        ("an empty length", with("content-length: \r\n", "hello")),
        ("a length with letters", with("content-length: 5a\r\n", "hello")),
        ("a length beyond 64 bits", with("content-length: 18446744073709551621\r\n", "hello")),
        ("a length of nineteen nines", with("content-length: 9999999999999999999\r\n", "hello")),
        ("a length with a space inside", with("content-length: 1 5\r\n", "hello")),
        ("a quoted length", with("content-length: \"5\"\r\n", "hello")),
        ("an underscored length", with("content_length: 5\r\ncontent-length: 5\r\n", "hello")),
    ])
    .await;
}

#[tokio::test]
async fn a_coding_with_more_than_one_reading_is_refused() {
    let body = "5\r\nhello\r\n0\r\n\r\n";
    refused(&[
        ("two codings", with("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", body)),
        ("identity after chunked", with("transfer-encoding: chunked, identity\r\n", body)),
        ("identity before chunked", with("transfer-encoding: identity, chunked\r\n", body)),
        ("chunked twice in one field", with("transfer-encoding: chunked, chunked\r\n", body)),
        ("gzip and chunked", with("transfer-encoding: gzip, chunked\r\n", body)),
        ("gzip alone", with("transfer-encoding: gzip\r\n", body)),
        ("an unknown coding", with("transfer-encoding: xchunked\r\n", body)),
        ("a quoted coding", with("transfer-encoding: \"chunked\"\r\n", body)),
        ("a coding with a parameter", with("transfer-encoding: chunked;q=1\r\n", body)),
        ("an empty coding", with("transfer-encoding: \r\n", body)),
        ("a coding with a comma before", with("transfer-encoding: ,chunked\r\n", body)),
        ("a coding with a vertical tab", with("transfer-encoding: \x0bchunked\r\n", body)),
        ("a coding with a null", with("transfer-encoding: chunked\0\r\n", body)),
        ("a space before the colon", with("transfer-encoding : chunked\r\n", body)),
        ("a tab before the colon", with("transfer-encoding\t: chunked\r\n", body)),
        ("a null in the name", with("transfer-encoding\0: chunked\r\n", body)),
        ("an underscored coding", with("transfer_encoding: chunked\r\n", body)),
        ("a coding in a folded line", with("transfer-encoding:\r\n chunked\r\n", body)),
        (
            "a coding in HTTP/1.0",
            with("transfer-encoding: chunked\r\n", body).replace("HTTP/1.1", "HTTP/1.0"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_request_inside_a_body_stays_in_it() {
    let smuggled = "GET /admin HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    let chunked = format!("0\r\n\r\n{smuggled}");
    // In these the second reading is a request of its own, which the policy sees as such.
    for (name, raw) in [
        (
            "length before coding",
            with("content-length: 60\r\ntransfer-encoding: chunked\r\n", &chunked),
        ),
        (
            "coding before length",
            with("transfer-encoding: chunked\r\ncontent-length: 60\r\n", &chunked),
        ),
        ("no length at all", with("", smuggled)),
        ("a length of zero", with("content-length: 0\r\n", smuggled)),
        ("after the last chunk", with("transfer-encoding: chunked\r\n", &chunked)),
    ] {
        let outcome = sent(raw.as_bytes()).await;
        assert!(outcome.arrived.len() <= 1, "{name}: {:?}", outcome.arrived);
        assert!(outcome.arrived.iter().all(|arrived| arrived.body.is_empty()), "{name}");
    }
    let long = format!("content-length: {}\r\n", smuggled.len());
    passed(&[("the whole length", with(&long, smuggled), smuggled)]).await;
}

#[tokio::test]
async fn what_is_read_in_one_way_only_is_written_anew() {
    passed(&[
        ("what stands behind a #", get("/v1/#/../admin"), ""),
        ("a length", with("content-length: 5\r\n", "hello"), "hello"),
        (
            "the same length twice",
            with("content-length: 5\r\ncontent-length: 5\r\n", "hello"),
            "hello",
        ),
        ("a length with spaces around", with("content-length:   5  \r\n", "hello"), "hello"),
        ("chunks", with("transfer-encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), "hello"),
        (
            "chunks in capitals",
            with("Transfer-Encoding: CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            "hello",
        ),
        (
            "chunks with extensions",
            with("transfer-encoding: chunked\r\n", "5;x=\"y\"\r\nhello\r\n0;z\r\n\r\n"),
            "hello",
        ),
        (
            "chunks with leading zeros",
            with("transfer-encoding: chunked\r\n", "0005\r\nhello\r\n0\r\n\r\n"),
            "hello",
        ),
        (
            "chunks with trailers",
            with(
                "transfer-encoding: chunked\r\ntrailer: authorization\r\n",
                "5\r\nhello\r\n0\r\nauthorization: Bearer own-credential\r\n\r\n",
            ),
            "hello",
        ),
        ("an expectation", with("expect: 100-continue\r\ncontent-length: 5\r\n", "hello"), "hello"),
        ("no body", with("content-length: 0\r\n", ""), ""),
    ])
    .await;
}

#[tokio::test]
async fn broken_chunks_break_the_request() {
    for (name, body) in [
        ("a size beyond 64 bits", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        ("a signed size", "+5\r\nhello\r\n0\r\n\r\n"),
        ("a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("a bare line feed after the size", "5\nhello\r\n0\r\n\r\n"),
        ("a chunk longer than its size", "3\r\nhello\r\n0\r\n\r\n"),
        ("a size that is no number", "zz\r\nhello\r\n0\r\n\r\n"),
        ("a missing end", "5\r\nhello\r\n"),
        ("a line feed in an extension", "5;x=\n\r\nhello\r\n0\r\n\r\n"),
    ] {
        let outcome = sent(with("transfer-encoding: chunked\r\n", body).as_bytes()).await;
        let whole = outcome.arrived.iter().any(|arrived| arrived.body.ends_with(b"0\r\n\r\n"));
        assert!(outcome.status() != 200 && !whole, "{name}: {}", outcome.answer);
    }
}

#[tokio::test]
async fn lines_with_more_than_one_end_or_reading_are_refused() {
    refused(&[
        ("a folded field", with("x-a: b\r\n continued\r\n", "")),
        ("a field folded with a tab", with("x-a: b\r\n\tcontinued\r\n", "")),
        ("a bare carriage return in a value", with("x-a: b\rx-c: d\r\n", "")),
        ("a null in a value", with("x-a: b\0c\r\n", "")),
        ("a field without a colon", with("no colon\r\n", "")),
        ("a field without a name", with(": value\r\n", "")),
        ("a name with a space", with("x a: b\r\n", "")),
        ("a name with a bracket", with("x(a): b\r\n", "")),
        ("a name outside ASCII", with("x-\u{e9}: b\r\n", "")),
        ("a space before the first field", get("/v1").replace("host:", " host:")),
        ("a control character in a value", with("x-a: b\x01c\r\n", "")),
        ("too many fields", with(&"x-a: b\r\n".repeat(120), "")),
        ("too large a head", with(&format!("x-a: {}\r\n", "a".repeat(70_000)), "")),
    ])
    .await;
}

#[tokio::test]
async fn a_first_line_with_more_than_one_reading_is_refused() {
    refused(&[
        ("no version", "GET /v1\r\n\r\n".to_owned()),
        ("another version", get("/v1").replace("HTTP/1.1", "HTTP/1.2")),
        ("a lower-case version", get("/v1").replace("HTTP/1.1", "http/1.1")),
        ("HTTP/2 over HTTP/1", get("/v1").replace("HTTP/1.1", "HTTP/2.0")),
        ("two spaces after the path", get("/v1 ")),
        ("a tab between", get("/v1").replace("GET /", "GET\t/")),
        ("something behind the version", get("/v1").replace("HTTP/1.1", "HTTP/1.1 x")),
        ("no path", get("")),
        ("an asterisk", get("*")),
        ("TRACE", get("/v1").replace("GET", "TRACE")),
        ("a method with a bracket", get("/v1").replace("GET", "G(T")),
        ("too long a path", get(&format!("/v1/{}", "a".repeat(20_000)))),
    ])
    .await;
}

#[tokio::test]
async fn a_path_that_servers_read_differently_is_refused() {
    let paths = [
        "/v1/../admin",
        "/v1/./chat",
        "/v1/..",
        "/v1/.",
        "/v1/%2e%2e/admin",
        "/v1/%2E./admin",
        "/v1/..%2fadmin",
        "/v1%2f..%2fadmin",
        "/v1/%5cadmin",
        "/v1\\admin",
        "/v1//admin",
        "//v1/chat",
        "/v1/%00",
        "/v1/%0d%0aX:y",
        "/v1/%",
        "/v1/%2",
        "/v1/%zz",
        "/v1/%252e%252e/",
        "/v1;/../admin",
        "/V1/chat",
        "/v10/chat",
        "/admin",
        "/v1/\u{e9}",
        "/v1/a b",
    ];
    let cases: Vec<_> = paths.iter().map(|path| (*path, get(path))).collect();
    refused(&cases).await;
}

#[tokio::test]
async fn a_host_with_more_than_one_reading_is_refused() {
    refused(&[
        ("no host", get("/v1").replace("host: 127.0.0.1\r\n", "")),
        ("two hosts", with("host: evil.example\r\n", "")),
        ("the same host twice", with("Host: 127.0.0.1\r\n", "")),
        ("an underscored host override", with("x_forwarded_host: evil.example\r\n", "")),
        ("a host override", with("x-host: evil.example\r\n", "")),
        ("an original host", with("x-original-host: evil.example\r\n", "")),
    ])
    .await;
}

#[tokio::test]
async fn what_overrides_method_or_path_is_refused() {
    let names = [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
        "x-original-uri",
        "x-original-method",
        "X_HTTP_Method_Override",
        "x-override-url",
    ];
    let cases: Vec<_> =
        names.iter().map(|name| (*name, with(&format!("{name}: /admin\r\n"), ""))).collect();
    refused(&cases).await;
}

#[tokio::test]
async fn a_credential_beside_the_fake_token_is_refused() {
    let own = "authorization: Bearer own-credential\r\n";
    refused(&[
        ("behind the fake token", with(own, "")),
        ("in front of it", get("/v1").replace(FAKE, &format!("{own}{FAKE}"))),
        ("in its place", get("/v1").replace(FAKE, own)),
        (
            "under another spelling",
            with("Authorization_: x\r\nauthorization_: y\r\n", "")
                .replace("authorization_: y", "AUTHORIZATION: own-credential"),
        ),
        ("a fake token twice", with(FAKE, "")),
        ("named by Connection", with("connection: authorization\r\n", "")),
        ("named by Connection among others", with("connection: keep-alive, Authorization\r\n", "")),
        (
            "length named by Connection",
            with("connection: content-length\r\ncontent-length: 0\r\n", ""),
        ),
        ("host named by Connection", with("connection: host\r\n", "")),
        ("cookie named by Connection", with("connection: cookie\r\ncookie: a=b\r\n", "")),
        ("a Connection that names no field", with("connection: a b\r\n", "")),
    ])
    .await;
}

#[tokio::test]
async fn another_protocol_is_refused_and_said_so() {
    for lines in [
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: eA==\r\nsec-websocket-version: 13\r\n",
        "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        "upgrade: websocket\r\n",
        "connection: keep-alive, Upgrade\r\n",
        "upgrade: TLS/1.0\r\nconnection: upgrade\r\n",
    ] {
        let outcome = sent(with(lines, "").as_bytes()).await;
        assert_eq!(outcome.status(), 501, "{lines}: {}", outcome.answer);
        assert!(outcome.answer.contains("upgrade-refused"), "{}", outcome.answer);
        assert!(outcome.arrived.is_empty());
    }
}

#[tokio::test]
async fn pipelined_requests_are_each_held_against_the_policy() {
    let raw = format!("{}{}{}", get("/v1/one"), get("/admin"), get("/v1/two"));
    let outcome = sent(raw.as_bytes()).await;
    let paths: Vec<_> = outcome.arrived.iter().map(|arrived| arrived.path.as_str()).collect();
    assert_eq!(paths, ["/v1/one", "/v1/two"]);
    assert_eq!(outcome.answer.matches("HTTP/1.1 403").count(), 1, "{}", outcome.answer);
}
