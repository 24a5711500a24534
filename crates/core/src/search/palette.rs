//! The palette: the best few secrets of all environments.

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem::Finder;
use nucleo_matcher::{Config, Matcher, Utf32Str};
use strongroom_format::id::{EnvId, SecretId};
use zeroize::Zeroizing;

use super::fold::{Query, fold};
use super::names::{Fit, NameIndex, Range16, Searchable, mask, to_utf16};

/// One secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Where it is.
    pub env: EnvId,
    /// Which it is.
    pub secret: SecretId,
    /// What to mark in its name.
    pub matches: Vec<Range16>,
    /// Whether only the letters were found, in order but apart.
    pub fuzzy: bool,
}

/// The names of all environments that this device can read.
#[derive(Debug, Default)]
pub struct SearchIndex {
    sections: BTreeMap<EnvId, Section>,
}

struct Section {
    place: Zeroizing<String>,
    names: NameIndex,
    ids: Vec<SecretId>,
}

impl std::fmt::Debug for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Section({:?})", self.names)
    }
}

impl SearchIndex {
    /// Puts in the items of one environment, instead of those it had. `place` is what a person
    /// calls the environment ("storefront production"); its words narrow a search too.
    pub fn set(&mut self, env: EnvId, place: &str, items: &[(SecretId, Searchable<'_>)]) {
        let searchable: Vec<Searchable<'_>> = items.iter().map(|item| item.1).collect();
        let section = Section {
            place: Zeroizing::new(place.chars().map(fold).collect()),
            names: NameIndex::new(&searchable),
            ids: items.iter().map(|item| item.0).collect(),
        };
        self.sections.insert(env, section);
    }

    /// Takes out an environment.
    pub fn remove(&mut self, env: &EnvId) {
        self.sections.remove(env);
    }

    /// Takes out and wipes everything.
    pub fn clear(&mut self) {
        self.sections.clear();
    }

    /// Number of items in all environments.
    pub fn len(&self) -> usize {
        self.sections.values().map(|section| section.ids.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The best `limit` items for `query`: those that have every word in name, note or place,
    /// beginnings before insides and short names before long ones; if these are too few, also
    /// those whose name has the letters of every word in their order. Nothing for an empty query.
    pub fn palette(&self, query: &Query, limit: usize) -> Vec<Hit> {
        if query.is_empty() || limit == 0 {
            return Vec::new();
        }
        let mut found = self.with_words(query);
        best_of(&mut found, limit);
        let mut hits: Vec<Hit> = found.iter().map(|f| f.hit(query)).collect();
        if hits.len() < limit {
            let known = hits.iter().map(|hit| (hit.env, hit.secret)).collect();
            let mut more = self.with_letters(query, &known);
            best_of(&mut more, limit - hits.len());
            hits.extend(more.iter().map(|f| f.fuzzy_hit(query)));
        }
        hits
    }

    fn with_words(&self, query: &Query) -> Vec<Found<'_>> {
        let finders: Vec<Finder<'_>> = query.terms().iter().map(Finder::new).collect();
        let mut all = Vec::new();
        for (env, section) in &self.sections {
            let found = section.names.find(query, |term| section.place.contains(term));
            for item in (0..section.ids.len()).filter(|n| found.has(*n)) {
                let fits = finders.iter().map(|finder| section.names.fit(item, finder));
                let cost = fits.map(cost).sum();
                all.push(Found::new(env, section, item, cost));
            }
        }
        all
    }

    fn with_letters(&self, query: &Query, known: &BTreeSet<(EnvId, SecretId)>) -> Vec<Found<'_>> {
        let mut letters = Letters::new();
        let mut all = Vec::new();
        for (env, section) in &self.sections {
            let here: Vec<&str> = query
                .terms()
                .iter()
                .map(String::as_str)
                .filter(|term| !section.place.contains(term))
                .collect();
            let wanted = mask(&here.concat());
            for item in 0..section.ids.len() {
                if here.is_empty()
                    || !section.names.may_have(item, wanted)
                    || known.contains(&(*env, section.ids[item]))
                {
                    continue;
                }
                let name = section.names.name(item);
                let score = here.iter().map(|term| letters.score(name, term)).sum::<Option<i64>>();
                if let Some(score) = score {
                    all.push(Found::new(env, section, item, -score));
                }
            }
        }
        all
    }
}

/// What a word adds to the cost of an item. Two words inside a name are better than one at its
/// beginning and one that only the note or the place has.
fn cost(fit: Fit) -> i64 {
    match fit {
        Fit::Whole => 0,
        Fit::Prefix => 1,
        Fit::WordStart => 2,
        Fit::Inside => 3,
        Fit::Elsewhere => 8,
    }
}

struct Found<'a> {
    /// Lower is better; then the shorter name, then the alphabet, then the environment.
    key: (i64, usize, &'a str, &'a EnvId, usize),
    section: &'a Section,
}

impl<'a> Found<'a> {
    fn new(env: &'a EnvId, section: &'a Section, item: usize, cost: i64) -> Self {
        let name = section.names.name(item);
        Self { key: (cost, name.len(), name, env, item), section }
    }

