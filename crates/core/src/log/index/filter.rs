//! Which filters a row fails, by tables over the dictionaries.

use std::collections::HashSet;

use super::words::Words;
use super::{Index, Names, Query, What};

/// One bit for each group of filters.
pub(super) mod miss {
    pub(crate) const LEVEL: u8 = 1;
    pub(crate) const KIND: u8 = 1 << 1;
    pub(crate) const OUTCOME: u8 = 1 << 2;
    pub(crate) const WHO: u8 = 1 << 3;
    pub(crate) const ENV: u8 = 1 << 4;
    pub(crate) const SECRET: u8 = 1 << 5;
    pub(crate) const TEXT: u8 = 1 << 6;
    pub(crate) const TIME: u8 = 1 << 7;
}

/// A query, worked out for one index.
pub(super) struct Filter {
    what: [u8; What::END],
    who: Vec<u8>,
    places: Vec<u8>,
    from_ms: u64,
    to_ms: Option<u64>,
    pub(super) words: Option<Words>,
}

impl Filter {
    pub(super) fn new(index: &Index, query: &Query, names: &dyn Names) -> Self {
        Self {
            what: what(query),
            who: who(index, query),
            places: places(index, query),
            from_ms: query.from_ms.unwrap_or(0),
            to_ms: query.to_ms,
            words: Words::new(index, &query.text, names),
        }
    }

    /// Whether the time of a row is looked at at all.
    pub(super) fn has_times(&self) -> bool {
        self.from_ms > 0 || self.to_ms.is_some()
    }

    /// The groups that a row fails, but for the text.
    pub(super) fn misses(&self, what: What, who: u32, place: u32, at_ms: u64) -> u8 {
        let in_time = at_ms >= self.from_ms && self.to_ms.is_none_or(|to_ms| at_ms < to_ms);
        let time = if in_time { 0 } else { miss::TIME };
        self.what[what.at()] | self.who[who as usize] | self.places[place as usize] | time
    }
}

fn unless(fits: bool, bit: u8) -> u8 {
    if fits { 0 } else { bit }
}

fn what(query: &Query) -> [u8; What::END] {
    let mut table = [0; What::END];
    for (what, verdict, kind, outcome) in What::all() {
        let level = query.levels.is_empty() || query.levels.contains(&verdict.level());
        let ended = query.outcomes.is_empty() || query.outcomes.contains(&outcome);
        table[what.at()] = unless(level, miss::LEVEL)
            | unless(query.wants(kind), miss::KIND)
            | unless(ended, miss::OUTCOME);
    }
    table
}

fn who(index: &Index, query: &Query) -> Vec<u8> {
    let mut table = vec![unless(query.who.is_empty(), miss::WHO); index.people.values().len()];
    for at in query.who.iter().filter_map(|who| index.people.find(who)) {
        table[at] = 0;
    }
    table
}

fn places(index: &Index, query: &Query) -> Vec<u8> {
    let envs: HashSet<_> = query.envs.iter().collect();
    let secrets: HashSet<_> = query.secrets.iter().collect();
    let misses = |place: &(_, _)| {
        unless(envs.is_empty() || envs.contains(&place.0), miss::ENV)
            | unless(secrets.is_empty() || secrets.contains(place), miss::SECRET)
    };
    index.places.values().iter().map(misses).collect()
}
