//! The keys that an issuer publishes (RFC 7517), fetched seldom and kept through outages.
//!
//! Whoever sends unknown key ids makes at most one fetch a minute happen, and waits for none that
//! is under way for longer than it takes. A key that is no longer published is no longer taken,
//! ten minutes later at the latest; while the issuer cannot be reached, what was published last
//! holds for a day.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use futures_util::StreamExt as _;
use jsonwebtoken::{Algorithm as Jwa, DecodingKey};
use reqwest::redirect::Policy;
use serde::Deserialize;
use strongroom_chain::signature::{is_strong_signing_key, verifies};

use super::token::is_kid;
use crate::config::Algorithm;

/// How long a fetch may take.
const WAIT: Duration = Duration::from_secs(3);
/// How many bytes of keys are read.
const MAX_BYTES: usize = 64 * 1024;
const MAX_KEYS: usize = 64;
/// Between two fetches, whatever they bring.
const PAUSE_MS: u64 = 60 * 1000;
/// After which keys are fetched again although nobody asks for an unknown one.
const FRESH_MS: u64 = 10 * 60 * 1000;
/// How long keys hold that cannot be fetched again.
const HOLD_MS: u64 = 24 * 60 * 60 * 1000;
/// How long a key id stays unknown.
const UNKNOWN_MS: u64 = 5 * 60 * 1000;
const MAX_UNKNOWN: usize = 1_000;

/// A public key for one algorithm, known to be of its kind.
#[derive(Clone)]
pub(super) enum Key {
    Rs256(DecodingKey),
    Es256(DecodingKey),
    EdDsa([u8; 32]),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let check = |key: &DecodingKey, algorithm: Jwa| {
            let text = BASE64URL_NOPAD.encode(signature);
            jsonwebtoken::crypto::verify(&text, message, key, algorithm).unwrap_or(false)
        };
        match self {
            Self::Rs256(key) => check(key, Jwa::RS256),
            Self::Es256(key) => check(key, Jwa::ES256),
            Self::EdDsa(key) => {
                signature.try_into().is_ok_and(|signature| verifies(key, message, signature))
            }
        }
    }
}

/// Whether a key id stands for a key.
pub(super) enum Known {
    Key(Arc<Key>),
    No,
    /// There are no keys to look at: none was ever fetched, or not for a day.
    Unavailable,
}

type KeySet = HashMap<String, Arc<Key>>;

/// What is to be done about a key id.
enum Next {
    Say(Known),
    Fetch,
}

#[derive(Default)]
struct State {
    keys: KeySet,
    /// When keys came last.
    fetched_ms: Option<u64>,
    /// When they were last asked for.
    tried_ms: Option<u64>,
    /// Whether the answer to that is still to come.
    under_way: bool,
    /// Ids that were looked for in fresh keys, and until when they are not looked for again.
    unknown: HashMap<String, u64>,
}

impl State {
    fn next(&self, kid: &str, now_ms: u64) -> Next {
        let since = |then: Option<u64>| then.map_or(u64::MAX, |then| now_ms.abs_diff(then));
        let may_fetch = since(self.tried_ms) >= PAUSE_MS;
        let age = since(self.fetched_ms);
        match self.keys.get(kid) {
            _ if age > HOLD_MS && (may_fetch || self.under_way) => Next::Fetch,
            _ if age > HOLD_MS => Next::Say(Known::Unavailable),
            Some(_) if age > FRESH_MS && may_fetch => Next::Fetch,
            Some(key) => Next::Say(Known::Key(Arc::clone(key))),
            None if self.unknown.get(kid).is_some_and(|until| now_ms < *until) => {
                Next::Say(Known::No)
            }
            None if may_fetch || self.under_way => Next::Fetch,
            None => Next::Say(Known::No),
        }
    }

    fn take(&mut self, keys: KeySet, kid: &str, now_ms: u64) {
        self.fetched_ms = Some(now_ms);
        self.unknown.retain(|_, until| now_ms < *until);
        if !keys.contains_key(kid) && self.unknown.len() < MAX_UNKNOWN {
            self.unknown.insert(kid.to_owned(), now_ms.saturating_add(UNKNOWN_MS));
        }
        self.keys = keys;
    }
}

/// The keys of one issuer.
pub(super) struct Keys {
    url: String,
    algorithm: Algorithm,
    http: reqwest::Client,
    state: RwLock<State>,
    /// Held by whoever fetches; the others wait for what it brings.
    fetching: tokio::sync::Mutex<()>,
}

