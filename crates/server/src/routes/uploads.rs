//! What travels beside links: exactly what they announce, no more and no less.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_format::hash::ZERO;
use strongroom_format::id::{InviteId, OrgId, TokenId};
use strongroom_format::statement::{Body, Link};
use strongroom_format::wire::{InviteUpload, TokenUpload, WriteBatch, content_hash};
use strongroom_store::{InviteAuth, PreviousRow, TokenAuth, WrapRow};

use crate::error::ApiError;

/// Wraps and sealed previous keys must be exactly those that the links list.
pub(super) fn match_keys(
    batch: &WriteBatch,
    links: &[Link],
) -> Result<(Vec<WrapRow>, Vec<PreviousRow>), ApiError> {
    let mut listed = BTreeMap::new();
    let mut sealed = BTreeMap::new();
    for link in links {
        let seq = link.statement.seq;
        if let Body::DekEpoch { env, epoch, wraps, previous, .. } = &link.statement.body {
            for entry in wraps {
                listed.insert((*env, *epoch, entry.recipient), (entry.wrap, seq));
            }
            if *previous != ZERO {
                sealed.insert((*env, epoch.saturating_sub(1)), (*previous, seq));
            }
        }
    }
    let wrong = || ApiError::unprocessable("wrong-wraps", "the wraps are not those of the links");
    let mut wraps = Vec::with_capacity(batch.wraps.len());
    for upload in &batch.wraps {
        let (hash, link) =
            listed.remove(&(upload.env, upload.epoch, upload.recipient)).ok_or_else(wrong)?;
        if content_hash(&upload.wrap) != hash {
            return Err(wrong());
        }
        wraps.push(WrapRow {
            env: upload.env,
            epoch: upload.epoch,
            link,
            recipient: upload.recipient,
            wrap: upload.wrap,
        });
    }
    let mut previous = Vec::with_capacity(batch.previous.len());
    for upload in &batch.previous {
        let (hash, link) = sealed.remove(&(upload.env, upload.epoch)).ok_or_else(wrong)?;
        if content_hash(&upload.sealed) != hash {
            return Err(wrong());
        }
        previous.push(PreviousRow {
            env: upload.env,
            epoch: upload.epoch,
            link,
            sealed: upload.sealed.clone(),
        });
    }
    if listed.is_empty() && sealed.is_empty() { Ok((wraps, previous)) } else { Err(wrong()) }
}

/// The hashes of bearers must be exactly those of the tokens that the links issue.
pub(super) fn match_tokens(
    batch: &WriteBatch,
    links: &[Link],
    org: OrgId,
) -> Result<Vec<(TokenId, TokenAuth)>, ApiError> {
    let issued = links.iter().filter_map(|link| match &link.statement.body {
        Body::TokenIssue { token, .. } => Some(*token),
        _ => None,
    });
    let mut issued: BTreeSet<TokenId> = issued.collect();
    let mut tokens = Vec::with_capacity(batch.tokens.len());
    for TokenUpload { token, bearer_hash } in &batch.tokens {
        if !issued.remove(token) {
            return Err(wrong_tokens());
        }
        tokens.push((*token, TokenAuth { org, hash: *bearer_hash }));
    }
    if issued.is_empty() { Ok(tokens) } else { Err(wrong_tokens()) }
}

fn wrong_tokens() -> ApiError {
    ApiError::unprocessable("wrong-tokens", "the tokens are not those of the links")
}

/// The same for the invitations that the links make.
pub(super) fn match_invites(
    batch: &WriteBatch,
    links: &[Link],
    org: OrgId,
) -> Result<Vec<(InviteId, InviteAuth)>, ApiError> {
    let wrong = || {
        let message = "the invitations are not those of the links";
        ApiError::unprocessable("wrong-invites", message)
    };
    let made = links.iter().filter_map(|link| match &link.statement.body {
        Body::Invite { invite, .. } => Some(*invite),
        _ => None,
    });
    let mut made: BTreeSet<InviteId> = made.collect();
    let mut invites = Vec::with_capacity(batch.invites.len());
    for InviteUpload { invite, bearer_hash } in &batch.invites {
        if !made.remove(invite) {
            return Err(wrong());
        }
        invites.push((*invite, InviteAuth { org, hash: *bearer_hash, spent: false }));
    }
    if made.is_empty() { Ok(invites) } else { Err(wrong()) }
}
