//! The tree: organisation, applications, environments.

use std::collections::BTreeMap;

use strongroom_client::vault::{EnvSummary, OpenOrg, Session, VaultError};
use strongroom_format::{
    id::{AppId, EnvId},
    statement::{Rights, Role as Standing},
};

use super::{Desk, people::People, views};
use crate::{
    error::Answer,
    view::{AppRowView, EnvRowView, EnvView, OrgRowView, OrgView, Role, StagedOp, StagedSummary},
};

impl Desk {
    pub(super) fn org_view(&self, session: &Session) -> Answer<OrgView> {
        let now = self.now_ms();
        let people = People::new(session.user());
        let organisations = session
            .organisations()
            .into_iter()
            .map(|(id, name, current)| OrgRowView { id: id.to_string(), name, current })
            .collect();
        let id = session.current()?.to_string();
        Ok(session.with(|org| {
            Ok(OrgView {
                id,
                name: org.name(),
                role: role(org, session),
                sample: org.is_sample(),
                me: people.me(org),
                organisations,
                apps: apps(org, now),
            })
        })?)
    }

    pub(super) async fn env_view(&self, env_id: &str) -> Answer<EnvView> {
        let env: EnvId = views::id(env_id)?;
        self.work(move |desk, session| {
            let now = desk.now_ms();
            Ok(session.with(|org| environment(org, env, now))?)
        })
        .await
    }
}

fn role(org: &mut OpenOrg, session: &Session) -> Role {
    match org.replica().state().role(&session.user()) {
        Some(Standing::Owner) => Role::Owner,
        Some(Standing::Admin) => Role::Admin,
        Some(Standing::Reviewer) => Role::Reviewer,
        Some(Standing::Member) | None => Role::Member,
    }
}

/// Applications by name; their environments from development to production.
fn apps(org: &mut OpenOrg, now_ms: u64) -> Vec<AppRowView> {
    let mut by_app: BTreeMap<AppId, Vec<EnvSummary>> = BTreeMap::new();
    for env in org.environments(now_ms) {
        by_app.entry(env.app).or_default().push(env);
    }
    let mut apps: Vec<AppRowView> = by_app
        .into_iter()
        .map(|(app, mut environments)| {
            environments.sort_by_cached_key(|env| (env.class as u8, env.name.to_lowercase()));
            AppRowView {
                id: app.to_string(),
                name: org.app_name(&app),
                environments: environments.iter().map(row).collect(),
            }
        })
        .collect();
    apps.sort_by_cached_key(|app| app.name.to_lowercase());
    apps
}

fn row(env: &EnvSummary) -> EnvRowView {
    EnvRowView {
        id: env.env.to_string(),
        name: env.name.clone(),
        class: env.class.into(),
        count: views::number(env.count),
        readable: env.rights.includes(Rights::READ),
        staged: views::number(env.staged),
    }
}

fn environment(org: &mut OpenOrg, env: EnvId, now_ms: u64) -> Result<EnvView, VaultError> {
    let summary = org.environment(env, now_ms)?;
    let readers = org.readers(&env, now_ms).len();
    let staged = staged_summary(org, env);
    let app_name = org.app_name(&summary.app);
    let replica = org.replica();
    let state = replica.state();
    let now = now_ms.max(state.time_ms());
    let epoch = state.env(&env).map_or(0, |state| state.epochs.len());
    let due = state.is_due(&env, now);
    let history = replica.env(&env).map(|copy| (copy.history().seq(), copy.history().is_complete()));
    let (commit, history_verified) = history.unwrap_or((0, true));
    Ok(EnvView {
        id: env.to_string(),
        app_id: summary.app.to_string(),
        app_name,
        name: summary.name,
        class: summary.class.into(),
        epoch: views::number(epoch),
        count: views::number(summary.count),
        readable: summary.rights.includes(Rights::READ),
        writable: summary.rights.includes(Rights::WRITE),
        commit: views::number(commit),
        history_verified,
        readers: views::number(readers),
        due,
        staged,
    })
}

/// What waits in an environment, by what it does.
pub(super) fn staged_summary(org: &mut OpenOrg, env: EnvId) -> StagedSummary {
    let draft = org.draft(env);
    let mut summary = StagedSummary {
        can_undo: draft.can_undo(),
        can_redo: draft.can_redo(),
        ..StagedSummary::default()
    };
    for staged in draft.staged().values() {
        match super::secrets::op_of(staged) {
            StagedOp::Add => summary.added += 1,
            StagedOp::Change => summary.changed += 1,
            StagedOp::Delete => summary.deleted += 1,
        }
    }
    summary
}
