//! The gateway for published clients of an older secrets service: it answers their one question,
//! `GET /v1/resolve`, from verified state.
//!
//! The clients send a token that is its own private key, and they trust whoever answers. So both
//! stay on this machine: the token was made here and reaches nobody but this process, which knows
//! its hash and its public half; and what is answered comes from the signed chain and the signed
//! commits of environments, wrapped to the token anew for every answer (`strongroom-legacy`).
//!
//! Invariants: layers are those of the signed composition, in its order, and no parameter of a
//! request changes them (rows L05, L07, L08); a name that loads or runs code is not handed out (row
//! L06); a reference reads nothing that its writer may not read (row L09); what goes into a process
//! is written down first; nothing is answered while the vault is locked or the broker stopped.
//! A refusal is 401 or 403, never 429 or 5xx: with those, clients may go on with an old answer that
//! they kept (row L15).
//!
//! Deliberately not here: writing, and every other route of that service.

mod answer;
mod references;
mod robot;
mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use strongroom_core::variable::{self, Refusal};
use strongroom_legacy::TokenHash;

use crate::{broker::Broker, egress::Body, refusal::whole};
use answer::Answer;

pub use robot::{LegacyToken, OpenRobot, Opening, RobotSource};
pub use source::{Answering, Found, Label, Layer, LegacySource, Outline};

const RESOLVE: &str = "/v1/resolve";
/// What every token of the older service begins with.
const TOKEN: &str = "skt_";

/// Why a client gets nothing, in the words of the older service: clients show code and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl GatewayError {
    /// 401: no token, or one that stands for nothing any more. Which of them is not said.
    pub fn unauthorized() -> Self {
        let message = "this token is unknown here, over, or was taken back; make a new one";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 403: a known token that does not get this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 503: not a refusal. The server cannot be reached, or the use cannot be written down.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn response(&self) -> Response<Body> {
        let error = serde_json::json!({ "error": { "code": self.code, "message": self.message } });
        json(self.status, error.to_string())
    }
}

/// Answers what clients of the older service ask; `None` for all other requests.
pub async fn answer<B>(broker: &Arc<Broker>, request: &Request<B>) -> Option<Response<Body>> {
    let token = bearer(request.headers());
    let path = request.uri().path();
    if path != RESOLVE && !token.is_some_and(|token| token.starts_with(TOKEN)) {
        return None;
    }
    let hash = token.filter(|token| token.starts_with(TOKEN)).map(TokenHash::of);
    let query = request.uri().query().unwrap_or_default();
    let asked = if path != RESOLVE {
        let message = "the gateway answers /v1/resolve and nothing else";
        Err(GatewayError::new(StatusCode::NOT_FOUND, "not_found", message))
    } else if request.method() != Method::GET {
        let message = "/v1/resolve is asked with GET";
        Err(GatewayError::new(StatusCode::METHOD_NOT_ALLOWED, "bad_request", message))
    } else {
        resolve(broker, hash, query).await
    };
    Some(asked.map_or_else(|error| error.response(), |body| json(StatusCode::OK, body)))
}

async fn resolve(
    broker: &Broker,
    token: Option<TokenHash>,
    query: &str,
) -> Result<String, GatewayError> {
    let token = token.ok_or_else(GatewayError::unauthorized)?;
    let source = broker.legacy.get().ok_or_else(GatewayError::unauthorized)?;
    require_open(broker)?;
    let mut found = source.look(token).await?;
    require_composition(found.outline(), query)?;
    require_names(found.outline())?;
    require_open(broker)?;
    let values = found.open().await?;
    let outline = found.outline();
    let values = references::guarded(&outline.layers, values);
    let answer = Answer::seal(outline, &values)?;
    // What stopped everything meanwhile stops this as well: nothing has left yet.
    require_open(broker)?;
    serde_json::to_string(&answer).map_err(|error| GatewayError::unavailable(error.to_string()))
}

/// A request that no stop and no lock forbids.
fn require_open(broker: &Broker) -> Result<(), GatewayError> {
    if broker.sessions.stopped().0 {
        return Err(GatewayError::forbidden("a person stopped the broker; ask before you go on"));
    }
    if broker.sessions.is_locked() {
        return Err(GatewayError::forbidden(
            "the vault is locked; unlock Strongroom, then ask again",
        ));
    }
    Ok(())
}

/// A client may name the slices of groups that it wants (`with=group:environment`). Which ones an
/// environment composes is signed, so a parameter may say what is signed and nothing else.
fn require_composition(outline: &Outline, query: &str) -> Result<(), GatewayError> {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value);
        let is_signed = |layer: &Layer| {
            layer.group.as_ref().is_some_and(|group| value == format!("{group}:{}", layer.slug))
        };
        if name != "with" || !outline.layers.iter().any(is_signed) {
            return Err(GatewayError::forbidden(
                "which groups an environment composes is signed; have an admin change it there, \
                 and ask without parameters",
            ));
        }
    }
    Ok(())
}

/// Clients put what they get into their own environment and their children's. Whoever may write a
/// secret must not thereby run code there.
fn require_names(outline: &Outline) -> Result<(), GatewayError> {
    for name in outline.layers.iter().flat_map(|layer| &layer.names) {
        let why = match variable::refusal(name) {
            None => continue,
            Some(Refusal::Control) => "changes what a program loads or runs",
            Some(Refusal::Own) => "is Strongroom's own",
            Some(Refusal::NoName) => "is no name of a variable",
        };
        let name: String = name.chars().take(80).collect();
        let message = format!("{name:?} {why}; rename it in Strongroom, or delete it");
        return Err(GatewayError::forbidden(message));
    }
    Ok(())
}

/// The one bearer of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Percent-decoded, with `+` for a blank; what is not text becomes something that matches nothing.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else { return String::new() };
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            byte => byte,
        });
    }
    String::from_utf8(out).unwrap_or_default()
}

fn json(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
