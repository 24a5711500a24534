//! The operator code of a broker without a window: shown once, at the terminal that started it.

use std::io::{self, IsTerminal as _, Write as _};

use strongroom_crypto::safe::{Entropy, EntropyError};
use strongroom_secret::SecretBytes;
use zeroize::Zeroizing;

/// Letters and digits that nobody mistakes for each other: 5 bits each.
const SYMBOLS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Two groups of five, 50 bits: with five tries in a minute nobody guesses it.
const LENGTH: usize = 10;

/// A new code, `K7QWX-M2XAB`.
pub(super) fn make(entropy: &mut dyn Entropy) -> Result<SecretBytes, EntropyError> {
    let mut random = Zeroizing::new([0; LENGTH]);
    entropy.fill(random.as_mut())?;
    let mut code = Vec::with_capacity(LENGTH + 1);
    for (at, byte) in random.iter().enumerate() {
        if at == LENGTH / 2 {
            code.push(b'-');
        }
        code.extend(SYMBOLS.get(usize::from(byte & 31)));
    }
    Ok(SecretBytes::from_vec(code))
}

/// Shows it at the terminal; says whether there is one. A log is no terminal.
pub(super) fn show(code: &SecretBytes) -> bool {
    let mut terminal = io::stderr();
    let is_shown = |bytes: &[u8]| {
        terminal.write_all(b"Operator code, shown this once: ")?;
        terminal.write_all(bytes)?;
        terminal.write_all(b"\n")
    };
    io::stderr().is_terminal() && code.lend(is_shown).is_ok()
}

#[cfg(test)]
mod tests {
    use strongroom_crypto::safe::OsEntropy;

    use super::*;

    #[test]
    fn codes_are_two_groups_of_clear_letters_and_never_the_same() {
        let text = || make(&mut OsEntropy).unwrap().into_text().unwrap().lend(str::to_owned);
        let (one, other) = (text(), text());
        assert_ne!(one, other);
        let groups: Vec<&str> = one.split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [5, 5]);
        assert!(!one.contains(['0', '1', 'I', 'O']));
    }
}
