//! This device's verified copy of one organisation, and the keys to open it.
//!
//! Order of work, always: verify, then (the client) pin, then open, then show. Nothing that a
//! server says is kept before it was checked here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_chain::org::{ChainError, OrgState};
use strongroom_chain::trie::Item;
use strongroom_crypto::safe::context::ItemContext;
use strongroom_crypto::safe::{Dek, Keyset, OpenError, Recipient, ServiceToken, WrapContext, open};
use strongroom_format::check::{holds, require};
use strongroom_format::commit::Field;
use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, OrgId, Principal, SecretId, UserId};
use strongroom_format::note::{Checkpoint, MAX_NOTE};
use strongroom_format::pins::{AuditPin, Pins};
use strongroom_format::statement::{Body, Link, MemberKeys, WrapEntry};
use strongroom_format::wire::{FieldEnvelope, PreviousAnswer, WrapAnswer, content_hash};
use strongroom_secret::SecretBytes;
use thiserror::Error;

use crate::details::Details;
use crate::env::{EnvCopy, TakeError};

/// Whoever works on this device: a person, or a service token.
#[derive(Debug)]
pub struct Me {
    /// Who.
    pub principal: Principal,
    /// The private keys.
    pub keyset: Keyset,
}

impl Me {
    /// A person with the keys of an opened keyset.
    pub fn person(user: UserId, keyset: Keyset) -> Self {
        Self { principal: Principal::User(user), keyset }
    }

    /// A service token with the keys that follow from it.
    pub fn token(token: &ServiceToken) -> Self {
        let keyset = Keyset { isk: token.identity(), iek: token.encryption() };
        Self { principal: Principal::Token(token.id()), keyset }
    }
}

/// Why a copy could not take in what the server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// Bytes that are no object of the protocol.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A link that does not verify.
    #[error("link {seq}: {error}")]
    Chain {
        /// At which link.
        seq: u64,
        /// Why.
        error: ChainError,
    },
    /// An environment that does not verify.
    #[error(transparent)]
    Env(#[from] TakeError),
    /// The server shows less of the chain than this device has seen.
    #[error("the server shows less than this device has seen")]
    RolledBack,
    /// The server shows another link at a place this device has seen.
    #[error("the server shows another history than this device has seen")]
    Forked,
    /// The chain does not list this person or token with these keys.
    #[error("the organisation does not know these keys")]
    NotMine,
    /// The audit checkpoint is not signed by the organisation's log, or goes back.
    #[error("the audit checkpoint does not fit")]
    Checkpoint,
}

/// Why a sealed field was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReadError {
    /// No such item or field.
    #[error("there is no such secret")]
    Missing,
    /// This person holds no data key for it.
    #[error("you hold no key for this environment")]
    NoKey,
    /// The envelope did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A verified copy of one organisation.
///
/// A write works on a copy of this copy, which takes its place once the server has accepted it.
#[derive(Debug, Clone)]
pub struct Replica {
    me: Arc<Me>,
    links: Vec<Arc<Link>>,
    state: OrgState,
    wraps: BTreeMap<(EnvId, u32), Vec<u8>>,
    previous: BTreeMap<(EnvId, u32), Vec<u8>>,
    deks: BTreeMap<(EnvId, u32), Arc<Dek>>,
    envs: BTreeMap<EnvId, EnvCopy>,
    names: BTreeMap<SecretId, (u64, Arc<Named>)>,
    audit: AuditPin,
    /// The signed note of `audit`; empty where only the pin is known.
    audit_note: String,
}

/// A name and what stands beside it, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Details; the empty ones if there are none.
    pub details: Details,
}

impl Named {
    /// What stands in the list for an item that does not open.
    fn closed() -> Self {
        Self { name: "(does not open)".to_owned(), details: Details::default() }
    }

    fn read(name: &SecretBytes, details: Option<&SecretBytes>) -> Result<Self, ReadError> {
        let name = name.lend(|bytes| str::from_utf8(bytes).map(str::to_owned));
        let details = match details {
            Some(bytes) => bytes.lend(Details::parse).ok_or(OpenError)?,
            None => Details::default(),
        };
        Ok(Self { name: name.map_err(|_| OpenError)?, details })
    }
}

