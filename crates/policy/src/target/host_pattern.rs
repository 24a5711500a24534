//! Hosts of one owner, by a pattern.

use std::{fmt, str::FromStr};

use super::host::{Host, HostError};
use super::text_form;

/// One host, or `*.` and a suffix: every host with exactly one more label, never the suffix itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern {
    any_label: bool,
    host: Host,
}

impl HostPattern {
    /// The pattern that only `host` matches.
    pub fn exactly(host: Host) -> Self {
        Self { any_label: false, host }
    }

    /// Whether it names one host only.
    pub fn is_exact(&self) -> bool {
        !self.any_label
    }

    /// The only host it names, if there is one only.
    pub fn exact(&self) -> Option<&Host> {
        self.is_exact().then_some(&self.host)
    }

    /// Whether `host` is one that this names.
    pub fn matches(&self, host: &Host) -> bool {
        if !self.any_label {
            return self.host == *host;
        }
        let (Some(suffix), Some(name)) = (self.host.name(), host.name()) else {
            return false;
        };
        name.split_once('.').is_some_and(|(_, rest)| rest == suffix)
    }
}

/// Second labels under which a country's registry sells names to anybody.
const SOLD_BELOW: [&str; 9] = ["ac", "co", "com", "edu", "gov", "net", "ne", "or", "org"];

fn belongs_to_one_owner(suffix: &str) -> bool {
    let labels: Vec<&str> = suffix.split('.').collect();
    match labels.as_slice() {
        [] | [_] => false,
        [second, top] => !(top.len() == 2 && SOLD_BELOW.contains(second)),
        _ => true,
    }
}

impl FromStr for HostPattern {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let Some(suffix) = text.strip_prefix("*.") else {
            return text.parse().map(Self::exactly);
        };
        let host: Host = suffix.parse()?;
        match host.name() {
            Some(name) if belongs_to_one_owner(name) => Ok(Self { any_label: true, host }),
            _ => Err(HostError::Pattern),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.any_label {
            f.write_str("*.")?;
        }
        self.host.fmt(f)
    }
}

impl fmt::Debug for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

text_form!(HostPattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_one_label_below_one_owner() {
        let s3: HostPattern = "*.s3.eu-central-1.amazonaws.com".parse().unwrap();
        let matches = |text: &str| s3.matches(&text.parse().unwrap());
        assert!(matches("bucket.s3.eu-central-1.amazonaws.com"));
        assert!(!matches("s3.eu-central-1.amazonaws.com"), "never the suffix itself");
        assert!(!matches("a.b.s3.eu-central-1.amazonaws.com"));
        assert!(!matches("xs3.eu-central-1.amazonaws.com"));
        assert!(!matches("bucket.s3.eu-central-1.amazonaws.com.evil.example"));
        let refused = [
            "*",
            "*.",
            "*.com",
            "*.co.uk",
            "*.com.au",
            "*.org.uk",
            "*.localhost",
            "*.*.example.com",
            "*.10.0.0.1",
            "*.[::1]",
            "a*.example.com",
            "*a.example.com",
            "a.*.example.com",
            "**.example.com",
        ];
        for text in refused {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
        for text in ["*.example.com", "api.github.com", "*.s3.amazonaws.com"] {
            assert_eq!(text.parse::<HostPattern>().unwrap().to_string(), text);
        }
    }
}
