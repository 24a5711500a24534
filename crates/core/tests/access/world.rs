//! An organisation of several people and one token, and everything they wrote, as a server would
//! keep it.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_core::details::{Details, EnvClass, Thing};
use strongroom_core::pen::{Founding, Pen, Put, WriteError, name};
use strongroom_core::replica::{Me, Replica};
use strongroom_crypto::safe::{Keyset, RepeatableEntropy, ServiceToken, entropy};
use strongroom_format::commit::{Change, Commit, Field, FieldHash, Op, SignedCommit};
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, InviteId, Principal, SecretId, UserId};
use strongroom_format::statement::{
    Body, EnvKind, EnvRight, EpochReason, Rights, Role, pop_message,
};
use strongroom_format::wire::{
    B64, CommitRecord, PreviousAnswer, PreviousUpload, WrapAnswer, WrapUpload, WriteBatch,
    content_hash,
};
use strongroom_secret::SecretBytes;

pub(crate) const NOW: u64 = 1_790_000_000_000;
pub(crate) const DAY: u64 = 24 * 60 * 60 * 1000;

/// People by name; the position is the number everywhere here.
pub(crate) const PEOPLE: [(&str, Role); 5] = [
    ("Mara Lind", Role::Owner),
    ("Priya Sand", Role::Admin),
    ("Teo Varga", Role::Member),
    ("Noor Basri", Role::Member),
    ("Ada Quill", Role::Reviewer),
];

#[derive(Clone, Default)]
struct Server {
    links: Vec<Vec<u8>>,
    wraps: Vec<WrapUpload>,
    previous: Vec<PreviousUpload>,
    commits: BTreeMap<EnvId, Vec<CommitRecord>>,
}

impl Server {
    fn accept(&mut self, batch: WriteBatch) {
        self.links.extend(batch.links);
        self.wraps.extend(batch.wraps);
        self.previous.extend(batch.previous);
        let envelopes: BTreeMap<Digest, Vec<u8>> =
            batch.envelopes.into_iter().map(|bytes| (content_hash(&bytes), bytes)).collect();
        for commit in batch.commits {
            let signed = SignedCommit::parse(&commit).unwrap();
            let fields = signed.commit.changes.iter().flat_map(|change| &change.fields);
            let envelopes = fields.map(|field| envelopes[&field.envelope].clone()).collect();
            let record = CommitRecord { commit, envelopes };
            self.commits.entry(signed.commit.env).or_default().push(record);
        }
    }

    fn sync(&self, replica: &mut Replica) {
        let from = usize::try_from(replica.state().seq()).unwrap();
        replica.take_links(&self.links[from..]).unwrap();
        let me = replica.principal();
        let mine = self.wraps.iter().filter(|wrap| wrap.recipient == me);
        let wraps = mine
            .map(|w| WrapAnswer { env_id: w.env, epoch: w.epoch, wrap: B64(w.wrap.to_vec()) })
            .collect();
        let previous = self.previous.iter().map(|p| PreviousAnswer {
            env_id: p.env,
            epoch: p.epoch,
            sealed: B64(p.sealed.clone()),
        });
        replica.take_keys(wraps, previous.collect());
        for (env, commits) in &self.commits {
            let readers = replica.state().readers(env, replica.state().time_ms());
            if !readers.contains(&me) {
                continue;
            }
            let (state, copy) = replica.env_mut(*env);
            let known = usize::try_from(copy.history().seq()).unwrap();
            for record in &commits[known..] {
                copy.take_commit(state, record.clone()).unwrap();
            }
        }
    }
}

#[derive(Clone)]
pub(crate) struct World {
    server: Server,
    pub(crate) people: Vec<Replica>,
    entropy: RepeatableEntropy,
    pub(crate) now_ms: u64,
    /// storefront / dev, storefront / prod; and observability, which prod composes if asked to.
    pub(crate) dev: EnvId,
    pub(crate) prod: EnvId,
    pub(crate) group: EnvId,
    pub(crate) token: Principal,
}

