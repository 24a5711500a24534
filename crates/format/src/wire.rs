//! What travels between client and server: JSON requests and answers, and binary pages.
//!
//! JSON is strict (unknown fields are refused). Binary objects inside it are base64url without
//! padding; bulk travels as `application/octet-stream` in the canonical encoding. No field of an
//! answer selects a key, an algorithm, a cost or a recipient.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::commit::{Field, MAX_COMMIT, MAX_ENVELOPE, MAX_ITEMS, Op};
use crate::encoding::{Codec, DecodeError, Reader, Writer, write_list};
use crate::event::{Act, SignedAct};
use crate::hash::{Digest, ctx};
use crate::id::{EnvId, OrgId, Principal, SecretId, TokenId, UserId};
use crate::statement::MAX_LINK;

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
/// The most environments a batch or an answer touches.
pub const MAX_BATCH_ENVS: usize = 1_000;
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
}

/// `POST /v1/accounts`: a person's public keys and sealed keyset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateAccount {
    /// Made by the client.
    pub user_id: UserId,
    /// The keyset, see [`Keyset`].
    pub keyset: Keyset,
    /// By the login key, over [`account_message`].
    pub login_sig: B64,
    /// By the identity key, over [`account_message`].
    pub identity_sig: B64,
}

/// A sealed keyset and the public keys that belong to it. Useless without passphrase and Secret Key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyset {
    /// Counts passphrase and Secret Key changes, from 1.
    pub epoch: u32,
    /// The passphrase profile, a compiled id.
    pub profile: u8,
    /// 16 bytes.
    pub salt: B64,
    /// Ed25519 public key of the login key.
    pub login_pub: B64,
    /// Ed25519 identity public key.
    pub isk: B64,
    /// X25519 encryption public key.
    pub iek: B64,
    /// The sealed private keys.
    pub blob: B64,
}

/// What both keys of a new account sign.
pub fn account_message(origin: &str, user: &UserId, keyset: &Keyset) -> Vec<u8> {
    ctx(
        "account",
        &[
            origin.as_bytes(),
            user.as_bytes(),
            &keyset.epoch.to_be_bytes(),
            &[keyset.profile],
            &keyset.salt.0,
            &keyset.login_pub.0,
            &keyset.isk.0,
            &keyset.iek.0,
            &keyset.blob.0,
        ],
    )
}

/// `POST /v1/session/challenge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// Who wants to sign in. Unknown ids get a challenge too.
    pub user_id: UserId,
}

/// The answer: what to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// 32 bytes, used once.
    pub nonce: B64,
    /// The server's clock, in milliseconds since 1970.
    pub time_ms: u64,
}

/// Which key answers a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignInKey {
    /// Derived from the Secret Key: a device that is not unlocked yet.
    Login,
    /// The identity key: a device that is unlocked.
    Identity,
}

/// `POST /v1/session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// Who signs in.
    pub user_id: UserId,
    /// From the challenge.
    pub nonce: B64,
    /// From the challenge.
    pub time_ms: u64,
    /// Which key signed.
    pub key: SignInKey,
    /// Over [`challenge_message`].
    pub signature: B64,
}

/// `ctx("login-challenge", server_origin, user_id, nonce, time)`.
pub fn challenge_message(origin: &str, user: &UserId, nonce: &[u8], time_ms: u64) -> Vec<u8> {
    ctx("login-challenge", &[origin.as_bytes(), user.as_bytes(), nonce, &time_ms.to_be_bytes()])
}

/// A short session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// A JWT of the server's own issuer; send as `Authorization: Bearer`.
    pub token: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: u64,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session(until {})", self.expires_ms)
    }
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

// ---- binary pages -------------------------------------------------------------------------

const PAGE_VERSION: u8 = 1;

fn page_version(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    if r.u8()? == PAGE_VERSION { Ok(()) } else { Err(DecodeError::UnknownVersion) }
}

fn write_blobs(w: &mut Writer, blobs: &[Vec<u8>]) {
    w.count(blobs.len());
    for blob in blobs {
        w.lp(blob);
    }
}

fn read_blobs(r: &mut Reader<'_>, n: usize, cap: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let n = r.count(n)?;
    (0..n).map(|_| r.lp(cap).map(<[u8]>::to_vec)).collect()
}

/// `POST /v1/orgs/{org}/envelopes`: sealed fields, ahead of the commit that names their hashes.
/// What no commit names within an hour is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvelopePage {
    /// At most [`MAX_ENVELOPES`], together at most [`MAX_PAGE`].
    pub envelopes: Vec<Vec<u8>>,
}

