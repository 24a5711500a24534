//! The evil server: an honest server with a liar in front of it.
//!
//! A test stands it between the real client and the real server. It records every request and
//! answer, keeps any history, edits any answer, gives answers of its own and signs with keys of its
//! own. What it cannot do is what the protocol promises: make a client accept something else than
//! what the members signed. Deliberately not here: any decision about what is right.

#![forbid(unsafe_code)]

mod answer;
mod log;
mod notes;
mod proxy;
mod traffic;

pub use answer::Answer;
pub use log::FalseLog;
pub use notes::{foreign_notes, signed};
pub use proxy::EvilServer;
pub use traffic::{Exchange, Request, shape, tree_without};
