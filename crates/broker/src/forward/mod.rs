//! The way in: connections of agents, plain ones and those inside a CONNECT.
//!
//! A host has one name here: what CONNECT names, what the TLS handshake names (SNI), what `Host` or
//! `:authority` names and what the certificate shown is for are the same, or the request is answered
//! 421 and the mismatch is told. Every wait and every size is bounded, so a slow or endless client
//! costs itself only.
//!
//! Deliberately not here: who may use the proxy, and what happens to a request whose names agree.

mod authority;
mod intercept;
mod limits;
#[cfg(test)]
mod tests;

pub use authority::{Mismatch, Place, absolute_target, connect_target};
pub use intercept::{Serve, intercept};
pub(crate) use limits::MAX_FIELDS;
pub use limits::serve_connection;

/// Why a connection of an agent ended early.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The session has no certificate for the host.
    #[error(transparent)]
    Certificate(#[from] crate::ca::CaError),
    /// The TLS handshake failed, often because the command does not trust the session's authority.
    #[error("the TLS handshake with the command failed; does it trust the session's certificate?")]
    Handshake(#[source] std::io::Error),
    /// The handshake took too long.
    #[error("the TLS handshake with the command took too long")]
    Slow,
    /// The connection broke, or what came over it was not HTTP.
    #[error("the connection with the command broke off")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
}
