//! Fake tokens: what an agent holds instead of a credential.
//!
//! Invariants: a token says its provider and 256 random bits and nothing else; it is kept as a hash;
//! it works only at the broker. Deliberately not here: whose it is and until when (the broker).

use std::{fmt, ops::Range};

use strongroom_format::hash::{Digest, h};

use crate::provider::{EnvValue, EnvVar, Provider, Shape};

/// What every token begins with, inside its shape.
const MARK: &str = "srf_";
/// 32 random bytes in base 62.
const DIGITS: usize = 43;
/// The longest id of a provider.
const MAX_ID: usize = 24;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A fake token, `srf_<provider>_<43 base62 digits>`, and the shape it is shown in.
#[derive(Clone, PartialEq, Eq)]
pub struct FakeToken {
    core: String,
    shaped: String,
}

/// A token that stands in some text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The provider that the token says it is for.
    pub provider: String,
    /// Its hash, to look it up by.
    pub hash: Digest,
    /// Where in the text the token itself stands, without its shape.
    pub at: Range<usize>,
}

impl FakeToken {
    /// Makes a token for `provider` out of 32 random bytes.
    pub fn make(provider: &Provider, entropy: [u8; 32]) -> Self {
        let core = format!("{MARK}{}_{}", provider.id, base62(entropy));
        let shaped = match &provider.shape {
            Shape::Prefix { text } => format!("{text}{core}"),
            Shape::AwsPair => core.clone(),
        };
        Self { core, shaped }
    }

    /// What the broker keeps: `H("fake-token", token without its shape)`.
    pub fn hash(&self) -> Digest {
        hash(&self.core)
    }

    /// What the agent's SDK is given.
    pub fn text(&self) -> &str {
        &self.shaped
    }

    /// The value of one variable of the child's environment, the broker being at `base` (such as
    /// `http://127.0.0.1:4567`).
    pub fn env_value(&self, provider: &Provider, var: &EnvVar, base: &str) -> String {
        match &var.value {
            EnvValue::Token => self.shaped.clone(),
            EnvValue::BaseUrl { suffix } => format!("{base}/{}{suffix}", provider.id),
            EnvValue::Literal { text } => text.clone(),
        }
    }
}

impl fmt::Debug for FakeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeToken(…)")
    }
}

/// The first token in `text`, anywhere: a header's value, a query, a path.
pub fn find(text: &str) -> Option<Found> {
    text.match_indices(MARK).find_map(|(start, _)| found_at(text, start))
}

/// Where, in `path`, everything stands that follows `bot` in the segment that holds the token
/// ([`crate::Auth::Path`]): what the credential replaces, and what policies, records and people see
/// the path without. None if the token does not stand so.
pub fn behind_bot(path: &str) -> Option<Range<usize>> {
    let path = path.split('?').next().unwrap_or(path);
    let token = find(path)?.at;
    let start = path.get(..token.start)?.rfind('/')? + 1;
    let end = path.get(token.end..)?.find('/').map_or(path.len(), |found| token.end + found);
    let is_bot = path.get(start..token.start)?.starts_with("bot");
    is_bot.then_some(start + "bot".len()..end)
}

fn found_at(text: &str, start: usize) -> Option<Found> {
    let after_mark = text.get(start + MARK.len()..)?;
    let (provider, rest) = after_mark.split_once('_')?;
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=MAX_ID).contains(&provider.len()) || !provider.bytes().all(known) {
        return None;
    }
    let digits = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    if digits != DIGITS {
        return None;
    }
    let end = start + MARK.len() + provider.len() + 1 + DIGITS;
    let core = text.get(start..end)?;
    Some(Found { provider: provider.to_owned(), hash: hash(core), at: start..end })
}

fn hash(core: &str) -> Digest {
    h("fake-token", &[core.as_bytes()])
}

