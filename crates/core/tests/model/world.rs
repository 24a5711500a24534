//! Three people, their tokens and one server: the acts of each, honest and not.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_core::details::{Details, EnvClass};
use strongroom_core::pen::{Founding, Pen, Put, WriteError};
use strongroom_core::replica::Me;
use strongroom_crypto::safe::{IdentityKey, InviteKey, Keyset, RepeatableEntropy, ServiceToken};
use strongroom_format::commit::{Field, SignedCommit};
use strongroom_format::hash::{ZERO, sha256};
use strongroom_format::id::{EnvId, Principal, SecretId, UserId};
use strongroom_format::statement::{Body, CutPoint, EnvRight, EpochReason, Policy, Rights, Role};
use strongroom_format::wire::WriteBatch;
use strongroom_secret::SecretBytes;

use crate::device::{Device, Refusal};
use crate::server::{Ledger, Lie};
use crate::truth::{Content, Place, Truth};

pub(crate) const START: u64 = 1_790_000_000_000;
const DAY: u64 = 24 * 60 * 60 * 1000;
/// What every value begins with, so that a server's bytes can be searched for it.
pub(crate) const MARK: &[u8] = b"meant-for-readers-only";
/// How many people there are at first, and at most at a time.
pub(crate) const PEOPLE: usize = 3;
pub(crate) const MOST: usize = 5;

/// What the server does with the next batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taking {
    Honestly,
    /// Says yes and forgets.
    Forgets,
    /// Says no and keeps.
    Keeps,
    /// Does not look where a cut stands.
    Blindly,
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) now: u64,
    entropy: RepeatableEntropy,
    counter: u32,
    server: Arc<IdentityKey>,
    pub(crate) people: Vec<Device>,
    pub(crate) tokens: Vec<Device>,
    /// Devices that were removed, with all that they ever had.
    pub(crate) former: Vec<Device>,
    pub(crate) branches: Vec<Ledger>,
    pub(crate) truth: Truth,
    pub(crate) taking: Taking,
    /// Whether the server did anything but serve.
    pub(crate) lied: bool,
    /// How many views were refused, by the act that made them.
    pub(crate) refused: BTreeMap<String, u32>,
}

impl World {
    /// An owner, a member who may write and grant on the first environment, a member who reads both.
    pub(crate) fn new() -> Self {
        let mut entropy = RepeatableEntropy::new(1);
        let server = Arc::new(IdentityKey::make(&mut entropy).unwrap());
        let keyset = Keyset::make(&mut entropy).unwrap();
        let founding = Founding {
            organisation: "Acme".into(),
            person: "Mara Lind".into(),
            sample: false,
            audit_vkey: server.public(),
        };
        let me = Arc::new(Me::person(UserId([1; 16]), keyset));
        let (replica, batch) = Pen::found(me, &founding, &mut entropy, START).unwrap().finish();
        let mut ledger = Ledger::default();
        assert!(ledger.accept(&batch, true));
        let mut world = Self {
            now: START,
            entropy,
            counter: 0,
            server,
            people: vec![Device::of(replica, 0)],
            tokens: Vec::new(),
            former: Vec::new(),
            branches: vec![ledger],
            truth: Truth::default(),
            taking: Taking::Honestly,
            lied: false,
            refused: BTreeMap::new(),
        };
        world.remember(0, &batch);
        let envs = [("prod".to_owned(), EnvClass::Production), ("dev".to_owned(), EnvClass::Other)];
        assert!(world.write(0, |pen, _| pen.create_app("storefront", &envs).map(drop)));
        for _ in 1..PEOPLE {
            assert!(world.admit(0, Role::Member));
        }
        let envs = world.truth.data_envs(&world.people[0].replica.state().head());
        let all = Rights::READ.with(Rights::WRITE).with(Rights::GRANT);
        let second = world.people[2].who();
        assert!(world.grant(0, envs[0], world.people[1].who(), all));
        assert!(world.grant(0, envs[0], second, Rights::READ));
        assert!(world.grant(0, envs[1], second, Rights::READ.with(Rights::WRITE)));
        assert!(world.commit(0, envs[0], 3, 0) && world.commit(0, envs[1], 2, 0));
        for who in 0..PEOPLE {
            world.sync(who, "honest", |_| {}).unwrap();
        }
        world
    }

    // ---- honest acts ---------------------------------------------------------------------------

