//! One pass over the columns: rows, counts, and the bars of the timeline.

use std::collections::HashMap;

use super::filter::{Filter, miss};
use super::{Bar, Facets, Found, Index, Names, Query, Timeline, What};
use crate::log::Level;

/// The bars of a timeline.
const BARS: u64 = 60;
/// The most secrets that are counted by name.
const MAX_SECRETS: usize = 50;

impl Index {
    /// Filters, counts and draws the timeline.
    pub fn ask(&self, query: &Query, names: &dyn Names) -> Found {
        let filter = Filter::new(self, query, names);
        let pass = match &filter.words {
            None => Pass::over(self, &filter, |_| true),
            Some(words) => Pass::over(self, &filter, |at| words.are_in(self, at)),
        };
        let timeline = timeline(self, &pass.rows, &pass.at_other_times);
        Found { facets: pass.counts.facets(self, query), rows: pass.rows, timeline }
    }
}

/// What one pass gathers.
struct Pass {
    rows: Vec<u32>,
    /// Rows that would be there, were it not for their time.
    at_other_times: Vec<u32>,
    counts: Counts,
}

impl Pass {
    fn over(index: &Index, filter: &Filter, has_words: impl Fn(usize) -> bool) -> Self {
        let len = index.len();
        let others = if filter.has_times() { len as usize } else { 0 };
        let mut pass = Self {
            rows: Vec::with_capacity(len as usize),
            at_other_times: Vec::with_capacity(others),
            counts: Counts::new(index),
        };
        let columns = index.what.iter().zip(&index.who).zip(&index.place).zip(&index.at_ms);
        for ((row, at), (((what, who), place), at_ms)) in (0..len).zip(0..).zip(columns) {
            let mut misses = filter.misses(*what, *who, *place, *at_ms);
            // Who fails two filters is counted nowhere, whatever its words.
            if misses & misses.wrapping_sub(1) != 0 {
                continue;
            }
            misses |= if has_words(at) { 0 } else { miss::TEXT };
            match misses {
                0 => pass.rows.push(row),
                miss::TIME => {
                    pass.at_other_times.push(row);
                    continue;
                }
                _ => {}
            }
            pass.counts.add(misses, *what, *who as usize, *place as usize);
        }
        pass.rows.shrink_to_fit();
        pass
    }
}

/// Rows that fail nothing, and rows that fail one group only, by what that group looks at.
struct Counts {
    matching: Columns,
    level: Vec<u32>,
    kind: Vec<u32>,
    outcome: Vec<u32>,
    who: Vec<u32>,
    env: Vec<u32>,
    secret: Vec<u32>,
}

struct Columns {
    what: Vec<u32>,
    who: Vec<u32>,
    place: Vec<u32>,
}

impl Counts {
    fn new(index: &Index) -> Self {
        let what = || vec![0; What::END];
        let who = || vec![0; index.people.values().len()];
        let place = || vec![0; index.places.values().len()];
        Self {
            matching: Columns { what: what(), who: who(), place: place() },
            level: what(),
            kind: what(),
            outcome: what(),
            who: who(),
            env: place(),
            secret: place(),
        }
    }

    fn add(&mut self, misses: u8, what: What, who: usize, place: usize) {
        match misses {
            0 => {
                self.matching.what[what.at()] += 1;
                self.matching.who[who] += 1;
                self.matching.place[place] += 1;
            }
            miss::LEVEL => self.level[what.at()] += 1,
            miss::KIND => self.kind[what.at()] += 1,
            miss::OUTCOME => self.outcome[what.at()] += 1,
            miss::WHO => self.who[who] += 1,
            miss::ENV => self.env[place] += 1,
            miss::SECRET => self.secret[place] += 1,
            _ => {}
        }
    }

