//! The name or address of a host, and the pattern that stands for one label of many.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use thiserror::Error;

use super::text_form;

/// A name as a whole (RFC 1035, section 2.3.4, without the root's dot).
const MAX_NAME: usize = 253;
/// One label of it.
const MAX_LABEL: usize = 63;

/// A host: a lower-case name of A-labels without a trailing dot, or an address in its canonical
/// form (RFC 5952 for IPv6, in brackets).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(Form);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Form {
    Name(Box<str>),
    Address(IpAddr),
}

/// A text that is no host, or that different programs read as different hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HostError {
    /// Nothing, or longer than a name can be.
    #[error("a host name has 1 to 253 characters")]
    Length,
    /// A label that is empty, too long, or begins or ends with a hyphen; also a trailing dot.
    #[error(
        "a host name is made of parts of 1 to 63 letters, digits and inner hyphens, joined by single dots"
    )]
    Label,
    /// Something else than letters, digits, hyphen and dot; names in other scripts are written as
    /// `xn--…`.
    #[error(
        "a host name has only letters, digits, hyphens and dots (names in other scripts begin with xn--)"
    )]
    Character,
    /// Ends in a number without being an address in its usual form.
    #[error(
        "an address is written as four decimal numbers, or in brackets as IPv6 in its shortest form"
    )]
    Address,
    /// A pattern that would cover hosts of different owners.
    #[error(
        "a pattern is *. before at least two fixed parts that belong to one owner, such as *.s3.eu-central-1.amazonaws.com"
    )]
    Pattern,
}

impl Host {
    /// The address, if the host is named by one.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Form::Address(address) => Some(address),
            Form::Name(_) => None,
        }
    }

    /// The name, if the host is named by one.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Form::Name(name) => Some(name),
            Form::Address(_) => None,
        }
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text.is_empty() || text.len() > MAX_NAME {
            return Err(HostError::Length);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(HostError::Address)?;
            return address6(inner);
        }
        let name = text.to_ascii_lowercase();
        check_name(&name)?;
        if ends_in_number(&name) {
            return address4(&name);
        }
        Ok(Self(Form::Name(name.into())))
    }
}

fn address6(text: &str) -> Result<Host, HostError> {
    let address: Ipv6Addr = text.parse().map_err(|_| HostError::Address)?;
    if address.to_string() != text.to_ascii_lowercase() {
        return Err(HostError::Address);
    }
    Ok(Host(Form::Address(address.into())))
}

fn address4(text: &str) -> Result<Host, HostError> {
    let address: Ipv4Addr = text.parse().map_err(|_| HostError::Address)?;
    Ok(Host(Form::Address(address.into())))
}

fn check_name(name: &str) -> Result<(), HostError> {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    if !name.bytes().all(known) {
        return Err(HostError::Character);
    }
    let sound = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    if !name.split('.').all(sound) {
        return Err(HostError::Label);
    }
    Ok(())
}

/// Whether some resolver would read the name as an IPv4 address (WHATWG URL, "ends in a number").
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hex = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex || last.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Name(name) => f.write_str(name),
            Form::Address(IpAddr::V4(address)) => address.fmt(f),
            Form::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

text_form!(Host);

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
