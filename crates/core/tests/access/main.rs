//! Access and data keys among several people, without a server: what one signs, the others verify.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken fixture or premise should fail loudly"
)]

mod changes;
mod matrix;
mod review;
mod rotation;
mod world;
