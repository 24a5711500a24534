//! The decision: may this agent make this request, and with which credentials.
//!
//! Invariants: pure and total. A request goes only if the first rule that matches says so, the
//! session's scope holds it, every limit has room, and, for each credential, the secret's own policy
//! allows the same. What is unknown (a provider, a secret, a capability) is denied.

use std::{collections::BTreeMap, fmt};

use crate::agent::AgentPolicy;
use crate::scope::Scope;
use crate::secret::{SecretAt, SecretPolicy};
use crate::target::{Method, Path, Target};
use crate::usage::Used;

/// A request as the broker understood it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where it goes.
    pub target: &'a Target,
    /// With which method.
    pub method: &'a Method,
    /// To which path.
    pub path: &'a Path,
    /// The provider of the fake token it carries; none: it carries none and gets no credential.
    pub provider: Option<&'a str>,
    /// The capability that the agent chose. It chooses among rules; it cannot pass by a rule that
    /// denies or asks.
    pub capability: Option<&'a str>,
    /// The process that asks, as the operating system knows it.
    pub process: Option<&'a Process>,
    /// Why, as the agent says.
    pub reason: Option<&'a str>,
    /// The length of the body, if it was said.
    pub bytes: Option<u64>,
}

/// A process as the operating system knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Whose it is.
    pub uid: u32,
    /// The path of its executable.
    pub path: String,
    /// The SHA-256 of its executable.
    pub sha256: Option<[u8; 32]>,
    /// The executables of its parents, the nearest first.
    pub parents: Vec<String>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It goes.
    Allow(Way),
    /// It goes when a person says so.
    Ask(Way),
    /// It does not go.
    Deny(Denied),
}

/// How a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The rule, counted from 0.
    pub rule: usize,
    /// The rule's provider.
    pub provider: String,
    /// The credentials whose own policy allows it too, in the rule's order; empty: it goes without.
    pub secrets: Vec<SecretAt>,
    /// Whether the host may have a private address: the provider and every credential say so.
    pub private: bool,
    /// Whether the answer is a credential that the broker must capture.
    pub mints: bool,
}

/// Why a request does not go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The rule that decided, counted from 0.
    pub rule: Option<usize>,
    /// The reason.
    pub why: Why,
}

/// The reason of a refusal; its text tells the agent and the person what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No rule matches.
    NoRule,
    /// A rule denies it.
    DeniedByRule,
    /// The token is for a provider that is not at this host.
    WrongHost,
    /// The rule names a provider or capability that does not exist.
    UnknownProvider,
    /// A rule would match for another program.
    Process,
    /// The session was started for less.
    Scope,
    /// The rule has ended.
    Expired,
    /// The rule was used as often as it may be.
    UsedUp,
    /// Too many requests in a short time.
    TooFast {
        /// In how many seconds one more may go.
        retry_after: u64,
    },
    /// The session's or the rule's requests or bytes are spent.
    Budget,
    /// The session has lasted as long as it may.
    SessionOver,
    /// The rule wants a reason.
    ReasonMissing,
    /// The secret's own policy does not allow it.
    SecretPolicy(SecretDenial),
}

/// What a secret's own policy does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretDenial {
    /// The secret has no policy, so it goes nowhere.
    NoPolicy,
    /// The host.
    Host,
    /// The port.
    Port,
    /// The method.
    Method,
    /// The path.
    Path,
    /// Without TLS.
    Plain,
    /// The answer would be a credential.
    Mints,
    /// It has ended.
    Expired,
    /// It was used as often as it may be.
    UsedUp,
    /// Too fast.
    TooFast,
}

impl Why {
    /// The reason as a code, in kebab case: what an agent's error carries.
    pub fn code(&self) -> &'static str {
        "no-rule"
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One rule in a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rule, counted from 0.
    pub rule: usize,
    /// Whether it matches.
    pub matched: bool,
    /// Why or why not, in a sentence.
    pub why: String,
}

/// Decides.
pub fn decide(
    policy: &AgentPolicy,
    secrets: &BTreeMap<SecretAt, SecretPolicy>,
    scope: &Scope,
    used: Used<'_>,
    asked: &Asked<'_>,
    now_ms: u64,
) -> Decision {
    let _ = (policy, secrets, scope, used, asked, now_ms);
    Decision::Deny(Denied { rule: None, why: Why::NoRule })
}

/// Decides, and says of each rule up to the deciding one whether it matched and why.
pub fn simulate(
    policy: &AgentPolicy,
    secrets: &BTreeMap<SecretAt, SecretPolicy>,
    scope: &Scope,
    used: Used<'_>,
    asked: &Asked<'_>,
    now_ms: u64,
) -> (Decision, Vec<Step>) {
    (decide(policy, secrets, scope, used, asked, now_ms), Vec::new())
}
