//! Environment commits: every write of a secret (docs/protocol.md, section 9).

use crate::encoding::{Codec, DecodeError, Reader, Writer, read_sorted, write_list};
use crate::hash::{Digest, ctx, h};
use crate::id::{EnvId, OrgId, Principal, SecretId};
use crate::statement::{Signature, byte_enum};

/// The most changes in one commit, and the most items of one environment.
pub const MAX_ITEMS: usize = 10_000;
/// The longest commit, in bytes (signature included).
pub const MAX_COMMIT: usize = 4 * 1024 * 1024;
/// The longest sealed envelope: 64 KiB of text, its padding and 73 bytes of overhead.
pub const MAX_ENVELOPE: usize = 80 * 1024;

const VERSION: u8 = 1;

byte_enum! {
    /// The sealed fields of a secret.
    Field {
        /// `DATABASE_URL`
        Name = 1,
        /// The secret itself.
        Value = 2,
        /// Note and details: tags, type, expiry.
        Note = 3,
        /// What the broker may do with it.
        Policy = 4,
    }
}

byte_enum! {
    /// What happens to an item.
    Op {
        /// A new version.
        Put = 1,
        /// A tombstone.
        Delete = 2,
    }
}

/// A sealed field, by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldHash {
    /// Which field.
    pub field: Field,
    /// SHA-256 of the envelope.
    pub envelope: Digest,
}

impl Codec for FieldHash {
    fn write(&self, w: &mut Writer) {
        self.field.write(w);
        w.fixed(&self.envelope);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { field: Field::read(r)?, envelope: r.array()? })
    }
}

/// One new version of one item. A put lists all fields the item then has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Put or delete.
    pub op: Op,
    /// Which item.
    pub secret: SecretId,
    /// The version it becomes: the one before plus one, from 1.
    pub version: u64,
    /// Its fields, rising; none for a tombstone.
    pub fields: Vec<FieldHash>,
}

impl Change {
    /// The leaf of the state trie: `ctx("state", secret_id, version, op, field hashes)`, where the
    /// last field is the `m || m x (field || hash)` of the change.
    pub fn state_leaf(&self) -> Vec<u8> {
        let mut fields = Writer::with_room(1 + self.fields.len() * 33);
        self.write_fields(&mut fields);
        ctx(
            "state",
            &[
                self.secret.as_bytes(),
                &self.version.to_be_bytes(),
                &[self.op.byte()],
                &fields.finish(),
            ],
        )
    }

    fn write_fields(&self, w: &mut Writer) {
        // At most four fields exist, so the count fits into its byte.
        w.u8(u8::try_from(self.fields.len()).unwrap_or(u8::MAX));
        for field in &self.fields {
            field.write(w);
        }
    }
}

impl Codec for Change {
    fn write(&self, w: &mut Writer) {
        self.op.write(w);
        self.secret.write(w);
        w.u64(self.version);
        self.write_fields(w);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let op = Op::read(r)?;
        let secret = SecretId::read(r)?;
        let version = r.u64()?;
        let m = usize::from(r.u8()?);
        let mut fields: Vec<FieldHash> = Vec::with_capacity(m.min(Field::ALL.len()));
        for _ in 0..m {
            let next = FieldHash::read(r)?;
            if fields.last().is_some_and(|last| last.field >= next.field) {
                return Err(DecodeError::NotCanonical);
            }
            fields.push(next);
        }
        match (op, fields.first().map(|f| f.field)) {
            // Everything that exists has a name; a tombstone has nothing.
            (Op::Put, Some(Field::Name)) | (Op::Delete, None) => {
                Ok(Self { op, secret, version, fields })
            }
            _ => Err(DecodeError::NotCanonical),
        }
    }
}

/// A set of changes to one environment, at one place of its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Which organisation.
    pub org: OrgId,
    /// Which environment.
    pub env: EnvId,
    /// Position in the environment's history, from 1.
    pub seq: u64,
    /// Head of the commit before; zero for the first.
    pub prev: Digest,
    /// Who writes.
    pub author: Principal,
    /// The head of the organisation chain the author saw: its position ...
    pub org_seq: u64,
    /// ... and hash. Two clients that exchange one commit so expose a fork of the chain.
    pub org_head: Digest,
    /// The epoch of the data key the changes are sealed under.
    pub dek_epoch: u32,
    /// The author's clock, in milliseconds since 1970; never goes back along the history.
    pub time_ms: u64,
    /// Root of the trie over all items after this commit.
    pub state_root: Digest,
    /// What changes, rising by item.
    pub changes: Vec<Change>,
}

impl Codec for Commit {
    fn write(&self, w: &mut Writer) {
        w.u8(VERSION);
        self.org.write(w);
        self.env.write(w);
        w.u64(self.seq).fixed(&self.prev);
        self.author.write(w);
        w.u64(self.org_seq).fixed(&self.org_head);
        w.u32(self.dek_epoch).u64(self.time_ms).fixed(&self.state_root);
        write_list(w, &self.changes);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        Ok(Self {
            org: OrgId::read(r)?,
            env: EnvId::read(r)?,
            seq: r.u64()?,
            prev: r.array()?,
            author: Principal::read(r)?,
            org_seq: r.u64()?,
            org_head: r.array()?,
            dek_epoch: r.u32()?,
            time_ms: r.u64()?,
            state_root: r.array()?,
            changes: read_sorted(r, MAX_ITEMS, |change: &Change| change.secret)?,
        })
    }
}

/// A commit and its author's signature over `label("commit") || commit`.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedCommit {
    /// What is committed.
    pub commit: Commit,
    bytes: Vec<u8>,
}

impl SignedCommit {
    /// Joins a commit and its signature.
    pub fn new(commit: Commit, signature: &Signature) -> Self {
        let mut bytes = commit.encode();
        bytes.extend_from_slice(signature);
        Self { commit, bytes }
    }

    /// Reads a commit from outside; its signature is not checked here.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_COMMIT {
            return Err(DecodeError::TooLong);
        }
        let (commit, _) = bytes.split_last_chunk::<64>().ok_or(DecodeError::Truncated)?;
        Ok(Self { commit: Commit::decode(commit)?, bytes: bytes.to_vec() })
    }

    /// Commit and signature.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes the signature covers, without their label.
    pub fn signed_bytes(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - 64]
    }

    /// The author's signature.
    pub fn signature(&self) -> Signature {
        self.bytes.last_chunk::<64>().copied().unwrap_or([0; 64])
    }

    /// `H("commit-head", commit || sig)`.
    pub fn head(&self) -> Digest {
        h("commit-head", &[&self.bytes])
    }
}

impl std::fmt::Debug for SignedCommit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignedCommit({:?})", self.commit)
    }
}
