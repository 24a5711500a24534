//! The routes under `/v1`: one file for each part of the interface, and one table of them all.
//!
//! The table is the only place where a path is written: the router and the OpenAPI document are
//! both made from it, and the tests ask that every row has its own row in the matrix of rights.

mod accounts;
mod acts;
mod audit;
mod envelopes;
mod environments;
mod joins;
mod openapi;
mod retention;
mod schemas;
mod server;
mod sessions;
mod sync;
mod uploads;
mod write;

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use strongroom_format::wire::B64;

use crate::app::{App, Shared};
use crate::error::ApiError;
use crate::http::{Peer, malformed};

/// A body on the way in or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Nothing,
    /// Strict JSON of this schema.
    Json(&'static str),
    /// A page in the canonical encoding, of this type of `strongroom-format`.
    Page(&'static str),
}

/// One row of the interface.
struct Route {
    path: &'static str,
    /// `get` or `post`.
    method: &'static str,
    /// What it is for, in a few words.
    summary: &'static str,
    /// What may be sent as `Authorization`, by its name in the OpenAPI document; an empty name
    /// stands for nothing at all.
    credentials: &'static [&'static str],
    /// Name, type of the schema, and whether it is needed.
    query: &'static [(&'static str, &'static str, bool)],
    request: Form,
    status: &'static str,
    answer: Form,
    handler: fn() -> MethodRouter<Shared>,
}

const GET: Route = Route {
    path: "",
    method: "get",
    summary: "",
    credentials: &["credential"],
    query: &[],
    request: Form::Nothing,
    status: "200",
    answer: Form::Nothing,
    handler: MethodRouter::new,
};
const POST: Route = Route { method: "post", ..GET };

