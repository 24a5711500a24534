//! Secret text: what a person typed, and the printed forms of keys, codes and tokens.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use crate::SecretBytes;

/// Secret UTF-8 text, kept exactly as it came, wiped when dropped.
///
/// It can be an argument of a command (`Deserialize`), never an answer.
#[derive(Default, ZeroizeOnDrop)]
pub struct SecretText(String);

impl SecretText {
    /// Takes ownership of `text`; nothing is copied.
    pub fn from_string(text: String) -> Self {
        Self(text)
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is not one character.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Shows the text to `look` for one call.
    pub fn lend<R>(&self, look: impl FnOnce(&str) -> R) -> R {
        look(&self.0)
    }

    /// The UTF-8 bytes; nothing is copied.
    pub fn into_bytes(mut self) -> SecretBytes {
        SecretBytes::from_vec(std::mem::take(&mut self.0).into_bytes())
    }
}

impl ConstantTimeEq for SecretText {
    /// Constant in time over the contents; the lengths are compared openly.
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.as_bytes().ct_eq(other.0.as_bytes())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

fn not_a_text<E: de::Error>() -> E {
    E::custom("not a text")
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = SecretText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretText, E> {
                Ok(SecretText(text.to_owned()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<SecretText, E> {
                Ok(SecretText(text))
            }

            // serde's own answers to a wrong type repeat the value, and a passphrase of digits may
            // arrive as a number; these must not.
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<SecretText, E> {
                Err(not_a_text())
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretText, E> {
                Err(not_a_text())
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<SecretText, E> {
                Err(not_a_text())
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretText, E> {
                Err(not_a_text())
            }

            fn visit_bytes<E: de::Error>(self, _: &[u8]) -> Result<SecretText, E> {
                Err(not_a_text())
            }

            fn visit_byte_buf<E: de::Error>(self, mut bytes: Vec<u8>) -> Result<SecretText, E> {
                bytes.zeroize();
                Err(not_a_text())
            }
        }
        // Not `deserialize_string`: with that, serde_json makes the error itself, value included.
        deserializer.deserialize_any(Visitor)
    }
}

/// More than [`Passphrase::MAX_LEN`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the passphrase is too long")]
pub struct PassphraseTooLong;

/// A passphrase in Unicode normal form C, so that every keyboard writes the same bytes.
///
/// Normalised here and nowhere else. There is no rule about its length but the upper bound: an
/// empty passphrase is one like any other, and what is too weak is for the window to say.
pub struct Passphrase(SecretText);

impl Passphrase {
    /// The longest passphrase, in bytes after normalisation.
    pub const MAX_LEN: usize = 1024;

    /// Normalises `text`.
    pub fn new(text: SecretText) -> Result<Self, PassphraseTooLong> {
        // NFC at most triples the length of UTF-8 text; this keeps the work bounded as well.
        if text.len() > 3 * Self::MAX_LEN {
            return Err(PassphraseTooLong);
        }
        let normal = if text.lend(is_nfc) { text } else { to_nfc(&text) };
        if normal.len() > Self::MAX_LEN { Err(PassphraseTooLong) } else { Ok(Self(normal)) }
    }

    /// Shows the normalised UTF-8 bytes to `look` for one call.
    pub fn lend<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        self.0.lend(|text| look(text.as_bytes()))
    }

    /// Whether there is not one character.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn to_nfc(text: &SecretText) -> SecretText {
    text.lend(|text| {
        // Room for the longest result, so that no growth leaves a copy behind.
        let mut normal = String::with_capacity(3 * text.len());
        normal.extend(text.nfc());
        SecretText(normal)
    })
}

impl ConstantTimeEq for Passphrase {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

impl<'de> Deserialize<'de> for Passphrase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(SecretText::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(SecretText::from_string(text.to_owned())).unwrap()
    }

    #[test]
    fn text_and_passphrase_show_nothing_when_printed() {
        assert_eq!(format!("{:?}", SecretText::from_string("x".into())), "SecretText(..)");
        assert_eq!(format!("{:?}", passphrase("x")), "Passphrase(..)");
    }

    #[test]
    fn two_spellings_of_one_letter_are_one_passphrase() {
        assert!(bool::from(passphrase("e\u{301}").ct_eq(&passphrase("\u{e9}"))));
        assert!(!bool::from(passphrase("e").ct_eq(&passphrase("\u{e9}"))));
        assert!(passphrase("").is_empty());
        // Compatibility forms stay apart: NFC, not NFKC.
        assert!(!bool::from(passphrase("\u{fb01}").ct_eq(&passphrase("fi"))));
    }

    #[test]
    fn a_passphrase_has_a_cap() {
        let text = |n: usize| SecretText::from_string("x".repeat(n));
        assert!(Passphrase::new(text(1024)).is_ok());
        assert_eq!(Passphrase::new(text(1025)).map(|_| ()), Err(PassphraseTooLong));
        assert_eq!(Passphrase::new(text(1 << 20)).map(|_| ()), Err(PassphraseTooLong));
    }

    #[test]
    fn an_argument_of_the_wrong_type_is_not_repeated_in_the_error() {
        assert!(serde_json::from_str::<Passphrase>("\"correct horse\"").is_ok());
        assert!(serde_json::from_str::<SecretText>(r#""tab\tand \u00e4""#).is_ok());
        for wrong in ["123456", "-123456", "123456.5", "true", "[123456]", "{\"123456\":1}", "null"]
        {
            let error = serde_json::from_str::<SecretText>(wrong).unwrap_err().to_string();
            assert!(!error.contains("123456") && !error.contains("true"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,60}") {
            let once = passphrase(&text);
            let again = once.lend(|b| passphrase(str::from_utf8(b).unwrap()));
            prop_assert!(bool::from(once.ct_eq(&again)));
            prop_assert!(once.lend(|b| b == text.nfc().collect::<String>().as_bytes()));
        }
    }
}
