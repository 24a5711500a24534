//! Writes: signs links and commits on a copy of the replica, and collects what the server needs.
//!
//! Everything goes through the same verifier that every other client will use, before it leaves
//! this device. If the server refuses, the copy is dropped and nothing happened.

use strongroom_chain::org::ChainError;
use strongroom_chain::{CommitError, EnvHistory};
use strongroom_crypto::safe::seal::SealError;
use strongroom_crypto::safe::{
    Dek, Entropy, EntropyError, Recipient, WrapContext, WrapError, seal,
};
use strongroom_format::commit::{Change, Commit, Field, FieldHash, Op};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{AppId, EnvId, OrgId, Principal, SecretId};
use strongroom_format::statement::{
    Body, EnvKind, EpochReason, Policy, PublicKey, SUITE_1, Statement, WrapEntry,
};
use strongroom_format::wire::{
    CommitRecord, PreviousUpload, WRAP_LEN, WrapAnswer, WrapUpload, WriteBatch, content_hash,
};
use strongroom_format::{id::UserId, wire::B64};
use strongroom_policy::PolicyError;
use strongroom_secret::SecretBytes;
use thiserror::Error;

use crate::details::{Details, EnvClass, Thing};
use crate::env::{EnvCopy, TakeError};
use crate::replica::{ReadError, Replica, ReplicaError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why something cannot be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The chain does not allow it.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The environment's history does not allow it.
    #[error(transparent)]
    Take(#[from] TakeError),
    /// Something that has to be read first cannot be.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A text or value is too long.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A data key cannot be wrapped.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A broker policy that would say nothing.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Changes of access that no verifier would take.
    #[error(transparent)]
    Refused(#[from] crate::access::RefusedChanges),
    /// Values that do not open under the old data key, or not again under the new one: nothing was
    /// signed.
    #[error("{} secrets do not open", .0.len())]
    Unreadable(Vec<SecretId>),
    /// Whoever was asked for progress said to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<ChainError> for WriteError {
    fn from(error: ChainError) -> Self {
        Self::Replica(ReplicaError::Chain { seq: 0, error })
    }
}

/// A new version of an item.
#[derive(Debug)]
pub struct Put {
    /// Which item.
    pub secret: SecretId,
    /// Its name.
    pub name: String,
    /// Its value; `None` in the directory.
    pub value: Option<Arc<SecretBytes>>,
    /// What stands beside the name.
    pub details: Details,
}

/// Broker policies to be written, encoded, by item; `None` takes one away.
pub type Policies = BTreeMap<SecretId, Option<Vec<u8>>>;

/// One write in the making.
pub struct Pen<'a> {
    pub(crate) replica: Replica,
    pub(crate) batch: WriteBatch,
    pub(crate) entropy: &'a mut dyn Entropy,
    pub(crate) now_ms: u64,
}

impl std::fmt::Debug for Pen<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pen({} links, {} commits)", self.batch.links.len(), self.batch.commits.len())
    }
}

/// What a new organisation is made of.
#[derive(Debug, Clone)]
pub struct Founding {
    /// Its name.
    pub organisation: String,
    /// The founder's name.
    pub person: String,
    /// Made to be looked at, and marked as such.
    pub sample: bool,
    /// The server's audit key, which the genesis names.
    pub audit_vkey: PublicKey,
}

