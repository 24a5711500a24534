//! One request and its answer: capped, timed, of the right type.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Response, StatusCode, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use strongroom_format::encoding::Codec;
use strongroom_format::wire::{ErrorAnswer, MAX_JSON, MAX_PAGE};

use super::Method;
use super::error::{ApiError, ServerCode, of_transport};
use super::origin::Origin;
use super::session::Token;

const JSON: &str = "application/json";
const PAGE: &str = "application/octet-stream";
/// The largest refusal that is read.
const MAX_REFUSAL: usize = 16 * 1024;

/// How long the parts of a call may take.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// Until the connection stands.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub silence: Duration,
    /// From the first byte sent to the last received.
    pub whole: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(8),
            silence: Duration::from_secs(20),
            whole: Duration::from_mins(2),
        }
    }
}

/// A request, encoded once and sent once or twice.
pub(super) struct Call {
    method: Method,
    path: String,
    body: Option<(&'static str, Vec<u8>)>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None }
    }

    pub(super) fn post_json(
        path: impl Into<String>,
        body: &impl Serialize,
    ) -> Result<Self, ApiError> {
        let bytes = serde_json::to_vec(body).map_err(|_| ApiError::Unsupported)?;
        Self::post(path.into(), JSON, bytes, MAX_JSON)
    }

    pub(super) fn post_page(path: impl Into<String>, page: &impl Codec) -> Result<Self, ApiError> {
        Self::post(path.into(), PAGE, page.encode(), MAX_PAGE)
    }

    fn post(
        path: String,
        content_type: &'static str,
        bytes: Vec<u8>,
        limit: usize,
    ) -> Result<Self, ApiError> {
        if bytes.len() > limit {
            return Err(ApiError::RequestTooLarge { limit });
        }
        Ok(Self { method: Method::POST, path, body: Some((content_type, bytes)) })
    }
}

/// What a good answer looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expect {
    /// JSON of at most [`MAX_JSON`] bytes.
    Json,
    /// A binary page of at most [`MAX_PAGE`] bytes.
    Page,
    /// That it worked; any content is skipped.
    Nothing,
}

impl Expect {
    fn content(self) -> Option<(&'static str, usize)> {
        match self {
            Self::Json => Some((JSON, MAX_JSON)),
            Self::Page => Some((PAGE, MAX_PAGE)),
            Self::Nothing => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Transport {
    client: Client,
    origin: Origin,
}

impl Transport {
    pub(super) fn new(origin: Origin, limits: TimeLimits) -> Result<Self, ApiError> {
        let mut builder = Client::builder()
            .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .https_only(origin.is_https())
            .connect_timeout(limits.connect)
            .read_timeout(limits.silence)
            .timeout(limits.whole);
        if origin.is_loopback() {
            builder = builder.no_proxy(); // what is meant for this computer stays on it
        }
        let client = builder.build().map_err(|_| ApiError::Unsupported)?;
        Ok(Self { client, origin })
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// A call without a session.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, ApiError> {
        parse_json(&self.send(&call, None, Expect::Json).await?)
    }

    pub(super) async fn send(
        &self,
        call: &Call,
        token: Option<&Token>,
        expect: Expect,
    ) -> Result<Vec<u8>, ApiError> {
        let url = format!("{}{}", self.origin, call.path);
        let mut request = self.client.request(call.method.clone(), url);
        if let Some((content_type, bytes)) = &call.body {
            request = request.header(CONTENT_TYPE, *content_type).body(bytes.clone());
        }
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token.header.clone());
        }
        let response = request.send().await.map_err(|e| of_transport(&e))?;
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(refusal(status, response).await);
        }
        if !status.is_success() {
            return Err(ApiError::Garbage); // a redirect is never followed, nor meant
        }
        match expect.content() {
            Some((content_type, limit)) => {
                require_type(response.headers(), content_type)?;
                read(response, limit).await
            }
            None => Ok(Vec::new()),
        }
    }
}

/// Strict JSON: known fields, known types, nothing behind it.
pub(super) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|_| ApiError::Garbage)
}

async fn refusal(status: StatusCode, response: Response) -> ApiError {
    if require_type(response.headers(), JSON).is_err() {
        return ApiError::Garbage; // something else answers at this address
    }
    let bytes = match read(response, MAX_REFUSAL).await {
        Ok(bytes) => bytes,
        Err(ApiError::Offline) => return ApiError::Offline,
        Err(_) => return ApiError::Garbage,
    };
    match parse_json::<ErrorAnswer>(&bytes) {
        // The server's sentence is dropped here: this program has its own words.
        Ok(answer) => ApiError::Refused {
            status: status.as_u16(),
            code: ServerCode::from_server(&answer.error.code),
        },
        Err(_) => ApiError::Garbage,
    }
}

/// Exactly one content type, as sent by this protocol's server, and no encoding on top.
fn require_type(headers: &HeaderMap, expected: &str) -> Result<(), ApiError> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let found = types.next().and_then(|t| t.to_str().ok());
    let fits = found.is_some_and(|t| {
        t.eq_ignore_ascii_case(expected)
            || (expected == JSON && t.eq_ignore_ascii_case("application/json; charset=utf-8"))
    });
    if fits && types.next().is_none() && !headers.contains_key(CONTENT_ENCODING) {
        Ok(())
    } else {
        Err(ApiError::Garbage)
    }
}

/// Reads an answer piece by piece and stops at the cap, whatever length was announced.
async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, ApiError> {
    let too_large = ApiError::AnswerTooLarge { limit };
    let announced = response.content_length().unwrap_or(0);
    if announced > limit as u64 {
        return Err(too_large);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
    while let Some(piece) = response.chunk().await.map_err(|e| of_transport(&e))? {
        if piece.len() > limit - bytes.len() {
            return Err(too_large);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}
