//! Where a request goes: scheme, host, port, method and path, each in its one canonical form.
//!
//! Invariants: two of these are equal exactly when they are the same place, so that a comparison of
//! text is a comparison of places; whatever has more than one reading is refused, not repaired.
//! Deliberately not here: addresses ([`crate::address`]) and name resolution (the broker).

mod host;
mod host_pattern;
mod method;
mod path;
mod pattern;

use std::{fmt, str::FromStr};

pub use host::{Host, HostError};
pub use host_pattern::HostPattern;
pub use method::{Method, MethodError};
pub use path::{Path, PathError};
pub use pattern::{PathPattern, PatternError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How a request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// In the clear; only ever to a host that the secret's policy calls private.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The port of a URL that names none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// An origin: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// How it is reached.
    pub scheme: Scheme,
    /// Whose it is.
    pub host: Host,
    /// The TCP port, the scheme's own when none was named.
    pub port: u16,
}

/// A text that is not exactly an origin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    /// Neither `http://` nor `https://`.
    #[error("an address begins with https:// (or http:// for a private host)")]
    Scheme,
    /// The port is no number from 1 to 65535 in its shortest form.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// The host has no or more than one reading.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl Target {
    /// The target that `authority` (`host` or `host:port`, as in `Host` or CONNECT) names.
    pub fn from_authority(scheme: Scheme, authority: &str) -> Result<Self, TargetError> {
        let host_end = match authority.find(']') {
            Some(bracket) => bracket + 1,
            None => authority.find(':').unwrap_or(authority.len()),
        };
        let (host, rest) = authority.split_at(host_end);
        let port = match rest.strip_prefix(':') {
            Some(digits) => port(digits)?,
            None if rest.is_empty() => scheme.default_port(),
            None => return Err(TargetError::Port),
        };
        Ok(Self { scheme, host: host.parse()?, port })
    }

    /// `host` or, when the port is not the scheme's own, `host:port`: what `Host` says.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

fn port(digits: &str) -> Result<u16, TargetError> {
    let plain = (1..=5).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if !plain {
        return Err(TargetError::Port);
    }
    digits.parse().map_err(|_| TargetError::Port)
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (scheme, authority) = if let Some(rest) = text.strip_prefix("https://") {
            (Scheme::Https, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (Scheme::Http, rest)
        } else {
            return Err(TargetError::Scheme);
        };
        Self::from_authority(scheme, authority)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

/// Serde through the one text form.
macro_rules! text_form {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
use text_form;

text_form!(Target);
