//! A reviewer, who can decrypt nothing: finds rows in a long log, checks all of it, and hands somebody
//! else a file that proves what it says. Then the server's disk is changed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    first_vault::unlock,
    support::{App, Home, Keys, Server, beside_the_app, save_as, wait},
    team::verify,
};

/// How long the log is; `scripts/bench-window audit` has one of a million.
const ENTRIES: &str = "20000";

/// A server with a long log, and the vault of somebody who may read it.
struct World {
    folder: TempDir,
    about: Value,
}

impl World {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let made = Command::new(beside_the_app("bench"))
            .args(["audit-world", "--events", ENTRIES, "--out"])
            .arg(folder.path().join("world"))
            .output()
            .expect("the generator is built: cargo build --package strongroom-bench");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let about = serde_json::from_slice(&made.stdout).expect("it says where everything is");
        Self { folder, about }
    }

    fn says(&self, what: &str) -> &str {
        self.about[what].as_str().expect("it says where everything is")
    }

    fn serve(&self) -> Server {
        let port = self.says("origin").rsplit(':').next().and_then(|port| port.parse().ok());
        Server::of(Path::new(self.says("server")), port.expect("an address has a port"))
    }

    /// The reviewer's computer as it was before it read anything.
    fn reviewer(&self) -> Home {
        Home::with_vaults(Path::new(self.says("reviewer")))
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("world/server/strongroom.db")
    }
}

#[test]
fn a_reviewer_finds_checks_and_hands_on_what_happened_and_sees_one_changed_byte() {
    let world = World::make();
    let server = world.serve();
    let home = world.reviewer();
    let app = App::start(&home, "audit", &[]);
    read(&app, &world);
    app.picture("log");

    finds(&app);
    brushes(&app);
    let row = opens_a_row(&app);
    verifies(&app);
    app.picture("verified");

    let bundle = home.path().join("evidence.strongroom-bundle");
    exports(&app, &bundle);
    app.quit();
    drop(server);
    the_bundle_proves_itself(&bundle);

    change_the_time(&world.database(), &row);
    let server = world.serve();
    let fresh = world.reviewer();
    let app = App::start(&fresh, "audit-tampered", &[]);
    refuses_the_changed_log(&app, &world, &row);
    app.quit();
    drop(server);
}

fn read(app: &App, world: &World) {
    unlock(app, world.says("passphrase"));
    app.click("[data-testid=audit-open]");
    let begin = Instant::now();
    // Reading and checking as many entries takes longer than a click.
    while app.texts("[data-testid=audit-row]").is_empty() {
        assert!(begin.elapsed() < Duration::from_mins(2), "the log was not read");
        std::thread::sleep(Duration::from_millis(200));
    }
    let (matched, total) = counts(app);
    assert!(total >= 20_000 && matched <= total, "{matched} of {total}");
}

