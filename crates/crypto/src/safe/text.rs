//! What the printed forms of keys, codes and tokens share: a checksum against typing mistakes and
//! a forgiving way to read what a person copied by hand.

use strongroom_format::id::base32;
use thiserror::Error;
use zeroize::Zeroizing;

/// Why a text is not the code it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextError {
    /// Not such a code at all, or a part of it is missing.
    #[error("this is not such a code, or a part of it is missing")]
    Malformed,
    /// The checksum does not match: a character is wrong.
    #[error("a character of this code is wrong")]
    Mistyped,
    /// A code of a later version of the program.
    #[error("this code was made by a newer version")]
    UnknownVersion,
}

/// Length of the checksum in bytes.
pub(super) const CRC: usize = 4;

/// Appends the CRC-32 (IEEE 802.3) of all bytes so far, big-endian.
pub(super) fn push_crc(payload: &mut Vec<u8>) {
    let crc = crc32fast::hash(payload);
    payload.extend_from_slice(&crc.to_be_bytes());
}

/// The bytes before the checksum, if it is theirs.
pub(super) fn check_crc(payload: &[u8]) -> Result<&[u8], TextError> {
    let (body, crc) = payload.split_last_chunk::<CRC>().ok_or(TextError::Malformed)?;
    if crc32fast::hash(body).to_be_bytes() == *crc { Ok(body) } else { Err(TextError::Mistyped) }
}

/// `text` without white space and dashes and in lower case; at most `cap` characters are left.
pub(super) fn squeeze(text: &str, cap: usize) -> Result<Zeroizing<String>, TextError> {
    let mut squeezed = Zeroizing::new(String::with_capacity(cap));
    // White space and dashes may double the length, but nobody pastes more than that.
    if text.len() > 4 * cap {
        return Err(TextError::Malformed);
    }
    for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        if !c.is_ascii_alphanumeric() || squeezed.len() == cap {
            return Err(TextError::Malformed);
        }
        squeezed.push(c.to_ascii_lowercase());
    }
    Ok(squeezed)
}

/// The bytes of lower-case base32 digits in their one spelling.
pub(super) fn decode_base32(digits: &str) -> Result<Zeroizing<Vec<u8>>, TextError> {
    base32().decode(digits.as_bytes()).map(Zeroizing::new).map_err(|_| TextError::Malformed)
}
