//! Finds entries of the log: a table of columns in memory, filtered and counted in one pass.

mod verb;

pub use verb::verb;
