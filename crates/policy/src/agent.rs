//! What one agent may do: ordered rules, of which the first that matches decides.
//!
//! Invariants: no rule, no access; the hash of the encoding stands in the signed link that issues
//! the agent; a secret's own policy ([`crate::secret`]) must allow the same request too.

use serde::{Deserialize, Serialize};
use strongroom_format::hash::{Digest, h};

use crate::document::{self, PolicyError};
use crate::provider::Provider;
use crate::secret::{Rate, SecretAt};
use crate::target::{HostPattern, Method, PathPattern};

/// The rules and limits of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentPolicy {
    /// Always [`Self::VERSION`].
    pub version: u32,
    /// The rules, the first that matches decides.
    pub rules: Vec<Rule>,
    /// Providers that are not built in.
    pub providers: Vec<Provider>,
    /// What happens to its sessions when the vault is locked.
    pub on_lock: OnLock,
    /// How long a session lasts.
    pub session_minutes: Option<u32>,
    /// How many requests a session may make.
    pub requests: Option<u64>,
    /// How many bytes a session may move, both ways together.
    pub bytes: Option<u64>,
    /// How fast a session may ask.
    pub rate: Option<Rate>,
}

/// What happens to sessions when the vault is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnLock {
    /// Requests are refused until it is unlocked.
    Pause,
    /// The sessions end.
    End,
}

/// What a rule says about the requests it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// They go.
    Allow,
    /// A person decides.
    Ask,
    /// They do not go.
    Deny,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What people call it.
    pub name: String,
    /// What it says.
    pub effect: Effect,
    /// The provider's id, or [`crate::provider::WEB`] for requests without a credential.
    pub provider: String,
    /// A capability of the provider; it then says hosts, ports, methods and paths, and the four
    /// lists below are empty.
    pub capability: Option<String>,
    /// The credentials, tried in this order when the provider says "too many requests"; empty: the
    /// request goes without one.
    pub secrets: Vec<SecretAt>,
    /// The hosts.
    pub hosts: Vec<HostPattern>,
    /// The ports.
    pub ports: Vec<u16>,
    /// The methods.
    pub methods: Vec<Method>,
    /// The paths.
    pub paths: Vec<PathPattern>,
    /// The program that must ask.
    pub process: Option<ProcessRule>,
    /// How often the rule may be used.
    pub uses: Option<u64>,
    /// Until when, in milliseconds of Unix time.
    pub not_after_ms: Option<u64>,
    /// How fast.
    pub rate: Option<Rate>,
    /// How many bytes, both ways together.
    pub bytes: Option<u64>,
    /// Whether the agent must say why (`x-strongroom-reason`).
    pub reason: bool,
}

/// A program, by its path, its content, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessRule {
    /// The absolute path of the executable.
    pub path: Option<String>,
    /// The SHA-256 of the executable, 64 lower-case hexadecimal digits.
    pub sha256: Option<String>,
}

impl AgentPolicy {
    /// The version of this encoding.
    pub const VERSION: u32 = 1;

    /// A policy that allows nothing yet.
    pub fn nothing() -> Self {
        Self {
            version: Self::VERSION,
            rules: Vec::new(),
            providers: Vec::new(),
            on_lock: OnLock::Pause,
            session_minutes: None,
            requests: None,
            bytes: None,
            rate: None,
        }
    }

    /// The bytes that are sealed and hashed.
    pub fn encode(&self) -> Vec<u8> {
        document::encode(self)
    }

    /// What the sealed bytes say.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let policy: Self = document::parse(bytes)?;
        policy.check()?;
        Ok(policy)
    }

    /// `H("agent-policy", encoding)`: what the signed link names.
    pub fn hash(&self) -> Digest {
        h("agent-policy", &[&self.encode()])
    }

    /// The provider with this id, built in or defined here.
    pub fn provider(&self, id: &str) -> Option<&Provider> {
        Provider::lookup(id).or_else(|| self.providers.iter().find(|provider| provider.id == id))
    }

    /// Whether every part means something and is within bounds; ask before [`Self::encode`].
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.version != Self::VERSION {
            return Err(PolicyError::Version(self.version));
        }
        Ok(())
    }
}
