//! What holds for every request: hosts, headers, sizes, rates, time, the shape of refusals, and
//! that each of them is written down.

mod body;
mod guard;
mod serve;

pub(crate) use body::{Unread, answer_json, answer_page, malformed};
pub(crate) use guard::{Peer, enter, enter_with_page, identify};
pub(crate) use serve::serve;

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::{App, Shared};
use crate::error::{ApiError, Recorded};
use crate::journal::{Refusal, Subject};
use crate::limits::Room;

/// How long a request may take, from its first byte to its answer.
const WHOLE: Duration = Duration::from_secs(30);

/// Puts the common rules around the routes.
pub(crate) fn guarded(routes: Router<Shared>, app: Shared) -> Router {
    routes
        .fallback(|| async { ApiError::not_found() })
        .method_not_allowed_fallback(|| async {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method", "not with this method")
        })
        .layer(CatchPanicLayer::custom(|_| ApiError::internal().into_response()))
        .layer(from_fn_with_state(app.clone(), common))
        .with_state(app)
}

async fn common(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let peer = Peer::of(&request, &app.trusted_proxies);
    request.extensions_mut().insert(peer.clone());
    let place = guard::place_of(request.uri().path());
    let mut response = match refuse_early(&app, &request, &peer) {
        Some(error) => error.into_response(),
        None => match tokio::time::timeout(WHOLE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => ApiError::unavailable("timeout", "the request took too long").into_response(),
        },
    };
    app.metrics.requests.add(1);
    let status = response.status();
    match status {
        StatusCode::TOO_MANY_REQUESTS => app.metrics.rate_limited.add(1),
        _ if status.is_server_error() => app.metrics.failed.add(1),
        _ if status.is_client_error() => app.metrics.refused.add(1),
        _ => {}
    }
    if let Some((org, env)) = place
        && status.is_client_error()
        && response.extensions().get::<Recorded>().is_none()
    {
        let subject = Subject { org, env, actor: peer.who(), peer: peer.text() };
        write_down(&app, &peer, subject, status);
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The one place where refusals that were decided outside the journal reach the log. The answer
/// does not wait for it, so that it says nothing about the organisation by its time.
fn write_down(app: &App, peer: &Peer, subject: Subject, status: StatusCode) {
    let now_ms = app.clock.now_ms();
    // Whoever sends too much must not fill the log by it: one entry a minute says it all.
    let flood = status == StatusCode::TOO_MANY_REQUESTS;
    if flood && !app.limits.is_first_refusal(peer.ip, now_ms) {
        return;
    }
    let room = if flood { Room::Free } else { app.limits.room_for_refusal(peer.ip, now_ms) };
    if app.journal.post(Refusal { subject, status, room }).is_err() {
        tracing::warn!("a refusal was not written down: the journal is full or ends");
    }
}

/// No browser has any business here: a page that was made to send something says so in headers
/// that programs do not send, and a name that was rebound to this address stands in `Host`.
fn refuse_early(app: &App, request: &Request, peer: &Peer) -> Option<ApiError> {
    if !app.limits.allow_request(peer.ip) {
        return Some(ApiError::rate_limited());
    }
    let headers = request.headers();
    let from_page = headers.contains_key(ORIGIN)
        || headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"));
    if from_page {
        return Some(ApiError::forbidden("no-browsers", "this interface is not for web pages"));
    }
    let own = app.origin.split_once("://").map(|(_, host)| host);
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let in_target = request.uri().authority().map(axum::http::uri::Authority::as_str);
    if host.is_none()
        || host != own
        || hosts.next().is_some()
        || in_target.is_some_and(|t| Some(t) != own)
    {
        let status = StatusCode::MISDIRECTED_REQUEST;
        return Some(ApiError::new(status, "wrong-host", "this server has another name"));
    }
    let path = request.uri().path();
    if path.contains('%') || path.contains("//") {
        return Some(ApiError::bad_request("bad-path", "the path is not in its plain form"));
    }
    None
}
