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

#[test]
fn zz_scratch() {
    let home = Home::new();
    let app = App::start(&home, "scratch", &["--sample"]);
    app.sees("[data-testid=env-row]", "EDGE_API_TOKEN");
    std::thread::sleep(std::time::Duration::from_secs(4));
    app.script("window.__changed = 0; const i = window.__TAURI_INTERNALS__; const h = i.transformCallback(() => window.__changed++); i.invoke('plugin:event|listen', {event:'audit-changed', target:{kind:'Any'}, handler: h}); return null");
    let ask = |c: &str, a: &str| {
        app.script(&format!("window.__a=null; window.__TAURI_INTERNALS__.invoke('{c}',{a}).then(x=>window.__a=JSON.stringify(x ?? 0),e=>window.__a='ERR '+JSON.stringify(e)); return null"));
        wait("a", || { let x = app.script("return window.__a"); x.as_str().map(str::to_owned) })
    };
    eprintln!("== before {}", ask("audit_state", "{}"));
    std::thread::sleep(std::time::Duration::from_secs(5));
    eprintln!("== unfollowed {}", ask("audit_state", "{}"));
    eprintln!("== follow {}", ask("audit_follow", "{on:true}"));
    for _ in 0..4 {
        std::thread::sleep(std::time::Duration::from_secs(3));
        eprintln!("== followed {} events {}", ask("audit_state", "{}"), app.script("return window.__changed"));
    }
    eprintln!("== save {}", ask("audit_view_save", "{name:'x', query:{levels:[],kinds:['revealed'],who:[],envs:[],secrets:[],outcomes:[],text:'a',from:null,to:null,quiet:true}}"));
    eprintln!("== witness {}", ask("witness_set", "{url:'https://example.org', vkey:'x'}"));
    eprintln!("== witness2 {}", ask("witness_set", "{url:'http://example.org/a', vkey:'x'}"));
    eprintln!("== view {}", ask("witness_view", "{}"));
    eprintln!("== newlogs {}", ask("audit_new_logs", "{}"));
    eprintln!("== with {}", ask("audit_compare_with", "{line:'5 aaaa'}"));
    eprintln!("== retain {}", ask("audit_retain", "{before: 5}"));
    app.window("sign");
    std::thread::sleep(std::time::Duration::from_secs(2));
    eprintln!("== sign {:?}", app.texts("body"));
    app.window("main");
    eprintln!("== reset {}", ask("audit_reset", "{}"));
    app.window("sign");
    std::thread::sleep(std::time::Duration::from_secs(2));
    eprintln!("== sign {:?}", app.texts("body"));
    app.quit();
}
