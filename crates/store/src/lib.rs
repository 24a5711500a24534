//! What the server keeps, as records and as the traits that every storage backend implements.
//!
//! Invariants: a [`ReadTx`] is one consistent snapshot; a [`WriteTx`] is all or nothing and its
//! effects are durable once [`WriteTx::commit`] returns; positions are unique per organisation, so
//! two writers can never both succeed at one place. There is no way to change a link, a
//! commit, an event, a tree node or a checkpoint, and none to remove one, but for the oldest events
//! where an owner signed that they need not be kept ([`WriteTx::retire_events`]).
//!
//! Deliberately not here: rights (a function of the chain, decided by the server before it writes)
//! and SQL (each backend has its own).

#![forbid(unsafe_code)]

#[cfg(feature = "conformance")]
pub mod conformance;
mod records;
mod traits;

pub use records::{
    Account, ActorHead, CommitRow, EnvHeadRow, EventRow, Identity, InviteAuth, Item, JoinRow,
    LinkRow, NodeRow, PreviousRow, TokenAuth, WrapRow,
};
pub use traits::{ReadTx, Store, WriteTx};

use thiserror::Error;

/// Why the storage did not do what was asked. None of them says what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// No room is left; nothing was written, and the store works again once there is room.
    #[error("the storage is full")]
    Full,
    /// Something stands at this position or under this id already.
    #[error("the position is taken")]
    Taken,
    /// Another process holds the storage.
    #[error("the storage is busy")]
    Busy,
    /// The medium failed or the data is damaged: what was written before must be recovered from
    /// it, and nothing may be written until then.
    #[error("the storage failed: {0}")]
    Failed(String),
}
