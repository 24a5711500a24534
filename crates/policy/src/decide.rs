//! The decision: may this agent make this request, and with which credentials.
//!
//! Invariants: pure and total. A request goes only if the first rule that matches says so, the
//! session's scope holds it, every limit has room, and, for each credential, the secret's own policy
//! allows the same. What is unknown (a provider, a secret, a capability) is denied.

use std::collections::BTreeMap;

use crate::agent::{AgentPolicy, Effect, Rule};
use crate::provider::{Provider, any_path};
use crate::rules::{self, Meeting, Miss};
use crate::scope::Scope;
use crate::secret::{Auth, Rate, SecretAt, SecretPolicy, token_endpoint};
use crate::target::{Method, Path, PathPattern, Scheme, Target};
use crate::usage::{Tally, Used};
pub use crate::why::{SecretDenial, Why};

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
}

/// Why a request does not go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The rule that decided, counted from 0.
    pub rule: Option<usize>,
    /// The reason.
    pub why: Why,
}

/// One rule in a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rule, counted from 0.
    pub rule: usize,
    /// Whether it matches.
    pub matched: bool,
    /// Why it decides or does not match, in a sentence.
    pub why: &'static str,
}

/// Decides about `asked` in a session with `scope` and the counters `used`, at `now_ms`; `secrets`
/// are the policies of the secrets that rules may name.
pub fn decide(
    policy: &AgentPolicy,
    secrets: &BTreeMap<SecretAt, SecretPolicy>,
    scope: &Scope,
    used: Used<'_>,
    asked: &Asked<'_>,
    now_ms: u64,
) -> Decision {
    Question { policy, secrets, scope, used, asked, now_ms }.decide(&mut |_| {})
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
    let mut steps = Vec::new();
    let question = Question { policy, secrets, scope, used, asked, now_ms };
    let decision = question.decide(&mut |step| steps.push(step));
    (decision, steps)
}

struct Question<'a> {
    policy: &'a AgentPolicy,
    secrets: &'a BTreeMap<SecretAt, SecretPolicy>,
    scope: &'a Scope,
    used: Used<'a>,
    asked: &'a Asked<'a>,
    now_ms: u64,
}

