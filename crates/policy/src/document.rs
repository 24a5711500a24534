//! The strict JSON of a policy: one encoding, no unknown field, nothing out of bounds.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// An encoded policy fits a sealed field (64 KiB) with room for its padding.
pub(crate) const MAX_DOCUMENT: usize = 60 * 1024;

/// Bytes that are no policy of this version, or a policy that says something it cannot mean.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Longer than 60 KiB.
    #[error("a policy has at most 60 KiB; take some rules away")]
    TooLong,
    /// Not the JSON of a policy.
    #[error("this is no policy: {0}")]
    Shape(String),
    /// A version this program does not know.
    #[error("this policy is of version {0}; update Strongroom to read it")]
    Version(u32),
    /// The same policy has another encoding.
    #[error("this policy is not in its one encoding")]
    NotCanonical,
    /// A part contradicts itself or is out of bounds.
    #[error("{place}: {problem}")]
    Means {
        /// Which part: "rule 3", "hosts".
        place: String,
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
}

impl PolicyError {
    pub(crate) fn means(place: impl Into<String>, problem: &'static str) -> Self {
        Self::Means { place: place.into(), problem }
    }
}

/// The one encoding of `document`.
pub(crate) fn encode(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default() // cannot fail: no maps with keys that are no text
}

/// Parses bytes that [`encode`] made, and no others.
pub(crate) fn parse<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, PolicyError> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(PolicyError::TooLong);
    }
    let document: T =
        serde_json::from_slice(bytes).map_err(|error| PolicyError::Shape(error.to_string()))?;
    if encode(&document) != bytes {
        return Err(PolicyError::NotCanonical);
    }
    Ok(document)
}
