//! Importing a `.env` file: a dry run first, then one commit.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use strongroom_core::details::{Details, ValueKind};
use strongroom_core::dotenv;
use strongroom_core::dry_run::{DecisionError, DryRun, Plan, Standing};
use strongroom_core::pen::Put;
use strongroom_core::replica::{Named, Replica};
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::commit::Field;
use strongroom_format::id::{EnvId, SecretId};
use strongroom_secret::SecretBytes;
use subtle::ConstantTimeEq as _;

use super::error::VaultError;
use super::session::{Notice, Session, TaskKind};
use super::write::Committed;

/// A file that was read and is not written yet. Its values are wiped when it is dropped.
#[derive(Debug)]
pub struct ImportRun {
    /// Where it would go.
    pub env: EnvId,
    /// The file's name, without its folder.
    pub file_name: String,
    run: DryRun,
}

impl ImportRun {
    /// Gives the assignment on `line`, whose name was bad, a good one.
    pub fn rename(&mut self, line: u32, name: &str) -> Result<(), VaultError> {
        self.run.rename(line, name).map_err(decision)
    }

    /// Makes the occurrence of `name` on `line` the one that counts.
    pub fn keep(&mut self, name: &str, line: u32) -> Result<(), VaultError> {
        self.run.keep(name, line).map_err(decision)
    }
}

fn decision(error: DecisionError) -> VaultError {
    match error {
        DecisionError::Name(name) => name.into(),
        DecisionError::NoSuchLine => VaultError::NotFound,
    }
}

impl Session {
    /// Reads a file and finds its assignments; nothing is written.
    pub async fn import_read(&self, env: EnvId, path: &Path) -> Result<ImportRun, VaultError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = path.to_owned();
        let parsed = tokio::task::spawn_blocking(move || {
            let bytes = read_capped(&path)?;
            bytes.lend(dotenv::parse).map_err(|_| VaultError::NotDotenv)
        })
        .await??;
        Ok(ImportRun { env, file_name: name, run: DryRun::new(parsed) })
    }

    /// What the import would do with the environment as it is signed now.
    pub fn import_plan(&self, run: &ImportRun) -> Result<Plan, VaultError> {
        self.with(|org| {
            let list = org.list(run.env)?;
            drop(list);
            let known = by_name(org.replica(), run.env)?;
            let replica = org.replica();
            run.run.plan(|name, value| compare(replica, run.env, &known, name, value))
        })
    }

    /// Signs the import as one commit.
    pub async fn import_apply(&self, run: ImportRun) -> Result<Committed, VaultError> {
        let task = self.begin(TaskKind::Import, 1);
        let env = run.env;
        let before = self.committed(env, 0)?.commit;
        let assignments: Vec<(String, Arc<SecretBytes>)> = run
            .run
            .into_assignments()
            .into_iter()
            .map(|(name, value)| (name, Arc::new(value)))
            .collect();
        let assignments = Arc::new(assignments);
        let changes = self
            .write(Some(&task), move |pen| {
                let puts = puts(pen.replica(), env, &assignments)?;
                let changes = puts.len();
                pen.commit_secrets(env, puts, &[])?;
                Ok(changes)
            })
            .await?;
        drop(task);
        self.tell(Notice::Env(env));
        self.tell(Notice::Org);
        let committed = self.committed(env, changes)?;
        debug_assert!(committed.commit >= before);
        Ok(committed)
    }
}

type Known = BTreeMap<String, (SecretId, Named)>;

fn by_name(replica: &mut Replica, env: EnvId) -> Result<Known, VaultError> {
    let named = replica.open_all_named(env)?;
    Ok(named.into_iter().map(|(id, named)| (named.name.clone(), (id, named))).collect())
}

fn compare(
    replica: &mut Replica,
    env: EnvId,
    known: &Known,
    name: &str,
    value: &SecretBytes,
) -> Result<Standing, VaultError> {
    let Some((id, _)) = known.get(name) else { return Ok(Standing::Absent) };
    let current = replica.open_field(env, id, Field::Value)?;
    let same: bool = current.ct_eq(value).into();
    Ok(if same { Standing::Same } else { Standing::Different })
}

fn puts(
    replica: &mut Replica,
    env: EnvId,
    assignments: &[(String, Arc<SecretBytes>)],
) -> Result<Vec<Put>, VaultError> {
    let known = by_name(replica, env)?;
    let mut puts = Vec::with_capacity(assignments.len());
    for (name, value) in assignments {
        if compare(replica, env, &known, name, value)? == Standing::Same {
            continue;
        }
        let old = known.get(name);
        let secret = match old {
            Some((id, _)) => *id,
            None => SecretId(strongroom_crypto::safe::entropy::array(&mut OsEntropy)?),
        };
        let details = Details {
            note: old.and_then(|(_, named)| named.details.note.clone()),
            kind: value.lend(ValueKind::of),
            ..Details::default()
        };
        puts.push(Put { secret, name: name.clone(), value: Some(Arc::clone(value)), details });
    }
    Ok(puts)
}

fn read_capped(path: &Path) -> Result<SecretBytes, VaultError> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|_| VaultError::FileUnreadable)?;
    let meta = file.metadata().map_err(|_| VaultError::FileUnreadable)?;
    if !meta.is_file() {
        return Err(VaultError::FileUnreadable);
    }
    let size = usize::try_from(meta.len()).unwrap_or(usize::MAX);
    if size > dotenv::MAX_FILE {
        return Err(VaultError::TooLarge(dotenv::MAX_FILE));
    }
    // The whole buffer at once, so that it never moves and leaves a copy behind.
    let mut bytes = Vec::with_capacity(dotenv::MAX_FILE.min(size + 1024));
    let limit = bytes.capacity() as u64;
    file.take(limit).read_to_end(&mut bytes).map_err(|_| VaultError::FileUnreadable)?;
    Ok(SecretBytes::from_vec(bytes))
}
