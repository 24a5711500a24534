//! Lets agents use credentials that they never see.
//!
//! An agent holds *fake tokens*; a request that carries one comes here, is held against two policies
//! (where the credential may ever go, and what this agent may do), gets the real credential for the
//! length of one request, and its answer is scrubbed on the way back.
//!
//! Invariants: nothing leaves before it is written down; one choke point ([`exchange`]) that every
//! way in passes, and that every stop reaches; no value outlives its session; what is not named is
//! refused.
//!
//! Deliberately not here: decisions (`strongroom-policy`), the vault (the [`owner::Owner`]).

#![forbid(unsafe_code)]

pub mod approvals;
pub mod back;
pub mod broker;
pub mod ca;
pub mod control;
pub mod egress;
pub mod exchange;
pub mod forward;
pub mod gateway;
pub mod headless;
pub mod inject;
pub mod journal;
pub mod leases;
pub mod link;
mod local;
pub mod open;
pub mod owner;
mod present;
pub mod rebuild;
pub mod refusal;
pub mod running;
pub mod serve;
pub mod sessions;
pub mod tokens;
pub mod who;

pub use broker::{Broker, Options};
