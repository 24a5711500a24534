//! A log of made-up rows over the chain of a real, small organisation.

use std::collections::BTreeMap;

use strongroom_format::event::EventKind;
use strongroom_format::id::{EnvId, Principal, SecretId, UserId};

use super::*;
use crate::log::Verdict;
use crate::offboard::tests::{NOW as FOUNDED, Story};

pub(super) const ADDRESS: &str = "192.0.2.7";

/// Over half a year after the organisation was founded, at noon of a Tuesday by UTC.
pub(super) struct World {
    pub(super) story: Story,
    pub(super) now: u64,
    pub(super) rows: Vec<Glance<'static>>,
    pub(super) secrets: KnownSecrets,
    pub(super) decoys: BTreeMap<(EnvId, SecretId), u64>,
    pub(super) queues: Vec<Queue>,
    pub(super) dismissed: BTreeMap<Key, u64>,
    pub(super) facts: Option<Facts>,
    pub(super) class: EnvClass,
    pub(super) zone: Zone,
}

impl World {
    pub(super) fn new() -> Self {
        let days = FOUNDED / DAY_MS + 200;
        let tuesday = (days..days + 7).find(|day| (day + 3) % 7 == 1).unwrap();
        Self {
            story: Story::begin(),
            now: tuesday * DAY_MS + 12 * HOUR_MS,
            rows: Vec::new(),
            secrets: KnownSecrets::default(),
            decoys: BTreeMap::new(),
            queues: Vec::new(),
            dismissed: BTreeMap::new(),
            facts: Some(Facts::default()),
            class: EnvClass::Other,
            zone: Zone::default(),
        }
    }

    pub(super) fn env(&self) -> EnvId {
        self.story.env
    }

    /// A use of `secret` by a person, signed by its client.
    pub(super) fn used(&mut self, who: u8, kind: EventKind, secret: u8, at_ms: u64) {
        self.row(Some(person(who)), kind, Verdict::Signed, secret, at_ms);
    }

    /// Something that the server refused.
    pub(super) fn refused(&mut self, address: &'static str, at_ms: u64) {
        self.row(None, EventKind::Refused, Verdict::Seen, 0, at_ms);
        let row = self.rows.last_mut().unwrap();
        (row.status, row.address) = (403, address);
    }

    pub(super) fn row(
        &mut self,
        who: Option<Principal>,
        kind: EventKind,
        verdict: Verdict,
        secret: u8,
        at_ms: u64,
    ) {
        let (env, secret) = (self.env(), SecretId([secret; 16]));
        let status = if kind.is_signed() { 0 } else { 200 };
        self.rows.push(Glance { at_ms, kind, verdict, who, env, secret, status, address: ADDRESS });
    }

    pub(super) fn look(&self) -> Insights {
        let classes = BTreeMap::from([(self.env(), self.class)]);
        let known = Known {
            state: self.story.replica.state(),
            secrets: &self.secrets,
            classes: &classes,
            decoys: &self.decoys,
            queues: &self.queues,
            facts: self.facts.as_ref(),
            dismissed: &self.dismissed,
            now_ms: self.now,
            zone: self.zone,
        };
        look(&known, self.rows.iter().copied())
    }

    pub(super) fn found(&self) -> Vec<What> {
        self.look().findings.into_iter().map(|finding| finding.what).collect()
    }

    pub(super) fn ago(&self, ms: u64) -> u64 {
        self.now - ms
    }
}

pub(super) fn person(n: u8) -> Principal {
    Principal::User(UserId([n; 16]))
}
