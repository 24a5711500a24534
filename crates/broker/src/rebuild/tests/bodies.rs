//! Bodies on their way out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::Response;
use http_body_util::BodyExt as _;
use hyper::service::service_fn;
use tokio::io::AsyncWriteExt as _;

use super::kit::sent;
use crate::{forward::serve_connection, rebuild::body, refusal::whole};

#[tokio::test]
async fn a_body_arrives_as_it_is_and_with_its_length() {
    let content = "x".repeat(300_000);
    let raw = format!(
        "PUT /v1/object HTTP/1.1\r\nhost: x\r\nauthorization: srf_\r\ncontent-length: {}\r\n\r\n{content}",
        content.len()
    );
    let outcome = sent(raw.as_bytes()).await;
    assert_eq!(outcome.arrived[0].one("content-length"), Some("300000"));
    assert!(outcome.arrived[0].body == content.as_bytes());
}

#[tokio::test]
async fn a_request_without_a_body_gets_none() {
    let raw = "DELETE /v1/object HTTP/1.1\r\nhost: x\r\nauthorization: srf_\r\n\r\n";
    let outcome = sent(raw.as_bytes()).await;
    assert_eq!(outcome.arrived[0].method, "DELETE");
    assert_eq!(outcome.arrived[0].one("transfer-encoding"), None);
}

/// Reads one request's body through [`body`] and tells how much passed and how it ended.
async fn read(raw: &str) -> (usize, Result<usize, String>) {
    let passed = Arc::new(AtomicUsize::new(0));
    let (told, mut is_told) = tokio::sync::mpsc::unbounded_channel();
    let counted = Arc::clone(&passed);
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let (counted, told) = (Arc::clone(&counted), told.clone());
        async move {
            let counting = move |bytes| _ = counted.fetch_add(bytes, Ordering::Relaxed);
            let read = body(request.into_body(), counting).collect().await;
            let ended = match read {
                Ok(read) if read.trailers().is_some() => Err("trailers".to_owned()),
                Ok(read) => Ok(read.to_bytes().len()),
                Err(error) => Err(error.to_string()),
            };
            told.send(ended).unwrap();
            Ok::<_, std::convert::Infallible>(Response::new(whole("")))
        }
    });
    let (mut agent, broker) = tokio::io::duplex(64 * 1024);
    tokio::spawn(serve_connection(broker, service));
    agent.write_all(raw.as_bytes()).await.unwrap();
    let ended = is_told.recv().await.unwrap();
    (passed.load(Ordering::Relaxed), ended)
}

#[tokio::test]
async fn what_passes_is_counted_and_trailers_are_not_passed() {
    let raw = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n\
        5\r\nhello\r\n2\r\n!!\r\n0\r\nx-trailer: y\r\n\r\n";
    assert_eq!(read(raw).await, (7, Ok(7)));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_falls_silent_is_given_up() {
    let began = tokio::time::Instant::now();
    let raw = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhello";
    let (passed, ended) = read(raw).await;
    assert_eq!(passed, 5);
    assert!(ended.unwrap_err().contains("silent"));
    let waited = began.elapsed();
    assert!(waited >= Duration::from_mins(1) && waited < Duration::from_secs(70), "{waited:?}");
}
