//! What the operator decides, and which decisions are refused.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
pub use strongroom_format::wire::Registration;
use thiserror::Error;

use crate::limits::Rates;

/// How people prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// By sessions.
    Session,
    /// By sessions, or by a header that says who: for development, on a loopback address.
    Dev,
}

/// The one signature algorithm of an issuer (RFC 7518, 8037). A token cannot choose another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 and keys of 2,048 bits or more.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// As it stands in a header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// A sign-in provider whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// What people call it.
    pub name: String,
    /// The exact `iss` of its tokens.
    pub issuer: String,
    /// The `aud` that a token may have: all that it has must be among these.
    pub audiences: Vec<String>,
    /// The public client id of the app; the `azp` of a token that has one.
    pub client_id: String,
    /// The scopes that the app asks for.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// The algorithm of its signatures.
    pub algorithm: Algorithm,
    /// Where its keys are: https, or http on a loopback address.
    pub jwks_url: String,
    /// Whether its people may make accounts where others need an invitation.
    #[serde(default)]
    pub admit: bool,
}

/// The configuration of a server; a TOML file of the same keys for the binary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where database and keys are; made with mode 0700 if missing.
    pub data_dir: PathBuf,
    /// The address to listen on; port 0 takes a free one.
    #[serde(default = "default_bind")]
    pub bind: SocketAddr,
    /// What clients call the server, `https://vault.example.org` for instance. May be left out on
    /// a loopback address.
    #[serde(default)]
    pub origin: Option<String>,
    /// Who may make an account.
    #[serde(default = "default_registration")]
    pub registration: Registration,
    /// How people prove who they are.
    #[serde(default = "default_auth")]
    pub auth: AuthMode,
    /// Says that a proxy in front speaks TLS; without it, only loopback addresses are allowed.
    #[serde(default)]
    pub behind_tls_proxy: bool,
    /// Addresses whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<IpAddr>,
    /// A loopback address for health and metrics; none by default.
    #[serde(default)]
    pub ops_bind: Option<SocketAddr>,
    /// Bounds the size of the database, in MiB.
    #[serde(default)]
    pub max_database_mib: Option<u64>,
    /// Rates.
    #[serde(default)]
    pub limits: Rates,
    /// Sign-in providers whose tokens are taken as well.
    #[serde(default)]
    pub issuers: Vec<IssuerConfig>,
}

fn default_bind() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4178))
}

fn default_registration() -> Registration {
    Registration::Invited
}

fn default_scopes() -> Vec<String> {
    vec!["openid".to_owned()]
}

fn default_auth() -> AuthMode {
    AuthMode::Session
}

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration cannot be read: {0}")]
    Unreadable(String),
    /// The text is not this configuration.
    #[error("the configuration is not understood: {0}")]
    Malformed(String),
    /// Secrets of sign-ins would travel in the clear.
    #[error("{0} is no loopback address: set `behind_tls_proxy = true` behind a proxy with TLS")]
    NoTls(SocketAddr),
    /// Anybody could be anybody.
    #[error("`auth = \"dev\"` is for loopback addresses only")]
    DevInPublic,
    /// The address says nothing about how clients reach the server.
    #[error("`origin` is needed here")]
    NoOrigin,
    /// The origin is not one.
    #[error("`origin` must be scheme, host and perhaps port, with https unless on loopback")]
    BadOrigin,
    /// An issuer whose tokens could not be told from others.
    #[error("the issuer \"{0}\" is not configured as it must be: {1}")]
    BadIssuer(String, &'static str),
    /// Metrics would be public.
    #[error("`ops_bind` must be a loopback address")]
    PublicOps,
}

