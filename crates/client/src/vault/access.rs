//! Who may read what, for the window: the matrix, the changes that are staged in it, and the
//! reasons. Nothing here signs, and nothing talks to the server.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use strongroom_core::access::{
    self, AccessDraft, CellChange, Explanation, Matrix, Review, StagedCell, StagedCells, Subject,
    TileCell, Who,
};
use strongroom_core::log::{AuditCopy, Facts};
use strongroom_core::replica::Replica;
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, OrgId, Principal, UserId};

use super::book::Trust;
use super::error::VaultError;
use super::org::OpenOrg;
use super::session::{Notice, Session};
use crate::cache::CacheError;

/// Rows and columns, and what waits in them.
#[derive(Debug, Clone)]
pub struct AccessAxes {
    /// Squares of another version are stale.
    pub version: u32,
    /// Rows, columns and cells.
    pub matrix: Arc<Matrix>,
    /// The principals who lose everything they hold by what is staged.
    pub leaving: BTreeSet<Principal>,
    /// What is staged.
    pub staged: AccessStaged,
}

/// One square of cells.
#[derive(Debug, Clone)]
pub struct AccessTile {
    /// The version of the axes it belongs to.
    pub version: u32,
    /// Its cells that are not empty.
    pub cells: Vec<TileCell>,
}

/// What is staged, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccessStaged {
    /// Changed cells.
    pub count: usize,
    /// How many of them cannot be signed.
    pub impossible: usize,
    /// Principals who gain something.
    pub gains: usize,
    /// Principals who lose something.
    pub loses: usize,
    /// Data keys to be replaced afterwards.
    pub keys_replaced: usize,
    /// Whether there is a step to take back.
    pub can_undo: bool,
    /// Whether there is a step to take again.
    pub can_redo: bool,
}

/// What is kept of the matrix of one organisation.
#[derive(Debug, Default)]
pub(super) struct AccessState {
    /// `None` until it was read from this computer.
    draft: Option<AccessDraft>,
    shown: Option<Shown>,
    version: u32,
}

#[derive(Debug)]
struct Shown {
    of: Basis,
    matrix: Arc<Matrix>,
}

/// What a matrix was worked out from: the chain, the commits, and when the next right ends.
#[derive(Debug, PartialEq, Eq)]
struct Basis {
    head: Digest,
    commits: u64,
    valid_until_ms: u64,
}

impl Basis {
    fn of(replica: &Replica, now_ms: u64) -> Self {
        let state = replica.state();
        let time_ms = now_ms.max(state.time_ms());
        let grants = state.envs().values().flat_map(|env| env.grants.values());
        let ends = grants.filter_map(|line| line.all().last()).map(|(_, grant)| grant.not_after);
        let tokens = state.tokens().values().map(|token| token.not_after);
        let next = ends.chain(tokens).filter(|end| *end >= time_ms && *end != 0).min();
        Self {
            head: state.head(),
            commits: replica.envs().values().map(|copy| copy.history().seq()).sum(),
            valid_until_ms: next.unwrap_or(u64::MAX),
        }
    }
}

impl AccessState {
    fn draft(&mut self) -> &mut AccessDraft {
        self.draft.get_or_insert_default()
    }
}

impl OpenOrg {
    fn matrix(&mut self, now_ms: u64) -> (u32, Arc<Matrix>) {
        let of = Basis::of(&self.replica, now_ms);
        if let Some(shown) = self.access.shown.as_ref().filter(|shown| shown.of == of) {
            return (self.access.version, Arc::clone(&shown.matrix));
        }
        let matrix = Arc::new(Matrix::of(&mut self.replica, now_ms));
        self.access.version = self.access.version.wrapping_add(1);
        self.access.shown = Some(Shown { of, matrix: Arc::clone(&matrix) });
        (self.access.version, matrix)
    }

    fn access_cells(&mut self, now_ms: u64) -> Vec<StagedCell> {
        let me = self.replica.principal();
        let state = self.replica.state();
        self.access.draft.as_ref().map(|d| d.staged(state, &me, now_ms)).unwrap_or_default()
    }

    fn access_staged(&mut self, now_ms: u64) -> (StagedCells, AccessStaged) {
        let cells = self.access_cells(now_ms);
        let (_, matrix) = self.matrix(now_ms);
        let placed = matrix.place(&cells);
        let sums = matrix.sums(&placed);
        let draft = self.access.draft();
        let staged = AccessStaged {
            count: cells.len(),
            impossible: cells.iter().filter(|cell| cell.refusal.is_some()).count(),
            gains: sums.gains,
            loses: sums.loses,
            keys_replaced: sums.keys_replaced,
            can_undo: draft.can_undo(),
            can_redo: draft.can_redo(),
        };
        (placed, staged)
    }
}

impl Session {
    /// Rows, columns and what is staged, for the organisation in front.
    pub fn access_axes(&self) -> Result<AccessAxes, VaultError> {
        self.access(|org, now| {
            let (version, matrix) = org.matrix(now);
            let (placed, staged) = org.access_staged(now);
            let leaving = matrix.leaving(&placed);
            Ok(AccessAxes { version, matrix, leaving, staged })
        })
    }

