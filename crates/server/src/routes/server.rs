//! `GET /v1/server`: what anybody may know.

use axum::extract::State;
use axum::response::Response;
use strongroom_format::wire::{B64, ServerInfo};

use crate::app::Shared;
use crate::error::ApiError;
use crate::http::answer_json;

pub(crate) async fn info(State(app): State<Shared>) -> Result<Response, ApiError> {
    answer_json(&ServerInfo {
        origin: app.origin.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        audit_vkey: B64(app.audit_vkey.to_vec()),
        time_ms: app.clock.now_ms(),
        registration: app.registration,
        issuers: app.issuers.info(),
    })
}
