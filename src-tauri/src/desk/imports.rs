//! Imports: the dry run stays in this process, values and all, until it is applied or forgotten.

use std::{collections::BTreeMap, path::PathBuf};

use strongroom_client::vault::{ImportRun, Session};
use strongroom_core::{
    dotenv::IssueKind,
    dry_run::{Op, Plan},
};

use super::{Desk, views};
use crate::{
    error::{Answer, CommandError},
    view::{CommitOutcome, ImportIssue, ImportIssueKind, ImportOp, ImportReport, ImportRow},
};

/// How many rows and how many issues a report shows. The counts cover all.
const SHOWN: usize = 500;
/// Dry runs that may wait at the same time; an older one is forgotten.
const WAITING: usize = 4;

/// The dry runs that wait for a decision.
#[derive(Default)]
pub(super) struct Imports {
    next: u64,
    runs: BTreeMap<u64, ImportRun>,
}

impl Imports {
    fn put(&mut self, run: ImportRun) -> String {
        self.next += 1;
        self.runs.insert(self.next, run);
        while self.runs.len() > WAITING {
            self.runs.pop_first();
        }
        self.next.to_string()
    }

    fn get(&mut self, id: &str) -> Answer<&mut ImportRun> {
        let number: u64 = views::id(id)?;
        self.runs.get_mut(&number).ok_or(CommandError::NotFound)
    }

    fn take(&mut self, id: &str) -> Answer<ImportRun> {
        let number: u64 = views::id(id)?;
        self.runs.remove(&number).ok_or(CommandError::NotFound)
    }

    pub(super) fn forget(&mut self, id: &str) {
        if let Ok(number) = id.parse() {
            self.runs.remove(&number);
        }
    }

    /// Forgets all of them, and wipes their values.
    pub(super) fn clear(&mut self) {
        self.runs.clear();
    }
}

impl Desk {
    pub(super) async fn read_import(&self, env_id: String, file: PathBuf) -> Answer<ImportReport> {
        let session = self.session()?;
        let run = session.import_read(views::id(&env_id)?, &file).await?;
        let id = self.state().imports.put(run);
        self.report(id).await
    }

    pub(super) async fn rename_import(&self, id: String, line: u32, name: String) -> Answer<ImportReport> {
        self.state().imports.get(&id)?.rename(line, &name)?;
        self.report(id).await
    }

    pub(super) async fn choose_import(&self, id: String, name: String, line: u32) -> Answer<ImportReport> {
        self.state().imports.get(&id)?.keep(&name, line)?;
        self.report(id).await
    }

    pub(super) async fn apply_import(&self, id: &str) -> Answer<CommitOutcome> {
        let session = self.session()?;
        let run = self.state().imports.take(id)?;
        let done = session.import_apply(run).await?;
        Ok(CommitOutcome::Signed {
            commit: views::number(done.commit),
            changes: views::number(done.changes),
        })
    }

    async fn report(&self, id: String) -> Answer<ImportReport> {
        self.work(move |desk, session| desk.plan(session, &id)).await
    }

    fn plan(&self, session: &Session, id: &str) -> Answer<ImportReport> {
        let mut state = self.state();
        let run = state.imports.get(id)?;
        let plan = session.import_plan(run)?;
        Ok(report(id, run, &plan))
    }
}

fn report(id: &str, run: &ImportRun, plan: &Plan) -> ImportReport {
    ImportReport {
        id: id.to_owned(),
        env_id: run.env.to_string(),
        file_name: run.file_name.clone(),
        read: views::number(plan.read),
        added: views::number(plan.added),
        changed: views::number(plan.changed),
        same: views::number(plan.same),
        skipped: views::number(plan.skipped),
        rows: plan.rows.iter().take(SHOWN).map(row).collect(),
        issues: plan.issues.iter().take(SHOWN).map(issue).collect(),
    }
}

fn row(row: &strongroom_core::dry_run::Row) -> ImportRow {
    ImportRow {
        line: row.line,
        name: row.name.clone(),
        op: match row.op {
            Op::Add => ImportOp::Add,
            Op::Change => ImportOp::Change,
            Op::Same => ImportOp::Same,
        },
    }
}

fn issue(issue: &strongroom_core::dotenv::Issue) -> ImportIssue {
    ImportIssue {
        line: issue.line,
        other_line: issue.other_line,
        name: issue.name.clone(),
        kind: match issue.kind {
            IssueKind::BadName => ImportIssueKind::BadName,
            IssueKind::Duplicate => ImportIssueKind::Duplicate,
            IssueKind::UnterminatedQuote => ImportIssueKind::UnterminatedQuote,
            IssueKind::NoEquals => ImportIssueKind::NoEquals,
            IssueKind::TooLong => ImportIssueKind::TooLong,
            IssueKind::NotText => ImportIssueKind::NotText,
        },
        can_rename: issue.can_rename(),
        can_choose: issue.can_choose(),
    }
}
