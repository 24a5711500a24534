//! A data key: what all values of one layer are sealed with.

use strongroom_secret::Key32;

use crate::{LegacyError, random};

/// 32 random bytes, made anew for every answer.
#[derive(Debug)]
pub struct Dek(Key32);

impl Dek {
    /// A new one, from the caller's source of random bytes.
    pub fn make<E>(fill: &mut impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, LegacyError> {
        Key32::try_write(|bytes| fill(bytes)).map(Self).map_err(|_| LegacyError::Randomness)
    }

    pub(crate) fn from_key(key: Key32) -> Self {
        Self(key)
    }

    pub(crate) fn lend<R>(&self, look: impl FnOnce(&[u8; 32]) -> R) -> R {
        self.0.lend(look)
    }
}

/// 12 random bytes: the nonce of one sealing.
pub(crate) fn iv<E>(
    fill: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<[u8; 12], LegacyError> {
    random(fill)
}