impl World {
    /// Everybody is there; only the founder reads anything.
    pub(crate) fn new(seed: u64) -> Self {
        let mut entropy = RepeatableEntropy::new(seed);
        let me = Arc::new(Me::person(user(0), Keyset::make(&mut entropy).unwrap()));
        let founding = Founding {
            organisation: "Acme".into(),
            person: PEOPLE[0].0.into(),
            sample: false,
            audit_vkey: Keyset::make(&mut entropy).unwrap().isk.public(),
        };
        let (founder, batch) = Pen::found(me, &founding, &mut entropy, NOW).unwrap().finish();
        let mut server = Server::default();
        server.accept(batch);
        let zero = EnvId::ZERO;
        let mut world = Self {
            server,
            people: vec![founder],
            entropy,
            now_ms: NOW,
            dev: zero,
            prod: zero,
            group: zero,
            token: Principal::User(user(0)),
        };
        for n in 1..PEOPLE.len() {
            world.admit(n);
        }
        let classes =
            [("dev".into(), EnvClass::Development), ("prod".into(), EnvClass::Production)];
        world.write(0, |pen| pen.create_app("storefront", &classes).map(|_| ())).unwrap();
        world.group = world.make_group();
        let envs: Vec<EnvId> = world.people[0].state().envs().keys().copied().collect();
        for env in envs {
            let named = world.people[0].directory_name(env.directory_item());
            match named.as_deref().map(|named| named.name.as_str()) {
                Some("dev") => world.dev = env,
                Some("prod") => world.prod = env,
                _ => {}
            }
        }
        world.token = world.issue_token();
        world
    }

    fn admit(&mut self, n: usize) {
        let (user, role) = (user(n), PEOPLE[n].1);
        let keyset = Keyset::make(&mut self.entropy).unwrap();
        let keys = keyset.public();
        let invite = InviteId([u8::try_from(n).unwrap() + 100; 16]);
        let org = self.people[0].state().org();
        let pop = keyset.isk.sign(&pop_message(&org, &invite, &user, &keys));
        let expires = NOW + 7 * DAY;
        self.write(0, |pen| {
            let key_hash = [1; 32];
            pen.link(Body::Invite { invite, key_hash, role, grants: Vec::new(), expires })?;
            pen.link(Body::MemberAdd { user, keys, role, invite, pop })?;
            pen.wrap_for_new_readers()?;
            pen.put_names(vec![name(
                user.directory_item(),
                PEOPLE[n].0,
                Details::of(Thing::Member),
            )])
        })
        .unwrap();
        let me = Arc::new(Me::person(user, keyset));
        let mut replica = Replica::start(me, org, &self.server.links[0]).unwrap();
        self.server.sync(&mut replica);
        self.people.push(replica);
    }

    fn make_group(&mut self) -> EnvId {
        let (env, place): (EnvId, [u8; 16]) = (EnvId(self.random()), self.random());
        self.write(0, |pen| {
            let (parent, owner) = (EnvId::ZERO, UserId::ZERO);
            pen.link(Body::EnvCreate {
                env,
                kind: EnvKind::Group,
                place,
                parent,
                expires: 0,
                owner,
            })?;
            pen.new_epoch(env, EpochReason::First)?;
            let named = |item, text: &str| name(item, text, Details::of(Thing::Environment));
            pen.put_names(vec![
                named(env.directory_item(), "shared"),
                named(SecretId(place), "observability"),
            ])
        })
        .unwrap();
        env
    }

    fn issue_token(&mut self) -> Principal {
        let token = ServiceToken::make(&mut self.entropy).unwrap();
        let rights = vec![EnvRight { env: self.dev, rights: Rights::READ, not_after: 0 }];
        let id = token.id();
        self.write(0, |pen| {
            pen.link(Body::TokenIssue {
                token: id,
                sig_pub: token.identity().public(),
                enc_pub: token.encryption().public(),
                rights,
                not_after: NOW + 30 * DAY,
            })?;
            pen.wrap_for_new_readers()?;
            pen.put_names(vec![name(id.directory_item(), "deploy", Details::of(Thing::Token))])
        })
        .unwrap();
        Principal::Token(id)
    }

    fn random(&mut self) -> [u8; 16] {
        entropy::array(&mut self.entropy).unwrap()
    }

