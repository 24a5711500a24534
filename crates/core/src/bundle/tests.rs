use std::collections::BTreeMap;

use strongroom_chain::tree::{Frontier, leaf_hash};
use strongroom_crypto::safe::Keyset;
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, Event, EventKind, SignedAct};
use strongroom_format::hash::{Digest, ZERO, label};
use strongroom_format::id::{DeviceId, EnvId, Principal, SecretId};
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::Body;

use super::*;
use crate::log::Acts;
use crate::offboard::tests::Story;
use crate::replica::Me;

mod mutants;
mod rich;

/// An organisation with a person and a token, and a log of what they did.
pub(super) struct World {
    pub(super) story: Story,
    pub(super) events: Vec<Vec<u8>>,
    frontier: Frontier,
    nodes: BTreeMap<(u8, u64), Digest>,
    person: Acts,
    token: Acts,
}

impl World {
    pub(super) fn new() -> Self {
        let mut story = Story::begin();
        story.issue();
        Self {
            story,
            events: Vec::new(),
            frontier: Frontier::new(),
            nodes: BTreeMap::new(),
            person: Acts::new(DeviceId([1; 16])),
            token: Acts::new(DeviceId([2; 16])),
        }
    }

    /// 23 entries of every sort, with the state after ten of them repeated in the chain.
    pub(super) fn usual() -> Self {
        let mut world = Self::new();
        for n in 0..23 {
            match n % 4 {
                0 => world.seen(EventKind::EnvFetched),
                1 => world.acts(EventKind::Revealed),
                2 => world.runs(),
                _ => world.seen(EventKind::LinkAppended),
            }
            if n == 9 {
                world.anchor();
            }
        }
        world
    }

    fn detail(&self) -> Detail {
        let (env, secret) = (self.story.env, SecretId([3; 16]));
        Detail { env, secret, version: 2, number: 1, status: 0 }
    }

    pub(super) fn seen(&mut self, kind: EventKind) {
        let state = self.story.replica.state();
        let act = Act {
            org: state.org(),
            kind,
            actor: Some(self.story.replica.principal()),
            device: DeviceId::ZERO,
            actor_seq: 0,
            actor_prev: ZERO,
            org_head: state.head(),
            detail: self.detail(),
            agency: None,
        };
        self.push(SignedAct { act, signature: [0; 64] });
    }

    /// The person does something.
    pub(super) fn acts(&mut self, kind: EventKind) {
        let (detail, replica) = (self.detail(), &self.story.replica);
        self.person.push(replica.me(), replica.state(), kind, detail);
        let signed = self.person.waiting().last().unwrap().clone();
        self.push(signed);
    }

    /// The token does something.
    fn runs(&mut self) {
        let me = Me::token(&self.story.token);
        let detail = self.detail();
        self.token.push(&me, self.story.replica.state(), EventKind::Injected, detail);
        let signed = self.token.waiting().last().unwrap().clone();
        self.push(signed);
    }

    pub(super) fn push(&mut self, signed: SignedAct) {
        let SignedAct { act, signature } = signed;
        let server_time_ms = self.story.now + 60_000 * self.events.len() as u64;
        let peer = "192.0.2.1:5".to_owned();
        let event = Event { act, signature, server_time_ms, peer }.encode();
        for node in self.frontier.append(leaf_hash(&event)) {
            self.nodes.insert((node.level, node.index), node.hash);
        }
        self.events.push(event);
    }

    fn anchor(&mut self) {
        let (size, root) = (self.frontier.size(), self.frontier.root());
        self.story.write(|pen, _| {
            pen.link(Body::AuditAnchor { reset: 0, size, root }).unwrap();
        });
    }

    pub(super) fn note(&self) -> String {
        note_of(&self.story, self.frontier.size(), self.frontier.root(), &self.story.log)
    }

    pub(super) fn order(&self, entries: u64) -> Order {
        Order {
            filter: "Everything that Mara did \u{2014} \"all\"".to_owned(),
            query: "{\"kinds\":[\"revealed\"]}".to_owned(),
            now_ms: self.story.now + 9_000_000,
            checkpoint: self.note(),
            entries,
        }
    }

    pub(super) fn bundle(&self, chosen: &[u64], names: bool) -> Vec<u8> {
        self.try_bundle(&self.order(chosen.len() as u64), chosen, names).unwrap()
    }

    fn try_bundle(
        &self,
        order: &Order,
        chosen: &[u64],
        names: bool,
    ) -> Result<Vec<u8>, WriteError> {
        let mut node = |level, index| self.nodes.get(&(level, index)).copied();
        let mut writer = BundleWriter::begin(Vec::new(), &self.story.replica, order.clone())?;
        for entry in chosen {
            let event = &self.events[usize::try_from(*entry).unwrap()];
            writer.entry(*entry, event, &mut node)?;
        }
        writer.finish(&mut node, &mut |named| names.then(|| format!("N\u{e4}me of {named}")))
    }

