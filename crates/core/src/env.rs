//! This device's verified copy of one environment: its history, its sealed fields, and the names
//! that were opened for the list.
//!
//! Values stay sealed until one of them is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_chain::history::{CommitError, EnvHistory};
use strongroom_chain::org::OrgState;
use strongroom_chain::trie::{Item, Origin};
use strongroom_format::check::require;
use strongroom_format::commit::{Change, Field, FieldHash, Op, SignedCommit};
use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, Principal, SecretId};
use strongroom_format::wire::{CommitRecord, FieldEnvelope, ItemRecord, content_hash};
use thiserror::Error;

/// What the server sent does not belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TakeError {
    /// Bytes that are no object of the protocol.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A commit that does not verify.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// An envelope is not the one that was signed, or is missing.
    #[error("a sealed field is not the one that was signed")]
    Envelope,
}

/// One version of an item, as the verified history tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRecord {
    /// The version.
    pub version: u64,
    /// Put or delete.
    pub op: Op,
    /// Who, where and when.
    pub origin: Origin,
}

/// A verified copy of one environment.
#[derive(Debug, Clone)]
pub struct EnvCopy {
    history: EnvHistory,
    head: Option<Arc<SignedCommit>>,
    fields: BTreeMap<SecretId, Arc<[FieldEnvelope]>>,
    versions: BTreeMap<SecretId, Vec<VersionRecord>>,
    generation: u64,
}

impl EnvCopy {
    /// An environment of which nothing is known but its place on the chain.
    pub fn new(org: &OrgState, env: EnvId) -> Self {
        Self {
            history: EnvHistory::new(org.org(), env),
            head: None,
            fields: BTreeMap::new(),
            versions: BTreeMap::new(),
            generation: 0,
        }
    }

    /// The environment as it is now, from its head commit and all its items. Its past is unknown
    /// until [`EnvCopy::take_history`].
    pub fn from_items(
        org: &OrgState,
        env: EnvId,
        head: &[u8],
        items: Vec<ItemRecord>,
    ) -> Result<Self, TakeError> {
        let head = SignedCommit::parse(head)?;
        let mut fields = BTreeMap::new();
        let mut states = Vec::with_capacity(items.len());
        for item in items {
            let change = change_of(&item);
            states.push(Item { change, epoch: item.epoch, origin: None });
            if item.op == Op::Put {
                fields.insert(item.secret, item.fields.into());
            }
        }
        let history = EnvHistory::from_head(org, env, &head, states)?;
        Ok(Self {
            history,
            head: Some(Arc::new(head)),
            fields,
            versions: BTreeMap::new(),
            generation: 1,
        })
    }

    /// Takes in the next commit with its envelopes.
    pub fn take_commit(&mut self, org: &OrgState, record: CommitRecord) -> Result<(), TakeError> {
        let signed = SignedCommit::parse(&record.commit)?;
        let fields = fields_of(&signed.commit.changes, record.envelopes)?;
        self.history.apply(org, &signed)?;
        self.note_versions(&signed);
        for (change, envelopes) in signed.commit.changes.iter().zip(fields) {
            match change.op {
                Op::Put => self.fields.insert(change.secret, envelopes.into()),
                Op::Delete => self.fields.remove(&change.secret),
            };
        }
        self.head = Some(Arc::new(signed));
        self.generation += 1;
        Ok(())
    }

    /// Takes in the next commits without their envelopes, and all items as they are after the last
    /// of them, where the envelopes of one commit are too many for one answer. Nothing is taken
    /// unless every item is the one that the commits lead to.
    pub fn take_commits_then_items(
        &mut self,
        org: &OrgState,
        commits: &[SignedCommit],
        items: Vec<ItemRecord>,
    ) -> Result<(), TakeError> {
        let mut next = self.clone();
        for signed in commits {
            next.history.apply(org, signed)?;
            next.note_versions(signed);
        }
        next.head = commits.last().map(|signed| Arc::new(signed.clone())).or(next.head);
        next.fields.clear();
        for item in items.into_iter().filter(|item| item.op == Op::Put) {
            let known = next.history.items().lookup(&item.secret);
            let signed = known.is_some_and(|known| known.change == change_of(&item));
            require(signed, TakeError::Envelope)?;
            next.fields.insert(item.secret, item.fields.into());
        }
        require(next.fields.len() == next.history.items().live(), TakeError::Envelope)?;
        next.generation += 1;
        *self = next;
        Ok(())
    }

