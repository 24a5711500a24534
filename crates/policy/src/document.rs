//! The strict JSON of a policy: one encoding, no unknown field, nothing out of bounds.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::target::{HostPattern, Method, PathPattern};

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

/// The one encoding of `document`.
pub(crate) fn encode(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default() // cannot fail: no maps with keys that are no text
}

/// An encoding that [`parse`] would refuse is not made.
pub(crate) fn check_length(document: &impl Serialize) -> Result<(), PolicyError> {
    if encode(document).len() > MAX_DOCUMENT { Err(PolicyError::TooLong) } else { Ok(()) }
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

/// At most so many entries in one list of a policy.
pub(crate) const MAX_LIST: usize = 64;
/// Hosts and paths, of which some providers have many.
const MAX_PLACES: usize = 128;
/// A name that people read.
const MAX_NAME: usize = 100;

/// One part of a policy while it is checked; names itself in the error.
#[derive(Clone)]
pub(crate) struct Checked {
    place: String,
}

impl Checked {
    pub(crate) fn part(place: impl Into<String>) -> Self {
        Self { place: place.into() }
    }

    pub(crate) fn inner(&self, place: &str) -> Self {
        Self { place: format!("{}, {place}", self.place) }
    }

    pub(crate) fn require(&self, holds: bool, problem: &'static str) -> Result<(), PolicyError> {
        if holds {
            return Ok(());
        }
        Err(PolicyError::Means { place: self.place.clone(), problem })
    }

    pub(crate) fn count(&self, count: usize, most: usize) -> Result<(), PolicyError> {
        self.require(count <= most, "too many entries; split it or name them more generally")
    }

    pub(crate) fn name(&self, name: &str) -> Result<(), PolicyError> {
        let sound = !name.trim().is_empty()
            && name.chars().count() <= MAX_NAME
            && !name.chars().any(char::is_control);
        self.require(sound, "a name has 1 to 100 characters on one line")
    }

    pub(crate) fn id(&self, id: &str) -> Result<(), PolicyError> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let sound = (1..=24).contains(&id.len()) && id.bytes().all(known);
        self.require(sound, "an id has 1 to 24 lower-case letters, digits and hyphens")
    }

    pub(crate) fn places(
        &self,
        hosts: &[HostPattern],
        ports: &[u16],
        methods: &[Method],
        paths: &[PathPattern],
    ) -> Result<(), PolicyError> {
        self.inner("hosts").count(hosts.len(), MAX_PLACES)?;
        self.inner("ports").count(ports.len(), MAX_LIST)?;
        self.inner("methods").count(methods.len(), MAX_LIST)?;
        self.inner("paths").count(paths.len(), MAX_PLACES)?;
        self.inner("ports").require(!ports.contains(&0), "a port is a number from 1 to 65535")
    }
}
