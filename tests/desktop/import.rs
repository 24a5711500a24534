//! A file on its way in: chosen in the system's dialog, shown as a dry run, signed as one commit.

use std::fs;

use super::support::{App, Home, choose};

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