    /// Takes in the whole past, checked from its first commit, for an environment that was known
    /// from its head alone.
    pub fn take_history(
        &mut self,
        org: &OrgState,
        commits: &[SignedCommit],
    ) -> Result<(), TakeError> {
        let mut whole = Self::new(org, self.history.env());
        for commit in commits {
            whole.history.apply(org, commit)?;
            whole.note_versions(commit);
            if commit.commit.seq == self.history.seq() {
                break;
            }
        }
        self.history.confirm(whole.history)?;
        self.versions = whole.versions;
        self.generation += 1;
        Ok(())
    }

    fn note_versions(&mut self, signed: &SignedCommit) {
        let commit = &signed.commit;
        let origin = Origin { author: commit.author, commit: commit.seq, time_ms: commit.time_ms };
        for change in &commit.changes {
            let record = VersionRecord { version: change.version, op: change.op, origin };
            self.versions.entry(change.secret).or_default().push(record);
        }
    }

    /// The verified history.
    pub fn history(&self) -> &EnvHistory {
        &self.history
    }

    /// The newest signed commit: evidence, should the server show another one at its place.
    pub fn head(&self) -> Option<&SignedCommit> {
        self.head.as_deref()
    }

    /// Counts the changes of this copy, for views that keep something made from it.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The known versions of an item, oldest first.
    pub fn versions(&self, secret: &SecretId) -> &[VersionRecord] {
        self.versions.get(secret).map_or(&[], Vec::as_slice)
    }

    /// A live item.
    pub fn lookup(&self, secret: &SecretId) -> Option<&Item> {
        self.history.items().lookup(secret).filter(|item| item.is_live())
    }

    /// One sealed field of a live item.
    pub fn envelope(&self, secret: &SecretId, field: Field) -> Option<&[u8]> {
        let fields = self.fields.get(secret)?;
        fields.iter().find(|f| f.field == field).map(|f| f.envelope.as_slice())
    }

    /// All sealed fields of a live item, rising by field.
    pub fn fields(&self, secret: &SecretId) -> Option<&[FieldEnvelope]> {
        self.fields.get(secret).map(AsRef::as_ref)
    }

    /// Every live item with its sealed fields, rising by id.
    pub fn live(&self) -> impl Iterator<Item = (&Item, &[FieldEnvelope])> {
        // Exactly the live items have sealed fields, and both collections rise by id.
        let items = self.history.items().iter().filter(|item| item.is_live());
        items.zip(self.fields.values()).map(|(item, fields)| (item, fields.as_ref()))
    }

