//! The pure decisions of the broker: which agent may use which credential, where.
//!
//! Invariants: no I/O, no clock, no entropy except as arguments; every decision is a function of its
//! arguments and total; nothing that is not named is allowed, and an empty list names nothing.
//! Deliberately not here: who asks (the broker knows processes), what is sent (the broker), and
//! whether a policy is signed (`strongroom-core`).

#![forbid(unsafe_code)]

pub mod address;
pub mod agent;
pub mod decide;
pub mod effect;
pub mod fake;
pub mod provider;
pub mod scope;
pub mod secret;
pub mod target;
pub mod usage;

mod document;
mod rules;
mod why;

pub use agent::{AgentPolicy, Effect, OnLock, ProcessRule, Rule};
pub use decide::{
    Asked, Decision, Denied, Process, SecretDenial, Step, Way, Why, decide, simulate,
};
pub use document::PolicyError;
pub use fake::FakeToken;
pub use provider::{Provider, providers};
pub use scope::{Grant, Scope};
pub use secret::{Auth, Rate, SecretAt, SecretPolicy};
pub use target::{Host, HostPattern, Method, Path, PathPattern, Scheme, Target};
pub use usage::{Usage, Used};
