//! Ids, canonical encoding, and every object that Strongroom stores, signs or sends.
//!
//! Invariants: one encoding per object, and a decoder consumes every byte or refuses. Deliberately
//! not here: ciphers, keys, checks of signatures (`strongroom-chain`), and any I/O.

#![forbid(unsafe_code)]

pub mod check;
pub mod encoding;
pub mod hash;
pub mod id;

pub mod agency;
pub mod commit;
pub mod event;
pub mod note;
pub mod pins;
pub mod statement;
pub mod wire;
