//! The one shape of a refusal: a status, a code for programs, a sentence for people.
//!
//! Neither holds anything that was sent. Causes of a 5xx go to the log, never to the caller.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use strongroom_chain::{ChainError, CommitError};
use strongroom_format::wire::{ErrorAnswer, ErrorBody};
use strongroom_store::StoreError;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    message: String,
    /// Whether the refusal stands in the audit log already.
    pub(crate) recorded: bool,
}

/// Marks an answer whose refusal stands in the audit log already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded;

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), recorded: false }
    }

    pub(crate) fn bad_request(code: &str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn unprocessable(code: &str, message: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    pub(crate) fn conflict(code: &str, message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    pub(crate) fn forbidden(code: &str, message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// The one answer for everything that is not there or not for the caller.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is nothing here for you")
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "sign-in-required", "sign in first")
    }

    /// An issuer knows the sender, and no account is bound to that.
    pub(crate) fn unknown_identity() -> Self {
        let message = "no account belongs to this sign-in";
        Self::new(StatusCode::UNAUTHORIZED, "unknown-identity", message)
    }

    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the request is too large")
    }

    pub(crate) fn rate_limited() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", "too many requests; wait a little")
    }

    pub(crate) fn unavailable(code: &str, message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed")
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => {
                let message = "the server's storage is full; nothing was written";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "storage-full", message)
            }
            StoreError::Busy => Self::unavailable("busy", "the server is busy; try again"),
            StoreError::Taken | StoreError::Failed(_) => {
                tracing::error!(%error, "storage");
                Self::unavailable("storage-failed", "the server's storage failed")
            }
        }
    }
}

impl From<ChainError> for ApiError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::WrongSeq | ChainError::WrongPrev => {
                Self::conflict("stale-link", "somebody else was faster; sync and try again")
            }
            _ => Self::unprocessable(&kebab("link", &format!("{error:?}")), &error.to_string()),
        }
    }
}

impl From<CommitError> for ApiError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::WrongSeq | CommitError::WrongPrev => {
                Self::conflict("stale-commit", "somebody else was faster; sync and try again")
            }
            _ => Self::unprocessable(&kebab("commit", &format!("{error:?}")), &error.to_string()),
        }
    }
}

/// `link`, `NotAllowed` gives `link-not-allowed`.
fn kebab(prefix: &str, variant: &str) -> String {
    let mut code = prefix.to_owned();
    for c in variant.chars().filter(char::is_ascii_alphanumeric) {
        if c.is_ascii_uppercase() {
            code.push('-');
        }
        code.push(c.to_ascii_lowercase());
    }
    code
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = ErrorBody { code: self.code, message: self.message };
        let mut response = (self.status, Json(ErrorAnswer { error })).into_response();
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if self.recorded {
            response.extensions_mut().insert(Recorded);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifiers_words_become_codes() {
        assert_eq!(ApiError::from(ChainError::NotAllowed).code, "link-not-allowed");
        assert_eq!(ApiError::from(CommitError::StateRoot).code, "commit-state-root");
        assert_eq!(ApiError::from(ChainError::WrongPrev).status, StatusCode::CONFLICT);
    }
}
