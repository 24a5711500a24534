//! Bodies: strict JSON and canonical pages, in and out.

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use serde::{Serialize, de::DeserializeOwned};
use strongroom_format::encoding::Codec;
use strongroom_format::wire::MAX_JSON;

use crate::error::ApiError;

const JSON: &str = "application/json";
const PAGE: &str = "application/octet-stream";

/// A JSON request: known fields, all of them, nothing else.
pub(crate) fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<T, ApiError> {
    require_type(headers, JSON)?;
    if body.len() > MAX_JSON {
        return Err(ApiError::too_large());
    }
    serde_json::from_slice(body).map_err(|_| malformed())
}

/// A binary request in the canonical encoding.
pub(crate) fn read_page<T: Codec>(headers: &HeaderMap, body: &Bytes) -> Result<T, ApiError> {
    require_type(headers, PAGE)?;
    T::decode(body).map_err(|_| malformed())
}

/// A JSON answer.
pub(crate) fn answer_json(answer: &impl Serialize) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(answer).map_err(|_| ApiError::internal())?;
    Ok(with_type(bytes, JSON))
}

/// A binary answer.
pub(crate) fn answer_page(answer: &impl Codec) -> Response {
    with_type(answer.encode(), PAGE)
}

fn with_type(bytes: Vec<u8>, kind: &'static str) -> Response {
    let mut response = bytes.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn require_type(headers: &HeaderMap, kind: &str) -> Result<(), ApiError> {
    if headers.get(CONTENT_TYPE).is_some_and(|value| value == kind) {
        Ok(())
    } else {
        Err(ApiError::bad_request("content-type", "the body has another content type"))
    }
}

pub(crate) fn malformed() -> ApiError {
    ApiError::bad_request("malformed", "the request is not in the form of the protocol")
}
