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
/// Another number of entries, for a machine with less time or memory.
const VARIABLE: &str = "EVENTS";

/// Searching first, then checking, on the same log.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let entries = std::env::var(VARIABLE).map_or(Ok(ENTRIES), |wanted| wanted.parse())?;
    let made = made::Made::new(entries)?;
    let mut rows = search::rows(&made)?;
    rows.extend(insights::rows(&made)?);
    rows.extend(check::rows(&made)?);
    Ok(rows)
}
