//! Finds secrets by name while a person types.
//!
//! A [`NameIndex`] holds the names and notes of one environment, folded to lower case and joined
//! into one text, so that a filter is one pass over memory. A [`SearchIndex`] holds one for each
//! environment for the palette; a change in one environment rebuilds that one.
//!
//! Deliberately not here: values (nothing can be searched by value), sorting of tables, clocks.

pub(crate) mod fold;
mod names;
mod palette;

#[cfg(test)]
mod tests;

pub use fold::Query;
pub use names::{NameIndex, Range16, Searchable};
pub use palette::{Hit, SearchIndex};
