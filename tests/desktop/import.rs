//! A file on its way in: chosen in the system's dialog, shown as a dry run, signed as one commit.

use std::{fs, path::Path, process::Command};

use super::support::{App, Home, wait};

const FILE: &str = "\
# a comment
DATABASE_URL=postgres://app:canary-5b1e@db/shop
2FA_SEED=canary-5b1e-seed
export SMTP_PASSWORD='canary-5b1e two words'
SMTP_PASSWORD=canary-5b1e-again
";

#[test]
fn a_file_is_chosen_in_the_dialog_shown_without_values_and_signed() {
    let home = Home::new();
    let file = home.path().join("shop.env");
    let more: Vec<String> = (1..=196).map(|n| format!("BULK_{n}=canary-5b1e-{n}")).collect();
    fs::write(&file, format!("{FILE}{}\n", more.join("\n"))).expect("a file to import");
    let app = App::start(&home, "import", &["--sample"]);
    app.sees("[data-testid=env-row]", "EDGE_API_TOKEN");

    app.click("[data-testid=import-open]");
    choose("Import secrets", &file);
    app.sees("[data-testid=import-sheet]", "shop.env");
    app.sees("[data-testid=import-read]", "200").sees("[data-testid=import-added]", "198");
    app.sees("[data-testid=import-issue]", "2FA_SEED").picture("dry-run");
    let page = app.script("return document.documentElement.outerHTML");
    assert!(!page.as_str().unwrap_or_default().contains("canary-5b1e"), "a value is in the page");

    app.click("[data-testid=import-apply]").sees_no("[data-testid=import-sheet]");
    app.sees("[data-testid=env-count]", "201");
    app.fill("[data-testid=env-filter]", "database").sees("[data-testid=env-row]", "DATABASE_URL");
    app.fill("[data-testid=env-filter]", "smtp");
    app.sees("[data-testid=env-row]", "SMTP_PASSWORD").picture("imported");
    app.quit();
}

/// Types a path into the system's file dialog. There is no window manager, so the dialog is given the
/// keyboard by hand.
fn choose(title: &str, file: &Path) {
    let dialog = wait("the file dialog", || {
        let found = xdotool(&["search", "--onlyvisible", "--name", title]);
        found.lines().next().map(str::to_owned)
    });
    xdotool(&["windowfocus", "--sync", &dialog, "key", "slash"]);
    // The slash makes the dialog open a field for paths, and what is typed until then is lost.
    pause(1500);
    let path = file.display().to_string();
    xdotool(&["type", "--delay", "40", path.trim_start_matches('/')]);
    pause(500);
    // The dialog completes paths while they are typed and takes Return once it has caught up. A
    // Return too many would press a button of the main window, so the dialog gets time to go.
    wait("the end of the file dialog", || {
        xdotool(&["windowfocus", &dialog, "key", "Return"]);
        pause(1500);
        xdotool(&["search", "--onlyvisible", "--name", title]).is_empty().then_some(())
    });
}

/// The system's dialog cannot be asked how far it is.
fn pause(millis: u64) {
    std::thread::sleep(std::time::Duration::from_millis(millis));
}

fn xdotool(arguments: &[&str]) -> String {
    let output = Command::new("timeout").args(["5", "xdotool"]).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
