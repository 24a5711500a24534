//! Servers that are down, slow, rude or mean.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http_body_util::BodyExt as _;
use strongroom_policy::target::Host;

use super::kit::{
    Scripted, egress_with, get, limits, listen, local, plain, post, read_request, secure, text,
    write,
};
use crate::egress::{EgressError, Resolve, Resolving, TimeLimits, error::Stage};

const SHORT: Duration = Duration::from_millis(100);

/// What comes of a request to a server that answers with `answer` and closes.
async fn sent_to(answer: String) -> Result<http::Response<crate::egress::Received>, EgressError> {
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        write(&mut stream, &answer).await;
    });
    local().send(&plain(port), true, None, get("/")).await
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let redirect = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: http://elsewhere.example/\r\ncontent-length: 0\r\n\r\n"
        );
        let answer = sent_to(redirect).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["location"], "http://elsewhere.example/");
    }
}

#[tokio::test]
async fn a_switch_of_protocols_is_refused() {
    let switch =
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let failed = sent_to(switch.to_owned()).await.unwrap_err();
    assert!(matches!(failed, EgressError::Upgrade { .. }), "{failed}");
}

#[tokio::test]
async fn what_is_not_http_is_malformed() {
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(100_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200));
    let rude = [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_owned(),
        "HTTP/1.1 99999 OK\r\n\r\n".to_owned(),
        large,
        many,
    ];
    for answer in rude {
        let shown: String = answer.chars().take(40).collect();
        let failed = sent_to(answer).await.unwrap_err();
        assert!(matches!(failed, EgressError::Malformed { .. }), "{shown}: {failed:?}");
        assert!(failed.may_have_left());
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_no_end() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnot all",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let failed = text(sent_to(answer.to_owned()).await.unwrap()).await.unwrap_err();
        assert!(matches!(failed, EgressError::Closed { .. }), "{failed:?}");
    }
    let failed = sent_to("HTTP/1.1 200 OK\r\nx: ".to_owned()).await.unwrap_err();
    assert!(matches!(failed, EgressError::Closed { .. }), "{failed:?}");
}

#[tokio::test]
async fn nobody_listens() {
    let (listener, port) = listen().await;
    drop(listener);
    let failed = local().send(&plain(port), true, None, get("/")).await.unwrap_err();
    assert!(matches!(failed, EgressError::Connect { .. }), "{failed}");
    assert!(!failed.may_have_left());
}

#[tokio::test]
async fn a_server_that_closes_what_it_takes_is_asked_once() {
    let (listener, port) = listen().await;
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let failed = local().send(&plain(port), true, None, get("/")).await.unwrap_err();
    assert!(matches!(failed, EgressError::Closed { .. }), "{failed:?}");
    assert_eq!(taken.load(Ordering::SeqCst), 1);
}

struct Silent;

impl Resolve for Silent {
    fn resolve<'a>(&'a self, _: &'a Host) -> Resolving<'a> {
        Box::pin(pending())
    }
}

#[tokio::test]
async fn each_part_of_the_way_has_its_limit() {
    let lookup = TimeLimits { lookup: SHORT, ..limits() };
    let failed =
        egress_with(Arc::new(Silent), lookup).send(&secure(443), true, None, get("/")).await;
    assert!(matches!(failed, Err(EgressError::Slow { stage: Stage::Lookup, .. })));

    let (listener, port) = listen().await; // takes connections and says nothing
    let connect = TimeLimits { connect: SHORT, ..limits() };
    let egress = egress_with(Scripted::always("127.0.0.1"), connect);
    let failed = egress.send(&secure(port), true, None, get("/")).await;
    assert!(matches!(failed, Err(EgressError::Slow { stage: Stage::Connect, .. })));

    let head = TimeLimits { head: SHORT, ..limits() };
    let egress = egress_with(Scripted::always("127.0.0.1"), head);
    let failed = egress.send(&plain(port), true, None, get("/")).await.unwrap_err();
    assert!(matches!(failed, EgressError::Slow { stage: Stage::Head, .. }));
    assert!(failed.may_have_left());
    drop(listener);
}

#[tokio::test]
async fn a_body_that_breaks_off_on_this_side_is_told_apart() {
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        super::kit::closed(&mut stream).await;
    });
    let pieces = futures_util::stream::iter([
        Ok(http_body::Frame::data(bytes::Bytes::from_static(b"begin"))),
        Err(crate::egress::BodyError::from("the agent is gone")),
    ]);
    let broken = http_body_util::StreamBody::new(pieces).boxed();
    let request = post("/", "").map(|_| broken);
    let failed = local().send(&plain(port), true, None, request).await.unwrap_err();
    assert!(matches!(failed, EgressError::Request { .. }), "{failed:?}");
}

#[tokio::test]
async fn no_error_shows_an_address_or_the_request() {
    let egress = super::kit::egress(Scripted::always("10.20.30.40"));
    let failed = egress.send(&secure(443), false, None, get("/secret-path")).await.unwrap_err();
    let told = failed.to_string();
    assert!(!told.contains("10.20.30.40") && !told.contains("secret-path"), "{told}");
    assert!(told.contains("service.example"), "{told}");
}
