//! Where one secret may ever go: field 4 of the secret (docs/protocol.md, section 13).
//!
//! Invariants: sealed and signed with the secret's version, so nobody but a writer can widen it;
//! every list names exactly what is allowed; how the credential is written into a request stands
//! here and never in a request.

use serde::{Deserialize, Serialize};
use strongroom_format::id::{EnvId, SecretId};

use crate::document::{self, Checked, MAX_LIST, PolicyError};
use crate::target::{HostPattern, Method, Path, PathPattern, Scheme, Target};

/// A template, a user, the name of a parameter.
const MAX_TEXT: usize = 256;
/// The certificate of an own CA.
const MAX_CA: usize = 16 * 1024;

/// A secret and the environment whose key seals it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretAt {
    /// The environment.
    pub env: EnvId,
    /// The secret in it.
    pub secret: SecretId,
}

/// Where a credential may go and how it is written there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretPolicy {
    /// Always [`Self::VERSION`].
    pub version: u32,
    /// The hosts. A `*.` pattern only with [`Auth::SigV4`], which never sends the credential itself.
    pub hosts: Vec<HostPattern>,
    /// The ports.
    pub ports: Vec<u16>,
    /// The methods.
    pub methods: Vec<Method>,
    /// The paths.
    pub paths: Vec<PathPattern>,
    /// How the credential is written into a request.
    pub auth: Auth,
    /// Whether the hosts may have private addresses and be spoken to without TLS.
    pub private: bool,
    /// How often it may be used.
    pub uses: Option<u64>,
    /// Until when, in milliseconds of Unix time.
    pub not_after_ms: Option<u64>,
    /// Whether a person must approve each use.
    pub approval: bool,
    /// How fast it may be used.
    pub rate: Option<Rate>,
    /// Paths whose answer is another credential: no request of an agent goes there. (What
    /// [`Auth::OAuth2`] needs, the broker asks for itself.)
    pub mints: Vec<PathPattern>,
    /// The certificate (PEM) of an own CA that signs the private hosts.
    pub ca: Option<String>,
}

/// How a credential is written into a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Auth {
    /// `Authorization: Bearer {}` (RFC 6750).
    Bearer,
    /// A header of its own.
    Header {
        /// The header, in lower case.
        name: String,
        /// Its value, with exactly one `{}` for the credential.
        template: String,
    },
    /// `Authorization: Basic` with this user and the credential as password (RFC 7617).
    Basic {
        /// The user.
        user: String,
    },
    /// In a segment of the path, behind `bot` (Telegram). Policies, records and people see the path
    /// without the token: `/bot/sendMessage`.
    Path,
    /// AWS Signature Version 4; the credential is `KEY_ID:SECRET` or `KEY_ID:SECRET:SESSION`.
    SigV4 {
        /// The service, such as `s3`; none: what the agent signed for.
        service: Option<String>,
        /// The region, such as `eu-central-1`; none: what the agent signed for.
        region: Option<String>,
    },
    /// OAuth 2 (RFC 6749, section 6): the credential is a refresh token or client secret that only
    /// the token endpoint sees; requests carry the access token it gave.
    OAuth2 {
        /// The token endpoint, an `https://` URL.
        token_url: String,
        /// The scopes asked for.
        scopes: Vec<String>,
    },
}

/// At most so many in any stretch of so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many, 1 to 10,000.
    pub count: u32,
    /// In how many seconds, 1 to 86,400.
    pub per_seconds: u32,
}

impl SecretPolicy {
    /// The version of this encoding.
    pub const VERSION: u32 = 1;

    /// A policy that allows nothing yet; the auth says how the credential would be written.
    pub fn nothing(auth: Auth) -> Self {
        Self {
            version: Self::VERSION,
            hosts: Vec::new(),
            ports: Vec::new(),
            methods: Vec::new(),
            paths: Vec::new(),
            auth,
            private: false,
            uses: None,
            not_after_ms: None,
            approval: false,
            rate: None,
            mints: Vec::new(),
            ca: None,
        }
    }

    /// The bytes that are sealed.
    pub fn encode(&self) -> Vec<u8> {
        document::encode(self)
    }

