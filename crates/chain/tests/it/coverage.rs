//! Every reason to refuse is reached by a named test.

use std::collections::BTreeSet;

/// Tests, each of which reaches one variant of an error enum; `REACHED` lists the variants.
macro_rules! refusals {
    ($error:ident; $($variant:ident: $name:ident => $outcome:block)*) => {
        $(
            #[test]
            fn $name() {
                assert_eq!($outcome.map(drop), Err($error::$variant));
            }
        )*
        pub(crate) const REACHED: &[&str] = &[$(stringify!($variant)),*];
    };
}
pub(crate) use refusals;

/// The variants of `pub enum name` in a source file. (The enums are `non_exhaustive`, so no match
/// outside their crate can be complete.)
fn variants<'a>(source: &'a str, name: &str) -> BTreeSet<&'a str> {
    let start = source.find(&format!("pub enum {name} {{")).expect("the enum stands in this file");
    let body = &source[start..];
    let body = &body[body.find('\n').unwrap()..body.find("\n}").unwrap()];
    body.lines()
        .map(str::trim)
        .filter_map(|line| line.strip_suffix(','))
        .filter(|name| name.chars().all(char::is_alphanumeric))
        .collect()
}

#[test]
fn every_reason_to_refuse_a_link_is_reached() {
    let declared = variants(include_str!("../../src/org.rs"), "ChainError");
    let reached: BTreeSet<&str> = super::refused_links::REACHED.iter().copied().collect();
    assert!(declared.len() >= 25, "the enum was not read");
    assert_eq!(declared, reached);
}

#[test]
fn every_reason_to_refuse_a_commit_is_reached() {
    let declared = variants(include_str!("../../src/history.rs"), "CommitError");
    let reached: BTreeSet<&str> = super::refused_commits::REACHED.iter().copied().collect();
    assert!(declared.len() >= 20, "the enum was not read");
    assert_eq!(declared, reached);
}
