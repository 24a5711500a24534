//! Staged edits: made, taken back, and signed.

use strongroom_client::vault::{OpenOrg, Resolution, Session, VaultError};
use strongroom_core::{
    apply::Conflict,
    draft::{Draft, Staged, StagedChange},
    list::RowChange,
};
use strongroom_format::id::{EnvId, SecretId};
use strongroom_secret::SecretText;

use super::{
    Desk,
    env::{env_view, staged_op},
    people::People,
    translate,
};
use crate::{
    error::{Answer, CommandError},
    view::{CommitOutcome, ConflictRow, EnvView, Keep, StagedRow, StagedSummary, StagedWhat},
};

impl Desk {
    /// Stages a secret from the edit window. `value` none: unchanged.
    pub async fn stage(
        &self,
        env_id: String,
        secret_id: Option<String>,
        name: String,
        value: Option<SecretText>,
        note: String,
    ) -> Answer<()> {
        let env: EnvId = env_id.parse()?;
        let secret = secret_id.map(|id| id.parse::<SecretId>()).transpose()?;
        let put = move |session: &Session| session.stage_put(env, secret, &name, value, &note);
        self.staging(env, put).await.map(|_| ())
    }

    /// Stages a note.
    pub async fn secret_note_set(
        &self,
        env_id: String,
        secret_id: String,
        note: String,
    ) -> Answer<EnvView> {
        let (env, secret): (EnvId, SecretId) = (env_id.parse()?, secret_id.parse()?);
        self.staging(env, move |session| session.stage_note(env, secret, &note)).await
    }

    /// Stages a name.
    pub async fn secret_rename(
        &self,
        env_id: String,
        secret_id: String,
        name: String,
    ) -> Answer<EnvView> {
        let (env, secret): (EnvId, SecretId) = (env_id.parse()?, secret_id.parse()?);
        self.staging(env, move |session| session.stage_name(env, secret, &name)).await
    }

    /// Stages deletions.
    pub async fn secret_delete(&self, env_id: String, secret_ids: Vec<String>) -> Answer<EnvView> {
        let env: EnvId = env_id.parse()?;
        let ids: Vec<SecretId> =
            secret_ids.iter().map(|id| id.parse()).collect::<Result<_, _>>()?;
        self.staging(env, move |session| session.stage_delete(env, &ids)).await
    }

    /// What waits to be signed.
    pub async fn staged_list(&self, env_id: String) -> Answer<Vec<StagedRow>> {
        let env: EnvId = env_id.parse()?;
        self.look(move |_, org| {
            let staged = org.staged(env);
            let list = org.list(env)?;
            let mut rows: Vec<StagedRow> = staged
                .iter()
                .filter_map(|(secret, staged)| {
                    let row = list.lookup(secret)?;
                    let op = row.change.unwrap_or(RowChange::Change);
                    Some(staged_row(secret, &row.name, staged_op(op), row.version, staged))
                })
                .collect();
            rows.sort_by_cached_key(|row| row.name.to_lowercase());
            Ok(rows)
        })
        .await
    }

    /// Takes the last step back.
    pub async fn staged_undo(&self, env_id: String) -> Answer<EnvView> {
        let env: EnvId = env_id.parse()?;
        self.staging(env, move |session| session.undo(env)).await
    }

    /// Takes it again.
    pub async fn staged_redo(&self, env_id: String) -> Answer<EnvView> {
        let env: EnvId = env_id.parse()?;
        self.staging(env, move |session| session.redo(env)).await
    }

    /// Drops what is staged for one secret.
    pub async fn staged_drop(&self, env_id: String, secret_id: String) -> Answer<EnvView> {
        let (env, secret): (EnvId, SecretId) = (env_id.parse()?, secret_id.parse()?);
        self.staging(env, move |session| session.drop_staged(env, &[secret])).await
    }

