//! What this device knows of secrets: which there are, and how old their values are.

use std::collections::BTreeMap;

use strongroom_format::id::{EnvId, SecretId};
use strongroom_format::statement::EnvKind;

use crate::details::Thing;
use crate::env::EnvCopy;
use crate::offboard::written_values;
use crate::replica::Replica;

/// One living secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSecret {
    /// When it was first written, in milliseconds since 1970.
    pub created_ms: u64,
    /// Its value; unknown where this device cannot see its history.
    pub value: Option<ValueAge>,
}

/// How old a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueAge {
    /// When it was written. Sealing it anew under another data key does not make it younger; a new
    /// name or note does, because they are written together.
    pub since_ms: u64,
    /// How many values there were before it.
    pub before: usize,
}

/// Every living secret that this device knows of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownSecrets {
    envs: BTreeMap<EnvId, BTreeMap<SecretId, KnownSecret>>,
    /// Environments of which it knows labels at most.
    unseen: usize,
}

impl KnownSecrets {
    /// Reads them from a verified copy: from histories where this person can fetch them, and from
    /// the labels of the directory elsewhere.
    pub fn of(replica: &mut Replica) -> Self {
        let mut known = Self::default();
        for (id, env) in replica.state().envs() {
            if env.kind == EnvKind::Directory {
                continue;
            }
            match replica.env(id).filter(|copy| copy.history().is_complete()) {
                Some(copy) => {
                    let age = |secret: &SecretId| {
                        let values = written_values(env, copy.versions(secret));
                        let newest = values.last()?;
                        Some(KnownSecret {
                            created_ms: copy.versions(secret).first()?.origin.time_ms,
                            value: Some(ValueAge {
                                since_ms: newest.origin.time_ms,
                                before: values.len() - 1,
                            }),
                        })
                    };
                    let living = copy.live().map(|(item, _)| item.change.secret);
                    let all = living.filter_map(|secret| Some((secret, age(&secret)?)));
                    known.envs.insert(*id, all.collect());
                }
                None => known.unseen += 1,
            }
        }
        if known.unseen > 0 {
            known.add_labels(replica);
        }
        known
    }

    fn add_labels(&mut self, replica: &mut Replica) {
        let directory = replica.state().directory();
        let Some(copy) = directory.and_then(|env| replica.env(&env)) else { return };
        let written = |copy: &EnvCopy, label: &SecretId| {
            copy.versions(label).first().map(|version| version.origin.time_ms)
        };
        let labels: Vec<(SecretId, u64)> = copy
            .live()
            .filter_map(|(item, _)| Some((item.change.secret, written(copy, &item.change.secret)?)))
            .collect();
        for (label, created_ms) in labels {
            let named = replica.directory_name(label);
            let named = named.filter(|named| named.details.thing == Some(Thing::Secret));
            let Some(env) = named.and_then(|named| named.details.env) else { continue };
            let seen = replica.env(&env).is_some_and(|copy| copy.history().is_complete());
            if !seen {
                let secret = KnownSecret { created_ms, value: None };
                self.envs.entry(env).or_default().insert(label, secret);
            }
        }
    }

    /// One secret.
    pub fn lookup(&self, env: &EnvId, secret: &SecretId) -> Option<&KnownSecret> {
        self.envs.get(env)?.get(secret)
    }

    /// How many an environment has, as far as this device knows.
    pub fn living(&self, env: &EnvId) -> usize {
        self.envs.get(env).map_or(0, BTreeMap::len)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.envs.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.envs.values().all(BTreeMap::is_empty)
    }

    /// Environments of which this device knows labels at most.
    pub fn unseen(&self) -> usize {
        self.unseen
    }

    pub(super) fn envs(&self) -> impl Iterator<Item = (&EnvId, &BTreeMap<SecretId, KnownSecret>)> {
        self.envs.iter()
    }

    #[cfg(test)]
    pub(super) fn insert(&mut self, env: EnvId, secret: SecretId, known: KnownSecret) {
        self.envs.entry(env).or_default().insert(secret, known);
    }
}
