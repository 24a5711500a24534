//! The way in (docs/protocol.md, section 7): the holder of an invitation reads the chain and asks to
//! be admitted; managers read who asks. The server can check all of it but the MAC.

use async_trait::async_trait;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use strongroom_chain::signature::{are_strong, verifies};
use strongroom_format::event::EventKind;
use strongroom_format::id::{DeviceId, EnvId, OrgId};
use strongroom_format::statement::{MemberKeys, key_change_message, pop_message};
use strongroom_format::wire::{
    B64, ChainAnswer, JoinList, JoinRequest, MAX_JOINS, MAX_LINKS, PendingJoin,
};
use strongroom_store::{JoinRow, StoreError};

use super::sync::{From, LINK_BYTES};
use super::{fixed, limit_sign_in};
use crate::app::Shared;
use crate::auth::{Invited, authenticate_invited};
use crate::error::ApiError;
use crate::http::{Peer, Unread, answer_json, enter, malformed};
use crate::journal::{Batch, Job, Stop, Subject};
use crate::rights::{require_manager, require_open};

/// `GET /v1/orgs/{org}/invite/chain?from=SEQ`: see [`ChainAnswer`].
pub(crate) async fn chain(
    State(app): State<Shared>,
    Path(org): Path<String>,
    query: Result<Query<From>, QueryRejection>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // A long chain comes in many pages: like a member's, these count as requests alone.
    let org: OrgId = org.parse().map_err(|_| ApiError::not_found())?;
    let Invited { invite, .. } = authenticate_invited(&app, &headers, peer.ip, &org).await?;
    let Query(From { from }) = query.map_err(|_| malformed())?;
    let links = app.store.read().await?.links(&org, from, MAX_LINKS, LINK_BYTES).await?;
    let subject = Subject { org, actor: None, env: EnvId::ZERO, peer: peer.text() };
    let newest = app.journal.run(Ask { subject, invite, join: None }).await?;
    let more = links.last().is_some_and(|last| last.seq < newest);
    let links = links.into_iter().map(|link| B64(link.bytes)).collect();
    answer_json(&ChainAnswer { links, more })
}

/// `POST /v1/orgs/{org}/invite/join`: see [`JoinRequest`].
pub(crate) async fn join(
    State(app): State<Shared>,
    Path(org): Path<String>,
    peer: Peer,
    headers: HeaderMap,
    body: Unread,
) -> Result<Response, ApiError> {
    limit_sign_in(&app, &peer)?;
    let org: OrgId = org.parse().map_err(|_| ApiError::not_found())?;
    let invited = match authenticate_invited(&app, &headers, peer.ip, &org).await {
        Ok(invited) => invited,
        Err(error) => {
            body.discard().await;
            return Err(error);
        }
    };
    let request: JoinRequest = body.json(&headers).await?;
    let join = check_join(&invited, &request)?;
    let subject = Subject { org, actor: None, env: EnvId::ZERO, peer: peer.text() };
    app.journal.run(Ask { subject, invite: invited.invite, join: Some(join) }).await?;
    answer_json(&serde_json::json!({}))
}

/// Keys that are sound and signed for themselves, for this place and no other.
fn check_join(
    Invited { org, invite }: &Invited,
    request: &JoinRequest,
) -> Result<JoinRow, ApiError> {
    let keys = MemberKeys { isk: fixed(&request.isk)?, iek: fixed(&request.iek)? };
    let (user, reset) = (request.user_id, request.reset);
    let join = JoinRow {
        invite: *invite,
        user,
        keys,
        pop: fixed(&request.pop)?,
        mac: fixed(&request.mac)?,
        reset,
        time_ms: 0,
    };
    if !are_strong(&keys) || keys.isk == keys.iek {
        return Err(ApiError::unprocessable("bad-keys", "the keys are not sound"));
    }
    let message = if reset {
        key_change_message(org, &user, &keys)
    } else {
        pop_message(org, invite, &user, &keys)
    };
    if !verifies(&keys.isk, &message, &join.pop) {
        return Err(ApiError::forbidden("bad-signature", "the keys did not sign for themselves"));
    }
    Ok(join)
}

/// A request of somebody who holds an invitation and nothing else.
struct Ask {
    subject: Subject,
    invite: strongroom_format::id::InviteId,
    join: Option<JoinRow>,
}

#[async_trait]
impl Job for Ask {
    /// Position of the newest link.
    type Answer = u64;

