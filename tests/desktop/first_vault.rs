//! The first vault, from an empty computer to a copied secret, and back through lock and restart.

use std::{fs, process::Command};

use super::support::{App, Home, Keys, wait};

pub(super) const PASSPHRASE: &str = "six quiet herons cross the river";
const NAME: &str = "STRIPE_SECRET_KEY";
const VALUE: &str = "canary-value-7f3a91";
const CHANGED: &str = "canary-value-changed-22c0";

#[test]
fn a_vault_is_made_filled_locked_and_opened_again_after_a_restart() {
    let home = Home::new();
    let app = App::start(&home, "first-vault", &[]);
    create_vault(&app);
    create_application(&app);
    add_secret(&app, NAME, VALUE);
    app.picture("staged");
    sign(&app);
    app.sees("[data-testid=env-row]", NAME).picture("signed");

    copy_reaches_the_clipboard(&app);
    reveal_shows_the_value_and_closes(&app);

    app.click("[data-testid=lock]").sees("h1", "Locked").picture("locked");
    assert_ne!(clipboard(), VALUE, "locking clears the clipboard");
    refuses_a_wrong_passphrase(&app);
    unlock(&app, PASSPHRASE);
    app.sees("[data-testid=env-row]", NAME);

    add_secret(&app, "WEBHOOK_SECRET", CHANGED);
    app.quit();

    let app = App::start(&home, "first-vault-again", &[]);
    app.sees("h1", "Locked");
    unlock(&app, PASSPHRASE);
    app.sees("[data-testid=env-row]", NAME);
    app.sees("[data-testid=staged-bar]", "1");
    sign(&app);
    app.sees("[data-testid=env-row]", "WEBHOOK_SECRET").picture("after-restart");
    nothing_in_the_page(&app);
    app.quit();
    nothing_on_the_disk(&home);
}

#[test]
fn the_sample_opens_by_itself_and_is_marked() {
    let home = Home::new();
    let app = App::start(&home, "sample", &["--sample"]);
    app.sees("[data-testid=sample-badge]", "Sample");
    app.sees("[data-testid=env-row]", "_").picture("environment");
    app.keys(&[Keys::Control('k')]);
    app.fill("[data-testid=palette-input]", "stripe");
    app.sees("[data-testid=palette-hit]", "STRIPE_SECRET_KEY").picture("palette");
    app.keys(&[Keys::Escape]).sees_no("[data-testid=palette-input]");
    app.quit();
}

#[test]
fn the_vault_locks_when_the_screen_locks() {
    let home = Home::new();
    let app = App::start(&home, "screen-lock", &["--sample"]);
    app.sees("[data-testid=sample-badge]", "Sample");
    tell_that_the_screen_locks();
    app.sees("h1", "Locked").sees("main", "The screen was locked").picture("locked");
    app.quit();
}

/// What a desktop's screen saver says on the session bus.
fn tell_that_the_screen_locks() {
    let told = async {
        let bus = zbus::Connection::session().await?;
        let (path, name) = ("/org/gnome/ScreenSaver", "org.gnome.ScreenSaver");
        bus.emit_signal(None::<&str>, path, name, "ActiveChanged", &true).await
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(told).expect("the session bus of scripts/with-desktop");
}

pub(super) fn create_vault(app: &App) {
    app.click("[data-testid=welcome-create]")
        .fill("#create-name", "Mara Lind")
        .fill("#create-organisation", "Acme")
        .click("[data-testid=create-continue]");
    app.window("create").sees("#owner", "Mara Lind, Acme").picture("create");
    app.fill("#passphrase", PASSPHRASE).fill("#again", PASSPHRASE).leave("#submit");
    app.window("kit").sees("#person", "Mara Lind").picture("kit");
    app.click("#kit-stored").leave("#done").closed("kit");
    app.sees("[data-testid=first-run]", "No applications");
}

pub(super) fn create_application(app: &App) {
    app.click("[data-testid=first-app]").fill("[data-testid=app-name]", "storefront");
    app.click("[data-testid=app-create]");
    app.click("[data-testid=env-link]").sees("[data-testid=env-empty]", "");
}

pub(super) fn add_secret(app: &App, name: &str, value: &str) {
    app.press("New secret").window("edit").sees("#subject", "New secret");
    app.fill("#name", name).fill("#value", value).leave("#submit").closed("edit");
    app.sees("[data-testid=env-row]", name);
}

pub(super) fn sign(app: &App) {
    app.click("[data-testid=staged-review]").sees("[data-testid=review-sheet]", "");
    app.click("[data-testid=staged-sign]").sees_no("[data-testid=review-sheet]");
    app.sees_no("[data-testid=staged-bar]");
}

pub(super) fn unlock(app: &App, passphrase: &str) {
    app.click("[data-testid=locked-unlock]").window("unlock");
    app.fill("#passphrase", passphrase).leave("#submit").closed("unlock");
}

fn refuses_a_wrong_passphrase(app: &App) {
    app.click("[data-testid=locked-unlock]").window("unlock");
    app.fill("#passphrase", "not the passphrase at all").click("#submit");
    app.sees("#error-text", "does not open this vault").picture("wrong-passphrase");
    app.leave("#cancel").closed("unlock").sees("h1", "Locked");
}

fn copy_reaches_the_clipboard(app: &App) {
    app.click("[data-testid=env-row]").click("[data-testid=inspector-copy]");
    wait("the value on the clipboard", || (clipboard() == VALUE).then_some(()));
    app.sees("[data-testid=status-clipboard]", NAME);
}

fn reveal_shows_the_value_and_closes(app: &App) {
    app.click("[data-testid=inspector-reveal]").window("reveal");
    app.sees("#value", VALUE).picture("reveal").leave("#cancel").closed("reveal");
    nothing_in_the_page(app);
}

/// The canary: no value and no passphrase is anywhere in the main window's page or state.
fn nothing_in_the_page(app: &App) {
    let page = app.script(
        "return document.documentElement.outerHTML + JSON.stringify(Object.keys(window)) \
         + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)",
    );
    let page = page.as_str().unwrap_or_default().to_owned();
    assert!(page.contains(NAME), "the page shows names");
    for secret in [VALUE, CHANGED, PASSPHRASE] {
        assert!(!page.contains(secret), "{secret} is in the page");
    }
}

/// Everything the program left in the home is sealed: no name, value or passphrase in clear.
fn nothing_on_the_disk(home: &Home) {
    let mut files = Vec::new();
    collect(home.path(), &mut files);
    assert!(files.len() > 3, "the search found too little: {files:?}");
    for file in files {
        let bytes = fs::read(&file).unwrap_or_default();
        for secret in [VALUE, CHANGED, PASSPHRASE, NAME, "storefront", "Mara Lind"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {}", file.display());
        }
    }
}

pub(super) fn collect(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

pub(super) fn clipboard() -> String {
    let output =
        Command::new("timeout").args(["3", "xclip", "-selection", "clipboard", "-o"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
