//! The desktop shell: windows, commands, dialogs, signals of the desktop.
//!
//! Invariants: no cryptography, no SQL, no HTTP; every page comes out of this program; no command of
//! the main window takes or answers the value of a secret; only Rust opens windows, files and
//! dialogs.

#![forbid(unsafe_code)]

pub mod clock;
pub mod commands;
pub mod desk;
pub mod dialogs;
pub mod error;
pub mod events;
pub mod follow;
pub mod idle;
pub mod ipc;
pub mod link;
pub mod lock_signals;
pub mod shell;
mod start;
pub mod view;
pub mod windows;

pub use start::run;