impl Replica {
    /// Begins with the genesis, which must hash to `org`.
    pub fn start(me: Arc<Me>, org: OrgId, genesis: &[u8]) -> Result<Self, ReplicaError> {
        let genesis = Link::parse(genesis)?;
        let state = strongroom_chain::org::verify(std::slice::from_ref(&genesis), org, None)
            .map_err(|error| ReplicaError::Chain { seq: 0, error })?;
        Ok(Self {
            me,
            links: vec![Arc::new(genesis)],
            audit: *state.audit_anchor(),
            audit_note: String::new(),
            state,
            wraps: BTreeMap::new(),
            previous: BTreeMap::new(),
            deks: BTreeMap::new(),
            envs: BTreeMap::new(),
            names: BTreeMap::new(),
        })
    }

    /// Takes in links that begin at this copy's newest one: the server must show that it has what
    /// this device has seen. Whatever verified before an error stays.
    pub fn take_links(&mut self, links: &[Vec<u8>]) -> Result<(), ReplicaError> {
        let (known, new) = links.split_first().ok_or(ReplicaError::RolledBack)?;
        require(Link::parse(known)?.head() == self.state.head(), ReplicaError::Forked)?;
        for bytes in new {
            self.take_link(Link::parse(bytes)?)?;
        }
        Ok(())
    }

    /// Takes in the next link.
    pub fn take_link(&mut self, link: Link) -> Result<(), ReplicaError> {
        let seq = self.state.seq() + 1;
        self.state.apply(&link).map_err(|error| ReplicaError::Chain { seq, error })?;
        self.links.push(Arc::new(link));
        Ok(())
    }

    /// Checks that the chain lists this person or token with the keys this device holds.
    pub fn require_mine(&self) -> Result<(), ReplicaError> {
        let seq = self.state.seq();
        let keys = match self.me.principal {
            Principal::User(user) => {
                let member = self.state.member(&user).filter(|m| m.is_active_at(seq));
                member.and_then(|m| m.keys.at(seq)).map(|(_, keys)| *keys)
            }
            Principal::Token(token) => {
                let token = self.state.token(&token).filter(|t| t.revoked.is_none());
                token.map(|t| MemberKeys { isk: t.sig_pub, iek: t.enc_pub })
            }
            Principal::Agent(_) => None,
        };
        require(keys == Some(self.me.keyset.public()), ReplicaError::NotMine)
    }

    /// Keeps the wraps and sealed previous keys that a verified epoch lists, and drops all others:
    /// an unsolicited wrap is never opened.
    pub fn take_keys(&mut self, wraps: Vec<WrapAnswer>, previous: Vec<PreviousAnswer>) {
        let me = self.principal();
        for answer in wraps {
            let listed = self.state.env(&answer.env_id).and_then(|e| e.epoch(answer.epoch));
            let hash = content_hash(&answer.wrap.0);
            let mine = |w: &WrapEntry| holds(w.recipient == me) && holds(w.wrap == hash);
            if listed.is_some_and(|epoch| epoch.wraps.iter().any(mine)) {
                self.wraps.insert((answer.env_id, answer.epoch), answer.wrap.0);
            }
        }
        for answer in previous {
            let next = answer.epoch.checked_add(1);
            let listed = self
                .state
                .env(&answer.env_id)
                .zip(next)
                .and_then(|(env, next)| env.epoch(next))
                .map(|epoch| epoch.previous);
            if holds(listed == Some(content_hash(&answer.sealed.0))) {
                self.previous.insert((answer.env_id, answer.epoch), answer.sealed.0);
            }
        }
    }

    /// Puts a verified copy of an environment in place.
    pub fn put_env(&mut self, env: EnvId, copy: EnvCopy) {
        self.envs.insert(env, copy);
    }

    /// The copy of an environment; empty if nothing was fetched yet.
    pub fn env_mut(&mut self, env: EnvId) -> (&OrgState, &mut EnvCopy) {
        let state = &self.state;
        (state, self.envs.entry(env).or_insert_with(|| EnvCopy::new(state, env)))
    }

    /// The copy of an environment, if there is one.
    pub fn env(&self, env: &EnvId) -> Option<&EnvCopy> {
        self.envs.get(env)
    }

