//! Parts of the audit log for people outside, who have neither a server nor a vault.
//!
//! A bundle is a file of lines. The first says what it is; then come the organisation's whole chain,
//! the chosen entries and the nodes of the tree that stand for the others, the proof that the log
//! continues the state which the chain repeats, names if they are wanted, and the signature of who
//! made it. It is read and written line by line, so its size is nobody's memory.
//!
//! Everything in it follows from the organisation's id; what rests on somebody's word, the judgement
//! says. One entry alone goes out as a [`tlog_proof`].

pub mod asked;
mod cover;
mod judge;
mod line;
mod repeated;
mod tally;
pub mod tlog_proof;
mod words;
mod write;

pub use judge::{Refused, Why, judge};
pub use line::Named;
pub use tally::{Gap, Tally};
pub use words::{Anchor, Judgement};
pub use write::{BundleWriter, Order, WriteError};

/// What such a file is called.
pub const ENDING: &str = "strongroom-bundle";
/// What every such file begins with.
pub const BEGIN: &[u8] = b"{\"strongroom\":\"audit-bundle\",";

#[cfg(test)]
mod tests;
