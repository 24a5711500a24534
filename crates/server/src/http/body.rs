//! Bodies: strict JSON and canonical pages, in and out.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use serde::{Serialize, de::DeserializeOwned};
use strongroom_format::encoding::Codec;
use strongroom_format::wire::{MAX_JSON, MAX_PAGE};

use crate::error::ApiError;

const JSON: &str = "application/json";
const PAGE: &str = "application/octet-stream";

/// A body that nobody has read yet: nothing is held in memory for a caller who is not known.
pub(crate) struct Unread(Body);

impl<S: Sync> FromRequest<S> for Unread {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self(request.into_body()))
    }
}

impl Unread {
    /// Reads a strict JSON request: known fields, all of them, nothing else.
    pub(crate) async fn json<T: DeserializeOwned>(
        self,
        headers: &HeaderMap,
    ) -> Result<T, ApiError> {
        let body = self.read(headers, JSON, MAX_JSON).await?;
        serde_json::from_slice(&body).map_err(|_| malformed())
    }

    /// Reads a binary request in the canonical encoding.
    pub(crate) async fn page<T: Codec>(self, headers: &HeaderMap) -> Result<T, ApiError> {
        let body = self.read(headers, PAGE, MAX_PAGE).await?;
        T::decode(&body).map_err(|_| malformed())
    }

    /// Reads to the end without keeping anything, before a refusal: an answer to a client that is
    /// still sending gets lost with the connection.
    pub(crate) async fn discard(self) {
        let mut seen = 0;
        let mut pieces = self.0.into_data_stream();
        while seen <= MAX_PAGE
            && let Some(Ok(piece)) = pieces.next().await
        {
            seen += piece.len();
        }
    }

    async fn read(self, headers: &HeaderMap, kind: &str, max: usize) -> Result<Vec<u8>, ApiError> {
        if headers.get(CONTENT_TYPE).is_none_or(|value| value != kind) {
            self.discard().await;
            return Err(ApiError::bad_request("content-type", "the body has another content type"));
        }
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        if announced.and_then(|n| n.parse::<usize>().ok()).is_some_and(|n| n > max) {
            self.discard().await;
            return Err(ApiError::too_large());
        }
        let mut body = Vec::new();
        let mut pieces = self.0.into_data_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| malformed())?;
            if body.len() + piece.len() > max {
                return Err(ApiError::too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
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

pub(crate) fn malformed() -> ApiError {
    ApiError::bad_request("malformed", "the request is not in the form of the protocol")
}