    /// What the sealed bytes say.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let policy: Self = document::parse(bytes)?;
        policy.check()?;
        Ok(policy)
    }

    /// Whether every part means something and is within bounds; ask before [`Self::encode`].
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.version != Self::VERSION {
            return Err(PolicyError::Version(self.version));
        }
        let part = Checked::part("the secret's policy");
        part.places(&self.hosts, &self.ports, &self.methods, &self.paths)?;
        self.auth.check(&part, &self.hosts)?;
        part.inner("mints").count(self.mints.len(), MAX_LIST)?;
        self.rate.iter().try_for_each(|rate| rate.check(&part))?;
        if let Some(ca) = &self.ca {
            let part = part.inner("own CA");
            part.require(
                self.private,
                "an own CA is only for private hosts; public ones have public CAs",
            )?;
            let pem = ca.len() <= MAX_CA && ca.contains("-----BEGIN CERTIFICATE-----");
            part.require(pem, "a certificate in PEM form of at most 16 KiB")?;
        }
        document::check_length(self)
    }
}

impl Auth {
    /// Whether it means something, for a credential that goes to `hosts`.
    pub(crate) fn check(&self, part: &Checked, hosts: &[HostPattern]) -> Result<(), PolicyError> {
        let sends_itself = !matches!(self, Self::SigV4 { .. });
        let exact = hosts.iter().all(HostPattern::is_exact);
        part.inner("hosts").require(
            exact || !sends_itself,
            "a credential that is sent itself goes to hosts by their full names; *. is only for signatures",
        )?;
        let part = part.inner("auth");
        match self {
            Self::Bearer | Self::Path => Ok(()),
            Self::Header { name, template } => {
                check_header(&part, name)?;
                let printable = template.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                let once = template.matches("{}").count() == 1;
                let sound = printable && once && template.len() <= MAX_TEXT;
                part.require(sound, "a template is plain text with exactly one {}")
            }
            Self::Basic { user } => {
                let sound = user.len() <= MAX_TEXT
                    && !user.contains(':')
                    && !user.chars().any(char::is_control);
                part.require(sound, "a user of Basic authentication has no colon")
            }
            Self::SigV4 { service, region } => {
                let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                let sound =
                    |text: &String| (1..=MAX_LIST).contains(&text.len()) && text.bytes().all(known);
                let sound = service.iter().chain(region).all(sound);
                part.require(sound, "a service or region has only letters, digits and hyphens")
            }
            Self::OAuth2 { token_url, scopes } => {
                let https = token_endpoint(token_url).is_some();
                part.require(
                    https,
                    "a token endpoint is an https:// address with a path and no query",
                )?;
                part.inner("scopes").count(scopes.len(), MAX_LIST)?;
                // RFC 6749, section 3.3
                let known = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
                let sound =
                    |text: &String| (1..=MAX_TEXT).contains(&text.len()) && text.bytes().all(known);
                part.require(scopes.iter().all(sound), "a scope is a word")
            }
        }
    }
}

/// Where an OAuth 2 token endpoint is; none unless it is `https://host[:port]/path`.
pub fn token_endpoint(url: &str) -> Option<(Target, Path)> {
    let rest = url.strip_prefix("https://")?;
    let (authority, _) = rest.split_once('/')?;
    let target = Target::from_authority(Scheme::Https, authority).ok()?;
    let path = Path::parse(rest.get(authority.len()..)?).ok()?;
    path.query().is_none().then_some((target, path))
}

impl Rate {
    pub(crate) fn check(self, part: &Checked) -> Result<(), PolicyError> {
        let sound = (1..=10_000).contains(&self.count) && (1..=86_400).contains(&self.per_seconds);
        part.inner("rate").require(sound, "1 to 10,000 in 1 to 86,400 seconds")
    }
}

/// Headers that say where a message ends, where it goes or who sends it.
const NOT_FOR_CREDENTIALS: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

pub(crate) fn check_header(part: &Checked, name: &str) -> Result<(), PolicyError> {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let sound = (1..=MAX_LIST).contains(&name.len())
        && name.bytes().all(known)
        && !NOT_FOR_CREDENTIALS.contains(&name)
        && !name.starts_with("proxy-")
        && !name.starts_with("x-strongroom-");
    part.require(sound, "a header has a lower-case name and is not one that HTTP itself uses")
}
