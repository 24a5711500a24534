//! The matrix of principals and environments: its axes, and its cells in squares.
//!
//! All cells are worked out once for a state of the chain, from one pass over the grants and the
//! wraps of each environment. A square is then a copy of a few hundred entries.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use strongroom_chain::org::EnvState;
use strongroom_format::id::{EnvId, Principal, SecretId};
use strongroom_format::statement::{EnvKind, Rights, Role};

use super::draft::StagedCell;
use super::words::{class, secret_counts};
use super::{CellChange, changes::manages};
use crate::details::EnvClass;
use crate::log::Facts;
use crate::replica::Replica;
use crate::team::who;

/// How many rows and columns a square has.
pub const TILE: usize = 32;

/// One row: a living principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Who.
    pub principal: Principal,
    /// Its name.
    pub name: String,
    /// The role of a person.
    pub role: Option<Role>,
}

/// One column: an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Which.
    pub env: EnvId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub class: EnvClass,
    /// Its application or group.
    pub place: [u8; 16],
    /// The name of that.
    pub app: String,
    /// A group that other environments compose.
    pub group: bool,
    /// How many secrets it holds.
    pub secrets: usize,
    /// How many living people hold its newest data key.
    pub people: usize,
    /// The data key must be replaced before anything else is signed.
    pub due: bool,
    /// This person may change who reads it.
    pub can_grant: bool,
}

/// What a principal has in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellState {
    /// Holds the newest data key.
    Key,
    /// Has the right, and nobody has wrapped the newest data key for it.
    Waits,
    /// May manage the environment, or do there what needs no key; holds none.
    Role,
    /// A reviewer: can never hold a key.
    Never,
}

/// One cell that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// What it has.
    pub state: CellState,
    /// The rights in force.
    pub rights: Rights,
    /// When they end, in milliseconds since 1970; zero for never.
    pub ends_ms: u64,
}

/// One cell of a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileCell {
    /// Index of its row.
    pub row: usize,
    /// Index of its column.
    pub column: usize,
    /// What is signed; `None` where something is staged for an empty cell.
    pub cell: Option<Cell>,
    /// When its principal last decrypted something there, in milliseconds since 1970.
    pub decrypted_ms: Option<u64>,
    /// What is staged for it.
    pub staged: Option<CellChange>,
}

/// Staged changes by row and column.
#[derive(Debug, Clone, Default)]
pub struct StagedCells(BTreeMap<(usize, usize), CellChange>);

/// What staged changes come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Principals who gain something.
    pub gains: usize,
    /// Principals who lose something.
    pub loses: usize,
    /// Data keys to be replaced afterwards.
    pub keys_replaced: usize,
}

/// Rows, columns and cells at one state of the chain.
#[derive(Debug, Clone)]
pub struct Matrix {
    rows: Vec<Row>,
    columns: Vec<Column>,
    /// Row after row.
    cells: Vec<Option<Cell>>,
    row_of: HashMap<Principal, usize>,
    column_of: HashMap<EnvId, usize>,
}

impl Matrix {
    /// Works everything out for the copy as it is at `now_ms`.
    pub fn of(replica: &mut Replica, now_ms: u64) -> Self {
        let rows = rows(replica, now_ms);
        let columns = columns(replica, now_ms);
        let row_of = rows.iter().enumerate().map(|(n, row)| (row.principal, n)).collect();
        let column_of = columns.iter().enumerate().map(|(n, column)| (column.env, n)).collect();
        let cells = vec![None; rows.len() * columns.len()];
        let mut matrix = Self { rows, columns, cells, row_of, column_of };
        for column in 0..matrix.columns.len() {
            matrix.fill(column, replica, now_ms);
        }
        matrix
    }

