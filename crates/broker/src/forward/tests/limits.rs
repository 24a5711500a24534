//! Slow and endless clients, on the plain port and inside a CONNECT.

use std::time::Duration;

use hyper::service::service_fn;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::kit::{always, handshake, tunnel};
use crate::forward::{ForwardError, limits::serve_within, serve_connection};

fn plain() -> DuplexStream {
    let (client, server) = tokio::io::duplex(1024 * 1024);
    tokio::spawn(async move { serve_connection(server, service_fn(always)).await });
    client
}

async fn answer_to(request: &str) -> String {
    let mut client = plain();
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_plain_request_is_served() {
    let answer = answer_to("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("served"), "{answer}");
}

#[tokio::test]
async fn http2_is_served_without_tls_too() {
    let client = hyper_util::rt::TokioIo::new(plain());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), client)
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = http::Request::builder()
        .uri("http://127.0.0.1:1/")
        .body(http_body_util::Empty::<bytes::Bytes>::new())
        .unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_431() {
    let large = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(80_000));
    assert!(answer_to(&large).await.starts_with("HTTP/1.1 431"));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(100));
    assert!(answer_to(&many).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_or_half_a_head_is_left() {
    for begin in ["", "G", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n", "PRI * HTTP/2.0\r\n"] {
        let (mut client, server) = tokio::io::duplex(1024);
        let serving = serve_within(server, service_fn(always), Duration::from_secs(30));
        let serving = tokio::spawn(serving);
        client.write_all(begin.as_bytes()).await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(61), serving).await;
        assert!(ended.expect(begin).unwrap().is_err(), "{begin:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asked_once_may_wait_as_long_again() {
    let (mut client, server) = tokio::io::duplex(1024);
    let serving = tokio::spawn(serve_within(server, service_fn(always), Duration::from_secs(30)));
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).await.unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(!serving.is_finished());
    tokio::time::sleep(Duration::from_secs(45)).await;
    assert!(serving.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_or_is_none_ends_the_tunnel() {
    let silent = tunnel("one.example");
    let ended = tokio::time::timeout(Duration::from_secs(11), silent.ends).await.unwrap();
    assert!(matches!(ended.unwrap(), Err(ForwardError::Slow)));
    drop(silent.client);

    let mut rude = tunnel("one.example");
    rude.client.write_all(b"GET / HTTP/1.1\r\nhost: one.example\r\n\r\n").await.unwrap();
    assert!(matches!(rude.ends.await.unwrap(), Err(ForwardError::Handshake(_))));
}

#[tokio::test]
async fn a_large_head_inside_a_tunnel_is_answered_431() {
    let tunnel = tunnel("one.example");
    let (mut stream, _) = handshake(tunnel.client, Some("one.example"), b"http/1.1").await;
    let head = format!("GET / HTTP/1.1\r\nhost: one.example\r\nx: {}\r\n\r\n", "a".repeat(80_000));
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
}

#[tokio::test]
async fn a_dropped_tunnel_closes_its_client() {
    let tunnel = tunnel("one.example");
    let (mut stream, _) = handshake(tunnel.client, Some("one.example"), b"http/1.1").await;
    tunnel.ends.abort();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await; // an end without farewell is an error
    assert!(rest.is_empty());
}
