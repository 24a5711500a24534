//! The server over real HTTP: what it takes, what it refuses, what it writes down, and what is left
//! when something fails.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken fixture should fail loudly"
)]

mod accounts;
mod acts;
mod audit;
mod bodies;
mod closed;
mod connections;
mod faults;
mod floods;
mod hostile_tokens;
mod http;
mod interface;
mod issuer;
mod issuer_keys;
mod joins;
mod kill;
mod ledger;
mod matrix;
mod oidc;
mod provider;
mod race;
mod restore;
mod retention;
mod server;
mod team;
mod tokens;
mod writes;
