//! A small world: one agent with a GitHub rule, one secret, and requests in it.

use std::collections::BTreeMap;

use strongroom_format::id::{AgentId, EnvId, SecretId};
use strongroom_policy::{
    AgentPolicy, Asked, Decision, Effect, Method, Path, PathPattern, Process, Provider, Rule,
    Scope, SecretAt, SecretPolicy, Target, Usage, Way, Why, decide,
};

pub(crate) const AGENT: AgentId = AgentId([7; 16]);
pub(crate) const SESSION: u64 = 1;
pub(crate) const NOW: u64 = 1_800_000_000_000;

pub(crate) fn at(number: u8) -> SecretAt {
    SecretAt { env: EnvId([1; 16]), secret: SecretId([number; 16]) }
}

pub(crate) fn methods(all: &[&str]) -> Vec<Method> {
    all.iter().map(|method| method.parse().unwrap()).collect()
}

pub(crate) fn paths(all: &[&str]) -> Vec<PathPattern> {
    all.iter().map(|path| path.parse().unwrap()).collect()
}

/// Whether `effect`, for GETs and POSTs below `/repos`.
pub(crate) fn rule(effect: Effect) -> Rule {
    let secrets = if effect == Effect::Deny { Vec::new() } else { vec![at(1)] };
    Rule {
        name: "repositories".to_owned(),
        effect,
        provider: "github".to_owned(),
        capability: None,
        secrets,
        hosts: vec!["api.github.com".parse().unwrap()],
        ports: vec![443],
        methods: methods(&["GET", "POST"]),
        paths: paths(&["/repos/**"]),
        process: None,
        uses: None,
        not_after_ms: None,
        rate: None,
        bytes: None,
        reason: false,
    }
}

pub(crate) fn policy(rules: Vec<Rule>) -> AgentPolicy {
    let mut policy = AgentPolicy::nothing();
    policy.rules = rules;
    policy.check().unwrap();
    policy
}

pub(crate) fn github() -> SecretPolicy {
    Provider::lookup("github").unwrap().secret_policy()
}

pub(crate) fn node() -> Process {
    Process {
        pid: 10,
        uid: 1000,
        path: "/usr/bin/node".to_owned(),
        sha256: Some([0xab; 32]),
        parents: vec!["/usr/bin/bash".to_owned()],
    }
}

/// Everything a decision depends on.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) policy: AgentPolicy,
    pub(crate) secrets: BTreeMap<SecretAt, SecretPolicy>,
    pub(crate) scope: Scope,
    pub(crate) usage: Usage,
    pub(crate) now_ms: u64,
}

impl World {
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        Self {
            policy: policy(rules),
            secrets: BTreeMap::from([(at(1), github()), (at(2), github())]),
            scope: Scope::whole(),
            usage: Usage::default(),
            now_ms: NOW,
        }
    }

    pub(crate) fn decide(&self, ask: &Ask) -> Decision {
        let asked = ask.asked();
        let used = self.usage.of(AGENT, SESSION);
        decide(&self.policy, &self.secrets, &self.scope, used, &asked, self.now_ms)
    }

    /// Why `ask` is denied; fails if it is not.
    pub(crate) fn why(&self, ask: &Ask) -> Why {
        match self.decide(ask) {
            Decision::Deny(denied) => denied.why,
            other => panic!("not denied: {other:?}"),
        }
    }

    pub(crate) fn allowed(&self, ask: &Ask) -> Way {
        match self.decide(ask) {
            Decision::Allow(way) => way,
            other => panic!("not allowed: {other:?}"),
        }
    }

    pub(crate) fn asked(&self, ask: &Ask) -> Way {
        match self.decide(ask) {
            Decision::Ask(way) => way,
            other => panic!("not asked: {other:?}"),
        }
    }

    /// Decides, and notes the use as the broker does.
    pub(crate) fn go(&mut self, ask: &Ask) -> Way {
        let way = self.allowed(ask);
        let with = way.secrets.first().map(|at| (*at, &self.secrets[at]));
        self.usage.note(AGENT, SESSION, &self.policy, &way, with, self.now_ms);
        way
    }
}

/// A request, owned.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) target: Target,
    pub(crate) method: Method,
    pub(crate) path: Path,
    pub(crate) provider: Option<String>,
    pub(crate) capability: Option<String>,
    pub(crate) process: Option<Process>,
    pub(crate) reason: Option<String>,
    pub(crate) bytes: Option<u64>,
}

/// `method` on `path` of api.github.com, with a token of GitHub.
pub(crate) fn ask(method: &str, path: &str) -> Ask {
    Ask {
        target: "https://api.github.com".parse().unwrap(),
        method: method.parse().unwrap(),
        path: Path::parse(path).unwrap(),
        provider: Some("github".to_owned()),
        capability: None,
        process: Some(node()),
        reason: None,
        bytes: None,
    }
}

impl Ask {
    pub(crate) fn to(mut self, target: &str) -> Self {
        self.target = target.parse().unwrap();
        self
    }

    pub(crate) fn token(mut self, provider: Option<&str>) -> Self {
        self.provider = provider.map(str::to_owned);
        self
    }

    pub(crate) fn with_capability(mut self, capability: &str) -> Self {
        self.capability = Some(capability.to_owned());
        self
    }

    pub(crate) fn by(mut self, process: Option<Process>) -> Self {
        self.process = process;
        self
    }

    pub(crate) fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    pub(crate) fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked {
            target: &self.target,
            method: &self.method,
            path: &self.path,
            provider: self.provider.as_deref(),
            capability: self.capability.as_deref(),
            process: self.process.as_ref(),
            reason: self.reason.as_deref(),
            bytes: self.bytes,
        }
    }
}
