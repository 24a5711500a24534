//! Finds credentials in a stream of bytes, in any encoding, and puts something harmless in their
//! place.

#![forbid(unsafe_code)]
