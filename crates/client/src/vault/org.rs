//! One organisation of an unlocked vault: the verified copy, the drafts, and the opened names.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_core::apply::{Conflict, conflicts};
use strongroom_core::details::{EnvClass, Thing};
use strongroom_core::draft::{Draft, Edit, Staged, StagedChange};
use strongroom_core::list::{EnvList, OpenNames};
use strongroom_core::replica::{ReadError, Replica};
use strongroom_format::commit::Field;
use strongroom_format::id::{AppId, EnvId, Principal, SecretId, UserId};
use strongroom_format::pins::Pins;
use strongroom_format::statement::{EnvKind, Rights};
use strongroom_secret::SecretBytes;
use subtle::ConstantTimeEq as _;

use super::access::AccessState;
use super::error::VaultError;
use super::session::Standing;

/// One organisation of an unlocked vault.
#[derive(Debug)]
pub struct OpenOrg {
    pub(super) replica: Replica,
    pub(super) pins: Pins,
    /// How it stands to its server.
    pub standing: Standing,
    drafts: BTreeMap<EnvId, Draft>,
    names: BTreeMap<EnvId, OpenNames>,
    lists: BTreeMap<EnvId, Arc<EnvList>>,
    pub(super) access: AccessState,
}

/// An environment at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvSummary {
    /// Which.
    pub env: EnvId,
    /// Its application.
    pub app: AppId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub class: EnvClass,
    /// How many secrets it holds.
    pub count: usize,
    /// What this person may do there.
    pub rights: Rights,
    /// How many changes are staged.
    pub staged: usize,
}

/// How a conflict is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// What is staged here is dropped.
    Theirs,
    /// What is staged here becomes the next version.
    Mine,
}

impl OpenOrg {
    pub(super) fn new(replica: Replica, pins: Pins, drafts: BTreeMap<EnvId, Draft>) -> Self {
        Self {
            replica,
            pins,
            standing: Standing::default(),
            drafts,
            names: BTreeMap::new(),
            lists: BTreeMap::new(),
            access: AccessState::default(),
        }
    }

    /// The verified copy.
    pub fn replica(&mut self) -> &mut Replica {
        &mut self.replica
    }

    /// The organisation's name.
    pub fn name(&mut self) -> String {
        let item = self.replica.state().org().directory_item();
        self.directory_name(item)
    }

    /// Whether the organisation was made to be looked at.
    pub fn is_sample(&mut self) -> bool {
        let item = self.replica.state().org().directory_item();
        self.replica.directory_name(item).is_some_and(|named| named.details.sample)
    }

    /// A person's name.
    pub fn person(&mut self, user: &UserId) -> String {
        self.directory_name(user.directory_item())
    }

    /// An application's name.
    pub fn app_name(&mut self, app: &AppId) -> String {
        self.directory_name(app.directory_item())
    }

    fn directory_name(&mut self, item: SecretId) -> String {
        self.replica.directory_name(item).map_or_else(String::new, |named| named.name.clone())
    }

    /// All environments of applications.
    pub fn environments(&mut self, now_ms: u64) -> Vec<EnvSummary> {
        let envs: Vec<EnvId> = self
            .replica
            .state()
            .envs()
            .iter()
            .filter(|(_, state)| state.kind == EnvKind::App)
            .map(|(env, _)| *env)
            .collect();
        envs.into_iter().filter_map(|env| self.environment(env, now_ms).ok()).collect()
    }

    /// One environment of an application.
    pub fn environment(&mut self, env: EnvId, now_ms: u64) -> Result<EnvSummary, VaultError> {
        let state = self.replica.state();
        let app = state.env(&env).filter(|e| e.kind == EnvKind::App).ok_or(VaultError::NotFound)?;
        let app = AppId(app.place);
        let rights = state.rights(&env, &self.replica.principal(), now_ms.max(state.time_ms()));
        let named = self.replica.directory_name(env.directory_item());
        let class = named
            .as_ref()
            .filter(|named| named.details.thing == Some(Thing::Environment))
            .and_then(|named| named.details.class);
        let count = self.replica.env(&env).map_or(0, |copy| copy.history().items().live());
        Ok(EnvSummary {
            env,
            app,
            name: named.map_or_else(String::new, |named| named.name.clone()),
            class: class.unwrap_or(EnvClass::Other),
            count,
            rights,
            staged: self.drafts.get(&env).map_or(0, |draft| draft.staged().len()),
        })
    }

    /// Everybody who holds or may hold the data key of an environment.
    pub fn readers(&self, env: &EnvId, now_ms: u64) -> Vec<Principal> {
        let state = self.replica.state();
        state.readers(env, now_ms.max(state.time_ms())).into_iter().collect()
    }

