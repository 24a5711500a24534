//! The Secret Key: the half of an account that is never typed from memory.
//!
//! It lives in the keyring of the operating system and, printed, in the Emergency Kit. The printed
//! form is
//!
//! ```text
//! SR1-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX
//! ```
//!
//! where the 60 symbols are RFC 4648 base32 in upper case, without padding, of the 37 bytes
//! `0x01 || key(32) || crc32(0x01 || key)`; the four spare bits at the end are zero, and the
//! checksum is CRC-32 (IEEE 802.3), big-endian. A reader ignores case, white space and dashes and
//! takes the digits 0, 1 and 8, which base32 does not have, for O, I and B.

use std::fmt;

use strongroom_format::id::base32;
use strongroom_secret::{Key32, SecretText};
use zeroize::Zeroizing;

use super::entropy::{Entropy, EntropyError, key};
use super::text::{self, TextError};

const VERSION: u8 = 1;
const PREFIX: &str = "SR1";
const PREFIX_SQUEEZED: &str = "sr1";
const SYMBOLS: usize = 60;
const GROUP: usize = 5;

/// 32 random bytes made by the client of a new account; never sent anywhere.
pub struct SecretKey(Key32);

impl SecretKey {
    /// A new random Secret Key.
    pub fn make(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        key(entropy).map(Self)
    }

    pub(crate) fn key(&self) -> &Key32 {
        &self.0
    }

    /// The printed form (see the top of this page), for the Emergency Kit and the keyring.
    pub fn to_text(&self) -> SecretText {
        let mut payload = Zeroizing::new(Vec::with_capacity(1 + 32 + text::CRC));
        payload.push(VERSION);
        self.0.lend(|bytes| payload.extend_from_slice(bytes));
        text::push_crc(&mut payload);
        let symbols = Zeroizing::new(base32().encode(&payload));
        let mut printed = String::with_capacity(PREFIX.len() + SYMBOLS + SYMBOLS / GROUP);
        printed.push_str(PREFIX);
        for (place, symbol) in symbols.chars().enumerate() {
            if place % GROUP == 0 {
                printed.push('-');
            }
            printed.push(symbol.to_ascii_uppercase());
        }
        SecretText::from_string(printed)
    }

    /// Reads a printed form, also one that was copied by hand.
    pub fn parse(typed: &str) -> Result<Self, TextError> {
        let squeezed = text::squeeze(typed, PREFIX.len() + SYMBOLS)?;
        let typed = squeezed.strip_prefix(PREFIX_SQUEEZED).ok_or(TextError::Malformed)?;
        if typed.len() != SYMBOLS {
            return Err(TextError::Malformed);
        }
        let mut symbols = Zeroizing::new(String::with_capacity(SYMBOLS));
        symbols.extend(typed.chars().map(|c| match c {
            '0' => 'o',
            '1' => 'i',
            '8' => 'b',
            other => other,
        }));
        let payload = text::decode_base32(&symbols).map_err(|_| TextError::Mistyped)?;
        match text::check_crc(&payload)?.split_first() {
            Some((&VERSION, bytes)) => {
                let bytes = bytes.try_into().map_err(|_| TextError::Malformed)?;
                Ok(Self(Key32::copy_of(bytes)))
            }
            _ => Err(TextError::UnknownVersion),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}
