//! The cryptographic half of the protocol (docs/protocol.md, sections 2 to 8).
//!
//! `hazmat` holds the primitives, a few lines each, and is private. [`safe`] is what the rest of
//! the program may use: constructs that cannot be called in the wrong order, with keys that wipe
//! themselves and one error for every failure to open.
//!
//! Invariants: nothing here reads a clock, a file or the network; entropy is an argument; no
//! function takes a nonce; no number that a server sent chooses a cost or an algorithm.
//!
//! Deliberately not here: verifying signatures and chains (`strongroom-chain`), which the server
//! does as well. The server does not link this crate, so it cannot open what it stores.

#![forbid(unsafe_code)]

#[cfg(all(feature = "danger-test-kdf", not(debug_assertions)))]
compile_error!(
    "the feature danger-test-kdf makes passphrases guessable: it is for debug builds alone"
);

mod hazmat;
pub mod safe;

#[cfg(test)]
mod tests;
