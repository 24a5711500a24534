//! HKDF with SHA-256 (RFC 5869).

use hkdf::Hkdf;
use sha2::Sha256;

use super::Refused;

/// Extract and expand. Without a salt, the salt is 32 zero bytes, as the RFC says. Refuses more
/// than 8,160 bytes of output.
pub(crate) fn derive(
    salt: Option<&[u8]>,
    ikm: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> Result<(), Refused> {
    Hkdf::<Sha256>::new(salt, ikm).expand(info, out).map_err(|_| Refused)
}

/// 32 bytes, the length that is never refused.
pub(crate) fn derive32(salt: Option<&[u8]>, ikm: &[u8], info: &[u8], out: &mut [u8; 32]) {
    let done = derive(salt, ikm, info, out);
    debug_assert!(done.is_ok());
}
