//! Lets agents use credentials that they never see.

#![forbid(unsafe_code)]
