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

/// A query, worked out for one index. A group without a filter has no table.
pub(super) struct Filter {
    what: Option<Box<[u8; What::END]>>,
    who: Option<Vec<u8>>,
    places: Option<Vec<u8>>,
    from_ms: u64,
    to_ms: Option<u64>,
    words: Option<Words>,
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

    /// Whether anything but words is asked for.
    pub(super) fn has_groups(&self) -> bool {
        self.what.is_some() || self.who.is_some() || self.places.is_some() || self.has_times()
    }

    fn has_times(&self) -> bool {
        self.from_ms > 0 || self.to_ms.is_some()
    }

    /// What the rows from `first` on fail, one bit for each group.
    pub(super) fn mark(&self, index: &Index, first: usize, misses: &mut [u8]) {
        misses.fill(0);
        if let Some(table) = &self.what {
            for (miss, what) in misses.iter_mut().zip(&index.what[first..]) {
                *miss |= table[what.at()];
            }
        }
        for (table, ids) in [(&self.who, &index.who), (&self.places, &index.place)] {
            let Some(table) = table else { continue };
            for (miss, id) in misses.iter_mut().zip(&ids[first..]) {
                *miss |= table[*id as usize];
            }
        }
        if self.has_times() {
            // The end of time belongs to a range without an end.
            let (from, last) =
                (self.from_ms, self.to_ms.map_or(u64::MAX, |to| to.saturating_sub(1)));
            let nothing = self.to_ms == Some(0);
            for (miss, at_ms) in misses.iter_mut().zip(&index.at_ms[first..]) {
                *miss |= unless(*at_ms >= from && *at_ms <= last && !nothing, miss::TIME);
            }
        }
        if let Some(words) = &self.words {
            words.mark(index, first, misses);
        }
    }
}

fn unless(fits: bool, bit: u8) -> u8 {
    if fits { 0 } else { bit }
}

fn what(query: &Query) -> Option<Box<[u8; What::END]>> {
    let asks = !(query.levels.is_empty() && query.kinds.is_empty() && query.outcomes.is_empty());
    if !asks && !query.quiet {
        return None;
    }
    let mut table = Box::new([0; What::END]);
    for (what, verdict, kind, outcome) in What::all() {
        let level = query.levels.is_empty() || query.levels.contains(&verdict.level());
        let ended = query.outcomes.is_empty() || query.outcomes.contains(&outcome);
        table[what.at()] = unless(level, miss::LEVEL)
            | unless(query.wants(kind), miss::KIND)
            | unless(ended, miss::OUTCOME);
    }
    Some(table)
}

fn who(index: &Index, query: &Query) -> Option<Vec<u8>> {
    if query.who.is_empty() {
        return None;
    }
    let wanted: HashSet<_> = query.who.iter().collect();
    let actors = index.people.values().iter();
    let table =
        actors.map(|actor| unless(actor.found_by().any(|who| wanted.contains(&who)), miss::WHO));
    Some(table.collect())
}

fn places(index: &Index, query: &Query) -> Option<Vec<u8>> {
    if query.envs.is_empty() && query.secrets.is_empty() {
        return None;
    }
    let envs: HashSet<_> = query.envs.iter().collect();
    let secrets: HashSet<_> = query.secrets.iter().collect();
    let misses = |place: &(_, _)| {
        unless(envs.is_empty() || envs.contains(&place.0), miss::ENV)
            | unless(secrets.is_empty() || secrets.contains(place), miss::SECRET)
    };
    Some(index.places.values().iter().map(misses).collect())
}
