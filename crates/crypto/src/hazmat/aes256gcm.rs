//! AES-256-GCM with a 96-bit nonce and a 128-bit tag (NIST SP 800-38D).

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use zeroize::Zeroize as _;

use super::Refused;

/// Length of the tag in bytes.
pub(crate) const TAG: usize = 16;

/// Encrypts `buffer` in place and returns the tag. The pair (key, nonce) must be used once.
pub(crate) fn seal(
    key: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    buffer: &mut [u8],
) -> Result<[u8; TAG], Refused> {
    Aes256Gcm::new(key.into())
        .encrypt_inout_detached(&Nonce::from(*nonce), aad, buffer.into())
        .map(Into::into)
        .map_err(|_| Refused)
}

/// Decrypts `buffer` in place if the tag is right; wipes it if not.
pub(crate) fn open(
    key: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8; TAG],
) -> Result<(), Refused> {
    let tag = Tag::from(*tag);
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(&Nonce::from(*nonce), aad, (&mut *buffer).into(), &tag)
        .map_err(|_| {
            buffer.zeroize();
            Refused
        })
}
