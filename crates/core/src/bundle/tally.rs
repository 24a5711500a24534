//! What the entries of a bundle are worth, counted while they pass.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_format::event::EventKind;
use strongroom_format::hash::{Digest, ZERO};
use strongroom_format::id::{DeviceId, Principal};

use super::line::Named;
use crate::log::{Weighed, Word};

/// So many places of each sort are kept to be shown; all are counted.
const SHOWN: usize = 20;

/// Acts of one actor and device that are not in the log where they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Whose.
    pub who: Principal,
    /// On which device.
    pub device: DeviceId,
    /// The entry before which they are missing.
    pub before: u64,
    /// How many.
    pub missing: u64,
}

/// The newest act of one actor on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Head {
    seq: u64,
    hash: Digest,
}

/// What the entries are worth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many entries there are.
    pub entries: u64,
    /// How many are signed by the client that acted.
    pub signed: u64,
    /// How many are the server's word.
    pub seen: u64,
    /// How many repeat links and commits.
    pub derived: u64,
    /// How many claim what does not hold.
    pub doubtful: u64,
    /// The first of those, at most twenty.
    pub doubtful_at: Vec<u64>,
    /// The signed entries of each actor.
    pub actors: BTreeMap<Principal, u64>,
    /// How many acts are missing between those that are here.
    pub missing: u64,
    /// The first places where acts are missing, at most twenty.
    pub gaps: Vec<Gap>,
    /// The first and the last entry, with the server's time.
    pub range: Option<((u64, u64), (u64, u64))>,
    pub(super) named: BTreeSet<Named>,
    heads: BTreeMap<(Principal, DeviceId), Head>,
    /// Who signed each link.
    authors: Vec<Principal>,
}

impl Tally {
    /// Nothing yet, beside a chain whose links were signed by these.
    pub(super) fn new(authors: Vec<Principal>) -> Self {
        Self { authors, ..Self::default() }
    }

    /// Whether nothing between the first and the last entry is left out.
    pub fn is_contiguous(&self) -> bool {
        self.range.is_some_and(|((first, _), (last, _))| last - first + 1 == self.entries)
    }

    pub(super) fn first_doubtful(&self) -> Option<u64> {
        self.doubtful_at.first().copied()
    }

    /// Counts the next entry; entries come in their order.
    pub(super) fn take(&mut self, entry: u64, weighed: &Weighed) {
        let act = &weighed.event.act;
        let here = (entry, weighed.event.server_time_ms);
        let first = self.range.map_or(here, |(first, _)| first);
        self.range = Some((first, here));
        self.entries += 1;
        self.named.extend(Named::of(act));
        let is_there =
            act.kind != EventKind::LinkAppended || self.is_by(act.actor, act.detail.number);
        match (weighed.word, act.actor) {
            (Word::Server, _) if !is_there => self.doubt(entry),
            (Word::Server, _) if act.kind.is_derived() => self.derived += 1,
            (Word::Server, _) => self.seen += 1,
            (Word::Actor { hash, .. }, Some(who)) => self.count(entry, who, weighed, hash),
            (Word::Actor { .. } | Word::Nobody, _) => self.doubt(entry),
        }
    }

    /// Whether a link is there, signed by who is said to have appended it.
    fn is_by(&self, who: Option<Principal>, link: u64) -> bool {
        let author = usize::try_from(link).ok().and_then(|link| self.authors.get(link));
        author.is_some_and(|author| who == Some(*author))
    }

    fn doubt(&mut self, entry: u64) {
        self.doubtful += 1;
        if self.doubtful_at.len() < SHOWN {
            self.doubtful_at.push(entry);
        }
    }

    /// Counts a signed act behind those of its actor and device. Where entries are left out, acts
    /// may be missing between them; where none are, a gap is a gap of the log.
    fn count(&mut self, entry: u64, who: Principal, weighed: &Weighed, hash: Digest) {
        let act = &weighed.event.act;
        let head = self.heads.get(&(who, act.device));
        let begins = self.range.is_some_and(|((first, _), _)| first == 0);
        let known = match head {
            Some(head) => Some((head.seq, head.hash)),
            None if begins => Some((0, ZERO)),
            None => None,
        };
        let (last, prev) = known.unwrap_or((act.actor_seq.saturating_sub(1), act.actor_prev));
        // Counted already: the same act again, or another one in its place.
        let Some(steps) = act.actor_seq.checked_sub(last).filter(|steps| *steps > 0) else {
            return self.doubt(entry);
        };
        // Where the count goes on and the act before is another one, the right one is missing.
        let missing = if steps == 1 { u64::from(act.actor_prev != prev) } else { steps - 1 };
        self.signed += 1;
        *self.actors.entry(who).or_default() += 1;
        self.missing = self.missing.saturating_add(missing);
        if missing > 0 && self.gaps.len() < SHOWN {
            self.gaps.push(Gap { who, device: act.device, before: entry, missing });
        }
        self.heads.insert((who, act.device), Head { seq: act.actor_seq, hash });
    }
}
