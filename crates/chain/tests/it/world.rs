//! An honest organisation in a few lines: people with keys from fixed seeds, links and commits that
//! follow each other. A test does one thing differently and looks at the answer.
//!
//! Data keys and wraps play no part here: any digest does.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use strongroom_chain::history::{CommitError, EnvHistory};
use strongroom_chain::org::{ChainError, OrgState};
use strongroom_chain::trie::Item;
use strongroom_format::commit::{Change, Commit, Field, FieldHash, Op, SignedCommit};
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::{Digest, ZERO, label, sha256};
use strongroom_format::id::{EnvId, InviteId, OrgId, Principal, SecretId, TokenId, UserId};
use strongroom_format::statement::{
    Body, CutPoint, EnvKind, EnvRight, EpochReason, Link, MemberKeys, Policy, PublicKey, Rights,
    Role, Signature, Statement, WrapEntry, key_change_message, pop_message,
};

/// The first moment of every test, in milliseconds since 1970.
pub(crate) const START: u64 = 1_800_000_000_000;
/// One day.
pub(crate) const DAY: u64 = 24 * 60 * 60 * 1000;

/// Whoever can sign.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) who: Principal,
    pub(crate) key: SigningKey,
    pub(crate) enc: PublicKey,
}

impl Signer {
    /// A person from a seed; ids and keys of different seeds differ.
    pub(crate) fn person(seed: u8) -> Self {
        Self::new(Principal::User(UserId([seed; 16])), seed)
    }

    /// A service token from a seed.
    pub(crate) fn token(seed: u8) -> Self {
        Self::new(Principal::Token(TokenId([seed; 16])), seed)
    }

    /// The same principal with the keys of another seed.
    pub(crate) fn rekeyed(&self, seed: u8) -> Self {
        Self::new(self.who, seed)
    }

    fn new(who: Principal, seed: u8) -> Self {
        let mut base = [0; 32];
        base[0] = 9;
        Self {
            who,
            key: SigningKey::from_bytes(&[seed; 32]),
            enc: x25519_dalek::x25519([seed; 32], base),
        }
    }

    pub(crate) fn user(&self) -> UserId {
        match self.who {
            Principal::User(user) => user,
            other => panic!("{other} is no person"),
        }
    }

    pub(crate) fn keys(&self) -> MemberKeys {
        MemberKeys { isk: self.key.verifying_key().to_bytes(), iek: self.enc }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        self.key.sign(message).to_bytes()
    }

    pub(crate) fn sign_labelled(&self, kind: &str, bytes: &[u8]) -> Signature {
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
}

pub(crate) fn env_id(n: u8) -> EnvId {
    EnvId([0xe0 | n; 16])
}

pub(crate) fn place(n: u8) -> [u8; 16] {
    [0xa0 | n; 16]
}

pub(crate) fn secret(n: u8) -> SecretId {
    SecretId([n.wrapping_mul(37) ^ 0x55; 16])
}

/// A put whose envelopes are told apart by `salt`.
pub(crate) fn put(secret: SecretId, version: u64, salt: u8) -> Change {
    let field = |field: Field| FieldHash {
        field,
        envelope: sha256(&[&[salt, field.byte()], &secret.0, &version.to_be_bytes()]),
    };
    Change { op: Op::Put, secret, version, fields: vec![field(Field::Name), field(Field::Value)] }
}

pub(crate) fn delete(secret: SecretId, version: u64) -> Change {
    Change { op: Op::Delete, secret, version, fields: Vec::new() }
}

/// An organisation, its whole chain and the histories of its environments.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) org: OrgState,
    pub(crate) links: Vec<Link>,
    pub(crate) histories: BTreeMap<EnvId, EnvHistory>,
    pub(crate) commits: BTreeMap<EnvId, Vec<SignedCommit>>,
    pub(crate) now: u64,
}

pub(crate) const DIRECTORY: EnvId = EnvId([0xd0; 16]);
/// The environment that [`World::team`] has.
pub(crate) const PROD: EnvId = EnvId([0xe1; 16]);

