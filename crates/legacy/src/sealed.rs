//! `sc1.<iv>.<ciphertext and tag>`: a value under its layer's data key, bound to
//! `<environment id>/<name>` and to nothing else, a version least of all.

use strongroom_secret::SecretText;

use crate::dek::iv;
use crate::{Dek, LegacyError, aead, blob};

const PREFIX: &str = "sc1";

impl Dek {
    /// Seals a value for `env` and `name`. It must be UTF-8, because the clients hold text; an
    /// empty one is a value like any other.
    pub fn seal<E>(
        &self,
        env: &str,
        name: &str,
        value: &[u8],
        fill: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<String, LegacyError> {
        if str::from_utf8(value).is_err() {
            return Err(LegacyError::NotText);
        }
        let (aad, iv) = (binding(env, name)?, iv(fill)?);
        let sealed = self.lend(|key| aead::seal(key, iv, &aad, value))?;
        Ok(blob::join(PREFIX, &[&iv, &sealed]))
    }

    /// Opens a value that was sealed for `env` and `name`.
    pub fn open(&self, env: &str, name: &str, sealed: &str) -> Result<SecretText, LegacyError> {
        let [iv, sealed] = blob::split(sealed, PREFIX)?;
        let aad = binding(env, name)?;
        let value = self.lend(|key| aead::open(key, &iv, &aad, sealed))?;
        value.into_text().map_err(|_| LegacyError::NotText)
    }
}

/// The additional data. Names may hold a slash, so environments must not.
fn binding(env: &str, name: &str) -> Result<Vec<u8>, LegacyError> {
    if env.is_empty() || env.contains('/') {
        return Err(LegacyError::Environment);
    }
    Ok(format!("{env}/{name}").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting() -> impl FnMut(&mut [u8]) -> Result<(), ()> {
        let mut next = 0_u8;
        move |out: &mut [u8]| {
            for byte in out {
                *byte = next;
                next = next.wrapping_add(1);
            }
            Ok(())
        }
    }

    #[test]
    fn a_value_opens_only_under_its_key_environment_and_name() {
        let mut fill = counting();
        let (dek, other) = (Dek::make(&mut fill).unwrap(), Dek::make(&mut fill).unwrap());
        let sealed = dek.seal("env_a", "NAME", "wert\n🌍".as_bytes(), &mut fill).unwrap();
        assert!(dek.open("env_a", "NAME", &sealed).unwrap().lend(|text| text == "wert\n🌍"));
        for closed in [
            other.open("env_a", "NAME", &sealed),
            dek.open("env_b", "NAME", &sealed),
            dek.open("env_a", "NAMF", &sealed),
        ] {
            assert_eq!(closed.map(|_| ()), Err(LegacyError::Closed));
        }
        let empty = dek.seal("env_a", "E", b"", &mut fill).unwrap();
        assert!(dek.open("env_a", "E", &empty).unwrap().is_empty());
    }

    #[test]
    fn no_changed_bit_opens() {
        let mut fill = counting();
        let dek = Dek::make(&mut fill).unwrap();
        let sealed = dek.seal("env", "N", b"value", &mut fill).unwrap();
        let [iv, text] = blob::split::<2>(&sealed, PREFIX).unwrap();
        for bit in 0..8 * (iv.len() + text.len()) {
            let (mut iv, mut text) = (iv.clone(), text.clone());
            let byte = bit / 8;
            if byte < iv.len() {
                iv[byte] ^= 1 << (bit % 8);
            } else {
                text[byte - iv.len()] ^= 1 << (bit % 8);
            }
            let changed = blob::join(PREFIX, &[&iv, &text]);
            assert_eq!(dek.open("env", "N", &changed).map(|_| ()), Err(LegacyError::Closed));
        }
    }

    #[test]
    fn a_slash_cannot_move_a_value_to_another_environment() {
        let mut fill = counting();
        let dek = Dek::make(&mut fill).unwrap();
        let sealed = dek.seal("env", "a/B", b"value", &mut fill).unwrap();
        assert_eq!(dek.open("env/a", "B", &sealed).map(|_| ()), Err(LegacyError::Environment));
        let refused = dek.seal("env/a", "B", b"value", &mut fill);
        assert_eq!(refused, Err(LegacyError::Environment));
    }

    #[test]
    fn what_is_not_text_is_not_sealed_and_no_randomness_is_an_error() {
        let mut fill = counting();
        let dek = Dek::make(&mut fill).unwrap();
        assert_eq!(dek.seal("env", "N", &[0xff], &mut fill), Err(LegacyError::NotText));
        let mut dry = |_: &mut [u8]| Err(());
        assert_eq!(dek.seal("env", "N", b"x", &mut dry), Err(LegacyError::Randomness));
        assert_eq!(Dek::make(&mut dry).map(|_| ()), Err(LegacyError::Randomness));
    }
}
