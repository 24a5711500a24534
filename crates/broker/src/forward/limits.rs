//! What a connection of an agent may cost, and how long it may take.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use super::ForwardError;
use crate::egress::Body;

/// The most header fields of a request.
pub(crate) const MAX_FIELDS: usize = 100;
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// The same as HTTP/2 counts it (RFC 9113, section 6.5.2).
const MAX_HEAD_LIST: u32 = 64 * 1024;
/// Until the head of a request has come, counted from the end of the one before it; so an unused
/// connection lasts as long.
const HEAD_WAIT: Duration = Duration::from_secs(30);
/// Requests at once over one connection of HTTP/2.
const MAX_STREAMS: u32 = 256;
/// How often an HTTP/2 client with open requests is asked whether it lives, and how long it has.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_WAIT: Duration = Duration::from_secs(20);

/// Serves a plain connection: HTTP/1.1, or HTTP/2 from its first byte (RFC 9113, section 3.3). The
/// service may take the connection over after a CONNECT of HTTP/1.1.
pub async fn serve_connection<C, S>(client: C, service: S) -> Result<(), ForwardError>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
{
    serve_within(client, service, HEAD_WAIT).await
}

pub(super) async fn serve_within<C, S>(
    client: C,
    service: S,
    head_wait: Duration,
) -> Result<(), ForwardError>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_wait)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_LIST)
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WAIT);
    let asked = Arc::new(AtomicBool::new(false));
    let noticed = Arc::clone(&asked);
    let service = service_fn(move |request| {
        noticed.store(true, Ordering::Relaxed);
        service.call(request)
    });
    let client = TokioIo::new(client);
    let mut connection = pin!(builder.serve_connection_with_upgrades(client, service));
    // The wait for a head begins only when the version is known, which a silent client never says.
    match timeout(head_wait, &mut connection).await {
        Ok(ended) => ended,
        Err(_) if asked.load(Ordering::Relaxed) => connection.await,
        Err(_) => return Err(ForwardError::Slow),
    }
    .map_err(ForwardError::Connection)
}

/// Serves the inside of a CONNECT, whose version the handshake said.
pub(super) async fn serve_inside<C, S>(
    client: C,
    is_http2: bool,
    service: S,
) -> Result<(), ForwardError>
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
{
    let client = TokioIo::new(client);
    let ended = if is_http2 {
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(MAX_HEAD_LIST)
            .max_concurrent_streams(MAX_STREAMS)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_WAIT)
            .serve_connection(client, service)
            .await
    } else {
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WAIT)
            .max_header_size(MAX_HEAD)
            .max_headers(MAX_FIELDS)
            .serve_connection(client, service)
            .await
    };
    ended.map_err(|error| ForwardError::Connection(error.into()))
}
