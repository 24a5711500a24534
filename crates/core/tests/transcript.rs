//! No single bit of what a server sends can be turned unnoticed (goal P2): a whole sync of three
//! people, two environments, twenty secrets and sixty links is recorded, and each bit of each object
//! is turned alone. Whatever a device then takes in must be what it would have taken in anyway.
//!
//! `FLIP_EVERY=11` tries every eleventh bit only.
#![expect(clippy::unwrap_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_chain::OrgState;
use strongroom_chain::tree::{
    Frontier, leaf_hash, prove_consistency, prove_inclusion, verify_consistency, verify_inclusion,
};
use strongroom_chain::trie::Item;
use strongroom_core::details::{Details, EnvClass};
use strongroom_core::env::{EnvCopy, TakeError};
use strongroom_core::pen::{Founding, Pen, Put};
use strongroom_core::replica::{Me, Replica};
use strongroom_crypto::safe::{IdentityKey, InviteKey, Keyset, RepeatableEntropy, ServiceToken};
use strongroom_format::commit::{Field, SignedCommit};
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, Principal, SecretId, UserId};
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::{Body, EpochReason, Link, Rights, Role};
use strongroom_format::wire::{
    B64, CommitPage, CommitRecord, ItemPage, ItemRecord, PreviousAnswer, WrapAnswer, WriteBatch,
};
use strongroom_secret::SecretBytes;

const NOW: u64 = 1_790_000_000_000;
const SECRETS: u8 = 20;
const LINKS: usize = 60;

/// What the third person's device is sent, and what it then has.
struct Transcript {
    server: IdentityKey,
    me: Arc<Me>,
    links: Vec<Vec<u8>>,
    wraps: Vec<WrapAnswer>,
    previous: Vec<PreviousAnswer>,
    commits: BTreeMap<EnvId, Vec<CommitRecord>>,
    done: Replica,
}

struct Writer {
    replica: Replica,
    entropy: RepeatableEntropy,
    now: u64,
    batches: Vec<WriteBatch>,
}

