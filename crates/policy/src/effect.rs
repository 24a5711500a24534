//! What a request will do, in a sentence for a person.
//!
//! A provider's data hold a sentence for each kind of call, with words in braces that are filled
//! from the request: `{1}` is what the first `*` of the path stands for, `{body:/model}` a text in
//! its JSON body (by JSON Pointer, RFC 6901), `{query:q}` a parameter, `{host}` the host. What is
//! not there becomes an ellipsis.
//!
//! Invariant: what came from the request is a part of its own, marked, at most 120 characters, and
//! without characters that could move, hide or imitate the words around it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decide::Asked;
use crate::document::{Checked, PolicyError};
use crate::provider::{EffectText, Provider};

/// The longest part that came from a request, in characters.
const MAX_PART: usize = 120;
/// Larger bodies are not looked into.
const MAX_BODY: usize = 1 << 20;

/// A sentence in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// The parts, in order.
    pub parts: Vec<Part>,
}

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The text, inert.
    pub text: String,
    /// Whether it came from the request and is to be shown apart.
    pub strong: bool,
}

/// What `asked` does at `provider`; `body` is the request's body, if it is known.
pub fn sentence(provider: Option<&Provider>, asked: &Asked<'_>, body: Option<&[u8]>) -> Sentence {
    let effects = provider.map(|provider| provider.effects.as_slice()).unwrap_or_default();
    let known = effects.iter().find_map(|effect| {
        let captures = effect.path.captures(asked.path).filter(|_| effect.method == *asked.method);
        captures.map(|captures| (effect, captures))
    });
    let Some((effect, captures)) = known else {
        return plainly(asked);
    };
    let body = body
        .filter(|body| body.len() <= MAX_BODY)
        .and_then(|body| serde_json::from_slice(body).ok())
        .unwrap_or(Value::Null);
    let parts = words(&effect.sentence).map(|word| match word {
        Word::Text(text) => Part { text: text.to_owned(), strong: false },
        Word::Slot(slot) => marked(&slot.fill(&captures, &body, asked)),
    });
    Sentence { parts: parts.collect() }
}

fn plainly(asked: &Asked<'_>) -> Sentence {
    let plain = |text: &str| Part { text: text.to_owned(), strong: false };
    let parts = vec![
        plain("Send "),
        marked(asked.method.as_str()),
        plain(" "),
        marked(&format!("/{}", asked.path.segments().join("/"))),
        plain(" to "),
        marked(&asked.target.authority()),
    ];
    Sentence { parts }
}

fn marked(text: &str) -> Part {
    Part { text: inert(text), strong: true }
}

/// `text` on one line, at most 120 characters, and without those that are not seen or that look
/// like the quotes around it.
fn inert(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_PART).map(seen).collect();
    if text.chars().nth(MAX_PART).is_some() {
        shown.pop();
        shown.push('…');
    }
    if shown.trim().is_empty() { "…".to_owned() } else { shown }
}

fn seen(character: char) -> char {
    match character {
        '“' | '”' | '„' | '‟' | '"' => '\'',
        '\n' | '\r' | '\t' => ' ',
        // Soft hyphen, joiners, marks and overrides of direction, fillers, tags, variation selectors.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => char::REPLACEMENT_CHARACTER,
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

impl fmt::Display for Sentence {
    /// With what came from the request in quotes, where nothing else can mark it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| {
            if part.strong { write!(f, "“{}”", part.text) } else { f.write_str(&part.text) }
        })
    }
}

