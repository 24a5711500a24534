use std::sync::Arc;

use strongroom_crypto::safe::{Keyset, RepeatableEntropy};
use strongroom_format::event::{Act, Detail, EventKind, SignedAct};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{EnvId, OrgId, SecretId, UserId};

use super::*;
use crate::pen::{Founding, Pen};
use crate::replica::{Me, Replica};

const NOW: u64 = 1_790_000_000_000;
const ENV: EnvId = EnvId([4; 16]);
const SECRET: SecretId = SecretId([5; 16]);

struct World {
    replica: Replica,
    log: Keyset,
    events: Vec<Vec<u8>>,
}

impl World {
    fn new() -> Self {
        let entropy = &mut RepeatableEntropy::new(9);
        let log = Keyset::make(entropy).unwrap();
        let me = Arc::new(Me::person(UserId([7; 16]), Keyset::make(entropy).unwrap()));
        let founding = Founding {
            organisation: "Acme".into(),
            person: "Mara Lind".into(),
            sample: false,
            audit_vkey: log.isk.public(),
        };
        let (replica, _) = Pen::found(me, &founding, entropy, NOW).unwrap().finish();
        Self { replica, log, events: Vec::new() }
    }

    fn seen(&mut self, kind: EventKind) {
        let state = self.replica.state();
        let detail = Detail { env: ENV, ..Detail::status(200) };
        let act = Act {
            org: state.org(),
            kind,
            actor: Some(self.replica.principal()),
            device: DeviceId::ZERO,
            actor_seq: 0,
            actor_prev: ZERO,
            org_head: state.head(),
            detail,
        };
        self.push(SignedAct { act, signature: [0; 64] });
    }

    fn push(&mut self, signed: SignedAct) {
        let SignedAct { act, signature } = signed;
        let server_time_ms = NOW + self.events.len() as u64;
        let event = Event { act, signature, server_time_ms, peer: "192.0.2.1:5".into() };
        self.events.push(event.encode());
    }

    fn checkpoint(&self, size: usize) -> (Checkpoint, String) {
        let mut log = Frontier::new();
        for event in &self.events[..size] {
            log.append(leaf_hash(event));
        }
        let org = self.replica.state().org();
        let checkpoint = Checkpoint { org, reset: 0, size: size as u64, root: log.root() };
        let signature = self.log.isk.sign(checkpoint.text().as_bytes());
        (checkpoint, checkpoint.note(&self.log.isk.public(), &signature))
    }

    fn read(&self, copy: &mut AuditCopy, pin: &AuditPin) -> Result<(), LogError> {
        let against = Against::new(self.replica.state(), pin);
        let from = usize::try_from(copy.size()).unwrap();
        for event in &self.events[from..] {
            copy.read(&against, event)?;
        }
        let (checkpoint, note) = self.checkpoint(self.events.len());
        copy.settle(checkpoint, &note)
    }
}

const NO_PIN: AuditPin = AuditPin { reset: 0, size: 0, root: ZERO };

fn used(world: &mut World, acts: &mut Acts, kind: EventKind) {
    let detail = Detail { env: ENV, secret: SECRET, version: 1, ..Detail::status(0) };
    let me = Arc::clone(world.replica.me());
    acts.push_opened(&me, world.replica.state(), ENV, SECRET, 1);
    acts.push(&me, world.replica.state(), kind, detail);
}

#[test]
fn a_whole_log_tells_who_fetched_and_opened_what() {
    let mut world = World::new();
    let mut acts = Acts::new(DeviceId([1; 16]));
    world.seen(EventKind::EnvFetched);
    used(&mut world, &mut acts, EventKind::Copied);
    used(&mut world, &mut acts, EventKind::Revealed);
    assert_eq!(acts.waiting().len(), 3, "a version is opened once on a device");
    for signed in acts.waiting().to_vec() {
        world.push(signed);
    }
    let mut copy = AuditCopy::new(0);
    assert_eq!(copy.facts(), None, "nothing is told before it is settled");
    world.read(&mut copy, &NO_PIN).unwrap();

    let facts = copy.facts().unwrap();
    let me = world.replica.principal();
    let uses = facts.uses(&me, &ENV, &SECRET);
    assert_eq!(uses.strongest(), Some((Use::Revealed, NOW + 3)));
    assert_eq!(uses.last(Use::Decrypted), Some(NOW + 1));
    assert_eq!(uses.last(Use::Exported), None);
    let env = facts.in_env(&me, &ENV).unwrap();
    assert_eq!(env.fetched.as_ref().unwrap().at_ms, NOW);
    assert_eq!(env.decrypted, Some((NOW + 3, DeviceId([1; 16]))));
    assert_eq!(facts.of(&me).unwrap().devices.len(), 1);
    assert_eq!(facts.doubtful(), 0);
    let vkey = world.log.isk.public();
    let bytes = copy.encode();
    assert_eq!(AuditCopy::decode(world.replica.state().org(), &vkey, &bytes).unwrap(), copy);
}

