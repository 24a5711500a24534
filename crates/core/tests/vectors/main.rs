#![expect(clippy::unwrap_used, reason = "a broken fixture should fail loudly")]
//! Recorded bytes of every object (tests/vectors). One file for each kind shows whole objects; the
//! file `random-objects.json` has a thousand more, each with one hash over everything that comes
//! out of it. `tests/vectors/second_implementation.py` makes the same bytes from the same fields.
//!
//! A vector is added, never edited: a change here is a new version of the protocol.

mod agents;
mod draw;
mod links;
mod objects;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use strongroom_format::encoding::Writer;
use strongroom_format::hash::sha256;

use draw::{Draw, hex};
use objects::Vector;

type Make = fn(&mut Draw) -> Vector;

/// Kind, how many are shown whole, how many random ones there are, and how one is made.
const KINDS: &[(&str, u64, u64, Make)] = &[
    ("commit", 4, 140, objects::commit),
    ("state-root", 4, 60, objects::state_root),
    ("event", 4, 100, objects::event),
    ("checkpoint", 2, 30, objects::checkpoint),
    ("pins", 2, 30, objects::pins),
    ("tree", 4, 60, objects::audit_tree),
    ("envelope", 2, 60, objects::envelope),
    ("wrap-object", 2, 40, objects::wrap),
    ("token-object", 1, 30, objects::token),
    ("invite-object", 2, 30, objects::invite),
    ("sign-in", 2, 20, objects::sign_in),
    ("event-later-kinds", 20, 0, objects::later_event),
    ("event-later-acts", 10, 0, objects::later_act),
    ("link-later", 3, 0, links::later),
    ("agent-terms", 3, 0, agents::terms),
    ("agent-act", 6, 0, agents::act),
];
/// With the above, a thousand.
const RANDOM_LINKS: u64 = 400;

/// The files that show whole objects.
fn shown() -> Vec<(String, Value)> {
    let whole = |(mut input, output): Vector| {
        input["out"] = output;
        input
    };
    let mut d = Draw::new(1);
    let links: Vec<Value> = (1..=links::TYPES).map(|t| whole(links::link(&mut d, t))).collect();
    let mut files = vec![("link".to_owned(), json!({ "cases": links }))];
    for (seed, (name, count, _, make)) in (2..).zip(KINDS) {
        let mut d = Draw::new(seed);
        let cases: Vec<Value> = (0..*count).map(|_| whole(make(&mut d))).collect();
        files.push(((*name).to_owned(), json!({ "cases": cases })));
    }
    files
}

/// A thousand objects, a line each.
fn random() -> Vec<Value> {
    let hashed = |(mut input, output): Vector| {
        input["sha256"] = hex(digest(&output));
        input
    };
    let mut d = Draw::new(1_000);
    let link = |n| hashed(links::link(&mut d, u8::try_from(n % 20 + 1).unwrap()));
    let mut all: Vec<Value> = (0..RANDOM_LINKS).map(link).collect();
    for (seed, (_, _, count, make)) in (1_001..).zip(KINDS) {
        let mut d = Draw::new(seed);
        all.extend((0..*count).map(|_| hashed(make(&mut d))));
    }
    assert_eq!(all.len(), 1_000);
    all
}

/// SHA-256 over `lp(name) || lp(text)` of every output, rising by name.
fn digest(output: &Value) -> [u8; 32] {
    let mut w = Writer::new();
    let rising: BTreeMap<&String, &Value> = output.as_object().unwrap().iter().collect();
    for (name, value) in rising {
        w.lp(name.as_bytes()).lp(value.as_str().unwrap().as_bytes());
    }
    sha256(&[&w.finish()])
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name)
}

#[test]
fn every_kind_of_object_still_has_its_recorded_bytes() {
    for (name, value) in shown() {
        let recorded = std::fs::read_to_string(path(&format!("{name}.json"))).unwrap();
        let recorded: Value = serde_json::from_str(&recorded).unwrap();
        assert_eq!(recorded, value, "{name}");
    }
}

#[test]
fn a_thousand_random_objects_still_have_their_recorded_bytes() {
    let recorded = std::fs::read_to_string(path("random-objects.json")).unwrap();
    let recorded: Vec<Value> = serde_json::from_str(&recorded).unwrap();
    for (recorded, made) in recorded.iter().zip(random()) {
        assert_eq!(*recorded, made);
    }
    assert_eq!(recorded.len(), 1_000);
}

/// Records the files that do not exist yet; never touches one that does.
#[test]
#[ignore = "writes files: run it by name after adding a kind"]
fn record_new_objects() {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap() + "\n";
    let files = shown().into_iter().map(|(name, value)| (format!("{name}.json"), pretty(&value)));
    let lines: Vec<String> = random().iter().map(Value::to_string).collect();
    let random = ("random-objects.json".to_owned(), format!("[\n{}\n]\n", lines.join(",\n")));
    for (name, text) in files.chain([random]) {
        if !path(&name).exists() {
            std::fs::write(path(&name), text).unwrap();
        }
    }
}
