//! Writing: built on a copy, checked by the verifier of every client, sent, and only then kept.

use std::sync::Arc;

use strongroom_core::details::{Details, EnvClass, Thing};
use strongroom_core::names;
use strongroom_core::pen::{Pen, name};
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::id::{AppId, EnvId, OrgId};
use strongroom_format::wire::{EnvelopePage, WriteAnswer, WriteBatch};

use super::error::VaultError;
use super::org::EnvSummary;
use super::session::{Notice, Session, TaskKind, hold};
use super::signed::signed;
use super::task::Task;

/// How often a write that lost a race is tried again.
const ATTEMPTS: usize = 5;
/// Envelopes up to this many bytes travel with their commit; more go ahead, page by page.
const INLINE: usize = 512 * 1024;
const PAGE_BYTES: usize = 1024 * 1024;

/// A commit that the server accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Its position in the environment's history.
    pub commit: u64,
    /// How many secrets it changed.
    pub changes: usize,
}

impl Session {
    /// Renames the organisation in front.
    pub async fn rename_org(&self, text: &str) -> Result<(), VaultError> {
        let text = names::label(text)?;
        let sample = self.with(|org| Ok(org.is_sample()))?;
        self.write_names(move |pen| {
            let item = pen.replica().state().org().directory_item();
            let details = Details { sample, ..Details::of(Thing::Organisation) };
            Ok(pen.put_names(vec![name(item, &text, details)])?)
        })
        .await
    }

    /// Creates an application with its environments, at least one.
    pub async fn create_app(
        &self,
        text: &str,
        environments: Vec<(String, EnvClass)>,
    ) -> Result<AppId, VaultError> {
        let text = names::label(text)?;
        let all = self.environments()?;
        require_free(&text, self.app_names(&all)?.into_iter())?;
        if environments.is_empty() {
            return Err(VaultError::NotAllowed);
        }
        let mut checked: Vec<(String, EnvClass)> = Vec::new();
        for (env, class) in environments {
            let env = names::label(&env)?;
            require_free(&env, checked.iter().map(|(name, _)| name.clone()))?;
            checked.push((env, class));
        }
        self.write_names(move |pen| Ok(pen.create_app(&text, &checked)?)).await
    }

    /// Renames an application.
    pub async fn rename_app(&self, app: AppId, text: &str) -> Result<(), VaultError> {
        let text = names::label(text)?;
        let all = self.environments()?;
        if !all.iter().any(|env| env.app == app) {
            return Err(VaultError::NotFound);
        }
        let others: Vec<EnvSummary> = all.into_iter().filter(|env| env.app != app).collect();
        require_free(&text, self.app_names(&others)?.into_iter())?;
        self.write_names(move |pen| {
            let put = name(app.directory_item(), &text, Details::of(Thing::App));
            Ok(pen.put_names(vec![put])?)
        })
        .await
    }

    /// Creates an environment of an application.
    pub async fn create_env(
        &self,
        app: AppId,
        text: &str,
        class: EnvClass,
    ) -> Result<EnvId, VaultError> {
        let text = names::label(text)?;
        let siblings: Vec<EnvSummary> =
            self.environments()?.into_iter().filter(|env| env.app == app).collect();
        if siblings.is_empty() {
            return Err(VaultError::NotFound);
        }
        require_free(&text, siblings.into_iter().map(|env| env.name))?;
        self.write_names(move |pen| Ok(pen.create_environment(app, &text, class)?)).await
    }

    /// Renames an environment, or says what else it is for.
    pub async fn rename_env(
        &self,
        env: EnvId,
        text: &str,
        class: EnvClass,
    ) -> Result<(), VaultError> {
        let text = names::label(text)?;
        let all = self.environments()?;
        let app = all.iter().find(|e| e.env == env).ok_or(VaultError::NotFound)?.app;
        let siblings = all.into_iter().filter(|e| e.app == app && e.env != env);
        require_free(&text, siblings.map(|e| e.name))?;
        self.write_names(move |pen| {
            let details = Details { class: Some(class), ..Details::of(Thing::Environment) };
            Ok(pen.put_names(vec![name(env.directory_item(), &text, details)])?)
        })
        .await
    }

