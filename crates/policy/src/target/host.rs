//! The name or address of a host.

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::target::{HostPattern, Scheme, Target};

    /// Spellings that some program reads as `api.github.com`, or that look like it.
    const NOT_GITHUB: [&str; 64] = [
        "",
        ".",
        "..",
        "api.github.com.",
        "api.github.com..",
        ".api.github.com",
        "api..github.com",
        "api.github.com.evil.example",
        "api.github.comevil.example",
        "api.github.com-evil.example",
        "evil.example/api.github.com",
        "evilapi.github.com",
        "api-github.com",
        "github.com",
        "api.github.co",
        "api.github.com.br",
        "xapi.github.com",
        "api.github.com:443",
        "api.github.com:80:443",
        "user@api.github.com",
        "api.github.com@evil.example",
        "user:pass@api.github.com",
        "api.github.com/",
        "api.github.com/x",
        "api.github.com?x",
        "api.github.com#x",
        "api.github.com\\@evil.example",
        "evil.example#api.github.com",
        "evil.example?api.github.com",
        "evil.example\\api.github.com",
        "https://api.github.com",
        "//api.github.com",
        " api.github.com",
        "api.github.com ",
        "api .github.com",
        "api.github.com\t",
        "api.github.com\n",
        "api.github.com\r\nHost: evil.example",
        "api.github.com\0",
        "api.github.com\0.evil.example",
        "api.github.com%00",
        "api%2egithub.com",
        "%61pi.github.com",
        "api.github.com%2f",
        "api.github.com,evil.example",
        "api.github.com;evil.example",
        "api_.github.com",
        "-api.github.com",
        "api-.github.com",
        "*.github.com",
        "*",
        "api\u{3002}github\u{3002}com",
        "api\u{ff0e}github.com",
        "api.g\u{456}thub.com",
        "api.github.\u{441}om",
        "\u{ff41}pi.github.com",
        "api.github.com\u{200b}",
        "api.git\u{ad}hub.com",
        "api.github.c\u{2134}m",
        "\u{202e}moc.buhtig.ipa",
        "[api.github.com]",
        "api.github.com]",
        "(api.github.com)",
        "\"api.github.com\"",
    ];

    /// Spellings of addresses that some resolver accepts.
    const NOT_CANONICAL: [&str; 30] = [
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "127.0.0.1.1",
        "127.0.0.256",
        "127.0.0",
        "1",
        "0",
        "0x",
        "x.0x",
        "x.0x1",
        "1.2.3.0x4",
        "999.999.999.999",
        "api.github.com.1",
        "\u{ff11}27.0.0.1",
        "::1",
        "[::1",
        "[0:0:0:0:0:0:0:1]",
        "[0::1]",
        "[::0001]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[::127.0.0.1]",
        "[]",
        "[v1.x]",
    ];

    #[test]
    fn no_other_spelling_is_the_host_that_is_allowed() {
        let github: Host = "api.github.com".parse().unwrap();
        for text in NOT_GITHUB.into_iter().chain(NOT_CANONICAL) {
            let taken = text.parse::<Host>().is_ok_and(|host| github == host);
            assert!(!taken, "{text:?}");
        }
    }

    #[test]
    fn a_spelling_that_needs_interpretation_is_no_host_at_all() {
        let other_names = [
            "api.github.com.evil.example",
            "api.github.comevil.example",
            "api.github.com-evil.example",
            "evilapi.github.com",
            "api-github.com",
            "github.com",
            "api.github.co",
            "api.github.com.br",
            "xapi.github.com",
        ];
        for text in NOT_GITHUB.into_iter().chain(NOT_CANONICAL) {
            let known = other_names.contains(&text);
            assert_eq!(text.parse::<Host>().is_ok(), known, "{text:?}");
        }
    }

    #[test]
    fn a_host_has_one_form() {
        let cases = [
            ("API.GitHub.Com", "api.github.com"),
            ("localhost", "localhost"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("a-b.c1", "a-b.c1"),
            ("8.8.8.8", "8.8.8.8"),
            ("[::1]", "[::1]"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]"),
        ];
        for (text, form) in cases {
            let host: Host = text.parse().unwrap();
            assert_eq!(host.to_string(), form);
            assert_eq!(form.parse(), Ok(host));
        }
        assert_eq!("a".repeat(64).parse::<Host>(), Err(HostError::Label));
        assert_eq!("a.".repeat(127).parse::<Host>(), Err(HostError::Length));
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port_and_nothing_else() {
        let cases = [
            ("https://api.github.com", "https://api.github.com", 443),
            ("https://api.github.com:443", "https://api.github.com", 443),
            ("https://api.github.com:8443", "https://api.github.com:8443", 8443),
            ("http://[::1]:80", "http://[::1]", 80),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", 8080),
        ];
        for (text, form, port) in cases {
            let target: Target = text.parse().unwrap();
            assert_eq!((target.to_string().as_str(), target.port), (form, port));
        }
        let refused = [
            "",
            "api.github.com",
            "HTTPS://api.github.com",
            "https:api.github.com",
            "https:///api.github.com",
            "ftp://api.github.com",
            "https://",
            "https://:443",
            "https://api.github.com:",
            "https://api.github.com:0",
            "https://api.github.com:00443",
            "https://api.github.com:+443",
            "https://api.github.com:65536",
            "https://api.github.com:443/",
            "https://api.github.com:4 43",
            "https://a@api.github.com",
            "https://api.github.com:x@evil.example",
            "https://[::1]443",
            "https://[::1]x:443",
            "https://::1:443",
        ];
        for text in refused {
            assert!(text.parse::<Target>().is_err(), "{text:?}");
        }
        assert!(Target::from_authority(Scheme::Https, "api.github.com:443:443").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn every_text_is_refused_or_has_one_form(text in "[a-zA-Z0-9.\\-\\[\\]:x%@/]{0,20}") {
            if let Ok(host) = text.parse::<Host>() {
                prop_assert_eq!(host.to_string(), text.to_ascii_lowercase());
            }
        }

        #[test]
        fn any_text_at_all_is_parsed_or_refused(text in ".{0,40}") {
            let _ = (text.parse::<Host>(), text.parse::<HostPattern>(), text.parse::<Target>());
        }
    }
}
