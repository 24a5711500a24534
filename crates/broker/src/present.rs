//! Where an agent put its fake token.
//!
//! Invariants: every header, the query and the path are looked through; two different tokens in one
//! request are refused; a token in a place where its provider's clients do not put it is refused,
//! and so is never carried on to another parser.

use data_encoding::BASE64;
use http::{HeaderName, header, request::Parts};
use strongroom_policy::{
    Auth, Path, Provider,
    fake::{self, Found},
    provider::{Place, Shape},
};

use crate::refusal::Refusal;
use crate::tokens::TokenHash;

/// A fake token in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presented {
    /// The provider that it says it is for.
    pub(crate) provider: String,
    /// Its hash.
    pub(crate) hash: TokenHash,
    /// Its text: what answers hold in place of the credential.
    pub(crate) text: String,
    /// Where it stands, everywhere.
    pub(crate) spots: Vec<Spot>,
}

/// A place in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    /// A header, and the word before the token if there is one.
    Header(HeaderName, String),
    /// The password of `Authorization: Basic`.
    Basic,
    /// A parameter of the query.
    Query(String),
    /// The path.
    Path,
}

/// The fake token of a request, if it has one.
pub(crate) fn find(parts: &Parts) -> Result<Option<Presented>, Refusal> {
    let mut all = Seen::default();
    for (name, value) in &parts.headers {
        let Ok(text) = value.to_str() else { continue };
        if let Some(pair) = basic(name, text) {
            if let Some(found) = fake::find(&pair) {
                all.add(&pair, &found, Spot::Basic)?;
            }
        } else if let Some(found) = fake::find(text) {
            let word = text.split(' ').next().filter(|word| word.len() < found.at.start);
            let word = word.unwrap_or_default().to_ascii_lowercase();
            all.add(text, &found, Spot::Header(name.clone(), word))?;
        }
    }
    for (name, value) in query(parts) {
        if let Some(found) = fake::find(value) {
            all.add(value, &found, Spot::Query(name.to_owned()))?;
        }
        if let Some(found) = fake::find(name) {
            // No client puts it there; nothing declares such a place.
            all.add(name, &found, Spot::Query(String::new()))?;
        }
    }
    if let Some(found) = fake::find(parts.uri.path()) {
        all.add(parts.uri.path(), &found, Spot::Path)?;
    }
    Ok(all.0)
}

#[derive(Debug, Default)]
struct Seen(Option<Presented>);

impl Seen {
    fn add(&mut self, text: &str, found: &Found, spot: Spot) -> Result<(), Refusal> {
        let one = self.0.get_or_insert_with(|| Presented {
            provider: found.provider.clone(),
            hash: found.hash,
            text: text.get(found.at.clone()).unwrap_or_default().to_owned(),
            spots: Vec::new(),
        });
        if one.hash != found.hash {
            let message = "the request carries two different fake tokens; send one";
            return Err(Refusal::denied("two-tokens", message));
        }
        one.spots.push(spot);
        Ok(())
    }
}

impl Presented {
    /// Whether it stands only where clients of its provider put it.
    pub(crate) fn require_place(&self, provider: &Provider) -> Result<(), Refusal> {
        let is_declared = |spot: &Spot| provider.agent_sends.iter().any(|place| is_at(spot, place));
        if self.spots.iter().all(is_declared) {
            return Ok(());
        }
        let message = format!(
            "the fake token stands in a place where {} does not look for a credential; put it \
             where its own clients do",
            provider.name
        );
        Err(Refusal::denied("token-place", message))
    }

    /// How the credential is written: as `auth` says, and a bearer's as a password where git's own
    /// client put the token there.
    pub(crate) fn writes_as(&self, auth: &Auth, provider: &Provider) -> Auth {
        let user = provider.agent_sends.iter().find_map(|place| match place {
            Place::BasicPassword { user } => Some(user),
            _ => None,
        });
        match (auth, user) {
            (Auth::Bearer, Some(user)) if self.spots.contains(&Spot::Basic) => {
                Auth::Basic { user: user.clone() }
            }
            _ => auth.clone(),
        }
    }

    /// Whether it stands in the path.
    pub(crate) fn is_in_path(&self) -> bool {
        self.spots.contains(&Spot::Path)
    }

    /// Its text is the one that the agent was given: an SDK that finds it in an answer knows it.
    pub(crate) fn wear(&mut self, shape: &Shape) {
        if let Shape::Prefix { text } = shape {
            self.text.insert_str(0, text);
        }
    }

    /// The headers that it stands in.
    pub(crate) fn headers(&self) -> Vec<HeaderName> {
        let of = |spot: &Spot| match spot {
            Spot::Header(name, _) => Some(name.clone()),
            Spot::Basic => Some(header::AUTHORIZATION),
            Spot::Query(_) | Spot::Path => None,
        };
        self.spots.iter().filter_map(of).collect()
    }

    /// The request's path and query without it in the query.
    pub(crate) fn without_query(&self, path: &Path) -> String {
        let is_it = |name: &str| {
            self.spots.iter().any(|spot| matches!(spot, Spot::Query(other) if other == name))
        };
        let Some(query) = path.query() else { return path.raw_path().to_owned() };
        let kept: Vec<&str> = query
            .split('&')
            .filter(|pair| !is_it(pair.split('=').next().unwrap_or(pair)))
            .collect();
        if kept.is_empty() {
            path.raw_path().to_owned()
        } else {
            format!("{}?{}", path.raw_path(), kept.join("&"))
        }
    }
}

fn is_at(spot: &Spot, place: &Place) -> bool {
    match (spot, place) {
        (Spot::Header(name, word), Place::Authorization { scheme }) => {
            *name == header::AUTHORIZATION && word.eq_ignore_ascii_case(scheme)
        }
        (Spot::Header(name, word), Place::Header { name: other }) => {
            name.as_str() == other && word.is_empty()
        }
        (Spot::Header(name, word), Place::SecurityToken) => {
            name.as_str() == "x-amz-security-token" && word.is_empty()
        }
        (Spot::Query(name), Place::Query { name: other }) => name == other,
        (Spot::Query(name), Place::SecurityToken) => name == "X-Amz-Security-Token",
        (Spot::Path, Place::Path) | (Spot::Basic, Place::BasicPassword { .. }) => true,
        _ => false,
    }
}

/// `user:password` of `Authorization: Basic`.
fn basic(name: &HeaderName, value: &str) -> Option<String> {
    if *name != header::AUTHORIZATION {
        return None;
    }
    let (scheme, encoded) = value.split_once(' ')?;
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    let bytes = is_basic.then(|| BASE64.decode(encoded.trim().as_bytes()).ok())??;
    String::from_utf8(bytes).ok()
}

fn query(parts: &Parts) -> impl Iterator<Item = (&str, &str)> {
    let pairs = parts.uri.query().unwrap_or_default().split('&');
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}
