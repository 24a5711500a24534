//! Secrets: rows, details, search, copying, and the two windows that show or take a value.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use strongroom_client::vault::{OpenOrg, Resolution, Session, VaultError};
use strongroom_core::{
    apply::Conflict,
    draft::{Staged, StagedChange},
    list::{EnvList, Row},
    search::{Query, SearchIndex},
};
use strongroom_format::{
    commit::Op,
    id::{EnvId, SecretId},
    statement::Rights,
};
use strongroom_secret::{SecretBytes, SecretText};

use super::{Desk, people::People, views};
use crate::{
    error::{Answer, CommandError},
    view::{
        CommitOutcome, ConflictRow, CopyView, EnvView, Keep, PaletteHit, PaletteView, ReaderRow,
        RowsQuery, RowsView, SecretDetail, SecretRow, SortKey, StagedOp, StagedRow, StagedWhat,
        VersionRow,
        secure::{EditContext, RevealContext, SecureFrame, Shown},
    },
};

/// The longest first line of a note in a row, in characters.
const NOTE_IN_A_ROW: usize = 120;

/// The names of everything that can be found, kept between two keystrokes.
#[derive(Default)]
pub(super) struct Palette {
    index: SearchIndex,
    lists: BTreeMap<EnvId, Arc<EnvList>>,
}

impl Palette {
    /// Wipes all names.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Desk {
    pub(super) fn rows(&self, session: &Session, query: &RowsQuery) -> Answer<RowsView> {
        let env: EnvId = views::id(&query.env_id)?;
        let people = People::new(session.user());
        let asked = Query::new(&query.filter);
        Ok(session.with(|org| {
            let list = org.list(env)?;
            let staged = org.staged(env);
            let mut found = list.index().filter(&asked);
            if query.staged_only {
                found.retain(|at| list.rows()[*at].change.is_some());
            }
            sort(&mut found, &list, query);
            let page = found.iter().skip(index(query.offset)).take(index(query.limit));
            let rows = page
                .map(|at| {
                    let matches = list.index().matches(*at, &asked);
                    secret_row(org, &people, &list.rows()[*at], staged.get(&list.rows()[*at].secret), matches)
                })
                .collect();
            Ok(RowsView {
                total: views::number(list.rows().len()),
                matched: views::number(found.len()),
                offset: query.offset,
                rows,
            })
        })?)
    }

    pub(super) fn detail(
        &self,
        session: &Session,
        env_id: &str,
        secret_id: &str,
    ) -> Answer<SecretDetail> {
        let (env, secret): (EnvId, SecretId) = (views::id(env_id)?, views::id(secret_id)?);
        let people = People::new(session.user());
        let now = self.now_ms();
        Ok(session.with(|org| {
            let list = org.list(env)?;
            let row = list.lookup(&secret).ok_or(VaultError::NotFound)?;
            Ok(SecretDetail {
                id: secret.to_string(),
                name: row.name.clone(),
                note: row.note.clone(),
                version: views::number(row.version),
                staged: row.change.map(views::op),
                readers: readers(org, &people, env, now),
                versions: versions(org, &people, env, &secret),
            })
        })?)
    }

    pub(super) async fn copy(&self, env_id: String, secret_id: String) -> Answer<CopyView> {
        let (env, secret): (EnvId, SecretId) = (views::id(&env_id)?, views::id(&secret_id)?);
        let seconds = self.state().settings.clipboard_seconds;
        let view = self
            .work(move |desk, session| {
                let (name, value) = session.with(|org| open(org, env, &secret))?;
                let keep_for = Duration::from_secs(u64::from(seconds));
                desk.0
                    .clipboard
                    .copy(text_of(&value)?, keep_for)
                    .map_err(|error| CommandError::internal(&error))?;
                let clears_at = views::millis(desk.now_ms()) + i64::from(seconds) * 1000;
                let view = CopyView { name, clears_at };
                desk.state().copied = Some(view.clone());
                Ok(view)
            })
            .await?;
        self.tell_status().await;
        Ok(view)
    }

