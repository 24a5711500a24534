//! Who may read what: changes to it, the matrix that shows it, and the reasons for each cell.
//!
//! Everything here is derived from the verified chain; nothing is signed. A change is checked
//! against the same rules that every verifier applies, so that what cannot be signed says why
//! before anybody is asked to sign it.

mod changes;
mod draft;
mod explain;
mod matrix;
mod review;
mod who;
mod words;

use strongroom_format::id::{EnvId, Principal};
use strongroom_format::statement::Rights;

pub use changes::{Refusal, Refused, RefusedChanges, bodies};
pub use draft::{AccessDraft, StagedCell};
pub use explain::{Because, Explanation, explain};
pub use matrix::{Cell, CellState, Column, Matrix, Row, StagedCells, Sums, TILE, TileCell};
pub use review::{Act, ActKind, Party, PartyLine, Review, review};
pub use who::{Subject, Who, WhoRow, who};
pub use words::day;
pub(crate) use words::{class, counted, secret_counts};

/// One change of a cell of the matrix: the rights of one principal in one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellChange {
    /// Who.
    pub principal: Principal,
    /// Where.
    pub env: EnvId,
    /// The rights it then has; none takes all of them away.
    pub rights: Rights,
    /// The end of the rights, in milliseconds since 1970; zero for none.
    pub not_after: u64,
}
