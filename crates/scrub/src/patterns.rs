//! The runs of bytes that may not be shown, and a fast question whether a text has one.
//!
//! Every form of every credential is cut into all its runs of a fixed width; the runs stand sorted,
//! as big-endian numbers, in one table for each width. A text is sampled: a run of `width` bytes
//! contains an eight-byte gram at one of any `width - 7` places in a row, so it is enough to look at
//! every fifth gram (with the usual twelve) in a small filter of bits, and to ask the tables only
//! where that says yes. No run is ever missed; which places were sampled makes no difference.

use strongroom_secret::SecretBytes;
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::forms::{self, Kind};
use crate::unescape::normal;
use crate::{MAX_LEN, MIN_LEN, ScrubError};

/// Bytes that the filter looks at together.
const GRAM: usize = 8;
/// The widest run; one number holds it.
pub(crate) const MAX_WIDTH: usize = 16;
/// Makes letters lower-case and leaves digits what they are, eight bytes at once.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// Spreads numbers that are alike (the golden ratio, as a fraction of 64 bits).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// What a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// The fake token shows the same run: public by itself.
    pub(crate) weak: bool,
    /// Which fake token replaces it.
    pub(crate) owner: u16,
    pub(crate) kind: Kind,
}

/// All runs of all credentials.
pub(crate) struct Patterns {
    tables: Vec<Table>,
    /// The runs of the texts alone, in lower case.
    names: Vec<Table>,
    filter: Filter,
    /// How many bytes lie between two grams that are looked at.
    stride: usize,
    /// Which bytes occur in a run at all.
    used: [bool; 256],
    used_unescaped: [bool; 256],
}

impl Patterns {
    /// The runs of `secrets`, each with the index of the fake token that replaces it.
    pub(crate) fn new(
        secrets: &[(&SecretBytes, usize)],
        fakes: &[String],
    ) -> Result<Self, ScrubError> {
        let (mut drafts, mut names) = (Vec::new(), Vec::new());
        for (secret, owner) in secrets {
            let owner = u16::try_from(*owner).map_err(|_| ScrubError::TooMany)?;
            secret.lend(|secret| {
                if secret.len() > MAX_LEN {
                    return Err(ScrubError::TooLong);
                }
                if secret.len() < MIN_LEN || normal(secret).len() < MIN_LEN {
                    return Err(ScrubError::TooShort);
                }
                forms::each(secret, |kind, form, width| {
                    draft_of(&mut drafts, width, kind == Kind::Hex).add(form, owner, kind);
                });
                let width = secret.len().min(forms::RUN);
                draft_of(&mut names, width, true).add(secret, owner, Kind::Plain);
                Ok(())
            })?;
        }
        let public = Public::of(fakes);
        let sorted = |drafts: Vec<Draft>| -> Vec<Table> {
            drafts.into_iter().map(|draft| draft.sorted(&public)).collect()
        };
        let (tables, names) = (sorted(drafts), sorted(names));
        let stride = tables.iter().map(|table| table.width - GRAM + 1).min().unwrap_or(1);
        let filter = Filter::of(&tables, stride);
        let mut used = [false; 256];
        for byte in tables.iter().flat_map(Table::bytes) {
            used[usize::from(byte)] = true;
        }
        // Where escapes are undone, a space is a plus.
        let used_unescaped = std::array::from_fn(|byte| {
            used[byte] || byte == usize::from(b' ') && used[usize::from(b'+')]
        });
        Ok(Self { tables, names, filter, stride, used, used_unescaped })
    }

    /// Calls `found` with the start, the end and the mark of each run in `text`, in the order of
    /// their starts.
    pub(crate) fn scan(&self, text: &[u8], mut found: impl FnMut(usize, usize, Mark)) {
        if self.tables.is_empty() {
            return;
        }
        let mut at = self.stride - 1;
        while let Some(gram) = text.get(at..).and_then(<[u8]>::first_chunk::<GRAM>) {
            if self.filter.may_have(u64::from_le_bytes(*gram)) {
                self.look(text, at, &mut found);
            }
            at += self.stride;
        }
    }

    /// Looks at every run that contains the gram at `at` and that no other sample contains first.
    fn look(&self, text: &[u8], at: usize, found: &mut impl FnMut(usize, usize, Mark)) {
        for start in at + 1 - self.stride..=at {
            let rest = &text[start..];
            let Some(gram) = rest.first_chunk::<GRAM>() else { return };
            if !self.filter.may_have(u64::from_le_bytes(*gram)) {
                continue;
            }
            let first = number(rest);
            for table in self.tables.iter().filter(|table| table.width <= rest.len()) {
                if let Some(mark) = table.find(first) {
                    found(start, start + table.width, mark);
                }
            }
        }
    }

