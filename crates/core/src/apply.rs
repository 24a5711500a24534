//! From staged edits to a commit: what conflicts, and what is sealed anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_chain::trie::Origin;
use strongroom_format::commit::Field;
use strongroom_format::id::{EnvId, SecretId};
use strongroom_secret::SecretBytes;

use crate::details::{Details, Thing, ValueKind};
use crate::draft::{Staged, StagedChange};
use crate::pen::{Pen, Policies, Put, WriteError, name};
use crate::replica::{ReadError, Replica};

/// Somebody else wrote a secret that is staged here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Which secret.
    pub secret: SecretId,
    /// The version there is now.
    pub version: u64,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Who wrote it, where and when; unknown until the history is verified.
    pub origin: Option<Origin>,
}

/// Staged secrets whose base is not the current version any more.
pub fn conflicts(
    replica: &Replica,
    env: EnvId,
    staged: &BTreeMap<SecretId, Staged>,
) -> Vec<Conflict> {
    let Some(copy) = replica.env(&env) else { return Vec::new() };
    let items = copy.history().items();
    staged
        .iter()
        .filter_map(|(secret, staged)| {
            let item = items.lookup(secret)?;
            (item.change.version != staged.base).then(|| Conflict {
                secret: *secret,
                version: item.change.version,
                deleted: !item.is_live(),
                origin: item.origin,
            })
        })
        .collect()
}

impl Pen<'_> {
    /// Signs everything that is staged for `env` as one commit, and the labels that go with it as
    /// one commit of the directory. The caller has settled the conflicts.
    pub fn commit_staged(
        &mut self,
        env: EnvId,
        staged: &BTreeMap<SecretId, Staged>,
    ) -> Result<(), WriteError> {
        let mut puts = Vec::new();
        let mut deletes = Vec::new();
        for (secret, staged) in staged {
            match &staged.change {
                StagedChange::Delete => deletes.push(*secret),
                StagedChange::Put { name, value, note } => {
                    let value = value.clone();
                    puts.push(self.whole(env, *secret, name.as_deref(), value, note.as_deref())?);
                }
            }
        }
        self.commit_secrets(env, puts, &deletes)
    }

    /// Signs new versions of secrets, and their labels.
    pub fn commit_secrets(
        &mut self,
        env: EnvId,
        puts: Vec<Put>,
        deletes: &[SecretId],
    ) -> Result<(), WriteError> {
        let labels = self.stale_labels(env, &puts);
        let gone = self.labelled(deletes);
        self.commit(env, puts, deletes)?;
        let directory = self.replica().state().directory().ok_or(ReadError::Missing)?;
        self.commit(directory, labels, &gone)
    }

    /// Signs another value of a secret; everything else about it stays.
    pub fn replace_value(
        &mut self,
        env: EnvId,
        secret: SecretId,
        value: Arc<SecretBytes>,
    ) -> Result<(), WriteError> {
        let put = self.whole(env, secret, None, Some(value), None)?;
        self.commit_secrets(env, vec![put], &[])
    }

    /// Signs what is known of secrets again, with these broker policies in place of those they have;
    /// `None` takes one away.
    pub fn put_policies(&mut self, env: EnvId, policies: &Policies) -> Result<(), WriteError> {
        let secrets: Vec<SecretId> = policies.keys().copied().collect();
        let puts = secrets.into_iter().map(|secret| self.whole(env, secret, None, None, None));
        let puts = puts.collect::<Result<Vec<_>, _>>()?;
        self.commit_with(env, puts, &[], policies)
    }

    /// A put says everything a secret then has: what was not staged is opened and sealed again.
    fn whole(
        &mut self,
        env: EnvId,
        secret: SecretId,
        new_name: Option<&str>,
        value: Option<Arc<SecretBytes>>,
        note: Option<&str>,
    ) -> Result<Put, WriteError> {
        let replica = self.replica();
        let exists = replica.env(&env).is_some_and(|copy| copy.lookup(&secret).is_some());
        let old = if exists { Some(replica.open_named(env, &secret)?) } else { None };
        let value = match value {
            Some(value) => value,
            None if exists => Arc::new(replica.open_field(env, &secret, Field::Value)?),
            None => Arc::new(SecretBytes::from_vec(Vec::new())),
        };
        let note = match note {
            Some(text) => Some(text.to_owned()).filter(|text| !text.is_empty()),
            None => old.as_ref().and_then(|old| old.details.note.clone()),
        };
        let details = Details { note, kind: value.lend(ValueKind::of), ..Details::default() };
        let old_name = old.as_ref().map(|old| old.name.as_str());
        let name = new_name.or(old_name).ok_or(ReadError::Missing)?.to_owned();
        Ok(Put { secret, name, value: Some(value), details })
    }

    /// Labels in the directory that are missing or differ from the new names.
    fn stale_labels(&mut self, env: EnvId, puts: &[Put]) -> Vec<Put> {
        let details = Details { env: Some(env), ..Details::of(Thing::Secret) };
        puts.iter()
            .filter(|put| {
                let known = self.replica().directory_name(put.secret);
                known.is_none_or(|label| label.name != put.name)
            })
            .map(|put| name(put.secret, &put.name, details.clone()))
            .collect()
    }

    fn labelled(&mut self, secrets: &[SecretId]) -> Vec<SecretId> {
        let replica = self.replica();
        let directory = replica.state().directory();
        let Some(copy) = directory.and_then(|env| replica.env(&env)) else { return Vec::new() };
        let secrets: BTreeSet<SecretId> = secrets.iter().copied().collect();
        secrets.into_iter().filter(|secret| copy.lookup(secret).is_some()).collect()
    }
}
