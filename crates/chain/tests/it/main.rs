//! The verifiers of `strongroom-chain` under attack: one honest world, and what must not be
//! accepted in it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken fixture should fail loudly"
)]

mod agents;
mod attacks;
mod coverage;
mod cross_parser;
mod directory;
mod flips;
mod log;
mod refused_commits;
mod refused_links;
mod roles;
mod rules;
mod single_checks;
mod vectors;
mod world;
