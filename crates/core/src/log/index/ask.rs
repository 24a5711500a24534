//! One pass over the columns: rows, counts, and the bars of the timeline.

use std::collections::HashMap;

use super::filter::{Filter, miss};
use super::{Bar, Facets, Found, Index, Names, Query, Timeline, What};
use crate::log::{Level, Verdict};

/// The bars of a timeline.
const BARS: usize = 60;
/// The most secrets that are counted by name.
const MAX_SECRETS: usize = 50;
/// Rows that are filtered at once. What they fail stays in the nearest cache, and a loop over it
/// asks nothing that a processor could guess wrong.
pub(super) const BLOCK: usize = 1_024;

impl Index {
    /// Filters, counts and draws the timeline.
    pub fn ask(&self, query: &Query, names: &dyn Names) -> Found {
        let filter = Filter::new(self, query, names);
        let pass = Pass::over(self, &filter);
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
    fn over(index: &Index, filter: &Filter) -> Self {
        let len = index.what.len();
        let mut pass = Self {
            rows: Vec::with_capacity(len),
            at_other_times: Vec::new(),
            counts: Counts::new(index),
        };
        let (mut misses, mut picked) = ([0; BLOCK], [0; BLOCK]);
        for first in (0..len).step_by(BLOCK) {
            let misses = &mut misses[..BLOCK.min(len - first)];
            filter.mark(index, first, misses);
            let rows = pick(first, misses, &mut picked, |misses| misses == 0);
            pass.counts.add_matching(index, rows);
            pass.rows.extend_from_slice(rows);
            if filter.has_groups() {
                // Whoever fails two groups is counted nowhere.
                let fails_one = |misses: u8| misses.is_power_of_two() && misses != miss::TEXT;
                for row in pick(first, misses, &mut picked, fails_one) {
                    let at = *row as usize;
                    match misses[at - first] {
                        miss::TIME => pass.at_other_times.push(*row),
                        group => pass.counts.add_missing(group, index, at),
                    }
                }
            }
        }
        pass.rows.shrink_to_fit();
        pass
    }
}

/// The rows from `first` on whose misses fit.
fn pick<'a>(
    first: usize,
    misses: &[u8],
    picked: &'a mut [u32; BLOCK],
    fits: impl Fn(u8) -> bool,
) -> &'a [u32] {
    let mut count = 0;
    let first = u32::try_from(first).unwrap_or(u32::MAX);
    for (row, misses) in (first..).zip(misses) {
        picked[count] = row;
        count += usize::from(fits(*misses));
    }
    &picked[..count]
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

    fn add_matching(&mut self, index: &Index, rows: &[u32]) {
        for at in rows.iter().map(|row| *row as usize) {
            self.matching.what[index.what[at].at()] += 1;
            self.matching.who[index.who[at] as usize] += 1;
            self.matching.place[index.place[at] as usize] += 1;
        }
    }

    fn add_missing(&mut self, group: u8, index: &Index, at: usize) {
        let (what, who, place) = (index.what[at].at(), index.who[at], index.place[at]);
        match group {
            miss::LEVEL => self.level[what] += 1,
            miss::KIND => self.kind[what] += 1,
            miss::OUTCOME => self.outcome[what] += 1,
            miss::WHO => self.who[who as usize] += 1,
            miss::ENV => self.env[place as usize] += 1,
            miss::SECRET => self.secret[place as usize] += 1,
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
        let mut who = sums();
        let of_who = both(&self.matching.who, &self.who);
        for (actor, count) in index.people.values().iter().zip(of_who) {
            for found_by in actor.found_by() {
                *who.entry(found_by).or_default() += count;
            }
        }
        let of_secret = both(&self.matching.place, &self.secret);
        let secrets = index.places.values().iter().copied().zip(of_secret);
        let secrets = secrets.filter(|((_, secret), _)| !secret.is_zero());
        Facets {
            levels: ranked(levels, &query.levels, usize::MAX),
            kinds: ranked(kinds, &query.kinds, usize::MAX),
            who: ranked(who, &query.who, usize::MAX),
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
    let Some(from_ms) = times().min() else { return Timeline::default() };
    let span = times().max().unwrap_or(from_ms) - from_ms;
    let width = span / BARS as u64 + 1;
    let mut counts = [[0; Level::ALL.len()]; BARS];
    let levels = levels();
    // Times nearly always rise, so that the next row nearly always belongs to the same bar.
    let (mut bar, mut begins) = (0, 0);
    for rows in [rows, others] {
        for row in rows.iter().map(|row| *row as usize) {
            let since = index.at_ms[row] - from_ms;
            if since < begins || since - begins >= width {
                bar = usize::try_from(since / width).unwrap_or(0);
                begins = since / width * width;
            }
            counts[bar][usize::from(levels[index.what[row].at()])] += 1;
        }
    }
    let begin = |n: usize| from_ms.saturating_add(width.saturating_mul(n as u64));
    let bars = counts.iter().enumerate().map(|(n, [signed, seen, derived, doubtful])| Bar {
        from_ms: begin(n),
        signed: *signed,
        seen: *seen,
        derived: *derived,
        doubtful: *doubtful,
    });
    Timeline { from_ms, to_ms: begin(BARS), bars: bars.collect() }
}

/// The place of each row's level in the order in which bars name them.
fn levels() -> Vec<u8> {
    let mut levels = vec![0; What::END];
    for (what, verdict, ..) in What::all() {
        levels[what.at()] = place_of(verdict);
    }
    levels
}

fn place_of(verdict: Verdict) -> u8 {
    match verdict.level() {
        Level::Signed => 0,
        Level::Seen => 1,
        Level::Derived => 2,
        Level::Doubtful => 3,
    }
}
