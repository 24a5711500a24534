//! Fingerprints of a person's public keys, for comparing through another channel
//! (docs/protocol.md, section 7).

use std::fmt;

use strongroom_format::hash::h;
use strongroom_format::id::{UserId, base32};
use strongroom_format::statement::MemberKeys;

const SYMBOLS: usize = 20;

/// The first 100 bits of `H("fp", user_id, isk, iek)`. Prints as 20 lower-case base32 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of these keys as this person's.
    pub fn of(user: &UserId, keys: &MemberKeys) -> Self {
        let digest = h("fp", &[user.as_bytes(), &keys.isk, &keys.iek]);
        let mut text = base32().encode(&digest);
        text.truncate(SYMBOLS);
        Self(text)
    }

    /// For reading aloud: five groups of four characters.
    pub fn groups(&self) -> String {
        let mut grouped = String::with_capacity(SYMBOLS + SYMBOLS / 4);
        for (place, symbol) in self.0.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                grouped.push(' ');
            }
            grouped.push(symbol);
        }
        grouped
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
