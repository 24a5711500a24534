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
}

fn default_bind() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4178))
}

fn default_registration() -> Registration {
    Registration::Invited
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
        match &self.origin {
            None if !loopback || self.behind_tls_proxy => Err(ConfigError::NoOrigin),
            Some(origin) if !is_origin(origin) => Err(ConfigError::BadOrigin),
            _ => Ok(()),
        }
    }

    /// What clients call a server that listens at `address`.
    pub(crate) fn origin_at(&self, address: SocketAddr) -> String {
        self.origin.clone().unwrap_or_else(|| format!("http://{address}"))
    }
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
        for unknown in ["cors = \"*\"", "auth = \"none\"", "[limits]\nrequests_per_second = 0"] {
            assert!(matches!(config(unknown), Err(ConfigError::Malformed(_))), "{unknown}");
        }
    }
}
