//! The audit log of a large organisation: made, searched and checked.

mod cast;
mod check;
mod dice;
mod insights;
mod made;
mod peer;
mod queries;
mod read;
mod search;
mod story;
mod world;

pub(crate) use read::{READ, read_world};
pub(crate) use world::{WORLD, make_world};

use crate::Failure;
use crate::table::Row;

const ENTRIES: usize = 1_000_000;

/// Searching first, then checking, on the same log.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let made = made::Made::new(ENTRIES)?;
    let mut rows = search::rows(&made)?;
    rows.extend(insights::rows(&made)?);
    rows.extend(check::rows(&made)?);
    Ok(rows)
}
