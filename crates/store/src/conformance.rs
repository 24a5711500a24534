//! The suite that every backend runs against itself.
