//! What is said to the broker and by it.

#![forbid(unsafe_code)]
