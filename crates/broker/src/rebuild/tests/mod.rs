//! What leaves, whatever came.

mod bodies;
mod feed;
mod heads;
mod kit;
mod ranges;
mod smuggling;
mod strict;
