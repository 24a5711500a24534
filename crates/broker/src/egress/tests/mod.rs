//! The way out, against servers on loopback.

mod addresses;
mod certificates;
mod connections;
mod kit;
mod shared;
mod trouble;
