//! The index of a million entries: what it takes, and how long a question takes, beside SQLite.

use std::time::{Duration, Instant};

use strongroom_core::log::Verdict;
use strongroom_core::log::index::{Index, Names, Query};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::Event;

use super::made::Made;
use super::peer::{Counted, Peer};
use super::queries::typical;
use crate::Failure;
use crate::measure::{Clock, Rounds, Spread, here};
use crate::table::{Bar, Row};

/// What a person does not notice.
const BAR: Bar = Bar::Under(Duration::from_millis(50));
const ROUNDS: usize = 3;
/// SQLite takes seconds for one.
const PEER_ROUNDS: usize = 1;
/// Of ours alone, for the slowest of all.
const MANY_ROUNDS: usize = 15;

/// Memory, building, and each query.
pub(crate) fn rows(made: &Made) -> Result<Vec<Row>, Failure> {
    let entries = made.entries.len();
    let mut building = Vec::new();
    let mut index = Index::new(0);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        index = index_of(&made.entries)?;
        building.push(begin.elapsed());
    }
    let tenths = index.bytes() * 10 / entries;
    let size = format!("{} kB, {}.{} bytes a row", index.bytes() / 1_000, tenths / 10, tenths % 10);
    let slowest = building.iter().copied().max().unwrap_or_default();
    let building = Spread::of(building.into_iter());
    let mut rows = vec![
        Row::stated(&format!("index of {entries} entries, in memory"), size),
        Row::timed("  built from their bytes (wall)", building, slowest, Bar::Stated),
    ];

    let names = &made.cast.names;
    let asked = typical(&index, names);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let peer = runtime.block_on(Peer::new(&index, names))?;
    let mut slowest = (Duration::ZERO, Spread::of(std::iter::empty()), "");
    for (what, query) in &asked {
        let theirs = runtime.block_on(peer.ask(query))?;
        require_same(what, &counted(&index, query, names), &theirs)?;
        let rounds = Rounds::run(
            PEER_ROUNDS,
            || here(|| Ok(index.ask(query, names))),
            || here(|| runtime.block_on(peer.ask(query))),
        )?;
        let what_row = format!("ask: {what}; {} rows", theirs.rows);
        rows.push(Row::compared(&what_row, &rounds, Clock::Wall, BAR));
        let mut alone = Vec::new();
        for _ in 0..MANY_ROUNDS {
            alone.push(here(|| Ok(index.ask(query, names)))?.wall);
        }
        let most = alone.iter().copied().max().unwrap_or_default();
        if most > slowest.0 {
            slowest = (most, Spread::of(alone.into_iter()), what);
        }
    }
    let (most, spread, what) = slowest;
    let what = format!("slowest of {} x {MANY_ROUNDS}: {what}", asked.len());
    rows.push(Row::timed(&what, spread, most, BAR));
    Ok(rows)
}

fn index_of(entries: &[Vec<u8>]) -> Result<Index, Failure> {
    let mut index = Index::new(0);
    index.reserve(u32::try_from(entries.len())?);
    for bytes in entries {
        let event = Event::decode(bytes)?;
        index.push(verdict(&event), &event);
    }
    Ok(index)
}

/// Of an honest log.
fn verdict(event: &Event) -> Verdict {
    match event.act.kind {
        kind if kind.is_signed() => Verdict::Signed,
        kind if kind.is_derived() => Verdict::Derived,
        _ => Verdict::Seen,
    }
}

fn counted(index: &Index, query: &Query, names: &dyn Names) -> Counted {
    fn sums<T>(counts: &[(T, u32)]) -> (usize, u64) {
        let counts = counts.iter().filter(|(_, count)| *count > 0);
        counts.fold((0, 0), |(values, all), (_, count)| (values + 1, all + u64::from(*count)))
    }
    let found = index.ask(query, names);
    let facets = &found.facets;
    let bars = found.timeline.bars.iter();
    Counted {
        rows: found.rows.len(),
        facets: [
            sums(&facets.levels),
            sums(&facets.kinds),
            sums(&facets.who),
            sums(&facets.envs),
            sums(&facets.secrets),
            sums(&facets.outcomes),
        ],
        line: bars.map(|bar| u64::from(bar.signed + bar.seen + bar.derived + bar.doubtful)).sum(),
    }
}

/// Two that answer differently cannot be compared. A chosen secret may be one more here.
fn require_same(what: &str, ours: &Counted, theirs: &Counted) -> Result<(), Failure> {
    let same = |n: usize| n == 4 || ours.facets[n] == theirs.facets[n];
    if ours.rows == theirs.rows && ours.line == theirs.line && (0..6).all(same) {
        return Ok(());
    }
    Err(format!("{what}: {ours:?} here, {theirs:?} in SQLite").into())
}
