//! Connections: how many there are, how long one may be silent, and how all of them end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

/// The most connections at once: well below the usual limit of 1,024 open files, of which the
/// database needs some too.
const MAX_CONNECTIONS: usize = 768;
/// How long a client may take for the headers of its next request, and so be idle.
const HEADERS: Duration = Duration::from_secs(30);
/// How much of a request's head is held.
const HEAD_BYTES: usize = 32 * 1024;
/// How long requests under way may take once the server is to end.
const DRAIN: Duration = Duration::from_secs(2);
/// How long to wait when the system gives no connection.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stopped`, then lets the requests under way finish, though not for long.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok((stream, peer)) = listener.accept().await else {
                sleep(PAUSE).await;
                continue;
            };
            let (router, stopped) = (router.clone(), stopped.clone());
            connections.spawn(async move {
                converse(stream, peer, router, stopped).await;
                drop(place);
            });
            while connections.try_join_next().is_some() {}
        }
    };
    let mut told = stopped.clone();
    tokio::select! {
        () = accepting => {}
        _ = told.wait_for(|stopped| *stopped) => {}
    }
    drop(listener);
    let _ = stopped.wait_for(|stopped| *stopped).await;
    let drained = timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        // A peer that sends or reads nothing more cannot hold the server up.
        connections.shutdown().await;
    }
    Ok(())
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    // Without it an answer in two pieces waits for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router.clone().oneshot(request);
        async move { answer.await as Result<Response, Infallible> }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
