//! Links that open this program: `strongroom://ORG/audit/ENTRY`, `strongroom://ORG/env/ENV` and
//! `strongroom://ORG/env/ENV/SECRET`.
//!
//! A link comes from anywhere: a chat, a page, another program. It holds ids and nothing else, does
//! nothing but navigate, and has exactly one spelling, so that nothing can hide in it.

use std::{fmt, str::FromStr};

use strongroom_format::id::{EnvId, OrgId, SecretId};
use thiserror::Error;

/// What every link begins with.
const BEGINNING: &str = "strongroom://";
/// Longer than every link, in bytes.
const MAX_LINK: usize = 256;
/// The largest entry that a web view can count to.
const MAX_ENTRY: u64 = (1 << 53) - 1;

/// A place in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The organisation.
    pub org: OrgId,
    /// Where in it.
    pub target: Target,
}

/// Where a link leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// An entry of the audit log.
    Entry(u64),
    /// An environment.
    Env(EnvId),
    /// A secret in its environment.
    Secret(EnvId, SecretId),
}

/// A text that is no link of this program, or is one in another spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a link of this program")]
pub struct NotALink;

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { org, target } = self;
        match target {
            Target::Entry(entry) => write!(f, "{BEGINNING}{org}/audit/{entry}"),
            Target::Env(env) => write!(f, "{BEGINNING}{org}/env/{env}"),
            Target::Secret(env, secret) => write!(f, "{BEGINNING}{org}/env/{env}/{secret}"),
        }
    }
}

impl FromStr for Link {
    type Err = NotALink;

    fn from_str(text: &str) -> Result<Self, NotALink> {
        if text.len() > MAX_LINK {
            return Err(NotALink);
        }
        let rest = text.strip_prefix(BEGINNING).ok_or(NotALink)?;
        let parts: Vec<&str> = rest.split('/').collect();
        let (org, target) = match parts.as_slice() {
            [org, "audit", entry] => (org, Target::Entry(number(entry)?)),
            [org, "env", env] => (org, Target::Env(id(env)?)),
            [org, "env", env, secret] => (org, Target::Secret(id(env)?, id(secret)?)),
            _ => return Err(NotALink),
        };
        let link = Self { org: id(org)?, target };
        // Zeros in front and spare bits at the end of an id are other spellings.
        if link.to_string() == text { Ok(link) } else { Err(NotALink) }
    }
}

fn id<T: FromStr>(text: &str) -> Result<T, NotALink> {
    text.parse().map_err(|_| NotALink)
}

fn number(text: &str) -> Result<u64, NotALink> {
    text.parse().ok().filter(|entry| *entry <= MAX_ENTRY).ok_or(NotALink)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId([7; 32]);
    const ENV: EnvId = EnvId([8; 16]);

    fn all() -> [Link; 3] {
        let secret = SecretId([9; 16]);
        [Target::Entry(1_204_377), Target::Env(ENV), Target::Secret(ENV, secret)]
            .map(|target| Link { org: ORG, target })
    }

    #[test]
    fn links_are_read_as_they_are_written() {
        for link in all() {
            assert_eq!(link.to_string().parse(), Ok(link));
            assert!(link.to_string().len() < MAX_LINK);
        }
        let first = Link { org: ORG, target: Target::Entry(0) };
        assert_eq!(first.to_string().parse(), Ok(first));
    }

    #[test]
    fn what_comes_from_anywhere_has_one_spelling_or_none() {
        let link = all()[0].to_string();
        let env = all()[1].to_string();
        let hostile = [
            String::new(),
            "strongroom://".to_owned(),
            "strongroom:///audit/1".to_owned(),
            format!("strongroom://{ORG}"),
            format!("strongroom://{ORG}/"),
            format!("strongroom://{ORG}/audit"),
            format!("strongroom://{ORG}/audit/"),
            format!("strongroom://{ORG}/audit/01"),
            format!("strongroom://{ORG}/audit/+1"),
            format!("strongroom://{ORG}/audit/-1"),
            format!("strongroom://{ORG}/audit/1e3"),
            format!("strongroom://{ORG}/audit/9007199254740992"),
            format!("strongroom://{ORG}/audit/18446744073709551616"),
            format!("strongroom://{ORG}/audit/1/2"),
            format!("strongroom://{ORG}/members/1"),
            format!("strongroom://{ENV}/audit/1"),
            format!("strongroom://{ORG}/env/{ORG}"),
            format!("{env}/"),
            format!("{env}/{ENV}"),
            format!("{link}?then=sign"),
            format!("{link}#x"),
            format!("{link}%20"),
            format!("{link} "),
            format!(" {link}"),
            format!("{link}\n"),
            format!("{link}\0"),
            format!("\u{202e}{link}"),
            link.replace("audit", "%61udit"),
            link.replace("//", "//user@"),
            link.replace("/audit", ":443/audit"),
            link.replace("/audit", "/./audit"),
            link.replace("/audit", "/x/../audit"),
            link.replace("audit", "Audit"),
            link.replace("strongroom", "Strongroom"),
            link.replace("strongroom", "https"),
            link.replace("://", ":"),
            link.replace(&ORG.to_string(), &ORG.to_string().to_uppercase()),
            link.replace('1', "\u{0661}"),
            format!("{env}{}", "a".repeat(10_000)),
        ];
        for text in hostile {
            assert_eq!(text.parse::<Link>(), Err(NotALink), "{text:?}");
        }
    }

    #[test]
    fn spare_bits_of_an_id_do_not_make_a_second_link() {
        // 16 bytes are 26 letters, whose last two bits mean nothing.
        let env = all()[1].to_string();
        let last = env.chars().last().unwrap();
        for other in "abcdefghijklmnopqrstuvwxyz234567".chars().filter(|c| *c != last) {
            let text = format!("{}{other}", &env[..env.len() - 1]);
            if let Ok(link) = text.parse::<Link>() {
                assert_ne!(link, all()[1], "{text}");
            }
        }
    }

    #[test]
    fn cut_or_changed_anywhere_a_link_is_another_one_or_none() {
        for link in all() {
            let text = link.to_string();
            for at in 0..text.len() {
                assert_ne!(text[..at].parse(), Ok(link));
                for with in ['\0', '/', '%', '7', 'z', '.', '\u{2215}'] {
                    let changed = format!("{}{with}{}", &text[..at], &text[at + 1..]);
                    assert!(changed == text || changed.parse() != Ok(link), "{changed:?}");
                }
            }
        }
    }
}