    pub(super) fn all(&self) -> Vec<u64> {
        (0..self.events.len() as u64).collect()
    }
}

pub(super) fn note_of(story: &Story, size: u64, root: Digest, log: &Keyset) -> String {
    let checkpoint = Checkpoint { org: story.replica.state().org(), reset: 0, size, root };
    let signature = log.isk.sign(checkpoint.text().as_bytes());
    checkpoint.note(&log.isk.public(), &signature)
}

fn judged(file: &[u8]) -> Judgement {
    judge(file).unwrap()
}

#[test]
fn a_whole_log_is_proven_with_who_signed_what() {
    let world = World::usual();
    let judgement = judged(&world.bundle(&world.all(), true));
    let state = world.story.replica.state();
    assert_eq!((judgement.org, judgement.org_seq), (state.org(), state.seq()));
    let tally = &judgement.tally;
    assert_eq!((tally.entries, tally.signed, tally.seen, tally.derived), (23, 12, 6, 5));
    assert_eq!((tally.doubtful, tally.missing, tally.is_contiguous()), (0, 0, true));
    let person = world.story.replica.principal();
    assert_eq!(tally.actors[&person], 6);
    assert_eq!(tally.actors[&world.story.who()], 6);
    assert_eq!(judgement.anchor.map(|anchor| anchor.size), Some(10));
    let words = judgement.sentences().join("\n");
    for said in [
        "Nothing is left out from entry 0",
        "to entry 22",
        "12 are signed by the client that acted",
        "That log continues the one of 10 entries which link",
        "counted without a gap",
        "(N\u{e4}me of usr_",
        "(owner), whose key signed the whole file",
    ] {
        assert!(words.contains(said), "{said} in\n{words}");
    }
    assert_eq!(judgement.limits().len(), 5, "names are somebody's word");
}

#[test]
fn chosen_entries_are_proven_and_their_completeness_is_not_claimed() {
    let world = World::usual();
    for chosen in [vec![], vec![0], vec![22], vec![1, 5, 9, 13, 17, 21], vec![7, 8, 9, 10]] {
        let judgement = judged(&world.bundle(&chosen, false));
        assert_eq!(judgement.tally.entries, chosen.len() as u64);
        let limits = judgement.limits().join("\n");
        let whole = chosen.windows(2).all(|pair| pair[1] == pair[0] + 1) && !chosen.is_empty();
        assert_eq!(limits.contains("no other entry fits the filter"), !whole, "{chosen:?}");
        assert_eq!(limits.contains("before entry"), whole, "{chosen:?}");
        let words = judgement.sentences().join("\n");
        assert_eq!(words.contains("Everything that Mara did"), !chosen.is_empty());
    }
}

#[test]
fn a_gap_within_a_range_is_told_and_one_beside_a_filter_is_not() {
    let mut world = World::usual();
    let (detail, replica) = (world.detail(), &world.story.replica);
    world.person.push(replica.me(), replica.state(), EventKind::Copied, detail);
    world.acts(EventKind::Revealed);
    let tally = judged(&world.bundle(&world.all(), false)).tally;
    let who = world.story.replica.principal();
    let gap = Gap { who, device: DeviceId([1; 16]), before: 23, missing: 1 };
    assert_eq!((tally.missing, tally.gaps), (1, vec![gap]));
    let judgement = judged(&world.bundle(&(5..24).collect::<Vec<_>>(), false));
    assert_eq!(judgement.tally.missing, 1);
    assert!(judgement.sentences().join("\n").contains("1 is missing in the log"));
    let words = judged(&world.bundle(&[1, 21, 23], false)).sentences().join("\n");
    assert!(!words.contains("missing") && !words.contains("without a gap"), "{words}");
}

#[test]
fn what_does_not_hold_by_itself_is_named_and_not_counted() {
    let mut world = World::usual();
    let again = world.person.waiting()[0].clone();
    world.push(again.clone());
    let mut forged = again.clone();
    forged.act.actor_seq = 90;
    world.push(forged);
    let mut stranger = again;
    stranger.act.org_head = [9; 32];
    world.push(stranger);
    let last = world.story.replica.state().seq();
    let mut detail = world.detail();
    detail.number = last + 1;
    let mut link = Event::decode(&world.events[3]).unwrap().act;
    link.detail = detail;
    world.push(SignedAct { act: link.clone(), signature: [0; 64] });
    // Said to be appended by somebody who did not sign it.
    link.detail.number = 1;
    link.actor = Some(world.story.who());
    world.push(SignedAct { act: link, signature: [0; 64] });
    let judgement = judged(&world.bundle(&world.all(), false));
    assert_eq!(judgement.tally.doubtful_at, [23, 24, 25, 26, 27]);
    assert_eq!((judgement.tally.signed, judgement.tally.derived), (12, 5));
    let words = judgement.sentences().join("\n");
    assert!(words.contains("Believe nothing of 5 entries"), "{words}");
}

