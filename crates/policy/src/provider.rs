//! What is known of a provider: where it is, how it wants a credential, what its calls mean.
//!
//! Invariants: data, not code; facts from the provider's public documentation; a user's own provider
//! has the same shape and stands in an agent's policy. A provider allows nothing by itself.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::decide::Asked;
use crate::document::{Checked, MAX_LIST, PolicyError};
use crate::secret::{Auth, SecretPolicy, check_header};
use crate::target::{Host, HostPattern, Method, Path, PathPattern, Scheme, Target};

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

/// The providers that are built in, in the order of their names.
pub fn providers() -> &'static [Provider] {
    static ALL: LazyLock<Vec<Provider>> = LazyLock::new(|| {
        BUILT_IN.iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
    });
    &ALL
}

/// Every file has its test, so none is ever left out.
const BUILT_IN: [&str; 12] = [
    include_str!("providers/anthropic.json"),
    include_str!("providers/aws-s3.json"),
    include_str!("providers/brave.json"),
    include_str!("providers/cloudflare.json"),
    include_str!("providers/discord.json"),
    include_str!("providers/gemini.json"),
    include_str!("providers/github.json"),
    include_str!("providers/groq.json"),
    include_str!("providers/hetzner.json"),
    include_str!("providers/notion.json"),
    include_str!("providers/openai.json"),
    include_str!("providers/telegram.json"),
];

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

    /// [`Self::check`], and what a provider that a policy defines may not do.
    pub(crate) fn check_defined(&self) -> Result<(), PolicyError> {
        self.check()?;
        let harmful =
            |var: &EnvVar| NOT_FOR_PROVIDERS.iter().any(|name| var.name.starts_with(name));
        Checked::part(format!("provider {}, variables", self.id)).require(
            !self.env.iter().any(harmful),
            "a provider sets no variable that decides what a program runs or whom it trusts",
        )
    }

    /// Whether every part means something and is within bounds.
    pub fn check(&self) -> Result<(), PolicyError> {
        let part = Checked::part(format!("provider {}", self.id));
        part.id(&self.id)?;
        part.name(&self.name)?;
        part.places(&self.hosts, &self.ports, &self.methods, &self.paths)?;
        part.require(self.is_at(&self.base), "its base is one of its hosts and ports")?;
        let private = self.private || self.base.scheme == Scheme::Https;
        part.require(private, "only a private provider is spoken to without TLS")?;
        self.auth.check(&part, &self.hosts)?;
        self.shape.check(&part)?;
        part.inner("mints").count(self.mints.len(), MAX_LIST)?;
        part.inner("variables").count(self.env.len(), MAX_LIST)?;
        self.env.iter().try_for_each(|var| var.check(&part))?;
        part.inner("effects").count(self.effects.len(), MAX_LIST)?;
        self.effects.iter().try_for_each(|effect| effect.check(&part))?;
        part.inner("capabilities").count(self.capabilities.len(), MAX_LIST)?;
        for capability in &self.capabilities {
            let part = part.inner(&capability.id);
            part.id(&capability.id)?;
            part.name(&capability.title)?;
            part.count(capability.calls.len(), MAX_LIST)?;
            for calls in &capability.calls {
                part.places(&calls.hosts, &[], &calls.methods, &calls.paths)?;
            }
        }
        part.inner("places").count(self.agent_sends.len(), MAX_LIST)?;
        self.agent_sends.iter().try_for_each(|place| place.check(&part))
    }
}

impl Shape {
    fn check(&self, part: &Checked) -> Result<(), PolicyError> {
        let Self::Prefix { text } = self else { return Ok(()) };
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let sound = text.len() <= 32 && text.bytes().all(known) && !text.contains("srf_");
        part.inner("shape").require(sound, "at most 32 letters, digits, and - _ . :")
    }
}

/// Variables that decide which code a program runs, whom it trusts or where it connects, by the
/// beginning of their names. A provider that a policy defines sets none of them.
const NOT_FOR_PROVIDERS: [&str; 22] = [
    "ALL_PROXY",
    "BASH_",
    "CURL_",
    "DENO_",
    "DYLD_",
    "ENV",
    "GIT_",
    "HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "IFS",
    "JAVA_",
    "LD_",
    "NODE_",
    "NO_PROXY",
    "NPM_",
    "PATH",
    "PERL",
    "PYTHON",
    "RUBY",
    "SHELL",
    "SSL_",
];

impl EnvVar {
    fn check(&self, part: &Checked) -> Result<(), PolicyError> {
        let part = part.inner("variables");
        let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let sound = (1..=MAX_LIST).contains(&self.name.len())
            && self.name.bytes().all(known)
            && !self.name.starts_with(|first: char| first.is_ascii_digit());
        part.require(sound, "a variable has upper-case letters, digits and _")?;
        let text = match &self.value {
            EnvValue::Token => "",
            EnvValue::BaseUrl { suffix: text } | EnvValue::Literal { text } => text,
        };
        let plain = text.len() <= 256 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        part.require(plain, "at most 256 plain characters")
    }
}

impl Place {
    fn check(&self, part: &Checked) -> Result<(), PolicyError> {
        let part = part.inner("places");
        match self {
            Self::Header { name } => check_header(&part, name),
            Self::Authorization { scheme: text } | Self::Query { name: text } => {
                let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                let sound = (1..=MAX_LIST).contains(&text.len()) && text.bytes().all(known);
                part.require(sound, "a scheme or parameter is a word")
            }
            Self::BasicPassword { user } => Auth::Basic { user: user.clone() }.check(&part, &[]),
            Self::Path | Self::SecurityToken => Ok(()),
        }
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