    fn facets(&self, index: &Index, query: &Query) -> Facets {
        let (mut levels, mut kinds, mut outcomes) = (sums(), sums(), sums());
        for (what, verdict, kind, outcome) in What::all() {
            let (matching, at) = (self.matching.what[what.at()], what.at());
            *levels.entry(verdict.level()).or_default() += matching + self.level[at];
            *kinds.entry(kind).or_default() += matching + self.kind[at];
            *outcomes.entry(outcome).or_default() += matching + self.outcome[at];
        }
        let both = |all: &[u32], own: &[u32]| -> Vec<u32> {
            all.iter().zip(own).map(|(all, own)| all + own).collect()
        };
        let mut envs = sums();
        let of_env = both(&self.matching.place, &self.env);
        for ((env, _), count) in index.places.values().iter().zip(of_env) {
            if !env.is_zero() {
                *envs.entry(*env).or_default() += count;
            }
        }
        let who = index.people.values().iter().copied();
        let of_secret = both(&self.matching.place, &self.secret);
        let secrets = index.places.values().iter().copied().zip(of_secret);
        let secrets = secrets.filter(|((_, secret), _)| !secret.is_zero());
        Facets {
            levels: ranked(levels, &query.levels, usize::MAX),
            kinds: ranked(kinds, &query.kinds, usize::MAX),
            who: ranked(who.zip(both(&self.matching.who, &self.who)), &query.who, usize::MAX),
            envs: ranked(envs, &query.envs, usize::MAX),
            secrets: ranked(secrets, &query.secrets, MAX_SECRETS),
            outcomes: ranked(outcomes, &query.outcomes, usize::MAX),
        }
    }
}

fn sums<T>() -> HashMap<T, u32> {
    HashMap::new()
}

/// Values that differ, most first, then in their own order: so many of those that have any, and
/// all that are chosen.
fn ranked<T: Copy + Ord>(
    counts: impl IntoIterator<Item = (T, u32)>,
    chosen: &[T],
    most: usize,
) -> Vec<(T, u32)> {
    let mut chosen: Vec<T> = chosen.to_vec();
    chosen.sort_unstable();
    chosen.dedup();
    let (mut picked, mut others) = (Vec::new(), Vec::new());
    for (value, count) in counts {
        if let Ok(at) = chosen.binary_search(&value) {
            chosen.remove(at);
            picked.push((value, count));
        } else if count > 0 {
            others.push((value, count));
        }
    }
    let by_rank = |(a, n): &(T, u32), (b, m): &(T, u32)| m.cmp(n).then(a.cmp(b));
    others.sort_unstable_by(by_rank);
    others.truncate(most);
    others.extend(picked);
    others.extend(chosen.into_iter().map(|value| (value, 0)));
    others.sort_unstable_by(by_rank);
    others
}

fn timeline(index: &Index, rows: &[u32], others: &[u32]) -> Timeline {
    let times = || rows.iter().chain(others).map(|row| index.at_ms[*row as usize]);
    let Some((from_ms, last_ms)) =
        times().map(|at| (at, at)).reduce(|(from, to), (at, _)| (from.min(at), to.max(at)))
    else {
        return Timeline::default();
    };
    let width = (last_ms - from_ms) / BARS + 1;
    let begin = |n: u64| from_ms.saturating_add(width.saturating_mul(n));
    let mut bars: Vec<Bar> =
        (0..BARS).map(|n| Bar { from_ms: begin(n), ..Bar::default() }).collect();
    // Times nearly always rise, so that the next row nearly always belongs to the same bar.
    let (mut bar, mut begins) = (0, 0);
    for row in rows.iter().chain(others).map(|row| *row as usize) {
        let since = index.at_ms[row] - from_ms;
        if since < begins || since - begins >= width {
            bar = usize::try_from(since / width).unwrap_or(usize::MAX);
            begins = since / width * width;
        }
        let (Some(bar), Some(verdict)) = (bars.get_mut(bar), index.what[row].verdict()) else {
            continue;
        };
        match verdict.level() {
            Level::Signed => bar.signed += 1,
            Level::Seen => bar.seen += 1,
            Level::Derived => bar.derived += 1,
            Level::Doubtful => bar.doubtful += 1,
        }
    }
    Timeline { from_ms, to_ms: begin(BARS), bars }
}
