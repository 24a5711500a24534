//! Policies as forms send them. Each text must be exactly what it stands for; what is not is said
//! with the part that it is in, so that the form can show it there.

use std::{fmt::Display, str::FromStr};

use strongroom_policy::{
    AgentPolicy, Auth, Effect, OnLock, PolicyError, ProcessRule, Provider, Rate, Rule, SecretAt,
    SecretPolicy,
    provider::{EnvValue, EnvVar, Place, Shape},
};

use crate::{
    error::{Answer, CommandError},
    view,
};

/// What an agent may do.
pub(super) fn policy(spec: &view::PolicySpec) -> Answer<AgentPolicy> {
    let rules = spec.rules.iter().enumerate();
    let policy = AgentPolicy {
        version: AgentPolicy::VERSION,
        rules: rules.map(|(at, one)| rule(at, one)).collect::<Answer<_>>()?,
        providers: spec.providers.iter().map(provider).collect::<Answer<_>>()?,
        on_lock: match spec.on_lock {
            view::OnLock::Pause => OnLock::Pause,
            view::OnLock::End => OnLock::End,
        },
        session_minutes: spec.session_minutes,
        requests: spec.requests,
        bytes: spec.bytes,
        rate: spec.rate.map(rate),
    };
    policy.check()?;
    Ok(policy)
}

fn rule(at: usize, spec: &view::RuleSpec) -> Answer<Rule> {
    let place = |part: &str| format!("rule {}, {part}", at + 1);
    let secrets = spec.secrets.iter().map(secret).collect::<Answer<_>>()?;
    Ok(Rule {
        name: spec.name.trim().to_owned(),
        effect: effect(spec.effect),
        provider: spec.provider.clone(),
        capability: spec.capability.clone(),
        secrets,
        hosts: all(&place("hosts"), &spec.hosts)?,
        ports: spec.ports.clone(),
        methods: all(&place("methods"), &spec.methods)?,
        paths: all(&place("paths"), &spec.paths)?,
        process: spec.process.as_ref().map(process),
        uses: spec.uses,
        not_after_ms: spec.not_after_ms,
        rate: spec.rate.map(rate),
        bytes: spec.bytes,
        reason: spec.reason,
    })
}

fn effect(effect: view::RuleEffect) -> Effect {
    match effect {
        view::RuleEffect::Allow => Effect::Allow,
        view::RuleEffect::Ask => Effect::Ask,
        view::RuleEffect::Deny => Effect::Deny,
    }
}

pub(super) fn secret(spec: &view::AgentSecretRef) -> Answer<SecretAt> {
    at(&spec.env_id, &spec.secret_id)
}

/// A secret by the texts of its ids.
pub(super) fn at(env_id: &str, secret_id: &str) -> Answer<SecretAt> {
    Ok(SecretAt { env: env_id.parse()?, secret: secret_id.parse()? })
}

fn process(spec: &view::ProcessSpec) -> ProcessRule {
    let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    ProcessRule { path: said(&spec.path), sha256: said(&spec.sha256) }
}

fn rate(spec: view::RateSpec) -> Rate {
    Rate { count: spec.count, per_seconds: spec.per_seconds }
}

fn auth(spec: &view::AuthSpec) -> Auth {
    match spec.clone() {
        view::AuthSpec::Bearer => Auth::Bearer,
        view::AuthSpec::Header { name, template } => {
            Auth::Header { name: name.to_ascii_lowercase(), template }
        }
        view::AuthSpec::Basic { user } => Auth::Basic { user },
        view::AuthSpec::Path => Auth::Path,
        view::AuthSpec::SigV4 { service, region } => Auth::SigV4 { service, region },
        view::AuthSpec::OAuth2 { token_url, scopes } => Auth::OAuth2 { token_url, scopes },
    }
}

/// A provider that a person defined: its fake tokens have no shape but their own, and agents send
/// them where the credential goes.
fn provider(spec: &view::ProviderSpec) -> Answer<Provider> {
    let place = |part: &str| format!("provider {}, {part}", spec.id);
    let mut env = vec![EnvVar { name: spec.token_variable.clone(), value: EnvValue::Token }];
    env.extend(spec.base_variable.iter().map(|name| EnvVar {
        name: name.clone(),
        value: EnvValue::BaseUrl { suffix: String::new() },
    }));
    let shape = match &spec.auth {
        view::AuthSpec::SigV4 { .. } => Shape::AwsPair,
        _ => Shape::Prefix { text: String::new() },
    };
    let provider = Provider {
        id: spec.id.clone(),
        name: spec.name.trim().to_owned(),
        hosts: all(&place("hosts"), &spec.hosts)?,
        ports: spec.ports.clone(),
        base: one(&place("address"), spec.base.trim_end_matches('/'))?,
        auth: auth(&spec.auth),
        methods: all(&place("methods"), &spec.methods)?,
        paths: all(&place("paths"), &spec.paths)?,
        private: spec.private,
        shape,
        env,
        effects: Vec::new(),
        mints: Vec::new(),
        capabilities: Vec::new(),
        agent_sends: sends(&spec.auth),
    };
    provider.check()?;
    Ok(provider)
}