/// The big-endian number `bytes` in 43 base-62 digits, which hold 256 bits.
fn base62(mut bytes: [u8; 32]) -> String {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in &mut bytes {
            let value = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX); // rest < 62, so this is < 256
            rest = value % 62;
        }
        *digit = BASE62.get(rest as usize).copied().unwrap_or(b'0');
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::provider::providers;

    fn token(id: &str, seed: u8) -> FakeToken {
        FakeToken::make(Provider::lookup(id).unwrap(), [seed; 32])
    }

    #[test]
    fn a_token_is_found_wherever_it_stands() {
        let token = token("anthropic", 7);
        for around in [
            "{}",
            "Bearer {}",
            "token={}&x=1",
            "/bot{}/sendMessage",
            "\"{}\"",
            "srf_x_{}",
            "x-access-token:{}",
        ] {
            let text = around.replace("{}", token.text());
            let found = find(&text).unwrap();
            assert_eq!(
                (found.provider.as_str(), found.hash),
                ("anthropic", token.hash()),
                "{text}"
            );
            assert!(text[found.at].starts_with("srf_anthropic_"));
        }
    }

    #[test]
    fn what_is_not_exactly_a_token_is_none() {
        let core = token("openai", 1).core;
        let cases = [
            String::new(),
            "srf_".to_owned(),
            "srf_openai_".to_owned(),
            core[..core.len() - 1].to_owned(),
            format!("{core}x"),
            core.replace("srf_", "SRF_"),
            core.replace("openai", "OpenAI"),
            core.replace("openai", ""),
            core.replace("openai", &"o".repeat(25)),
            core.replace("srf_openai_", "srf_openai-"),
        ];
        for text in cases {
            assert_eq!(find(&text), None, "{text}");
        }
    }

    #[test]
    fn a_token_in_a_path_stands_behind_bot_and_nowhere_else() {
        let token = token("telegram", 3);
        let cases = [
            ("/bot{}/sendMessage?x=1", Some("/bot/sendMessage?x=1")),
            ("/bot{}", Some("/bot")),
            ("/bot{}?x=/", Some("/bot?x=/")),
            ("/file/bot{}/photos/1.jpg", Some("/file/bot/photos/1.jpg")),
            ("/{}/sendMessage", None),
            ("/x{}/sendMessage", None),
            ("/bot/sendMessage?token={}", None),
            ("/bot/x?y=/bot{}", None),
        ];
        for (shape, without) in cases {
            let mut path = shape.replace("{}", token.text());
            let seen = behind_bot(&path).map(|at| {
                path.replace_range(at, "");
                path.as_str()
            });
            assert_eq!(seen, without, "{shape}");
        }
    }

    #[test]
    fn a_token_says_nothing_but_its_provider() {
        let (one, other) = (token("openai", 1), token("openai", 2));
        assert_ne!(one.hash(), other.hash());
        assert_eq!(one.core.len(), "srf_openai_".len() + 43);
        assert_eq!(format!("{one:?}"), "FakeToken(…)");
    }

    #[test]
    fn variables_hold_the_token_or_where_the_broker_is() {
        let provider = Provider::lookup("openai").unwrap();
        let token = token("openai", 1);
        let value = |name: &str| {
            let var = provider.env.iter().find(|var| var.name == name).unwrap();
            token.env_value(provider, var, "http://127.0.0.1:4567")
        };
        assert_eq!(value("OPENAI_API_KEY"), token.text());
        assert_eq!(value("OPENAI_BASE_URL"), "http://127.0.0.1:4567/openai/v1");
    }

    #[test]
    fn a_token_of_every_provider_is_found_in_its_shape() {
        for provider in providers() {
            let token = FakeToken::make(provider, [255; 32]);
            assert_eq!(find(token.text()).unwrap().provider, provider.id);
        }
    }

    #[test]
    fn base_62_holds_all_of_the_entropy() {
        assert_eq!(base62([0; 32]), "0".repeat(43));
        let mut one = [0; 32];
        one[31] = 61;
        assert_eq!(base62(one), format!("{}z", "0".repeat(42)));
        one[31] = 62;
        assert_eq!(base62(one), format!("{}10", "0".repeat(41)));
        // 2^256 - 1 in base 62
        assert_eq!(base62([255; 32]).len(), 43);
        assert_ne!(base62([255; 32]).as_bytes()[0], b'0');
    }

    proptest! {
        #[test]
        fn different_entropy_gives_different_tokens(a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
            prop_assert_eq!(base62(a) == base62(b), a == b);
        }

        #[test]
        fn any_text_is_searched(text in ".{0,60}|(srf_|[a-z_]|[0-9A-Za-z]{43}){0,6}") {
            let _ = find(&text);
        }
    }
}
