//! An honest organisation in a few lines. The server opens nothing, so wraps and envelopes are any
//! bytes whose hashes are listed.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use strongroom_chain::{EnvHistory, OrgState};
use strongroom_format::commit::{Change, Commit, Field, FieldHash, Op, SignedCommit};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, EventKind, SignedAct};
use strongroom_format::hash::{Digest, ZERO, label, sha256};
use strongroom_format::id::{
    AgentId, DeviceId, EnvId, InviteId, OrgId, Principal, SecretId, TokenId, UserId,
};
use strongroom_format::statement::{
    Body, CutPoint, EnvKind, EnvRight, EpochReason, Link, MemberKeys, Policy, Rights, Role,
    Signature, Statement, WrapEntry, pop_message,
};
use strongroom_format::wire::{
    InviteUpload, PreviousUpload, TokenUpload, WRAP_LEN, WrapUpload, WriteBatch, act_hash,
    content_hash,
};

/// The first moment of every test, in milliseconds since 1970.
pub(crate) const START: u64 = 1_800_000_000_000;

/// Whoever can sign: a person, or a service token.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) who: Principal,
    pub(crate) key: SigningKey,
    pub(crate) login: SigningKey,
    pub(crate) enc: [u8; 32],
}

impl Person {
    pub(crate) fn new(seed: u8) -> Self {
        Self::with(Principal::User(UserId([seed; 16])), seed)
    }

    pub(crate) fn token(seed: u8) -> Self {
        Self::with(Principal::Token(TokenId([seed; 16])), seed)
    }

    fn with(who: Principal, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let login = SigningKey::from_bytes(&[seed ^ 0x80; 32]);
        let enc = x25519_dalek::x25519([seed; 32], x25519_dalek::X25519_BASEPOINT_BYTES);
        Self { who, key, login, enc }
    }

    pub(crate) fn user(&self) -> UserId {
        match self.who {
            Principal::User(user) => user,
            other => panic!("{other:?} is no person"),
        }
    }

    pub(crate) fn keys(&self) -> MemberKeys {
        MemberKeys { isk: self.key.verifying_key().to_bytes(), iek: self.enc }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        self.key.sign(message).to_bytes()
    }

    pub(crate) fn sign_by_login(&self, message: &[u8]) -> Signature {
        self.login.sign(message).to_bytes()
    }

    fn sign_labelled(&self, kind: &str, bytes: &[u8]) -> Signature {
        let mut message = label(kind);
        message.extend_from_slice(bytes);
        self.sign(&message)
    }

    pub(crate) fn sign_link(&self, statement: Statement) -> Link {
        let signature = self.sign_labelled("stmt", &statement.encode());
        Link::new(statement, &signature)
    }

    pub(crate) fn sign_commit(&self, commit: Commit) -> SignedCommit {
        let signature = self.sign_labelled("commit", &commit.encode());
        SignedCommit::new(commit, &signature)
    }

    /// An act on the device `[1; 16]`, the one after `prev`.
    pub(crate) fn act(&self, team: &Team, prev: Option<&Act>) -> SignedAct {
        let act = Act {
            org: team.org(),
            kind: EventKind::Copied,
            actor: Some(self.who),
            device: DeviceId([1; 16]),
            actor_seq: prev.map_or(1, |act| act.actor_seq + 1),
            actor_prev: prev.map_or(ZERO, act_hash),
            org_head: team.state.head(),
            detail: Detail::status(0),
            agency: None,
        };
        let signature = self.sign(&act.message());
        SignedAct { act, signature }
    }
}

/// What a service token sends; `Authorization: Bearer` stands before it.
pub(crate) fn bearer(token: TokenId, secret: &[u8; 32]) -> String {
    format!("srt.{token}.{}", data_encoding::BASE64URL_NOPAD.encode(secret))
}

