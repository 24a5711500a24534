//! Ed25519 (RFC 8032, section 5.1): signing only. Verifying is `strongroom-chain`'s.

use ed25519_dalek::{Signer as _, SigningKey};

/// The public key of a seed.
pub(crate) fn public(seed: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

/// Signs `message`. The public key is derived from the seed each time: a caller that could pass
/// another one would get two signatures with one nonce, and with them the key.
pub(crate) fn sign(seed: &[u8; 32], message: &[u8]) -> [u8; 64] {
    SigningKey::from_bytes(seed).sign(message).to_bytes()
}
