//! The first start on a new computer.

use serde_json::json;

use super::support::{App, Home};

#[test]
fn a_new_computer_is_asked_where_its_vault_is() {
    let home = Home::new();
    let app = App::start(&home, "welcome", &[]);
    app.sees("h1", "Where is your vault?");
    app.picture("first");
    app.quit();
}

#[test]
fn a_page_of_the_main_window_cannot_leave_load_or_call_what_it_was_not_given() {
    let home = Home::new();
    let app = App::start(&home, "guard", &[]);
    app.sees("h1", "Where is your vault?");

    let calls = json!([
        ["unlock_submit", { "passphrase": "x", "secretKey": null }],
        ["reveal_context", {}],
        ["secure_close", {}],
        ["sign_context", {}],
        ["sign_submit", { "typed": null, "checked": true }],
        ["invite_context", {}],
        ["take_submit", { "code": "x" }],
        ["join_look", { "code": "x" }],
        ["words_submit", { "same": true }],
        ["token_copy", {}],
        ["plugin:dialog|open", { "options": {} }],
        ["plugin:event|emit", { "event": "x", "payload": null }],
        ["plugin:webview|create_webview_window", { "options": { "label": "x", "url": "https://example.com" } }],
        ["plugin:window|set_title", { "value": "x" }],
        ["plugin:deep-link|get_current", {}],
        ["plugin:deep-link|register", { "protocol": "https" }],
        ["plugin:path|resolve_directory", { "directory": 1 }],
    ]);
    app.script(&format!(
        "window.__seen = []; for (const [name, args] of {calls}) \
         window.__TAURI_INTERNALS__.invoke(name, args).then(() => window.__seen.push('DID ' + name), \
         (e) => window.__seen.push(String(e).includes('not allowed') ? 'refused' : name + ': ' + e)); return null"
    ));
    let all = calls.as_array().map(Vec::len);
    let seen = super::support::wait("all answers", || {
        let seen = app.script("return window.__seen");
        (seen.as_array().map(Vec::len) == all).then_some(seen)
    });
    assert!(seen.as_array().is_some_and(|all| all.iter().all(|one| one == "refused")), "{seen}");

    assert_eq!(app.script("return typeof window.__TAURI__"), "undefined");
    assert_eq!(app.script("return Object.isFrozen(Object.prototype)"), true);
    app.script("location.href = 'https://example.com/'; return null");
    app.script("window.open('https://example.com/'); return null");
    app.script(
        "window.__net = ''; fetch('https://example.com/').then(() => window.__net = 'loaded', () => window.__net = 'blocked'); return null",
    );
    super::support::wait("the blocked request", || {
        (app.script("return window.__net") == "blocked").then_some(())
    });
    app.sees("h1", "Where is your vault?");
    app.quit();
}