#[test]
fn a_log_that_was_rewritten_behind_an_anchor_is_refused() {
    let mut world = World::usual();
    let events = std::mem::take(&mut world.events);
    (world.frontier, world.nodes) = (Frontier::new(), BTreeMap::new());
    for (n, event) in events.iter().enumerate() {
        let mut event = Event::decode(event).unwrap();
        event.peer = if n == 4 { "192.0.2.9:5".into() } else { event.peer };
        world.push(SignedAct { act: event.act, signature: event.signature });
        if n == 4 {
            let event = Event { peer: "192.0.2.9:5".into(), ..Event::decode(&events[n]).unwrap() };
            let mut frontier = Frontier::new();
            let bytes = event.encode();
            for earlier in world.events[..4].iter().chain([&bytes]) {
                for node in frontier.append(leaf_hash(earlier)) {
                    world.nodes.insert((node.level, node.index), node.hash);
                }
            }
            (world.frontier, world.events[4]) = (frontier, bytes);
        }
    }
    let refused = judge(world.bundle(&world.all(), false).as_slice()).unwrap_err();
    assert_eq!(refused.why, Why::Anchor);
}

#[test]
fn a_checkpoint_of_another_key_or_older_than_the_chain_makes_no_bundle() {
    let world = World::usual();
    let make = |note: String| {
        let order = Order { checkpoint: note, ..world.order(0) };
        world.try_bundle(&order, &[], false).unwrap_err().to_string()
    };
    let other = &world.story.replica.me().keyset;
    let (size, root) = (world.frontier.size(), world.frontier.root());
    assert!(make(note_of(&world.story, size, root, other)).contains("not signed"));
    assert!(make(note_of(&world.story, 9, root, &world.story.log)).contains("newer state"));
    let order = world.order(2);
    for chosen in [&[3, 2][..], &[3, 3], &[3], &[3, 4, 5]] {
        assert!(matches!(world.try_bundle(&order, chosen, false), Err(WriteError::Order)));
    }
    let mut node = |level, index| world.nodes.get(&(level, index)).copied();
    let mut writer = BundleWriter::begin(Vec::new(), &world.story.replica, order.clone()).unwrap();
    let beyond = writer.entry(23, &world.events[0], &mut node);
    assert!(matches!(beyond, Err(WriteError::Order)), "behind the end of the log");
    let mut gone = World::usual();
    gone.nodes.clear();
    assert!(matches!(gone.try_bundle(&order, &[3, 4], false), Err(WriteError::Missing)));
}

#[test]
fn entries_that_were_retired_are_covered_by_what_is_left_of_them() {
    let mut world = World::new();
    (0..23).for_each(|_| world.seen(EventKind::EnvFetched));
    // Of the first twelve entries only the widest subtrees are known: 0..8 and 8..12.
    world.nodes.retain(|(level, index), _| {
        index << level >= 12 || matches!((level, index), (3, 0) | (2, 2))
    });
    let judgement = judged(&world.bundle(&[16, 17], false));
    assert_eq!(judgement.tally.entries, 2);
}

#[test]
fn names_are_given_for_what_is_in_the_file_and_for_nothing_else() {
    let world = World::usual();
    let judgement = judged(&world.bundle(&[1, 2], true));
    let person = world.story.replica.principal();
    let (env, secret) = (world.story.env, SecretId([3; 16]));
    let expected = [
        Named::Who(person),
        Named::Who(world.story.who()),
        Named::Env(env),
        Named::Secret(env, secret),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(judgement.names.keys().copied().collect::<Vec<_>>(), expected);
    for named in judgement.names.keys() {
        assert_eq!(named.to_string().parse(), Ok(*named));
    }
    assert!("env_x/sec_y".parse::<Named>().is_err());
    let drill = Act { kind: EventKind::Drilled, ..Event::decode(&world.events[1]).unwrap().act };
    assert_eq!(Named::of(&drill).count(), 2, "a drill keeps its proof there");
    let nowhere = Detail { env: EnvId::ZERO, secret: SecretId::ZERO, ..drill.detail };
    let nobody = Act { actor: None::<Principal>, detail: nowhere, ..drill };
    assert_eq!(Named::of(&nobody).count(), 0);
}
