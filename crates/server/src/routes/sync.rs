//! Reading the chain: `GET /v1/orgs` and `GET /v1/orgs/{org}/sync`.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use strongroom_format::event::EventKind;
use strongroom_format::id::{EnvId, Principal};
use strongroom_format::statement::Rights;
use strongroom_format::wire::{
    B64, EnvHead, MAX_LINKS, OrgList, PreviousAnswer, SyncAnswer, WrapAnswer,
};
use strongroom_store::PreviousRow;

use crate::app::Shared;
use crate::error::ApiError;
use crate::http::{Peer, answer_json, enter, identify};
use crate::journal::{Everywhere, Seen};

/// The most bytes of links in one answer; base64 and the rest stay below the cap of JSON.
pub(super) const LINK_BYTES: usize = 512 * 1024;

/// `GET /v1/orgs`: where the caller is a member.
pub(crate) async fn list(
    State(app): State<Shared>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = identify(&app, &headers, &peer).await?.require_user()?;
    let orgs = app.store.read().await?.orgs_of(&user).await?;
    // No link is read here, only that the organisation is there: the number of links is 0.
    app.journal.run(Everywhere::done(user, EventKind::ChainFetched, peer.text())).await?;
    answer_json(&OrgList { orgs })
}

/// Which link to begin with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct From {
    pub(super) from: u64,
}

/// `GET /v1/orgs/{org}/sync?from=SEQ`: see [`SyncAnswer`].
pub(crate) async fn sync(
    State(app): State<Shared>,
    Path(org): Path<String>,
    query: Result<Query<From>, QueryRejection>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let inside = enter(&app, &headers, &peer, &org, None).await?;
    let Query(From { from }) = query.map_err(|_| crate::http::malformed())?;
    let (org, who) = (inside.org, inside.caller.principal);
    let mut tx = app.store.read().await?;
    let links = tx.links(&org, from, MAX_LINKS, LINK_BYTES).await?;
    let last = links.last().map_or(from, |link| link.seq);
    let wraps = tx.wraps(&org, &who, from, last).await?;
    let mut previous: BTreeMap<(EnvId, u32), PreviousRow> = BTreeMap::new();
    for row in tx.previous(&org, from, last).await? {
        previous.insert((row.env, row.epoch), row);
    }
    // A new reader's own wrap opens the newest key; the way back to the older ones goes with it.
    for env in wraps.iter().map(|wrap| wrap.env).collect::<std::collections::BTreeSet<_>>() {
        for row in tx.previous_of(&org, &env).await? {
            previous.insert((row.env, row.epoch), row);
        }
    }
    let heads = tx.env_heads(&org).await?;
    drop(tx);

    let number = links.len() as u64;
    let kind = EventKind::ChainFetched;
    let subject = inside.subject;
    let seen = Seen { subject, kind, number, needs_read: false, members_only: false };
    let state = app.journal.run(seen).await?;
    let checkpoint = app.journal.checkpoint(&org).await?;
    let now_ms = app.clock.now_ms().max(state.time_ms());
    let reads =
        |env: &EnvId, who: &Principal| state.rights(env, who, now_ms).includes(Rights::READ);
    answer_json(&SyncAnswer {
        more: last < state.seq() && !links.is_empty(),
        links: links.into_iter().map(|link| B64(link.bytes)).collect(),
        wraps: wraps
            .into_iter()
            .map(|w| WrapAnswer { env_id: w.env, epoch: w.epoch, wrap: B64(w.wrap.to_vec()) })
            .collect(),
        previous: previous
            .into_values()
            .filter(|row| reads(&row.env, &who))
            .map(|row| PreviousAnswer {
                env_id: row.env,
                epoch: row.epoch,
                sealed: B64(row.sealed),
            })
            .collect(),
        envs: heads
            .into_iter()
            .filter(|head| reads(&head.env, &who))
            .map(|head| EnvHead { env_id: head.env, seq: head.seq, head: B64(head.head.to_vec()) })
            .collect(),
        checkpoint,
    })
}
