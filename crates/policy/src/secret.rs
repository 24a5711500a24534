//! Where one secret may ever go: field 4 of the secret (docs/protocol.md, section 13).
//!
//! Invariants: sealed and signed with the secret's version, so nobody but a writer can widen it;
//! every list names exactly what is allowed; how the credential is written into a request stands
//! here and never in a request.

use serde::{Deserialize, Serialize};
use strongroom_format::id::{EnvId, SecretId};

use crate::document::{self, PolicyError};
use crate::target::{HostPattern, Method, PathPattern};

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
    /// Where else in a request a fake token may be replaced by the credential.
    pub sites: Vec<Site>,
    /// How often it may be used.
    pub uses: Option<u64>,
    /// Until when, in milliseconds of Unix time.
    pub not_after_ms: Option<u64>,
    /// Whether a person must approve each use.
    pub approval: bool,
    /// How fast it may be used.
    pub rate: Option<Rate>,
    /// Paths whose answer is a credential; only an [`Auth::OAuth2`] secret may go there, and the
    /// broker captures what comes back.
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
    /// In the first segment of the path, behind `bot` (Telegram).
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

/// A place in a request, besides [`Auth`], where a whole value that is a fake token may be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Site {
    /// A header with this lower-case name.
    Header {
        /// The name.
        name: String,
    },
    /// A parameter of the query.
    Query {
        /// The name.
        name: String,
    },
    /// A field of an `application/x-www-form-urlencoded` body.
    Form {
        /// The name.
        name: String,
    },
    /// A string in a JSON body.
    Json {
        /// The JSON Pointer (RFC 6901) to it.
        pointer: String,
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
            sites: Vec::new(),
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
        Ok(())
    }
}
