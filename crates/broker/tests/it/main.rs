//! The broker as agents meet it: real sockets, real TLS, upstreams of the tests' own on loopback.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(unreachable_pub, reason = "one binary")]

mod attacks;
mod first;
mod hostile;
mod people;
mod sdk;
mod stops;
mod support;
