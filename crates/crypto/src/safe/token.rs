//! Service tokens: one text that holds everything a machine needs, and of which the server learns
//! only enough to recognise it (docs/protocol.md, section 8).
//!
//! ```text
//! srs_<22 digits: token id>_<43 digits: secret>_<8 hex digits: checksum>
//! ```
//!
//! Digits are base 62 (`0-9A-Za-z`, in this order), big-endian, filled with `0` on the left to
//! their fixed width. The checksum is CRC-32 (IEEE 802.3) of all characters before the last
//! underscore, in lower-case hexadecimal. There is one spelling of a token and no other is read.

use std::fmt;

use strongroom_format::hash::{Digest, ctx, sha256};
use strongroom_format::id::TokenId;
use strongroom_secret::{Key32, SecretText};
use zeroize::{Zeroize as _, Zeroizing};

use super::entropy::{Entropy, EntropyError, array, key};
use super::keys::{EncryptionKey, IdentityKey};
use super::text::TextError;
use crate::hazmat::hkdf_sha256;

const PREFIX: &str = "srs_";
const ID_DIGITS: usize = 22;
const SECRET_DIGITS: usize = 43;
const CRC_DIGITS: usize = 8;
/// Length of a token in characters.
pub const TOKEN_LEN: usize = 4 + ID_DIGITS + 1 + SECRET_DIGITS + 1 + CRC_DIGITS;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A service token.
pub struct ServiceToken {
    id: TokenId,
    secret: Key32,
}

impl ServiceToken {
    /// A new token with a random id.
    pub fn make(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self { id: TokenId(array(entropy)?), secret: key(entropy)? })
    }

    /// The id, which is public.
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// The text, to be shown once.
    pub fn to_text(&self) -> SecretText {
        let mut text = String::with_capacity(TOKEN_LEN);
        text.push_str(PREFIX);
        push_digits(&mut text, &mut self.id.0.clone(), ID_DIGITS);
        text.push('_');
        self.secret.lend(|secret| {
            let mut rest = Zeroizing::new(*secret);
            push_digits(&mut text, &mut *rest, SECRET_DIGITS);
        });
        let crc = crc_digits(text.as_bytes());
        text.push('_');
        text.extend(crc.map(char::from));
        SecretText::from_string(text)
    }

    /// Reads the one spelling of a token.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.len() != TOKEN_LEN || !text.is_ascii() {
            return Err(TextError::Malformed);
        }
        let rest = text.strip_prefix(PREFIX).ok_or(TextError::Malformed)?;
        let mut parts = rest.split('_');
        let (Some(id), Some(secret), Some(crc), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TextError::Malformed);
        };
        if id.len() != ID_DIGITS || secret.len() != SECRET_DIGITS {
            return Err(TextError::Malformed);
        }
        let checked = &text[..TOKEN_LEN - 1 - CRC_DIGITS];
        if crc_digits(checked.as_bytes()) != crc.as_bytes() {
            return Err(TextError::Mistyped);
        }
        let mut token_id = [0; 16];
        read_digits(id, &mut token_id)?;
        let secret = Key32::try_write(|out| read_digits(secret, out))?;
        Ok(Self { id: TokenId(token_id), secret })
    }

    /// What goes on the wire with the id: `HKDF(secret, ctx("tok-auth", token_id), 32)`. It opens
    /// nothing.
    pub fn bearer(&self) -> Bearer {
        Bearer(self.derive("tok-auth"))
    }

    /// The key that signs the token's commits: seed `HKDF(secret, ctx("tok-sig", token_id), 32)`.
    pub fn identity(&self) -> IdentityKey {
        IdentityKey::from_seed(self.derive("tok-sig"))
    }

    /// The key that receives wraps: `HKDF(secret, ctx("tok-enc", token_id), 32)`.
    pub fn encryption(&self) -> EncryptionKey {
        EncryptionKey::from_private(self.derive("tok-enc"))
    }

    fn derive(&self, kind: &str) -> Key32 {
        let info = ctx(kind, &[self.id.as_bytes()]);
        Key32::write(|out| {
            self.secret.lend(|secret| hkdf_sha256::derive32(None, secret, &info, out));
        })
    }
}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceToken(..)")
    }
}

/// Shows the server that a request comes from the holder of a token or of an invite code.
pub struct Bearer(pub(super) Key32);

impl Bearer {
    /// SHA-256 of the bearer: what the server stores.
    pub fn hash(&self) -> Digest {
        self.0.lend(|bytes| sha256(&[bytes]))
    }

    /// Shows the bytes to `send` for one call.
    pub fn lend<R>(&self, send: impl FnOnce(&[u8; 32]) -> R) -> R {
        self.0.lend(send)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

fn crc_digits(checked: &[u8]) -> [u8; CRC_DIGITS] {
    let crc = crc32fast::hash(checked);
    std::array::from_fn(|place| {
        let nibble = (crc >> (28 - 4 * place)) & 0xf;
        b"0123456789abcdef"[nibble as usize]
    })
}

/// Appends `number` in `width` digits. Uses up `number`, which is zero afterwards.
fn push_digits(text: &mut String, number: &mut [u8], width: usize) {
    let mut digits = Zeroizing::new([b'0'; SECRET_DIGITS]);
    for digit in digits[..width].iter_mut().rev() {
        let mut remainder = 0u16;
        for byte in number.iter_mut() {
            let value = remainder << 8 | u16::from(*byte);
            *byte = (value / 62).to_be_bytes()[1];
            remainder = value % 62;
        }
        *digit = DIGITS[usize::from(remainder)];
    }
    text.extend(digits[..width].iter().copied().map(char::from));
}

/// Reads digits into `number`, which is zero before; refuses what does not fit.
fn read_digits(digits: &str, number: &mut [u8]) -> Result<(), TextError> {
    for digit in digits.bytes() {
        let value = DIGITS.iter().position(|d| *d == digit).ok_or(TextError::Malformed)?;
        let mut carry = u16::try_from(value).map_err(|_| TextError::Malformed)?;
        for byte in number.iter_mut().rev() {
            let value = u16::from(*byte) * 62 + carry;
            [_, *byte] = value.to_be_bytes();
            carry = value >> 8;
        }
        if carry != 0 {
            number.zeroize();
            return Err(TextError::Malformed);
        }
    }
    Ok(())
}
