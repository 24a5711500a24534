//! What an import would do, before it does anything.
//!
//! A [`DryRun`] holds the assignments of a file and what a person decided about them; a [`Plan`]
//! is what follows for the environment as it is now. The plan has no values, so it may be shown.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_secret::SecretBytes;
use thiserror::Error;

use crate::dotenv::{Entry, Issue, IssueKind, Parsed};
use crate::names::{NameError, secret_name};

/// How a value of the file stands to the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The environment has no secret of that name.
    Absent,
    /// It has one with the same value.
    Same,
    /// It has one with another value.
    Different,
}

/// What an import would do with one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Makes a secret.
    Add,
    /// Makes a new version of one.
    Change,
    /// Nothing: the value is already there.
    Same,
}

/// One line of the report that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where the assignment begins, from 1.
    pub line: u32,
    /// Which secret.
    pub name: String,
    /// What would happen to it.
    pub op: Op,
}

/// The report. `read` is always the sum of the other four counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Everything in the file that is an assignment or was meant as one.
    pub read: usize,
    /// New secrets.
    pub added: usize,
    /// New versions.
    pub changed: usize,
    /// Values that are already there.
    pub same: usize,
    /// What the import leaves out; each is an issue.
    pub skipped: usize,
    /// What counts, rising by line.
    pub rows: Vec<Row>,
    /// What is left out and why, rising by line.
    pub issues: Vec<Issue>,
}

/// A decision that the file does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecisionError {
    /// No assignment of that kind begins on the line.
    #[error("nothing to decide on that line")]
    NoSuchLine,
    /// The new name is none.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// A file that was read, and what was decided about it so far.
#[derive(Debug)]
pub struct DryRun {
    entries: Vec<Entry>,
    issues: Vec<Issue>,
    kept: BTreeMap<String, u32>,
}

impl DryRun {
    /// Nothing is decided yet: of several occurrences of a name the last one counts, and what has
    /// no good name is left out.
    pub fn new(parsed: Parsed) -> Self {
        Self { entries: parsed.entries, issues: parsed.issues, kept: BTreeMap::new() }
    }

    /// Gives the assignment on `line`, whose name was bad, a good one. May be done again.
    pub fn rename(&mut self, line: u32, name: &str) -> Result<(), DecisionError> {
        let name = secret_name(name)?;
        let was_bad = |issue: &Issue| issue.line == line && issue.can_rename();
        if !self.issues.iter().any(was_bad) {
            return Err(DecisionError::NoSuchLine);
        }
        let entry = self.entries.iter_mut().find(|entry| entry.line == line);
        let entry = entry.ok_or(DecisionError::NoSuchLine)?;
        entry.name = Some(name);
        // A choice among occurrences of the name it had before no longer binds.
        self.kept.retain(|_, kept| *kept != line);
        Ok(())
    }

    /// Makes the occurrence of `name` on `line` the one that counts.
    pub fn keep(&mut self, name: &str, line: u32) -> Result<(), DecisionError> {
        let chosen = |entry: &Entry| entry.line == line && entry.name.as_deref() == Some(name);
        if !self.entries.iter().any(chosen) {
            return Err(DecisionError::NoSuchLine);
        }
        self.kept.insert(name.to_owned(), line);
        Ok(())
    }

    /// What the import would do. `compare` says how a name and its new value stand to the
    /// environment; its error ends the run.
    pub fn plan<E>(
        &self,
        mut compare: impl FnMut(&str, &SecretBytes) -> Result<Standing, E>,
    ) -> Result<Plan, E> {
        let counting = self.counting();
        let mut plan = Plan::default();
        for entry in &self.entries {
            let Some(name) = entry.name.as_deref() else {
                continue;
            };
            match counting.get(name) {
                Some(counts) if *counts != entry.line => plan.issues.push(Issue {
                    line: entry.line,
                    other_line: Some(*counts),
                    name: Some(name.to_owned()),
                    kind: IssueKind::Duplicate,
                    suggestion: None,
                }),
                _ => {
                    let op = match compare(name, &entry.value)? {
                        Standing::Absent => Op::Add,
                        Standing::Different => Op::Change,
                        Standing::Same => Op::Same,
                    };
                    plan.rows.push(Row { line: entry.line, name: name.to_owned(), op });
                }
            }
        }
        let renamed: BTreeSet<u32> = self.named().map(|(_, entry)| entry.line).collect();
        let stands = |issue: &&Issue| !(issue.can_rename() && renamed.contains(&issue.line));
        plan.issues.extend(self.issues.iter().filter(stands).cloned());
        plan.issues.sort_by_key(|issue| issue.line);

        let count = |op| plan.rows.iter().filter(|row| row.op == op).count();
        plan.added = count(Op::Add);
        plan.changed = count(Op::Change);
        plan.same = count(Op::Same);
        plan.skipped = plan.issues.len();
        plan.read = plan.rows.len() + plan.skipped;
        Ok(plan)
    }

    /// The assignments that count, rising by line: each name once. Those that change nothing are
    /// among them; the caller leaves them out by the same comparison as in [`DryRun::plan`].
    pub fn into_assignments(self) -> Vec<(String, SecretBytes)> {
        let counting: BTreeSet<u32> = self.counting().into_values().collect();
        self.entries
            .into_iter()
            .filter(|entry| counting.contains(&entry.line))
            .filter_map(|entry| Some((entry.name?, entry.value)))
            .collect()
    }

