//! The port to whoever holds the vault.

use std::{future::Future, pin::Pin};

use strongroom_control::link::{NoLease, ToOwner};
use strongroom_format::id::AgentId;
use strongroom_policy::SecretAt;
use strongroom_secret::SecretBytes;

/// A value for a use, and the version it is.
#[derive(Debug)]
pub struct Lent {
    /// Which version.
    pub version: u64,
    /// The value.
    pub value: SecretBytes,
}

/// What [`Owner::lend`] answers.
pub type Lending<'a> = Pin<Box<dyn Future<Output = Result<Lent, NoLease>> + Send + 'a>>;

/// Whoever holds the vault: the desktop at the other end of the link, or a service token in this
/// process.
pub trait Owner: Send + Sync + 'static {
    /// Opens a value for an agent. The owner notes that it was opened.
    fn lend(&self, agent: AgentId, secret: SecretAt, version: u64) -> Lending<'_>;

    /// A provider replaced a credential: the new one is to be kept.
    fn captured(&self, secret: SecretAt, version: u64, value: SecretBytes);

    /// Something happened that a person may want to see. Never blocks.
    fn tell(&self, what: ToOwner);
}