/// Where programs write the token of such a provider.
fn sends(auth: &view::AuthSpec) -> Vec<Place> {
    let bearer = || Place::Authorization { scheme: "Bearer".to_owned() };
    match auth {
        view::AuthSpec::Bearer | view::AuthSpec::OAuth2 { .. } => vec![bearer()],
        view::AuthSpec::Header { name, .. } if name.eq_ignore_ascii_case("authorization") => {
            vec![bearer(), Place::Authorization { scheme: "Token".to_owned() }]
        }
        view::AuthSpec::Header { name, .. } => {
            vec![Place::Header { name: name.to_ascii_lowercase() }]
        }
        view::AuthSpec::Basic { user } => vec![Place::BasicPassword { user: user.clone() }],
        view::AuthSpec::Path => vec![Place::Path],
        view::AuthSpec::SigV4 { .. } => vec![Place::SecurityToken],
    }
}

/// Where a secret may go.
pub(super) fn secret_policy(spec: &view::SecretPolicySpec) -> Answer<SecretPolicy> {
    let policy = SecretPolicy {
        hosts: all("hosts", &spec.hosts)?,
        ports: spec.ports.clone(),
        methods: all("methods", &spec.methods)?,
        paths: all("paths", &spec.paths)?,
        private: spec.private,
        approval: spec.approval,
        uses: spec.uses,
        not_after_ms: spec.not_after_ms,
        rate: spec.rate.map(rate),
        mints: all("paths that give credentials", &spec.mints)?,
        ca: spec.ca.clone().filter(|ca| !ca.trim().is_empty()),
        ..SecretPolicy::nothing(auth(&spec.auth))
    };
    policy.check()?;
    Ok(policy)
}

fn all<T: FromStr<Err: Display>>(place: &str, texts: &[String]) -> Answer<Vec<T>> {
    texts.iter().map(|text| one(place, text.trim())).collect()
}

pub(super) fn one<T: FromStr<Err: Display>>(place: &str, text: &str) -> Answer<T> {
    text.parse().map_err(|error: T::Err| CommandError::BadPolicy {
        place: format!("{place}, {}", clip(text)),
        problem: error.to_string(),
    })
}

/// What was typed may be long.
fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}

impl From<PolicyError> for CommandError {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Means { place, problem } => {
                Self::BadPolicy { place, problem: problem.to_owned() }
            }
            other => Self::BadPolicy { place: "the policy".to_owned(), problem: other.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_format::id::{EnvId, SecretId};

    use super::*;
    use crate::desk::agents::spec_out;

    fn spec() -> view::PolicySpec {
        view::PolicySpec {
            rules: vec![view::RuleSpec {
                name: "read issues".to_owned(),
                effect: view::RuleEffect::Allow,
                provider: "tracker".to_owned(),
                capability: None,
                secrets: vec![view::AgentSecretRef {
                    env_id: EnvId([1; 16]).to_string(),
                    secret_id: SecretId([2; 16]).to_string(),
                    name: None,
                    place: None,
                }],
                hosts: vec!["tracker.example.com".to_owned()],
                ports: vec![443],
                methods: vec!["GET".to_owned()],
                paths: vec!["/v1/issues/**".to_owned()],
                process: None,
                uses: Some(50),
                not_after_ms: None,
                rate: Some(view::RateSpec { count: 10, per_seconds: 60 }),
                bytes: None,
                reason: true,
            }],
            providers: vec![view::ProviderSpec {
                id: "tracker".to_owned(),
                name: "Tracker".to_owned(),
                base: "https://tracker.example.com".to_owned(),
                hosts: vec!["tracker.example.com".to_owned()],
                ports: vec![443],
                methods: vec!["GET".to_owned(), "POST".to_owned()],
                paths: vec!["/v1/**".to_owned()],
                auth: view::AuthSpec::Header {
                    name: "x-api-key".to_owned(),
                    template: "{}".to_owned(),
                },
                private: false,
                token_variable: "TRACKER_TOKEN".to_owned(),
                base_variable: Some("TRACKER_URL".to_owned()),
            }],
            on_lock: view::OnLock::End,
            session_minutes: Some(30),
            requests: Some(100),
            bytes: None,
            rate: None,
        }
    }

    #[test]
    fn a_policy_comes_back_to_the_form_as_it_was_sent() {
        let spec = spec();
        let policy = policy(&spec).unwrap();
        assert_eq!(spec_out::policy(&policy, &|_| None), spec);
        assert_eq!(AgentPolicy::parse(&policy.encode()).unwrap(), policy, "and as it is signed");
    }

    #[test]
    fn a_text_that_is_not_what_it_stands_for_is_refused_with_its_place() {
        let mut spec = spec();
        spec.rules[0].hosts.push("user@evil.example".to_owned());
        let Err(CommandError::BadPolicy { place, .. }) = policy(&spec) else {
            unreachable!("a host has no user")
        };
        assert_eq!(place, "rule 1, hosts, user@evil.example");
    }

    #[test]
    fn a_secret_is_named_by_ids_or_the_policy_is_refused() {
        let mut spec = spec();
        spec.rules[0].secrets[0].secret_id = "somewhere".to_owned();
        assert_eq!(policy(&spec), Err(CommandError::NotFound));
    }
}