const ROUTES: &[Route] = &[
    Route {
        path: "/v1/openapi.json",
        summary: "This document.",
        credentials: &[""],
        answer: Form::Json("OpenApi"),
        handler: || get(openapi::document),
        ..GET
    },
    Route {
        path: "/v1/server",
        summary: "What anybody may know about the server.",
        credentials: &[""],
        answer: Form::Json("ServerInfo"),
        handler: || get(server::info),
        ..GET
    },
    Route {
        path: "/v1/accounts",
        summary: "Makes an account, for whoever the server admits; after a reset of keys, anew.",
        credentials: &["", "invite", "founder", "issuer"],
        request: Form::Json("CreateAccount"),
        status: "201",
        answer: Form::Json("Empty"),
        handler: || post(accounts::create),
        ..POST
    },
    Route {
        path: "/v1/account",
        summary: "The caller's own account, with its sealed keyset.",
        answer: Form::Json("AccountAnswer"),
        handler: || get(accounts::own),
        ..GET
    },
    Route {
        path: "/v1/account/keyset",
        summary: "Replaces the sealed keyset; both the old and the new keys sign.",
        request: Form::Json("ReplaceKeyset"),
        answer: Form::Json("Empty"),
        handler: || post(accounts::replace),
        ..POST
    },
    Route {
        path: "/v1/account/identity",
        summary: "Binds an identity of an issuer to the caller's account.",
        request: Form::Json("BindIdentity"),
        answer: Form::Json("Empty"),
        handler: || post(accounts::bind_identity),
        ..POST
    },
    Route {
        path: "/v1/session/challenge",
        summary: "What to sign in order to sign in; unknown people get one too.",
        credentials: &[""],
        request: Form::Json("ChallengeRequest"),
        answer: Form::Json("Challenge"),
        handler: || post(sessions::challenge),
        ..POST
    },
    Route {
        path: "/v1/session",
        summary: "Answers a challenge; a challenge works once.",
        credentials: &[""],
        request: Form::Json("SessionRequest"),
        answer: Form::Json("Session"),
        handler: || post(sessions::sign_in),
        ..POST
    },
    Route {
        path: "/v1/orgs",
        summary: "The organisations that the caller is a member of.",
        answer: Form::Json("OrgList"),
        handler: || get(sync::list),
        ..GET
    },
    Route {
        path: "/v1/orgs",
        summary: "Founds an organisation; the first link is its genesis.",
        request: Form::Page("WriteBatch"),
        status: "201",
        answer: Form::Json("WriteAnswer"),
        handler: || post(write::found),
        ..POST
    },
    Route {
        path: "/v1/orgs/{org}/sync",
        summary: "The chain from a link on, own wraps, and where everything stands.",
        query: &[("from", "Number", true)],
        answer: Form::Json("SyncAnswer"),
        handler: || get(sync::sync),
        ..GET
    },
    Route {
        path: "/v1/orgs/{org}/invite/chain",
        summary: "The chain from a link on, for the holder of an invitation.",
        credentials: &["invite"],
        query: &[("from", "Number", true)],
        answer: Form::Json("ChainAnswer"),
        handler: || get(joins::chain),
        ..GET
    },
    Route {
        path: "/v1/orgs/{org}/invite/join",
        summary: "Asks to be admitted with an invitation, or for new keys.",
        credentials: &["invite"],
        request: Form::Json("JoinRequest"),
        answer: Form::Json("Empty"),
        handler: || post(joins::join),
        ..POST
    },
    Route {
        path: "/v1/orgs/{org}/joins",
        summary: "Who asks to be admitted; for managers.",
        answer: Form::Json("JoinList"),
        handler: || get(joins::list),
        ..GET
    },
    Route {
        path: "/v1/orgs/{org}/write",
        summary: "Links and commits of one organisation, all or nothing.",
        request: Form::Page("WriteBatch"),
        answer: Form::Json("WriteAnswer"),
        handler: || post(write::write),
        ..POST
    },
    Route {
        path: "/v1/orgs/{org}/envelopes",
        summary: "Sealed fields ahead of the commit that names them; kept for an hour.",
        request: Form::Page("EnvelopePage"),
        answer: Form::Json("StageAnswer"),
        handler: || post(envelopes::stage),
        ..POST
    },
    Route {
        path: "/v1/orgs/{org}/events",
        summary: "Signed acts that are not writes.",
        request: Form::Page("ActPage"),
        answer: Form::Json("Receipt"),
        handler: || post(audit::report),
        ..POST
    },
    Route {
        path: "/v1/orgs/{org}/envs/{env}/items",
        summary: "The newest commit and a page of current sealed items.",
        query: &[("after", "SecretId", false)],
        answer: Form::Page("ItemPage"),
        handler: || get(environments::items),
        ..GET
    },
    Route {
        path: "/v1/orgs/{org}/envs/{env}/commits",
        summary: "The history of an environment from a commit on.",
        query: &[("from", "Number", true), ("envelopes", "Flag", true)],
        answer: Form::Page("CommitPage"),
        handler: || get(environments::commits),
        ..GET
    },
    Route {
        path: "/v1/orgs/{org}/audit/proof",
        summary: "That the audit log of size `new` continues the one of size `old` (RFC 6962).",
        query: &[("old", "Number", true), ("new", "Number", true)],
        answer: Form::Json("ConsistencyAnswer"),
        handler: || get(audit::consistency),
        ..GET
    },
    Route {
        path: "/v1/orgs/{org}/audit/inclusion",
        summary: "That an entry is in the audit log (RFC 6962).",
        query: &[("index", "Number", true)],
        answer: Form::Json("InclusionAnswer"),
        handler: || get(audit::inclusion),
        ..GET
    },
    Route {
        path: "/v1/orgs/{org}/audit/events",
        summary: "Entries of the audit log from one on, as far as they are kept; for members.",
        query: &[("from", "Number", true)],
        answer: Form::Json("EventsAnswer"),
        handler: || get(audit::events),
        ..GET
    },
];

/// All routes.
pub(crate) fn all() -> Router<Shared> {
    ROUTES.iter().fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
}

fn limit_sign_in(app: &App, peer: &Peer) -> Result<(), ApiError> {
    if app.limits.allow_sign_in(peer.ip) { Ok(()) } else { Err(ApiError::rate_limited()) }
}

/// Bytes of an exact length.
fn fixed<const N: usize>(bytes: &B64) -> Result<[u8; N], ApiError> {
    bytes.0.as_slice().try_into().map_err(|_| malformed())
}