enum Word<'a> {
    Text(&'a str),
    Slot(Slot<'a>),
}

enum Slot<'a> {
    Capture(usize),
    Body(&'a str),
    Query(&'a str),
    Host,
    Unknown,
}

/// The words of a sentence of the provider's data.
fn words(sentence: &str) -> impl Iterator<Item = Word<'_>> {
    sentence.split('{').enumerate().flat_map(|(place, piece)| {
        let (slot, text) = match piece.split_once('}') {
            Some((slot, text)) if place > 0 => (Some(Word::Slot(Slot::parse(slot))), text),
            _ => (None, piece),
        };
        let text = (!text.is_empty()).then_some(Word::Text(text));
        slot.into_iter().chain(text)
    })
}

impl<'a> Slot<'a> {
    fn parse(text: &'a str) -> Self {
        match text.split_once(':') {
            Some(("body", pointer)) if pointer.starts_with('/') => Self::Body(pointer),
            Some(("query", name)) if !name.is_empty() => Self::Query(name),
            None if text == "host" => Self::Host,
            None => text.parse().map_or(Self::Unknown, Self::Capture),
            Some(_) => Self::Unknown,
        }
    }

    fn fill(&self, captures: &[String], body: &Value, asked: &Asked<'_>) -> String {
        let found = match self {
            Self::Capture(number) => {
                number.checked_sub(1).and_then(|place| captures.get(place)).cloned()
            }
            Self::Body(pointer) => body.pointer(pointer).and_then(in_words),
            Self::Query(name) => asked.path.query().and_then(|query| parameter(query, name)),
            Self::Host => Some(asked.target.authority()),
            Self::Unknown => None,
        };
        found.unwrap_or_default()
    }
}

fn in_words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The value of a parameter of a query, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => u8::try_from(digit()? * 16 + digit()?).ok()?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

impl EffectText {
    pub(crate) fn check(&self, part: &Checked) -> Result<(), PolicyError> {
        let part = part.inner("effects");
        let short =
            self.sentence.chars().count() <= MAX_PART && self.sentence == inert(&self.sentence);
        part.require(short, "a sentence has at most 120 characters on one line, without quotes")?;
        let stars = self.path.stars();
        let known = words(&self.sentence).all(|word| match word {
            Word::Text(text) => !text.contains('}'),
            Word::Slot(Slot::Capture(number)) => (1..=stars).contains(&number),
            Word::Slot(Slot::Unknown) => false,
            Word::Slot(_) => true,
        });
        part.require(known, "braces hold a star's number, body:/pointer, query:name or host")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::{Method, Path, Target};

    fn said(provider: &str, method: &str, raw: &str, body: &str) -> Sentence {
        let known = Provider::lookup(provider);
        let target: Target = known.unwrap().base.clone();
        let (method, path): (Method, _) = (method.parse().unwrap(), Path::parse(raw).unwrap());
        let asked = Asked {
            target: &target,
            method: &method,
            path: &path,
            provider: Some(provider),
            capability: None,
            process: None,
            reason: None,
            bytes: None,
        };
        sentence(known, &asked, Some(body.as_bytes()))
    }

    #[test]
    fn calls_are_told_in_words() {
        let cases = [
            (
                "github",
                "PUT",
                "/repos/acme/docs/contents/a/README.md",
                "{}",
                "Write the file “a/README.md” in “acme”/“docs”",
            ),
            (
                "github",
                "POST",
                "/repos/acme/docs/issues",
                r#"{"title":"It broke"}"#,
                "Open an issue in “acme”/“docs”: “It broke”",
            ),
            (
                "github",
                "PUT",
                "/repos/acme/docs/pulls/7/merge",
                "",
                "Merge the pull request “7” in “acme”/“docs”",
            ),
            ("github", "DELETE", "/repos/acme/docs", "", "Delete the repository “acme”/“docs”"),
            (
                "github",
                "POST",
                "/acme/docs.git/git-receive-pack",
                "0000",
                "Push to the repository “acme”/“docs.git” with git",
            ),
            (
                "openai",
                "POST",
                "/v1/chat/completions",
                r#"{"model":"gpt-5"}"#,
                "Ask the model “gpt-5” for a completion",
            ),
            (
                "anthropic",
                "POST",
                "/v1/messages",
                r#"{"model":"claude-sonnet"}"#,
                "Ask the model “claude-sonnet” for an answer",
            ),
            (
                "gemini",
                "POST",
                "/v1beta/models/gemini-2.5-pro:generateContent",
                "",
                "Ask the model “gemini-2.5-pro” for an answer",
            ),
            (
                "telegram",
                "POST",
                "/bot/sendMessage",
                r#"{"chat_id":42,"text":"Hello"}"#,
                "Send a message to the chat “42”: “Hello”",
            ),
            (
                "discord",
                "POST",
                "/api/v10/channels/7/messages",
                r#"{"content":"Hi"}"#,
                "Write a message in the channel “7”: “Hi”",
            ),
            (
                "cloudflare",
                "POST",
                "/client/v4/zones/z1/dns_records",
                r#"{"type":"A","name":"www"}"#,
                "Make the DNS record “A” “www” in the zone “z1”",
            ),
            (
                "hetzner",
                "POST",
                "/v1/servers",
                r#"{"name":"web","server_type":"cx22"}"#,
                "Make the server “web” (“cx22”)",
            ),
            ("hetzner", "DELETE", "/v1/servers/42", "", "Delete the server “42”"),
            ("aws-s3", "PUT", "/photos/a.jpg", "", "Write “photos/a.jpg” at “s3.amazonaws.com”"),
            (
                "brave",
                "GET",
                "/res/v1/web/search?count=1&q=rust+%C3%BCber",
                "",
                "Search the web for “rust über”",
            ),
            ("notion", "GET", "/v1/unknown", "", "Send “GET” “/v1/unknown” to “api.notion.com”"),
        ];
        for (provider, method, raw, body, sentence) in cases {
            assert_eq!(said(provider, method, raw, body).to_string(), sentence);
        }
    }

    #[test]
    fn what_is_not_there_is_an_ellipsis() {
        for body in
            ["", "{", "[]", r#"{"model":null}"#, r#"{"model":{"a":1}}"#, r#"{"model":"  "}"#]
        {
            let sentence = said("openai", "POST", "/v1/chat/completions", body).to_string();
            assert_eq!(sentence, "Ask the model “…” for a completion", "{body}");
        }
    }

    #[test]
    fn what_the_agent_wrote_cannot_leave_its_part() {
        let evil = "x” for free. “Approved\\u202eby admin\\n\\n\\u0007\\u200b\\u{e0041}";
        let body = format!(r#"{{"model":"{}"}}"#, evil.replace("\\u{e0041}", "\u{e0041}"));
        let sentence = said("openai", "POST", "/v1/chat/completions", &body);
        let strong: Vec<&Part> = sentence.parts.iter().filter(|part| part.strong).collect();
        assert_eq!(strong.len(), 1);
        assert_eq!(
            strong[0].text,
            "x' for free. 'Approved\u{fffd}by admin  \u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(sentence.to_string().matches(['“', '”']).count(), 2);
        let braces = said("openai", "POST", "/v1/chat/completions", r#"{"model":"{host}"}"#);
        assert_eq!(braces.to_string(), "Ask the model “{host}” for a completion");
    }

    #[test]
    fn long_parts_are_cut() {
        let body = format!(r#"{{"model":"{}"}}"#, "é".repeat(500));
        let sentence = said("openai", "POST", "/v1/chat/completions", &body);
        assert_eq!(sentence.parts[1].text, format!("{}…", "é".repeat(119)));
        let exactly = format!(r#"{{"model":"{}"}}"#, "é".repeat(120));
        let sentence = said("openai", "POST", "/v1/chat/completions", &exactly);
        assert_eq!(sentence.parts[1].text, "é".repeat(120));
    }
}
