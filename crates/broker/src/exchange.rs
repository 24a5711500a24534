//! One request of an agent, from its fake token to its scrubbed answer.
//!
//! This is the one choke point: every way in comes here, and only here does a credential leave. The
//! order is the safety: who asks; what the policies say; a person, where they want one; the value;
//! the record; only then the request. A session that ends takes everything of this with it.

mod answer;
mod asks;
mod call;
mod caller;
mod refresh;

use std::sync::Arc;

use http::{HeaderMap, Request, Response, StatusCode, header, request::Parts};
use hyper::body::Incoming;
use strongroom_policy::Target;

use crate::{
    broker::Broker,
    egress::Body,
    present,
    refusal::Refusal,
    sessions::{End, Session, Standing},
    who::Peer,
};

use call::Call;
use caller::Caller;

/// The header with which an agent says why.
pub const REASON: &str = "x-strongroom-reason";
/// The header with which an agent chooses a capability.
pub const CAPABILITY: &str = "x-strongroom-capability";

/// How a request came in.
#[derive(Debug, Clone)]
pub enum Entry {
    /// By the broker's own address, `/<provider>/…`.
    Base,
    /// Through the forward proxy, in a session, to a target.
    Through {
        /// The session of the proxy's password.
        session: Arc<Session>,
        /// Where it goes.
        target: Target,
    },
}

/// Does what an agent asks, or says why not.
pub async fn exchange(
    broker: &Arc<Broker>,
    peer: &Peer,
    entry: Entry,
    request: Request<Incoming>,
) -> Response<Body> {
    match go(broker, peer, entry, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(),
    }
}

async fn go(
    broker: &Arc<Broker>,
    peer: &Peer,
    entry: Entry,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    refuse_browsers(&parts.headers)?;
    let presented = present::find(&parts)?;
    let caller = Caller::identify(broker, &entry, &parts, presented)?;
    let session = Arc::clone(&caller.session);
    require_open(&session)?;
    let process = peer.process(&broker.who, session.root.get().copied()).await;
    let call = Call::new(broker, caller, &parts, process)?;
    tokio::select! {
        biased;
        end = session.ended() => Err(ended(end)),
        done = call.run(parts, body) => done,
    }
}

/// What browsers say about a request, and programs do not. `Sec-Fetch-Mode` is not among them: the
/// `fetch` of Node.js sends it, alone; a browser sends it with the others.
const SAID_BY_BROWSERS: [&str; 5] =
    ["origin", "sec-fetch-site", "sec-fetch-dest", "sec-fetch-user", "sec-websocket-key"];

/// A page in a browser must not reach the broker (row J18): browsers say where a request comes from.
pub(crate) fn refuse_browsers(headers: &HeaderMap) -> Result<(), Refusal> {
    if SAID_BY_BROWSERS.iter().any(|name| headers.contains_key(*name)) {
        let message = "the broker serves programs, not pages in a browser";
        return Err(Refusal::denied("browser", message));
    }
    Ok(())
}

/// Whether the session may still let anything out.
fn require_open(session: &Session) -> Result<(), Refusal> {
    match session.standing() {
        Standing::Open => Ok(()),
        Standing::Paused => Err(locked()),
        Standing::Ended(end) => Err(ended(end)),
    }
}

fn locked() -> Refusal {
    let message = "the vault is locked; unlock Strongroom, then send the request again";
    Refusal::unavailable("locked", message)
}

pub(crate) fn ended(end: End) -> Refusal {
    let (code, message) = match end {
        End::Stopped => ("stopped", "a person stopped this agent; ask before you go on"),
        End::Locked => ("session-over", "the vault was locked, which ends this agent's sessions"),
        End::Time => ("session-over", "the time of this session is over; start the agent again"),
        End::Agent => ("agent-over", "this agent has ended or its rights were taken away"),
        End::Command => ("session-over", "the command of this session has ended"),
    };
    Refusal::denied(code, message)
}

/// The length that the body is said to have, in bytes.
fn stated_length(parts: &Parts) -> Option<u64> {
    parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn bad_gateway(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_GATEWAY, code, message)
}
