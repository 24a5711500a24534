//! A session for a command: its fake tokens, its authority, its variables.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use data_encoding::HEXLOWER;
use strongroom_control::door::Reply;
use strongroom_crypto::safe::{EntropyError, OsEntropy, entropy};
use strongroom_format::hash::h;
use strongroom_policy::{
    AgentPolicy, Effect, FakeToken, HostPattern, Provider, Scope,
    scope::{Grant, Granted},
};
use thiserror::Error;

use crate::{
    broker::{Broker, now_ms},
    ca::{CaError, SessionCa},
    sessions::{Agent, Begin, Session},
    tokens::TokenFor,
};

/// Variables that name the file with the session's certificate, for the tools that agents use.
pub const CA_VARIABLES: &[&str] = &[
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "DENO_CERT",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
];
/// Variables that name the proxy.
const PROXY_VARIABLES: &[&str] =
    &["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
/// Variables that name what is reached without it.
const DIRECT_VARIABLES: &[&str] = &["NO_PROXY", "no_proxy"];

/// Why no session began.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No agent has this name.
    #[error("there is no agent {0:?}; see `strongroom agent list`")]
    NoAgent(String),
    /// There are several and none was named.
    #[error("name the agent with --agent; there are several: {0}")]
    Which(String),
    /// There is none.
    #[error("there is no agent yet; make one on the Agents page")]
    NoAgents,
    /// A provider that the agent's rules do not name.
    #[error("this agent's rules name no provider {0:?}; they name: {1}")]
    NoProvider(String, String),
    /// It may do nothing.
    #[error("this agent's rules allow nothing yet; edit them on the Agents page")]
    NoRules,
    /// Stopped.
    #[error("this agent is stopped; let it begin again on the Agents page")]
    Stopped,
    /// The agent's end is past.
    #[error("this agent's time is over; ask an admin to renew it")]
    Over,
    /// No authority.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl OpenError {
    /// In kebab case, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoAgent(_) | Self::NoAgents => "no-agent",
            Self::Which(_) => "which-agent",
            Self::NoProvider(..) => "no-provider",
            Self::NoRules => "no-rules",
            Self::Stopped => "stopped",
            Self::Over => "agent-over",
            Self::Ca(_) | Self::Entropy(_) => "system",
        }
    }
}

/// A session that began, and what its command is told.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Arc<Session>,
    /// The answer to the command.
    pub reply: Reply,
}

impl Broker {
    /// An agent by name; the only one where there is one and no name.
    pub fn agent_named(&self, name: Option<&str>) -> Result<Arc<Agent>, OpenError> {
        let roster = self.roster();
        let found = match name {
            Some(name) => roster.values().find(|agent| agent.config.name == name),
            None if roster.len() > 1 => {
                let all: Vec<&str> =
                    roster.values().map(|agent| agent.config.name.as_str()).collect();
                return Err(OpenError::Which(all.join(", ")));
            }
            None => roster.values().next(),
        };
        let missing =
            || name.map_or(OpenError::NoAgents, |name| OpenError::NoAgent(name.to_owned()));
        found.cloned().ok_or_else(missing)
    }

    /// Begins a session for a command.
    pub fn open_session(
        &self,
        agent: Option<&str>,
        only: &[String],
        minutes: Option<u32>,
        command: String,
    ) -> Result<Opened, OpenError> {
        let agent = self.agent_named(agent)?;
        let (config, now_ms) = (&agent.config, now_ms());
        if config.not_after_ms != 0 && config.not_after_ms <= now_ms {
            return Err(OpenError::Over);
        }
        let providers = chosen(&config.policy, only)?;
        let minutes = [minutes, config.policy.session_minutes].into_iter().flatten().min();
        let until_ms = minutes.map_or(0, |minutes| now_ms + u64::from(minutes) * 60_000);
        let ca =
            SessionCa::make(&hosts(&config.policy), UNIX_EPOCH + Duration::from_millis(now_ms))?;
        let certificate = ca.pem().to_owned();
        let password = HEXLOWER.encode(&entropy::array::<32>(&mut OsEntropy)?);
        let begin = Begin {
            agent: config.id,
            now_ms,
            until_ms,
            command,
            scope: scope(only),
            password: Some(password_hash(&password)),
            ca: Some(ca),
            egress: self.egress.apart(),
        };
        let session = self.sessions.begin(begin).ok_or(OpenError::Stopped)?;
        self.begin_counting(session.id, now_ms);
        let variables = self.variables(&session, &providers, &password)?;
        self.session_changed();
        let reply = Reply::Opened {
            session: session.id,
            agent: config.name.clone(),
            port: self.address().port(),
            variables,
            ca: certificate,
            ca_variables: CA_VARIABLES.iter().map(|&name| name.to_owned()).collect(),
        };
        Ok(Opened { session, reply })
    }

