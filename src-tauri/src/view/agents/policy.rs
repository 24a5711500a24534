//! Policies as forms show and send them: what an agent may do, and where a secret may go. They
//! mirror `strongroom-policy`, which checks them; here every part is still a text.

use serde::{Deserialize, Serialize};

/// What an agent may do. The limits count for one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// In order: the first that is about a request decides, and where none is, it is refused.
    pub rules: Vec<RuleSpec>,
    /// Providers that a person defined.
    pub providers: Vec<ProviderSpec>,
    /// What becomes of its sessions when the vault locks.
    pub on_lock: OnLock,
    /// The longest session.
    pub session_minutes: Option<u32>,
    /// The most requests of a session.
    pub requests: Option<u64>,
    /// The most bytes of a session, requests and answers together.
    pub bytes: Option<u64>,
    /// The most requests in a time.
    pub rate: Option<RateSpec>,
}

/// What becomes of sessions when the vault locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum OnLock {
    /// They wait for the vault.
    Pause,
    /// They are over.
    End,
}

/// So many in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateSpec {
    /// How many.
    pub count: u32,
    /// In how many seconds.
    pub per_seconds: u32,
}

/// One rule. An empty list names nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSpec {
    /// Its name.
    pub name: String,
    /// What becomes of a request that it is about.
    pub effect: RuleEffect,
    /// The provider's id.
    pub provider: String,
    /// The capability by which an agent asks for it.
    pub capability: Option<String>,
    /// Credentials, in the order in which they are tried; none adds none.
    pub secrets: Vec<AgentSecretRef>,
    /// Host names.
    pub hosts: Vec<String>,
    /// Ports.
    pub ports: Vec<u16>,
    /// Methods.
    pub methods: Vec<String>,
    /// Patterns of paths, by segment.
    pub paths: Vec<String>,
    /// The process that may ask.
    pub process: Option<ProcessSpec>,
    /// How often, in all.
    pub uses: Option<u64>,
    /// Until when, in milliseconds since 1970.
    pub not_after_ms: Option<u64>,
    /// How fast.
    pub rate: Option<RateSpec>,
    /// How many bytes, in all.
    pub bytes: Option<u64>,
    /// The agent has to say why.
    pub reason: bool,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum RuleEffect {
    /// It is sent.
    Allow,
    /// A person is asked.
    Ask,
    /// It is refused.
    Deny,
}

/// A secret that a rule names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentSecretRef {
    /// Its environment.
    pub env_id: String,
    /// The secret.
    pub secret_id: String,
    /// Its name, to read; none where it is gone or closed to this user.
    pub name: Option<String>,
    /// Application and environment, to read.
    pub place: Option<String>,
}

/// The process that may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessSpec {
    /// The path of its executable.
    pub path: Option<String>,
    /// The SHA-256 of that file, in hexadecimal.
    pub sha256: Option<String>,
}

/// A provider that a person defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderSpec {
    /// How rules name it.
    pub id: String,
    /// How people name it.
    pub name: String,
    /// Where its interface begins, as `https://api.example.com`.
    pub base: String,
    /// Host names.
    pub hosts: Vec<String>,
    /// Ports.
    pub ports: Vec<u16>,
    /// Methods.
    pub methods: Vec<String>,
    /// Patterns of paths, by segment.
    pub paths: Vec<String>,
    /// How its credential is put into a request.
    pub auth: AuthSpec,
    /// Its hosts may have private addresses, and `http`.
    pub private: bool,
    /// The variable that gets the fake token.
    pub token_variable: String,
    /// The variable that gets the broker's address, if programs read one.
    pub base_variable: Option<String>,
}

/// How a credential is put into a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum AuthSpec {
    /// `Authorization: Bearer …`.
    Bearer,
    /// A header of another name or form.
    Header {
        /// The header.
        name: String,
        /// What stands in it, with exactly one `{}`.
        template: String,
    },
    /// `Authorization: Basic …`, with the credential as the password.
    Basic {
        /// The user name.
        user: String,
    },
    /// A segment of the path.
    Path,
    /// A signature of AWS, version 4. The credential is `id:secret`.
    SigV4 {
        /// Only this service.
        service: Option<String>,
        /// Only this region.
        region: Option<String>,
    },
    /// A refresh token of OAuth 2.
    OAuth2 {
        /// Where it is exchanged.
        token_url: String,
        /// For what.
        scopes: Vec<String>,
    },
}

/// A provider to choose: built in, or defined in the policy of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ProviderView {
    /// How rules name it.
    pub id: String,
    /// How people name it.
    pub name: String,
    /// Where its interface begins.
    pub base: String,
    /// Host names.
    pub hosts: Vec<String>,
    /// Ports.
    pub ports: Vec<u16>,
    /// Methods.
    pub methods: Vec<String>,
    /// Patterns of paths, by segment.
    pub paths: Vec<String>,
    /// How its credential is put into a request.
    pub auth: AuthSpec,
    /// Its hosts may have private addresses, and `http`.
    pub private: bool,
    /// The variable that gets the fake token.
    pub token_variable: String,
    /// The variable that gets the broker's address.
    pub base_variable: Option<String>,
    /// It came with the program.
    pub built_in: bool,
    /// What agents may ask for by name.
    pub capabilities: Vec<CapabilityView>,
    /// The agents with a rule for it.
    pub agents: Vec<AgentName>,
}

/// Calls of a provider that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct CapabilityView {
    /// How rules and agents name it.
    pub id: String,
    /// What it lets an agent do, in words.
    pub title: String,
}

/// An agent by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AgentName {
    /// The agent.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Where the value of a secret may ever be sent. An empty list names nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretPolicySpec {
    /// Host names.
    pub hosts: Vec<String>,
    /// Ports.
    pub ports: Vec<u16>,
    /// Methods.
    pub methods: Vec<String>,
    /// Patterns of paths, by segment.
    pub paths: Vec<String>,
    /// How it is put into a request.
    pub auth: AuthSpec,
    /// The hosts may have private addresses, and `http`.
    pub private: bool,
    /// A person is asked about every use.
    pub approval: bool,
    /// How often, in all.
    pub uses: Option<u64>,
    /// Until when, in milliseconds since 1970.
    pub not_after_ms: Option<u64>,
    /// How fast.
    pub rate: Option<RateSpec>,
    /// Paths whose answers hold new credentials, which are kept from the agent.
    pub mints: Vec<String>,
    /// The certificate of an own authority for private hosts, in PEM.
    pub ca: Option<String>,
}

/// The policy of one secret, and who has rules about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SecretPolicyView {
    /// The policy.
    pub spec: SecretPolicySpec,
    /// The agents with a rule that names the secret.
    pub agents: Vec<AgentName>,
}