    /// All copies.
    pub fn envs(&self) -> &BTreeMap<EnvId, EnvCopy> {
        &self.envs
    }

    /// Checks the signature and origin of an audit checkpoint, and that it does not go back. The
    /// caller checks the consistency proof from [`Replica::audit`] before it calls
    /// [`Replica::set_audit`].
    pub fn check_checkpoint(&self, note: &str) -> Result<Checkpoint, ReplicaError> {
        let checkpoint = self.signed_checkpoint(note)?;
        let pin = &self.audit;
        let forward = checkpoint.reset > pin.reset
            || checkpoint.size > pin.size
            || (checkpoint.size == pin.size && checkpoint.root == pin.root);
        require(forward, ReplicaError::Checkpoint)?;
        Ok(checkpoint)
    }

    /// A checkpoint of this organisation's present log, whichever size it is of: only signature and
    /// origin are checked.
    pub fn signed_checkpoint(&self, note: &str) -> Result<Checkpoint, ReplicaError> {
        let vkey = self.state.audit_vkey();
        let (checkpoint, signature) =
            Checkpoint::parse(note, &self.state.org(), self.state.audit_reset(), vkey)
                .map_err(|_| ReplicaError::Checkpoint)?;
        let text = checkpoint.text();
        let signed = strongroom_chain::signature::verifies(vkey, text.as_bytes(), &signature);
        require(signed, ReplicaError::Checkpoint)?;
        Ok(checkpoint)
    }

    /// Remembers an audit state whose consistency was checked, and the note that signs it: evidence,
    /// should the server sign another one.
    pub fn set_audit(&mut self, checkpoint: &Checkpoint, note: &str) {
        note.clone_into(&mut self.audit_note);
        self.audit =
            AuditPin { reset: checkpoint.reset, size: checkpoint.size, root: checkpoint.root };
    }

    /// The signed note of [`Replica::audit`]; empty where only the pin is known.
    pub fn audit_note(&self) -> &str {
        &self.audit_note
    }

    /// The newest audit state that was checked.
    pub fn audit(&self) -> &AuditPin {
        &self.audit
    }

    /// The verified chain.
    pub fn state(&self) -> &OrgState {
        &self.state
    }

    /// The newest link: evidence, should the server show another one at its place.
    pub fn newest_link(&self) -> Option<&Link> {
        self.links.last().map(Arc::as_ref)
    }

    /// One link of the verified chain.
    pub fn link(&self, seq: u64) -> Option<&Link> {
        self.links.get(usize::try_from(seq).ok()?).map(Arc::as_ref)
    }

    /// Who works on this device, with its keys.
    pub fn me(&self) -> &Arc<Me> {
        &self.me
    }

    /// Who works on this device, as the author of what it writes.
    pub fn principal(&self) -> Principal {
        self.me.principal
    }

    /// What to remember of this copy; `generation` counts the writes of the pin file.
    pub fn pins(&self, generation: u64) -> Pins {
        let newest_env = self.envs.values().map(|env| env.history().time_ms()).max();
        Pins {
            org: self.state.org(),
            generation,
            org_seq: self.state.seq(),
            org_head: self.state.head(),
            newest_ms: self.state.time_ms().max(newest_env.unwrap_or(0)),
            suite: self.state.suite(),
            audit: self.audit,
            envs: self
                .envs
                .values()
                .map(|env| env.history().pin())
                .filter(|pin| pin.seq > 0)
                .collect(),
        }
    }

    /// Checks this copy against what was remembered: it must contain all of it.
    pub fn require_pins(&self, pins: &Pins) -> Result<(), ReplicaError> {
        self.state.require_pin(pins.org_seq, &pins.org_head).map_err(|error| match error {
            ChainError::BelowPin => ReplicaError::RolledBack,
            _ => ReplicaError::Forked,
        })?;
        let place = |audit: &AuditPin| (audit.reset, audit.size);
        let (own, pinned) = (place(&self.audit), place(&pins.audit));
        require(own >= pinned, ReplicaError::RolledBack)?;
        require(own > pinned || self.audit.root == pins.audit.root, ReplicaError::Forked)?;
        for pin in &pins.envs {
            let Some(history) = self.envs.get(&pin.env).map(EnvCopy::history) else {
                return Err(ReplicaError::RolledBack);
            };
            require(history.seq() >= pin.seq, ReplicaError::RolledBack)?;
            let same = history.seq() > pin.seq || history.head() == pin.head;
            require(same, ReplicaError::Forked)?;
        }
        Ok(())
    }

