//! What would become of a request under a policy, also one that nobody has signed yet.

use std::collections::BTreeMap;

use strongroom_client::vault::Session;
use strongroom_format::id::AgentId;
use strongroom_policy::{
    AgentPolicy, Asked, Decision, Method, Path, Process, Provider, Scope, SecretAt, SecretPolicy,
    Target, Usage, decide::simulate, effect::sentence, providers,
};

use super::{needed, spec_in};
use crate::{
    desk::translate::count,
    error::{Answer, CommandError},
    view::{RuleEffect, SimulatedRequest, SimulationStep, SimulationView},
};

/// A request in its parts.
struct Parts {
    target: Target,
    method: Method,
    path: Path,
    process: Option<Process>,
}

/// Decides, with no use counted yet and nothing sent.
pub(super) fn run(
    session: &Session,
    policy: &AgentPolicy,
    request: &SimulatedRequest,
    now_ms: u64,
) -> Answer<SimulationView> {
    let parts = parts(request)?;
    let secrets = needed::with_templates(session, policy)?;
    let reason = request.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let provider = at(policy, &parts.target);
    let asked = Asked {
        target: &parts.target,
        method: &parts.method,
        path: &parts.path,
        provider: provider.map(|provider| provider.id.as_str()),
        capability: None,
        process: parts.process.as_ref(),
        reason,
        bytes: None,
    };
    let usage = Usage::default();
    let used = usage.of(AgentId([0; 16]), 0);
    let (decision, steps) = simulate(policy, &secrets, &Scope::whole(), used, &asked, now_ms);
    let (word, rule, why, uses) = match &decision {
        Decision::Allow(way) => (
            RuleEffect::Allow,
            Some(way.rule),
            "The rule allows it.".to_owned(),
            way.secrets.first(),
        ),
        Decision::Ask(way) => {
            let why = "A person is asked first.".to_owned();
            (RuleEffect::Ask, Some(way.rule), why, way.secrets.first())
        }
        Decision::Deny(denied) => (RuleEffect::Deny, denied.rule, denied.why.to_string(), None),
    };
    let uses = uses.and_then(|at| name(session, policy, at));
    let rule_name = |rule: usize| policy.rules.get(rule).map(|rule| rule.name.clone());
    Ok(SimulationView {
        decision: word,
        rule: rule.map(count),
        rule_name: rule.and_then(rule_name),
        sentence: sentence(provider, &asked, None).to_string(),
        why,
        steps: steps
            .into_iter()
            .map(|step| SimulationStep {
                rule: count(step.rule),
                name: rule_name(step.rule).unwrap_or_default(),
                matched: step.matched,
                why: step.why.to_owned(),
            })
            .collect(),
        uses,
    })
}

fn parts(request: &SimulatedRequest) -> Answer<Parts> {
    let url = request.url.trim();
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let path_at = url.get(after_scheme..).and_then(|rest| rest.find('/'));
    let (origin, path) = match path_at {
        Some(at) => url.split_at(after_scheme + at),
        None => (url, "/"),
    };
    let path = Path::parse(path).map_err(|error| CommandError::BadPolicy {
        place: "path".to_owned(),
        problem: error.to_string(),
    })?;
    let process = request.process.as_deref().map(str::trim).filter(|path| !path.is_empty());
    Ok(Parts {
        target: spec_in::one("address", origin)?,
        method: spec_in::one("method", request.method.trim())?,
        path,
        process: process.map(|path| Process {
            pid: 0,
            uid: 0,
            path: path.to_owned(),
            sha256: None,
            parents: Vec::new(),
        }),
    })
}

/// The provider whose fake token would be at the target: one that a rule names.
fn at<'a>(policy: &'a AgentPolicy, target: &Target) -> Option<&'a Provider> {
    let named = |one: &&Provider| policy.rules.iter().any(|rule| rule.provider == one.id);
    let mut all = policy.providers.iter().chain(providers());
    all.find(|one| named(one) && one.is_at(target))
}

fn name(session: &Session, policy: &AgentPolicy, at: &SecretAt) -> Option<String> {
    let all = session.agent_secrets(policy).ok()?;
    all.into_iter().find(|secret| secret.at == *at).map(|secret| secret.name)
}

/// A policy by secret.
pub(super) type Policies = BTreeMap<SecretAt, SecretPolicy>;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str) -> SimulatedRequest {
        SimulatedRequest {
            method: "GET".to_owned(),
            url: url.to_owned(),
            process: None,
            reason: None,
        }
    }

    #[test]
    fn an_address_falls_into_its_parts() {
        let split = parts(&request(" https://api.example.com:8443/v1/x?y=/z ")).unwrap();
        assert_eq!(split.target.to_string(), "https://api.example.com:8443");
        assert_eq!(split.path.raw(), "/v1/x?y=/z");
        let bare = parts(&request("https://api.example.com")).unwrap();
        assert_eq!(bare.path.raw(), "/");
    }

    #[test]
    fn what_is_no_address_is_refused_with_words() {
        for url in ["", "api.example.com/v1", "ftp://x/", "https://a@b/", "https://a/../b"] {
            assert!(matches!(parts(&request(url)), Err(CommandError::BadPolicy { .. })), "{url}");
        }
    }
}
