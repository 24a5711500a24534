//! Secret bytes of any length: plaintext values, notes, names, file contents.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

/// Secret bytes on the heap, wiped (with their spare capacity) when dropped.
#[derive(Default, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes ownership of `bytes`; nothing is copied.
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// A copy of bytes that the caller holds, and whose wiping stays the caller's duty.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is not one byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Shows the bytes to `look` for one call.
    pub fn lend<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        look(&self.0)
    }

    /// Keeps only the bytes in `range` and wipes the others. A range outside leaves nothing.
    #[must_use]
    pub fn into_part(mut self, range: std::ops::Range<usize>) -> Self {
        let length = range.len();
        if self.0.get(range.clone()).is_none() {
            return Self::default();
        }
        self.0.copy_within(range, 0);
        self.0[length..].zeroize();
        self.0.truncate(length);
        self
    }

    /// The text these bytes are, or the bytes back if they are not UTF-8. Nothing is copied.
    pub fn into_text(mut self) -> Result<crate::SecretText, Self> {
        match String::from_utf8(std::mem::take(&mut self.0)) {
            Ok(text) => Ok(crate::SecretText::from_string(text)),
            Err(e) => Err(Self(e.into_bytes())),
        }
    }
}

impl ConstantTimeEq for SecretBytes {
    /// Constant in time over the contents; the lengths are compared openly.
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_bytes_show_nothing_when_printed() {
        assert_eq!(format!("{:?}", SecretBytes::copy_of(b"hunter2")), "SecretBytes(..)");
    }

    #[test]
    fn a_part_is_the_bytes_in_the_range_and_nothing_outside_it() {
        let all = || SecretBytes::copy_of(b"0123456789");
        assert!(all().into_part(2..5).lend(|b| b == b"234"));
        assert!(all().into_part(10..10).is_empty());
        assert!(all().into_part(8..11).is_empty());
    }

    #[test]
    fn comparison_looks_at_every_byte() {
        let a = SecretBytes::copy_of(b"abc");
        assert!(bool::from(a.ct_eq(&SecretBytes::copy_of(b"abc"))));
        assert!(!bool::from(a.ct_eq(&SecretBytes::copy_of(b"abd"))));
        assert!(!bool::from(a.ct_eq(&SecretBytes::copy_of(b"ab"))));
    }

    #[test]
    fn bytes_that_are_not_utf8_come_back_unchanged() {
        assert!(SecretBytes::copy_of("ä".as_bytes()).into_text().is_ok());
        let back = SecretBytes::copy_of(&[0xff, 1]).into_text().unwrap_err();
        assert!(back.lend(|b| b == [0xff, 1]));
    }
}
