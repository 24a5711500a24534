//! The audit log: acts that clients signed, and proofs. There is no way to change an entry.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use strongroom_chain::tree::{prove_consistency, prove_inclusion};
use strongroom_format::hash::Digest;
use strongroom_format::id::{OrgId, Principal};
use strongroom_format::wire::{
    ActPage, B64, ConsistencyAnswer, EventsAnswer, InclusionAnswer, MAX_ACTS, Receipt,
};

use super::acts::Acts;
use crate::app::{App, Shared};
use crate::error::ApiError;
use crate::http::{Peer, Unread, answer_json, enter, enter_with_page, malformed};
use crate::journal::{Batch, Inside, Job, LogRead, Stop, Subject, load_frontier, nodes_for};

/// The most bytes of entries in one answer; base64 and the rest stay below the cap of JSON.
const EVENT_BYTES: usize = 512 * 1024;

/// `POST /v1/orgs/{org}/events`: acts that are not writes, such as copied and revealed.
pub(crate) async fn report(
    State(app): State<Shared>,
    Path(org): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<Response, ApiError> {
    let (inside, page): (_, ActPage) = enter_with_page(&app, &headers, &peer, &org, body).await?;
    let (by, count) = (inside.caller.principal, page.acts.len() as u64);
    if !app.limits.allow_acts(&by, page.acts.len()) {
        return Err(ApiError::rate_limited());
    }
    let (state, now_ms) = (app.journal.state(&inside.org), app.clock.now_ms());
    let acts = Acts::verified_ahead(page.acts, state, by, now_ms).await?;
    let peer = inside.subject.peer.clone();
    let report = Report { subject: inside.subject, by, acts };
    let Taken { first, time_ms } = app.journal.run(report).await?;
    let checkpoint = app.journal.checkpoint(&inside.org).await?;
    answer_json(&Receipt { count, first, time_ms, peer, checkpoint })
}

struct Report {
    subject: Subject,
    by: Principal,
    acts: Acts,
}

/// Where acts stand in the log, and since when.
struct Taken {
    first: u64,
    time_ms: u64,
}

#[async_trait]
impl Job for Report {
    type Answer = Taken;

    fn subject(&self) -> Option<Subject> {
        Some(self.subject.clone())
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<Taken, Stop> {
        let (org, time_ms) = (self.subject.org, batch.now_ms);
        let vault = batch.vault(&org).await?.ok_or(Stop::Refused(ApiError::not_found()))?;
        let (state, first) = (Arc::clone(&vault.state), vault.next_entry());
        crate::rights::require_insider(&state, &self.by, time_ms, false)?;
        if self.acts.is_empty() {
            let message = "there is nothing to write down";
            return Err(Stop::Refused(ApiError::unprocessable("empty", message)));
        }
        self.acts.check(batch, &state, self.by).await?;
        self.acts.record(batch, &org, self.by, &self.subject.peer);
        Ok(Taken { first, time_ms })
    }
}

/// Between which sizes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sizes {
    old: u64,
    new: u64,
}

/// `GET /v1/orgs/{org}/audit/proof?old=N&new=M`: see [`ConsistencyAnswer`].
pub(crate) async fn consistency(
    State(app): State<Shared>,
    Path(org): Path<String>,
    query: Result<Query<Sizes>, QueryRejection>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let inside = enter(&app, &headers, &peer, &org, None).await?;
    let Query(Sizes { old, new }) = query.map_err(|_| malformed())?;
    let answer = prove(&app, &inside.org, old, new).await?;
    // Hashes say nothing of what happened, and every sync asks for some.
    app.journal.run(Inside { subject: inside.subject }).await?;
    answer_json(&answer)
}

async fn prove(app: &App, org: &OrgId, old: u64, new: u64) -> Result<ConsistencyAnswer, ApiError> {
    let mut tx = app.store.read().await?;
    let checkpoint = tx.checkpoint(org, Some(new)).await?;
    let (_, checkpoint) = checkpoint.ok_or_else(ApiError::not_found)?;
    let proof = nodes_for(tx.as_mut(), org, |lookup| prove_consistency(old, new, lookup)).await?;
    let proof = proof.map_err(|_| malformed())?;
    Ok(ConsistencyAnswer { proof: nodes(&proof), checkpoint })
}

fn nodes(hashes: &[Digest]) -> Vec<B64> {
    hashes.iter().map(|hash| B64(hash.to_vec())).collect()
}

/// Which entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    index: u64,
}

/// `GET /v1/orgs/{org}/audit/inclusion?index=N`: see [`InclusionAnswer`].
pub(crate) async fn inclusion(
    State(app): State<Shared>,
    Path(org): Path<String>,
    query: Result<Query<Entry>, QueryRejection>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let inside = enter(&app, &headers, &peer, &org, None).await?;
    let Query(Entry { index }) = query.map_err(|_| malformed())?;
    let answer = prove_entry(&app, &inside.org, index).await?;
    app.journal.run(Inside { subject: inside.subject }).await?;
    answer_json(&answer)
}

async fn prove_entry(app: &App, org: &OrgId, index: u64) -> Result<InclusionAnswer, ApiError> {
    let mut tx = app.store.read().await?;
    let (size, checkpoint) = tx.checkpoint(org, None).await?.ok_or_else(ApiError::not_found)?;
    if index >= size {
        return Err(ApiError::not_found());
    }
    let proof = nodes_for(tx.as_mut(), org, |lookup| prove_inclusion(index, size, lookup)).await?;
    let proof = proof.map_err(|_| malformed())?;
    Ok(InclusionAnswer { proof: nodes(&proof), checkpoint })
}

/// Which entry to begin with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct From {
    from: u64,
}

/// `GET /v1/orgs/{org}/audit/events?from=N`: see [`EventsAnswer`].
pub(crate) async fn events(
    State(app): State<Shared>,
    Path(org): Path<String>,
    query: Result<Query<From>, QueryRejection>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let inside = enter(&app, &headers, &peer, &org, None).await?;
    let Query(From { from }) = query.map_err(|_| malformed())?;
    // The whole log is for people; a token sees what its own entries need. It is read after its
    // own entry was written, and so after those of all refusals before.
    let nothing = app.journal.run(LogRead { subject: inside.subject, from }).await?;
    if let Some(checkpoint) = nothing {
        let (events, peaks, checkpoint) = (Vec::new(), Vec::new(), checkpoint.to_string());
        return answer_json(&EventsAnswer { events, base: from, peaks, more: false, checkpoint });
    }
    let checkpoint = app.journal.checkpoint(&inside.org).await?;
    let mut tx = app.store.read().await?;
    let size = tx.log_size(&inside.org).await?;
    let rows = tx.events(&inside.org, from, MAX_ACTS, EVENT_BYTES).await?;
    let base = rows.first().map_or(from, |first| first.index);
    let peaks = if base > from {
        nodes(load_frontier(tx.as_mut(), &inside.org, base).await?.peaks())
    } else {
        Vec::new()
    };
    let more = rows.last().is_some_and(|last| last.index.saturating_add(1) < size);
    let events = rows.into_iter().map(|row| B64(row.bytes)).collect();
    answer_json(&EventsAnswer { events, base, peaks, more, checkpoint })
}
