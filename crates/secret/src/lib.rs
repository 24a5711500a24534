//! Secret bytes: wiped when dropped, redacted when printed, compared in constant time.
//!
//! Invariants: a secret has two doors, one in (a constructor) and one lent (a closure that sees the
//! bytes for one call); its `Debug` is a constant; it implements neither `Display` nor `Serialize`
//! nor `Clone`. 32-byte keys live in one arena that is locked in RAM and left out of core files.
//!
//! Deliberately not here: any cryptography, any entropy, any I/O but the calls that harden the
//! process.

#![deny(unsafe_code)]

mod arena;
mod bytes;
pub mod hardening;
mod key;
mod text;

pub use arena::{ArenaState, arena_state};
pub use bytes::SecretBytes;
pub use key::Key32;
pub use text::{Passphrase, PassphraseTooLong, SecretText};