    fn subject(&self) -> Option<Subject> {
        Some(self.subject.clone())
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<u64, Stop> {
        let (org, now_ms) = (self.subject.org, batch.now_ms);
        let auth = batch.tx.invite_auth(&self.invite).await?;
        let auth = auth.ok_or(Stop::Refused(ApiError::not_found()))?;
        let vault = batch.vault(&org).await?.ok_or(Stop::Refused(ApiError::not_found()))?;
        let state = std::sync::Arc::clone(&vault.state);
        let link = require_open(&state, &self.invite, auth.spent, now_ms)?.link;
        let kind = match &self.join {
            None => EventKind::InviteFetched,
            Some(join) => {
                let present = state.is_member(&join.user);
                if join.reset && !present {
                    let message = "only a member can ask for new keys";
                    return Err(Stop::Refused(ApiError::unprocessable("not-a-member", message)));
                }
                if !join.reset && state.member(&join.user).is_some() {
                    let message = "there is a member of this id, or there was one";
                    return Err(Stop::Refused(ApiError::conflict("member-exists", message)));
                }
                // A place that could never be given would only keep somebody else out.
                let account = batch.tx.account(&join.user).await?;
                if !join.reset && account.is_some_and(|account| account.isk != join.keys.isk) {
                    let message = "an account of this id has other keys";
                    return Err(Stop::Refused(ApiError::unprocessable("id-taken", message)));
                }
                let waiting = batch.tx.joins(&org).await?;
                let others = waiting
                    .iter()
                    .filter(|other| other.invite == self.invite && other.user != join.user);
                if others.count() >= MAX_JOINS {
                    let message = "too many people ask to join with this invitation";
                    return Err(Stop::Refused(ApiError::conflict("too-many-joins", message)));
                }
                let join = JoinRow { time_ms: now_ms, ..join.clone() };
                batch.tx.put_join(&org, &join).await?;
                EventKind::JoinAsked
            }
        };
        batch.record(&self.subject, kind, DeviceId::ZERO, link, 200).await?;
        Ok(state.seq())
    }
}

/// `GET /v1/orgs/{org}/joins`: see [`JoinList`].
pub(crate) async fn list(
    State(app): State<Shared>,
    Path(org): Path<String>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let inside = enter(&app, &headers, &peer, &org, None).await?;
    let joins = app.journal.run(Waiting { subject: inside.subject }).await?;
    answer_json(&JoinList { joins: joins.iter().map(pending).collect() })
}

fn pending(join: &JoinRow) -> PendingJoin {
    let request = JoinRequest {
        user_id: join.user,
        isk: B64(join.keys.isk.to_vec()),
        iek: B64(join.keys.iek.to_vec()),
        pop: B64(join.pop.to_vec()),
        mac: B64(join.mac.to_vec()),
        reset: join.reset,
    };
    PendingJoin { invite_id: join.invite, request, time_ms: join.time_ms }
}

struct Waiting {
    subject: Subject,
}

#[async_trait]
impl Job for Waiting {
    type Answer = Vec<JoinRow>;

    fn subject(&self) -> Option<Subject> {
        Some(self.subject.clone())
    }

    async fn run(&mut self, batch: &mut Batch<'_>) -> Result<Vec<JoinRow>, Stop> {
        let (org, now_ms) = (self.subject.org, batch.now_ms);
        let vault = batch.vault(&org).await?.ok_or(Stop::Refused(ApiError::not_found()))?;
        let state = std::sync::Arc::clone(&vault.state);
        let actor = self.subject.actor.ok_or(Stop::Refused(ApiError::unauthenticated()))?;
        require_manager(&state, &actor, now_ms)?;
        let mut waiting = Vec::new();
        for join in batch.tx.joins(&org).await? {
            if require_open(&state, &join.invite, false, now_ms).is_err() {
                batch.tx.drop_joins(&org, &join.invite).await?;
            } else if join.reset == state.is_member(&join.user) {
                waiting.push(join);
            }
        }
        let (kind, number) = (EventKind::JoinsFetched, waiting.len() as u64);
        batch.record(&self.subject, kind, DeviceId::ZERO, number, 200).await?;
        Ok(waiting)
    }
}

/// Forgets the joins that links have used; an invitation that served a reset of keys, of which
/// its link says nothing, is used up by it.
pub(super) async fn retire(
    tx: &mut dyn strongroom_store::WriteTx,
    org: &OrgId,
    links: &[strongroom_format::statement::Link],
) -> Result<(), StoreError> {
    use strongroom_format::statement::Body;
    for link in links {
        match &link.statement.body {
            Body::MemberAdd { invite, .. } => tx.drop_joins(org, invite).await?,
            Body::KeyReset { user, keys, .. } => {
                for join in tx.joins(org).await? {
                    if join.reset && join.user == *user && join.keys == *keys {
                        tx.spend_invite(org, &join.invite).await?;
                        tx.drop_joins(org, &join.invite).await?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}
