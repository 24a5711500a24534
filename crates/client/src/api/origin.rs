//! A server's address in the one spelling that signatures are made over.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

const MAX: usize = 512;

/// Not an address of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadOrigin {
    /// Not `https://host` or `https://host:port`.
    #[error("a server's address is https://host or https://host:port")]
    Malformed,
    /// `http` to another computer.
    #[error("a server on another computer needs https")]
    Insecure,
}

/// Scheme, host and port; `https` unless the host is this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    text: String,
    loopback: bool,
}

impl Origin {
    /// `https://vault.example` or `http://127.0.0.1:4178`: no slash at the end, no default port.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the server runs on this computer.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    pub(super) fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let (url, loopback) = private(text)?;
        if url.path() != "/" {
            return Err(BadOrigin::Malformed);
        }
        Ok(Self { text: url.origin().ascii_serialization(), loopback })
    }
}

/// An address on whose way nobody reads along: HTTPS, or on this computer, which is said as well.
/// It carries no credentials, query or fragment.
pub(super) fn private(text: &str) -> Result<(Url, bool), BadOrigin> {
    if text.len() > MAX {
        return Err(BadOrigin::Malformed);
    }
    let url = Url::parse(text.trim()).map_err(|_| BadOrigin::Malformed)?;
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return Err(BadOrigin::Malformed),
    };
    match url.scheme() {
        "https" if plain => Ok((url, loopback)),
        "http" if plain && loopback => Ok((url, loopback)),
        "http" if plain => Err(BadOrigin::Insecure),
        _ => Err(BadOrigin::Malformed),
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        for (typed, origin) in [
            ("https://Vault.Example/", "https://vault.example"),
            ("https://vault.example:443", "https://vault.example"),
            ("https://vault.example:8443", "https://vault.example:8443"),
            (" http://127.0.0.1:4178 ", "http://127.0.0.1:4178"),
            ("http://[::1]:1", "http://[::1]:1"),
            ("http://localhost:80", "http://localhost"),
        ] {
            assert_eq!(typed.parse::<Origin>().unwrap().as_str(), origin);
        }
    }

    #[test]
    fn what_is_not_an_origin_is_refused() {
        for typed in [
            "",
            "vault.example",
            "ftp://vault.example",
            "https://",
            "https://me@vault.example",
            "https://me:pw@vault.example",
            "https://vault.example/path",
            "https://vault.example?x",
            "https://vault.example#x",
            "file:///etc/passwd",
        ] {
            assert_eq!(typed.parse::<Origin>(), Err(BadOrigin::Malformed), "{typed}");
        }
        for typed in ["http://vault.example", "http://10.0.0.1", "http://127.0.0.1.example"] {
            assert_eq!(typed.parse::<Origin>(), Err(BadOrigin::Insecure), "{typed}");
        }
    }
}
