//! The way in, against clients that name hosts as they like and take their time.

mod kit;
mod limits;
mod mismatch;
mod targets;