    pub(super) fn search(
        &self,
        session: &Session,
        query: &str,
        limit: u32,
    ) -> Answer<PaletteView> {
        let begun = std::time::Instant::now();
        let now = self.now_ms();
        let asked = Query::new(query);
        let mut state = self.state();
        let palette = &mut state.palette;
        Ok(session.with(|org| {
            let envs: BTreeMap<EnvId, _> =
                org.environments(now).into_iter().map(|env| (env.env, env)).collect();
            palette.lists.retain(|env, _| envs.contains_key(env));
            for (id, env) in &envs {
                if !env.rights.includes(Rights::READ) {
                    continue;
                }
                let list = org.list(*id)?;
                if palette.lists.get(id).is_some_and(|known| Arc::ptr_eq(known, &list)) {
                    continue;
                }
                let place = format!("{} {}", org.app_name(&env.app), env.name);
                let items: Vec<_> =
                    list.rows().iter().map(|row| (row.secret, row.searchable())).collect();
                palette.index.set(*id, &place, &items);
                palette.lists.insert(*id, list);
            }
            let gone: Vec<EnvId> =
                envs.keys().filter(|env| !palette.lists.contains_key(env)).copied().collect();
            gone.iter().for_each(|env| palette.index.remove(env));
            let hits = palette.index.palette(&asked, index(limit));
            let hits = hits
                .into_iter()
                .filter_map(|hit| {
                    let env = envs.get(&hit.env)?;
                    Some(PaletteHit {
                        env_id: hit.env.to_string(),
                        secret_id: hit.secret.to_string(),
                        name: palette.lists.get(&hit.env)?.lookup(&hit.secret)?.name.clone(),
                        app_name: org.app_name(&env.app),
                        env_name: env.name.clone(),
                        class: env.class.into(),
                        readable: true,
                        matches: hit.matches,
                    })
                })
                .collect();
            Ok(PaletteView {
                searched: views::number(palette.index.len()),
                took_ms: views::number(begun.elapsed().as_millis()),
                hits,
            })
        })?)
    }

    pub(super) fn reveal_view(
        &self,
        session: &Session,
        frame: SecureFrame,
        env_id: &str,
        secret_id: &str,
    ) -> Answer<RevealContext> {
        let (env, secret): (EnvId, SecretId) = (views::id(env_id)?, views::id(secret_id)?);
        let people = People::new(session.user());
        let seconds = self.state().settings.reveal_seconds;
        let now = self.now_ms();
        let (mut context, value) = session.with(|org| {
            let summary = org.environment(env, now)?;
            let list = org.list(env)?;
            let row = list.lookup(&secret).ok_or(VaultError::NotFound)?;
            let staged = org.staged(env);
            let shown = secret_row(org, &people, row, staged.get(&secret), Vec::new());
            let (name, value) = open(org, env, &secret)?;
            let context = RevealContext {
                frame,
                name,
                path: format!("{} / {}", org.app_name(&summary.app), summary.name),
                class: summary.class.into(),
                version: shown.next_version.unwrap_or(shown.version),
                by: shown.changed_by.name,
                at: shown.changed_at,
                seconds,
                value: Shown::new(SecretText::from_string(String::new())),
            };
            Ok((context, value))
        })?;
        context.value = Shown::new(text_of(&value)?);
        Ok(context)
    }

    pub(super) fn edit_view(
        &self,
        session: &Session,
        frame: SecureFrame,
        env_id: &str,
        secret_id: Option<&str>,
    ) -> Answer<EditContext> {
        let env: EnvId = views::id(env_id)?;
        let secret: Option<SecretId> = secret_id.map(views::id).transpose()?;
        let now = self.now_ms();
        Ok(session.with(|org| {
            let summary = org.environment(env, now)?;
            if !summary.rights.includes(Rights::WRITE) {
                return Err(VaultError::NotAllowed);
            }
            let list = org.list(env)?;
            let row = match secret {
                Some(secret) => Some(list.lookup(&secret).ok_or(VaultError::NotFound)?),
                None => None,
            };
            let version = row.map_or(0, |row| row.version);
            Ok(EditContext {
                frame,
                is_new: version == 0,
                name: row.map_or_else(String::new, |row| row.name.clone()),
                path: format!("{} / {}", org.app_name(&summary.app), summary.name),
                class: summary.class.into(),
                next_version: views::number(version + 1),
                note: row.and_then(|row| row.note.clone()).unwrap_or_default(),
            })
        })?)
    }