    /// The bytes of this copy for the device's own cache.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(CACHE_VERSION).u8(u8::from(self.history.is_complete()));
        w.lp(self.head.as_ref().map_or(&[][..], |head| head.as_bytes()));
        w.count(self.history.items().len());
        for item in self.history.items().iter() {
            let fields = self.fields.get(&item.change.secret);
            ItemRecord {
                secret: item.change.secret,
                version: item.change.version,
                op: item.change.op,
                epoch: item.epoch,
                fields: fields.map_or_else(Vec::new, |fields| fields.to_vec()),
            }
            .write(&mut w);
            write_origin(&mut w, item.origin.as_ref());
        }
        w.count(self.versions.len());
        for (secret, versions) in &self.versions {
            secret.write(&mut w);
            w.count(versions.len());
            for record in versions {
                w.u64(record.version);
                record.op.write(&mut w);
                write_origin(&mut w, Some(&record.origin));
            }
        }
        w.finish()
    }

    /// Reads what [`EnvCopy::encode`] wrote on this device, and checks head and items again.
    pub fn decode(org: &OrgState, env: EnvId, bytes: &[u8]) -> Result<Self, TakeError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != CACHE_VERSION {
            return Err(DecodeError::UnknownVersion.into());
        }
        let complete = r.u8()? == 1;
        let head = r.lp(usize::MAX)?;
        let n = r.count(usize::MAX)?;
        let mut items = Vec::new();
        let mut fields = BTreeMap::new();
        for _ in 0..n {
            let record = ItemRecord::read(&mut r)?;
            let origin = read_origin(&mut r)?;
            items.push(Item { change: change_of(&record), epoch: record.epoch, origin });
            if record.op == Op::Put {
                fields.insert(record.secret, record.fields.into());
            }
        }
        let mut versions = BTreeMap::new();
        for _ in 0..r.count(usize::MAX)? {
            let secret = SecretId::read(&mut r)?;
            let mut records = Vec::new();
            for _ in 0..r.count(usize::MAX)? {
                let version = r.u64()?;
                let op = Op::read(&mut r)?;
                let origin = read_origin(&mut r)?.ok_or(DecodeError::NotCanonical)?;
                records.push(VersionRecord { version, op, origin });
            }
            versions.insert(secret, records);
        }
        r.finish()?;
        if head.is_empty() {
            return Ok(Self::new(org, env));
        }
        let head = SignedCommit::parse(head)?;
        let history = EnvHistory::restore(org, env, &head, items, complete)?;
        Ok(Self { history, head: Some(Arc::new(head)), fields, versions, generation: 1 })
    }
}

const CACHE_VERSION: u8 = 1;

fn write_origin(w: &mut Writer, origin: Option<&Origin>) {
    w.u8(u8::from(origin.is_some()));
    if let Some(origin) = origin {
        origin.author.write(w);
        w.u64(origin.commit).u64(origin.time_ms);
    }
}

fn read_origin(r: &mut Reader<'_>) -> Result<Option<Origin>, DecodeError> {
    match r.u8()? {
        0 => Ok(None),
        1 => Ok(Some(Origin { author: Principal::read(r)?, commit: r.u64()?, time_ms: r.u64()? })),
        _ => Err(DecodeError::UnknownTag),
    }
}

fn change_of(item: &ItemRecord) -> Change {
    let hash =
        |f: &FieldEnvelope| FieldHash { field: f.field, envelope: content_hash(&f.envelope) };
    Change {
        op: item.op,
        secret: item.secret,
        version: item.version,
        fields: item.fields.iter().map(hash).collect(),
    }
}

/// Gives each change its envelopes, which come in order and must hash to what was signed.
fn fields_of(
    changes: &[Change],
    envelopes: Vec<Vec<u8>>,
) -> Result<Vec<Vec<FieldEnvelope>>, TakeError> {
    let mut envelopes = envelopes.into_iter();
    let mut all = Vec::with_capacity(changes.len());
    for change in changes {
        let mut own = Vec::with_capacity(change.fields.len());
        for field in &change.fields {
            let envelope = envelopes.next().ok_or(TakeError::Envelope)?;
            require(content_hash(&envelope) == field.envelope, TakeError::Envelope)?;
            own.push(FieldEnvelope { field: field.field, envelope });
        }
        all.push(own);
    }
    require(envelopes.next().is_none(), TakeError::Envelope)?;
    Ok(all)
}

/// What the server says of an environment, against what this device verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The same commit.
    Level,
    /// Newer commits exist.
    Behind,
    /// The server shows less than this device has seen.
    RolledBack,
    /// The server shows another commit at the same place.
    Forked,
}

impl EnvCopy {
    /// Compares a head that the server states with this copy.
    pub fn standing(&self, seq: u64, head: &Digest) -> Standing {
        let own = self.history.seq();
        match seq.cmp(&own) {
            std::cmp::Ordering::Greater => Standing::Behind,
            std::cmp::Ordering::Less => Standing::RolledBack,
            std::cmp::Ordering::Equal if *head == self.history.head() => Standing::Level,
            std::cmp::Ordering::Equal => Standing::Forked,
        }
    }
}