/// What a test may change of a new data key.
pub(crate) struct EpochEdit<'a> {
    pub(crate) epoch: &'a mut u32,
    pub(crate) cut_seq: &'a mut u64,
    pub(crate) cut_head: &'a mut Digest,
    pub(crate) wraps: &'a mut Vec<WrapEntry>,
    pub(crate) previous: &'a mut Digest,
}

pub(crate) fn genesis_statement(founder: &Signer) -> Statement {
    Statement {
        org: OrgId::ZERO,
        seq: 0,
        prev: ZERO,
        author: founder.who,
        time_ms: START,
        body: Body::Genesis {
            suite: 1,
            founder: founder.user(),
            keys: founder.keys(),
            audit_vkey: Signer::person(0xfa).keys().isk,
            policy: Policy::initial(),
        },
    }
}

pub(crate) fn owner() -> Signer {
    Signer::person(1)
}
pub(crate) fn admin() -> Signer {
    Signer::person(2)
}
pub(crate) fn writer() -> Signer {
    Signer::person(3)
}
pub(crate) fn reviewer() -> Signer {
    Signer::person(4)
}
/// Part of the organisation, without any grant.
pub(crate) fn bystander() -> Signer {
    Signer::person(5)
}

impl World {
    /// Founder, directory, nothing else.
    pub(crate) fn founded() -> Self {
        let founder = owner();
        let genesis = founder.sign_link(genesis_statement(&founder));
        let mut world = Self {
            org: OrgState::found(&genesis).unwrap(),
            links: vec![genesis],
            histories: BTreeMap::new(),
            commits: BTreeMap::new(),
            now: START,
        };
        world.create(&founder, DIRECTORY, EnvKind::Directory, [0; 16], EnvId::ZERO);
        world
    }

    /// Owner, admin, writer (all rights but grant on [`PROD`]), reviewer, bystander.
    pub(crate) fn team() -> Self {
        let mut world = Self::founded();
        world.admit(&admin(), Role::Admin);
        world.admit(&writer(), Role::Member);
        world.admit(&reviewer(), Role::Reviewer);
        world.admit(&bystander(), Role::Member);
        world.epoch(&owner(), DIRECTORY, EpochReason::ReaderAdded);
        world.create(&owner(), PROD, EnvKind::App, place(1), EnvId::ZERO);
        world.grant(&owner(), PROD, &writer(), Rights::READ.with(Rights::WRITE));
        world.epoch(&owner(), PROD, EpochReason::ReaderAdded);
        world
    }

    pub(crate) fn statement(&self, author: &Signer, body: Body) -> Statement {
        Statement {
            org: self.org.org(),
            seq: self.org.seq() + 1,
            prev: self.org.head(),
            author: author.who,
            time_ms: self.now,
            body,
        }
    }

    pub(crate) fn link(&self, author: &Signer, body: Body) -> Link {
        author.sign_link(self.statement(author, body))
    }

    pub(crate) fn push(&mut self, link: Link) -> Result<(), ChainError> {
        self.org.apply(&link)?;
        self.links.push(link);
        Ok(())
    }

    /// Signs and applies; the clock goes on by a second first.
    pub(crate) fn say(&mut self, author: &Signer, body: Body) -> Result<(), ChainError> {
        self.now += 1000;
        let link = self.link(author, body);
        self.push(link)
    }

    /// Whether the next link would be accepted, on a copy.
    pub(crate) fn would(&self, author: &Signer, body: Body) -> Result<(), ChainError> {
        self.clone().say(author, body)
    }

    pub(crate) fn invite(&mut self, author: &Signer, id: u8, role: Role) -> InviteId {
        let body = self.invite_body(id, role);
        self.say(author, body).unwrap();
        InviteId([id; 16])
    }

    pub(crate) fn invite_body(&self, id: u8, role: Role) -> Body {
        Body::Invite {
            invite: InviteId([id; 16]),
            key_hash: [id; 32],
            role,
            grants: Vec::new(),
            expires: self.now + 7 * DAY,
        }
    }

