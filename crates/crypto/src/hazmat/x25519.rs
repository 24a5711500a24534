//! X25519 (RFC 7748): public keys only. The exchange itself happens inside HPKE.

use x25519_dalek::{PublicKey, StaticSecret};

/// The public key of a private one.
pub(crate) fn public(private: &[u8; 32]) -> [u8; 32] {
    PublicKey::from(&StaticSecret::from(*private)).to_bytes()
}
