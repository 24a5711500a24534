//! Policies as forms show them.

use strongroom_policy::{
    AgentPolicy, Auth, Effect, OnLock, ProcessRule, Provider, Rate, Rule, SecretAt, SecretPolicy,
    provider::{Capability, EnvValue},
};

use crate::view;

/// How a secret is called, if it can be read here: its name and its place.
pub(super) type Names<'a> = &'a dyn Fn(&SecretAt) -> Option<(String, String)>;

/// What an agent may do.
pub(super) fn policy(policy: &AgentPolicy, names: Names<'_>) -> view::PolicySpec {
    view::PolicySpec {
        rules: policy.rules.iter().map(|one| rule(one, names)).collect(),
        providers: policy.providers.iter().map(defined).collect(),
        on_lock: match policy.on_lock {
            OnLock::Pause => view::OnLock::Pause,
            OnLock::End => view::OnLock::End,
        },
        session_minutes: policy.session_minutes,
        requests: policy.requests,
        bytes: policy.bytes,
        rate: policy.rate.map(rate),
    }
}

fn rule(rule: &Rule, names: Names<'_>) -> view::RuleSpec {
    view::RuleSpec {
        name: rule.name.clone(),
        effect: effect(rule.effect),
        provider: rule.provider.clone(),
        capability: rule.capability.clone(),
        secrets: rule.secrets.iter().map(|at| secret(at, names)).collect(),
        hosts: texts(&rule.hosts),
        ports: rule.ports.clone(),
        methods: texts(&rule.methods),
        paths: texts(&rule.paths),
        process: rule.process.as_ref().map(|ProcessRule { path, sha256 }| view::ProcessSpec {
            path: path.clone(),
            sha256: sha256.clone(),
        }),
        uses: rule.uses,
        not_after_ms: rule.not_after_ms,
        rate: rule.rate.map(rate),
        bytes: rule.bytes,
        reason: rule.reason,
    }
}

pub(super) fn effect(effect: Effect) -> view::RuleEffect {
    match effect {
        Effect::Allow => view::RuleEffect::Allow,
        Effect::Ask => view::RuleEffect::Ask,
        Effect::Deny => view::RuleEffect::Deny,
    }
}

fn secret(at: &SecretAt, names: Names<'_>) -> view::AgentSecretRef {
    let (name, place) = names(at).unzip();
    view::AgentSecretRef {
        env_id: at.env.to_string(),
        secret_id: at.secret.to_string(),
        name,
        place,
    }
}

fn rate(rate: Rate) -> view::RateSpec {
    view::RateSpec { count: rate.count, per_seconds: rate.per_seconds }
}

fn auth(auth: &Auth) -> view::AuthSpec {
    match auth.clone() {
        Auth::Bearer => view::AuthSpec::Bearer,
        Auth::Header { name, template } => view::AuthSpec::Header { name, template },
        Auth::Basic { user } => view::AuthSpec::Basic { user },
        Auth::Path => view::AuthSpec::Path,
        Auth::SigV4 { service, region } => view::AuthSpec::SigV4 { service, region },
        Auth::OAuth2 { token_url, scopes } => view::AuthSpec::OAuth2 { token_url, scopes },
    }
}

/// A provider that a person defined.
fn defined(provider: &Provider) -> view::ProviderSpec {
    let (token_variable, base_variable) = variables(provider);
    view::ProviderSpec {
        id: provider.id.clone(),
        name: provider.name.clone(),
        base: provider.base.to_string(),
        hosts: texts(&provider.hosts),
        ports: provider.ports.clone(),
        methods: texts(&provider.methods),
        paths: texts(&provider.paths),
        auth: auth(&provider.auth),
        private: provider.private,
        token_variable,
        base_variable,
    }
}

/// A provider to choose, with the agents that have rules for it.
pub(super) fn provider(
    provider: &Provider,
    built_in: bool,
    agents: Vec<view::AgentName>,
) -> view::ProviderView {
    let spec = defined(provider);
    let capability =
        |one: &Capability| view::CapabilityView { id: one.id.clone(), title: one.title.clone() };
    view::ProviderView {
        id: spec.id,
        name: spec.name,
        base: spec.base,
        hosts: spec.hosts,
        ports: spec.ports,
        methods: spec.methods,
        paths: spec.paths,
        auth: spec.auth,
        private: spec.private,
        token_variable: spec.token_variable,
        base_variable: spec.base_variable,
        built_in,
        capabilities: provider.capabilities.iter().map(capability).collect(),
        agents,
    }
}

/// The variables for the fake token and for the broker's address.
fn variables(provider: &Provider) -> (String, Option<String>) {
    let named = |wanted: fn(&EnvValue) -> bool| {
        provider.env.iter().find(|var| wanted(&var.value)).map(|var| var.name.clone())
    };
    let base = named(|value| matches!(value, EnvValue::BaseUrl { .. }));
    (named(|value| matches!(value, EnvValue::Token)).unwrap_or_default(), base)
}

/// Where a secret may go.
pub(super) fn secret_policy(policy: &SecretPolicy) -> view::SecretPolicySpec {
    view::SecretPolicySpec {
        hosts: texts(&policy.hosts),
        ports: policy.ports.clone(),
        methods: texts(&policy.methods),
        paths: texts(&policy.paths),
        auth: auth(&policy.auth),
        private: policy.private,
        approval: policy.approval,
        uses: policy.uses,
        not_after_ms: policy.not_after_ms,
        rate: policy.rate.map(rate),
        mints: texts(&policy.mints),
        ca: policy.ca.clone(),
    }
}

fn texts<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}