#[test]
fn a_log_that_is_not_the_signed_or_the_pinned_one_is_refused() {
    let mut world = World::new();
    for _ in 0..20 {
        world.seen(EventKind::ChainFetched);
    }
    let (pinned, _) = world.checkpoint(7);
    let pin = AuditPin { reset: 0, size: 7, root: pinned.root };
    world.read(&mut AuditCopy::new(0), &pin).unwrap();
    let wrong = AuditPin { root: [1; 32], ..pin };
    let refused = world.read(&mut AuditCopy::new(0), &wrong);
    assert_eq!(refused, Err(LogError::Forked { size: 7 }));

    let mut copy = AuditCopy::new(0);
    let against = Against::new(world.replica.state(), &NO_PIN);
    for event in world.events.iter().skip(1) {
        copy.read(&against, event).unwrap();
    }
    let (checkpoint, note) = world.checkpoint(20);
    assert!(copy.settle(checkpoint, &note).is_err(), "an entry was left out");
    let shorter = Checkpoint { size: 19, ..checkpoint };
    assert!(copy.settle(shorter, &note).is_err(), "as many entries, and others");
    let mut whole = AuditCopy::new(0);
    for event in &world.events {
        whole.read(&against, event).unwrap();
    }
    let other_log = Checkpoint { reset: 1, ..checkpoint };
    assert!(whole.settle(other_log, &note).is_err());
    assert!(whole.settle(checkpoint, &note).is_ok());
    assert_eq!(copy.facts(), None);
    let mut foreign = Event::decode(&world.events[0]).unwrap();
    foreign.act.org = OrgId([9; 32]);
    assert_eq!(copy.read(&against, &foreign.encode()), Err(LogError::Foreign));
}

#[test]
fn an_act_that_its_actor_did_not_sign_tells_nothing_and_hides_nothing() {
    let mut world = World::new();
    let mut acts = Acts::new(DeviceId([1; 16]));
    used(&mut world, &mut acts, EventKind::Revealed);
    let honest = acts.waiting().to_vec();
    let mut forged = honest[0].clone();
    forged.act.kind = EventKind::Exported;
    world.push(forged);
    world.push(honest[0].clone());
    world.push(honest[0].clone());
    world.push(honest[1].clone());
    let mut elsewhere = honest[1].act.clone();
    elsewhere.actor_seq = 3;
    let signature = world.replica.me().keyset.isk.sign(&elsewhere.message());
    world.push(SignedAct { act: elsewhere, signature });
    let mut copy = AuditCopy::new(0);
    world.read(&mut copy, &NO_PIN).unwrap();
    let facts = copy.facts().unwrap();
    let uses = facts.uses(&world.replica.principal(), &ENV, &SECRET);
    assert_eq!(facts.doubtful(), 3, "one forged, one shown twice, one out of its place");
    assert_eq!(uses.last(Use::Exported), None);
    assert_eq!(uses.last(Use::Revealed), Some(NOW + 3));
}

#[test]
fn a_lost_answer_and_a_restored_disk_lose_no_act() {
    let mut world = World::new();
    let mut acts = Acts::new(DeviceId([1; 16]));
    used(&mut world, &mut acts, EventKind::Copied);
    let before = Acts::decode(&acts.encode()).unwrap();
    used(&mut world, &mut acts, EventKind::Revealed);
    let me = Arc::clone(world.replica.me());
    let logged = acts.waiting()[1].clone();
    let head = ActorHead { seq: 2, hash: act_hash(&logged.act) };

    // The server took the first two, and its answer was lost.
    let mut lost = acts.clone();
    lost.realign(&me, world.replica.state(), Some(&head), DeviceId([2; 16]));
    assert_eq!(lost.waiting(), &acts.waiting()[2..]);
    assert_eq!(lost.device(), DeviceId([1; 16]));

    // An older queue goes on beside the log instead of in it.
    let mut older = before;
    older.sent(2);
    used(&mut world, &mut older, EventKind::Exported);
    let third = ActorHead { seq: 3, hash: act_hash(&acts.waiting()[2].act) };
    older.realign(&me, world.replica.state(), Some(&third), DeviceId([2; 16]));
    assert_eq!(older.device(), DeviceId([2; 16]));
    assert_eq!(older.waiting()[0].act.actor_seq, 1);
    for signed in acts.waiting().to_vec().into_iter().chain(older.waiting().to_vec()) {
        world.push(signed);
    }
    let mut copy = AuditCopy::new(0);
    world.read(&mut copy, &NO_PIN).unwrap();
    assert_eq!(copy.facts().unwrap().doubtful(), 0);
}

#[test]
fn the_counts_of_old_builds_are_forgotten_and_those_of_people_are_not() {
    let mut copy = AuditCopy::new(0);
    let device = |n: u64| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        DeviceId(id)
    };
    let head = ActorHead { seq: 1, hash: [1; 32] };
    let (person, token) = (
        Principal::User(UserId([7; 16])),
        Principal::Token(strongroom_format::id::TokenId([8; 16])),
    );
    copy.actors.insert((person, device(0)), (head, 0));
    for n in 1..=MAX_ACTORS as u64 {
        copy.actors.insert((token, device(n)), (head, n));
    }
    copy.forget_runs();
    assert!(copy.actors.len() <= MAX_ACTORS / 2 + 2);
    assert!(copy.actor(person, device(0)).is_some() && copy.actor(token, device(1)).is_none());
    assert!(copy.actor(token, device(MAX_ACTORS as u64)).is_some());
}
