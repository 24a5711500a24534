//! Where randomness comes from: an argument, so that a test can repeat a run and a failing source
//! is an error instead of a panic.

use strongroom_secret::Key32;
use thiserror::Error;

/// The source gave no randomness. Nothing was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the system gave no randomness")]
pub struct EntropyError;

/// A source of bytes that nobody can foretell.
pub trait Entropy {
    /// Fills `out` to its last byte, or fails.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError>;
}

/// The operating system's generator, asked anew for every value: no pool that a fork or a restored
/// snapshot could repeat.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(out).map_err(|_| EntropyError)
    }
}

/// `N` random bytes that are not secret: an id, a salt, a nonce.
pub fn array<const N: usize>(entropy: &mut dyn Entropy) -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// 32 random bytes that are secret.
pub(crate) fn key(entropy: &mut dyn Entropy) -> Result<Key32, EntropyError> {
    Key32::try_write(|bytes| entropy.fill(bytes))
}

/// Bytes that depend on a seed alone. For tests: whoever knows the seed knows every key.
#[cfg(any(test, feature = "danger-test-entropy"))]
#[derive(Debug, Clone)]
pub struct RepeatableEntropy {
    seed: u64,
    drawn: u64,
}

#[cfg(any(test, feature = "danger-test-entropy"))]
impl RepeatableEntropy {
    /// A source whose whole output follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }
}

#[cfg(any(test, feature = "danger-test-entropy"))]
impl Entropy for RepeatableEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for block in out.chunks_mut(32) {
            let seed = self.seed.to_be_bytes();
            let digest =
                strongroom_format::hash::h("test-entropy", &[&seed, &self.drawn.to_be_bytes()]);
            block.copy_from_slice(&digest[..block.len()]);
            self.drawn += 1;
        }
        Ok(())
    }
}