impl Question<'_> {
    fn decide(&self, tell: &mut dyn FnMut(Step)) -> Decision {
        if let Err(why) = self.check_token() {
            return deny(None, why);
        }
        let mut nearest = None;
        let mut must_ask = false;
        for (place, rule) in self.policy.rules.iter().enumerate() {
            let miss = match rules::meet(rule, self.policy, self.asked) {
                Meeting::Decides => {
                    tell(Step { rule: place, matched: true, why: says(rule.effect) });
                    return match rule.effect {
                        Effect::Deny => deny(Some(place), Why::DeniedByRule),
                        Effect::Allow => self.by_rule(place, rule, must_ask),
                        Effect::Ask => self.by_rule(place, rule, true),
                    };
                }
                Meeting::Binds(miss) => {
                    must_ask = true;
                    miss
                }
                Meeting::Misses(miss) => miss,
            };
            tell(Step { rule: place, matched: false, why: miss.sentence() });
            nearest = nearest.max(Some(miss));
        }
        deny(None, nearest.map_or(Why::NoRule, Miss::why))
    }

    /// A token goes to its own provider and nowhere else.
    fn check_token(&self) -> Result<(), Why> {
        let Some(id) = self.asked.provider else { return Ok(()) };
        let provider = self.policy.provider(id).ok_or(Why::UnknownProvider)?;
        if provider.is_at(self.asked.target) { Ok(()) } else { Err(Why::WrongHost) }
    }

    fn by_rule(&self, place: usize, rule: &Rule, mut must_ask: bool) -> Decision {
        let provider = self.policy.provider(&rule.provider);
        let way = self
            .check_session(rule)
            .and_then(|()| self.check_limits(place, rule))
            .and_then(|()| self.way(place, rule, provider));
        match way {
            Ok(way) => {
                must_ask |= way
                    .secrets
                    .iter()
                    .any(|at| self.secrets.get(at).is_none_or(|secret| secret.approval));
                if must_ask { Decision::Ask(way) } else { Decision::Allow(way) }
            }
            Err(why) => deny(Some(place), why),
        }
    }

    fn check_session(&self, rule: &Rule) -> Result<(), Why> {
        if !self.scope.allows(self.policy, &rule.provider, self.asked) {
            return Err(Why::Scope);
        }
        let Some(session) = self.used.session() else { return Ok(()) };
        let over = |minutes: u32| {
            let lasts_ms = u64::from(minutes) * 60_000;
            session.since_ms().is_some_and(|since| self.now_ms >= since.saturating_add(lasts_ms))
        };
        if self.policy.session_minutes.is_some_and(over) {
            return Err(Why::SessionOver);
        }
        if self.policy.requests.is_some_and(|most| session.uses() >= most) {
            return Err(Why::Budget);
        }
        self.check_bytes(self.policy.bytes, session.bytes())?;
        self.check_rate(self.policy.rate, Some(session))
    }

    fn check_limits(&self, place: usize, rule: &Rule) -> Result<(), Why> {
        if rule.not_after_ms.is_some_and(|end| self.now_ms > end) {
            return Err(Why::Expired);
        }
        let tally = self.used.rule(place);
        if rule.uses.is_some_and(|most| tally.map_or(0, Tally::uses) >= most) {
            return Err(Why::UsedUp);
        }
        self.check_bytes(rule.bytes, tally.map_or(0, Tally::bytes))?;
        self.check_rate(rule.rate, tally)?;
        let said = self.asked.reason.is_some_and(|reason| !reason.trim().is_empty());
        if rule.reason && !said { Err(Why::ReasonMissing) } else { Ok(()) }
    }

    fn check_bytes(&self, most: Option<u64>, spent: u64) -> Result<(), Why> {
        let wanted = spent.saturating_add(self.asked.bytes.unwrap_or(0));
        match most {
            Some(most) if spent >= most || wanted > most => Err(Why::Budget),
            _ => Ok(()),
        }
    }

    fn check_rate(&self, rate: Option<Rate>, tally: Option<&Tally>) -> Result<(), Why> {
        match self.wait_ms(rate, tally) {
            Some(retry_after_ms) => Err(Why::TooFast { retry_after_ms }),
            None => Ok(()),
        }
    }

    fn wait_ms(&self, rate: Option<Rate>, tally: Option<&Tally>) -> Option<u64> {
        let nothing_yet = Tally::default();
        tally.unwrap_or(&nothing_yet).wait_ms(rate?, self.now_ms)
    }

    fn way(&self, place: usize, rule: &Rule, provider: Option<&Provider>) -> Result<Way, Why> {
        let private = provider.is_some_and(|provider| provider.private);
        if self.asked.target.scheme == Scheme::Http && !private {
            return Err(Why::Plain);
        }
        let mints = provider.is_some_and(|it| any_path(&it.mints, self.asked.path, true));
        let mut way =
            Way { rule: place, provider: rule.provider.clone(), secrets: Vec::new(), private };
        let mut first_denial = None;
        for at in &rule.secrets {
            match self.check_secret(at, mints) {
                Ok(secret) => {
                    way.private &= secret.private;
                    way.secrets.push(*at);
                }
                Err(denial) => drop(first_denial.get_or_insert(denial)),
            }
        }
        match first_denial {
            Some(denial) if way.secrets.is_empty() => Err(Why::SecretPolicy(denial)),
            _ => Ok(way),
        }
    }

    /// The secret's own policy, if it allows the request.
    fn check_secret(&self, at: &SecretAt, mints: bool) -> Result<&SecretPolicy, SecretDenial> {
        let Asked { target, method, path, .. } = *self.asked;
        let secret = self.secrets.get(at).ok_or(SecretDenial::NoPolicy)?;
        if !secret.hosts.iter().any(|host| host.matches(&target.host)) {
            return Err(SecretDenial::Host);
        }
        if !secret.ports.contains(&target.port) {
            return Err(SecretDenial::Port);
        }
        if target.scheme == Scheme::Http && !secret.private {
            return Err(SecretDenial::Plain);
        }
        if !secret.methods.contains(method) {
            return Err(SecretDenial::Method);
        }
        if mints || any_path(&secret.mints, path, true) || is_token_endpoint(secret, self.asked) {
            return Err(SecretDenial::Mints);
        }
        if !any_path(&secret.paths, path, false) {
            return Err(SecretDenial::Path);
        }
        if secret.not_after_ms.is_some_and(|end| self.now_ms > end) {
            return Err(SecretDenial::Expired);
        }
        let tally = self.used.secret(at);
        if secret.uses.is_some_and(|most| tally.map_or(0, Tally::uses) >= most) {
            return Err(SecretDenial::UsedUp);
        }
        match self.wait_ms(secret.rate, tally) {
            Some(retry_after_ms) => Err(SecretDenial::TooFast { retry_after_ms }),
            None => Ok(secret),
        }
    }
}

/// Whether the request would refresh the credential itself, which only the broker does.
fn is_token_endpoint(secret: &SecretPolicy, asked: &Asked<'_>) -> bool {
    let Auth::OAuth2 { token_url, .. } = &secret.auth else { return false };
    token_endpoint(token_url).is_none_or(|(target, path)| {
        let pattern = PathPattern::exactly(&path);
        target.host == asked.target.host && pattern.is_none_or(|path| path.touches(asked.path))
    })
}

fn deny(rule: Option<usize>, why: Why) -> Decision {
    Decision::Deny(Denied { rule, why })
}

fn says(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "It matches and allows.",
        Effect::Ask => "It matches; a person decides.",
        Effect::Deny => "It matches and denies.",
    }
}