impl Writer {
    fn write(&mut self, act: impl FnOnce(&mut Pen<'_>)) {
        self.now += 1000;
        let mut pen = Pen::new(&self.replica, &mut self.entropy, self.now);
        act(&mut pen);
        let (replica, batch) = pen.finish();
        self.replica = replica;
        self.batches.push(batch);
    }

    fn admit(&mut self, me: &Me) {
        let Principal::User(user) = me.principal else { unreachable!() };
        let invite = InviteKey::make(&mut self.entropy).unwrap();
        let (id, key_hash) = (invite.id(), invite.commitment());
        let pop = me.keyset.prove_possession(&self.replica.state().org(), &id, &user);
        let (keys, role, expires) = (me.keyset.public(), Role::Member, self.now + 1_000_000);
        self.write(|pen| {
            let grants = Vec::new();
            pen.link(Body::Invite { invite: id, key_hash, role, grants, expires }).unwrap();
            pen.link(Body::MemberAdd { user, keys, role, invite: id, pop }).unwrap();
            let directory = pen.replica().state().directory().unwrap();
            pen.new_epoch(directory, EpochReason::ReaderAdded).unwrap();
        });
    }

    fn grant(&mut self, env: EnvId, principal: Principal) {
        let body = Body::EnvGrant { env, principal, rights: Rights::READ, not_after: 0 };
        self.write(|pen| {
            pen.link(body).unwrap();
            pen.new_epoch(env, EpochReason::ReaderAdded).unwrap();
        });
    }

    fn put(&mut self, env: EnvId, secrets: &[u8]) {
        let put = |n: &u8| Put {
            secret: SecretId([*n; 16]),
            name: format!("KEY_{n}"),
            value: Some(Arc::new(SecretBytes::copy_of(&[b'v', *n]))),
            details: Details::default(),
        };
        let puts = secrets.iter().map(put).collect();
        self.write(|pen| pen.commit(env, puts, &[]).unwrap());
    }
}

fn record() -> Transcript {
    let mut entropy = RepeatableEntropy::new(7);
    let server = IdentityKey::make(&mut entropy).unwrap();
    let mut person = |n| Arc::new(Me::person(UserId([n; 16]), Keyset::make(&mut entropy).unwrap()));
    let (owner, second, me) = (person(1), person(2), person(3));
    let founding = Founding {
        organisation: "Acme".into(),
        person: "Mara Lind".into(),
        sample: false,
        audit_vkey: server.public(),
    };
    let (replica, batch) = Pen::found(owner, &founding, &mut entropy, NOW).unwrap().finish();
    let mut writer = Writer { replica, entropy, now: NOW, batches: vec![batch] };
    let classes = [("prod".to_owned(), EnvClass::Production), ("dev".to_owned(), EnvClass::Other)];
    writer.write(|pen| assert!(pen.create_app("storefront", &classes).is_ok()));
    writer.admit(&second);
    writer.admit(&me);
    let directory = writer.replica.state().directory().unwrap();
    let envs: Vec<EnvId> =
        writer.replica.state().envs().keys().copied().filter(|env| *env != directory).collect();
    for env in &envs {
        writer.grant(*env, second.principal);
        writer.grant(*env, me.principal);
    }
    let ids: Vec<u8> = (1..=SECRETS).collect();
    writer.put(envs[0], &ids[..12]);
    writer.put(envs[1], &ids[12..]);
    while writer.replica.state().seq() < LINKS as u64 {
        let env = envs[writer.batches.len() % 2];
        let token = Me::token(&ServiceToken::make(&mut writer.entropy).unwrap());
        let Principal::Token(id) = token.principal else { unreachable!() };
        let keys = token.keyset.public();
        writer.write(|pen| {
            let (sig_pub, enc_pub, rights) = (keys.isk, keys.iek, Vec::new());
            let body = Body::TokenIssue { token: id, sig_pub, enc_pub, rights, not_after: 0 };
            pen.link(body).unwrap();
        });
        writer.grant(env, token.principal);
        writer.write(|pen| pen.link(Body::TokenRevoke { token: id }).unwrap());
        writer.write(|pen| pen.new_epoch(env, EpochReason::Rotation).unwrap());
        let stale: Vec<u8> = if env == envs[0] { ids[..12].into() } else { ids[12..].into() };
        writer.put(env, &stale);
    }
    collect(server, me, writer)
}

fn collect(server: IdentityKey, me: Arc<Me>, writer: Writer) -> Transcript {
    let mut t = Transcript {
        server,
        links: Vec::new(),
        wraps: Vec::new(),
        previous: Vec::new(),
        commits: BTreeMap::new(),
        done: writer.replica,
        me,
    };
    for batch in writer.batches {
        t.links.extend(batch.links);
        let own = batch.wraps.iter().filter(|wrap| wrap.recipient == t.me.principal);
        t.wraps.extend(own.map(|wrap| WrapAnswer {
            env_id: wrap.env,
            epoch: wrap.epoch,
            wrap: B64(wrap.wrap.to_vec()),
        }));
        t.previous.extend(batch.previous.into_iter().map(|previous| PreviousAnswer {
            env_id: previous.env,
            epoch: previous.epoch,
            sealed: B64(previous.sealed),
        }));
        let mut envelopes = batch.envelopes.into_iter();
        for commit in batch.commits {
            let signed = SignedCommit::parse(&commit).unwrap();
            let fields = signed.commit.changes.iter().map(|change| change.fields.len()).sum();
            let envelopes = envelopes.by_ref().take(fields).collect();
            let record = CommitRecord { commit, envelopes };
            t.commits.entry(signed.commit.env).or_default().push(record);
        }
    }
    let mut done = t.with_links();
    done.take_keys(t.wraps.clone(), t.previous.clone());
    for (env, records) in &t.commits {
        for record in records {
            let (state, copy) = done.env_mut(*env);
            copy.take_commit(state, record.clone()).unwrap();
        }
    }
    t.done = done;
    t
}

impl Transcript {
    fn with_links(&self) -> Replica {
        let org = self.done.state().org();
        let mut replica = Replica::start(Arc::clone(&self.me), org, &self.links[0]).unwrap();
        replica.take_links(&self.links).unwrap();
        replica
    }
}

/// Environment, item, name and value.
type Shown = (EnvId, SecretId, String, Option<Vec<u8>>);

/// Everything that can be opened, or nothing if something does not open.
fn shown(replica: &mut Replica) -> Option<Vec<Shown>> {
    let directory = replica.state().directory();
    let envs: Vec<EnvId> = replica.envs().keys().copied().collect();
    let mut all = Vec::new();
    for env in envs {
        let live = replica.env(&env)?.live().map(|(item, _)| item.change.secret);
        for secret in live.collect::<Vec<SecretId>>() {
            let name = replica.open_named(env, &secret).ok()?.name;
            let value = if directory == Some(env) {
                None
            } else {
                let value = replica.open_field(env, &secret, Field::Value).ok()?;
                Some(value.lend(<[u8]>::to_vec))
            };
            all.push((env, secret, name, value));
        }
    }
    Some(all)
}

/// Turns the bits of `bytes`, each alone; gives how many were tried.
fn turn(bytes: &[u8], mut take: impl FnMut(&[u8])) -> usize {
    let stride = std::env::var("FLIP_EVERY").map_or(1, |n| n.parse().unwrap());
    let mut turned = bytes.to_vec();
    let bits = (0..bytes.len() * 8).step_by(stride);
    let tried = bits.len();
    for bit in bits {
        turned[bit / 8] ^= 1 << (bit % 8);
        take(&turned);
        turned[bit / 8] ^= 1 << (bit % 8);
    }
    tried
}

#[test]
fn the_transcript_is_as_large_as_it_says() {
    let mut t = record();
    assert!(t.links.len() >= LINKS, "{}", t.links.len());
    assert_eq!((t.commits.len(), t.done.state().members().len()), (3, 3));
    let values = shown(&mut t.done).unwrap().into_iter().filter(|(.., value)| value.is_some());
    assert_eq!(values.count(), usize::from(SECRETS));
}

#[test]
fn no_bit_of_the_links_can_be_turned() {
    let t = record();
    let mut state = OrgState::found(&Link::parse(&t.links[0]).unwrap()).unwrap();
    let mut tried = turn(&t.links[0], |turned| {
        assert!(Replica::start(Arc::clone(&t.me), t.done.state().org(), turned).is_err());
    });
    for link in &t.links[1..] {
        tried += turn(link, |turned| {
            let taken = Link::parse(turned).is_ok_and(|link| state.apply(&link).is_ok());
            assert!(!taken, "a turned bit of link {} was taken", state.seq() + 1);
        });
        state.apply(&Link::parse(link).unwrap()).unwrap();
    }
    println!("{tried} bits of {} links", t.links.len());
}

#[test]
fn no_bit_of_the_commits_and_their_fields_can_be_turned() {
    let t = record();
    let (mut tried, state) = (0, t.done.state());
    for (env, records) in &t.commits {
        let mut copy = EnvCopy::new(state, *env);
        for record in records {
            let page = CommitPage { commits: vec![record.clone()], more: false };
            let mut next = copy.clone();
            next.take_commit(state, record.clone()).unwrap();
            let honest = next.encode();
            tried += turn(&page.encode(), |turned| {
                let Ok(page) = CommitPage::decode(turned) else { return };
                let mut copy = copy.clone();
                let mut taken = page.commits.into_iter();
                let taken = taken.try_for_each(|record| copy.take_commit(state, record));
                // What is not part of any object, as whether more follows, changes nothing.
                assert!(taken.is_err() || copy.encode() == honest, "a turned bit was taken");
            });
            copy = next;
        }
    }
    println!("{tried} bits of commits");
}

/// The live items of an environment, as a server keeps them.
fn items(copy: &EnvCopy) -> Vec<ItemRecord> {
    let item = |(item, fields): (&Item, &[_])| ItemRecord {
        secret: item.change.secret,
        version: item.change.version,
        op: item.change.op,
        epoch: item.epoch,
        fields: fields.to_vec(),
    };
    copy.live().map(item).collect()
}

#[test]
fn no_bit_of_the_items_behind_a_head_can_be_turned() {
    let mut t = record();
    let honest = shown(&mut t.done).unwrap();
    let (mut tried, mut without) = (0, t.done.clone());
    for (env, records) in &t.commits {
        let copy = t.done.env(env).unwrap();
        let head = records.last().unwrap().commit.clone();
        let page = ItemPage { head, items: items(copy), more: false };
        tried += turn(&page.encode(), |turned| {
            let Ok(page) = ItemPage::decode(turned) else { return };
            let state = t.done.state();
            let Ok(copy) = EnvCopy::from_items(state, *env, &page.head, page.items) else { return };
            // The epoch of an item is not under the root: a wrong one must not open.
            without.put_env(*env, copy);
            let opened = shown(&mut without);
            assert!(opened.is_none_or(|opened| opened == honest), "a turned bit was taken");
        });
        without.put_env(*env, copy.clone());
    }
    println!("{tried} bits of items");
}

#[test]
fn items_that_follow_their_commits_are_exactly_those_of_the_commits() {
    let t = record();
    let (state, mut tried) = (t.done.state(), 0);
    for (env, records) in &t.commits {
        let commits: Vec<SignedCommit> =
            records.iter().map(|record| SignedCommit::parse(&record.commit).unwrap()).collect();
        let take = |items: Vec<ItemRecord>| {
            let mut copy = EnvCopy::new(state, *env);
            copy.take_commits_then_items(state, &commits, items).map(|()| copy)
        };
        let honest = items(t.done.env(env).unwrap());
        assert_eq!(items(&take(honest.clone()).unwrap()), honest);
        for n in 0..honest.len() {
            let mut missing = honest.clone();
            missing.remove(n);
            assert_eq!(take(missing).map(drop), Err(TakeError::Envelope));
            let envelope = &honest[n].fields[0].envelope;
            tried += turn(&envelope[..40], |turned| {
                let mut changed = honest.clone();
                changed[n].fields[0].envelope[..40].copy_from_slice(turned);
                assert_eq!(take(changed).map(drop), Err(TakeError::Envelope));
            });
        }
    }
    println!("{tried} bits of items after commits");
}

#[test]
fn no_bit_of_a_wrap_or_a_sealed_key_can_be_turned() {
    let t = record();
    let mut bare = t.with_links();
    let nothing = bare.encode();
    let split = |bytes: &[u8]| {
        let epoch = u32::from_be_bytes(*bytes[16..].first_chunk().unwrap());
        (EnvId(*bytes.first_chunk().unwrap()), epoch, B64(bytes[20..].to_vec()))
    };
    let join = |env: &EnvId, epoch: u32, sealed: &B64| {
        [&env.0[..], &epoch.to_be_bytes(), &sealed.0].concat()
    };
    let mut tried = 0;
    for wrap in &t.wraps {
        tried += turn(&join(&wrap.env_id, wrap.epoch, &wrap.wrap), |turned| {
            let (env_id, epoch, wrap) = split(turned);
            bare.take_keys(vec![WrapAnswer { env_id, epoch, wrap }], Vec::new());
        });
    }
    for previous in &t.previous {
        tried += turn(&join(&previous.env_id, previous.epoch, &previous.sealed), |turned| {
            let (env_id, epoch, sealed) = split(turned);
            bare.take_keys(Vec::new(), vec![PreviousAnswer { env_id, epoch, sealed }]);
        });
    }
    assert_eq!(bare.encode(), nothing, "a turned key was kept");
    println!("{tried} bits of keys");
}

#[test]
fn no_bit_of_a_checkpoint_or_its_proofs_can_be_turned() {
    let t = record();
    let mut frontier = Frontier::new();
    let mut nodes = BTreeMap::new();
    let mut roots = vec![frontier.root()];
    for link in &t.links {
        for node in frontier.append(leaf_hash(link)) {
            nodes.insert((node.level, node.index), node.hash);
        }
        roots.push(frontier.root());
    }
    let lookup = |level, index| nodes.get(&(level, index)).copied();
    let size = frontier.size();
    let checkpoint =
        Checkpoint { org: t.done.state().org(), reset: 0, size, root: frontier.root() };
    let signature = t.server.sign(checkpoint.text().as_bytes());
    let note = checkpoint.note(&t.server.public(), &signature);
    assert_eq!(t.done.check_checkpoint(&note), Ok(checkpoint));
    let mut tried = turn(note.as_bytes(), |turned| {
        let taken = str::from_utf8(turned).is_ok_and(|note| t.done.check_checkpoint(note).is_ok());
        assert!(!taken, "a turned note was taken");
    });
    let digests = |bytes: &[u8]| -> Vec<Digest> { bytes.as_chunks().0.to_vec() };
    for old in [1, 17, 41] {
        let (before, root) = (&roots[usize::try_from(old).unwrap()], &checkpoint.root);
        let proof = prove_consistency(old, size, lookup).unwrap().concat();
        assert_eq!(verify_consistency(old, before, size, root, &digests(&proof)), Ok(()));
        tried += turn(&proof, |turned| {
            assert!(verify_consistency(old, before, size, root, &digests(turned)).is_err());
        });
        let leaf = leaf_hash(&t.links[usize::try_from(old).unwrap()]);
        let proof = prove_inclusion(old, size, lookup).unwrap().concat();
        assert_eq!(verify_inclusion(&leaf, old, size, root, &digests(&proof)), Ok(()));
        tried += turn(&proof, |turned| {
            assert!(verify_inclusion(&leaf, old, size, root, &digests(turned)).is_err());
        });
    }
    println!("{tried} bits of checkpoint and proofs");
}