    /// The rows of an environment. Opened names are kept until the environment changes.
    pub fn list(&mut self, env: EnvId) -> Result<Arc<EnvList>, VaultError> {
        let fresh = self.names.get(&env).is_some_and(|names| names.is_current(&self.replica, env));
        if !fresh {
            self.names.insert(env, OpenNames::open(&mut self.replica, env)?);
            self.lists.remove(&env);
        }
        if let Some(list) = self.lists.get(&env) {
            return Ok(Arc::clone(list));
        }
        let staged = self.staged(env);
        let names = self.names.get(&env).ok_or(VaultError::NotFound)?;
        let list = Arc::new(EnvList::build(&self.replica, env, names, &staged));
        self.lists.insert(env, Arc::clone(&list));
        Ok(list)
    }

    /// The staged edits of an environment.
    pub fn draft(&self, env: EnvId) -> Draft {
        self.drafts.get(&env).cloned().unwrap_or_default()
    }

    /// What is staged, by secret.
    pub fn staged(&self, env: EnvId) -> BTreeMap<SecretId, Staged> {
        self.drafts.get(&env).map(Draft::staged).unwrap_or_default()
    }

    /// The environments with staged edits.
    pub(super) fn edited(&self) -> Vec<EnvId> {
        self.drafts.iter().filter(|(_, draft)| !draft.is_empty()).map(|(env, _)| *env).collect()
    }

    pub(super) fn staged_total(&self) -> usize {
        self.drafts.values().map(|draft| draft.staged().len()).sum()
    }

    /// Changes a draft; the rows are joined anew.
    pub fn edit<R>(&mut self, env: EnvId, change: impl FnOnce(&mut Draft) -> R) -> R {
        self.lists.remove(&env);
        change(self.drafts.entry(env).or_default())
    }

    /// The version a new edit of `secret` is made upon, a tombstone's too; 0 for one that is not
    /// signed yet.
    pub fn base(&self, env: EnvId, secret: &SecretId) -> u64 {
        let item = self.replica.env(&env).and_then(|copy| copy.history().items().lookup(secret));
        item.map_or(0, |item| item.change.version)
    }

    /// Opens one value, or lends the staged one.
    pub fn value(&mut self, env: EnvId, secret: &SecretId) -> Result<Arc<SecretBytes>, VaultError> {
        if let Some(Staged { change: StagedChange::Put { value: Some(value), .. }, .. }) =
            self.staged(env).get(secret)
        {
            return Ok(Arc::clone(value));
        }
        Ok(Arc::new(self.replica.open_field(env, secret, Field::Value)?))
    }

    /// Staged secrets that somebody else wrote since.
    pub fn conflicts(&mut self, env: EnvId) -> Vec<Conflict> {
        let staged = self.staged(env);
        conflicts(&self.replica, env, &staged)
    }

    /// Drops what is staged and already so: a write that was accepted just before this program was
    /// ended finds itself again. Says whether anything was dropped.
    pub(super) fn settle(&mut self, env: EnvId, now_ms: u64) -> bool {
        let staged = self.staged(env);
        let done: Vec<SecretId> = staged
            .iter()
            .filter(|(secret, staged)| self.is_done(env, secret, staged).unwrap_or(false))
            .map(|(secret, _)| *secret)
            .collect();
        if done.is_empty() {
            return false;
        }
        let all = done.len() == staged.len();
        self.edit(env, |draft| {
            if all {
                draft.clear();
            } else {
                draft.push(Edit::Drop { secrets: done }, now_ms);
            }
        });
        true
    }

    fn is_done(
        &mut self,
        env: EnvId,
        secret: &SecretId,
        staged: &Staged,
    ) -> Result<bool, ReadError> {
        let live = self.replica.env(&env).is_some_and(|copy| copy.lookup(secret).is_some());
        let StagedChange::Put { name, value, note } = &staged.change else { return Ok(!live) };
        if !live {
            return Ok(false);
        }
        let named = self.replica.open_named(env, secret)?;
        let same_name = name.as_ref().is_none_or(|name| *name == named.name);
        let same_note = note
            .as_ref()
            .is_none_or(|note| note.as_str() == named.details.note.as_deref().unwrap_or(""));
        let same_value = match value {
            None => true,
            Some(value) => self.replica.open_field(env, secret, Field::Value)?.ct_eq(value).into(),
        };
        Ok(same_name && same_note && same_value)
    }

    pub(super) fn adopt(&mut self, replica: Replica, pins: Pins) {
        self.replica = replica;
        self.pins = pins;
        self.lists.clear();
    }

    pub(super) fn clear_draft(&mut self, env: EnvId) {
        self.drafts.remove(&env);
        self.lists.remove(&env);
    }
}
