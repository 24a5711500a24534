//! The rows of an environment as a person sees them: signed items and staged edits together.
//!
//! Names and notes are opened once per change of the environment; values are not. Building a list
//! again after a staged edit costs no decryption.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_chain::trie::Origin;
use strongroom_format::id::{EnvId, SecretId};

use crate::details::ValueKind;
use crate::draft::{Staged, StagedChange};
use crate::env::EnvCopy;
use crate::replica::{Named, ReadError, Replica};
use crate::search::{NameIndex, Searchable};

/// What is staged for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowChange {
    /// It is new.
    Add,
    /// It gets a new version.
    Change,
    /// It goes.
    Delete,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which secret.
    pub secret: SecretId,
    /// Its name, as staged if a new one is.
    pub name: String,
    /// Its note, as staged if a new one is.
    pub note: Option<String>,
    /// What its value looks like.
    pub kind: Option<ValueKind>,
    /// Its signed version; 0 if it is only staged.
    pub version: u64,
    /// Who wrote that version, in which commit and when; unknown until the history is verified.
    pub origin: Option<Origin>,
    /// What is staged.
    pub change: Option<RowChange>,
}

/// The opened names of one state of an environment.
#[derive(Debug, Clone)]
pub struct OpenNames {
    generation: u64,
    names: Arc<Vec<(SecretId, Named)>>,
}

impl OpenNames {
    /// Opens all names and notes of `env`.
    pub fn open(replica: &mut Replica, env: EnvId) -> Result<Self, ReadError> {
        let generation = replica.env(&env).map_or(0, EnvCopy::generation);
        Ok(Self { generation, names: Arc::new(replica.open_all_named(env)?) })
    }

    /// Whether the environment has not changed since.
    pub fn is_current(&self, replica: &Replica, env: EnvId) -> bool {
        self.generation == replica.env(&env).map_or(0, EnvCopy::generation)
    }

    /// The opened names, rising by id.
    pub fn all(&self) -> &[(SecretId, Named)] {
        &self.names
    }
}

/// The rows of an environment, by name.
#[derive(Debug)]
pub struct EnvList {
    rows: Vec<Row>,
    index: NameIndex,
}

impl EnvList {
    /// Joins what is signed with what is staged.
    pub fn build(
        replica: &Replica,
        env: EnvId,
        names: &OpenNames,
        staged: &BTreeMap<SecretId, Staged>,
    ) -> Self {
        let mut rows: Vec<Row> = Vec::with_capacity(names.names.len() + staged.len());
        for (secret, named) in names.names.iter() {
            let item = replica.env(&env).and_then(|copy| copy.lookup(secret));
            let mut row = Row {
                secret: *secret,
                name: named.name.clone(),
                note: named.details.note.clone(),
                kind: named.details.kind,
                version: item.map_or(0, |item| item.change.version),
                origin: item.and_then(|item| item.origin),
                change: None,
            };
            if let Some(staged) = staged.get(secret) {
                row.stage(&staged.change);
            }
            rows.push(row);
        }
        let known: std::collections::BTreeSet<SecretId> =
            names.names.iter().map(|(secret, _)| *secret).collect();
        for (secret, staged) in staged.iter().filter(|(secret, _)| !known.contains(secret)) {
            let StagedChange::Put { name, .. } = &staged.change else { continue };
            let mut row = Row {
                secret: *secret,
                name: name.clone().unwrap_or_default(),
                note: None,
                kind: None,
                version: 0,
                origin: None,
                change: None,
            };
            row.stage(&staged.change);
            rows.push(row);
        }
        rows.sort_by_cached_key(|row| (row.name.to_lowercase(), row.secret));
        let index = NameIndex::new(&rows.iter().map(Row::searchable).collect::<Vec<_>>());
        Self { rows, index }
    }

    /// All rows, by name.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What to search.
    pub fn index(&self) -> &NameIndex {
        &self.index
    }

    /// The row of a secret.
    pub fn lookup(&self, secret: &SecretId) -> Option<&Row> {
        self.rows.iter().find(|row| row.secret == *secret)
    }

    /// The row that has a name, deleted ones left out.
    pub fn by_name(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name && row.change != Some(RowChange::Delete))
    }
}

impl Row {
    /// What a search looks at.
    pub fn searchable(&self) -> Searchable<'_> {
        Searchable { name: &self.name, note: self.note.as_deref().unwrap_or("") }
    }

    fn stage(&mut self, change: &StagedChange) {
        match change {
            StagedChange::Delete => self.change = Some(RowChange::Delete),
            StagedChange::Put { name, value, note } => {
                let new = self.version == 0;
                self.change = Some(if new { RowChange::Add } else { RowChange::Change });
                if let Some(name) = name {
                    self.name.clone_from(name);
                }
                if let Some(note) = note {
                    self.note = Some(note.clone()).filter(|note| !note.is_empty());
                }
                if let Some(value) = value {
                    self.kind = value.lend(ValueKind::of);
                }
            }
        }
    }
}