    /// The data key of an epoch: from this person's own wrap, or from the key after it.
    pub fn dek(&mut self, env: EnvId, epoch: u32) -> Result<Arc<Dek>, ReadError> {
        if let Some(dek) = self.deks.get(&(env, epoch)) {
            return Ok(Arc::clone(dek));
        }
        let dek = Arc::new(self.open_dek(env, epoch)?);
        self.deks.insert((env, epoch), Arc::clone(&dek));
        Ok(dek)
    }

    fn open_dek(&mut self, env: EnvId, number: u32) -> Result<Dek, ReadError> {
        let state = self.state.env(&env).ok_or(ReadError::Missing)?;
        let epoch = state.epoch(number).ok_or(ReadError::NoKey)?;
        if let Some(wrap) = self.wraps.get(&(env, number)) {
            let link = self.link(epoch.link).ok_or(ReadError::NoKey)?;
            let Body::DekEpoch { dek_commit, .. } = &link.statement.body else {
                return Err(ReadError::NoKey);
            };
            let s = &link.statement;
            let author_isk = self
                .state
                .signing_key(&s.author, epoch.link.saturating_sub(1), s.time_ms)
                .ok_or(ReadError::NoKey)?;
            let context = WrapContext {
                org: self.state.org(),
                env,
                epoch: number,
                dek_commit: *dek_commit,
                recipient: Recipient {
                    principal: self.principal(),
                    iek: self.me.keyset.iek.public(),
                },
                author: s.author,
                author_isk,
            };
            return Ok(Dek::unwrap_with(&self.me.keyset.iek, &context, wrap)?);
        }
        let sealed = self.previous.get(&(env, number)).cloned().ok_or(ReadError::NoKey)?;
        let (org, commit) = (self.state.org(), epoch.dek_commit);
        let next = self.dek(env, number + 1)?;
        Ok(next.open_previous(&org, &env, number, &commit, &sealed)?)
    }

    /// Opens one field of a live item.
    pub fn open_field(
        &mut self,
        env: EnvId,
        secret: &SecretId,
        field: Field,
    ) -> Result<SecretBytes, ReadError> {
        let copy = self.envs.get(&env).ok_or(ReadError::Missing)?;
        let item = copy.lookup(secret).ok_or(ReadError::Missing)?;
        let (epoch, version) = (item.epoch, item.change.version);
        let dek = self.dek(env, epoch)?;
        let envelope = self.envs[&env].envelope(secret, field).ok_or(ReadError::Missing)?;
        let context = self.item_context(env, epoch, *secret, version, field);
        Ok(open(&*dek, &context.context(), envelope)?)
    }

    /// Name and details of a live item, opened.
    pub fn open_named(&mut self, env: EnvId, secret: &SecretId) -> Result<Named, ReadError> {
        let name = self.open_field(env, secret, Field::Name)?;
        let details = match self.open_field(env, secret, Field::Note) {
            Ok(details) => Some(details),
            Err(ReadError::Missing) => None,
            Err(error) => return Err(error),
        };
        Named::read(&name, details.as_ref())
    }

    /// Name and details of all live items, opened, rising by id. One that does not open is shown
    /// as an error and not left out: a list must not hide what it cannot read.
    pub fn open_all_named(&mut self, env: EnvId) -> Result<Vec<(SecretId, Named)>, ReadError> {
        let Some(copy) = self.envs.get(&env) else { return Ok(Vec::new()) };
        let live = copy.history().items().live();
        let epochs: BTreeSet<u32> = copy.live().map(|(item, _)| item.epoch).collect();
        for epoch in epochs {
            self.dek(env, epoch)?;
        }
        let mut all = Vec::with_capacity(live);
        for (item, fields) in self.envs.get(&env).into_iter().flat_map(EnvCopy::live) {
            let named = match self.open_listed(env, item, fields) {
                Ok(named) => named,
                // Whoever may write can sign bytes that open for nobody; the others stay readable.
                Err(ReadError::Open(_) | ReadError::Missing) => Named::closed(),
                Err(error) => return Err(error),
            };
            all.push((item.change.secret, named));
        }
        Ok(all)
    }