    /// Signs something on one device and hands it in; whether the device believes it was taken.
    fn write(
        &mut self,
        who: usize,
        act: impl FnOnce(&mut Pen<'_>, &mut Vec<Meant>) -> Result<(), WriteError>,
    ) -> bool {
        self.now += 1000;
        let device = &self.people[who];
        if device.gone {
            return false;
        }
        let mut meant = Vec::new();
        let mut pen = Pen::new(&device.replica, &mut self.entropy, self.now);
        if act(&mut pen, &mut meant).is_err() {
            return false;
        }
        let (replica, batch) = pen.finish();
        if batch.links.is_empty() && batch.commits.is_empty() {
            return false;
        }
        let taking = std::mem::replace(&mut self.taking, Taking::Honestly);
        let ledger = &mut self.branches[self.people[who].branch];
        let taken = match taking {
            Taking::Honestly => ledger.accept(&batch, true),
            Taking::Forgets => true,
            Taking::Keeps => {
                ledger.accept(&batch, false);
                false
            }
            Taking::Blindly => ledger.accept(&batch, false),
        };
        self.lied |= taking != Taking::Honestly;
        for (place, content) in meant {
            self.truth.mean(place, content);
        }
        if taken {
            self.people[who].replica = replica;
            self.remember(who, &batch);
        } else {
            self.truth.hear_batch(&batch);
        }
        taken
    }

    /// The device's own objects count as seen.
    fn remember(&mut self, who: usize, batch: &WriteBatch) {
        self.truth.hear_batch(batch);
        let device = &mut self.people[who];
        for bytes in &batch.commits {
            let signed = SignedCommit::parse(bytes).unwrap();
            device.seen.commits.entry(signed.commit.env).or_default().push(signed);
        }
        if self.counter == 0 {
            // The names that founding and creating write; later ones are told by whoever writes.
            for (place, content) in self.people[who].shown() {
                self.truth.mean(place, content);
            }
        }
        let device = &mut self.people[who];
        let generation = device.pins.generation + 1;
        device.pins = device.replica.pins(generation);
    }

    /// Puts `puts` values (new ones or new versions) and deletes one if there is enough.
    pub(crate) fn commit(&mut self, who: usize, env: EnvId, puts: usize, from: usize) -> bool {
        let first = self.counter;
        self.counter += u32::try_from(puts).unwrap();
        self.write(who, |pen, meant| {
            let live = live(pen, env);
            let mut all = BTreeMap::new();
            for n in 0..puts {
                let number = first + u32::try_from(n).unwrap();
                let known = live.get((from + n) % (live.len() + 1)).copied();
                let secret = known.unwrap_or_else(|| {
                    let digest = sha256(&[&number.to_be_bytes()]);
                    SecretId(*digest.first_chunk().unwrap())
                });
                let value = [MARK, &number.to_be_bytes()].concat();
                all.insert(secret, (format!("KEY_{number}"), Some(value)));
            }
            let delete = live.iter().copied().find(|id| from % 3 == 1 && !all.contains_key(id));
            put_all(pen, meant, env, all, delete.as_slice())
        })
    }

    pub(crate) fn grant(&mut self, who: usize, env: EnvId, to: Principal, rights: Rights) -> bool {
        self.write(who, |pen, meant| {
            let body = Body::EnvGrant { env, principal: to, rights, not_after: 0 };
            pen.link(body)?;
            rekey(pen, meant, env)
        })
    }

    pub(crate) fn revoke(&mut self, who: usize, env: EnvId, from: Principal, now: bool) -> bool {
        self.write(who, |pen, meant| {
            pen.link(Body::EnvRevoke { env, principal: from })?;
            if now { rekey(pen, meant, env) } else { Ok(()) }
        })
    }

    pub(crate) fn rotate(&mut self, who: usize, env: EnvId) -> bool {
        self.write(who, |pen, meant| rotate(pen, meant, env))
    }

    pub(crate) fn role(&mut self, who: usize, of: usize, role: Role) -> bool {
        let Principal::User(user) = self.people[of].who() else { return false };
        self.write(who, |pen, _| pen.link(Body::MemberRole { user, role }))
    }

    /// Removes somebody and replaces every data key that this device can.
    pub(crate) fn remove(&mut self, who: usize, of: usize, rekeyed: bool) -> bool {
        let Principal::User(user) = self.people[of].who() else { return false };
        self.write(who, |pen, meant| {
            let replica = pen.replica();
            let cut = |env: EnvId| {
                let history = replica.env(&env).map(strongroom_core::env::EnvCopy::history);
                let (seq, head) = history.map_or((0, ZERO), |h| (h.seq(), h.head()));
                CutPoint { env, seq, head }
            };
            let cuts = replica.state().envs_to_cut(&user).into_iter().map(cut).collect();
            let envs: Vec<EnvId> = replica.envs().keys().copied().collect();
            pen.link(Body::MemberRemove { user, cuts })?;
            for env in envs.into_iter().filter(|_| rekeyed && who != of) {
                if pen.replica().state().is_due(&env, 0) {
                    rotate(pen, meant, env)?;
                }
            }
            Ok(())
        })
    }

    /// A new person in the first place that is free: code, join, and the inviter's checks.
    pub(crate) fn admit(&mut self, who: usize, role: Role) -> bool {
        let slot = self.people.iter().position(|device| device.gone);
        if slot.is_none() && self.people.len() == MOST {
            return false;
        }
        self.counter += 1;
        let user = UserId([&[9; 12][..], &self.counter.to_be_bytes()].concat().try_into().unwrap());
        let me = Me::person(user, Keyset::make(&mut self.entropy).unwrap());
        let keys = me.keyset.public();
        let invite = InviteKey::make(&mut self.entropy).unwrap();
        let org = self.people[who].replica.state().org();
        // G3: what the server passes on carries a MAC that only the code's holder can make.
        let mac = invite.join_mac(&org, &user, &keys);
        let swapped = Keyset::make(&mut self.entropy).unwrap().public();
        assert!(invite.verify_join_mac(&org, &user, &keys, &mac), "G3");
        assert!(!invite.verify_join_mac(&org, &user, &swapped, &mac), "G3: swapped keys");
        let (id, key_hash) = (invite.id(), invite.commitment());
        let pop = me.keyset.prove_possession(&org, &id, &user);
        let expires = self.now + DAY;
        let admitted = self.write(who, |pen, meant| {
            let grants = Vec::new();
            pen.link(Body::Invite { invite: id, key_hash, role, grants, expires })?;
            pen.link(Body::MemberAdd { user, keys, role, invite: id, pop })?;
            let directory = pen.replica().state().directory().unwrap();
            rekey(pen, meant, directory)
        });
        let state = self.people[who].replica.state();
        let code = (state.seq(), state.head());
        let branch = self.people[who].branch;
        let view = self.branches[branch].clone();
        let Ok(device) = Device::fresh(Arc::new(me), org, code, branch, &view, &self.server, true)
        else {
            assert!(!admitted || self.lied, "a new member cannot come in");
            return admitted;
        };
        let slot = slot.unwrap_or(self.people.len());
        self.people.push(device);
        if slot + 1 < self.people.len() {
            self.former.push(self.people.swap_remove(slot));
        }
        self.judge(slot, &view);
        admitted
    }

    pub(crate) fn issue(&mut self, who: usize, env: EnvId, rights: Rights) -> bool {
        let token = ServiceToken::make(&mut self.entropy).unwrap();
        let me = Me::token(&token);
        let keys = me.keyset.public();
        let taken = self.write(who, |pen, meant| {
            pen.link(Body::TokenIssue {
                token: token.id(),
                sig_pub: keys.isk,
                enc_pub: keys.iek,
                rights: vec![EnvRight { env, rights, not_after: 0 }],
                not_after: 0,
            })?;
            rekey(pen, meant, env)
        });
        if taken {
            let (branch, code) = (self.people[who].branch, self.people[who].code);
            let (org, view) = (self.people[who].replica.state().org(), &self.branches[branch]);
            let key = &self.server;
            if let Ok(device) = Device::fresh(Arc::new(me), org, code, branch, view, key, true) {
                self.tokens.push(device);
            }
        }
        taken
    }

    pub(crate) fn revoke_token(&mut self, who: usize, token: usize) -> bool {
        let Some(Principal::Token(token)) =
            self.tokens.get(token % self.tokens.len().max(1)).map(Device::who)
        else {
            return false;
        };
        self.write(who, |pen, meant| {
            pen.link(Body::TokenRevoke { token })?;
            let envs: Vec<EnvId> = pen.replica().envs().keys().copied().collect();
            for env in envs {
                if pen.replica().state().is_due(&env, 0) {
                    rotate(pen, meant, env)?;
                }
            }
            Ok(())
        })
    }

    pub(crate) fn tighten(&mut self, who: usize) -> bool {
        self.write(who, |pen, _| {
            let old = pen.replica().state().policy();
            let min_profile = old.min_profile.saturating_add(1).min(3);
            let policy = Policy { min_profile, ..old.clone() };
            pen.link(Body::Policy(policy))
        })
    }

    // ---- what the server shows -----------------------------------------------------------------

    /// Shows a device its branch after `lie`, and judges what came of it.
    pub(crate) fn sync(
        &mut self,
        who: usize,
        name: &str,
        lie: impl FnOnce(&mut Ledger),
    ) -> Result<(), Refusal> {
        let mut view = self.branches[self.people[who].branch].clone();
        lie(&mut view);
        self.show(who, name, &view)
    }

    pub(crate) fn show(&mut self, who: usize, name: &str, view: &Ledger) -> Result<(), Refusal> {
        let outcome = self.people[who].sync(view, &self.server);
        match &outcome {
            Ok(()) => self.judge(who, view),
            Err(why) if why != "gone" => {
                *self.refused.entry(name.to_owned()).or_default() += 1;
                assert!(self.lied, "an honest server was refused: {why}");
            }
            Err(_) => {}
        }
        outcome
    }

    fn judge(&mut self, who: usize, view: &Ledger) {
        self.truth.judge(&mut self.people[who], view);
    }

    /// A device that keeps nothing but the code is set up again.
    pub(crate) fn reinstall(&mut self, who: usize, lie: impl FnOnce(&mut Ledger), whole: bool) {
        let old = &self.people[who];
        if old.gone {
            return;
        }
        let mut view = self.branches[old.branch].clone();
        lie(&mut view);
        let (me, org) = (Arc::clone(old.replica.me()), old.replica.state().org());
        let key = &self.server;
        match Device::fresh(me, org, old.code, old.branch, &view, key, whole) {
            Ok(device) => {
                self.people[who] = device;
                self.judge(who, &view);
            }
            Err(why) => {
                let honest = !self.lied && why != "NotMine";
                assert!(!honest, "an honest server was refused by a fresh device: {why}");
                *self.refused.entry("reinstall".to_owned()).or_default() += 1;
            }
        }
    }

    /// The server goes on with two histories and shows this device the new one.
    pub(crate) fn fork(&mut self, who: usize) {
        self.lied = true;
        if self.branches.len() < 4 {
            self.branches.push(self.branches[self.people[who].branch].clone());
            self.people[who].branch = self.branches.len() - 1;
        }
    }

    pub(crate) fn switch(&mut self, who: usize, to: usize) {
        self.lied |= self.branches.len() > 1;
        self.people[who].branch = to % self.branches.len();
    }

    pub(crate) fn lie(&mut self, who: usize, lie: Lie, x: usize, y: usize) {
        self.lied = true;
        let other = self.branches[y % self.branches.len()].clone();
        let outcome = self.sync(who, &format!("{lie:?}"), |view| lie.tell(view, &other, x, y));
        drop(outcome);
    }

    /// Anybody who was ever part of it; the last of them are former members and tokens.
    pub(crate) fn anybody(&self, n: usize) -> &Device {
        let all: Vec<&Device> =
            self.former.iter().chain(&self.tokens).chain(&self.people).collect();
        all[n % all.len()]
    }
}

type Meant = (Place, Content);

fn live(pen: &mut Pen<'_>, env: EnvId) -> Vec<SecretId> {
    let copy = pen.replica().env(&env);
    copy.map_or_else(Vec::new, |copy| copy.live().map(|(item, _)| item.change.secret).collect())
}

fn put_all(
    pen: &mut Pen<'_>,
    meant: &mut Vec<Meant>,
    env: EnvId,
    all: BTreeMap<SecretId, Content>,
    deletes: &[SecretId],
) -> Result<(), WriteError> {
    let mut puts = Vec::new();
    for (secret, (name, value)) in all {
        let items = pen.replica().env(&env).map(|copy| copy.history().items());
        let old = items.and_then(|items| items.lookup(&secret));
        let version = old.map_or(1, |item| item.change.version + 1);
        meant.push(((env, secret, version), (name.clone(), value.clone())));
        let value = value.map(|bytes| Arc::new(SecretBytes::copy_of(&bytes)));
        puts.push(Put { secret, name, value, details: Details::default() });
    }
    pen.commit(env, puts, deletes)
}

/// The new key that a change of readers asks for.
fn rekey(pen: &mut Pen<'_>, meant: &mut Vec<Meant>, env: EnvId) -> Result<(), WriteError> {
    if pen.replica().state().is_due(&env, 0) {
        rotate(pen, meant, env)
    } else {
        pen.new_epoch(env, EpochReason::ReaderAdded)
    }
}

/// A new key and everything sealed anew under it.
fn rotate(pen: &mut Pen<'_>, meant: &mut Vec<Meant>, env: EnvId) -> Result<(), WriteError> {
    let directory = pen.replica().state().directory() == Some(env);
    let mut all = BTreeMap::new();
    for secret in live(pen, env) {
        let name = pen.replica().open_named(env, &secret)?.name;
        let value = if directory {
            None
        } else {
            Some(pen.replica().open_field(env, &secret, Field::Value)?.lend(<[u8]>::to_vec))
        };
        all.insert(secret, (name, value));
    }
    pen.new_epoch(env, EpochReason::Rotation)?;
    put_all(pen, meant, env, all, &[])
}
