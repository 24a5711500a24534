//! What the vault does with the world: the server, the keyring, the disk, the clipboard.
//!
//! Each module is a port with one job and typed errors; what they mean together (unlock, sync,
//! write, lock) is `vault`. Deliberately not here: verification (`strongroom-chain`) and decisions
//! (`strongroom-core`), which do no I/O.

#![forbid(unsafe_code)]

// The unit tests share the world of the integration tests, which see this crate from outside.
#[cfg(test)]
extern crate self as strongroom_client;

pub mod api;
pub mod browser;
pub mod cache;
pub mod clipboard;
pub mod clock;
mod disk;
pub mod keyring;
pub mod pins;
pub mod profile;
pub mod robot;
pub mod settings;
pub mod vault;

pub use disk::DiskError;

/// Writes a file that only its owner may read, in place of an older one.
pub fn write_private(path: &std::path::Path, content: &[u8]) -> Result<(), DiskError> {
    disk::replace(path, content)
}
