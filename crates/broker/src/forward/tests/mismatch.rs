//! CONNECT, SNI, `Host` or `:authority`, and the certificate: one host, or 421 (J03).

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use rustls::{pki_types::ServerName, server::ParsedCertificate};

use super::kit::{ask, handshake, tunnel};
use crate::forward::Place;

const ONE: &str = "one.example";
const TWO: &str = "two.example";

/// The request that names these hosts; over HTTP/1.1 an authority makes it absolute form.
fn request(is_http2: bool, authority: Option<&str>, host: Option<&str>) -> Request<Empty<Bytes>> {
    let uri = match authority {
        Some(authority) => format!("https://{authority}/v1"),
        None => "/v1".to_owned(),
    };
    let mut request = Request::builder().uri(uri);
    if is_http2 {
        request = request.version(http::Version::HTTP_2);
    }
    if let Some(host) = host {
        request = request.header("host", host);
    }
    request.body(Empty::new()).unwrap()
}

#[tokio::test]
async fn every_name_is_the_same_or_the_answer_is_421() {
    let mut cases = 0;
    for is_http2 in [false, true] {
        for sni in [Some(ONE), Some(TWO), None] {
            for authority in [None, Some(ONE), Some(TWO)] {
                for host in [None, Some(ONE), Some(TWO)] {
                    if is_http2 && authority.is_none() {
                        continue; // hyper's client always sends :authority
                    }
                    cases += 1;
                    let tunnel = tunnel(ONE);
                    let protocol: &[u8] = if is_http2 { b"h2" } else { b"http/1.1" };
                    let (stream, seen) = handshake(tunnel.client, sni, protocol).await;
                    let (status, body) =
                        ask(stream, is_http2, request(is_http2, authority, host)).await;

                    let named = |name: Option<&str>| name.is_none_or(|name| name == ONE);
                    let host_is_there = is_http2 || host.is_some();
                    let agree =
                        sni == Some(ONE) && named(authority) && named(host) && host_is_there;
                    let case = format!("h2 {is_http2} sni {sni:?} {authority:?} host {host:?}");
                    assert_eq!(status, if agree { 200 } else { 421 }, "{case}");
                    assert_eq!(body.contains("host-mismatch"), !agree, "{case}");
                    assert_eq!(tunnel.noted.served.lock().unwrap().len(), usize::from(agree));
                    assert_eq!(tunnel.noted.mismatches.lock().unwrap().len(), usize::from(!agree));

                    let shown = seen.shown();
                    let certificate = ParsedCertificate::try_from(&shown).unwrap();
                    let is_for = |name: &'static str| {
                        let name = ServerName::try_from(name).unwrap();
                        rustls::client::verify_server_name(&certificate, &name).is_ok()
                    };
                    assert!(is_for(ONE) && !is_for(TWO), "{case}: the certificate");
                }
            }
        }
    }
    assert_eq!(cases, 27 + 18);
}

#[tokio::test]
async fn spellings_that_are_not_the_same_host_are_mismatches() {
    for host in [
        "one.example.",
        "one.example:444",
        "one.example:0443",
        "one.example:",
        "one.example@two.example",
        "user@one.example",
        "one.example, one.example",
        "one.example two.example",
        "one.example/",
        "one.example#two.example",
        "%6fne.example",
        "one\u{2024}example",
        "sub.one.example",
        "one.example.evil.example",
        "[one.example]",
        "",
    ] {
        let tunnel = tunnel(ONE);
        let (stream, _) = handshake(tunnel.client, Some(ONE), b"http/1.1").await;
        let (status, _) = ask(stream, false, request(false, None, Some(host))).await;
        assert_eq!(status, 421, "{host:?}");
        let told = tunnel.noted.mismatches.lock().unwrap();
        assert_eq!(told[0].place, Place::Host, "{host:?}");
    }
}

#[tokio::test]
async fn other_spellings_of_the_same_host_agree() {
    for (target, host) in
        [(ONE, "ONE.example"), (ONE, "one.example:443"), ("one.example:8443", "one.example:8443")]
    {
        let tunnel = tunnel(target);
        let (stream, _) = handshake(tunnel.client, Some(ONE), b"http/1.1").await;
        let (status, _) = ask(stream, false, request(false, None, Some(host))).await;
        assert_eq!(status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_host_that_is_an_address_has_no_name_in_the_handshake() {
    let unnamed = tunnel("10.0.0.1");
    let (stream, _) = handshake(unnamed.client, None, b"http/1.1").await;
    let (status, _) = ask(stream, false, request(false, None, Some("10.0.0.1"))).await;
    assert_eq!(status, 200);
    let named = tunnel("10.0.0.1");
    let (stream, _) = handshake(named.client, Some(ONE), b"http/1.1").await;
    let (status, _) = ask(stream, false, request(false, None, Some("10.0.0.1"))).await;
    assert_eq!(status, 421);
}

#[tokio::test]
async fn two_host_fields_are_a_mismatch_even_when_both_agree() {
    let tunnel = tunnel(ONE);
    let (stream, _) = handshake(tunnel.client, Some(ONE), b"http/1.1").await;
    let mut request = request(false, None, Some(ONE));
    request.headers_mut().append("host", ONE.parse().unwrap());
    let (status, _) = ask(stream, false, request).await;
    assert_eq!(status, 421);
    assert!(tunnel.noted.served.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_foreign_name_is_told_cut_and_printable() {
    let tunnel = tunnel(ONE);
    let (stream, _) = handshake(tunnel.client, Some(ONE), b"http/1.1").await;
    let long = format!("{}\t\u{202e}", "x".repeat(1000));
    ask(stream, false, request(false, None, Some(&long))).await;
    let told = tunnel.noted.mismatches.lock().unwrap();
    assert!(told[0].named.len() <= 120 && told[0].named.chars().all(|c| c.is_ascii_graphic()));
}

#[tokio::test]
async fn a_session_has_no_certificate_for_a_foreign_host() {
    let tunnel = tunnel("foreign.example");
    let ended = tunnel.ends.await.unwrap();
    assert!(matches!(ended, Err(crate::forward::ForwardError::Certificate(_))));
}
