//! What is known of a provider: where it is, how it wants a credential, what its calls mean.
//!
//! Invariants: data, not code; facts from the provider's public documentation; a user's own provider
//! has the same shape and stands in an agent's policy. A provider allows nothing by itself.

mod built_in;
mod check;

pub use built_in::providers;
use serde::{Deserialize, Serialize};

use crate::decide::Asked;
use crate::secret::{Auth, SecretPolicy};
use crate::target::{Host, HostPattern, Method, Path, PathPattern, Target};

/// The provider of a rule for requests without a credential to hosts that no provider names.
pub const WEB: &str = "web";

/// A service that agents call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// 1 to 24 lower-case letters, digits and hyphens; part of its fake tokens.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it is; a `*.` pattern only with [`Auth::SigV4`].
    pub hosts: Vec<HostPattern>,
    /// On which ports.
    pub ports: Vec<u16>,
    /// The origin that the broker's base URL `/<id>` stands for.
    pub base: Target,
    /// How it wants a credential.
    pub auth: Auth,
    /// What a new secret's policy allows.
    pub methods: Vec<Method>,
    /// Where a new secret's policy allows it.
    pub paths: Vec<PathPattern>,
    /// Whether it may have private addresses and no TLS.
    pub private: bool,
    /// How its fake tokens look.
    pub shape: Shape,
    /// What a child process gets in its environment.
    pub env: Vec<EnvVar>,
    /// What calls do, in words.
    pub effects: Vec<EffectText>,
    /// Paths whose answer is a credential.
    pub mints: Vec<PathPattern>,
    /// Groups of calls with a name.
    pub capabilities: Vec<Capability>,
    /// Where its SDKs write the token.
    pub agent_sends: Vec<Place>,
}

/// How a fake token looks, so that an SDK's check of the format passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Shape {
    /// This text, then the token.
    Prefix {
        /// Such as `sk-ant-`; may be empty.
        text: String,
    },
    /// A key id and a secret that mean nothing, and the token as the AWS session token.
    AwsPair,
}

/// A variable of a child's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub value: EnvValue,
}

/// What a variable holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EnvValue {
    /// The session's fake token, in its shape.
    Token,
    /// `http://127.0.0.1:PORT/<id>` and the suffix.
    BaseUrl {
        /// Such as `/v1`; may be empty.
        suffix: String,
    },
    /// This text.
    Literal {
        /// The text.
        text: String,
    },
}

/// Calls that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// Such as `chat`; an agent says `openai.chat`.
    pub id: String,
    /// What it lets an agent do, in words.
    pub title: String,
    /// The calls.
    pub calls: Vec<Calls>,
}

/// Methods on paths of hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// The hosts, among the provider's.
    pub hosts: Vec<HostPattern>,
    /// The methods.
    pub methods: Vec<Method>,
    /// The paths.
    pub paths: Vec<PathPattern>,
}

/// What a call does, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectText {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: PathPattern,
    /// The sentence ([`crate::effect`] says what may stand in braces).
    pub sentence: String,
}

/// Where a client writes its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Place {
    /// `Authorization: <scheme> <token>`.
    Authorization {
        /// Such as `Bearer`, `token`, `Bot`; compared without regard to case.
        scheme: String,
    },
    /// A header of its own.
    Header {
        /// The name, in lower case.
        name: String,
    },
    /// A parameter of the query.
    Query {
        /// The name.
        name: String,
    },
    /// In a segment of the path, behind `bot`.
    Path,
    /// The password of `Authorization: Basic`, as git does. A credential that is otherwise written as
    /// [`Auth::Bearer`] then goes the same way, with this user.
    BasicPassword {
        /// The user, whatever the client said.
        user: String,
    },
    /// `x-amz-security-token`, as a header or in a presigned query.
    SecurityToken,
}

impl Provider {
    /// The built-in provider with this id.
    pub fn lookup(id: &str) -> Option<&'static Self> {
        providers().iter().find(|provider| provider.id == id)
    }

    /// What a new secret for this provider starts with.
    pub fn secret_policy(&self) -> SecretPolicy {
        SecretPolicy {
            hosts: self.hosts.clone(),
            ports: self.ports.clone(),
            methods: self.methods.clone(),
            paths: self.paths.clone(),
            private: self.private,
            mints: self.mints.clone(),
            ..SecretPolicy::nothing(self.auth.clone())
        }
    }

    /// The capability with this id: `chat`, or as agents say it, `openai.chat`.
    pub fn capability(&self, id: &str) -> Option<&Capability> {
        let short = match id.split_once('.') {
            Some((provider, short)) if provider == self.id => short,
            Some(_) => return None,
            None => id,
        };
        self.capabilities.iter().find(|capability| capability.id == short)
    }

    /// Whether `target` is one of its hosts on one of its ports.
    pub fn is_at(&self, target: &Target) -> bool {
        self.ports.contains(&target.port) && self.has_host(&target.host)
    }

    pub(crate) fn has_host(&self, host: &Host) -> bool {
        self.hosts.iter().any(|pattern| pattern.matches(host))
    }
}

impl Capability {
    /// Whether the request is one of its calls; `loosely` as [`PathPattern::touches`] has it.
    pub(crate) fn contains(&self, asked: &Asked<'_>, loosely: bool) -> bool {
        self.calls.iter().any(|calls| {
            calls.hosts.iter().any(|host| host.matches(&asked.target.host))
                && calls.methods.contains(asked.method)
                && any_path(&calls.paths, asked.path, loosely)
        })
    }
}

/// Whether one of `patterns` matches, or, `loosely`, touches `path`.
pub(crate) fn any_path(patterns: &[PathPattern], path: &Path, loosely: bool) -> bool {
    patterns
        .iter()
        .any(|pattern| if loosely { pattern.touches(path) } else { pattern.matches(path) })
}
