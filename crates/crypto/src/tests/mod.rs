//! Tests of the constructs against public vectors, recorded vectors and attacks.

mod attacks;
mod envelopes;
mod known_answers;
mod public_vectors;
mod redaction;
mod texts;
mod unlocking;
mod wraps;

use strongroom_format::id::{EnvId, OrgId, SecretId, TokenId, UserId};
use strongroom_secret::{Key32, Passphrase, SecretText};

use crate::safe::context::{Context, ItemContext};
use crate::safe::{Dek, Entropy, EntropyError};

/// Entropy that was written down: yields these bytes once, then fails.
struct Script(Vec<u8>);

impl Entropy for Script {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        let bytes = self.0.get(..out.len()).ok_or(EntropyError)?;
        out.copy_from_slice(bytes);
        self.0.drain(..out.len());
        Ok(())
    }
}

/// `N` bytes that count up from `first`.
fn counting<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|n| first.wrapping_add(u8::try_from(n).unwrap()))
}

const ORG: OrgId = OrgId([0x0a; 32]);
const ENV: EnvId = EnvId([0x0e; 16]);
const USER: UserId = UserId([0x01; 16]);
const TOKEN: TokenId = TokenId([0x02; 16]);

fn dek(byte: u8) -> Dek {
    Dek(Key32::copy_of(&[byte; 32]))
}

fn item() -> ItemContext {
    ItemContext {
        org: ORG,
        app_or_group: [0x0b; 16],
        env: ENV,
        epoch: 3,
        secret: SecretId([0x05; 16]),
        version: 7,
        field: 2,
    }
}

fn context() -> Context {
    item().context()
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(SecretText::from_string(text.to_owned())).unwrap()
}
