//! Reading an environment: its current items, and its history.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use strongroom_format::commit::SignedCommit;
use strongroom_format::event::EventKind;
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, OrgId, SecretId};
use strongroom_format::wire::{
    CommitPage, CommitRecord, FieldEnvelope, ItemPage, ItemRecord, MAX_LINKS, MAX_PAGE,
};
use strongroom_store::{ReadTx, StoreError};

use crate::app::Shared;
use crate::error::ApiError;
use crate::http::{Peer, answer_page, enter, malformed};
use crate::journal::Seen;

/// About how many bytes of envelopes or commits an answer holds.
const PAGE_BYTES: usize = 1024 * 1024;
/// Room in a page for versions, counts and lengths.
const SLACK: usize = 64 * 1024;
/// How many items are looked up at once: together at most 37 MiB of the largest envelopes.
const ITEMS: usize = 128;

/// Where a page begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct After {
    after: Option<SecretId>,
}

/// `GET /v1/orgs/{org}/envs/{env}/items?after=SECRET`: see [`ItemPage`].
pub(crate) async fn items(
    State(app): State<Shared>,
    Path((org, env)): Path<(String, String)>,
    query: Result<Query<After>, QueryRejection>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let inside = enter(&app, &headers, &peer, &org, Some(&env)).await?;
    let Query(After { after }) = query.map_err(|_| malformed())?;
    let (org, env) = (inside.org, inside.subject.env);
    let page = item_page(app.store.read().await?.as_mut(), &org, &env, after).await?;
    let number = page.items.len() as u64;
    let kind = EventKind::EnvFetched;
    let subject = inside.subject;
    app.journal.run(Seen { subject, kind, number, needs_read: true, members_only: false }).await?;
    Ok(answer_page(&page))
}

async fn item_page(
    tx: &mut dyn ReadTx,
    org: &OrgId,
    env: &EnvId,
    mut after: Option<SecretId>,
) -> Result<ItemPage, StoreError> {
    let head = tx.head_commit(org, env).await?.map_or_else(Vec::new, |row| row.bytes);
    let mut page = ItemPage { head, items: Vec::new(), more: false };
    let mut bytes = 0;
    loop {
        let items = tx.items(org, env, after.as_ref(), ITEMS).await?;
        let Some(last) = items.last() else { return Ok(page) };
        after = Some(last.change.secret);
        let hashes: Vec<Digest> =
            items.iter().flat_map(|i| i.change.fields.iter().map(|f| f.envelope)).collect();
        let mut envelopes = tx.envelopes(org, env, &hashes).await?;
        for item in items {
            if bytes > PAGE_BYTES {
                page.more = true;
                return Ok(page);
            }
            let mut fields = Vec::with_capacity(item.change.fields.len());
            for field in &item.change.fields {
                let envelope = envelopes.remove(&field.envelope).ok_or_else(missing)?;
                bytes += envelope.len() + 64;
                fields.push(FieldEnvelope { field: field.field, envelope });
            }
            bytes += 64;
            page.items.push(ItemRecord {
                secret: item.change.secret,
                version: item.change.version,
                op: item.change.op,
                epoch: item.epoch,
                fields,
            });
        }
    }
}

/// What part of the history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    from: u64,
    envelopes: bool,
}

/// `GET /v1/orgs/{org}/envs/{env}/commits?from=SEQ&envelopes=BOOL`: see [`CommitPage`].
pub(crate) async fn commits(
    State(app): State<Shared>,
    Path((org, env)): Path<(String, String)>,
    query: Result<Query<Part>, QueryRejection>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let inside = enter(&app, &headers, &peer, &org, Some(&env)).await?;
    let Query(part) = query.map_err(|_| malformed())?;
    let (org, env) = (inside.org, inside.subject.env);
    let page = commit_page(app.store.read().await?.as_mut(), &org, &env, &part).await?;
    let number = page.commits.len() as u64;
    let kind = EventKind::HistoryFetched;
    let subject = inside.subject;
    app.journal.run(Seen { subject, kind, number, needs_read: true, members_only: false }).await?;
    Ok(answer_page(&page))
}

async fn commit_page(
    tx: &mut dyn ReadTx,
    org: &OrgId,
    env: &EnvId,
    part: &Part,
) -> Result<CommitPage, StoreError> {
    let mut page = CommitPage { commits: Vec::new(), more: false };
    let rows = tx.commits(org, env, part.from, MAX_LINKS, PAGE_BYTES).await?;
    let newest = tx.head_commit(org, env).await?.map_or(0, |head| head.seq);
    let mut last = part.from;
    let mut bytes = 0;
    for row in rows {
        if bytes > PAGE_BYTES {
            break;
        }
        let mut envelopes = Vec::new();
        if part.envelopes {
            let signed = SignedCommit::parse(&row.bytes)
                .map_err(|_| StoreError::Failed("a stored commit is damaged".to_owned()))?;
            let hashes: Vec<Digest> = signed
                .commit
                .changes
                .iter()
                .flat_map(|change| change.fields.iter().map(|f| f.envelope))
                .collect();
            let mut found = tx.envelopes(org, env, &hashes).await?;
            for hash in &hashes {
                envelopes.push(found.remove(hash).ok_or_else(missing)?);
            }
        }
        let size = row.bytes.len() + envelopes.iter().map(|bytes| bytes.len() + 4).sum::<usize>();
        // A large commit behind small ones gets a page of its own.
        if !page.commits.is_empty() && bytes + size > MAX_PAGE - SLACK {
            break;
        }
        bytes += size;
        last = row.seq;
        page.commits.push(CommitRecord { commit: row.bytes, envelopes });
    }
    page.more = !page.commits.is_empty() && last < newest;
    Ok(page)
}

fn missing() -> StoreError {
    StoreError::Failed("a stored envelope is missing".to_owned())
}
