//! The primitives, each behind a function of a few lines. Nothing here chooses, checks a context or
//! keeps a key; that is the work of [`crate::safe`].

pub(crate) mod aes256gcm;
pub(crate) mod argon2id;
pub(crate) mod ed25519;
pub(crate) mod hkdf_sha256;
pub(crate) mod hmac_sha256;
pub(crate) mod hpke_x25519;
pub(crate) mod x25519;

/// A primitive refused its input. Says nothing about why, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;