    fn hit(&self, query: &Query) -> Hit {
        let (_, _, _, env, item) = self.key;
        Hit {
            env: *env,
            secret: self.section.ids[item],
            matches: self.section.names.matches(item, query),
            fuzzy: false,
        }
    }

    fn fuzzy_hit(&self, query: &Query) -> Hit {
        let (_, _, name, env, item) = self.key;
        let mut letters = Letters::new();
        let terms = query.terms().iter();
        let ranges = terms.flat_map(|term| letters.places(name, term)).collect();
        Hit {
            env: *env,
            secret: self.section.ids[item],
            matches: to_utf16(name, ranges),
            fuzzy: true,
        }
    }
}

/// Leaves the best `limit`, in order.
fn best_of(found: &mut Vec<Found<'_>>, limit: usize) {
    if found.len() > limit {
        found.select_nth_unstable_by_key(limit, |f| f.key);
        found.truncate(limit);
    }
    found.sort_unstable_by_key(|f| f.key);
}

/// Letters in order, apart from each other.
struct Letters {
    matcher: Matcher,
    name: Vec<char>,
    term: Vec<char>,
}

impl Letters {
    fn new() -> Self {
        let mut config = Config::DEFAULT;
        // Both sides are folded already, position by position.
        config.normalize = false;
        config.ignore_case = false;
        Self { matcher: Matcher::new(config), name: Vec::new(), term: Vec::new() }
    }

    fn score(&mut self, name: &str, term: &str) -> Option<i64> {
        let name = characters(name, &mut self.name);
        let term = characters(term, &mut self.term);
        self.matcher.fuzzy_match(name, term).map(i64::from)
    }

    /// The byte ranges of the single letters in the best fit.
    fn places(&mut self, name: &str, term: &str) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        let haystack = characters(name, &mut self.name);
        let needle = characters(term, &mut self.term);
        self.matcher.fuzzy_indices(haystack, needle, &mut places);
        let wanted: BTreeSet<usize> = places.into_iter().map(|n| n as usize).collect();
        name.char_indices()
            .enumerate()
            .filter(|(n, _)| wanted.contains(n))
            .map(|(_, (at, c))| (at, at + c.len_utf8()))
            .collect()
    }
}

/// One element for each character: the matcher's own conversion joins what is drawn together.
fn characters<'a>(text: &'a str, buffer: &'a mut Vec<char>) -> Utf32Str<'a> {
    if text.is_ascii() {
        return Utf32Str::Ascii(text.as_bytes());
    }
    buffer.clear();
    buffer.extend(text.chars());
    Utf32Str::Unicode(buffer)
}
