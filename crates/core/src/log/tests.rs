use std::sync::Arc;

use strongroom_chain::tree::{self, leaf_hash};
use strongroom_crypto::safe::{Keyset, RepeatableEntropy};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, Event, EventKind, SignedAct};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{EnvId, OrgId, SecretId, UserId};
use strongroom_format::wire::act_hash;

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
            agency: None,
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
            read(copy, &against, event)?;
        }
        let (checkpoint, note) = self.checkpoint(self.events.len());
        copy.settle(checkpoint, &note)
    }
}

fn read(copy: &mut AuditCopy, against: &Against<'_>, bytes: &[u8]) -> Result<Verdict, LogError> {
    copy.take(against, &weigh(against, bytes)?)
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
        read(&mut copy, &against, event).unwrap();
    }
    let (checkpoint, note) = world.checkpoint(20);
    assert!(copy.settle(checkpoint, &note).is_err(), "an entry was left out");
    let shorter = Checkpoint { size: 19, ..checkpoint };
    assert!(copy.settle(shorter, &note).is_err(), "as many entries, and others");
    let mut whole = AuditCopy::new(0);
    for event in &world.events {
        read(&mut whole, &against, event).unwrap();
    }
    let other_log = Checkpoint { reset: 1, ..checkpoint };
    assert!(whole.settle(other_log, &note).is_err());
    assert!(whole.settle(checkpoint, &note).is_ok());
    assert_eq!(copy.facts(), None);
    let mut foreign = Event::decode(&world.events[0]).unwrap();
    foreign.act.org = OrgId([9; 32]);
    assert_eq!(read(&mut copy, &against, &foreign.encode()), Err(LogError::Foreign));
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
    assert_eq!(facts.doubtful(), 2, "one forged, one shown twice");
    assert_eq!(facts.gaps(), 1, "one that names others before it than are there");
    assert_eq!(uses.last(Use::Exported), None);
    assert_eq!(uses.last(Use::Revealed), Some(NOW + 4));
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

#[test]
fn an_act_that_was_left_out_shows_at_the_next_one_and_only_there() {
    let mut world = World::new();
    let mut acts = Acts::new(DeviceId([1; 16]));
    for _ in 0..4 {
        used(&mut world, &mut acts, EventKind::Revealed);
    }
    for (at, signed) in acts.waiting().to_vec().into_iter().enumerate() {
        if at != 2 {
            world.push(signed);
        }
    }
    let mut copy = AuditCopy::new(0);
    let against = Against::new(world.replica.state(), &NO_PIN);
    let verdicts: Vec<_> =
        world.events.iter().map(|event| read(&mut copy, &against, event).unwrap()).collect();
    assert_eq!(verdicts, [Verdict::Signed, Verdict::Signed, Verdict::Gap, Verdict::Signed]);
    assert_eq!((copy.facts.gaps(), copy.facts.doubtful()), (1, 0));
}

#[test]
fn an_act_by_a_newer_chain_waits_for_it_and_is_doubted_after_that() {
    let mut world = World::new();
    let mut acts = Acts::new(DeviceId([1; 16]));
    used(&mut world, &mut acts, EventKind::Revealed);
    let mut act = acts.waiting()[0].act.clone();
    act.org_head = [9; 32];
    let signature = world.replica.me().keyset.isk.sign(&act.message());
    world.push(SignedAct { act, signature });
    let against = Against::new(world.replica.state(), &NO_PIN).patient();
    let ahead = weigh(&against, &world.events[0]);
    assert_eq!(ahead.err(), Some(LogError::Ahead));
    let against = Against::new(world.replica.state(), &NO_PIN);
    let verdict = read(&mut AuditCopy::new(0), &against, &world.events[0]);
    assert_eq!(verdict, Ok(Verdict::Doubtful));
}

/// A log of `count` entries and everything that a device keeps of it.
fn kept(world: &mut World, count: u64, copy: &mut AuditCopy) -> Vec<Arc<Segment>> {
    for _ in 0..count {
        world.seen(EventKind::ChainFetched);
    }
    let against = Against::new(world.replica.state(), &NO_PIN);
    let mut segments = vec![Segment::new(0)];
    for weighed in weigh_all(&against, &world.events) {
        let weighed = weighed.unwrap();
        let verdict = copy.take(&against, &weighed).unwrap();
        if segments.last().unwrap().is_full() {
            segments.push(Segment::new(segments.len() as u64));
        }
        let bytes = weighed.event.encode();
        segments.last_mut().unwrap().push(Entry { verdict, bytes });
    }
    segments.into_iter().map(Arc::new).collect()
}

