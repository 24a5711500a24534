use proptest::prelude::*;
use strongroom_format::id::{EnvId, SecretId};

use super::*;

fn items(names: &[&'static str]) -> Vec<Searchable<'static>> {
    names.iter().map(|name| Searchable { name, note: "" }).collect()
}

fn filter(names: &[&'static str], query: &str) -> Vec<&'static str> {
    let found = NameIndex::new(&items(names)).filter(&Query::new(query));
    found.into_iter().map(|n| names[n]).collect()
}

const SHOP: &[&str] = &[
    "DATABASE_URL",
    "DATABASE_REPLICA_URL",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "SMTP_PASSWORD",
    "URL",
];

#[test]
fn a_filter_finds_parts_of_names_in_any_case_and_keeps_their_order() {
    assert_eq!(filter(SHOP, "stripe"), ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"]);
    assert_eq!(filter(SHOP, "Url"), ["DATABASE_URL", "DATABASE_REPLICA_URL", "URL"]);
    assert_eq!(filter(SHOP, "E_U"), ["DATABASE_URL"]);
    assert_eq!(filter(SHOP, ""), SHOP);
    assert_eq!(filter(SHOP, "  "), SHOP);
    assert_eq!(filter(SHOP, "nothing"), [""; 0]);
    assert_eq!(filter(&[], "x"), [""; 0]);
}

#[test]
fn every_word_must_be_found_and_order_does_not_matter() {
    assert_eq!(filter(SHOP, "url data"), ["DATABASE_URL", "DATABASE_REPLICA_URL"]);
    assert_eq!(filter(SHOP, "secret key"), ["STRIPE_SECRET_KEY"]);
}

#[test]
fn no_match_goes_over_the_end_of_a_name() {
    assert_eq!(filter(&["AB", "CD"], "bc"), [""; 0]);
    assert_eq!(filter(&["AB", "CD"], "b\nc"), [""; 0]);
    assert_eq!(filter(&["", "A", ""], "a"), ["A"]);
}

#[test]
fn notes_are_searched_and_not_marked() {
    let items = [
        Searchable { name: "A", note: "rotated by\nthe Billing team" },
        Searchable { name: "BILLING", note: "" },
    ];
    let index = NameIndex::new(&items);
    let query = Query::new("billing");
    assert_eq!(index.filter(&query), [0, 1]);
    assert_eq!(index.matches(0, &query), []);
    assert_eq!(index.matches(1, &query), [(0, 7)]);
    assert_eq!(index.filter(&Query::new("billing rotated")), [0]);
}

#[test]
fn matches_are_counted_in_utf16_units() {
    let index = NameIndex::new(&items(&["KEY_KEY", "ÄÖ_😀_Straße_KEY", "ⱥȺ_x"]));
    assert_eq!(index.matches(0, &Query::new("key")), [(0, 3), (4, 7)]);
    assert_eq!(index.matches(0, &Query::new("y_k ke")), [(0, 6)]);
    assert_eq!(index.matches(1, &Query::new("äö")), [(0, 2)]);
    assert_eq!(index.matches(1, &Query::new("straße key")), [(6, 12), (13, 16)]);
    // The lower case of this letter is longer: it finds itself alone.
    assert_eq!(index.matches(2, &Query::new("Ⱥ")), [(1, 2)]);
}

fn id(n: usize) -> SecretId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&(n as u64).to_be_bytes());
    SecretId(id)
}

fn shop() -> SearchIndex {
    let mut index = SearchIndex::default();
    for (env, place) in [(1, "Storefront development"), (2, "Storefront production")] {
        let list: Vec<_> =
            items(SHOP).into_iter().enumerate().map(|(n, item)| (id(n), item)).collect();
        index.set(EnvId([env; 16]), place, &list);
    }
    index
}

fn palette(index: &SearchIndex, query: &str, limit: usize) -> Vec<String> {
    let named = |hit: Hit| {
        let n = (0..SHOP.len()).find(|n| id(*n) == hit.secret).unwrap();
        format!("{}{}{}", hit.env.as_bytes()[0], if hit.fuzzy { '~' } else { ' ' }, SHOP[n])
    };
    index.palette(&Query::new(query), limit).into_iter().map(named).collect()
}

#[test]
fn the_palette_puts_beginnings_before_insides_and_short_names_first() {
    let index = shop();
    assert_eq!(
        palette(&index, "url prod", 9),
        ["2 URL", "2 DATABASE_URL", "2 DATABASE_REPLICA_URL"]
    );
    assert_eq!(
        palette(&index, "s production", 3),
        ["2 SMTP_PASSWORD", "2 STRIPE_SECRET_KEY", "2 STRIPE_WEBHOOK_SECRET"]
    );
    assert_eq!(
        palette(&index, "stripe", 3),
        ["1 STRIPE_SECRET_KEY", "2 STRIPE_SECRET_KEY", "1 STRIPE_WEBHOOK_SECRET"]
    );
}

#[test]
fn letters_apart_are_a_fallback_behind_every_true_match() {
    let index = shop();
    assert_eq!(palette(&index, "dburl prod", 9), ["2~DATABASE_URL", "2~DATABASE_REPLICA_URL"]);
    let hit = index.palette(&Query::new("smpw"), 1).remove(0);
    assert_eq!((hit.fuzzy, hit.matches), (true, vec![(0, 2), (5, 6), (9, 10)]));
    assert_eq!(
        palette(&index, "secret key", 9)[..2],
        ["1 STRIPE_SECRET_KEY", "2 STRIPE_SECRET_KEY"]
    );
    assert_eq!(palette(&index, "zzz", 9), [""; 0]);
    assert_eq!(palette(&index, "", 9), [""; 0]);
    assert_eq!(palette(&index, "url", 0), [""; 0]);
}

#[test]
fn an_environment_is_replaced_and_removed_alone() {
    let mut index = shop();
    index.set(EnvId([1; 16]), "other", &[]);
    assert_eq!(index.len(), SHOP.len());
    assert_eq!(palette(&index, "smtp", 9), ["2 SMTP_PASSWORD"]);
    index.remove(&EnvId([2; 16]));
    assert!(index.is_empty());
}

#[test]
fn an_index_prints_no_name() {
    assert!(!format!("{:?}", shop()).contains("URL"));
}

proptest! {
    #[test]
    fn the_filter_is_what_a_slow_search_finds(
        names in prop::collection::vec("[ABab_ÄäßẞⱥȺK😀]{0,6}", 0..80),
        notes in prop::collection::vec("[ab\n]{0,3}", 80),
        query in "[abä_ß😀]{1,3}( [ab]{1,2})?",
    ) {
        let items: Vec<Searchable<'_>> = names.iter().zip(&notes).map(|(name, note)| Searchable { name, note }).collect();
        let index = NameIndex::new(&items);
        let query = Query::new(&query);
        let lower = |text: &str| text.chars().map(fold::fold).collect::<String>();
        let has = |item: &Searchable<'_>, term: &String| lower(item.name).contains(term) || lower(item.note).contains(term);
        let slow: Vec<usize> = (0..items.len()).filter(|n| query.terms().iter().all(|term| has(&items[*n], term))).collect();
        prop_assert_eq!(index.filter(&query), slow);
    }

    #[test]
    fn matches_lie_apart_inside_the_name(name in "[abAB_😀ä]{0,12}", query in "[ab😀ä_]{1,2}( [ab]{1,2})?") {
        let index = NameIndex::new(&[Searchable { name: &name, note: "" }]);
        let matches = index.matches(0, &Query::new(&query));
        let units = u32::try_from(name.encode_utf16().count()).unwrap();
        prop_assert!(matches.iter().all(|(from, to)| from < to && *to <= units));
        prop_assert!(matches.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
