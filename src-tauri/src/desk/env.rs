//! One environment: its rows, one of its secrets, and what leaves it (copy, reveal, edit).

use std::time::Duration;

use strongroom_client::vault::{OpenOrg, Session, Use, generate_value};
use strongroom_core::{
    details::ValueKind,
    list::{EnvList, Row, RowChange},
    replica::Replica,
    search::Query,
};
use strongroom_format::{
    commit::Op,
    id::{EnvId, SecretId},
    statement::Rights,
};
use strongroom_secret::SecretText;

use super::{Desk, hold, people::People, status::Copied, translate};
use crate::{
    error::{Answer, CommandError},
    view::{
        CopyView, EnvView, PersonView, ReaderRow, RowsQuery, RowsView, SecretDetail, SecretKind,
        SecretRow, SortKey, StagedOp, VersionRow,
        secure::{EditContext, RevealContext, Shown},
    },
};

/// The most rows of one answer.
const MAX_ROWS: usize = 500;
/// How much of a note a row shows, in characters.
const NOTE_SHOWN: usize = 120;

impl Desk {
    /// Opens an environment.
    pub async fn env_open(&self, env_id: String) -> Answer<EnvView> {
        let env: EnvId = env_id.parse()?;
        let now = self.now();
        self.look(move |_, org| env_view(org, env, now)).await
    }

    /// A window onto its rows.
    pub async fn env_rows(&self, query: RowsQuery) -> Answer<RowsView> {
        let env: EnvId = query.env_id.parse()?;
        self.look(move |session, org| {
            let list = org.list(env)?;
            let words = Query::new(&query.filter);
            let order = order(&list, &words, &query);
            let from = (query.offset as usize).min(order.len());
            let to = (from + (query.limit as usize).min(MAX_ROWS)).min(order.len());
            let mut people = People::new(session.user());
            let rows = order[from..to]
                .iter()
                .map(|at| {
                    let matches = list.index().matches(*at, &words);
                    row_view(&list.rows()[*at], matches, org, &mut people)
                })
                .collect();
            Ok(RowsView {
                total: translate::count(list.rows().len()),
                matched: translate::count(order.len()),
                offset: translate::count(from),
                rows,
            })
        })
        .await
    }

    /// Everything about a secret but its value.
    pub async fn secret_detail(&self, env_id: String, secret_id: String) -> Answer<SecretDetail> {
        let (env, secret): (EnvId, SecretId) = (env_id.parse()?, secret_id.parse()?);
        let now = self.now();
        self.look(move |session, org| detail(session, org, env, secret, now)).await
    }

    /// Puts a value on the clipboard.
    pub async fn secret_copy(&self, env_id: String, secret_id: String) -> Answer<CopyView> {
        let (env, secret): (EnvId, SecretId) = (env_id.parse()?, secret_id.parse()?);
        let (name, text) = self.value_of(env, secret, Use::Copied).await?;
        let seconds = u64::from(hold(&self.settings).clipboard_seconds);
        self.clipboard
            .copy(text, Duration::from_secs(seconds))
            .map_err(|error| CommandError::internal(&error))?;
        let clears_at = translate::millis(self.now() + seconds * 1000);
        *hold(&self.copied) = Some(Copied { name: name.clone(), clears_at });
        self.tell_status().await;
        Ok(CopyView { name, clears_at })
    }

    /// Opens one value for the window that shows it.
    pub async fn reveal(&self, env_id: String, secret_id: String) -> Answer<RevealContext> {
        let (env, secret): (EnvId, SecretId) = (env_id.parse()?, secret_id.parse()?);
        let frame = self.secure_frame().await?;
        let (_, text) = self.value_of(env, secret, Use::Revealed).await?;
        let seconds = hold(&self.settings).reveal_seconds;
        let now = self.now();
        self.look(move |session, org| {
            let list = org.list(env)?;
            let row = list.lookup(&secret).ok_or(CommandError::NotFound)?;
            let mut people = People::new(session.user());
            let (path, class) = place(org, env, now)?;
            Ok(RevealContext {
                frame,
                name: row.name.clone(),
                path,
                class,
                version: translate::count(row.version),
                by: writer(row, &mut people, org).name,
                at: translate::millis(row.origin.map_or(0, |origin| origin.time_ms)),
                seconds,
                value: Shown::new(text),
            })
        })
        .await
    }

