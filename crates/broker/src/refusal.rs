//! What an agent is told when something is not done.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};

use crate::egress::Body;

/// Why a request of an agent was not done: a status, a word for programs and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// In kebab case.
    pub code: &'static str,
    /// What to do next; holds no secret.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// 401: the token is none, or works no more.
    pub fn token(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    /// 403: known, and not allowed.
    pub fn denied(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 503: not now.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// As an answer, `{"error":{"type":"strongroom","code":…,"message":…}}`: SDKs show the message.
    pub fn response(&self) -> Response<Body> {
        let error = serde_json::json!({
            "error": { "type": "strongroom", "code": self.code, "message": self.message }
        });
        let mut response = Response::new(whole(error.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        // Without these, git and proxies' clients do not ask for what they would send.
        let basic = header::HeaderValue::from_static("Basic realm=\"strongroom\"");
        match self.status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                headers.insert(header::PROXY_AUTHENTICATE, basic);
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, basic);
            }
            _ => {}
        }
        response
    }
}

/// A body that is there already.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}