impl Config {
    /// What the desktop app runs in process: a free loopback port, open registration.
    pub fn embedded(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            origin: None,
            registration: Registration::Open,
            auth: AuthMode::Session,
            behind_tls_proxy: false,
            trusted_proxies: Vec::new(),
            ops_bind: None,
            max_database_mib: None,
            limits: Rates::default(),
            issuers: Vec::new(),
        }
    }

    /// Reads a TOML file.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|e| ConfigError::Unreadable(e.kind().to_string()))?;
        Self::parse(&text)
    }

    /// Reads TOML text; keys that do not exist are refused.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|e| ConfigError::Malformed(e.message().to_owned()))
    }

    /// Refuses what would be dangerous.
    pub fn check(&self) -> Result<(), ConfigError> {
        let loopback = self.bind.ip().is_loopback();
        if !loopback && !self.behind_tls_proxy {
            return Err(ConfigError::NoTls(self.bind));
        }
        if self.auth == AuthMode::Dev && (!loopback || self.behind_tls_proxy) {
            return Err(ConfigError::DevInPublic);
        }
        if self.ops_bind.is_some_and(|ops| !ops.ip().is_loopback()) {
            return Err(ConfigError::PublicOps);
        }
        self.check_issuers()?;
        match &self.origin {
            None if !loopback || self.behind_tls_proxy => Err(ConfigError::NoOrigin),
            Some(origin) if !is_origin(origin) => Err(ConfigError::BadOrigin),
            _ => Ok(()),
        }
    }

    fn check_issuers(&self) -> Result<(), ConfigError> {
        for (at, issuer) in self.issuers.iter().enumerate() {
            let bad = |what| Err(ConfigError::BadIssuer(issuer.name.clone(), what));
            let texts = [&issuer.name, &issuer.issuer, &issuer.client_id, &issuer.jwks_url];
            let lists = issuer.audiences.iter().chain(&issuer.scopes);
            if texts.into_iter().chain(lists).any(|text| !is_word(text)) {
                return bad("a text is empty, too long or holds control characters");
            }
            if issuer.audiences.is_empty() || issuer.audiences.len() > MAX_LIST {
                return bad("`audiences` must name one to 16");
            }
            if issuer.scopes.len() > MAX_LIST || !issuer.scopes.iter().any(|s| s == "openid") {
                return bad("`scopes` must name `openid` and at most 15 others");
            }
            if !is_key_url(&issuer.jwks_url) {
                return bad("`jwks_url` must be https, or http on a loopback address");
            }
            if self.issuers[..at].iter().any(|other| other.issuer == issuer.issuer) {
                return bad("another has the same `issuer`");
            }
            if self.origin.as_ref() == Some(&issuer.issuer) {
                return bad("that is this server itself");
            }
        }
        if self.issuers.len() > MAX_ISSUERS {
            let what = "there are more than 64";
            return Err(ConfigError::BadIssuer(self.issuers[MAX_ISSUERS].name.clone(), what));
        }
        Ok(())
    }

    /// What clients call a server that listens at `address`.
    pub(crate) fn origin_at(&self, address: SocketAddr) -> String {
        self.origin.clone().unwrap_or_else(|| format!("http://{address}"))
    }
}

const MAX_LIST: usize = 16;
const MAX_ISSUERS: usize = 64;

fn is_word(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= 512 && !text.chars().any(char::is_control)
}

/// Scheme and host of an origin, and a path behind them; neither user nor fragment.
fn is_key_url(url: &str) -> bool {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    let path = url[scheme..].find('/').map_or(url.len(), |at| scheme + at);
    is_origin(&url[..path]) && !url.contains(['#', '\\', ' '])
}

