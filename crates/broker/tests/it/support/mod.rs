//! A world: a broker, upstreams on loopback behind public addresses, and a vault in memory.
//!
//! The vault stands in only for the link's other end; everything else is what runs for people.

pub mod net;
pub mod rude;
pub mod upstream;
pub mod vault;

use std::{collections::BTreeMap, sync::Arc};

use strongroom_broker::{
    Broker, Options,
    egress::{Egress, EgressOptions, TimeLimits},
    who::of_this_system,
};
use strongroom_control::{
    door::Reply,
    link::{AgentConfig, Config, SecretEntry, StandingToken},
    record::Record,
};
use strongroom_format::id::{AgentId, EnvId, SecretId};
use strongroom_policy::{AgentPolicy, Effect, Provider, Rule, SecretAt, SecretPolicy};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use net::Net;
use upstream::Upstream;
use vault::Vault;

/// What no agent may ever see.
pub const REAL: &str = "sk-live-Zx81qPmv0LrtYw7NhJk3Dq5cVbG2";

pub const AGENT: AgentId = AgentId([0xa1; 16]);

/// Where the n-th secret is.
pub fn secret(n: u8) -> SecretAt {
    SecretAt { env: EnvId([0xe0; 16]), secret: SecretId([n; 16]) }
}

/// A rule that lets an agent do at a provider whatever its secret's policy allows.
pub fn rule(provider: &Provider, secrets: Vec<SecretAt>) -> Rule {
    let policy = provider.secret_policy();
    Rule {
        name: format!("{} for everything", provider.id),
        effect: Effect::Allow,
        provider: provider.id.clone(),
        capability: None,
        secrets,
        hosts: policy.hosts,
        ports: policy.ports,
        methods: policy.methods,
        paths: policy.paths,
        process: None,
        uses: None,
        not_after_ms: None,
        rate: None,
        bytes: None,
        reason: false,
    }
}

/// A policy with these rules.
pub fn policy(rules: Vec<Rule>) -> AgentPolicy {
    AgentPolicy { rules, ..AgentPolicy::nothing() }
}

/// A built-in provider.
pub fn provider(id: &str) -> Provider {
    Provider::lookup(id).unwrap().clone()
}

/// Everything around one broker.
pub struct World {
    pub broker: Arc<Broker>,
    pub vault: Arc<Vault>,
    pub net: Arc<Net>,
    pub folder: TempDir,
    config: Config,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for World {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A session, as a command has it.
pub struct Session {
    pub id: u64,
    pub variables: BTreeMap<String, String>,
    pub ca: String,
}

impl World {
    /// A broker whose world holds these upstreams.
    pub fn new(upstreams: &[&Upstream]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let net = Arc::new(Net::of(upstreams));
        let vault = Arc::new(Vault::default());
        let mut roots = rustls::RootCertStore::empty();
        for upstream in upstreams {
            roots.add(upstream.authority.clone()).unwrap();
        }
        let resolver = Arc::clone(&net) as _;
        let options = EgressOptions { resolver, roots, limits: TimeLimits::default() };
        let broker = Broker::start(Options {
            port: 0,
            journal: folder.path().join("journal"),
            egress: Egress::new(options).unwrap(),
            who: of_this_system(),
            owner: Arc::clone(&vault) as _,
        })
        .unwrap();
        let serving = Arc::clone(&broker);
        let house = Arc::clone(&broker);
        let tasks = vec![
            tokio::spawn(async move { strongroom_broker::serve::serve(serving).await.unwrap() }),
            tokio::spawn(house.keep_house()),
        ];
        Self { broker, vault, net, folder, config: Config::default(), tasks }
    }

    /// Adds an agent, the values of its secrets and where they may go.
    #[must_use]
    pub fn agent(
        mut self,
        id: AgentId,
        name: &str,
        policy: AgentPolicy,
        secrets: &[(SecretAt, &str, SecretPolicy)],
    ) -> Self {
        let agent = self.described(id, name, policy, secrets);
        self.configure(|config| config.agents.push(agent));
        self
    }

    /// An agent as the broker is told of it; its values are put into the vault.
    pub fn described(
        &self,
        id: AgentId,
        name: &str,
        policy: AgentPolicy,
        secrets: &[(SecretAt, &str, SecretPolicy)],
    ) -> AgentConfig {
        for (at, value, _) in secrets {
            self.vault.put(*at, value);
        }
        let entry = |(at, _, policy): &(SecretAt, &str, SecretPolicy)| SecretEntry {
            at: *at,
            name: "API_KEY".to_owned(),
            place: "storefront / prod".to_owned(),
            version: 1,
            policy: policy.clone(),
        };
        AgentConfig {
            id,
            name: name.to_owned(),
            responsible: "Mara Lind".to_owned(),
            policy,
            not_after_ms: 0,
            secrets: secrets.iter().map(entry).collect(),
        }
    }

    /// One agent that may use one built-in provider with [`REAL`].
    #[must_use]
    pub fn with(self, id: &str) -> Self {
        let provider = provider(id);
        let at = secret(1);
        let rules = vec![rule(&provider, vec![at])];
        self.agent(AGENT, "coder", policy(rules), &[(at, REAL, provider.secret_policy())])
    }

    /// Changes the configuration.
    pub fn configure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.broker.configure(self.config.clone());
    }

    /// Adds a standing token for a provider; its text.
    pub fn standing(&mut self, agent: AgentId, id: &str) -> String {
        let known = self.config.agents.iter().find(|one| one.id == agent).unwrap();
        let provider = known.policy.provider(id).unwrap();
        let number = u8::try_from(self.config.tokens.len()).unwrap();
        let token = strongroom_policy::FakeToken::make(provider, [number; 32]);
        self.config.tokens.push(StandingToken {
            id: u64::from(number),
            hash: token.hash(),
            agent,
            provider: id.to_owned(),
            not_after_ms: 0,
        });
        self.broker.configure(self.config.clone());
        token.text().to_owned()
    }

    /// Begins a session of the only agent.
    pub fn session(&self) -> Session {
        self.session_of(None)
    }

    /// Begins a session of an agent.
    pub fn session_of(&self, agent: Option<&str>) -> Session {
        let opened = self.broker.open_session(agent, &[], None, "test".to_owned()).unwrap();
        let Reply::Opened { session, variables, ca, .. } = opened.reply else { unreachable!() };
        Session { id: session, variables: variables.into_iter().collect(), ca }
    }

    /// `http://127.0.0.1:PORT` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.broker.address())
    }

    /// Everything that was written down.
    pub fn records(&self) -> Vec<Record> {
        self.broker.journal().page(0, usize::MAX)
    }
}

impl Session {
    /// A variable of the command.
    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map(String::as_str).unwrap()
    }

    /// A client that goes through the forward proxy and trusts the session's authority alone.
    pub fn client(&self) -> reqwest::Client {
        let proxy = reqwest::Proxy::all(self.variable("HTTPS_PROXY")).unwrap();
        let ca = reqwest::Certificate::from_pem(self.ca.as_bytes()).unwrap();
        reqwest::Client::builder()
            .proxy(proxy)
            .tls_certs_only([ca])
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap()
    }
}

/// A client without a proxy, for the base address.
pub fn direct() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy();
    builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}