    /// What the edit window shows; no `secret_id` for a new secret. It never holds the old value.
    pub async fn edit_context(
        &self,
        env_id: String,
        secret_id: Option<String>,
    ) -> Answer<EditContext> {
        let env: EnvId = env_id.parse()?;
        let secret = secret_id.map(|id| id.parse::<SecretId>()).transpose()?;
        let frame = self.secure_frame().await?;
        let now = self.now();
        self.look(move |_, org| {
            let (path, class) = place(org, env, now)?;
            let list = org.list(env)?;
            let row = match &secret {
                Some(id) => Some(list.lookup(id).ok_or(CommandError::NotFound)?),
                None => None,
            };
            let version = row.map_or(0, |row| row.version);
            Ok(EditContext {
                frame,
                is_new: version == 0,
                name: row.map_or_else(String::new, |row| row.name.clone()),
                path,
                class,
                next_version: translate::count(version + 1),
                note: row.and_then(|row| row.note.clone()).unwrap_or_default(),
            })
        })
        .await
    }

    /// A random value of `length` characters.
    pub fn generate(&self, length: u32, symbols: bool) -> Answer<Shown> {
        Ok(Shown::new(generate_value(length, symbols)?))
    }

    /// Opens a value and notes for what; what cannot be noted is not opened.
    async fn value_of(
        &self,
        env: EnvId,
        secret: SecretId,
        what: Use,
    ) -> Answer<(String, SecretText)> {
        let name = self.look(move |_, org| name_of(org, env, secret)).await?;
        let session = self.session()?;
        let open = move || session.open_value(env, &secret, what);
        let opened = tokio::task::spawn_blocking(open).await;
        let value = opened.map_err(|error| CommandError::internal(&error))??;
        let text = value.lend(|bytes| str::from_utf8(bytes).map(str::to_owned));
        let text = text.map_err(|error| CommandError::internal(&error))?;
        Ok((name, SecretText::from_string(text)))
    }
}

fn name_of(org: &mut OpenOrg, env: EnvId, secret: SecretId) -> Answer<String> {
    let list = org.list(env)?;
    Ok(list.lookup(&secret).ok_or(CommandError::NotFound)?.name.clone())
}

pub(super) fn env_view(org: &mut OpenOrg, env: EnvId, now: u64) -> Answer<EnvView> {
    let summary = org.environment(env, now)?;
    let app_name = org.app_name(&summary.app);
    let readers = translate::count(org.readers(&env, now).len());
    let draft = org.draft(env);
    let staged = super::staged::summary(&draft);
    let replica = org.replica();
    let state = replica.state();
    let time = now.max(state.time_ms());
    let due = state.is_due(&env, time);
    let lost_at = lost_at(replica, &env, time);
    let epoch = state.env(&env).map_or(0, |e| e.epoch_at(state.seq()));
    let (commit, history_verified) = match replica.env(&env) {
        Some(copy) => (copy.history().seq(), copy.history().is_complete()),
        None => (0, true),
    };
    Ok(EnvView {
        id: env.to_string(),
        app_id: summary.app.to_string(),
        app_name,
        name: summary.name,
        class: translate::class(summary.class),
        epoch,
        count: translate::count(summary.count),
        readable: summary.rights.includes(Rights::READ),
        writable: summary.rights.includes(Rights::READ.with(Rights::WRITE)),
        commit: translate::count(commit),
        history_verified,
        readers,
        due,
        lost_at: lost_at.map(translate::millis),
        staged,
    })
}

/// When this user stopped being a reader of `env`, in milliseconds since 1970; none if they still
/// are one or never were.
fn lost_at(replica: &Replica, env: &EnvId, time: u64) -> Option<u64> {
    let (state, who) = (replica.state(), &replica.principal());
    if state.rights(env, who, time).includes(Rights::READ) {
        return None;
    }
    let grants = state.env(env)?.grants.get(who)?.all();
    let last = grants.iter().rposition(|(_, grant)| grant.rights.includes(Rights::READ))?;
    let lapsed = Some(grants[last].1.not_after).filter(|end| *end != 0 && *end < time);
    let revoked = grants.get(last + 1).and_then(|(link, _)| state.time_at(*link));
    lapsed.into_iter().chain(revoked).min()
}