impl Keys {
    pub(super) fn new(url: &str, algorithm: Algorithm) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(WAIT)
            .https_only(url.starts_with("https://"))
            .user_agent(concat!("strongroom-server/", env!("CARGO_PKG_VERSION")));
        // What is on this machine is asked directly.
        let http = if is_loopback(url) { http.no_proxy() } else { http };
        Ok(Self {
            url: url.to_owned(),
            algorithm,
            http: http.build()?,
            state: RwLock::default(),
            fetching: tokio::sync::Mutex::default(),
        })
    }

    /// The key of this id; fetches if that is due.
    pub(super) async fn find(self: Arc<Self>, kid: &str, now_ms: u64) -> Known {
        if let Next::Say(known) = self.next(kid, now_ms) {
            return known;
        }
        // Whoever asks may leave; the fetch that is under way goes on, or keys would never come
        // while somebody keeps asking and leaving.
        let (keys, wanted) = (Arc::clone(&self), kid.to_owned());
        let _ = tokio::spawn(async move { keys.refresh(&wanted, now_ms).await }).await;
        match self.next(kid, now_ms) {
            Next::Say(known) => known,
            Next::Fetch => Known::Unavailable,
        }
    }

    fn next(&self, kid: &str, now_ms: u64) -> Next {
        self.state.read().unwrap_or_else(PoisonError::into_inner).next(kid, now_ms)
    }

    async fn refresh(&self, kid: &str, now_ms: u64) {
        let _fetching = self.fetching.lock().await;
        if let Next::Say(_) = self.next(kid, now_ms) {
            return;
        }
        {
            let mut state = self.state();
            (state.tried_ms, state.under_way) = (Some(now_ms), true);
        }
        let fetched = self.fetch().await;
        let mut state = self.state();
        state.under_way = false;
        match fetched {
            Ok(keys) => state.take(keys, kid, now_ms),
            Err(cause) => {
                tracing::warn!(url = %self.url, cause, "the keys of an issuer cannot be fetched");
            }
        }
    }

    fn state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<KeySet, &'static str> {
        let answer = self.http.get(&self.url).send().await.map_err(|_| "no answer")?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err("another status than 200");
        }
        let mut bytes = Vec::new();
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| "the answer broke off")?;
            if bytes.len() + piece.len() > MAX_BYTES {
                return Err("more than 64 KiB");
            }
            bytes.extend_from_slice(&piece);
        }
        parse(&bytes, self.algorithm)
    }
}

fn is_loopback(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// The keys of a document that are for `algorithm`; others may stand beside them.
fn parse(bytes: &[u8], algorithm: Algorithm) -> Result<KeySet, &'static str> {
    let document: Document = serde_json::from_slice(bytes).map_err(|_| "no set of keys")?;
    if document.keys.len() > MAX_KEYS {
        return Err("more than 64 keys");
    }
    let mut keys = KeySet::new();
    for value in document.keys {
        let Ok(jwk) = serde_json::from_value::<Jwk>(value) else { continue };
        let Some(key) = usable(&jwk, algorithm) else { continue };
        if keys.insert(jwk.kid, Arc::new(key)).is_some() {
            return Err("two keys of one id");
        }
    }
    Ok(keys)
}

fn usable(jwk: &Jwk, algorithm: Algorithm) -> Option<Key> {
    let says = |text: &Option<String>, word: &str| text.as_ref().is_none_or(|text| text == word);
    if !is_kid(&jwk.kid) || !says(&jwk.purpose, "sig") || !says(&jwk.alg, algorithm.name()) {
        return None;
    }
    let bytes = |text: &Option<String>| BASE64URL_NOPAD.decode(text.as_ref()?.as_bytes()).ok();
    let crv = jwk.crv.as_deref();
    match (algorithm, jwk.kty.as_str()) {
        (Algorithm::Rs256, "RSA") => {
            let (n, e) = (bytes(&jwk.n)?, bytes(&jwk.e)?);
            let long = n.len() >= 256 && n.len() <= 1024 && n[0] != 0;
            long.then(|| Key::Rs256(DecodingKey::from_rsa_raw_components(&n, &e)))
        }
        (Algorithm::Es256, "EC") if crv == Some("P-256") => {
            let whole = bytes(&jwk.x)?.len() == 32 && bytes(&jwk.y)?.len() == 32;
            let key = DecodingKey::from_ec_components(jwk.x.as_ref()?, jwk.y.as_ref()?);
            key.ok().filter(|_| whole).map(Key::Es256)
        }
        (Algorithm::EdDsa, "OKP") if crv == Some("Ed25519") => {
            let key: [u8; 32] = bytes(&jwk.x)?.try_into().ok()?;
            is_strong_signing_key(&key).then_some(Key::EdDsa(key))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
