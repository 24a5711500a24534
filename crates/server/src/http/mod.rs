//! What holds for every request: hosts, headers, sizes, rates, time, and the shape of refusals.

mod body;
mod guard;

pub(crate) use body::{answer_json, answer_page, malformed, read_json, read_page};
pub(crate) use guard::{Peer, enter};

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use strongroom_format::wire::MAX_PAGE;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::Shared;
use crate::error::ApiError;

/// How long a request may take, from its first byte to its answer.
const WHOLE: Duration = Duration::from_secs(30);

/// Puts the common rules around the routes.
pub(crate) fn guarded(routes: Router<Shared>, app: Shared) -> Router {
    routes
        .fallback(|| async { ApiError::not_found() })
        .method_not_allowed_fallback(|| async {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method", "not with this method")
        })
        .layer(DefaultBodyLimit::max(MAX_PAGE))
        .layer(from_fn_with_state(app.clone(), common))
        .layer(CatchPanicLayer::custom(|_| ApiError::internal().into_response()))
        .with_state(app)
}

async fn common(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = match refuse_early(&app, &request) {
        Some(error) => error.into_response(),
        None => match tokio::time::timeout(WHOLE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => ApiError::unavailable("timeout", "the request took too long").into_response(),
        },
    };
    app.metrics.requests.add(1);
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS => app.metrics.rate_limited.add(1),
        status if status.is_server_error() => app.metrics.failed.add(1),
        status if status.is_client_error() => app.metrics.refused.add(1),
        _ => {}
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// No browser has any business here: a page that was made to send something says so in headers
/// that programs do not send, and a name that was rebound to this address stands in `Host`.
fn refuse_early(app: &Shared, request: &Request) -> Option<ApiError> {
    let headers = request.headers();
    let from_page = headers.contains_key(ORIGIN)
        || headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"));
    if from_page {
        return Some(ApiError::forbidden("no-browsers", "this interface is not for web pages"));
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = app.origin.split_once("://").map(|(_, host)| host);
    if host != own {
        let status = StatusCode::MISDIRECTED_REQUEST;
        return Some(ApiError::new(status, "wrong-host", "this server has another name"));
    }
    let path = request.uri().path();
    if path.contains('%') || path.contains("//") {
        return Some(ApiError::bad_request("bad-path", "the path is not in its plain form"));
    }
    None
}
