//! What is decided, by examples and by properties over generated policies and requests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod bounds;
mod documents;
mod properties;
mod rules;
mod scopes;
mod world;