#[test]
fn every_proof_can_be_worked_out_from_what_is_kept() {
    let mut world = World::new();
    let mut copy = AuditCopy::new(0);
    let segments = kept(&mut world, 3 * SEGMENT + 77, &mut copy);
    for segment in &segments {
        assert_eq!(Segment::decode(&segment.encode()).unwrap(), **segment);
    }
    let load = |number: u64| segments.get(usize::try_from(number).ok()?).cloned();
    let mut nodes = Nodes::new(&copy, load);
    let (size, root) = (copy.size(), copy.root());
    assert_eq!(nodes.root_at(size), Some(root));
    for entry in [0, 1, 1_023, 1_024, 2_500, 3_071, 3_072, size - 1] {
        let event = &world.events[usize::try_from(entry).unwrap()];
        let proof = tree::prove_inclusion(entry, size, |l, i| nodes.lookup(l, i)).unwrap();
        tree::verify_inclusion(&leaf_hash(event), entry, size, &root, &proof).unwrap();
    }
    for old in [1, 1_000, 1_024, 2_049, 3_072, size - 1] {
        let proof = tree::prove_consistency(old, size, |l, i| nodes.lookup(l, i)).unwrap();
        let (old_root, _) = world.checkpoint(usize::try_from(old).unwrap());
        assert_eq!(nodes.root_at(old), Some(old_root.root));
        tree::verify_consistency(old, &old_root.root, size, &root, &proof).unwrap();
    }
    assert_eq!(nodes.lookup(0, size), None, "behind the end");
    assert_eq!(nodes.lookup(12, 0), None, "a subtree that is not complete");
    assert_eq!(nodes.lookup(63, u64::MAX), None);
    let vkey = world.log.isk.public();
    let bytes = copy.encode();
    assert_eq!(AuditCopy::decode(world.replica.state().org(), &vkey, &bytes).unwrap(), copy);
}

#[test]
fn a_log_whose_beginning_was_retired_goes_on_from_the_root_that_an_owner_signed() {
    let mut world = World::new();
    let mut whole = AuditCopy::new(0);
    let segments = kept(&mut world, 5 * SEGMENT + 3, &mut whole);
    let base = 3 * SEGMENT;
    let mut log = Frontier::new();
    for event in &world.events[..usize::try_from(base).unwrap()] {
        log.append(leaf_hash(event));
    }
    let retained = AuditPin { reset: 0, size: base, root: log.root() };
    let peaks = log.peaks().to_vec();
    let mut wrong = peaks.clone();
    wrong[1] = [7; 32];
    assert!(AuditCopy::retained(&retained, wrong).is_err());
    assert!(AuditCopy::retained(&AuditPin { size: base + 1, ..retained }, peaks.clone()).is_err());

    let mut copy = AuditCopy::retained(&retained, peaks).unwrap();
    let against = Against::new(world.replica.state(), &NO_PIN);
    for event in &world.events[usize::try_from(base).unwrap()..] {
        read(&mut copy, &against, event).unwrap();
    }
    let (checkpoint, note) = world.checkpoint(world.events.len());
    copy.settle(checkpoint, &note).unwrap();
    let mut later = whole.clone();
    later.settle(checkpoint, &note).unwrap();
    later.retire(&retained, log.peaks().to_vec()).unwrap();
    assert_eq!((later.base(), later.roots()), (copy.base(), copy.roots()));
    assert_eq!(
        (later.base_peaks, later.frontier),
        (copy.base_peaks.clone(), copy.frontier.clone())
    );
    let other = AuditPin { root: [1; 32], ..retained };
    assert!(whole.clone().retire(&other, log.peaks().to_vec()).is_err());

    let load = |number: u64| {
        assert!(number >= 3, "what was retired is not asked for");
        segments.get(usize::try_from(number).ok()?).cloned()
    };
    let mut nodes = Nodes::new(&copy, load);
    for entry in [base, base + 1_500, copy.size() - 1] {
        let event = &world.events[usize::try_from(entry).unwrap()];
        let proof = tree::prove_inclusion(entry, copy.size(), |l, i| nodes.lookup(l, i)).unwrap();
        tree::verify_inclusion(&leaf_hash(event), entry, copy.size(), &copy.root(), &proof)
            .unwrap();
    }
    assert_eq!(nodes.root_at(base), Some(retained.root));
    assert!(tree::prove_inclusion(5, copy.size(), |l, i| nodes.lookup(l, i)).is_err());
    let vkey = world.log.isk.public();
    let bytes = copy.encode();
    assert_eq!(AuditCopy::decode(world.replica.state().org(), &vkey, &bytes).unwrap(), copy);
}
