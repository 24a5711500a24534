//! What agents may ask the broker itself: whether it is there, what they may do, and for more.

use std::sync::Arc;

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_control::link::ToOwner;

use crate::{
    broker::Broker,
    egress::Body,
    exchange::ended,
    present,
    refusal::{Refusal, whole},
    sessions::{Agent, End},
};

/// The longest request for access, in bytes.
const MAX_ASK: usize = 4_096;
/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// A wish for access to a provider.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    provider: String,
    reason: String,
}

/// Answers `/-/…`.
pub(crate) async fn answer(
    broker: &Arc<Broker>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/-/health") => {
            let (stopped, _) = broker.sessions.stopped();
            Ok(as_json(&json!({ "locked": broker.sessions.is_locked(), "stopped": stopped })))
        }
        (&Method::GET, "/-/me") => {
            let presented = present::find(&parts)?;
            Ok(as_json(&me(&*caller(broker, presented.as_ref())?)))
        }
        (&Method::POST, "/-/access") => {
            let presented = present::find(&parts)?;
            let agent = caller(broker, presented.as_ref())?;
            let wish = read(&parts.headers, body).await?;
            broker.ask_access(&agent, wish.provider, &wish.reason)?;
            Ok(as_json(&json!({ "asked": true })))
        }
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "not-found", "the broker has no such page")),
    }
}

async fn read(headers: &HeaderMap, body: Incoming) -> Result<Wish, Refusal> {
    let bad = |message: &str| Refusal::new(StatusCode::BAD_REQUEST, "body", message);
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json {
        return Err(bad("send application/json with \"provider\" and \"reason\""));
    }
    let body = Limited::new(body, MAX_ASK).collect().await;
    let body = body.map_err(|_| bad("the body is too long or broke off"))?.to_bytes();
    serde_json::from_slice(&body).map_err(|_| bad("send {\"provider\":\"…\",\"reason\":\"…\"}"))
}

fn caller(broker: &Broker, presented: Option<&present::Presented>) -> Result<Arc<Agent>, Refusal> {
    let stands = presented.and_then(|one| broker.tokens.lookup(&one.hash));
    let agent = stands.and_then(|stands| broker.agent(stands.agent));
    let agent = agent
        .ok_or_else(|| Refusal::token("no-token", "send one of your fake tokens as Bearer"))?;
    if broker.sessions.is_stopped(agent.config.id) {
        return Err(ended(End::Stopped));
    }
    Ok(agent)
}

/// What the agent may do, without the name of any secret.
fn me(agent: &Agent) -> Value {
    let policy = &agent.config.policy;
    let rules = policy.rules.iter().map(|rule| {
        json!({
            "name": rule.name,
            "effect": rule.effect,
            "provider": rule.provider,
            "capability": rule.capability,
            "methods": rule.methods,
            "hosts": rule.hosts,
            "paths": rule.paths,
            "reason": rule.reason,
        })
    });
    json!({ "agent": agent.config.name, "rules": rules.collect::<Vec<_>>() })
}

fn as_json(value: &Value) -> Response<Body> {
    let mut response = Response::new(whole(value.to_string()));
    let kind = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

impl Broker {
    /// Tells the owner that an agent wants more. Once a minute for an agent and a provider.
    pub fn ask_access(&self, agent: &Agent, provider: String, reason: &str) -> Result<(), Refusal> {
        let is_id = (1..=24).contains(&provider.len())
            && provider.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_id {
            let message = "a provider is named by its id, such as openai";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "provider", message));
        }
        if !self.may_ask_access(agent.config.id, &provider) {
            let message = "a person was asked for this a moment ago; wait for the answer";
            return Err(Refusal::denied("asked-already", message));
        }
        let reason = reason.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
        self.owner.tell(ToOwner::AccessAsked { agent: agent.config.id, provider, reason });
        Ok(())
    }
}
