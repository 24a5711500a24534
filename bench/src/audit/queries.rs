//! What people ask of a log: a dozen typical queries, made for the log at hand.

use strongroom_core::log::Level;
use strongroom_core::log::index::{Index, Names, Outcome, Query};
use strongroom_format::event::EventKind;

const DAY: u64 = 24 * 60 * 60 * 1000;

/// A query with what it is, in words.
pub(crate) type Asked = (&'static str, Query);

/// The queries. Values are those that the log has most of, so that they match much.
pub(crate) fn typical(index: &Index, names: &dyn Names) -> Vec<Asked> {
    let whole = index.ask(&Query::default(), names);
    let facets = &whole.facets;
    let env: Vec<_> = facets.envs.iter().take(1).map(|(env, _)| *env).collect();
    let some_envs: Vec<_> = facets.envs.iter().take(6).map(|(env, _)| *env).collect();
    let secret: Vec<_> = facets.secrets.iter().take(1).map(|(place, _)| *place).collect();
    let who: Vec<_> = facets.who.iter().take(3).map(|(who, _)| *who).collect();
    let read = vec![EventKind::Revealed, EventKind::Copied, EventKind::Exported];
    // A whole day in the second week.
    let from = whole.timeline.from_ms + 8 * DAY;
    let (from_ms, to_ms) = (Some(from), Some(from + DAY));
    let text = |text: &str| Query { text: text.to_owned(), ..Query::default() };
    vec![
        ("everything", Query::default()),
        ("without routine", Query { quiet: true, ..Query::default() }),
        ("signed", Query { levels: vec![Level::Signed], ..Query::default() }),
        ("three principals, six environments", {
            Query { who, envs: some_envs.clone(), ..Query::default() }
        }),
        ("one day", Query { from_ms, to_ms, ..Query::default() }),
        ("revealed, copied or exported in six environments on one day", {
            Query { kinds: read.clone(), envs: some_envs, from_ms, to_ms, ..Query::default() }
        }),
        ("one secret", Query { secrets: secret, ..Query::default() }),
        ("refused", Query { outcomes: vec![Outcome::Refused], ..Query::default() }),
        ("\"prod\"", text("prod")),
        ("\"deploy injected prod\"", text("deploy injected prod")),
        ("\"checkout staging\", signed, without routine", {
            let levels = vec![Level::Signed];
            Query { levels, quiet: true, ..text("checkout staging") }
        }),
        ("\"link 300\"", text("link 300")),
        ("\"10.4.2\", one environment, one day", {
            Query { envs: env, from_ms, to_ms, ..text("10.4.2") }
        }),
        ("\"calder\", revealed, copied or exported", Query { kinds: read, ..text("calder") }),
    ]
}
