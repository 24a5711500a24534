//! Links that open the program, from another process and while the vault is locked.

use serde_json::{Value, json};

use super::support::{App, Home, wait};

/// An organisation that nobody here is in.
const ELSEWHERE: &str = "org_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[test]
fn a_link_leads_to_its_place_once_a_vault_is_open_that_may_show_it() {
    let home = Home::new();
    let app = App::start(&home, "links", &["--sample"]);
    app.sees("[data-testid=env-row]", "EDGE_API_TOKEN");
    let org = answer(&app, "org_view");
    let (org, env) = (text(&org["id"]), text(&org["apps"][0]["environments"][0]["id"]));
    listen(&app);

    // A second start hands its link over and ends.
    app.again(&home, &[&format!("strongroom://{org}/env/{env}")]);
    let there = json!({ "org": org, "entry": null, "envId": env, "secretId": null });
    assert_eq!(heard(&app, 1), there);
    // What is not ours says no more than that it leads nowhere, whether it exists or not.
    app.again(&home, &[&format!("strongroom://{ELSEWHERE}/audit/7")]);
    let nowhere = json!({ "org": ELSEWHERE, "entry": null, "envId": null, "secretId": null });
    assert_eq!(heard(&app, 2), nowhere);
    let unknown = env.replace(|c: char| c.is_ascii_digit(), "a");
    app.again(&home, &[&format!("strongroom://{org}/env/{unknown}/{unknown}")]);
    app.again(&home, &[&format!("strongroom://{org}/audit/1?then=sign")]);
    app.again(&home, &["https://example.com/"]);
    app.again(&home, &[&format!("strongroom://{org}/audit/2")]);
    let entry = json!({ "org": org, "entry": 2, "envId": null, "secretId": null });
    assert_eq!(heard(&app, 3), entry, "what is no link leads nowhere and says nothing");
    app.quit();

    // It waits while the vault is locked.
    let app = App::start(&home, "links-locked", &[&format!("strongroom://{org}/audit/1")]);
    app.sees("h1", "Locked");
    listen(&app);
    app.click("[data-testid=locked-unlock]").window("unlock");
    app.fill("#passphrase", "sample").leave("#submit").closed("unlock");
    let entry = json!({ "org": org, "entry": 1, "envId": null, "secretId": null });
    assert_eq!(heard(&app, 1), entry);
    app.quit();
}

/// Listens to links, beside the page itself.
fn listen(app: &App) {
    app.script(
        "window.__heard = []; const inside = window.__TAURI_INTERNALS__; \
         const handler = inside.transformCallback((event) => window.__heard.push(event.payload)); \
         inside.invoke('plugin:event|listen', { event: 'open-link', target: { kind: 'Any' }, handler }); \
         return null",
    );
}

/// The newest of so many links that the page was told of.
fn heard(app: &App, count: usize) -> Value {
    wait("the link", || {
        let heard = app.script("return window.__heard");
        let heard = heard.as_array()?;
        assert!(heard.len() <= count, "{heard:?}");
        (heard.len() == count).then(|| heard.last().cloned())?
    })
}

/// What a command of the main window answers.
fn answer(app: &App, command: &str) -> Value {
    app.script(&format!(
        "window.__answer = null; window.__TAURI_INTERNALS__.invoke('{command}')\
         .then((answer) => window.__answer = answer); return null"
    ));
    wait("the answer", || {
        let answer = app.script("return window.__answer");
        (!answer.is_null()).then_some(answer)
    })
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
