//! Binary pages: what is large or sealed, in the canonical encoding.

use super::{MAX_ACTS, MAX_BATCH_ENVS, MAX_ENVELOPES, MAX_LINKS, WRAP_LEN};
use crate::commit::{Field, MAX_COMMIT, MAX_ENVELOPE, MAX_ITEMS, Op};
use crate::encoding::{Codec, DecodeError, Reader, Writer, write_list};
use crate::event::SignedAct;
use crate::hash::Digest;
use crate::id::{EnvId, InviteId, Principal, SecretId, TokenId};
use crate::statement::MAX_LINK;

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
    /// At most [`MAX_ENVELOPES`], together at most [`super::MAX_PAGE`].
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
    /// One for every `Invite` in `links`.
    pub invites: Vec<InviteUpload>,
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

/// What the server compares an invitation's bearer with (docs/protocol.md, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InviteUpload {
    /// Which invitation.
    pub invite: InviteId,
    /// SHA-256 of its bearer.
    pub bearer_hash: Digest,
}

impl Codec for InviteUpload {
    fn write(&self, w: &mut Writer) {
        self.invite.write(w);
        w.fixed(&self.bearer_hash);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { invite: InviteId::read(r)?, bearer_hash: r.array()? })
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
        write_list(w, &self.invites);
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
            invites: read_list(r, MAX_LINKS)?,
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