    /// Lets person `n` write, and tells everybody.
    pub(crate) fn write(
        &mut self,
        n: usize,
        build: impl FnOnce(&mut Pen<'_>) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut pen = Pen::new(&self.people[n], &mut self.entropy, self.now_ms);
        build(&mut pen)?;
        let (replica, batch) = pen.finish();
        self.people[n] = replica;
        self.server.accept(batch);
        self.sync_all();
        Ok(())
    }

    /// As [`World::write`], for what only its author sees.
    pub(crate) fn try_write(
        &mut self,
        n: usize,
        build: impl FnOnce(&mut Pen<'_>) -> Result<(), WriteError>,
    ) -> Result<(Replica, WriteBatch), WriteError> {
        let mut pen = Pen::new(&self.people[n], &mut self.entropy, self.now_ms);
        build(&mut pen)?;
        Ok(pen.finish())
    }

    pub(crate) fn sync_all(&mut self) {
        for replica in &mut self.people {
            if replica.state().is_member(&user_of(replica)) {
                self.server.sync(replica);
            }
        }
    }

    pub(crate) fn grant(&mut self, to: Principal, env: EnvId, rights: Rights, not_after: u64) {
        self.write(0, |pen| {
            pen.link(Body::EnvGrant { env, principal: to, rights, not_after })?;
            pen.wrap_for_new_readers()
        })
        .unwrap();
    }

    pub(crate) fn revoke(&mut self, from: Principal, env: EnvId) {
        self.write(0, |pen| pen.link(Body::EnvRevoke { env, principal: from })).unwrap();
    }

    /// Signs bytes that open for nobody as the next version of a secret's fields.
    pub(crate) fn put_garbage(&mut self, n: usize, env: EnvId, secret: SecretId, fields: &[Field]) {
        let replica = &self.people[n];
        let state = replica.state();
        let history = replica.env(&env).unwrap().history();
        let version = history.items().lookup(&secret).map_or(1, |item| item.change.version + 1);
        let envelopes: Vec<Vec<u8>> = fields.iter().map(|field| vec![field.byte(); 137]).collect();
        let hashes = fields.iter().zip(&envelopes);
        let hash = |(field, bytes): (&Field, &Vec<u8>)| FieldHash {
            field: *field,
            envelope: content_hash(bytes),
        };
        let fields = hashes.map(hash).collect();
        let changes = vec![Change { op: Op::Put, secret, version, fields }];
        let commit = replica.me().keyset.isk.sign_commit(Commit {
            org: state.org(),
            env,
            seq: history.seq() + 1,
            prev: history.head(),
            author: replica.principal(),
            org_seq: state.seq(),
            org_head: state.head(),
            dek_epoch: state.env(&env).unwrap().epoch_at(state.seq()),
            time_ms: self.now_ms.max(history.time_ms()),
            state_root: history.root_after(&changes),
            changes,
        });
        let commits = vec![commit.as_bytes().to_vec()];
        self.server.accept(WriteBatch { commits, envelopes, ..WriteBatch::default() });
        self.sync_all();
    }

    pub(crate) fn put(&mut self, n: usize, env: EnvId, secrets: &[(&str, &str)]) -> Vec<SecretId> {
        let ids: Vec<SecretId> = secrets.iter().map(|_| SecretId(self.random())).collect();
        let puts = ids.iter().zip(secrets).map(|(secret, (name, value))| Put {
            secret: *secret,
            name: (*name).to_owned(),
            value: Some(Arc::new(SecretBytes::copy_of(value.as_bytes()))),
            details: Details { note: Some(format!("about {name}")), ..Details::default() },
        });
        let puts = puts.collect();
        self.write(n, |pen| pen.commit_secrets(env, puts, &[])).unwrap();
        ids
    }
}

pub(crate) fn user(n: usize) -> UserId {
    UserId([u8::try_from(n).unwrap() + 1; 16])
}

pub(crate) fn person(n: usize) -> Principal {
    Principal::User(user(n))
}

fn user_of(replica: &Replica) -> UserId {
    match replica.principal() {
        Principal::User(user) => user,
        other => panic!("{other} is no person"),
    }
}

pub(crate) fn text(value: &SecretBytes) -> String {
    value.lend(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}
