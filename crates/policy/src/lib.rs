//! The pure decisions of the broker: which agent may use which credential, where.
//!
//! Invariants: no I/O, no clock, no entropy except as arguments; every decision is a function of its
//! arguments and total; nothing that is not named is allowed, and an empty list names nothing.
//! Deliberately not here: who asks (the broker knows processes), what is sent (the broker), and
//! whether a policy is signed (`strongroom-core`).

#![forbid(unsafe_code)]
