//! Fetching an environment: whole from its newest commit, or what is new since the verified one.

use strongroom_core::env::{EnvCopy, Standing as EnvStanding};
use strongroom_core::replica::Replica;
use strongroom_format::commit::SignedCommit;
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, OrgId};
use strongroom_format::wire::{EnvHead, ItemRecord};

use super::error::StopKind;
use super::session::Session;
use super::sync::{PullError, contradiction, contradiction_of_env};
use crate::api::ApiError;

impl Session {
    pub(super) async fn pull_env(
        &self,
        replica: &mut Replica,
        head: &EnvHead,
    ) -> Result<bool, PullError> {
        let (org, env) = (replica.state().org(), head.env_id);
        let stated: Digest = head.head.0.as_slice().try_into().map_err(|_| ApiError::Garbage)?;
        if replica.state().env(&env).is_none() {
            return Err(ApiError::Garbage.into());
        }
        let (_, copy) = replica.env_mut(env);
        let own = copy.history().seq();
        match copy.standing(head.seq, &stated) {
            EnvStanding::Level => Ok(false),
            EnvStanding::RolledBack => {
                Err(contradiction(copy, env, StopKind::Rollback, own, &stated, &[]))
            }
            EnvStanding::Forked => {
                let page = self.api.commits(&org, &env, own, false).await?;
                let shown = page.commits.first().map_or(&[][..], |record| &record.commit);
                Err(contradiction(copy, env, StopKind::Fork, own, &stated, shown))
            }
            EnvStanding::Behind if own == 0 => {
                let copy = self.fetch_items(replica, env).await?;
                replica.put_env(env, copy);
                Ok(true)
            }
            EnvStanding::Behind => {
                self.fetch_commits(replica, env).await?;
                Ok(true)
            }
        }
    }

    async fn fetch_items(&self, replica: &Replica, env: EnvId) -> Result<EnvCopy, PullError> {
        let (head, items) = self.item_pages(replica.state().org(), env).await?;
        EnvCopy::from_items(replica.state(), env, &head, items).map_err(|error| {
            let copy = EnvCopy::new(replica.state(), env);
            PullError::Contradiction(Box::new(contradiction_of_env(&copy, env, 0, error, &head)))
        })
    }

    /// All items of an environment, and the newest commit that they belong to.
    async fn item_pages(
        &self,
        org: OrgId,
        env: EnvId,
    ) -> Result<(Vec<u8>, Vec<ItemRecord>), PullError> {
        // A writer may be quicker than this reader: then the pages show two heads, and the reading
        // begins again, a few times at most.
        for _ in 0..4 {
            let mut head: Option<Vec<u8>> = None;
            let mut items: Vec<ItemRecord> = Vec::new();
            loop {
                let after = items.last().map(|item| item.secret);
                let page = self.api.items(&org, &env, after.as_ref()).await?;
                let same = head.as_ref().is_none_or(|head| *head == page.head);
                if !same {
                    break;
                }
                head = Some(page.head);
                let empty = page.items.is_empty();
                // Pages rise, so that a server cannot fill memory with one item over and over.
                let before = after.as_ref();
                let risen = page.items.first().is_none_or(|item| Some(&item.secret) > before)
                    && page.items.is_sorted_by(|a, b| a.secret < b.secret);
                if !risen {
                    return Err(ApiError::Garbage.into());
                }
                items.extend(page.items);
                if items.len() > strongroom_chain::history::MAX_DIRECTORY_ITEMS {
                    return Err(ApiError::Garbage.into());
                }
                if !page.more || empty {
                    return Ok((head.unwrap_or_default(), items));
                }
            }
        }
        Err(ApiError::Garbage.into())
    }

    async fn fetch_commits(&self, replica: &mut Replica, env: EnvId) -> Result<(), PullError> {
        let org = replica.state().org();
        loop {
            let (state, copy) = replica.env_mut(env);
            let from = copy.history().seq() + 1;
            let page = match self.api.commits(&org, &env, from, true).await {
                Err(ApiError::AnswerTooLarge { .. }) => {
                    return self.fetch_large_commits(replica, env).await;
                }
                page => page?,
            };
            if page.commits.is_empty() {
                return Err(ApiError::Garbage.into());
            }
            for record in page.commits {
                let (seq, shown) = (copy.history().seq(), record.commit.clone());
                copy.take_commit(state, record).map_err(|error| {
                    PullError::Contradiction(Box::new(contradiction_of_env(
                        copy, env, seq, error, &shown,
                    )))
                })?;
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// As [`Session::fetch_commits`] for a commit whose envelopes do not fit into one answer, as
    /// when a large environment was sealed anew: every commit is fetched and checked without them,
    /// and what they lead to with the items.
    async fn fetch_large_commits(
        &self,
        replica: &mut Replica,
        env: EnvId,
    ) -> Result<(), PullError> {
        let org = replica.state().org();
        let (head, items) = self.item_pages(org, env).await?;
        let newest = SignedCommit::parse(&head).map_err(|_| ApiError::Garbage)?.commit.seq;
        let (state, copy) = replica.env_mut(env);
        if newest <= copy.history().seq() {
            return Err(ApiError::Garbage.into());
        }
        let mut commits: Vec<SignedCommit> = Vec::new();
        while commits.last().is_none_or(|last| last.commit.seq < newest) {
            let from = commits.last().map_or(copy.history().seq(), |last| last.commit.seq) + 1;
            let page = self.api.commits(&org, &env, from, false).await?;
            if page.commits.is_empty() {
                return Err(ApiError::Garbage.into());
            }
            for record in page.commits {
                let signed = SignedCommit::parse(&record.commit).map_err(|_| ApiError::Garbage)?;
                if signed.commit.seq > newest {
                    break;
                }
                // Each is the next one, so that a server cannot keep this loop going.
                let last = commits.last().map_or(copy.history().seq(), |last| last.commit.seq);
                if signed.commit.seq != last + 1 {
                    return Err(ApiError::Garbage.into());
                }
                commits.push(signed);
            }
        }
        let seq = copy.history().seq();
        copy.take_commits_then_items(state, &commits, items).map_err(|error| {
            PullError::Contradiction(Box::new(contradiction_of_env(copy, env, seq, error, &head)))
        })
    }
}
