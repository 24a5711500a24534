//! A broker without a window: a service token is the owner.
//!
//! Invariants: who exists, who may be lent to, and where each credential may go come from the
//! verified chain and the secrets' own signed policies; what an agent may do stands in the file of
//! this machine, because a token reads no directory. Every value is opened anew for its session,
//! and only after the server wrote that down. When nothing could be verified for a while, or the
//! token is taken away, the broker locks itself.
//!
//! Deliberately not here: anything that writes. A credential that a provider replaces is kept in
//! memory until this process ends, and a person must renew it.

mod code;
mod config;
mod owner;
mod run;

pub use config::{ConfigError, Settings};
pub use owner::TokenOwner;
pub use run::{HeadlessError, run};
