//! Prints what the program costs beside what its cryptography alone costs (bench/README.md).
//!
//! Not a test: nothing here fails because a machine was busy. Every ratio is taken in one run, the
//! two contenders in turn.

#![forbid(unsafe_code)]

mod access;
mod audit;
mod bare;
mod broker;
mod chain;
mod filter;
mod import;
mod kdf;
mod measure;
mod memory;
mod open;
mod rotate;
mod small;
mod table;
mod team;
mod vault;
mod world;

use std::io::Write as _;

use table::Row;

/// Whatever keeps a figure from being taken; printed, and the program ends.
type Failure = Box<dyn std::error::Error + Send + Sync>;

type Part = (&'static str, fn() -> Result<Vec<Row>, Failure>);

const PARTS: &[Part] = &[
    ("open", open::rows),
    ("kdf", kdf::rows),
    ("filter", filter::rows),
    ("small", small::rows),
    ("import", import::rows),
    ("rotate", rotate::rows),
    ("access", access::rows),
    ("chain", chain::rows),
    ("memory", memory::rows),
    ("audit", audit::rows),
];

fn main() -> Result<(), Failure> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    match wanted.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [memory::HOLD, folder, vault] => return print(&memory::hold(folder, vault)?),
        [vault::MAKE, folder] => return print(&vault::make_for_window(folder)?),
        [team::MAKE, folder] => return print(&team::make_for_window(folder)?),
        [audit::READ, folder] => return print(&audit::read_world(folder)?),
        [audit::WORLD, arguments @ ..] => return print(&audit::make_world(arguments)?),
        [broker::OURS, arguments @ ..] => return broker::ours(arguments),
        [broker::HOP, arguments @ ..] => return broker::hop(arguments),
        [broker::STOP, arguments @ ..] => return print(&broker::stop(arguments)?),
        [team::TILES, folder] => return print(&team::tiles(folder)?),
        _ => {}
    }
    if let Some(unknown) = wanted.iter().find(|name| PARTS.iter().all(|part| part.0 != **name)) {
        let known: Vec<&str> = PARTS.iter().map(|part| part.0).collect();
        return Err(format!("{unknown}: the parts are {}", known.join(", ")).into());
    }
    let mut rows = Vec::new();
    for (name, part) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            rows.extend(part()?);
        }
    }
    print(&table::render(&rows))
}

fn print(text: &str) -> Result<(), Failure> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
