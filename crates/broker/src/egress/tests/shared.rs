//! Connections of HTTP/2, which several requests share.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::kit::{authority, get, listen, local, post, secure, text};

/// A server of HTTP/2 that answers with what it was asked, once a place is free.
struct Server {
    port: u16,
    pem: String,
    connections: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

async fn serve(streams: u32, open: usize) -> Server {
    let (listener, port) = listen().await;
    let (ca, pem) = authority();
    let config = ca.server_config(&"service.example".parse().unwrap()).unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(open));
    let (counted, held) = (connections.clone(), gate.clone());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let stream = TlsAcceptor::from(config.clone()).accept(stream).await.unwrap();
            let held = held.clone();
            let answer = service_fn(move |request: Request<Incoming>| {
                let held = held.clone();
                async move {
                    let _place = held.acquire().await.unwrap();
                    let seen = format!("{} {:?}", request.uri(), request.headers().get("host"));
                    let sent = request.into_body().collect().await.unwrap().to_bytes();
                    let seen = format!("{seen} {}", String::from_utf8_lossy(&sent));
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(seen))))
                }
            });
            tokio::spawn(
                http2::Builder::new(TokioExecutor::new())
                    .max_concurrent_streams(streams)
                    .serve_connection(TokioIo::new(stream), answer),
            );
        }
    });
    Server { port, pem, connections, gate }
}

#[tokio::test]
async fn requests_share_a_connection_and_name_the_target_once() {
    let server = serve(100, 100).await;
    let egress = local();
    let target = secure(server.port);
    for _ in 0..3 {
        let mut request = post("/v1?x=1", "content");
        request.headers_mut().insert("host", "elsewhere.example".parse().unwrap());
        let answer = egress.send(&target, true, Some(&server.pem), request).await.unwrap();
        let seen = text(answer).await.unwrap();
        assert_eq!(seen, format!("https://service.example:{}/v1?x=1 None content", server.port));
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn more_requests_than_the_peer_admits_get_another_connection() {
    let server = serve(2, 0).await;
    let egress = Arc::new(local());
    let target = secure(server.port);
    // The first connection must have told its limit before it is shared.
    server.gate.add_permits(1);
    let first = egress.send(&target, true, Some(&server.pem), get("/")).await.unwrap();
    text(first).await.unwrap();
    server.gate.acquire().await.unwrap().forget();
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let (egress, target, pem) = (egress.clone(), target.clone(), server.pem.clone());
        sending.spawn(async move {
            let answer = egress.send(&target, true, Some(&pem), get("/")).await.unwrap();
            text(answer).await.unwrap()
        });
    }
    server.gate.add_permits(5);
    assert_eq!(sending.join_all().await.len(), 5);
    let opened = server.connections.load(Ordering::SeqCst);
    assert!((3..=5).contains(&opened), "{opened} connections for five requests, two on each");
}

#[tokio::test]
async fn a_dropped_request_leaves_the_others_of_its_connection_alone() {
    let server = serve(100, 1).await;
    let egress = local();
    let target = secure(server.port);
    let kept = egress.send(&target, true, Some(&server.pem), get("/kept")).await.unwrap();
    server.gate.acquire().await.unwrap().forget();
    let dropped = egress.send(&target, true, Some(&server.pem), get("/dropped"));
    let in_time = tokio::time::timeout(std::time::Duration::from_millis(100), dropped).await;
    assert!(in_time.is_err());
    assert!(text(kept).await.unwrap().contains("/kept"));
    server.gate.add_permits(1);
    let again = egress.send(&target, true, Some(&server.pem), get("/again")).await.unwrap();
    assert!(text(again).await.unwrap().contains("/again"));
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}
