//! AES-256-GCM with the tag behind the ciphertext, as the old service writes it.

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use strongroom_secret::SecretBytes;
use zeroize::Zeroize as _;

use crate::LegacyError;

const TAG: usize = 16;

pub(crate) fn seal(
    key: &[u8; 32],
    iv: [u8; 12],
    aad: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, LegacyError> {
    let mut out = Vec::with_capacity(plain.len() + TAG);
    out.extend_from_slice(plain);
    let sealed = Aes256Gcm::new(key.into()).encrypt_inout_detached(
        &Nonce::from(iv),
        aad,
        out.as_mut_slice().into(),
    );
    let Ok(tag) = sealed else {
        out.zeroize();
        return Err(LegacyError::Malformed); // longer than the cipher takes: 64 GiB
    };
    out.extend_from_slice(&tag);
    Ok(out)
}

pub(crate) fn open(
    key: &[u8; 32],
    iv: &[u8],
    aad: &[u8],
    mut sealed: Vec<u8>,
) -> Result<SecretBytes, LegacyError> {
    let iv: [u8; 12] = iv.try_into().map_err(|_| LegacyError::Malformed)?;
    let length = sealed.len().checked_sub(TAG).ok_or(LegacyError::Malformed)?;
    let (text, tag) = sealed.split_at_mut(length);
    let tag: [u8; TAG] = (&*tag).try_into().map_err(|_| LegacyError::Malformed)?;
    let opened = Aes256Gcm::new(key.into()).decrypt_inout_detached(
        &Nonce::from(iv),
        aad,
        text.into(),
        &Tag::from(tag),
    );
    // From here on the buffer may hold plaintext: it wipes itself.
    let opened_bytes = SecretBytes::from_vec(sealed);
    opened.map_err(|_| LegacyError::Closed)?;
    Ok(opened_bytes.into_part(0..length))
}