impl Codec for EnvelopePage {
    fn write(&self, w: &mut Writer) {
        w.u8(PAGE_VERSION);
        write_blobs(w, &self.envelopes);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        page_version(r)?;
        Ok(Self { envelopes: read_blobs(r, MAX_ENVELOPES, MAX_ENVELOPE)? })
    }
}

/// A wrap that a `DekEpoch` link of the same batch lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrapUpload {
    /// Which environment.
    pub env: EnvId,
    /// Which epoch.
    pub epoch: u32,
    /// For whom.
    pub recipient: Principal,
    /// The bytes.
    pub wrap: [u8; WRAP_LEN],
}

impl Codec for WrapUpload {
    fn write(&self, w: &mut Writer) {
        self.env.write(w);
        w.u32(self.epoch);
        self.recipient.write(w);
        w.fixed(&self.wrap);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            env: EnvId::read(r)?,
            epoch: r.u32()?,
            recipient: Principal::read(r)?,
            wrap: r.array()?,
        })
    }
}

/// A previous data key, sealed under the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousUpload {
    /// Which environment.
    pub env: EnvId,
    /// The epoch of the sealed key; the link with epoch + 1 lists its hash.
    pub epoch: u32,
    /// The envelope.
    pub sealed: Vec<u8>,
}

impl Codec for PreviousUpload {
    fn write(&self, w: &mut Writer) {
        self.env.write(w);
        w.u32(self.epoch).lp(&self.sealed);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { env: EnvId::read(r)?, epoch: r.u32()?, sealed: r.lp(MAX_ENVELOPE)?.to_vec() })
    }
}

/// `POST /v1/orgs` (the first link is the genesis) and `POST /v1/orgs/{org}/write`: any mix of
/// links and commits of one organisation, all or nothing. Links are applied before commits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteBatch {
    /// Links, in order.
    pub links: Vec<Vec<u8>>,
    /// One for every entry of every `DekEpoch` in `links`.
    pub wraps: Vec<WrapUpload>,
    /// One for every `DekEpoch` in `links` with a predecessor.
    pub previous: Vec<PreviousUpload>,
    /// Signed commits, in order.
    pub commits: Vec<Vec<u8>>,
    /// Envelopes that the commits name and that were not staged before.
    pub envelopes: Vec<Vec<u8>>,
    /// The author's own audit events.
    pub acts: Vec<SignedAct>,
    /// One for every `TokenIssue` in `links`.
    pub tokens: Vec<TokenUpload>,
}

/// What the server compares a service token's bearer with (docs/protocol.md, section 8). The
/// bearer itself travels as `Authorization: Bearer srt.<token id>.<base64url of the bearer>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenUpload {
    /// Which token.
    pub token: TokenId,
    /// SHA-256 of its bearer.
    pub bearer_hash: Digest,
}

impl Codec for TokenUpload {
    fn write(&self, w: &mut Writer) {
        self.token.write(w);
        w.fixed(&self.bearer_hash);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { token: TokenId::read(r)?, bearer_hash: r.array()? })
    }
}

impl Codec for WriteBatch {
    fn write(&self, w: &mut Writer) {
        w.u8(PAGE_VERSION);
        write_blobs(w, &self.links);
        write_list(w, &self.wraps);
        write_list(w, &self.previous);
        write_blobs(w, &self.commits);
        write_blobs(w, &self.envelopes);
        write_list(w, &self.acts);
        write_list(w, &self.tokens);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        page_version(r)?;
        Ok(Self {
            links: read_blobs(r, MAX_LINKS, MAX_LINK)?,
            wraps: read_list(r, MAX_ITEMS)?,
            previous: read_list(r, MAX_BATCH_ENVS)?,
            commits: read_blobs(r, MAX_BATCH_ENVS, MAX_COMMIT)?,
            envelopes: read_blobs(r, MAX_ENVELOPES, MAX_ENVELOPE)?,
            acts: read_list(r, MAX_ACTS)?,
            tokens: read_list(r, MAX_LINKS)?,
        })
    }
}

/// `POST /v1/orgs/{org}/events`: acts that are not writes (copied, revealed).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActPage {
    /// In the order of the actor's own count.
    pub acts: Vec<SignedAct>,
}

impl Codec for ActPage {
    fn write(&self, w: &mut Writer) {
        w.u8(PAGE_VERSION);
        write_list(w, &self.acts);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        page_version(r)?;
        Ok(Self { acts: read_list(r, MAX_ACTS)? })
    }
}