impl<'a> Pen<'a> {
    /// Founds an organisation: genesis, directory, and the names of both.
    pub fn found(
        me: Arc<crate::replica::Me>,
        founding: &Founding,
        entropy: &'a mut dyn Entropy,
        now_ms: u64,
    ) -> Result<Self, WriteError> {
        let Principal::User(founder) = me.principal else {
            return Err(ReplicaError::NotMine.into());
        };
        let body = Body::Genesis {
            suite: SUITE_1,
            founder,
            keys: me.keyset.public(),
            audit_vkey: founding.audit_vkey,
            policy: Policy::initial(),
        };
        let genesis = me.keyset.isk.sign_link(Statement {
            org: OrgId::ZERO,
            seq: 0,
            prev: ZERO,
            author: Principal::User(founder),
            time_ms: now_ms,
            body,
        });
        let org = OrgId::of_genesis(genesis.as_bytes());
        let replica = Replica::start(me, org, genesis.as_bytes())?;
        let batch =
            WriteBatch { links: vec![genesis.as_bytes().to_vec()], ..WriteBatch::default() };
        let mut pen = Self { replica, batch, entropy, now_ms };
        let directory = EnvId(pen.random()?);
        pen.create_env(directory, EnvKind::Directory, [0; 16])?;
        let organisation = Details { sample: founding.sample, ..Details::of(Thing::Organisation) };
        let names = vec![
            name(org.directory_item(), &founding.organisation, organisation),
            name(founder.directory_item(), &founding.person, Details::of(Thing::Member)),
        ];
        pen.commit(directory, names, &[])?;
        Ok(pen)
    }

    /// Begins a write on a copy of `replica`.
    pub fn new(replica: &Replica, entropy: &'a mut dyn Entropy, now_ms: u64) -> Self {
        let batch = WriteBatch::default();
        Self { replica: replica.clone(), batch, entropy, now_ms }
    }

    /// The copy with everything written so far.
    pub fn replica(&mut self) -> &mut Replica {
        &mut self.replica
    }

    /// What is sent so far.
    pub(crate) fn batch(&mut self) -> &mut WriteBatch {
        &mut self.batch
    }

    /// When this is written, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Ends the write: the copy to keep once the server accepts, and what to send.
    pub fn finish(self) -> (Replica, WriteBatch) {
        (self.replica, self.batch)
    }

    /// A new random id.
    pub fn random(&mut self) -> Result<[u8; 16], EntropyError> {
        strongroom_crypto::safe::entropy::array(self.entropy)
    }

    /// Creates an application with its environments, and names them.
    pub fn create_app(
        &mut self,
        app_name: &str,
        environments: &[(String, EnvClass)],
    ) -> Result<AppId, WriteError> {
        let app = AppId(self.random()?);
        let mut names = vec![name(app.directory_item(), app_name, Details::of(Thing::App))];
        for (env_name, class) in environments {
            names.push(self.create_app_env(app, env_name, *class)?);
        }
        self.put_names(names)?;
        Ok(app)
    }

    /// Creates an environment of an application, and names it.
    pub fn create_environment(
        &mut self,
        app: AppId,
        env_name: &str,
        class: EnvClass,
    ) -> Result<EnvId, WriteError> {
        let put = self.create_app_env(app, env_name, class)?;
        let env = EnvId(put.secret.0);
        self.put_names(vec![put])?;
        Ok(env)
    }

    fn create_app_env(
        &mut self,
        app: AppId,
        env_name: &str,
        class: EnvClass,
    ) -> Result<Put, WriteError> {
        let env = EnvId(self.random()?);
        self.create_env(env, EnvKind::App, app.0)?;
        let details = Details { class: Some(class), ..Details::of(Thing::Environment) };
        Ok(name(env.directory_item(), env_name, details))
    }

    /// Writes names into the directory.
    pub fn put_names(&mut self, names: Vec<Put>) -> Result<(), WriteError> {
        let directory = self.replica.state().directory().ok_or(ReadError::Missing)?;
        self.commit(directory, names, &[])
    }

    fn create_env(&mut self, env: EnvId, kind: EnvKind, place: [u8; 16]) -> Result<(), WriteError> {
        self.link(Body::EnvCreate {
            env,
            kind,
            place,
            parent: EnvId::ZERO,
            expires: 0,
            owner: UserId::ZERO,
        })?;
        self.new_epoch(env, EpochReason::First)
    }

