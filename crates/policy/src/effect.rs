//! What a request will do, in a sentence for a person.
//!
//! Invariants: made from the provider's data; what the agent wrote appears only as a marked part,
//! shortened to 120 characters and free of control and direction characters.

use serde::{Deserialize, Serialize};

use crate::decide::Asked;
use crate::document::{Checked, PolicyError};
use crate::provider::{EffectText, Provider};

/// A sentence in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// The parts, in order.
    pub parts: Vec<Part>,
}

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The text, inert.
    pub text: String,
    /// Whether it came from the request and is to be shown apart.
    pub strong: bool,
}

/// What `asked` does at `provider`; `body` is the request's JSON as far as it is known.
pub fn sentence(provider: Option<&Provider>, asked: &Asked<'_>, body: Option<&[u8]>) -> Sentence {
    let _ = (provider, asked, body);
    Sentence { parts: Vec::new() }
}

impl std::fmt::Display for Sentence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parts.iter().try_for_each(|part| f.write_str(&part.text))
    }
}

impl EffectText {
    pub(crate) fn check(&self, part: &Checked) -> Result<(), PolicyError> {
        part.inner("effects").require(!self.sentence.is_empty(), "a sentence says something")
    }
}