pub(crate) fn secret(n: u16) -> SecretId {
    let mut id = [7; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    SecretId(id)
}

/// A change and the two envelopes it names.
pub(crate) fn put(secret: SecretId, version: u64, salt: u64) -> (Change, Vec<Vec<u8>>) {
    let envelope = |field: Field| {
        let mut bytes = vec![field.byte(); 90];
        bytes.extend_from_slice(&secret.0);
        bytes.extend_from_slice(&version.to_be_bytes());
        bytes.extend_from_slice(&salt.to_be_bytes());
        bytes
    };
    let envelopes: Vec<_> = [Field::Name, Field::Value].map(envelope).into();
    let fields = [Field::Name, Field::Value]
        .iter()
        .zip(&envelopes)
        .map(|(field, bytes)| FieldHash { field: *field, envelope: content_hash(bytes) })
        .collect();
    (Change { op: Op::Put, secret, version, fields }, envelopes)
}

pub(crate) const DIRECTORY: EnvId = EnvId([0xd0; 16]);
pub(crate) const PROD: EnvId = EnvId([0xe1; 16]);

/// An organisation as its owner sees it, and what it has not sent yet.
#[derive(Clone)]
pub(crate) struct Team {
    pub(crate) owner: Person,
    pub(crate) state: OrgState,
    pub(crate) histories: BTreeMap<EnvId, EnvHistory>,
    pub(crate) batch: WriteBatch,
    pub(crate) now: u64,
}

/// A link that changes nothing that other tests look at: an agent of the owner's.
pub(crate) fn filler(n: u8, owner: &Person) -> Body {
    let mut agent = AgentId([0xa6; 16]);
    agent.0[0] = n;
    let (name_hash, policy_hash) = ([n; 32], [n; 32]);
    Body::AgentIssue { agent, name_hash, policy_hash, responsible: owner.user(), not_after: 0 }
}

impl Team {
    /// A founder with a directory and [`PROD`], where the founder may do everything.
    pub(crate) fn found(audit_vkey: [u8; 32]) -> Self {
        Self::found_by(Person::new(1), audit_vkey)
    }

    pub(crate) fn found_by(owner: Person, audit_vkey: [u8; 32]) -> Self {
        Self::found_at(owner, audit_vkey, START)
    }

    pub(crate) fn found_at(owner: Person, audit_vkey: [u8; 32], now: u64) -> Self {
        let genesis = owner.sign_link(Statement {
            org: OrgId::ZERO,
            seq: 0,
            prev: ZERO,
            author: owner.who,
            time_ms: now,
            body: Body::Genesis {
                suite: 1,
                founder: owner.user(),
                keys: owner.keys(),
                audit_vkey,
                policy: Policy::initial(),
            },
        });
        let state = OrgState::found(&genesis).unwrap();
        let batch = WriteBatch { links: vec![genesis.as_bytes().to_vec()], ..Default::default() };
        let mut team = Self { owner, state, histories: BTreeMap::new(), batch, now };
        team.create(DIRECTORY, EnvKind::Directory, [0; 16]);
        team.create(PROD, EnvKind::App, [0xa1; 16]);
        team
    }

    pub(crate) fn org(&self) -> OrgId {
        self.state.org()
    }

    pub(crate) fn take_batch(&mut self) -> WriteBatch {
        std::mem::take(&mut self.batch)
    }

    /// Signs and applies a link of the owner.
    pub(crate) fn say(&mut self, body: Body) {
        let owner = self.owner.clone();
        self.say_as(&owner, body);
    }

    pub(crate) fn say_as(&mut self, author: &Person, body: Body) {
        let link = self.link(author, body);
        self.state.apply(&link).unwrap();
        self.batch.links.push(link.as_bytes().to_vec());
    }

    /// The next link, signed and not applied.
    pub(crate) fn link(&mut self, author: &Person, body: Body) -> Link {
        self.now += 1;
        author.sign_link(Statement {
            org: self.org(),
            seq: self.state.seq() + 1,
            prev: self.state.head(),
            author: author.who,
            time_ms: self.now,
            body,
        })
    }

    pub(crate) fn create(&mut self, env: EnvId, kind: EnvKind, place: [u8; 16]) {
        let (parent, owner) = (EnvId::ZERO, UserId::ZERO);
        self.say(Body::EnvCreate { env, kind, place, parent, expires: 0, owner });
        self.epoch(env, EpochReason::First);
    }

    /// A new data key for exactly the present readers, with its wraps and what came before.
    pub(crate) fn epoch(&mut self, env: EnvId, reason: EpochReason) {
        let last = self.state.env(&env).unwrap().epoch_at(self.state.seq());
        let epoch = last + 1;
        let mut wraps = Vec::new();
        for recipient in self.state.readers(&env, self.now + 1) {
            let mut wrap = [epoch.to_be_bytes()[3]; WRAP_LEN];
            wrap[..17].copy_from_slice(&recipient.encode());
            wrap[17..33].copy_from_slice(&env.0);
            wraps.push(WrapEntry { recipient, wrap: content_hash(&wrap) });
            self.batch.wraps.push(WrapUpload { env, epoch, recipient, wrap });
        }
        let mut previous = ZERO;
        if last > 0 {
            let sealed = [&b"previous"[..], &epoch.to_be_bytes(), &env.0].concat();
            previous = content_hash(&sealed);
            self.batch.previous.push(PreviousUpload { env, epoch: last, sealed });
        }
        let dek_commit = sha256(&[b"dek", &epoch.to_be_bytes(), &env.0]);
        let history = self.histories.get(&env);
        self.say(Body::DekEpoch {
            env,
            epoch,
            dek_commit,
            reason,
            cut_seq: history.map_or(0, EnvHistory::seq),
            cut_head: history.map_or(ZERO, EnvHistory::head),
            wraps,
            previous,
        });
    }

    /// An invitation whose bearer is [`Self::invite_secret`].
    pub(crate) fn invite(&mut self, seed: u8, role: Role, expires: u64) -> InviteId {
        let invite = InviteId([seed; 16]);
        self.say(Body::Invite { invite, key_hash: [3; 32], role, grants: Vec::new(), expires });
        let bearer_hash = sha256(&[&Self::invite_secret(seed)]);
        self.batch.invites.push(InviteUpload { invite, bearer_hash });
        invite
    }

    pub(crate) fn invite_secret(seed: u8) -> [u8; 32] {
        [seed ^ 0x77; 32]
    }

    pub(crate) fn admit(&mut self, who: &Person, role: Role) {
        let expires = self.now + 1_000_000;
        let invite = self.invite(who.who.id()[0], role, expires);
        self.add(who, role, invite);
    }

    pub(crate) fn add(&mut self, who: &Person, role: Role, invite: InviteId) {
        let pop = who.sign(&pop_message(&self.org(), &invite, &who.user(), &who.keys()));
        self.say(Body::MemberAdd { user: who.user(), keys: who.keys(), role, invite, pop });
    }

    pub(crate) fn grant(&mut self, env: EnvId, to: &Person, rights: Rights) {
        self.say(Body::EnvGrant { env, principal: to.who, rights, not_after: 0 });
    }

    pub(crate) fn remove(&mut self, who: &Person) {
        let cut = |env: EnvId| {
            let history = self.histories.get(&env);
            let seq = history.map_or(0, EnvHistory::seq);
            CutPoint { env, seq, head: history.map_or(ZERO, EnvHistory::head) }
        };
        let cuts = self.state.envs_to_cut(&who.user()).into_iter().map(cut).collect();
        self.say(Body::MemberRemove { user: who.user(), cuts });
    }

    /// A token with `rights` on [`PROD`] and the hash of its bearer.
    pub(crate) fn issue(&mut self, token: &Person, rights: Rights, secret: &[u8; 32], end: u64) {
        self.issue_for(PROD, token, rights, secret, end);
    }

    pub(crate) fn issue_for(
        &mut self,
        env: EnvId,
        token: &Person,
        rights: Rights,
        secret: &[u8; 32],
        end: u64,
    ) {
        let Principal::Token(id) = token.who else { panic!("no token") };
        let keys = token.keys();
        let rights = vec![EnvRight { env, rights, not_after: 0 }];
        self.say(Body::TokenIssue {
            token: id,
            sig_pub: keys.isk,
            enc_pub: keys.iek,
            rights,
            not_after: end,
        });
        self.batch.tokens.push(TokenUpload { token: id, bearer_hash: sha256(&[secret]) });
    }

    pub(crate) fn history(&self, env: EnvId) -> EnvHistory {
        self.histories.get(&env).cloned().unwrap_or_else(|| EnvHistory::new(self.org(), env))
    }

    /// The next commit, unsigned.
    pub(crate) fn next_commit(&self, author: &Person, env: EnvId, changes: Vec<Change>) -> Commit {
        let history = self.history(env);
        Commit {
            org: self.org(),
            env,
            seq: history.seq() + 1,
            prev: history.head(),
            author: author.who,
            org_seq: self.state.seq(),
            org_head: self.state.head(),
            dek_epoch: self.state.env(&env).unwrap().epoch_at(self.state.seq()),
            time_ms: self.now.max(history.time_ms()),
            state_root: history.root_after(&changes),
            changes,
        }
    }

    /// Signs and applies a commit of puts; the envelopes go along.
    pub(crate) fn write_as(&mut self, author: &Person, env: EnvId, puts: &[(SecretId, u64)]) {
        self.now += 1;
        let mut puts = puts.to_vec();
        puts.sort_unstable();
        let mut changes = Vec::new();
        for (secret, version) in puts {
            let (change, envelopes) = put(secret, version, self.now);
            changes.push(change);
            self.batch.envelopes.extend(envelopes);
        }
        let signed = author.sign_commit(self.next_commit(author, env, changes));
        let mut history = self.history(env);
        history.apply(&self.state, &signed).unwrap();
        self.histories.insert(env, history);
        self.batch.commits.push(signed.as_bytes().to_vec());
    }

    pub(crate) fn write(&mut self, env: EnvId, puts: &[(SecretId, u64)]) {
        let owner = self.owner.clone();
        self.write_as(&owner, env, puts);
    }

    pub(crate) fn head(&self, env: EnvId) -> (u64, Digest) {
        let history = self.history(env);
        (history.seq(), history.head())
    }
}