    /// Whether a run of a text is in `name`, in whatever case.
    pub(crate) fn is_in_name(&self, name: &[u8]) -> bool {
        let shows =
            |table: &Table| name.windows(table.width).any(|run| table.find(number(run)).is_some());
        self.names.iter().any(shows)
    }

    /// Whether a run may contain this byte, where escapes are undone.
    pub(crate) fn uses(&self, byte: u8) -> bool {
        self.used_unescaped[usize::from(byte)]
    }

    /// The length of the longest end of `text` with which a run may begin.
    pub(crate) fn beginning_at_end_of(&self, text: &[u8]) -> usize {
        let tail = &text[text.len().saturating_sub(MAX_WIDTH - 1)..];
        let possible = tail.iter().rev().take_while(|byte| self.used[usize::from(**byte)]).count();
        let tail = &tail[tail.len() - possible..];
        (1..=possible)
            .rev()
            .find(|length| {
                self.tables.iter().any(|table| table.begins_with(&tail[tail.len() - length..]))
            })
            .unwrap_or(0)
    }
}

fn draft_of(drafts: &mut Vec<Draft>, width: usize, folded: bool) -> &mut Draft {
    let known = drafts.iter().position(|draft| draft.width == width && draft.folded == folded);
    let index = known.unwrap_or_else(|| {
        drafts.push(Draft { width, folded, runs: Vec::new() });
        drafts.len() - 1
    });
    &mut drafts[index]
}

/// Runs of one width, as they come.
struct Draft {
    width: usize,
    folded: bool,
    runs: Vec<(u128, Mark)>,
}

impl Draft {
    fn add(&mut self, form: &[u8], owner: u16, kind: Kind) {
        self.reserve_wiping(form.len());
        let mark = Mark { weak: false, owner, kind };
        let fold = if self.folded { folding(self.width) } else { 0 };
        self.runs.extend(form.windows(self.width).map(|run| (number(run) | fold, mark)));
    }

    /// Growing leaves no copy of the runs behind.
    fn reserve_wiping(&mut self, more: usize) {
        if self.runs.capacity() - self.runs.len() < more {
            let mut grown = Vec::with_capacity(2 * (self.runs.len() + more));
            grown.extend_from_slice(&self.runs);
            self.wipe();
            self.runs = grown;
        }
    }

    fn wipe(&mut self) {
        self.runs.iter_mut().for_each(|(run, _)| run.zeroize());
    }

