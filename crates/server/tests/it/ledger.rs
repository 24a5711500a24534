//! A reader of the audit log: hashes what it reads, and looks at what was signed.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use strongroom_chain::tree::{Frontier, leaf_hash};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Event, SignedAct};
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_format::note::Checkpoint;
use strongroom_format::wire::{ActPage, B64, EventsAnswer, MAX_ACTS, Receipt};

use crate::server::Client;
use crate::team::Team;

pub(crate) fn digests(nodes: &[B64]) -> Vec<Digest> {
    nodes.iter().map(|node| node.0.clone().try_into().unwrap()).collect()
}

/// Reads a checkpoint of a log that was never reset, and checks its signature.
pub(crate) fn open(note: &str, org: &OrgId, vkey: &[u8; 32]) -> Checkpoint {
    open_after(0, note, org, vkey).expect("a checkpoint of this log")
}

/// The same after resets; nothing if it is one of another log or by another key.
pub(crate) fn open_after(
    reset: u32,
    note: &str,
    org: &OrgId,
    vkey: &[u8; 32],
) -> Option<Checkpoint> {
    let (checkpoint, signature) = Checkpoint::parse(note, org, reset, vkey).ok()?;
    let key = VerifyingKey::from_bytes(vkey).unwrap();
    key.verify_strict(checkpoint.text().as_bytes(), &signature.into()).ok()?;
    Some(checkpoint)
}

/// What is kept of a log, and the root at every size from `base` on.
pub(crate) struct Copy {
    pub(crate) base: u64,
    pub(crate) events: Vec<Vec<u8>>,
    pub(crate) roots: BTreeMap<u64, Digest>,
    pub(crate) checkpoint: String,
}

impl Copy {
    /// All of it, as a new reader reads it.
    pub(crate) async fn read(client: &Client, org: &OrgId, session: &str) -> Self {
        let page = events(client, org, session, 0).await;
        let mut tree = Frontier::kept(page.base, digests(&page.peaks)).unwrap();
        let mut copy = Self {
            base: page.base,
            events: Vec::new(),
            roots: BTreeMap::from([(tree.size(), tree.root())]),
            checkpoint: String::new(),
        };
        let mut page = page;
        loop {
            for event in &page.events {
                Event::decode(&event.0).unwrap();
                tree.append(leaf_hash(&event.0));
                copy.roots.insert(tree.size(), tree.root());
                copy.events.push(event.0.clone());
            }
            copy.checkpoint = page.checkpoint;
            if !page.more {
                return copy;
            }
            page = events(client, org, session, tree.size()).await;
            assert_eq!((page.base, page.peaks.len()), (tree.size(), 0));
        }
    }

    pub(crate) fn size(&self) -> u64 {
        *self.roots.last_key_value().unwrap().0
    }
}

pub(crate) async fn events(client: &Client, org: &OrgId, session: &str, from: u64) -> EventsAnswer {
    client.get(&format!("/v1/orgs/{org}/audit/events?from={from}"), session).await.json()
}

/// The next `count` acts of the owner on one device.
pub(crate) fn acts(team: &Team, last: Option<&Act>, count: usize) -> Vec<SignedAct> {
    let mut acts: Vec<SignedAct> = Vec::with_capacity(count);
    for _ in 0..count {
        let before = acts.last().map(|signed| &signed.act).or(last);
        let next = team.owner.act(team, before);
        acts.push(next);
    }
    acts
}

/// Makes a log of at least `size` entries by acts of the owner.
pub(crate) async fn grow(client: &Client, team: &Team, session: &str, size: usize) {
    let path = format!("/v1/orgs/{}/events", team.org());
    let all = acts(team, None, size);
    for page in all.chunks(MAX_ACTS) {
        let page = ActPage { acts: page.to_vec() };
        let _: Receipt = client.post(&path, session, &page).await.json();
    }
}