    /// Makes a new data key, wraps it to exactly the current readers, and seals the one before
    /// under it. It cuts the environment where this replica verified it, so it comes before all
    /// commits there of the same write.
    pub fn new_epoch(&mut self, env: EnvId, reason: EpochReason) -> Result<(), WriteError> {
        let state = self.replica.state();
        let last = state.env(&env).ok_or(ReadError::Missing)?.epoch_at(state.seq());
        let epoch = last + 1;
        let dek = Dek::make(self.entropy)?;
        let org = state.org();
        let dek_commit = dek.commit(&org, &env, epoch);
        let time_ms = self.now_ms.max(state.time_ms());
        let mut wraps = Vec::new();
        for principal in state.readers(&env, time_ms) {
            let iek = state.encryption_key(&principal).ok_or(ReadError::Missing)?;
            let context = WrapContext {
                org,
                env,
                epoch,
                dek_commit,
                recipient: Recipient { principal, iek },
                author: self.replica.principal(),
                author_isk: self.replica.me().keyset.isk.public(),
            };
            let wrap = dek.wrap(&context, self.entropy)?;
            wraps.push((principal, wrap));
        }
        let mut previous = ZERO;
        if last > 0 {
            let old = self.replica.dek(env, last)?;
            let sealed = dek.seal_previous(&old, &org, &env, last, self.entropy)?;
            previous = content_hash(&sealed);
            self.batch.previous.push(PreviousUpload { env, epoch: last, sealed });
        }
        let entry = |(recipient, wrap): &(Principal, Vec<u8>)| WrapEntry {
            recipient: *recipient,
            wrap: content_hash(wrap),
        };
        let listed = wraps.iter().map(entry).collect();
        let history = self.replica.env(&env).map(EnvCopy::history);
        self.link(Body::DekEpoch {
            env,
            epoch,
            dek_commit,
            reason,
            cut_seq: history.map_or(0, EnvHistory::seq),
            cut_head: history.map_or(ZERO, EnvHistory::head),
            wraps: listed,
            previous,
        })?;
        let own = self.replica.principal();
        for (recipient, wrap) in wraps {
            let Ok(wrap) = <[u8; WRAP_LEN]>::try_from(wrap) else { continue };
            if recipient == own {
                let answer = WrapAnswer { env_id: env, epoch, wrap: B64(wrap.to_vec()) };
                self.replica.take_keys(vec![answer], Vec::new());
            }
            self.batch.wraps.push(WrapUpload { env, epoch, recipient, wrap });
        }
        Ok(())
    }

    /// Signs a link and applies it to the copy.
    pub fn link(&mut self, body: Body) -> Result<(), WriteError> {
        let state = self.replica.state();
        let link = self.replica.me().keyset.isk.sign_link(Statement {
            org: state.org(),
            seq: state.seq() + 1,
            prev: state.head(),
            author: self.replica.principal(),
            time_ms: self.now_ms.max(state.time_ms()),
            body,
        });
        self.batch.links.push(link.as_bytes().to_vec());
        self.replica.take_link(link)?;
        Ok(())
    }

    /// Seals and signs new versions of items, and tombstones, as one commit. Whoever writes an item
    /// need not know of its broker policy: the new version has the one before.
    pub fn commit(
        &mut self,
        env: EnvId,
        puts: Vec<Put>,
        deletes: &[SecretId],
    ) -> Result<(), WriteError> {
        self.commit_with(env, puts, deletes, &Policies::new())
    }

