//! What travels between client and server: JSON requests and answers, and binary pages.
//!
//! JSON is strict (unknown fields are refused). Binary objects inside it are base64url without
//! padding; bulk travels as `application/octet-stream` in the canonical encoding. No field of an
//! answer selects a key, an algorithm, a cost or a recipient.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::encoding::Codec as _;
use crate::event::Act;
use crate::hash::Digest;
use crate::id::{EnvId, OrgId};

mod accounts;
mod pages;

pub use accounts::*;
pub use pages::*;

/// The largest JSON request or answer, in bytes.
pub const MAX_JSON: usize = 1024 * 1024;
/// The largest binary page either way, in bytes.
pub const MAX_PAGE: usize = 8 * 1024 * 1024;
/// The most links of one page.
pub const MAX_LINKS: usize = 1_000;
/// The most envelopes of one upload page.
pub const MAX_ENVELOPES: usize = 4_096;
/// The most signed events of one request.
pub const MAX_ACTS: usize = 1_000;
/// The most environments a batch or an answer touches, and that an organisation ever makes.
pub const MAX_BATCH_ENVS: usize = 1_000;
/// The most people who may ask to join with one invitation at a time.
pub const MAX_JOINS: usize = 8;
/// Length of an HPKE wrap of a data key in suite 1, in bytes.
pub const WRAP_LEN: usize = 80;

/// Bytes inside JSON: base64url without padding, one spelling.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct B64(pub Vec<u8>);

impl fmt::Debug for B64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "B64({} bytes)", self.0.len())
    }
}

impl From<Vec<u8>> for B64 {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Serialize for B64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for B64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map(Self)
            .map_err(|_| de::Error::custom("base64url"))
    }
}

/// `GET /v1/server`: what anybody may know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerInfo {
    /// The origin that login challenges are bound to, `http://127.0.0.1:4178` for instance.
    pub origin: String,
    /// The program's version.
    pub version: String,
    /// The Ed25519 key that signs audit checkpoints; a genesis names it.
    pub audit_vkey: B64,
    /// The server's clock, in milliseconds since 1970.
    pub time_ms: u64,
    /// Who may make an account here.
    pub registration: Registration,
    /// Where people may sign in with their browser.
    pub issuers: Vec<IssuerInfo>,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Whoever reaches the server.
    Open,
    /// Whoever holds an invitation or comes from an admitted issuer; the first one holds the
    /// founder code.
    Invited,
    /// Nobody.
    Closed,
}

/// A sign-in provider whose tokens the server takes: all that a sign-in by browser begins with.
/// To be shown and to be started from; a client draws no other conclusion from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerInfo {
    /// What people call it.
    pub name: String,
    /// The issuer identifier, `https://login.example.org` for instance.
    pub issuer: String,
    /// The public client id of the app there.
    pub client_id: String,
    /// The scopes to ask for; `openid` is one of them.
    pub scopes: Vec<String>,
}

/// `GET /v1/orgs`: the organisations the caller is a member of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrgList {
    /// Their ids. A client accepts only those it knows or confirms.
    pub orgs: Vec<OrgId>,
}

/// `GET /v1/orgs/{org}/sync?from=SEQ`: the chain from link `SEQ` on, and where everything stands.
/// A client asks from the newest link it has, so that the server must show that it has it too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncAnswer {
    /// At most [`MAX_LINKS`] links, from `from` on.
    pub links: Vec<B64>,
    /// Whether more links follow.
    pub more: bool,
    /// The caller's own wraps of the epochs in `links`.
    pub wraps: Vec<WrapAnswer>,
    /// The sealed previous data keys of the epochs in `links`.
    pub previous: Vec<PreviousAnswer>,
    /// Where each environment the caller may fetch stands.
    pub envs: Vec<EnvHead>,
    /// The newest audit checkpoint, as a signed note; it includes this very request.
    pub checkpoint: String,
}

/// A wrap for the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrapAnswer {
    /// Which environment.
    pub env_id: EnvId,
    /// Which epoch.
    pub epoch: u32,
    /// 80 bytes.
    pub wrap: B64,
}

/// A data key sealed under its successor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviousAnswer {
    /// Which environment.
    pub env_id: EnvId,
    /// The epoch of the sealed key.
    pub epoch: u32,
    /// The envelope.
    pub sealed: B64,
}

/// Where an environment stands, as the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvHead {
    /// Which environment.
    pub env_id: EnvId,
    /// Its newest commit; 0 if none.
    pub seq: u64,
    /// That commit's head, 32 bytes; zeros if none. A fork shows here even at equal height.
    pub head: B64,
}

/// The answer to an accepted write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteAnswer {
    /// Position of the newest link.
    pub link: u64,
    /// The audit checkpoint that includes this write, as a signed note.
    pub checkpoint: String,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorAnswer {
    /// See [`ErrorBody`].
    pub error: ErrorBody,
}

/// A code for programs and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorBody {
    /// Stable, in kebab case.
    pub code: String,
    /// Plain words; never shown in a security dialog.
    pub message: String,
}

/// `GET /v1/orgs/{org}/audit/proof?old=N&new=M`: RFC 6962 consistency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyAnswer {
    /// Nodes of 32 bytes.
    pub proof: Vec<B64>,
    /// The checkpoint of size `new`, as a signed note.
    pub checkpoint: String,
}

/// The SHA-256 of an envelope or wrap, as links and commits list it.
pub fn content_hash(bytes: &[u8]) -> Digest {
    crate::hash::sha256(&[bytes])
}

/// What the actor's next event on the same device names as its predecessor (`actor_prev`).
pub fn act_hash(act: &Act) -> Digest {
    crate::hash::sha256(&[&act.encode()])
}

/// `GET /v1/orgs/{org}/audit/inclusion?index=N`: RFC 6962 inclusion of entry `index`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionAnswer {
    /// Nodes of 32 bytes, deepest first.
    pub proof: Vec<B64>,
    /// The checkpoint that the proof leads to, as a signed note.
    pub checkpoint: String,
}

/// `GET /v1/orgs/{org}/audit/events?from=N`: entries of the audit log, from entry `N` on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsAnswer {
    /// Whole events (docs/protocol.md, section 12), at most [`MAX_ACTS`].
    pub events: Vec<B64>,
    /// The entry of the first of `events`: `N`, or where the log begins that is still kept.
    pub base: u64,
    /// Where `base` lies behind `N`: the roots of the perfect subtrees of the first `base` entries,
    /// widest first. An `AuditRetention` of the chain names the root they make. Empty otherwise.
    pub peaks: Vec<B64>,
    /// Whether more follow.
    pub more: bool,
    /// The newest checkpoint, as a signed note; where there are `events`, it includes this very
    /// request.
    pub checkpoint: String,
}

/// The answer to reported acts. With the acts it gives every byte of their entries, so that whoever
/// sent them can ask for their inclusion later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// How many acts were taken, in their order.
    pub count: u64,
    /// The entry of the first of them; the others follow without a gap.
    pub first: u64,
    /// The server's clock as their entries have it, in milliseconds since 1970.
    pub time_ms: u64,
    /// Where they came from, as their entries have it.
    pub peer: String,
    /// A checkpoint that includes them, as a signed note.
    pub checkpoint: String,
}

/// The answer to staged envelopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageAnswer {
    /// How many envelopes were taken.
    pub count: u64,
    /// The audit checkpoint that includes this request, as a signed note.
    pub checkpoint: String,
}