    /// As [`Replica::open_named`], with the item in hand and its data key open.
    fn open_listed(
        &self,
        env: EnvId,
        item: &Item,
        fields: &[FieldEnvelope],
    ) -> Result<Named, ReadError> {
        let dek = self.deks.get(&(env, item.epoch)).ok_or(ReadError::NoKey)?;
        let (secret, version) = (item.change.secret, item.change.version);
        let open_field = |field: Field| {
            let sealed = fields.iter().find(|sealed| sealed.field == field)?;
            let context = self.item_context(env, item.epoch, secret, version, field);
            Some(open(&**dek, &context.context(), &sealed.envelope))
        };
        let name = open_field(Field::Name).ok_or(ReadError::Missing)??;
        Named::read(&name, open_field(Field::Note).transpose()?.as_ref())
    }

    /// What the directory calls a thing; `None` if it has no name there that this person can open.
    pub fn directory_name(&mut self, item: SecretId) -> Option<Arc<Named>> {
        let directory = self.state.directory()?;
        let version = self.envs.get(&directory)?.lookup(&item)?.change.version;
        if let Some((_, named)) = self.names.get(&item).filter(|(known, _)| *known == version) {
            return Some(Arc::clone(named));
        }
        let named = Arc::new(self.open_named(directory, &item).ok()?);
        self.names.insert(item, (version, Arc::clone(&named)));
        Some(named)
    }

    /// Where a field of an item belongs.
    pub fn item_context(
        &self,
        env: EnvId,
        epoch: u32,
        secret: SecretId,
        version: u64,
        field: Field,
    ) -> ItemContext {
        let place = self.state.env(&env).map_or([0; 16], |env| env.place);
        ItemContext {
            org: self.state.org(),
            app_or_group: place,
            env,
            epoch,
            secret,
            version,
            field: field.byte(),
        }
    }

    /// Chain, wraps and audit state as bytes for the device's own cache; environments are kept one
    /// by one.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(CACHE_VERSION);
        w.u32(self.audit.reset).u64(self.audit.size).fixed(&self.audit.root);
        w.lp(self.audit_note.as_bytes());
        w.count(self.links.len());
        for link in &self.links {
            w.lp(link.as_bytes());
        }
        for keys in [&self.wraps, &self.previous] {
            w.count(keys.len());
            for ((env, epoch), bytes) in keys {
                env.write(&mut w);
                w.u32(*epoch).lp(bytes);
            }
        }
        w.finish()
    }

    /// Reads what [`Replica::encode`] wrote, and checks every link again.
    pub fn decode(me: Arc<Me>, org: OrgId, bytes: &[u8]) -> Result<Self, ReplicaError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != CACHE_VERSION {
            return Err(DecodeError::UnknownVersion.into());
        }
        let audit = AuditPin { reset: r.u32()?, size: r.u64()?, root: r.array()? };
        let audit_note = r.text(MAX_NOTE)?.to_owned();
        let n = r.count(usize::MAX)?;
        let genesis = r.lp(usize::MAX)?;
        let mut replica = Self::start(me, org, genesis)?;
        for _ in 1..n {
            replica.take_link(Link::parse(r.lp(usize::MAX)?)?)?;
        }
        (replica.audit, replica.audit_note) = (audit, audit_note);
        replica.wraps = read_keys(&mut r)?;
        replica.previous = read_keys(&mut r)?;
        r.finish()?;
        Ok(replica)
    }

    /// The head that a link or commit at the same place has here, for evidence.
    pub fn head_at(&self, seq: u64) -> Option<Digest> {
        self.state.head_at(seq)
    }
}

const CACHE_VERSION: u8 = 2;

fn read_keys(r: &mut Reader<'_>) -> Result<BTreeMap<(EnvId, u32), Vec<u8>>, DecodeError> {
    let n = r.count(usize::MAX)?;
    (0..n).map(|_| Ok(((EnvId::read(r)?, r.u32()?), r.lp(usize::MAX)?.to_vec()))).collect()
}
