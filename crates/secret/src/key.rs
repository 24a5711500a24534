//! A 32-byte secret in the arena: what every symmetric key, seed and private key is made of.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::arena::Slot;

/// 32 secret bytes in locked memory. Wiped when dropped; cannot be cloned, printed or serialised.
///
/// ```
/// use strongroom_secret::Key32;
/// let key = Key32::copy_of(&[7; 32]);
/// assert_eq!(key.lend(|bytes| bytes[0]), 7);
/// assert_eq!(format!("{key:?}"), "Key32(..)");
/// ```
pub struct Key32(Slot);

impl Key32 {
    /// The one way to make a key: `write` fills 32 zero bytes, or fails and nothing is kept.
    ///
    /// `write` sees a buffer that wipes itself; the key then lives in the arena.
    pub fn try_write<E>(write: impl FnOnce(&mut [u8; 32]) -> Result<(), E>) -> Result<Self, E> {
        let mut bytes = Zeroizing::new([0; 32]);
        write(&mut bytes)?;
        Ok(Self::copy_of(&bytes))
    }

    /// Like [`Key32::try_write`] where writing cannot fail.
    pub fn write(write: impl FnOnce(&mut [u8; 32])) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        write(&mut bytes);
        Self::copy_of(&bytes)
    }

    /// A key from bytes that the caller holds, and whose wiping stays the caller's duty.
    pub fn copy_of(bytes: &[u8; 32]) -> Self {
        let mut slot = Slot::take();
        slot.write(bytes);
        Self(slot)
    }

    /// Shows the bytes to `look` for one call, in a buffer that is wiped afterwards. Calls may nest.
    pub fn lend<R>(&self, look: impl FnOnce(&[u8; 32]) -> R) -> R {
        look(&self.0.copy())
    }
}

impl ConstantTimeEq for Key32 {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.copy().ct_eq(&*other.0.copy())
    }
}

impl fmt::Debug for Key32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key32(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena_state;

    #[test]
    fn a_key_shows_nothing_when_printed() {
        assert_eq!(format!("{:?}", Key32::copy_of(&[0xab; 32])), "Key32(..)");
        assert_eq!(format!("{:#?}", Key32::copy_of(&[0xab; 32])), "Key32(..)");
    }

    #[test]
    fn lending_nests_and_threads_share_a_key() {
        let a = Key32::copy_of(&[1; 32]);
        let b = Key32::copy_of(&[2; 32]);
        let sum = a.lend(|x| b.lend(|y| a.lend(|z| x[0] + y[0] + z[0])));
        assert_eq!(sum, 4);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| a.lend(|x| assert_eq!(x, &[1; 32])));
            }
        });
    }

    #[test]
    fn equal_keys_are_equal_and_others_are_not() {
        let a = Key32::copy_of(&[1; 32]);
        assert!(bool::from(a.ct_eq(&Key32::copy_of(&[1; 32]))));
        let mut other = [1; 32];
        other[31] = 0;
        assert!(!bool::from(a.ct_eq(&Key32::copy_of(&other))));
    }

    #[test]
    fn a_failed_write_keeps_no_slot() {
        let result = Key32::try_write(|bytes| {
            bytes[0] = 1;
            Err("no entropy")
        });
        assert_eq!(result.map(|_| ()), Err("no entropy"));
    }

    #[test]
    fn the_arena_grows_past_one_chunk_and_gives_slots_back() {
        let keys: Vec<Key32> = (0..3000u32)
            .map(|n| Key32::write(|b| b[..4].copy_from_slice(&n.to_be_bytes())))
            .collect();
        for (n, key) in (0u32..).zip(&keys) {
            assert!(key.lend(|b| b[..4] == n.to_be_bytes() && b[4..] == [0; 28]));
        }
        let state = arena_state();
        assert!(state.slots_in_use >= 3000 && state.slots_total >= 4096);
        drop(keys);
        assert!(arena_state().slots_in_use < 1000);
    }
}
