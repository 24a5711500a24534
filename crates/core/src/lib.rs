//! The vault without I/O: verified copies, staged edits, commits, import and search.
//!
//! Invariants: no clock, no entropy and no network except as arguments, so that a test can crash a
//! device at any step; a value is opened one at a time, on use, and lives in wiped memory.

#![forbid(unsafe_code)]

pub mod access;
pub mod agents;
pub mod apply;
pub mod bundle;
pub mod certificate;
pub mod cosign;
pub mod details;
pub mod dotenv;
pub mod draft;
pub mod drill;
pub mod dry_run;
pub mod env;
pub mod evidence;
pub mod export;
pub mod generate;
pub mod insights;
pub mod list;
pub mod lock_file;
pub mod log;
pub mod names;
pub mod offboard;
pub mod pen;
pub mod replica;
pub mod rotation;
pub mod search;
pub mod team;
pub mod utc;
pub mod variable;