    /// Drops everything staged in an environment.
    pub async fn staged_discard(&self, env_id: String) -> Answer<EnvView> {
        let env: EnvId = env_id.parse()?;
        self.staging(env, move |session| session.discard_staged(env)).await
    }

    /// Signs what is staged, as one commit.
    pub async fn staged_commit(&self, env_id: String) -> Answer<CommitOutcome> {
        let env: EnvId = env_id.parse()?;
        let session = self.session()?;
        match session.commit_staged(env).await {
            Ok(done) => Ok(CommitOutcome::Signed {
                commit: translate::count(done.commit),
                changes: translate::count(done.changes),
            }),
            Err(VaultError::Conflict(conflicts)) => {
                let you = session.user();
                self.look(move |_, org| conflict_rows(org, env, &conflicts, People::new(you))).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Decides one conflict.
    pub async fn conflict_resolve(
        &self,
        env_id: String,
        secret_id: String,
        keep: Keep,
    ) -> Answer<EnvView> {
        let (env, secret): (EnvId, SecretId) = (env_id.parse()?, secret_id.parse()?);
        let resolution = match keep {
            Keep::Theirs => Resolution::Theirs,
            Keep::Mine => Resolution::Mine,
        };
        self.staging(env, move |session| session.resolve(env, secret, resolution)).await
    }

    /// Stages on a thread that may take its time, and says how the environment then stands.
    async fn staging(
        &self,
        env: EnvId,
        stage: impl FnOnce(&Session) -> Result<(), VaultError> + Send + 'static,
    ) -> Answer<EnvView> {
        let session = self.session()?;
        let staged = tokio::task::spawn_blocking(move || stage(&session));
        staged.await.map_err(|error| CommandError::internal(&error))??;
        self.tell_org().await;
        let now = self.now();
        self.look(move |_, org| env_view(org, env, now)).await
    }
}

pub(super) fn summary(draft: &Draft) -> StagedSummary {
    let mut summary = StagedSummary {
        can_undo: draft.can_undo(),
        can_redo: draft.can_redo(),
        ..StagedSummary::default()
    };
    for staged in draft.staged().values() {
        match &staged.change {
            StagedChange::Delete => summary.deleted += 1,
            StagedChange::Put { .. } if staged.base == 0 => summary.added += 1,
            StagedChange::Put { .. } => summary.changed += 1,
        }
    }
    summary
}

fn staged_row(
    secret: &SecretId,
    name: &str,
    op: crate::view::StagedOp,
    version: u64,
    staged: &Staged,
) -> StagedRow {
    let mut what = Vec::new();
    if let StagedChange::Put { name, value, note } = &staged.change {
        what.extend(name.as_ref().map(|_| StagedWhat::Name));
        what.extend(value.as_ref().map(|_| StagedWhat::Value));
        what.extend(note.as_ref().map(|_| StagedWhat::Note));
    }
    StagedRow {
        secret_id: secret.to_string(),
        name: name.to_owned(),
        op,
        from_version: (version > 0).then(|| translate::count(version)),
        to_version: translate::count(version + 1),
        what,
        at: translate::millis(staged.at_ms),
    }
}

fn conflict_rows(
    org: &mut OpenOrg,
    env: EnvId,
    conflicts: &[Conflict],
    mut people: People,
) -> Answer<CommitOutcome> {
    let list = org.list(env)?;
    let conflicts = conflicts
        .iter()
        .map(|conflict| {
            let author = conflict.origin.and_then(|origin| translate::user_of(&origin.author));
            ConflictRow {
                secret_id: conflict.secret.to_string(),
                name: list.lookup(&conflict.secret).map_or_else(String::new, |r| r.name.clone()),
                their_version: translate::count(conflict.version),
                their_by: author.map_or_else(translate::nobody, |user| people.of(&user, org)),
                their_at: translate::millis(conflict.origin.map_or(0, |origin| origin.time_ms)),
                deleted: conflict.deleted,
            }
        })
        .collect();
    Ok(CommitOutcome::Conflict { conflicts })
}