    fn fill(&mut self, column: usize, replica: &Replica, now_ms: u64) {
        let state = replica.state();
        let time_ms = now_ms.max(state.time_ms());
        let env = self.columns[column].env;
        let Some(place) = state.env(&env) else { return };
        let width = self.columns.len();
        for (n, row) in self.rows.iter().enumerate() {
            let by_role = match row.role {
                Some(Role::Reviewer) => CellState::Never,
                Some(role) if role.manages() => CellState::Role,
                _ => continue,
            };
            let cell = Cell { state: by_role, rights: Rights::NONE, ends_ms: 0 };
            self.cells[n * width + column] = Some(cell);
        }
        let holders = holders(place);
        let mut people = 0;
        for (who, line) in &place.grants {
            let Some(row) = self.row_of.get(who) else { continue };
            let rights = state.rights(&env, who, time_ms);
            if rights == Rights::NONE {
                continue;
            }
            let state = match (rights.includes(Rights::READ), holders.contains(who)) {
                (true, true) => CellState::Key,
                (true, false) => CellState::Waits,
                (false, _) => CellState::Role,
            };
            people += usize::from(state == CellState::Key && matches!(who, Principal::User(_)));
            let ends_ms = line.all().last().map_or(0, |(_, grant)| grant.not_after);
            self.cells[row * width + column] = Some(Cell { state, rights, ends_ms });
        }
        self.columns[column].people = people;
    }

    /// The living principals: people by role and name, then tokens, then agents.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The environments, by application and class as everywhere; the groups last.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// One cell; `None` if it is empty or not there.
    pub fn cell(&self, who: &Principal, env: &EnvId) -> Option<Cell> {
        let (row, column) = (self.row_of.get(who)?, self.column_of.get(env)?);
        self.cells[row * self.columns.len() + column]
    }

    /// Puts staged changes at their places; those of principals and environments that are gone have
    /// none.
    pub fn place(&self, staged: &[StagedCell]) -> StagedCells {
        let at = |cell: &StagedCell| {
            let CellChange { principal, env, .. } = &cell.change;
            let at = (*self.row_of.get(principal)?, *self.column_of.get(env)?);
            Some((at, cell.change))
        };
        StagedCells(staged.iter().filter_map(at).collect())
    }

    /// The cells of one square that are not empty: `row` and `column` count squares.
    pub fn tile(
        &self,
        row: usize,
        column: usize,
        staged: &StagedCells,
        facts: &Facts,
    ) -> Vec<TileCell> {
        let rows = span(row, self.rows.len());
        let columns = span(column, self.columns.len());
        let mut tile = Vec::with_capacity(rows.len() * columns.len());
        for row in rows {
            let from = row * self.columns.len();
            let signed = &self.cells[from + columns.start..from + columns.end];
            let mut changes = staged.0.range((row, columns.start)..(row, columns.end)).peekable();
            for (column, cell) in columns.clone().zip(signed) {
                let here = changes.next_if(|((_, at), _)| *at == column);
                let staged = here.map(|(_, change)| *change);
                if cell.is_none() && staged.is_none() {
                    continue;
                }
                let holds = cell.is_some_and(|cell| cell.rights.includes(Rights::READ));
                let (who, env) = (&self.rows[row].principal, &self.columns[column].env);
                let decrypted = facts.in_env(who, env).filter(|_| holds).and_then(|f| f.decrypted);
                let decrypted_ms = decrypted.map(|(at_ms, _)| at_ms);
                tile.push(TileCell { row, column, cell: *cell, decrypted_ms, staged });
            }
        }
        tile
    }

    /// What staged changes come to, in numbers.
    pub fn sums(&self, staged: &StagedCells) -> Sums {
        let (mut gains, mut loses) = (BTreeSet::new(), BTreeSet::new());
        let mut replaced = BTreeSet::new();
        for ((row, column), change) in &staged.0 {
            let cell = self.cells[row * self.columns.len() + column];
            let before = cell.map_or(Rights::NONE, |cell| cell.rights);
            let ended = cell.filter(|_| before != Rights::NONE).map(|cell| lasting(cell.ends_ms));
            let ends = ended.map(|ended| lasting(change.not_after).cmp(&ended));
            let same = before == change.rights;
            if !before.includes(change.rights) || (same && ends.is_some_and(Ordering::is_gt)) {
                gains.insert(row);
            }
            if !change.rights.includes(before) || (same && ends.is_some_and(Ordering::is_lt)) {
                loses.insert(row);
            }
            let stops = before.includes(Rights::READ) && !change.rights.includes(Rights::READ);
            if stops || (before != Rights::NONE && change.rights == Rights::NONE) {
                replaced.insert(column);
            }
        }
        Sums { gains: gains.len(), loses: loses.len(), keys_replaced: replaced.len() }
    }

