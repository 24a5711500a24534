//! What one agent may do: ordered rules, of which the first that matches decides.
//!
//! Invariants: no rule, no access; the signed link that issues the agent commits to the encoding; a
//! secret's own policy ([`crate::secret`]) must allow the same request too.

use serde::{Deserialize, Serialize};
use strongroom_format::hash::{Digest, h};

use crate::document::{self, Checked, PolicyError};
use crate::provider::{Provider, WEB};
use crate::secret::{Rate, SecretAt};
use crate::target::{HostPattern, Method, PathPattern};

/// Rules of one policy.
const MAX_RULES: usize = 200;
/// Providers that one policy defines.
const MAX_PROVIDERS: usize = 32;
/// Credentials of one rule.
const MAX_SECRETS: usize = 16;
/// Thirty days.
const MAX_MINUTES: u32 = 30 * 24 * 60;
/// The path of a program (Linux, `PATH_MAX`).
const MAX_PROGRAM: usize = 4096;

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

    /// `H("agent-policy", encoding)`: what approvals are bound to. (The signed link names another
    /// hash, under a salt that keeps the server from guessing.)
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
        let part = Checked::part("the agent's policy");
        part.inner("providers").count(self.providers.len(), MAX_PROVIDERS)?;
        for (place, provider) in self.providers.iter().enumerate() {
            provider.check_defined()?;
            let earlier = self.providers.iter().take(place);
            let taken = provider.id == WEB
                || Provider::lookup(&provider.id).is_some()
                || earlier.into_iter().any(|other| other.id == provider.id);
            part.inner("providers").require(!taken, "there is a provider with this id already")?;
        }
        part.inner("rules").count(self.rules.len(), MAX_RULES)?;
        for (place, rule) in self.rules.iter().enumerate() {
            rule.check(&Checked::part(format!("rule {}", place + 1)), self)?;
        }
        let minutes =
            self.session_minutes.is_none_or(|minutes| (1..=MAX_MINUTES).contains(&minutes));
        part.require(minutes, "a session lasts 1 minute to 30 days")?;
        self.rate.iter().try_for_each(|rate| rate.check(&part))?;
        document::check_length(self)
    }
}

impl Rule {
    fn check(&self, part: &Checked, policy: &AgentPolicy) -> Result<(), PolicyError> {
        part.name(&self.name)?;
        part.places(&self.hosts, &self.ports, &self.methods, &self.paths)?;
        part.inner("secrets").count(self.secrets.len(), MAX_SECRETS)?;
        self.rate.iter().try_for_each(|rate| rate.check(part))?;
        self.process.iter().try_for_each(|process| process.check(part))?;
        let limited = self.uses.is_some()
            || self.not_after_ms.is_some()
            || self.rate.is_some()
            || self.bytes.is_some()
            || self.reason
            || !self.secrets.is_empty();
        part.require(
            self.effect != Effect::Deny || !limited,
            "a rule that denies has no secrets, limits or end; it always denies",
        )?;
        if self.provider == WEB {
            let plain = self.secrets.is_empty() && self.capability.is_none();
            part.require(plain, "a rule for any site has no secrets and no capability")?;
            return self.check_calls(part, None);
        }
        match policy.provider(&self.provider) {
            Some(provider) => self.check_calls(part, Some(provider)),
            None => part.require(false, "there is no such provider; define it in this policy"),
        }
    }

    fn check_calls(&self, part: &Checked, provider: Option<&Provider>) -> Result<(), PolicyError> {
        let empty = [
            self.hosts.is_empty(),
            self.ports.is_empty(),
            self.methods.is_empty(),
            self.paths.is_empty(),
        ];
        if let Some(id) = &self.capability {
            let known = provider.is_some_and(|provider| provider.capability(id).is_some());
            part.require(known, "the provider has no such capability")?;
            return part.require(
                empty.iter().all(|empty| *empty),
                "a capability says hosts, ports, methods and paths by itself",
            );
        }
        part.require(
            !empty.contains(&true),
            "name at least one host, port, method and path; an empty list matches nothing",
        )?;
        let theirs = |host: &HostPattern| {
            provider.is_none_or(|provider| {
                provider.hosts.contains(host)
                    || host.exact().is_some_and(|host| provider.has_host(host))
            })
        };
        part.require(self.hosts.iter().all(theirs), "a host is not one of the provider's")
    }
}

impl ProcessRule {
    fn check(&self, part: &Checked) -> Result<(), PolicyError> {
        let part = part.inner("program");
        part.require(
            self.path.is_some() || self.sha256.is_some(),
            "name the program by its path, its SHA-256, or both",
        )?;
        let path = self.path.as_deref().is_none_or(|path| {
            path.starts_with('/')
                && path.len() <= MAX_PROGRAM
                && !path.chars().any(char::is_control)
        });
        part.require(path, "a program is named by its absolute path")?;
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let sha256 =
            self.sha256.as_deref().is_none_or(|text| text.len() == 64 && text.bytes().all(digits));
        part.require(sha256, "a SHA-256 has 64 lower-case hexadecimal digits")
    }
}
