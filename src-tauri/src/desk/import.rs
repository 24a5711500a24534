//! Importing a file: dry runs by their id, until they are applied or forgotten.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use strongroom_client::vault::{ImportRun, Session, VaultError};
use strongroom_core::{dotenv::IssueKind, dry_run::Op};
use strongroom_format::id::EnvId;

use super::{Desk, hold, translate};
use crate::{
    error::{Answer, CommandError},
    view::{CommitOutcome, ImportIssue, ImportIssueKind, ImportOp, ImportReport, ImportRow},
};

/// How many rows and issues of a report are shown; the counts cover all.
const SHOWN: usize = 500;
/// How many dry runs wait at the same time; the oldest is forgotten.
const WAITING: usize = 4;

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Desk {
    /// Reads a file and says what importing it would do.
    pub async fn import_read(&self, env_id: String, file: PathBuf) -> Answer<ImportReport> {
        let env: EnvId = env_id.parse()?;
        let run = self.session()?.import_read(env, &file).await?;
        let id = format!("imp-{:08}", NEXT.fetch_add(1, Ordering::Relaxed));
        let report = self.report(id.clone(), run).await?;
        let mut imports = hold(&self.imports);
        while imports.len() > WAITING {
            imports.pop_first();
        }
        Ok(report)
    }

    /// Gives an entry another name.
    pub async fn import_rename(
        &self,
        report_id: String,
        line: u32,
        name: String,
    ) -> Answer<ImportReport> {
        self.decide(report_id, |run| run.rename(line, &name)).await
    }

    /// Chooses which line of a duplicate counts.
    pub async fn import_keep(
        &self,
        report_id: String,
        name: String,
        line: u32,
    ) -> Answer<ImportReport> {
        self.decide(report_id, |run| run.keep(&name, line)).await
    }

    /// Signs the import as one commit.
    pub async fn import_apply(&self, report_id: String) -> Answer<CommitOutcome> {
        let session = self.session()?;
        let run = self.take(&report_id)?;
        let done = session.import_apply(run).await?;
        Ok(CommitOutcome::Signed {
            commit: translate::count(done.commit),
            changes: translate::count(done.changes),
        })
    }

    /// Forgets the dry run and the values in it.
    pub fn import_discard(&self, report_id: &str) {
        hold(&self.imports).remove(report_id);
    }

    fn take(&self, id: &str) -> Answer<ImportRun> {
        hold(&self.imports).remove(id).ok_or(CommandError::NotFound)
    }

    async fn decide(
        &self,
        id: String,
        decide: impl FnOnce(&mut ImportRun) -> Result<(), VaultError>,
    ) -> Answer<ImportReport> {
        let mut run = self.take(&id)?;
        let decided = decide(&mut run);
        let report = self.report(id, run).await;
        decided?;
        report
    }

    /// What `run` would do, and keeps it.
    async fn report(&self, id: String, run: ImportRun) -> Answer<ImportReport> {
        let session = self.session()?;
        let name = id.clone();
        let (run, report) = tokio::task::spawn_blocking(move || {
            let report = report_of(&session, name, &run);
            (run, report)
        })
        .await
        .map_err(|error| CommandError::internal(&error))?;
        hold(&self.imports).insert(id, run);
        report
    }
}

fn report_of(session: &Session, id: String, run: &ImportRun) -> Answer<ImportReport> {
    let plan = session.import_plan(run)?;
    let rows = plan
        .rows
        .into_iter()
        .take(SHOWN)
        .map(|row| ImportRow {
            line: row.line,
            name: row.name,
            op: match row.op {
                Op::Add => ImportOp::Add,
                Op::Change => ImportOp::Change,
                Op::Same => ImportOp::Same,
            },
        })
        .collect();
    let issues = plan
        .issues
        .into_iter()
        .take(SHOWN)
        .map(|issue| ImportIssue {
            can_rename: issue.can_rename(),
            can_choose: issue.can_choose(),
            line: issue.line,
            other_line: issue.other_line,
            name: issue.name,
            kind: match issue.kind {
                IssueKind::BadName => ImportIssueKind::BadName,
                IssueKind::Duplicate => ImportIssueKind::Duplicate,
                IssueKind::UnterminatedQuote => ImportIssueKind::UnterminatedQuote,
                IssueKind::NoEquals => ImportIssueKind::NoEquals,
                IssueKind::TooLong => ImportIssueKind::TooLong,
                IssueKind::NotText => ImportIssueKind::NotText,
            },
        })
        .collect();
    Ok(ImportReport {
        id,
        env_id: run.env.to_string(),
        file_name: run.file_name.clone(),
        read: translate::count(plan.read),
        added: translate::count(plan.added),
        changed: translate::count(plan.changed),
        same: translate::count(plan.same),
        skipped: translate::count(plan.skipped),
        rows,
        issues,
    })
}