    /// The square of cells at `row` and `column`, counted in squares of [`access::TILE`].
    pub fn access_tile(&self, row: usize, column: usize) -> Result<AccessTile, VaultError> {
        let log = self.audit_copy()?;
        self.access(|org, now| {
            let (version, matrix) = org.matrix(now);
            let placed = matrix.place(&org.access_cells(now));
            let cells = matrix.tile(row, column, &placed, facts(log.as_deref()));
            Ok(AccessTile { version, cells })
        })
    }

    /// Stages changes as one step, and keeps them on this computer, sealed. What is already so is
    /// not staged.
    pub fn access_stage(&self, changes: &[CellChange]) -> Result<AccessStaged, VaultError> {
        self.access_step(|draft| draft.stage(changes))
    }

    /// Takes the last step back; nothing if there is none.
    pub fn access_undo(&self) -> Result<AccessStaged, VaultError> {
        self.access_step(|draft| {
            draft.undo();
        })
    }

    /// Takes a step again; nothing if there is none.
    pub fn access_redo(&self) -> Result<AccessStaged, VaultError> {
        self.access_step(|draft| {
            draft.redo();
        })
    }

    /// Drops everything staged, as one step that can be undone.
    pub fn access_discard(&self) -> Result<AccessStaged, VaultError> {
        self.access_step(AccessDraft::discard)
    }

    /// Forgets everything staged, undo included: it is signed.
    pub fn access_clear(&self) -> Result<(), VaultError> {
        self.access_step(AccessDraft::clear).map(|_| ())
    }

    /// What is staged and not yet so.
    pub fn access_changes(&self) -> Result<Vec<CellChange>, VaultError> {
        self.access(|org, now| {
            Ok(org.access_cells(now).into_iter().map(|cell| cell.change).collect())
        })
    }

    /// As [`Session::access_changes`], each with the reason if it cannot be signed.
    pub fn access_cells(&self) -> Result<Vec<StagedCell>, VaultError> {
        self.access(|org, now| Ok(org.access_cells(now)))
    }

    /// Why a cell is as it is.
    pub fn access_explain(
        &self,
        principal: &Principal,
        env: &EnvId,
    ) -> Result<Explanation, VaultError> {
        let log = self.audit_copy()?;
        self.access(|org, now| {
            let explained =
                access::explain(org.replica(), facts(log.as_deref()), principal, env, now);
            explained.ok_or(VaultError::NotFound)
        })
    }

    /// What signing the staged changes would do.
    pub fn access_review(&self) -> Result<Review, VaultError> {
        let log = self.audit_copy()?;
        let members = self.members()?.into_iter();
        let unverified: BTreeSet<UserId> = members
            .filter(|member| member.trust == Trust::Unverified)
            .map(|member| member.user)
            .collect();
        let verified = |user: &UserId| !unverified.contains(user);
        self.access(|org, now| {
            let changes: Vec<CellChange> =
                org.access_cells(now).into_iter().map(|cell| cell.change).collect();
            let facts = facts(log.as_deref());
            Ok(access::review(org.replica(), &changes, &verified, facts, now))
        })
    }

    /// Who can read something, by which rule, and who did.
    pub fn who(&self, subject: &Subject) -> Result<Who, VaultError> {
        let log = self.audit_copy()?;
        self.access(|org, now| {
            let answer = access::who(org.replica(), facts(log.as_deref()), subject, now);
            answer.ok_or(VaultError::NotFound)
        })
    }

    fn access_step(&self, step: impl FnOnce(&mut AccessDraft)) -> Result<AccessStaged, VaultError> {
        let name = draft_name(&self.current()?);
        let (staged, bytes) = self.access(|org, now| {
            step(org.access.draft());
            let (_, staged) = org.access_staged(now);
            let draft = org.access.draft();
            Ok((staged, (!draft.is_empty()).then(|| draft.encode())))
        })?;
        match bytes {
            Some(bytes) => self.drafts.put(&name, &bytes, &mut OsEntropy)?,
            None => self.drafts.remove(&name)?,
        }
        self.tell(Notice::Status);
        Ok(staged)
    }

    /// Looks at the organisation in front once its staged changes were read from this computer.
    fn access<R>(
        &self,
        look: impl FnOnce(&mut OpenOrg, u64) -> Result<R, VaultError>,
    ) -> Result<R, VaultError> {
        let (name, now) = (draft_name(&self.current()?), self.now_ms());
        if self.with(|org| Ok(org.access.draft.is_none()))? {
            let draft = match self.drafts.get(&name) {
                Ok(bytes) => bytes.lend(AccessDraft::decode).unwrap_or_default(),
                Err(CacheError::Missing | CacheError::Broken) => AccessDraft::default(),
                Err(error) => return Err(error.into()),
            };
            self.with(|org| {
                org.access.draft.get_or_insert(draft);
                Ok(())
            })?;
        }
        self.with(|org| look(org, now))
    }
}

/// What the log says as far as it was read; before that, nothing.
fn facts(log: Option<&AuditCopy>) -> &Facts {
    static NOTHING: LazyLock<Facts> = LazyLock::new(Facts::default);
    log.and_then(AuditCopy::facts).unwrap_or(&NOTHING)
}

fn draft_name(org: &OrgId) -> String {
    format!("access-{org}")
}
