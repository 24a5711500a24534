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

use axum::response::Response;
use strongroom_format::id::OrgId;
use strongroom_format::wire::Receipt;

use crate::app::{App, Shared};
use crate::error::ApiError;
use crate::http::answer_json;

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
        .route("/v1/orgs/{org}/audit/inclusion", get(audit::inclusion))
        .route("/v1/orgs/{org}/audit/events", get(audit::events))
}

/// The answer to something that was taken in, with the checkpoint that includes it.
async fn receipt(app: &App, org: &OrgId, count: usize) -> Result<Response, ApiError> {
    let checkpoint = app.journal.checkpoint(org).await?;
    answer_json(&Receipt { count: count as u64, checkpoint })
}