/// How many rows match, and of how many.
fn counts(app: &App) -> (u64, u64) {
    wait("the counts", || {
        let said = app.texts("[data-testid=audit-counts]").concat();
        let digits = |text: &str| -> Option<u64> {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let (matched, rest) = said.split_once(" of ")?;
        Some((digits(matched)?, digits(rest.split('·').next()?)?))
    })
}

/// Types, and chooses among what the facets offer.
fn finds(app: &App) {
    let (all, total) = counts(app);
    app.fill("[data-testid=audit-search]", "revealed");
    let found = wait("fewer rows", || Some(counts(app).0).filter(|found| *found < all));
    assert!(found > 0, "somebody revealed something");
    every_row_says(app, "Revealed");
    app.click("[data-testid=facet-envs] [data-testid=audit-facet] input");
    let narrowed = wait("fewer rows", || Some(counts(app).0).filter(|n| *n < found));
    assert!(narrowed > 0, "a facet offers what there is");
    app.sees("[data-testid=audit-chip]", "").picture("found");
    let place = app.texts("[data-testid=audit-chip]").concat();
    let environment = place.rsplit(" / ").next().unwrap_or_default().trim().to_owned();
    assert!(!environment.is_empty(), "{place}");
    every_row_says(app, &environment);
    assert_eq!(counts(app).1, total, "a filter hides rows and loses none");
}

fn every_row_says(app: &App, word: &str) {
    wait(&format!("only rows with {word:?}"), || {
        let rows = app.texts("[data-testid=audit-row]");
        (!rows.is_empty() && rows.iter().all(|row| row.contains(word))).then_some(())
    });
}

/// Draws a span over the timeline.
fn brushes(app: &App) {
    app.keys(&[Keys::Escape]);
    let (before, _) = wait("more rows", || Some(counts(app)).filter(|(n, of)| n * 4 > *of));
    app.drag("[data-testid=audit-timeline]", 0.35, 0.6);
    let within = wait("fewer rows", || Some(counts(app).0).filter(|n| *n < before));
    assert!(within > 0, "something happened in that time");
    app.sees("[data-testid=audit-chip]", "").picture("brushed");
}

/// What a reviewer notes of a row.
struct Seen {
    entry: String,
    signature: Vec<u8>,
}

/// Opens a row: its proof was checked on this computer.
fn opens_a_row(app: &App) -> Seen {
    app.fill("[data-testid=audit-search]", "revealed");
    every_row_says(app, "Revealed");
    app.click("[data-testid=audit-row]").focus("[data-testid=audit-grid]");
    app.keys(&[Keys::Enter]);
    app.sees("[data-testid=audit-row-panel]", "Checked on this computer");
    app.sees("[data-testid=audit-row-panel]", "Signed").click("[data-testid=audit-fields]");
    app.sees("[data-testid=audit-row-panel] dl.raw", "").picture("row");
    let signature = app.script(
        "const label = [...document.querySelectorAll('[data-testid=audit-row-panel] dl.raw dt')]
            .find((dt) => dt.textContent === 'Signature');
        return label?.nextElementSibling.textContent",
    );
    let entry =
        app.script("return document.querySelector('[data-testid=audit-row].on').dataset.entry");
    let entry = entry.as_str().expect("a row has a place").to_owned();
    let signature = signature.as_str().expect("a signed row has its signature");
    let byte = |at: usize| u8::from_str_radix(&signature[at..at + 2], 16).expect("in hexadecimal");
    Seen { entry, signature: (0..signature.len()).step_by(2).map(byte).collect() }
}

fn verifies(app: &App) {
    app.click("[data-testid=audit-verify]");
    let begin = Instant::now();
    while app.texts("[data-testid=audit-verdict]").is_empty() {
        assert!(begin.elapsed() < Duration::from_mins(2), "the verification did not end");
        std::thread::sleep(Duration::from_millis(200));
    }
    app.sees("[data-testid=audit-verdict]", "Log verified");
    app.sees("[data-testid=audit-verify-panel]", "It does not prove");
}

/// Saves the rows that match as a bundle that proves itself.
fn exports(app: &App, file: &Path) {
    app.click("[data-testid=audit-export]").click("[data-testid=audit-format-bundle]");
    app.picture("export").click("[data-testid=audit-export-go]");
    save_as("Save the evidence", file);
    wait("the bundle", || fs::metadata(file).ok().filter(|file| file.len() > 0));
    app.sees("[data-testid=audit-export-done]", "Saved to");
}

/// The server is gone. The file holds, and not with a single byte changed.
fn the_bundle_proves_itself(file: &Path) {
    let (holds, said) = verify(file);
    assert!(holds, "{said}");
    let bytes = fs::read(file).expect("the bundle was saved");
    let changed = file.with_extension("changed");
    for place in [bytes.len() / 5, bytes.len() / 2, bytes.len() - 40] {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        fs::write(&changed, bytes).expect("the folder can be written");
        let (holds, said) = verify(&changed);
        assert!(!holds, "byte {place}: {said}");
    }
}

/// Somebody with the server's disk changes when it happened: the last byte of the time, which stands
/// behind the signature.
fn change_the_time(database: &Path, row: &Seen) {
    let mut bytes = fs::read(database).expect("the server keeps its data there");
    let length = row.signature.len();
    let mut places = bytes.windows(length).enumerate().filter(|(_, at)| *at == row.signature);
    let (place, _) = places.next().expect("the entry is on the disk");
    assert!(places.next().is_none(), "and once");
    bytes[place + length + 7] ^= 1;
    fs::write(database, bytes).expect("the folder can be written");
}

fn refuses_the_changed_log(app: &App, world: &World, row: &Seen) {
    unlock(app, world.says("passphrase"));
    app.click("[data-testid=audit-open]");
    let begin = Instant::now();
    while app.texts("[data-testid=audit-stopped]").is_empty() {
        assert!(begin.elapsed() < Duration::from_mins(2), "nobody noticed");
        std::thread::sleep(Duration::from_millis(200));
    }
    app.sees("[data-testid=audit-stopped]", &format!("audit entry {}", row.entry));
    app.sees_no("[data-testid=audit-row]").picture("stopped");
}
