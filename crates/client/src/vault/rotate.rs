//! Replacing data keys, one environment after the other, each by one write.
//!
//! What is due is read from the chain each time, so work that was cut off in the middle, by a click
//! or by the end of the process, is simply still to do.

use std::sync::Arc;

use strongroom_core::rotation::{self, DueEnv};
use strongroom_format::id::{EnvId, OrgId, SecretId};

use super::error::VaultError;
use super::session::{Notice, Session, TaskKind, hold};

/// What became of one environment.
#[derive(Debug)]
pub struct Rotated {
    /// Which.
    pub env: EnvId,
    /// Whether its data key is replaced, or why not. If so: the secrets of which something opened for
    /// nobody, and was marked.
    pub result: Result<Vec<SecretId>, VaultError>,
}

impl Session {
    /// The environments whose data key must be replaced, with the reason and who can do it.
    pub fn rotations(&self) -> Result<Vec<DueEnv>, VaultError> {
        let now = self.now_ms();
        self.with(|org| Ok(rotation::due(org.replica(), now)))
    }

    /// Replaces the data keys of `envs` where they are still due. An error of one does not keep the
    /// others from being tried; a cancelled task leaves the rest as it is.
    pub async fn rotate(&self, envs: &[EnvId]) -> Result<Vec<Rotated>, VaultError> {
        let counts: Vec<usize> = self.with(|org| {
            let replica = org.replica();
            let count = |env| replica.env(env).map_or(0, |copy| copy.history().items().live());
            Ok(envs.iter().map(count).collect())
        })?;
        let total = counts.iter().sum::<usize>() + envs.len();
        let task = Arc::new(self.begin(TaskKind::Rotate, total));
        let mut before = 0;
        let mut all = Vec::with_capacity(envs.len());
        for (env, count) in envs.iter().zip(counts) {
            let told = Arc::clone(&task);
            let progress = move |done: usize| told.part(before + done.min(count), total).is_ok();
            let result = match task.part(before, total) {
                Ok(()) => self.rotate_one(*env, progress).await,
                Err(cancelled) => Err(cancelled),
            };
            before += count + 1;
            all.push(Rotated { env: *env, result });
        }
        self.tell(Notice::Org);
        self.tell(Notice::Status);
        Ok(all)
    }

    async fn rotate_one(
        &self,
        env: EnvId,
        progress: impl Fn(usize) -> bool + Send + Sync + 'static,
    ) -> Result<Vec<SecretId>, VaultError> {
        let now = self.now_ms();
        let progress = Arc::new(progress);
        let mut unreadable = Vec::new();
        // More than one round only for a directory that is too large for one write.
        loop {
            let progress = Arc::clone(&progress);
            let wrote = self
                .write(None, move |pen| {
                    // Somebody else may have been faster.
                    let now = pen.now_ms();
                    if pen.replica().state().env(&env).is_none() {
                        return Err(VaultError::NotFound);
                    }
                    if !rotation::due_envs(pen.replica(), now).contains_key(&env) {
                        return Ok(None);
                    }
                    Ok(Some(pen.rotate(env, &mut |done, _| progress(done))?))
                })
                .await?;
            let due = self.with(|org| Ok(rotation::due_envs(org.replica(), now)))?;
            let Some(marked) = wrote else { break };
            unreadable.extend(marked);
            if !due.contains_key(&env) {
                break;
            }
        }
        self.tell(Notice::Env(env));
        Ok(unreadable)
    }

    /// Takes staged edits along where what they were made upon was only sealed anew, or got another
    /// broker policy, which no edit speaks of. Kept before the copy, so that a crash between shows
    /// them as conflicts at worst until the next sync.
    pub(super) fn rebase_drafts(
        &self,
        org: OrgId,
        new: &mut strongroom_core::replica::Replica,
    ) -> Result<(), VaultError> {
        let (mut old, drafts) = {
            let mut orgs = hold(&self.orgs);
            let opened = orgs.all.get_mut(&org).ok_or(VaultError::NotFound)?;
            let drafts: Vec<_> =
                opened.edited().into_iter().map(|env| (env, opened.draft(env))).collect();
            if drafts.is_empty() {
                return Ok(());
            }
            (opened.replica.clone(), drafts)
        };
        for (env, mut draft) in drafts {
            if rotation::rebase(&mut old, new, env, &mut draft) {
                self.put_draft(org, env, draft)?;
            }
        }
        Ok(())
    }

    fn put_draft(
        &self,
        org: OrgId,
        env: EnvId,
        draft: strongroom_core::draft::Draft,
    ) -> Result<(), VaultError> {
        self.keep_draft(env, &draft)?;
        self.change(org, |opened| opened.edit(env, |staged| *staged = draft));
        Ok(())
    }
}
