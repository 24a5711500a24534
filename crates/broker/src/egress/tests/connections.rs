//! Connections of HTTP/1.1: used again, closed in time, never used wrongly.

use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::{net::TcpListener, sync::oneshot};

use super::kit::{
    Scripted, closed, egress_with, get, limits, listen, local, plain, post, read_request, text,
    write,
};
use crate::egress::{EgressError, TimeLimits};

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn a_request_arrives_in_origin_form_with_the_targets_own_host() {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        write(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
        request
    });
    let mut request = post("/v1/chat?stream=true", "content");
    request.headers_mut().insert("host", "elsewhere.example".parse().unwrap());
    let answer = local().send(&plain(port), true, None, request).await.unwrap();
    assert_eq!(text(answer).await.unwrap(), "hello");
    let request = server.await.unwrap();
    assert!(request.starts_with("POST /v1/chat?stream=true HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: service.example:{port}\r\n")), "{request}");
    assert_eq!(request.matches("host:").count(), 1, "{request}");
    assert!(request.ends_with("\r\n\r\ncontent"), "{request}");
}

#[tokio::test]
async fn one_after_another_requests_share_a_connection() {
    let (listener, port) = listen().await;
    let answers = [
        EMPTY,
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ];
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in answers {
            read_request(&mut stream).await;
            write(&mut stream, answer).await;
        }
        drop(listener); // a second connection would be refused
    });
    let egress = local();
    for _ in answers {
        let answer = egress.send(&plain(port), true, None, get("/")).await.unwrap();
        text(answer).await.unwrap();
    }
    server.await.unwrap();
}

#[tokio::test]
async fn an_answer_dropped_half_read_closes_its_connection() {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        write(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nbegin").await;
        closed(&mut stream).await;
    });
    let answer = local().send(&plain(port), true, None, get("/")).await.unwrap();
    let mut body = answer.into_body();
    assert!(body.frame().await.unwrap().unwrap().is_data());
    drop(body);
    server.await.unwrap();
}

#[tokio::test]
async fn a_dropped_request_closes_its_connection() {
    let (listener, port) = listen().await;
    let (arrived, has_arrived) = oneshot::channel();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        arrived.send(()).unwrap();
        closed(&mut stream).await;
    });
    let egress = local();
    let target = plain(port);
    tokio::select! {
        _ = egress.send(&target, true, None, get("/")) => panic!("nobody answered"),
        arrived = has_arrived => arrived.unwrap(),
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_is_not_used_again() {
    let (listener, port) = listen().await;
    let (gone, is_gone) = oneshot::channel();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        write(&mut stream, EMPTY).await;
        drop(stream);
        gone.send(()).unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        write(&mut stream, EMPTY).await;
    });
    let egress = local();
    egress.send(&plain(port), true, None, get("/")).await.unwrap();
    is_gone.await.unwrap();
    assert!(egress.send(&plain(port), true, None, get("/")).await.is_ok());
    server.await.unwrap();
}

#[tokio::test]
async fn a_request_that_may_have_arrived_is_not_sent_again() {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        write(&mut stream, EMPTY).await;
        read_request(&mut stream).await; // and no answer
        drop(stream);
        assert_nobody_comes(listener).await;
    });
    let egress = local();
    egress.send(&plain(port), true, None, get("/")).await.unwrap();
    let failed = egress.send(&plain(port), true, None, post("/pay", "once")).await.unwrap_err();
    assert!(matches!(failed, EgressError::Closed { .. }), "{failed}");
    assert!(failed.may_have_left());
    drop(egress);
    server.await.unwrap();
}

async fn assert_nobody_comes(listener: TcpListener) {
    let waited = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(waited.is_err(), "the request came again");
}

#[tokio::test]
async fn ways_out_that_are_apart_share_no_connection_and_close_theirs() {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let mut streams = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            write(&mut stream, EMPTY).await;
            streams.push(stream);
        }
        for stream in &mut streams {
            closed(stream).await;
        }
    });
    let one = local();
    let other = one.apart();
    one.send(&plain(port), true, None, get("/")).await.unwrap();
    other.send(&plain(port), true, None, get("/")).await.unwrap();
    drop((one, other));
    server.await.unwrap();
}

#[tokio::test]
async fn the_privacy_and_the_authority_of_a_request_choose_its_connection() {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let mut streams = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            write(&mut stream, EMPTY).await;
            streams.push(stream);
        }
    });
    let egress = local();
    egress.send(&plain(port), true, None, get("/")).await.unwrap();
    egress.send(&plain(port), true, Some("another"), get("/")).await.unwrap();
    server.await.unwrap();
    let failed = egress.send(&plain(port), false, None, get("/")).await.unwrap_err();
    assert!(matches!(failed, EgressError::Plain { .. }), "{failed}");
}

#[tokio::test]
async fn a_connection_that_stays_unused_is_closed() {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        write(&mut stream, EMPTY).await;
        closed(&mut stream).await;
    });
    let short = TimeLimits { idle: Duration::from_millis(50), ..limits() };
    let egress = egress_with(Scripted::always("127.0.0.1"), short);
    egress.send(&plain(port), true, None, get("/")).await.unwrap();
    server.await.unwrap();
    drop(egress);
}

#[tokio::test]
async fn many_at_once_get_a_connection_each() {
    const MANY: usize = 200;
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let mut serving = tokio::task::JoinSet::new();
        for _ in 0..MANY {
            let (mut stream, _) = listener.accept().await.unwrap();
            serving.spawn(async move {
                read_request(&mut stream).await;
                write(&mut stream, EMPTY).await;
            });
        }
        serving.join_all().await;
    });
    let egress = std::sync::Arc::new(local());
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..MANY {
        let egress = egress.clone();
        sending.spawn(async move {
            egress.send(&plain(port), true, None, get("/")).await.unwrap().status()
        });
    }
    assert!(sending.join_all().await.iter().all(|status| *status == 200));
    drop(egress);
    server.await.unwrap();
}
