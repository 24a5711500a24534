//! Filtering 50,000 names while a person types: from the key press to the bytes of the first rows.

use memchr::memmem;
use serde::Serialize;
use strongroom_core::search::{NameIndex, Query, SearchIndex, Searchable};
use strongroom_format::id::{EnvId, SecretId};

use crate::Failure;
use crate::measure::{Clock, Rounds, Spread, Took, here};
use crate::table::{Bar, Row};
use crate::world;

const NAMES: usize = 50_000;
const SHOWN: usize = 100;
const ROUNDS: usize = 9;
const FRAME: std::time::Duration = std::time::Duration::from_millis(16);
/// Typed letter by letter; the first letters keep nearly everything, the last ones a few.
const TYPED: &str = "ledger api_token 04";
const TYPED_COMMON: &str = "database_url";

/// A row as it goes to the window.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: String,
    name: &'a str,
    version: u32,
    changed_by: &'a str,
    changed_at: u64,
    note: Option<&'a str>,
    matches: Vec<(u32, u32)>,
    kind: &'a str,
    staged: Option<&'a str>,
}

/// The table of one environment, and the palette over five.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let names: Vec<String> = (0..NAMES).map(world::name).collect();
    let items: Vec<Searchable<'_>> =
        names.iter().map(|name| Searchable { name, note: "" }).collect();
    let index = NameIndex::new(&items);
    let text = names.join("\n").to_lowercase();

    let worst = worst(|typed| table(&index, &names, typed))?;
    let rounds = Rounds::run(ROUNDS, || table(&index, &names, &worst), || one_pass(&text, &worst))?;
    let what = "filter 50,000 names, slowest key press";
    let filter = Row::compared(what, &rounds, Clock::Cpu, Bar::Under(FRAME));

    let palette = palette_of(&items);
    let worst = self::worst(|typed| search(&palette, typed))?;
    let times: Vec<Took> =
        (0..ROUNDS).map(|_| search(&palette, &worst)).collect::<Result<_, Failure>>()?;
    let times = Spread::of(times.iter().map(|took| took.cpu));
    let what = "palette over 50,000, slowest key press (cpu)";
    Ok(vec![filter, Row::timed(what, times, times.median, Bar::Under(FRAME))])
}

/// The part of the typed words after whose last letter an answer takes longest.
fn worst(press: impl Fn(&str) -> Result<Took, Failure>) -> Result<String, Failure> {
    let mut worst = (std::time::Duration::ZERO, String::new());
    for words in [TYPED, TYPED_COMMON] {
        for end in 1..=words.len() {
            let typed = &words[..end];
            let times =
                (0..5).map(|_| Ok(press(typed)?.cpu)).collect::<Result<Vec<_>, Failure>>()?;
            let median = Spread::of(times.into_iter()).median;
            if median > worst.0 {
                worst = (median, typed.to_owned());
            }
        }
    }
    Ok(worst.1)
}

fn table(index: &NameIndex, names: &[String], typed: &str) -> Result<Took, Failure> {
    here(|| {
        let query = Query::new(typed);
        let found = index.filter(&query);
        let rows: Vec<Shown<'_>> = found
            .iter()
            .take(SHOWN)
            .map(|n| Shown {
                id: SecretId([7; 16]).to_string(),
                name: &names[*n],
                version: 1,
                changed_by: "Mara Lind",
                changed_at: world::NOW_MS,
                note: None,
                matches: index.matches(*n, &query),
                kind: "text",
                staged: None,
            })
            .collect();
        Ok(serde_json::to_vec(&(found.len(), rows))?)
    })
}

/// One pass of a plain search over the same names in one text.
fn one_pass(text: &str, typed: &str) -> Result<Took, Failure> {
    here(|| Ok(memmem::find_iter(text.as_bytes(), typed.as_bytes()).count()))
}

fn palette_of(items: &[Searchable<'_>]) -> SearchIndex {
    let mut palette = SearchIndex::default();
    for (n, part) in (0u8..).zip(items.chunks(NAMES / 5)) {
        let part: Vec<(SecretId, Searchable<'_>)> =
            part.iter().map(|item| (SecretId([n; 16]), *item)).collect();
        palette.set(EnvId([n; 16]), "storefront prod", &part);
    }
    palette
}

fn search(palette: &SearchIndex, typed: &str) -> Result<Took, Failure> {
    here(|| Ok(palette.palette(&Query::new(typed), SHOWN)))
}
