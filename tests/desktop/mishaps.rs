//! What may not cost anybody a secret: a program that is killed, and files that are damaged.

use std::{fs, path::Path};

use super::support::{App, Home};

#[test]
fn what_was_signed_survives_a_program_that_is_killed_while_it_signs() {
    let home = Home::new();
    let app = App::start(&home, "killed", &["--sample"]);
    app.sees("[data-testid=env-row]", "EDGE_API_TOKEN");
    add_secret(&app, "ACKNOWLEDGED");
    app.click("[data-testid=staged-review]").click("[data-testid=staged-sign]");
    app.sees_no("[data-testid=staged-bar]");
    add_secret(&app, "IN_BETWEEN");
    app.click("[data-testid=staged-review]").leave("[data-testid=staged-sign]");
    app.kill();

    let app = App::start(&home, "killed-again", &[]);
    unlock_sample(&app);
    app.sees("[data-testid=env-row]", "ACKNOWLEDGED");
    // Signed or still staged, as it may have happened; never lost, and never both.
    app.sees("[data-testid=env-row]", "IN_BETWEEN").picture("after");
    app.sees("[data-testid=status-verified]", "Verified");
    app.quit();
}

#[test]
fn a_damaged_copy_on_this_computer_is_fetched_and_checked_again() {
    let home = Home::new();
    let app = App::start(&home, "damaged", &["--sample"]);
    app.sees("[data-testid=env-row]", "EDGE_API_TOKEN");
    app.quit();
    let damaged = damage(home.path());
    assert!(damaged > 5, "only {damaged} files of the copy were found");

    let app = App::start(&home, "damaged-again", &[]);
    unlock_sample(&app);
    app.sees("[data-testid=env-row]", "EDGE_API_TOKEN");
    app.sees("[data-testid=status-verified]", "Verified").picture("after");
    app.quit();
}

fn add_secret(app: &App, name: &str) {
    app.press("New secret").window("edit").sees("#subject", "New secret");
    app.fill("#name", name).fill("#value", "made-up").leave("#submit").closed("edit");
    app.sees("[data-testid=env-row]", name);
}

fn unlock_sample(app: &App) {
    app.sees("h1", "Locked").click("[data-testid=locked-unlock]").window("unlock");
    app.fill("#passphrase", "sample").leave("#submit").closed("unlock");
}

/// Flips a bit in the middle of every sealed file of the cache; says how many there were.
fn damage(folder: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            count += damage(&path);
        } else if path.extension().is_some_and(|end| end == "sealed") {
            let mut bytes = fs::read(&path).expect("a file of the copy");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&path, bytes).expect("the home can be written");
            count += 1;
        }
    }
    count
}
