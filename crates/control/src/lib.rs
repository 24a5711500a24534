//! What is said to the broker and by it.
//!
//! The *link* joins a broker to its owner, who holds the vault; the *door* is the Unix socket at
//! which a person's commands arrive. Both speak frames: a JSON message and, beside it, the secret
//! bytes it is about, which never pass through JSON.
//!
//! Deliberately not here: what anybody does with a message.

#![forbid(unsafe_code)]

#[cfg(unix)]
pub mod dial;
pub mod door;
pub mod frame;
pub mod held;
pub mod link;
pub mod record;
pub mod recorder;