    /// The principals who lose everything that they hold by what is staged, and hold something.
    pub fn leaving(&self, staged: &StagedCells) -> BTreeSet<Principal> {
        let takes_all = |row: usize| {
            let width = self.columns.len();
            let cells = &self.cells[row * width..(row + 1) * width];
            let held = |n: usize| cells[n].is_some_and(|cell| cell.rights != Rights::NONE);
            let taken = |n: usize| {
                staged.0.get(&(row, n)).is_some_and(|change| change.rights == Rights::NONE)
            };
            (0..width).any(held) && (0..width).all(|n| !held(n) || taken(n))
        };
        let rows: BTreeSet<usize> = staged.0.keys().map(|(row, _)| *row).collect();
        rows.into_iter().filter(|row| takes_all(*row)).map(|row| self.rows[row].principal).collect()
    }
}

/// An end that can be compared: none is the latest.
fn lasting(end_ms: u64) -> u64 {
    if end_ms == 0 { u64::MAX } else { end_ms }
}

fn span(square: usize, length: usize) -> std::ops::Range<usize> {
    let from = square.saturating_mul(TILE).min(length);
    from..(from + TILE).min(length)
}

/// Who holds a wrap of the newest data key.
pub(super) fn holders(place: &EnvState) -> BTreeSet<Principal> {
    let newest = place.epochs.last();
    newest.map(|e| e.wraps.iter().map(|wrap| wrap.recipient).collect()).unwrap_or_default()
}

fn rows(replica: &mut Replica, now_ms: u64) -> Vec<Row> {
    let state = replica.state();
    let time_ms = now_ms.max(state.time_ms());
    let people = state.members().keys().filter_map(|user| Some((user, state.role(user)?)));
    let mut all: Vec<(Principal, Option<Role>)> =
        people.map(|(user, role)| (Principal::User(*user), Some(role))).collect();
    let tokens = state.tokens().keys().map(|token| Principal::Token(*token));
    let lives = |who: &Principal| state.signing_key(who, state.seq(), time_ms).is_some();
    all.extend(tokens.filter(lives).map(|who| (who, None)));
    let agents = state.agents().keys().filter(|agent| state.agent_lives(agent, time_ms));
    all.extend(agents.map(|agent| (Principal::Agent(*agent), None)));
    let mut rows: Vec<Row> = all
        .into_iter()
        .map(|(principal, role)| Row { principal, name: who(replica, &principal), role })
        .collect();
    let rank = |role: Option<Role>| match role {
        Some(Role::Owner) => 0,
        Some(Role::Admin) => 1,
        Some(Role::Member) | None => 2,
        Some(Role::Reviewer) => 3,
    };
    rows.sort_by_cached_key(|row| {
        (row.principal.kind(), rank(row.role), row.name.to_lowercase(), row.principal)
    });
    rows
}

fn columns(replica: &mut Replica, now_ms: u64) -> Vec<Column> {
    let state = replica.state();
    let time_ms = now_ms.max(state.time_ms());
    let me = replica.principal();
    let managing = manages(state, &me);
    let mut columns: Vec<Column> = state
        .envs()
        .iter()
        .filter(|(_, place)| place.kind != EnvKind::Directory)
        .map(|(env, place)| Column {
            env: *env,
            name: String::new(),
            class: EnvClass::Other,
            place: place.place,
            app: String::new(),
            group: place.kind == EnvKind::Group,
            secrets: 0,
            people: 0,
            due: state.is_due(env, time_ms),
            can_grant: managing || state.rights(env, &me, time_ms).includes(Rights::GRANT),
        })
        .collect();
    let counts = secret_counts(replica);
    for column in &mut columns {
        let named = |replica: &mut Replica, item| {
            replica.directory_name(item).map_or_else(String::new, |named| named.name.clone())
        };
        column.name = named(replica, column.env.directory_item());
        column.app = named(replica, SecretId(column.place));
        column.class = class(replica, &column.env);
        column.secrets = counts.get(&column.env).copied().unwrap_or(0);
    }
    columns.sort_by_cached_key(|column| {
        let app = (column.group, column.app.to_lowercase(), column.place);
        (app, rank(column.class), column.name.to_lowercase(), column.env)
    });
    columns
}

fn rank(class: EnvClass) -> u8 {
    match class {
        EnvClass::Development => 0,
        EnvClass::Staging => 1,
        EnvClass::Production => 2,
        EnvClass::Other => 3,
    }
}
