//! Makes values for the edit window.
//!
//! Every text that satisfies the request is equally likely: characters are drawn by rejection, and
//! a text that lacks a kind of character is thrown away as a whole instead of being patched.

use strongroom_crypto::safe::{Entropy, EntropyError};
use strongroom_secret::SecretBytes;
use thiserror::Error;

/// The shortest value that is generated, in characters.
pub const MIN_LENGTH: usize = 8;
/// The longest value that is generated, in characters.
pub const MAX_LENGTH: usize = 1024;

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";
/// What may stand unescaped in the user part of a URL, inside single quotes of a shell and in a
/// `.env` file.
const SYMBOLS: &[u8] = b"!*+,-.=_~";

/// The chance that 8 characters lack a kind is about two in three at worst; a thousand failures in
/// a row mean that the source does not give randomness.
const MOST_TRIES: usize = 1_000;

/// No value was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GenerateError {
    /// Outside [`MIN_LENGTH`] to [`MAX_LENGTH`].
    #[error("a generated value has {MIN_LENGTH} to {MAX_LENGTH} characters")]
    Length,
    /// The source failed, or what it gave was not random.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// A value of `length` characters: letters of both cases and digits, with `symbols` also some of
/// `!*+,-.=_~`; at least one of each kind.
pub fn value(
    length: usize,
    symbols: bool,
    entropy: &mut dyn Entropy,
) -> Result<SecretBytes, GenerateError> {
    if !(MIN_LENGTH..=MAX_LENGTH).contains(&length) {
        return Err(GenerateError::Length);
    }
    let kinds: &[&[u8]] =
        if symbols { &[LOWER, UPPER, DIGITS, SYMBOLS] } else { &[LOWER, UPPER, DIGITS] };
    let alphabet = kinds.concat();
    for _ in 0..MOST_TRIES {
        let text = draw(length, &alphabet, entropy)?;
        let has = |kind: &&[u8]| text.lend(|t| t.iter().any(|c| kind.contains(c)));
        if kinds.iter().all(has) {
            return Ok(text);
        }
    }
    Err(EntropyError.into())
}

/// `length` characters, each uniform over `alphabet` (at most 128 characters).
fn draw(
    length: usize,
    alphabet: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<SecretBytes, GenerateError> {
    let mut text = Vec::with_capacity(length);
    for _ in 0..length {
        match draw_one(alphabet, entropy) {
            Ok(character) => text.push(character),
            Err(error) => {
                drop(SecretBytes::from_vec(text)); // wipes what was drawn
                return Err(error);
            }
        }
    }
    Ok(SecretBytes::from_vec(text))
}

fn draw_one(alphabet: &[u8], entropy: &mut dyn Entropy) -> Result<u8, GenerateError> {
    // More than half of the bytes fall below `fair`, which is a multiple of the alphabet's length.
    let fair = 256 - 256 % alphabet.len();
    for _ in 0..MOST_TRIES {
        let mut byte = [0];
        entropy.fill(&mut byte)?;
        let drawn = usize::from(byte[0]);
        if drawn < fair {
            return Ok(alphabet[drawn % alphabet.len()]);
        }
    }
    Err(EntropyError.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts up; not random, but every byte value comes equally often.
    struct Counting(u8);

    impl Entropy for Counting {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
            for byte in out {
                *byte = self.0;
                self.0 = self.0.wrapping_add(1);
            }
            Ok(())
        }
    }

    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
            out.fill(self.0);
            Ok(())
        }
    }

    struct Failing;

    impl Entropy for Failing {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyError> {
            Err(EntropyError)
        }
    }

    #[test]
    fn a_value_has_its_length_and_every_kind_of_character() {
        let mut os = strongroom_crypto::safe::OsEntropy;
        for length in [MIN_LENGTH, 24, MAX_LENGTH] {
            for symbols in [false, true] {
                value(length, symbols, &mut os).unwrap().lend(|text| {
                    assert_eq!(text.len(), length);
                    for kind in [LOWER, UPPER, DIGITS] {
                        assert!(text.iter().any(|c| kind.contains(c)));
                    }
                    assert_eq!(text.iter().any(|c| SYMBOLS.contains(c)), symbols);
                });
            }
        }
    }

    #[test]
    fn every_character_is_equally_likely() {
        for alphabet in [[LOWER, UPPER, DIGITS].concat(), SYMBOLS.to_vec()] {
            let fair = 256 - 256 % alphabet.len();
            let text = draw(fair, &alphabet, &mut Counting(0)).unwrap();
            let each = fair / alphabet.len();
            text.lend(|text| {
                let count = |c| text.split(|t| *t == c).count() - 1;
                assert!(alphabet.iter().all(|c| count(*c) == each));
            });
        }
    }

    #[test]
    fn a_source_that_is_not_random_makes_no_value() {
        let broken = GenerateError::Entropy(EntropyError);
        assert_eq!(value(20, false, &mut Failing).unwrap_err(), broken);
        assert_eq!(value(20, false, &mut Constant(0)).unwrap_err(), broken);
        assert_eq!(value(20, false, &mut Constant(255)).unwrap_err(), broken);
    }

    #[test]
    fn lengths_outside_the_range_are_refused() {
        for length in [0, MIN_LENGTH - 1, MAX_LENGTH + 1, usize::MAX] {
            let refused = value(length, false, &mut Counting(0)).unwrap_err();
            assert_eq!(refused, GenerateError::Length);
        }
    }
}