/// `https://host[:port]`, or `http://` with a loopback host; no path, no user, no upper case.
fn is_origin(origin: &str) -> bool {
    let (secure, rest) = match (origin.strip_prefix("https://"), origin.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return false,
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
    let host = match rest.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        Some((_, port)) if !port.ends_with(']') => return false,
        _ => rest,
    };
    let local = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    !host.is_empty() && rest.len() <= 255 && rest.chars().all(plain) && (secure || local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<(), ConfigError> {
        Config::parse(&format!("data_dir = \"d\"\n{text}"))?.check()
    }

    #[test]
    fn safe_configurations_are_taken() {
        assert_eq!(config(""), Ok(()));
        assert_eq!(config("auth = \"dev\"\nregistration = \"open\""), Ok(()));
        assert_eq!(Config::embedded("d").check(), Ok(()));
        let public = "bind = \"0.0.0.0:443\"\nbehind_tls_proxy = true\n\
                      origin = \"https://vault.example.org\"\n[limits]\nrequests_per_second = 5";
        assert_eq!(config(public), Ok(()));
    }

    /// A sound issuer with one line replaced.
    fn issuer(line: &str, replaced: &str) -> String {
        let sound = [
            ("name", "name = \"Example\""),
            ("issuer", "issuer = \"https://login.example.org\""),
            ("audiences", "audiences = [\"app\"]"),
            ("client_id", "client_id = \"app\""),
            ("algorithm", "algorithm = \"RS256\""),
            ("jwks_url", "jwks_url = \"https://login.example.org/jwks\""),
        ];
        let lines: Vec<&str> =
            sound.iter().map(|(key, text)| if *key == replaced { line } else { *text }).collect();
        format!("[[issuers]]\n{}\n", lines.join("\n"))
    }

    #[test]
    fn an_issuer_that_could_be_mistaken_for_another_is_refused() {
        assert_eq!(config(&issuer("", "")), Ok(()));
        let local = "jwks_url = \"http://127.0.0.1:9/jwks\"";
        assert_eq!(config(&issuer(local, "jwks_url")), Ok(()));
        let twice = issuer("", "") + &issuer("", "");
        let own = "origin = \"https://login.example.org\"\n".to_owned() + &issuer("", "");
        let mut bad = vec![twice, own];
        for (line, replaced) in [
            ("issuer = \"\"", "issuer"),
            ("issuer = \" \"", "issuer"),
            ("name = \"\"", "name"),
            ("audiences = []", "audiences"),
            ("audiences = [\"\"]", "audiences"),
            ("audiences = [\"app\", \"\"]", "audiences"),
            ("client_id = \"\"", "client_id"),
            ("client_id = \"a\\u0000b\"", "client_id"),
            ("algorithm = \"RS256\"\nscopes = []", "algorithm"),
            ("algorithm = \"RS256\"\nscopes = [\"email\"]", "algorithm"),
            ("jwks_url = \"http://login.example.org/jwks\"", "jwks_url"),
            ("jwks_url = \"https://user@login.example.org/jwks\"", "jwks_url"),
            ("jwks_url = \"https:///jwks\"", "jwks_url"),
            ("jwks_url = \"file:///etc/passwd\"", "jwks_url"),
            ("jwks_url = \"ftp://login.example.org/\"", "jwks_url"),
            ("jwks_url = \"login.example.org/jwks\"", "jwks_url"),
        ] {
            bad.push(issuer(line, replaced));
        }
        for text in bad {
            assert!(matches!(config(&text), Err(ConfigError::BadIssuer(..))), "{text}");
        }
    }

    #[test]
    fn dangerous_configurations_are_refused() {
        let public = SocketAddr::from(([0, 0, 0, 0], 80));
        assert_eq!(config("bind = \"0.0.0.0:80\""), Err(ConfigError::NoTls(public)));
        let proxied = "bind = \"0.0.0.0:80\"\nbehind_tls_proxy = true\n";
        assert_eq!(config(proxied), Err(ConfigError::NoOrigin));
        let dev = format!("{proxied}origin = \"https://a.example\"\nauth = \"dev\"");
        assert_eq!(config(&dev), Err(ConfigError::DevInPublic));
        let hidden = "auth = \"dev\"\nbehind_tls_proxy = true\norigin = \"https://a.example\"";
        assert_eq!(config(hidden), Err(ConfigError::DevInPublic));
        assert_eq!(config("ops_bind = \"0.0.0.0:9\""), Err(ConfigError::PublicOps));
        for origin in [
            "http://vault.example.org",
            "https://vault.example.org/",
            "https://user@vault.example.org",
            "https://Vault.example.org",
            "https://",
            "https://a:b",
            "*",
            "",
        ] {
            let text = format!("origin = \"{origin}\"");
            assert_eq!(config(&text), Err(ConfigError::BadOrigin), "{origin}");
        }
        for unknown in [
            "[[issuers]]\nname = \"x\"",
            &issuer("algorithm = \"HS256\"", "algorithm"),
            &issuer("algorithm = \"none\"", "algorithm"),
            &issuer("algorithm = \"RS256\"\nsecret = \"x\"", "algorithm"),
        ] {
            assert!(matches!(config(unknown), Err(ConfigError::Malformed(_))), "{unknown}");
        }
        for unknown in ["cors = \"*\"", "auth = \"none\"", "[limits]\nrequests_per_second = 0"] {
            assert!(matches!(config(unknown), Err(ConfigError::Malformed(_))), "{unknown}");
        }
    }
}