    pub(super) async fn commit(&self, env_id: &str) -> Answer<CommitOutcome> {
        let env: EnvId = views::id(env_id)?;
        let session = self.session()?;
        match session.commit_staged(env).await {
            Ok(done) => Ok(CommitOutcome::Signed {
                commit: views::number(done.commit),
                changes: views::number(done.changes),
            }),
            Err(VaultError::Conflict(conflicts)) => {
                self.work(move |_, session| {
                    Ok(CommitOutcome::Conflict { conflicts: conflict_rows(session, env, conflicts)? })
                })
                .await
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn resolve(
        &self,
        env_id: &str,
        secret_id: &str,
        keep: Keep,
    ) -> Answer<EnvView> {
        let (env, secret) = (views::id(env_id)?, views::id(secret_id)?);
        let resolution = match keep {
            Keep::Theirs => Resolution::Theirs,
            Keep::Mine => Resolution::Mine,
        };
        self.work(move |_, session| Ok(session.resolve(env, secret, resolution)?)).await?;
        self.env_view(env_id).await
    }
}

/// The name of a secret and its value, the staged one if there is one.
fn open(
    org: &mut OpenOrg,
    env: EnvId,
    secret: &SecretId,
) -> Result<(String, Arc<SecretBytes>), VaultError> {
    let list = org.list(env)?;
    let name = list.lookup(secret).ok_or(VaultError::NotFound)?.name.clone();
    Ok((name, org.value(env, secret)?))
}

/// A value as text. Values come from text fields and text files, so anything else is damage.
fn text_of(value: &SecretBytes) -> Answer<SecretText> {
    let text = value.lend(SecretBytes::copy_of).into_text();
    text.map_err(|_| CommandError::internal(&"a value is not text"))
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The list is in the order of names already.
fn sort(found: &mut [usize], list: &EnvList, query: &RowsQuery) {
    match query.sort {
        SortKey::Name => {}
        SortKey::ChangedAt => found.sort_by_key(|at| {
            let row = &list.rows()[*at];
            row.origin.map_or(u64::MAX, |origin| origin.time_ms)
        }),
        SortKey::Version => found.sort_by_key(|at| list.rows()[*at].version),
    }
    if query.descending {
        found.reverse();
    }
}

fn secret_row(
    org: &mut OpenOrg,
    people: &People,
    row: &Row,
    staged: Option<&Staged>,
    matches: Vec<(u32, u32)>,
) -> SecretRow {
    let (changed_by, changed_at) = match (staged, row.origin) {
        (Some(staged), _) => (people.me(org), staged.at_ms),
        (None, Some(origin)) => (people.principal(org, &origin.author), origin.time_ms),
        (None, None) => (People::unknown(), 0),
    };
    let first_line = row.note.as_deref().and_then(|note| note.lines().next());
    SecretRow {
        id: row.secret.to_string(),
        name: row.name.clone(),
        version: views::number(row.version),
        changed_by,
        changed_at: views::millis(changed_at),
        note: first_line.map(|line| line.chars().take(NOTE_IN_A_ROW).collect()),
        matches,
        kind: views::kind(row.kind),
        staged: row.change.map(views::op),
        next_version: row.change.map(|_| views::number(row.version + 1)),
    }
}

fn readers(org: &mut OpenOrg, people: &People, env: EnvId, now_ms: u64) -> Vec<ReaderRow> {
    let all = org.readers(&env, now_ms);
    all.into_iter()
        .map(|principal| {
            let state = org.replica().state();
            let rights = state.rights(&env, &principal, now_ms.max(state.time_ms()));
            let since = state.env(&env).map_or(0, |env| {
                let granted = env.grants.get(&principal).and_then(|grants| grants.all().last());
                granted.map_or(env.created, |(link, _)| *link)
            });
            let ends_at = state.env(&env).and_then(|env| {
                let grant = env.grants.get(&principal)?.all().last()?.1;
                (grant.expires > 0).then(|| views::millis(grant.expires))
            });
            ReaderRow {
                person: people.principal(org, &principal),
                link: views::number(since),
                rights: views::rights(rights),
                ends_at,
            }
        })
        .collect()
}

/// Newest first.
fn versions(
    org: &mut OpenOrg,
    people: &People,
    env: EnvId,
    secret: &SecretId,
) -> Vec<VersionRow> {
    let records = org.replica().env(&env).map(|copy| copy.versions(secret).to_vec());
    let records = records.unwrap_or_default();
    let rows = records.iter().rev().map(|record| VersionRow {
        version: views::number(record.version),
        by: people.principal(org, &record.origin.author),
        at: views::millis(record.origin.time_ms),
        commit: views::number(record.origin.commit),
        deleted: record.op == Op::Delete,
    });
    rows.collect()
}

/// What a staged change does.
pub(super) fn op_of(staged: &Staged) -> StagedOp {
    match &staged.change {
        StagedChange::Delete => StagedOp::Delete,
        StagedChange::Put { .. } if staged.base == 0 => StagedOp::Add,
        StagedChange::Put { .. } => StagedOp::Change,
    }
}

/// The review sheet: deletions by the name they take away, everything else by its new name.
pub(super) fn staged_rows(session: &Session, env_id: &str) -> Answer<Vec<StagedRow>> {
    let env: EnvId = views::id(env_id)?;
    Ok(session.with(|org| {
        let list = org.list(env)?;
        let mut rows: Vec<StagedRow> = org
            .staged(env)
            .iter()
            .map(|(secret, staged)| {
                let row = list.lookup(secret);
                let version = row.map_or(0, |row| row.version);
                StagedRow {
                    secret_id: secret.to_string(),
                    name: row.map_or_else(String::new, |row| row.name.clone()),
                    op: op_of(staged),
                    from_version: (version > 0).then(|| views::number(version)),
                    to_version: views::number(version + 1),
                    what: what(&staged.change),
                    at: views::millis(staged.at_ms),
                }
            })
            .collect();
        rows.sort_by_cached_key(|row| row.name.to_lowercase());
        Ok(rows)
    })?)
}

fn what(change: &StagedChange) -> Vec<StagedWhat> {
    let StagedChange::Put { name, value, note } = change else { return Vec::new() };
    let parts = [
        (name.is_some(), StagedWhat::Name),
        (value.is_some(), StagedWhat::Value),
        (note.is_some(), StagedWhat::Note),
    ];
    parts.into_iter().filter_map(|(differs, part)| differs.then_some(part)).collect()
}

fn conflict_rows(
    session: &Session,
    env: EnvId,
    conflicts: Vec<Conflict>,
) -> Result<Vec<ConflictRow>, VaultError> {
    let people = People::new(session.user());
    session.with(|org| {
        let list = org.list(env)?;
        let rows = conflicts.into_iter().map(|conflict| {
            let row = list.lookup(&conflict.secret);
            ConflictRow {
                secret_id: conflict.secret.to_string(),
                name: row.map_or_else(String::new, |row| row.name.clone()),
                their_version: views::number(conflict.version),
                their_by: conflict
                    .origin
                    .map_or_else(People::unknown, |origin| people.principal(org, &origin.author)),
                their_at: views::millis(conflict.origin.map_or(0, |origin| origin.time_ms)),
                deleted: conflict.deleted,
            }
        });
        Ok(rows.collect())
    })
}
