//! `POST /v1/orgs/{org}/envelopes`: sealed fields, ahead of the commit that names them.

use async_trait::async_trait;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use strongroom_format::event::EventKind;
use strongroom_format::hash::Digest;
use strongroom_format::id::{DeviceId, Principal};
use strongroom_format::wire::{EnvelopePage, StageAnswer, content_hash};

use crate::app::Shared;
use crate::error::ApiError;
use crate::http::{Peer, Unread, answer_json, enter_with_page};
use crate::journal::{Batch, Job, Stop, Subject};

/// How many bytes one principal may have staged in an organisation.
const MAX_STAGED: u64 = 256 * 1024 * 1024;

pub(crate) async fn stage(
    State(app): State<Shared>,
    Path(org): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<Response, ApiError> {
    let (inside, page): (_, EnvelopePage) =
        enter_with_page(&app, &headers, &peer, &org, body).await?;
    let count = page.envelopes.len() as u64;
    let envelopes = page.envelopes.into_iter().map(|bytes| (content_hash(&bytes), bytes)).collect();
    let by = inside.caller.principal;
    app.journal.run(Stage { subject: inside.subject, by, envelopes }).await?;
    let checkpoint = app.journal.checkpoint(&inside.org).await?;
    answer_json(&StageAnswer { count, checkpoint })
}

struct Stage {
    subject: Subject,
    by: Principal,
    envelopes: Vec<(Digest, Vec<u8>)>,
}

#[async_trait]
impl Job for Stage {
    type Answer = ();

    fn subject(&self) -> Option<Subject> {
        Some(self.subject.clone())
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        let (org, now_ms) = (self.subject.org, batch.now_ms);
        let vault = batch.vault(&org).await?.ok_or(Stop::Refused(ApiError::not_found()))?;
        crate::rights::require_insider(&vault.state, &self.by, now_ms, false)?;
        if self.envelopes.is_empty() {
            let message = "there is nothing to keep";
            return Err(Stop::Refused(ApiError::unprocessable("empty", message)));
        }
        let bytes: usize = self.envelopes.iter().map(|(_, bytes)| bytes.len()).sum();
        let staged = batch.tx.staged_bytes(&org, &self.by).await?;
        if staged.saturating_add(bytes as u64) > MAX_STAGED {
            return Err(Stop::Refused(ApiError::too_large()));
        }
        batch.tx.stage(&org, &self.by, now_ms, &self.envelopes).await?;
        let (kind, number) = (EventKind::EnvelopesStaged, self.envelopes.len() as u64);
        batch.record(&self.subject, kind, DeviceId::ZERO, number, 200).await?;
        Ok(())
    }
}
