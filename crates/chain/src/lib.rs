//! The verifiers: organisation chain, environment commits, audit tree, checkpoints, pins.
//!
//! Pure: no I/O, no clock, no entropy. Signature checks and hashes only.

#![forbid(unsafe_code)]

pub mod tree;