fn read_list<T: Codec>(r: &mut Reader<'_>, cap: usize) -> Result<Vec<T>, DecodeError> {
    let n = r.count(cap)?;
    (0..n).map(|_| T::read(r)).collect()
}

/// A sealed field as it is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldEnvelope {
    /// Which field.
    pub field: Field,
    /// The envelope.
    pub envelope: Vec<u8>,
}

/// A current item (or tombstone) as it is fetched. The epoch is a hint: a wrong one only makes the
/// envelope fail to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRecord {
    /// Which item.
    pub secret: SecretId,
    /// Its version.
    pub version: u64,
    /// Put or delete.
    pub op: Op,
    /// The epoch of the commit that wrote it.
    pub epoch: u32,
    /// Its sealed fields, rising.
    pub fields: Vec<FieldEnvelope>,
}

impl Codec for ItemRecord {
    fn write(&self, w: &mut Writer) {
        self.secret.write(w);
        w.u64(self.version);
        self.op.write(w);
        w.u32(self.epoch);
        w.u8(u8::try_from(self.fields.len()).unwrap_or(u8::MAX));
        for field in &self.fields {
            field.field.write(w);
            w.lp(&field.envelope);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let secret = SecretId::read(r)?;
        let version = r.u64()?;
        let op = Op::read(r)?;
        let epoch = r.u32()?;
        let m = usize::from(r.u8()?);
        if m > Field::ALL.len() {
            return Err(DecodeError::TooLong);
        }
        let fields = (0..m)
            .map(|_| {
                let field = Field::read(r)?;
                Ok(FieldEnvelope { field, envelope: r.lp(MAX_ENVELOPE)?.to_vec() })
            })
            .collect::<Result<_, DecodeError>>()?;
        Ok(Self { secret, version, op, epoch, fields })
    }
}

/// `GET /v1/orgs/{org}/envs/{env}/items?after=SECRET`: the head commit and a page of current items,
/// rising by id, tombstones included. If `head` differs between two pages, the client starts again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPage {
    /// The newest signed commit; empty if there is none.
    pub head: Vec<u8>,
    /// Items, together about 1 MiB.
    pub items: Vec<ItemRecord>,
    /// Whether more follow.
    pub more: bool,
}

impl Codec for ItemPage {
    fn write(&self, w: &mut Writer) {
        w.u8(PAGE_VERSION).lp(&self.head);
        write_list(w, &self.items);
        w.u8(u8::from(self.more));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        page_version(r)?;
        Ok(Self {
            head: r.lp(MAX_COMMIT)?.to_vec(),
            items: read_list(r, MAX_ITEMS)?,
            more: read_flag(r)?,
        })
    }
}

/// A commit with the envelopes it names, in the order of its changes and fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRecord {
    /// The signed commit.
    pub commit: Vec<u8>,
    /// All its envelopes, or none where only the history was asked for.
    pub envelopes: Vec<Vec<u8>>,
}

impl Codec for CommitRecord {
    fn write(&self, w: &mut Writer) {
        w.lp(&self.commit);
        write_blobs(w, &self.envelopes);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            commit: r.lp(MAX_COMMIT)?.to_vec(),
            envelopes: read_blobs(r, MAX_ITEMS * Field::ALL.len(), MAX_ENVELOPE)?,
        })
    }
}

/// `GET /v1/orgs/{org}/envs/{env}/commits?from=SEQ&envelopes=BOOL`: history from commit `SEQ` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitPage {
    /// In order; at least one if there is any, together about 1 MiB.
    pub commits: Vec<CommitRecord>,
    /// Whether more follow.
    pub more: bool,
}

impl Codec for CommitPage {
    fn write(&self, w: &mut Writer) {
        w.u8(PAGE_VERSION);
        write_list(w, &self.commits);
        w.u8(u8::from(self.more));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        page_version(r)?;
        Ok(Self { commits: read_list(r, MAX_LINKS)?, more: read_flag(r)? })
    }
}

fn read_flag(r: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::UnknownTag),
    }
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
    /// Whether more follow.
    pub more: bool,
    /// The newest checkpoint, as a signed note; it includes this very request.
    pub checkpoint: String,
}

/// The answer to staged envelopes and to reported acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// How many envelopes or acts were taken.
    pub count: u64,
    /// The audit checkpoint that includes this request, as a signed note.
    pub checkpoint: String,
}
