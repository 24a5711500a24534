//! Rows I: the audit log that anyone can check.

pub(crate) mod actors;
mod house;
pub(crate) mod notes;
pub(crate) mod promises;
pub(crate) mod restore;
pub(crate) mod rewrite;
pub(crate) mod views;