    pub(crate) fn add_body(&self, who: &Signer, role: Role, invite: InviteId) -> Body {
        let message = pop_message(&self.org.org(), &invite, &who.user(), &who.keys());
        let pop = who.sign(&message);
        Body::MemberAdd { user: who.user(), keys: who.keys(), role, invite, pop }
    }

    pub(crate) fn admit(&mut self, who: &Signer, role: Role) {
        let invite = self.invite(&owner(), who.who.id()[0], role);
        let body = self.add_body(who, role, invite);
        self.say(&owner(), body).unwrap();
    }

    pub(crate) fn create_body(env: EnvId, kind: EnvKind, place: [u8; 16], parent: EnvId) -> Body {
        Body::EnvCreate { env, kind, place, parent, expires: 0, owner: UserId::ZERO }
    }

    /// An environment with its first data key.
    pub(crate) fn create(
        &mut self,
        author: &Signer,
        env: EnvId,
        kind: EnvKind,
        place: [u8; 16],
        parent: EnvId,
    ) {
        self.say(author, Self::create_body(env, kind, place, parent)).unwrap();
        self.epoch(author, env, EpochReason::First);
    }

    pub(crate) fn grant_body(env: EnvId, to: &Signer, rights: Rights) -> Body {
        Body::EnvGrant { env, principal: to.who, rights, not_after: 0 }
    }

    pub(crate) fn grant(&mut self, author: &Signer, env: EnvId, to: &Signer, rights: Rights) {
        self.say(author, Self::grant_body(env, to, rights)).unwrap();
    }

    /// The next data key, for exactly the readers of the next second.
    pub(crate) fn epoch_body(&self, env: EnvId, reason: EpochReason) -> Body {
        let state = self.org.env(&env).unwrap();
        let history = self.histories.get(&env);
        let epoch = state.epoch_at(self.org.seq()) + 1;
        let entry = |recipient: Principal| WrapEntry {
            recipient,
            wrap: sha256(&[&recipient.encode(), &epoch.to_be_bytes(), &env.0]),
        };
        Body::DekEpoch {
            env,
            epoch,
            dek_commit: sha256(&[b"dek", &epoch.to_be_bytes(), &env.0]),
            reason,
            cut_seq: history.map_or(0, EnvHistory::seq),
            cut_head: history.map_or(ZERO, EnvHistory::head),
            wraps: self.org.readers(&env, self.now + 1000).into_iter().map(entry).collect(),
            previous: if epoch == 1 { ZERO } else { sha256(&[b"previous", &epoch.to_be_bytes()]) },
        }
    }

