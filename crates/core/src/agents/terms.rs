//! What the directory holds of an agent beside its name, and what the chain commits to.

use strongroom_format::hash::{Digest, h};
use strongroom_policy::AgentPolicy;

/// How many bytes of salt there are.
pub const SALT: usize = 32;
const VERSION: u8 = 1;

/// Field 4 of an agent's directory item: `0x01 || salt(32) || policy`.
///
/// The salt keeps the server, which reads the chain, from guessing names and policies and comparing
/// hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    salt: [u8; SALT],
    policy: Vec<u8>,
}

impl Terms {
    /// A policy under a new random salt.
    pub fn new(salt: [u8; SALT], policy: &AgentPolicy) -> Self {
        Self { salt, policy: policy.encode() }
    }

    /// The bytes to seal.
    pub fn encode(&self) -> Vec<u8> {
        [&[VERSION][..], &self.salt, &self.policy].concat()
    }

    /// Reads opened bytes; what the policy says is not looked at.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (salt, policy) = rest.split_first_chunk::<SALT>()?;
        (*version == VERSION).then(|| Self { salt: *salt, policy: policy.to_vec() })
    }

    /// The encoded policy.
    pub fn policy(&self) -> &[u8] {
        &self.policy
    }

    /// `H("agent-name", salt, name)`: what the chain says of the name.
    pub fn commits_to_name(&self, name: &str) -> Digest {
        h("agent-name", &[&self.salt, name.as_bytes()])
    }

    /// `H("agent-terms", salt, policy)`: what the chain says of the policy.
    pub fn commits_to_policy(&self) -> Digest {
        h("agent-terms", &[&self.salt, &self.policy])
    }
}
