//! The verifiers: organisation chain, environment commits, audit tree and checkpoints.
//!
//! Invariants: pure functions and values, no I/O, no clock, no entropy; a state exists only as the
//! result of its checks; every signature is checked strictly. Client and server use the same code,
//! so that rights are a function of the chain on both sides.
//!
//! Deliberately not here: secret keys, ciphers, storage.

#![forbid(unsafe_code)]

pub mod history;
pub mod org;
mod rules;
pub mod signature;
pub mod tree;
pub mod trie;

pub use history::{CommitError, EnvHistory};
pub use org::{ChainError, OrgState};
