//! The routes under `/v1`: one file for each part of the interface.

mod accounts;
mod audit;
mod envelopes;
mod environments;
mod server;
mod sync;
mod write;

use axum::Router;
use axum::routing::{get, post};

use crate::app::Shared;

/// All routes.
pub(crate) fn all() -> Router<Shared> {
    Router::new()
        .route("/v1/server", get(server::info))
        .route("/v1/accounts", post(accounts::create))
        .route("/v1/account", get(accounts::own))
        .route("/v1/session/challenge", post(accounts::challenge))
        .route("/v1/session", post(accounts::sign_in))
        .route("/v1/orgs", get(sync::list).post(write::found))
        .route("/v1/orgs/{org}/sync", get(sync::sync))
        .route("/v1/orgs/{org}/write", post(write::write))
        .route("/v1/orgs/{org}/envelopes", post(envelopes::stage))
        .route("/v1/orgs/{org}/envs/{env}/items", get(environments::items))
        .route("/v1/orgs/{org}/envs/{env}/commits", get(environments::commits))
        .route("/v1/orgs/{org}/events", post(audit::report))
        .route("/v1/orgs/{org}/audit/proof", get(audit::consistency))
}
