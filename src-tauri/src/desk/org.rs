//! The organisation: its tree, and what creates or renames a part of it.

use std::collections::BTreeMap;

use strongroom_client::vault::{OpenOrg, Session};
use strongroom_format::{
    id::{AppId, EnvId, OrgId},
    statement::Rights,
};

use super::{Desk, members, translate};
use crate::{
    error::Answer,
    view::{AppRowView, EnvClass, EnvRowView, NewEnvironment, OrgRowView, OrgView, Role},
};

impl Desk {
    /// The open organisation.
    pub async fn org(&self) -> Answer<OrgView> {
        let now = self.now();
        let session = self.session()?;
        let organisations = session
            .organisations()
            .into_iter()
            .map(|(id, name, current)| OrgRowView { id: id.to_string(), name, current })
            .collect();
        let waiting = self.work(move |session, _| members::waiting(session, now)).await?;
        self.look(move |session, org| {
            let view = org_view(session, org, organisations, now);
            Ok(OrgView { waiting: translate::count(waiting), ..view })
        })
        .await
    }

    /// Makes an organisation and opens it.
    pub async fn org_create(&self, name: String) -> Answer<OrgView> {
        self.session()?.create_org(&name).await?;
        self.org().await
    }

    /// Opens another organisation of this vault.
    pub async fn org_select(&self, id: String) -> Answer<OrgView> {
        let id: OrgId = id.parse()?;
        self.session()?.select(id)?;
        self.org().await
    }

    /// Renames the open organisation.
    pub async fn org_rename(&self, name: String) -> Answer<OrgView> {
        self.session()?.rename_org(&name).await?;
        self.org().await
    }

    /// Makes an application with its environments.
    pub async fn app_create(
        &self,
        name: String,
        environments: Vec<NewEnvironment>,
    ) -> Answer<OrgView> {
        let environments =
            environments.into_iter().map(|e| (e.name, translate::class_in(e.class))).collect();
        self.session()?.create_app(&name, environments).await?;
        self.org().await
    }

    /// Renames an application.
    pub async fn app_rename(&self, app_id: String, name: String) -> Answer<OrgView> {
        let app: AppId = app_id.parse()?;
        self.session()?.rename_app(app, &name).await?;
        self.org().await
    }

    /// Makes an environment.
    pub async fn env_create(
        &self,
        app_id: String,
        name: String,
        class: EnvClass,
    ) -> Answer<OrgView> {
        let app: AppId = app_id.parse()?;
        self.session()?.create_env(app, &name, translate::class_in(class)).await?;
        self.org().await
    }

    /// Renames or reclassifies an environment.
    pub async fn env_rename(
        &self,
        env_id: String,
        name: String,
        class: EnvClass,
    ) -> Answer<OrgView> {
        let env: EnvId = env_id.parse()?;
        self.session()?.rename_env(env, &name, translate::class_in(class)).await?;
        self.org().await
    }
}

fn org_view(
    session: &Session,
    org: &mut OpenOrg,
    organisations: Vec<OrgRowView>,
    now: u64,
) -> OrgView {
    let me = session.user();
    let mut apps: BTreeMap<AppId, AppRowView> = BTreeMap::new();
    for env in org.environments(now) {
        let app_name = org.app_name(&env.app);
        let row = EnvRowView {
            id: env.env.to_string(),
            name: env.name,
            class: translate::class(env.class),
            count: translate::count(env.count),
            readable: env.rights.includes(Rights::READ),
            staged: translate::count(env.staged),
            due: is_due(org, &env.env, now),
            can_read: holds_key(org, &env.env),
        };
        apps.entry(env.app)
            .or_insert_with(|| AppRowView {
                id: env.app.to_string(),
                name: app_name,
                environments: Vec::new(),
            })
            .environments
            .push(row);
    }
    let mut apps: Vec<AppRowView> = apps.into_values().collect();
    apps.sort_by_cached_key(|app| app.name.to_lowercase());
    for app in &mut apps {
        app.environments.sort_by_cached_key(|env| (order(env.class), env.name.to_lowercase()));
    }
    let state = org.replica().state();
    let role = state.role(&me).map(translate::role);
    let time = now.max(state.time_ms());
    let due = translate::count(state.envs().keys().filter(|env| state.is_due(env, time)).count());
    OrgView {
        id: org.replica().state().org().to_string(),
        name: org.name(),
        role: role.unwrap_or(Role::Member),
        sample: org.is_sample(),
        me: translate::person(&me, org.person(&me), &me),
        organisations,
        apps,
        waiting: 0,
        due,
    }
}

/// Whether the data key of an environment must be replaced before anything else is signed.
pub(super) fn is_due(org: &mut OpenOrg, env: &EnvId, now: u64) -> bool {
    let state = org.replica().state();
    state.is_due(env, now.max(state.time_ms()))
}

/// Whether the newest data key of an environment is wrapped for this user.
pub(super) fn holds_key(org: &mut OpenOrg, env: &EnvId) -> bool {
    let replica = org.replica();
    let me = replica.principal();
    let newest = replica.state().env(env).and_then(|state| state.epochs.last());
    newest.is_some_and(|epoch| epoch.wraps.iter().any(|wrap| wrap.recipient == me))
}

/// From one's own work towards what is real.
fn order(class: EnvClass) -> u8 {
    match class {
        EnvClass::Development => 0,
        EnvClass::Staging => 1,
        EnvClass::Production => 2,
        EnvClass::Other => 3,
    }
}