fn order(list: &EnvList, words: &Query, query: &RowsQuery) -> Vec<usize> {
    let rows = list.rows();
    let mut order = list.index().filter(words);
    if query.staged_only {
        order.retain(|at| rows[*at].change.is_some());
    }
    match query.sort {
        SortKey::Name => {}
        SortKey::ChangedAt => order.sort_by_key(|at| rows[*at].origin.map_or(0, |o| o.time_ms)),
        SortKey::Version => order.sort_by_key(|at| rows[*at].version),
    }
    if query.descending {
        order.reverse();
    }
    order
}

fn row_view(
    row: &Row,
    matches: Vec<(u32, u32)>,
    org: &mut OpenOrg,
    people: &mut People,
) -> SecretRow {
    let changed = row.change.is_some();
    SecretRow {
        id: row.secret.to_string(),
        name: row.name.clone(),
        version: translate::count(row.version),
        changed_by: if row.version == 0 { people.you(org) } else { writer(row, people, org) },
        changed_at: translate::millis(row.origin.map_or(0, |origin| origin.time_ms)),
        note: row.note.as_deref().map(first_line),
        matches,
        kind: match row.kind {
            Some(ValueKind::Pem) => SecretKind::Pem,
            Some(ValueKind::Reference) => SecretKind::Reference,
            None => SecretKind::Text,
        },
        staged: row.change.map(staged_op),
        next_version: changed.then(|| translate::count(row.version + 1)),
    }
}

fn first_line(note: &str) -> String {
    note.lines().next().unwrap_or("").chars().take(NOTE_SHOWN).collect()
}

pub(super) fn staged_op(change: RowChange) -> StagedOp {
    match change {
        RowChange::Add => StagedOp::Add,
        RowChange::Change => StagedOp::Change,
        RowChange::Delete => StagedOp::Delete,
    }
}

fn detail(
    session: &Session,
    org: &mut OpenOrg,
    env: EnvId,
    secret: SecretId,
    now: u64,
) -> Answer<SecretDetail> {
    let list = org.list(env)?;
    let row = list.lookup(&secret).ok_or(CommandError::NotFound)?;
    let mut people = People::new(session.user());
    let mut readers = Vec::new();
    for principal in org.readers(&env, now) {
        let Some(user) = translate::user_of(&principal) else { continue };
        let state = org.replica().state();
        let rights = state.rights(&env, &principal, now.max(state.time_ms()));
        let grant = state.env(&env).and_then(|e| e.grants.get(&principal)?.at(state.seq()));
        let link = grant.map_or(0, |(link, _)| link);
        let ends_at = grant.map(|(_, grant)| grant.not_after).filter(|end| *end != 0);
        readers.push(ReaderRow {
            person: people.of(&user, org),
            link: translate::count(link),
            rights: translate::rights(rights),
            ends_at: ends_at.map(translate::millis),
        });
    }
    let known = org.replica().env(&env).map_or(&[][..], |copy| copy.versions(&secret)).to_vec();
    let versions = known
        .iter()
        .rev()
        .map(|record| VersionRow {
            version: translate::count(record.version),
            by: translate::user_of(&record.origin.author)
                .map_or_else(translate::nobody, |user| people.of(&user, org)),
            at: translate::millis(record.origin.time_ms),
            commit: translate::count(record.origin.commit),
            deleted: record.op == Op::Delete,
        })
        .collect();
    Ok(SecretDetail {
        id: secret.to_string(),
        name: row.name.clone(),
        note: row.note.clone(),
        version: translate::count(row.version),
        staged: row.change.map(staged_op),
        readers,
        versions,
    })
}

/// Application and environment in words, and what the environment is for.
fn place(org: &mut OpenOrg, env: EnvId, now: u64) -> Answer<(String, crate::view::EnvClass)> {
    let summary = org.environment(env, now)?;
    let app = org.app_name(&summary.app);
    Ok((format!("{app} / {}", summary.name), translate::class(summary.class)))
}

/// Whoever wrote the newest version of a row.
fn writer(row: &Row, people: &mut People, org: &mut OpenOrg) -> PersonView {
    let author = row.origin.map(|origin| origin.author);
    author.map_or_else(translate::nobody, |author| people.author(&author, org))
}
