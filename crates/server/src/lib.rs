//! The zero-knowledge server: it stores ciphertext and signed statements, orders them, and writes
//! down what happens. It can open nothing of what it stores, because it links no code that could.
//!
//! Invariants: rights come from the chain, by the verifier the clients use; whatever is answered is
//! durable and has its audit entry; nothing is written outside the [`journal`].

#![forbid(unsafe_code)]

mod app;
mod auth;
mod clock;
mod config;
mod error;
mod http;
mod journal;
mod keys;
mod limits;
mod metrics;
mod rights;
mod routes;
mod run;

pub use clock::{Clock, SystemClock};
pub use config::{Algorithm, AuthMode, Config, ConfigError, IssuerConfig, Registration};
pub use keys::KeyError;
pub use limits::Rates;
pub use run::{Running, StartError, start, start_on, start_with};