    fn variables(
        &self,
        session: &Session,
        providers: &[Provider],
        password: &str,
    ) -> Result<Vec<(String, String)>, OpenError> {
        let address = self.address();
        let (base, proxy) = (format!("http://{address}"), format!("http://s:{password}@{address}"));
        let named = |name: &&str, value: &str| ((*name).to_owned(), value.to_owned());
        let proxies = PROXY_VARIABLES.iter().map(|name| named(name, &proxy));
        let direct = DIRECT_VARIABLES.iter().map(|name| named(name, "127.0.0.1,localhost"));
        let mut all: Vec<(String, String)> = proxies.chain(direct).collect();
        all.push(("STRONGROOM_SESSION".to_owned(), session.id.to_string()));
        for provider in providers {
            let token = FakeToken::make(provider, entropy::array(&mut OsEntropy)?);
            let stands = TokenFor {
                agent: session.agent,
                provider: provider.id.clone(),
                session: Some(session.id),
                standing: 0,
                not_after_ms: session.until_ms,
            };
            self.tokens.add(token.hash(), stands);
            let of_provider = provider.env.iter();
            all.extend(
                of_provider.map(|one| (one.name.clone(), token.env_value(provider, one, &base))),
            );
        }
        Ok(all)
    }
}

/// The hash by which the password of the forward proxy is known.
pub fn password_hash(password: &str) -> [u8; 32] {
    h("proxy-password", &[password.as_bytes()])
}

/// The providers that a session gets tokens for.
fn chosen(policy: &AgentPolicy, only: &[String]) -> Result<Vec<Provider>, OpenError> {
    let named: BTreeSet<&str> = policy
        .rules
        .iter()
        .filter(|rule| rule.effect != Effect::Deny)
        .map(|rule| rule.provider.as_str())
        .collect();
    if named.is_empty() {
        return Err(OpenError::NoRules);
    }
    if let Some(missing) = only.iter().find(|id| !named.contains(id.as_str())) {
        let all: Vec<&str> = named.into_iter().collect();
        return Err(OpenError::NoProvider(missing.clone(), all.join(", ")));
    }
    let wanted = |id: &&str| only.is_empty() || only.iter().any(|one| one == id);
    Ok(named.into_iter().filter(wanted).filter_map(|id| policy.provider(id).cloned()).collect())
}

/// Every host that a rule lets a request go to: what the session's authority may speak for.
fn hosts(policy: &AgentPolicy) -> Vec<HostPattern> {
    let mut all: Vec<HostPattern> = Vec::new();
    for rule in policy.rules.iter().filter(|rule| rule.effect != Effect::Deny) {
        let provider = policy.provider(&rule.provider);
        let capability = rule.capability.as_deref();
        let calls = provider.zip(capability).and_then(|(one, id)| one.capability(id));
        let of_capability = calls.iter().flat_map(|one| &one.calls).flat_map(|one| &one.hosts);
        for host in rule.hosts.iter().chain(of_capability) {
            if !all.contains(host) {
                all.push(host.clone());
            }
        }
    }
    all
}

fn scope(only: &[String]) -> Scope {
    if only.is_empty() {
        return Scope::whole();
    }
    let grant = |id: &String| Grant { provider: id.clone(), calls: Granted::All };
    Scope::only(only.iter().map(grant).collect())
}
