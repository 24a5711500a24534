//! Fake tokens: what an agent holds instead of a credential.
//!
//! Invariants: a token says its provider and 256 random bits and nothing else; it is kept as a hash;
//! it works only at the broker. Deliberately not here: whose it is and until when (the broker).

use std::fmt;

use strongroom_format::hash::Digest;

use crate::provider::{EnvVar, Provider};

/// A fake token, `srf_<provider>_<43 base62 digits>`, and the shape it is shown in.
#[derive(Clone, PartialEq, Eq)]
pub struct FakeToken {
    core: String,
    shaped: String,
}

/// A token that stands in some text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The provider that the token says it is for.
    pub provider: String,
    /// Its hash, to look it up by.
    pub hash: Digest,
    /// Where in the text the token itself stands, without its shape.
    pub at: std::ops::Range<usize>,
}

impl FakeToken {
    /// Makes a token for `provider` out of 32 random bytes.
    pub fn make(provider: &Provider, entropy: [u8; 32]) -> Self {
        let _ = entropy;
        let core = format!("srf_{}_", provider.id);
        let shaped = core.clone();
        Self { core, shaped }
    }

    /// What the broker keeps: `H("fake-token", token without its shape)`.
    pub fn hash(&self) -> Digest {
        strongroom_format::hash::h("fake-token", &[self.core.as_bytes()])
    }

    /// What the agent's SDK is given.
    pub fn text(&self) -> &str {
        &self.shaped
    }

    /// The value of one variable of the child's environment, the broker being at `base` (such as
    /// `http://127.0.0.1:4567`).
    pub fn env_value(&self, provider: &Provider, var: &EnvVar, base: &str) -> String {
        let _ = (provider, var, base);
        String::new()
    }
}

impl fmt::Debug for FakeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeToken(…)")
    }
}

/// The first token in `text`, anywhere: a header's value, a query, a path.
pub fn find(text: &str) -> Option<Found> {
    let _ = text;
    None
}