    fn sorted(mut self, public: &Public) -> Table {
        for (run, mark) in &mut self.runs {
            mark.weak = public.has(*run, self.width, mark.kind);
        }
        self.runs.sort_unstable();
        let mut runs: Vec<u128> = Vec::with_capacity(self.runs.len());
        let mut marks = Vec::with_capacity(self.runs.len());
        for (run, mark) in &self.runs {
            if runs.last() != Some(run) {
                runs.push(*run);
                marks.push(*mark);
            }
        }
        let slots = Slots::of(&runs);
        Table { width: self.width, folded: self.folded, runs, marks, slots }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// All runs of one width, sorted.
struct Table {
    width: usize,
    folded: bool,
    runs: Vec<u128>,
    marks: Vec<Mark>,
    slots: Slots,
}

impl Table {
    /// The mark of the run that the bytes of this number begin with.
    fn find(&self, first: u128) -> Option<Mark> {
        let run = first & !after(self.width);
        let run = if self.folded { run | folding(self.width) } else { run };
        self.marks.get(self.slots.find(&self.runs, run)?).copied()
    }

    fn begins_with(&self, text: &[u8]) -> bool {
        if text.len() >= self.width {
            return false;
        }
        let first = number(text) | if self.folded { folding(text.len()) } else { 0 };
        let index = self.runs.partition_point(|run| *run < first);
        let rest = 8 * (MAX_WIDTH - text.len());
        self.runs.get(index).is_some_and(|run| (run ^ first) >> rest == 0)
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.runs.iter().flat_map(|run| {
            run.to_be_bytes().into_iter().take(self.width).flat_map(|byte| {
                let other = if self.folded { byte.to_ascii_uppercase() } else { byte };
                [byte, other]
            })
        })
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.runs.zeroize();
    }
}

/// Where each run stands in its table: a hash table with open addressing, at most half full.
struct Slots {
    /// One more than the index; zero where there is none.
    places: Vec<u32>,
    shift: u32,
}

impl Slots {
    fn of(runs: &[u128]) -> Self {
        let size = (2 * runs.len()).next_power_of_two().max(2);
        let mut slots = Self { places: vec![0; size], shift: 64 - size.ilog2() };
        for (run, place) in runs.iter().zip(1..) {
            let mut slot = slots.first(*run);
            while slots.places[slot] != 0 {
                slot = (slot + 1) % size;
            }
            slots.places[slot] = place;
        }
        slots
    }

    fn find(&self, runs: &[u128], run: u128) -> Option<usize> {
        let mut slot = self.first(run);
        loop {
            let index = usize::try_from(self.places.get(slot)?.checked_sub(1)?).ok()?;
            if *runs.get(index)? == run {
                return Some(index);
            }
            slot = (slot + 1) % self.places.len();
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "both halves of the number count")]
    fn first(&self, run: u128) -> usize {
        let both = ((run >> 64) as u64).wrapping_mul(SPREAD) ^ run as u64;
        (both.wrapping_mul(SPREAD) >> self.shift) as usize
    }
}

/// The first bytes, [`MAX_WIDTH`] of them if there are so many, as the first of a big-endian number.
fn number(bytes: &[u8]) -> u128 {
    if let Some(all) = bytes.first_chunk() {
        return u128::from_be_bytes(*all);
    }
    let mut first = [0; MAX_WIDTH];
    for (place, byte) in first.iter_mut().zip(bytes) {
        *place = *byte;
    }
    u128::from_be_bytes(first)
}

/// The bits of a number behind its first `length` bytes.
fn after(length: usize) -> u128 {
    if length >= MAX_WIDTH { 0 } else { u128::MAX >> (8 * length) }
}

/// [`FOLD`] for the first `length` bytes of a number.
fn folding(length: usize) -> u128 {
    (u128::from(FOLD) << 64 | u128::from(FOLD)) & !after(length)
}

/// The runs of the fake tokens, which the agent knows anyway.
struct Public(Vec<(Kind, usize, u128)>);

impl Public {
    fn of(fakes: &[String]) -> Self {
        let mut runs = Vec::new();
        // A shorter one shows no run.
        for fake in fakes.iter().filter(|fake| fake.len() >= MIN_LEN) {
            forms::each(fake.as_bytes(), |kind, form, width| {
                runs.extend(form.windows(width).map(|run| (kind, width, number(run))));
            });
        }
        runs.sort_unstable();
        Self(runs)
    }

    fn has(&self, run: u128, width: usize, kind: Kind) -> bool {
        self.0.binary_search(&(kind, width, run)).is_ok()
    }
}

/// A set of grams that sometimes says yes for one that is not in it, and never no for one that is.
#[derive(ZeroizeOnDrop)]
struct Filter {
    bits: Vec<u64>,
    #[zeroize(skip)]
    shift: u32,
}

impl Filter {
    fn of(tables: &[Table], stride: usize) -> Self {
        let grams: usize = tables.iter().map(|table| table.runs.len()).sum();
        let size = (32 * grams).next_power_of_two().clamp(1 << 13, 1 << 23);
        let mut filter = Self { bits: vec![0; size / 64], shift: 64 - size.ilog2() };
        for run in tables.iter().flat_map(|table| &table.runs) {
            let bytes = Zeroizing::new(run.to_be_bytes());
            for gram in bytes.windows(GRAM).take(stride).filter_map(<[u8]>::first_chunk::<GRAM>) {
                let (word, bit) = filter.place(u64::from_le_bytes(*gram));
                filter.bits[word] |= bit;
            }
        }
        filter
    }

    /// Whether the gram, as it is or in lower case, may be in the set.
    fn may_have(&self, gram: u64) -> bool {
        self.has(gram) || self.has(gram | FOLD)
    }

    fn has(&self, gram: u64) -> bool {
        let (word, bit) = self.place(gram);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(&self, gram: u64) -> (usize, u64) {
        let place = gram.wrapping_mul(SPREAD) >> self.shift;
        (usize::try_from(place >> 6).unwrap_or(usize::MAX), 1 << (place & 63))
    }
}