    /// Signs everything that is staged for an environment, as one commit.
    pub async fn commit_staged(&self, env: EnvId) -> Result<Committed, VaultError> {
        let task = self.begin(TaskKind::Commit, 1);
        let mut looked = false;
        for _ in 0..ATTEMPTS {
            let staged = self.with(|org| Ok(org.staged(env)))?;
            let changes = staged.len();
            let staged = Arc::new(staged);
            let done = self
                .write(Some(&task), move |pen| {
                    let conflicts = strongroom_core::apply::conflicts(pen.replica(), env, &staged);
                    if !conflicts.is_empty() {
                        return Err(VaultError::Conflict(conflicts));
                    }
                    Ok(pen.commit_staged(env, &staged)?)
                })
                .await;
            match done {
                Ok(()) => {
                    self.with(|org| {
                        org.clear_draft(env);
                        Ok(())
                    })?;
                    self.keep_draft(env, &strongroom_core::draft::Draft::default())?;
                    self.tell(Notice::Env(env));
                    self.tell(Notice::Org);
                    return self.committed(env, changes);
                }
                Err(VaultError::Conflict(_)) => {
                    if let Some(done) = self.settled(env, changes)? {
                        return Ok(done);
                    }
                }
                // Whoever holds the key may have replaced it since this computer looked.
                Err(VaultError::KeyDue) if !looked => {
                    looked = true;
                    let org = self.current()?;
                    let _gate = self.gate.lock().await;
                    self.sync_org(org).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(VaultError::Conflict(self.with(|org| Ok(org.conflicts(env)))?))
    }

    /// Conflicts with oneself are none: a write that was accepted just before the program was ended
    /// finds itself again. Neither are those with a rotation, which a sync has settled: then there
    /// is nothing to show, and the write can be tried again.
    fn settled(&self, env: EnvId, changes: usize) -> Result<Option<Committed>, VaultError> {
        let now = self.now_ms();
        let (left, conflicts) = self.stage(env, |org| {
            org.settle(env, now);
            Ok((org.staged(env).len(), org.conflicts(env)))
        })?;
        match (left, conflicts.is_empty()) {
            (0, _) => self.committed(env, changes).map(Some),
            (_, true) => Ok(None),
            (_, false) => Err(VaultError::Conflict(conflicts)),
        }
    }

    pub(super) fn committed(&self, env: EnvId, changes: usize) -> Result<Committed, VaultError> {
        self.with(|org| {
            let commit = org.replica().env(&env).map_or(0, |copy| copy.history().seq());
            Ok(Committed { commit, changes })
        })
    }

    async fn write_names<T: Send + 'static>(
        &self,
        build: impl Fn(&mut Pen<'_>) -> Result<T, VaultError> + Send + Sync + 'static,
    ) -> Result<T, VaultError> {
        let result = self.write(None, build).await?;
        self.tell(Notice::Org);
        self.tell(Notice::Status);
        Ok(result)
    }

    /// Builds a write on a copy of the organisation in front, sends it, and keeps the copy once the
    /// server accepts. A write that lost a race is built again on what is newer.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        task: Option<&Task>,
        build: impl Fn(&mut Pen<'_>) -> Result<T, VaultError> + Send + Sync + 'static,
    ) -> Result<T, VaultError> {
        self.write_in(self.current()?, task, build).await
    }

    /// As [`Session::write`], in an organisation that need not be the one in front.
    pub(super) async fn write_in<T: Send + 'static>(
        &self,
        org: OrgId,
        task: Option<&Task>,
        build: impl Fn(&mut Pen<'_>) -> Result<T, VaultError> + Send + Sync + 'static,
    ) -> Result<T, VaultError> {
        self.write_upon(org, task, false, build).await
    }

    /// As [`Session::write_in`]; `gives_up` for the write that gives up an audit log which
    /// contradicts, and only for that.
    pub(super) async fn write_upon<T: Send + 'static>(
        &self,
        org: OrgId,
        task: Option<&Task>,
        gives_up: bool,
        build: impl Fn(&mut Pen<'_>) -> Result<T, VaultError> + Send + Sync + 'static,
    ) -> Result<T, VaultError> {
        let build = Arc::new(build);
        let _gate = self.gate.lock().await;
        for attempt in 1.. {
            let (replica, pins) = self.copy_to_write(org, gives_up)?;
            let now_ms = self.now_ms();
            let builder = Arc::clone(&build);
            let (result, mut next, batch) = tokio::task::spawn_blocking(move || {
                let mut entropy = OsEntropy;
                let mut pen = Pen::new(&replica, &mut entropy, now_ms);
                let result = builder(&mut pen)?;
                let (next, batch) = pen.finish();
                Ok::<_, VaultError>((result, next, batch))
            })
            .await??;
            if batch == WriteBatch::default() {
                return Ok(result);
            }
            let signed = signed(&batch);
            match self.send(org, batch, task).await {
                Ok(answer) => {
                    // The log is closed to whoever left by this very write.
                    if next.state().is_member(&self.user()) {
                        self.check_audit(&mut next, &answer.checkpoint).await?;
                    }
                    self.rebase_drafts(org, &mut next)?;
                    self.keep_copy(&next, None)?;
                    self.count_anew(&next)?;
                    let pins = self.pins.save(next.pins(pins.generation))?;
                    let now = self.now_ms();
                    self.change(org, |opened| {
                        opened.adopt(next, pins);
                        opened.standing.synced_ms = Some(now);
                        opened.standing.offline_since_ms = None;
                        if gives_up {
                            opened.standing.stop = None;
                        }
                    });
                    self.note_signed(org, &signed);
                    self.tell(Notice::Status);
                    return Ok(result);
                }
                Err(VaultError::Api(error)) if error.is_conflict() && attempt < ATTEMPTS => {
                    match self.sync_org(org).await {
                        Err(VaultError::Stopped(stop)) if gives_up && stop.is_of_the_log() => {}
                        synced => synced?,
                    }
                }
                Err(VaultError::Api(error)) => return Err(shut_out(error)),
                Err(error) => return Err(error),
            }
        }
        Err(VaultError::NotAllowed)
    }

    async fn send(
        &self,
        org: OrgId,
        mut batch: WriteBatch,
        task: Option<&Task>,
    ) -> Result<WriteAnswer, VaultError> {
        let bytes: usize = batch.envelopes.iter().map(Vec::len).sum();
        if bytes > INLINE {
            let envelopes = std::mem::take(&mut batch.envelopes);
            let pages = pages(envelopes);
            let total = pages.len() + 1;
            for (n, page) in pages.into_iter().enumerate() {
                if let Some(task) = task {
                    task.part(n, total)?;
                }
                self.api.stage_envelopes(&org, &page).await?;
            }
            if let Some(task) = task {
                task.part(total - 1, total)?;
            }
        }
        Ok(self.api.write(&org, &batch).await?)
    }

    fn environments(&self) -> Result<Vec<EnvSummary>, VaultError> {
        let now = self.now_ms();
        self.with(|org| Ok(org.environments(now)))
    }

    fn app_names(&self, envs: &[EnvSummary]) -> Result<Vec<String>, VaultError> {
        self.with(|org| Ok(envs.iter().map(|env| org.app_name(&env.app)).collect()))
    }

    /// How many organisations this vault has opened.
    pub fn org_count(&self) -> usize {
        hold(&self.orgs).all.len()
    }
}

/// What it means that the server has no such organisation for this person.
pub(super) fn shut_out(error: crate::api::ApiError) -> VaultError {
    if error.is_not_found() { VaultError::ShutOut } else { error.into() }
}

fn require_free(text: &str, taken: impl Iterator<Item = String>) -> Result<(), VaultError> {
    let key = names::label_key(text);
    for other in taken {
        if names::label_key(&other) == key {
            return Err(VaultError::NameTaken(other));
        }
    }
    Ok(())
}

fn pages(envelopes: Vec<Vec<u8>>) -> Vec<EnvelopePage> {
    let mut pages = vec![EnvelopePage::default()];
    let mut size = 0;
    for envelope in envelopes {
        let count = pages.last().map_or(0, |page| page.envelopes.len());
        if count > 0
            && (size + envelope.len() > PAGE_BYTES
                || count >= strongroom_format::wire::MAX_ENVELOPES)
        {
            pages.push(EnvelopePage::default());
            size = 0;
        }
        size += envelope.len();
        if let Some(page) = pages.last_mut() {
            page.envelopes.push(envelope);
        }
    }
    pages
}