    /// As [`World::epoch_body`], after an edit.
    pub(crate) fn edited_epoch(
        &self,
        env: EnvId,
        reason: EpochReason,
        edit: impl FnOnce(EpochEdit<'_>),
    ) -> Body {
        let mut body = self.epoch_body(env, reason);
        let Body::DekEpoch { epoch, cut_seq, cut_head, wraps, previous, .. } = &mut body else {
            panic!("not a data key");
        };
        edit(EpochEdit { epoch, cut_seq, cut_head, wraps, previous });
        body
    }

    pub(crate) fn epoch(&mut self, author: &Signer, env: EnvId, reason: EpochReason) {
        let body = self.epoch_body(env, reason);
        self.say(author, body).unwrap();
    }

    pub(crate) fn token_body(token: &Signer, rights: Vec<EnvRight>, not_after: u64) -> Body {
        let Principal::Token(id) = token.who else { panic!("no token") };
        let keys = token.keys();
        Body::TokenIssue { token: id, sig_pub: keys.isk, enc_pub: keys.iek, rights, not_after }
    }

    pub(crate) fn rotate_body(&self, who: &Signer, new: &Signer) -> Body {
        let message = key_change_message(&self.org.org(), &who.user(), &new.keys());
        Body::KeyRotate { keys: new.keys(), by_new: new.sign(&message) }
    }

    pub(crate) fn reset_body(&self, who: &Signer, new: &Signer) -> Body {
        let message = key_change_message(&self.org.org(), &who.user(), &new.keys());
        Body::KeyReset { user: who.user(), keys: new.keys(), pop: new.sign(&message) }
    }

    /// The honest removal: every cut is the verified head.
    pub(crate) fn remove_body(&self, who: &Signer) -> Body {
        let cut = |env: EnvId| {
            let history = self.histories.get(&env);
            CutPoint {
                env,
                seq: history.map_or(0, EnvHistory::seq),
                head: history.map_or(ZERO, EnvHistory::head),
            }
        };
        let cuts = self.org.envs_to_cut(&who.user()).into_iter().map(cut).collect();
        Body::MemberRemove { user: who.user(), cuts }
    }

    pub(crate) fn history(&self, env: EnvId) -> EnvHistory {
        self.histories.get(&env).cloned().unwrap_or_else(|| EnvHistory::new(self.org.org(), env))
    }

    /// The next commit, unsigned.
    pub(crate) fn commit(&self, author: &Signer, env: EnvId, mut changes: Vec<Change>) -> Commit {
        changes.sort_by_key(|change| change.secret);
        let history = self.history(env);
        Commit {
            org: self.org.org(),
            env,
            seq: history.seq() + 1,
            prev: history.head(),
            author: author.who,
            org_seq: self.org.seq(),
            org_head: self.org.head(),
            dek_epoch: self.org.env(&env).map_or(1, |state| state.epoch_at(self.org.seq())),
            time_ms: self.now,
            state_root: history.root_after(&changes),
            changes,
        }
    }

    pub(crate) fn take(&mut self, signed: SignedCommit) -> Result<(), CommitError> {
        let env = signed.commit.env;
        let mut history = self.history(env);
        history.apply(&self.org, &signed)?;
        self.histories.insert(env, history);
        self.commits.entry(env).or_default().push(signed);
        Ok(())
    }

    /// Signs and applies; the clock goes on by a second first.
    pub(crate) fn write(
        &mut self,
        author: &Signer,
        env: EnvId,
        changes: Vec<Change>,
    ) -> Result<(), CommitError> {
        self.now += 1000;
        let commit = self.commit(author, env, changes);
        self.take(author.sign_commit(commit))
    }

    /// Whether a commit, signed by `author` after an edit, would be accepted, on a copy.
    pub(crate) fn would_take(
        &self,
        author: &Signer,
        env: EnvId,
        changes: Vec<Change>,
        edit: impl FnOnce(&mut Commit),
    ) -> Result<(), CommitError> {
        let mut commit = self.commit(author, env, changes);
        edit(&mut commit);
        self.clone().take(author.sign_commit(commit))
    }

    /// Every live value sealed anew.
    pub(crate) fn reseal(&self, env: EnvId) -> Vec<Change> {
        let mut changes = Vec::new();
        self.history(env).items().iter().for_each(|item| {
            if item.is_live() {
                changes.push(put(item.change.secret, item.change.version + 1, 0xee));
            }
        });
        changes
    }

    pub(crate) fn items(&self, env: EnvId) -> Vec<Item> {
        let mut items = Vec::new();
        self.history(env).items().iter().for_each(|item| items.push(item.clone()));
        items
    }

    /// What a fresh device sees: the whole chain and history, from nothing.
    pub(crate) fn verify_fresh(&self, env: EnvId) -> Result<EnvHistory, CommitError> {
        let org =
            strongroom_chain::org::verify(&self.links, self.org.org(), None).expect("honest chain");
        strongroom_chain::history::verify(&org, env, &self.commits[&env], None)
    }
}

/// A link with other bytes at the end: the signature of someone else.
pub(crate) fn resigned(link: &Link, signature: Signature) -> Link {
    Link::new(link.statement.clone(), &signature)
}

pub(crate) fn digest(n: u8) -> Digest {
    [n; 32]
}