    /// For each name, the line whose assignment counts.
    fn counting(&self) -> BTreeMap<&str, u32> {
        let mut counting = BTreeMap::new();
        for (name, entry) in self.named() {
            // Entries rise by line, so the last one stays, unless a choice stands against it.
            let kept = self.kept.get(name);
            if kept.is_none_or(|line| *line == entry.line) || !counting.contains_key(name) {
                counting.insert(name, entry.line);
            }
        }
        counting
    }

    fn named(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().filter_map(|entry| Some((entry.name.as_deref()?, entry)))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::dotenv::parse;

    fn dry_run(text: &str) -> DryRun {
        DryRun::new(parse(text.as_bytes()).unwrap())
    }

    /// The plan against an environment that has `KNOWN=value`.
    fn plan(run: &DryRun) -> Plan {
        run.plan(|name, value| {
            let same = value.lend(|v| v == b"value");
            Ok::<_, Infallible>(match name {
                "KNOWN" if same => Standing::Same,
                "KNOWN" => Standing::Different,
                _ => Standing::Absent,
            })
        })
        .unwrap()
    }

    fn counts(plan: &Plan) -> [usize; 5] {
        [plan.read, plan.added, plan.changed, plan.same, plan.skipped]
    }

    fn assignments(run: DryRun) -> Vec<(String, String)> {
        run.into_assignments()
            .into_iter()
            .map(|(name, v)| (name, v.lend(|v| String::from_utf8(v.to_vec()).unwrap())))
            .collect()
    }

    #[test]
    fn every_assignment_is_added_changed_the_same_or_skipped() {
        let run = dry_run("NEW=1\nKNOWN=value\n2FA=x\nNEW=2\nrubbish\n\n# comment\n");
        let plan = plan(&run);
        assert_eq!(counts(&plan), [5, 1, 0, 1, 3]);
        assert_eq!(
            plan.issues.iter().map(|i| (i.line, i.kind)).collect::<Vec<_>>(),
            [(1, IssueKind::Duplicate), (3, IssueKind::BadName), (5, IssueKind::NoEquals)]
        );
        let changed = self::plan(&dry_run("KNOWN=other"));
        assert_eq!(counts(&changed), [1, 0, 1, 0, 0]);
    }

    #[test]
    fn the_last_occurrence_counts_until_somebody_chooses() {
        let mut run = dry_run("A=first\nB=b\nA=second\nA=third\n");
        let lines = |plan: &Plan| {
            let pair = |i: &Issue| (i.line, i.other_line.unwrap());
            plan.issues.iter().map(pair).collect::<Vec<_>>()
        };
        assert_eq!(lines(&plan(&run)), [(1, 4), (3, 4)]);
        run.keep("A", 1).unwrap();
        assert_eq!(lines(&plan(&run)), [(3, 1), (4, 1)]);
        run.keep("A", 3).unwrap();
        assert_eq!(lines(&plan(&run)), [(1, 3), (4, 3)]);
        assert_eq!(run.keep("A", 2), Err(DecisionError::NoSuchLine));
        assert_eq!(assignments(run), [("B".into(), "b".into()), ("A".into(), "second".into())]);
    }

    #[test]
    fn a_bad_name_counts_once_it_is_renamed() {
        let mut run = dry_run("2FA_SEED=seed\nB=b\n");
        assert_eq!(plan(&run).issues[0].suggestion.as_deref(), Some("_2FA_SEED"));
        assert_eq!(run.rename(1, "3X"), Err(DecisionError::Name(NameError::BeginsWithDigit)));
        assert_eq!(run.rename(2, "C"), Err(DecisionError::NoSuchLine));
        run.rename(1, "SEED_2FA").unwrap();
        assert_eq!(counts(&plan(&run)), [2, 2, 0, 0, 0]);
        run.rename(1, "B").unwrap();
        let plan = plan(&run);
        assert_eq!(counts(&plan), [2, 1, 0, 0, 1]);
        assert_eq!(plan.issues[0].kind, IssueKind::Duplicate);
        assert_eq!(assignments(run), [("B".into(), "b".into())]);
    }

    #[test]
    fn a_choice_whose_line_got_another_name_no_longer_binds() {
        let mut run = dry_run("1A=one\nA=two\nA=three\n");
        run.rename(1, "A").unwrap();
        run.keep("A", 1).unwrap();
        run.rename(1, "B").unwrap();
        assert_eq!(assignments(run), [("B".into(), "one".into()), ("A".into(), "three".into())]);
    }

    #[test]
    fn an_error_of_the_comparison_ends_the_run() {
        let failed = dry_run("A=1").plan(|_, _| Err::<Standing, _>("cannot open"));
        assert_eq!(failed, Err("cannot open"));
    }

    #[test]
    fn a_plan_prints_no_value() {
        let run = dry_run("A='hunter2\n1B=hunter2\nC=hunter2\nC=hunter2 hunter2\nhunter2\n");
        assert!(!format!("{:?} {run:?}", plan(&run)).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn the_counts_add_up_and_names_are_unique(text in "([AB1]=[xy]?\n|[AB]=\"\n|z\n|#\n){0,12}") {
            let run = dry_run(&text);
            let plan = plan(&run);
            prop_assert_eq!(
                plan.read,
                plan.added + plan.changed + plan.same + plan.skipped
            );
            let rows: Vec<String> = plan.rows.iter().map(|row| row.name.clone()).collect();
            let applied: Vec<String> = run.into_assignments().into_iter().map(|a| a.0).collect();
            prop_assert_eq!(&rows, &applied);
            let unique: BTreeSet<&String> = rows.iter().collect();
            prop_assert_eq!(unique.len(), rows.len());
        }
    }
}
