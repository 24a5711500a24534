//! Random fields that follow from a seed, and their spelling in a vector.

use serde_json::{Value, json};
use strongroom_crypto::safe::{Entropy, EntropyError, IdentityKey, RepeatableEntropy};
use strongroom_format::id::{AgentId, Principal, TokenId, UserId};

/// Entropy that was written down: yields these bytes once, then fails.
pub(crate) struct Script(pub(crate) Vec<u8>);

impl Entropy for Script {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        let bytes = self.0.get(..out.len()).ok_or(EntropyError)?;
        out.copy_from_slice(bytes);
        self.0.drain(..out.len());
        Ok(())
    }
}

/// A source of fields.
pub(crate) struct Draw(RepeatableEntropy);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(RepeatableEntropy::new(seed))
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes).unwrap();
        bytes
    }

    /// At most `most` bytes.
    pub(crate) fn blob(&mut self, most: u64) -> Vec<u8> {
        let mut bytes = vec![0; self.size(most)];
        self.0.fill(&mut bytes).unwrap();
        bytes
    }

    /// A number of any magnitude: small ones are as frequent as large ones.
    pub(crate) fn u64(&mut self) -> u64 {
        let [magnitude] = self.bytes::<1>();
        u64::from_be_bytes(self.bytes()) >> (magnitude % 64)
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::try_from(self.u64() >> 32).unwrap()
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.bytes())
    }

    /// From 0 to `most`.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        u64::from_be_bytes(self.bytes()) % (most + 1)
    }

    pub(crate) fn size(&mut self, most: u64) -> usize {
        usize::try_from(self.up_to(most)).unwrap()
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.size(all.len() as u64 - 1)]
    }

    pub(crate) fn principal(&mut self) -> Principal {
        match self.up_to(2) {
            0 => Principal::User(UserId(self.bytes())),
            1 => Principal::Token(TokenId(self.bytes())),
            _ => Principal::Agent(AgentId(self.bytes())),
        }
    }

    /// A list of at most three, rising by `key`.
    pub(crate) fn rising<T, K: Ord>(
        &mut self,
        mut make: impl FnMut(&mut Self) -> T,
        key: impl FnMut(&T) -> K,
    ) -> Vec<T> {
        let mut list: Vec<T> = (0..self.size(3)).map(|_| make(self)).collect();
        list.sort_by_key(key);
        list
    }

    /// A signing key and the seed it is made of.
    pub(crate) fn signer(&mut self) -> (IdentityKey, Value) {
        let seed = self.bytes::<32>();
        (IdentityKey::make(&mut Script(seed.to_vec())).unwrap(), hex(seed))
    }
}

/// Bytes as a vector spells them.
pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> Value {
    let digits = bytes.as_ref().iter().flat_map(|b| [b >> 4, b & 15]);
    json!(digits.map(|d| char::from_digit(d.into(), 16).unwrap()).collect::<String>())
}

/// An id or a principal in its text form.
pub(crate) fn text(id: impl std::fmt::Display) -> Value {
    json!(id.to_string())
}

/// A list of elements in a vector.
pub(crate) fn list<T>(elements: &[T], spell: impl Fn(&T) -> Value) -> Value {
    Value::Array(elements.iter().map(spell).collect())
}
