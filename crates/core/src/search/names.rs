//! The names and notes of one environment.

use memchr::memmem::{self, Finder};
use zeroize::Zeroizing;

use super::fold::{Query, fold};

/// How much of a note is searched, in bytes.
const NOTE_SEARCHED: usize = 512;

/// A range `[from, to)` of a name in UTF-16 units, as the window counts them.
pub type Range16 = (u32, u32);

/// One item that can be found.
#[derive(Debug, Clone, Copy)]
pub struct Searchable<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its note, or nothing; the first half KiB is searched.
    pub note: &'a str,
}

/// How well a word fits a name, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is the name.
    Whole,
    /// The name begins with it.
    Prefix,
    /// A part of the name begins with it.
    WordStart,
    /// It stands somewhere in the name.
    Inside,
    /// Only the note has it.
    Elsewhere,
}

/// The items of one environment, by position. Wiped when dropped.
#[derive(Default)]
pub struct NameIndex {
    names: Joined,
    notes: Joined,
    /// For each name, which characters it has: a filter for the fuzzy search.
    masks: Vec<u64>,
}

impl NameIndex {
    /// An index of `items`; a result names them by their position in the list.
    pub fn new(items: &[Searchable<'_>]) -> Self {
        let names = Joined::new(items.iter().map(|item| item.name));
        let notes = Joined::new(items.iter().map(|item| cut(item.note, NOTE_SEARCHED)));
        let masks = (0..items.len()).map(|n| mask(names.get(n))).collect();
        Self { names, notes, masks }
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.masks.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    /// The positions, rising, of the items that have every word of `query` in their name or note.
    /// An empty query finds everything.
    pub fn filter(&self, query: &Query) -> Vec<usize> {
        let found = self.find(query, |_| false);
        (0..self.len()).filter(|n| found.has(*n)).collect()
    }

    /// Where the words of `query` stand in the name of an item: rising, apart from each other.
    pub fn matches(&self, item: usize, query: &Query) -> Vec<Range16> {
        let name = self.names.get(item);
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for term in query.terms() {
            let starts = memmem::find_iter(name.as_bytes(), term.as_bytes());
            ranges.extend(starts.map(|at| (at, at + term.len())));
        }
        to_utf16(name, ranges)
    }

    /// The items that have every word in their name or note; words that are `given` by something
    /// else count as found.
    pub(super) fn find(&self, query: &Query, given: impl Fn(&str) -> bool) -> Bits {
        let mut found = Bits::all(self.len());
        for term in query.terms().iter().filter(|term| !given(term)) {
            let finder = Finder::new(term);
            let mut with_term = Bits::none(self.len());
            self.names.mark(&finder, term.len(), &mut with_term);
            self.notes.mark(&finder, term.len(), &mut with_term);
            found.and(&with_term);
        }
        found
    }

    /// How well `term` fits the name of an item, at its best place.
    pub(super) fn fit(&self, item: usize, finder: &Finder<'_>) -> Fit {
        let name = self.names.get(item).as_bytes();
        let mut best = Fit::Elsewhere;
        for at in finder.find_iter(name) {
            best = match at.checked_sub(1).map(|before| name[before]) {
                None if finder.needle().len() == name.len() => return Fit::Whole,
                None => return Fit::Prefix,
                Some(b'_' | b'-' | b'.' | b'/' | b' ') => return Fit::WordStart,
                Some(_) => best.min(Fit::Inside),
            };
        }
        best
    }

    pub(super) fn name(&self, item: usize) -> &str {
        self.names.get(item)
    }

    /// Whether the name has all characters of `mask`, some perhaps in disguise of others.
    pub(super) fn may_have(&self, item: usize, mask: u64) -> bool {
        self.masks[item] & mask == mask
    }
}

impl std::fmt::Debug for NameIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NameIndex({} names)", self.len())
    }
}

/// Folded texts in one, a line each.
#[derive(Default)]
struct Joined {
    text: Zeroizing<String>,
    /// Where each text begins, and where the next one would.
    starts: Vec<u32>,
}

impl Joined {
    fn new<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Self {
        // Folding keeps lengths, so the text never moves and leaves no copy behind. An index of
        // more than 4 GiB cannot come about: items, names and notes all have caps.
        let room = texts.clone().map(|text| text.len() + 1).sum();
        let mut text = Zeroizing::new(String::with_capacity(room));
        let mut starts = vec![0];
        for one in texts {
            if one.is_ascii() && !one.contains('\n') {
                let start = text.len();
                text.push_str(one);
                text[start..].make_ascii_lowercase();
            } else {
                // A line end inside a text must not look like the end of it.
                text.extend(one.chars().map(|c| if c == '\n' { ' ' } else { fold(c) }));
            }
            text.push('\n');
            starts.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self { text, starts }
    }

    fn bounds(&self, n: usize) -> (usize, usize) {
        (self.starts[n] as usize, self.starts[n + 1] as usize)
    }

    fn get(&self, n: usize) -> &str {
        let (start, next) = self.bounds(n);
        &self.text[start..next - 1]
    }

    /// Marks every text that has the needle.
    fn mark(&self, finder: &Finder<'_>, needle: usize, marks: &mut Bits) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        let mut n = 0;
        while at + needle <= bytes.len() {
            let Some(found) = finder.find(&bytes[at..]) else {
                return;
            };
            at += found;
            while self.bounds(n).1 <= at {
                n += 1;
            }
            marks.set(n);
            at = self.bounds(n).1; // one place is enough
        }
    }
}

/// A set of positions.
pub(super) struct Bits(Vec<u64>);

impl Bits {
    fn none(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)])
    }

    fn all(len: usize) -> Self {
        Self(vec![u64::MAX; len.div_ceil(64)])
    }

    fn set(&mut self, n: usize) {
        self.0[n / 64] |= 1 << (n % 64);
    }

    pub(super) fn has(&self, n: usize) -> bool {
        self.0[n / 64] >> (n % 64) & 1 == 1
    }

    fn and(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine &= theirs;
        }
    }
}

/// Which characters a text has: one bit for each letter and digit, the others share the rest.
pub(super) fn mask(text: &str) -> u64 {
    let bit = |c: char| match c {
        'a'..='z' => u32::from(c) - u32::from('a'),
        '0'..='9' => u32::from(c) - u32::from('0') + 26,
        other => 36 + u32::from(other) % 28,
    };
    text.chars().fold(0, |mask, c| mask | 1 << bit(c))
}

/// Merges byte ranges of `text` and counts them in UTF-16 units.
pub(super) fn to_utf16(text: &str, mut ranges: Vec<(usize, usize)>) -> Vec<Range16> {
    ranges.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(ranges.len());
    for (from, to) in ranges {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    let units = |end: usize| {
        let count = text[..end].chars().map(char::len_utf16).sum::<usize>();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let in_units = |(from, to)| (units(from), units(to));
    merged.into_iter().map(in_units).collect()
}

/// The beginning of `text`, at most `cap` bytes.
fn cut(text: &str, cap: usize) -> &str {
    &text[..text.floor_char_boundary(cap)]
}