    /// As [`Pen::commit`], with other broker policies for some of the items that are put.
    pub(crate) fn commit_with(
        &mut self,
        env: EnvId,
        mut puts: Vec<Put>,
        deletes: &[SecretId],
        policies: &Policies,
    ) -> Result<(), WriteError> {
        if puts.is_empty() && deletes.is_empty() {
            return Ok(());
        }
        let state = self.replica.state();
        // Also where a right has only ended: nothing says so but the time, and whoever held it could
        // open what is sealed now.
        if state.is_due(&env, self.now_ms.max(state.time_ms())) {
            return Err(TakeError::Commit(CommitError::Due).into());
        }
        let epoch = state.env(&env).ok_or(ReadError::Missing)?.epoch_at(state.seq());
        let dek = self.replica.dek(env, epoch)?;
        puts.sort_by_key(|put| put.secret);
        let mut envelopes = Vec::with_capacity(puts.len() * 3);
        let mut changes = Vec::with_capacity(puts.len() + deletes.len());
        for put in &puts {
            let version = self.next_version(env, &put.secret);
            let policy = self.policy_after(env, &put.secret, policies)?;
            let mut fields = Vec::with_capacity(4);
            let mut seal_field = |field: Field, plaintext: &[u8]| -> Result<(), WriteError> {
                let context = self.replica.item_context(env, epoch, put.secret, version, field);
                let envelope = seal(&*dek, &context.context(), plaintext, self.entropy)?;
                fields.push(FieldHash { field, envelope: content_hash(&envelope) });
                envelopes.push(envelope);
                Ok(())
            };
            seal_field(Field::Name, put.name.as_bytes())?;
            if let Some(value) = &put.value {
                value.lend(|bytes| seal_field(Field::Value, bytes))?;
            }
            if let Some(details) = put.details.encode() {
                seal_field(Field::Note, &details)?;
            }
            if let Some(policy) = &policy {
                policy.lend(|bytes| seal_field(Field::Policy, bytes))?;
            }
            changes.push(Change { op: Op::Put, secret: put.secret, version, fields });
        }
        for secret in deletes {
            let version = self.next_version(env, secret);
            changes.push(Change { op: Op::Delete, secret: *secret, version, fields: Vec::new() });
        }
        changes.sort_by_key(|change| change.secret);
        self.sign(env, changes, envelopes)
    }

    /// Signs changes, rising by secret, whose envelopes are sealed under the newest data key and
    /// come in the order of the fields.
    pub(crate) fn sign(
        &mut self,
        env: EnvId,
        changes: Vec<Change>,
        envelopes: Vec<Vec<u8>>,
    ) -> Result<(), WriteError> {
        let state = self.replica.state();
        let (org, org_seq, org_head) = (state.org(), state.seq(), state.head());
        let dek_epoch = state.env(&env).ok_or(ReadError::Missing)?.epoch_at(org_seq);
        let author = self.replica.principal();
        let now_ms = self.now_ms;
        let me = Arc::clone(self.replica.me());
        let (state, copy) = self.replica.env_mut(env);
        let history = copy.history();
        let signed = me.keyset.isk.sign_commit(Commit {
            org,
            env,
            seq: history.seq() + 1,
            prev: history.head(),
            author,
            org_seq,
            org_head,
            dek_epoch,
            time_ms: now_ms.max(state.time_ms()).max(history.time_ms()),
            state_root: history.root_after(&changes),
            changes,
        });
        let record =
            CommitRecord { commit: signed.as_bytes().to_vec(), envelopes: envelopes.clone() };
        copy.take_commit(state, record)?;
        self.batch.commits.push(signed.as_bytes().to_vec());
        self.batch.envelopes.extend(envelopes);
        Ok(())
    }

    /// The broker policy of an item's next version. One that does not open is dropped: without a
    /// policy the secret goes nowhere, and a broken one must not keep its value from being replaced.
    fn policy_after(
        &mut self,
        env: EnvId,
        secret: &SecretId,
        policies: &Policies,
    ) -> Result<Option<SecretBytes>, WriteError> {
        if let Some(policy) = policies.get(secret) {
            return Ok(policy.clone().map(SecretBytes::from_vec));
        }
        match self.replica.open_field(env, secret, Field::Policy) {
            Ok(policy) => Ok(Some(policy)),
            Err(ReadError::Missing | ReadError::Open(_)) => Ok(None),
            Err(error @ ReadError::NoKey) => Err(error.into()),
        }
    }

    fn next_version(&self, env: EnvId, secret: &SecretId) -> u64 {
        let items = self.replica.env(&env).map(|copy| copy.history().items());
        items.and_then(|items| items.lookup(secret)).map_or(1, |item| item.change.version + 1)
    }
}

/// A directory item.
pub fn name(secret: SecretId, text: &str, details: Details) -> Put {
    Put { secret, name: text.to_owned(), value: None, details }
}
