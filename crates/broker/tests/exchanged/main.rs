//! Credentials that never leave as they are: refresh tokens that are exchanged, and keys that sign.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "../it/support/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "the other tests use all of it")]
mod support;

mod oauth2;
mod sigv4;
