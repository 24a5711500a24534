//! What a person's word is bound to.

use sha2::{Digest as _, Sha256};
use strongroom_policy::SecretAt;

/// Everything that a person's word rests on.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    /// The session.
    pub session: u64,
    /// Position and name of the rule that wants a person's word.
    pub rule: (usize, &'a str),
    /// The hash of the agent's whole policy.
    pub agent_policy: &'a [u8; 32],
    /// The credential, its version, and its own policy as it is encoded.
    pub secret: Option<(SecretAt, u64, &'a [u8])>,
    /// The method.
    pub method: &'a str,
    /// Scheme, host and port.
    pub target: &'a str,
}

/// A hash of all that a person's word rests on. Another one means: ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Binding([u8; 32]);

impl Binding {
    /// The hash; every part goes in with its length, so no two differ only in where parts begin.
    pub fn of(bound: &Bound<'_>) -> Self {
        let mut sha = Sha256::new();
        let mut part = |bytes: &[u8]| {
            sha.update((bytes.len() as u64).to_be_bytes());
            sha.update(bytes);
        };
        part(b"strongroom approval 1");
        part(&bound.session.to_be_bytes());
        part(&(bound.rule.0 as u64).to_be_bytes());
        part(bound.rule.1.as_bytes());
        part(bound.agent_policy);
        if let Some((at, version, policy)) = bound.secret {
            part(&at.env.0);
            part(&at.secret.0);
            part(&version.to_be_bytes());
            part(policy);
        }
        part(bound.method.as_bytes());
        part(bound.target.as_bytes());
        Self(sha.finalize().into())
    }
}
