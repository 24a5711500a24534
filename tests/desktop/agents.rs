//! An agent uses a credential that it never sees: allowed, asked about, denied, and stopped with
//! everything else. The broker, the upstream and the program that asks are real.

use std::{
    fs,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    first_vault::{PASSPHRASE, add_secret, create_application, create_vault, sign, unlock},
    support::{App, Home, Upstream, beside_the_app, wait},
};

const NAME: &str = "TRACKER_KEY";
const VALUE: &str = "canary-tracker-5d0e77aa91";
/// How soon everything has to be over after somebody said so.
const AT_ONCE: Duration = Duration::from_secs(1);

#[test]
fn an_agent_is_allowed_asked_about_denied_and_stopped_and_never_sees_the_credential() {
    let upstream = Upstream::start();
    let home = Home::new();
    let app = App::start(&home, "agents", &[]);
    create_vault(&app);
    create_application(&app);
    add_secret(&app, NAME, VALUE);
    sign(&app);
    make_agent(&app, &upstream);
    let agent = running_agent(&app);
    let client = Client { address: agent.address.clone(), fake: fake_token(&app, &agent.id) };
    client.is_let_in_with("GET", "/v1/items/7", &upstream);

    let asks = client.start("POST", "/v1/refunds");
    app.window("approve").sees("#agent", "triage").sees("#call", "POST /v1/refunds");
    app.sees("#uses", NAME).picture("approve").leave("#once").closed("approve");
    let (status, body) = ended(asks);
    assert_eq!(status, 200, "{body}");
    assert_eq!(upstream.seen().len(), 2);

    let asks = client.start("POST", "/v1/refunds");
    app.window("approve").leave("#deny").fill("#why", "Not on a Sunday").leave("#deny");
    app.closed("approve");
    let (status, body) = ended(asks);
    assert_eq!(status, 403);
    assert!(body.contains("Not on a Sunday"), "{body}");
    assert_eq!(client.ask("DELETE", "/v1/items/7").0, 403);
    assert_eq!(upstream.seen().len(), 2, "what was denied did not leave");
    rows_say(&app);

    starts_with_one_command(&app, &upstream);
    everything_stops(&app, &client, &upstream);
    waits_for_a_locked_vault(&app, &client);
    a_broker_that_dies_comes_back(&app, &client, &upstream);
    what_happened_is_in_the_log(&app);
    app.quit();
    wait("the end of the broker", || brokers().is_empty().then_some(()));
}

/// A program of the agent: curl, with a fake token.
struct Client {
    address: String,
    fake: String,
}

impl Client {
    fn start(&self, method: &str, path: &str) -> Child {
        Command::new("curl")
            .args(["--silent", "--no-buffer", "--max-time", "15", "--request", method])
            .args([
                "--write-out",
                "\n%{http_code}",
                "--header",
                &format!("x-api-key: {}", self.fake),
            ])
            .arg(format!("http://{}/tracker{path}", self.address))
            .stdout(Stdio::piped())
            .spawn()
            .expect("curl is installed")
    }

    fn ask(&self, method: &str, path: &str) -> (u16, String) {
        ended(self.start(method, path))
    }

    /// An answer that is under way, and does not end by itself.
    fn streams(&self, upstream: &Upstream) -> Child {
        let before = upstream.seen().len();
        let stream = self.start("GET", "/v1/stream");
        wait("the stream at the provider", || (upstream.seen().len() > before).then_some(()));
        stream
    }

    /// The real credential arrived, and what came back does not hold it.
    fn is_let_in_with(&self, method: &str, path: &str, upstream: &Upstream) {
        let (status, body) = self.ask(method, path);
        assert_eq!(status, 200, "{body}");
        let last = upstream.seen().pop().expect("it arrived");
        assert_eq!(last.line, format!("{method} {path}"));
        assert_eq!(last.credential, VALUE);
        assert!(body.contains("you sent") && !body.contains(VALUE), "{body}");
    }
}

fn ended(child: Child) -> (u16, String) {
    let Output { stdout, .. } = child.wait_with_output().expect("curl ends by itself");
    let text = String::from_utf8_lossy(&stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').expect("curl says the status last");
    (status.parse().expect("a status is a number"), body.to_owned())
}

/// Asks the shell as the page of the main window does.
fn ask(app: &App, command: &str, arguments: &Value) -> Value {
    let call = format!(
        "window.answered = null; window.__TAURI_INTERNALS__.invoke('{command}', {arguments}).then(
            (data) => {{ window.answered = {{ data }}; }},
            (error) => {{ window.answered = {{ error }}; }})"
    );
    app.script(&call);
    let answered = wait(command, || {
        let answered = app.script("return window.answered");
        (!answered.is_null()).then_some(answered)
    });
    assert!(answered.get("error").is_none(), "{command}: {answered}");
    answered["data"].clone()
}

/// An agent with a provider on this computer, signed in the window for that.
fn make_agent(app: &App, upstream: &Upstream) {
    let me = ask(app, "agents_view", &json!({}))["me"]["id"].clone();
    let org = ask(app, "org_view", &json!({}));
    let env = org["apps"][0]["environments"][0]["id"].clone();
    let query = json!({
        "envId": env, "filter": "", "sort": "name", "descending": false, "stagedOnly": false,
        "offset": 0, "limit": 10,
    });
    let rows = ask(app, "env_rows", &json!({ "query": query }));
    let secret =
        json!({ "envId": env, "secretId": rows["rows"][0]["id"], "name": null, "place": null });
    let rule = |name: &str, effect: &str, method: &str, path: &str| {
        json!({
            "name": name, "effect": effect, "provider": "tracker", "capability": null,
            "secrets": [secret], "hosts": ["127.0.0.1"], "ports": [upstream.port()],
            "methods": [method], "paths": [path], "process": null, "uses": null,
            "notAfterMs": null, "rate": null, "bytes": null, "reason": false,
        })
    };
    let provider = json!({
        "id": "tracker", "name": "Tracker", "base": format!("http://127.0.0.1:{}", upstream.port()),
        "hosts": ["127.0.0.1"], "ports": [upstream.port()], "methods": ["GET", "POST"],
        "paths": ["/v1/**"], "auth": { "kind": "header", "name": "x-api-key", "template": "{}" },
        "private": true, "tokenVariable": "TRACKER_KEY", "baseVariable": "TRACKER_URL",
    });
    let policy = json!({
        "rules": [
            rule("reading", "allow", "GET", "/v1/**"),
            rule("refunds", "ask", "POST", "/v1/refunds"),
        ],
        "providers": [provider], "onLock": "pause", "sessionMinutes": null, "requests": null,
        "bytes": null, "rate": null,
    });
    let save = json!({ "id": null, "name": "triage", "responsible": me, "policy": policy, "endsAt": null });
    ask(app, "agent_save", &save);
    app.window("sign").sees("#title", "Make the agent").sees("#lines", NAME);
    app.picture("sign").leave("#submit").closed("sign");
}

struct Agent {
    id: String,
    address: String,
}

fn running_agent(app: &App) -> Agent {
    wait("a broker that runs", || {
        let view = ask(app, "agents_view", &json!({}));
        (view["broker"]["state"] == "running").then(|| Agent {
            id: view["agents"][0]["id"].as_str().expect("an agent has an id").to_owned(),
            address: view["broker"]["address"].as_str().expect("it listens").to_owned(),
        })
    })
}

fn fake_token(app: &App, agent: &str) -> String {
    ask(
        app,
        "fake_token_new",
        &json!({ "agentId": agent, "provider": "tracker", "replaces": null }),
    );
    app.window("faketoken").sees("#agent", "triage").sees("#faketoken", "srf_tracker_");
    let fake = app.texts("#faketoken").concat();
    app.picture("faketoken").click("#stored").leave("#done").closed("faketoken");
    // The broker learns of it at once, and a message to it is not waited for.
    fake.trim().to_owned()
}

/// One row for each request, with what became of it.
fn rows_say(app: &App) {
    wait("what became of four requests", || {
        let page = ask(app, "agents_live", &json!({ "after": 0 }));
        let rows = page["rows"].as_array().cloned().unwrap_or_default();
        let mut said: Vec<String> = rows
            .iter()
            .map(|row| format!("{} {}", row["method"], row["decision"]).replace('"', ""))
            .collect();
        said.sort();
        (said == ["DELETE denied", "GET allowed", "POST approved", "POST denied"]).then_some(())
    });
    let rows = ask(app, "agents_live", &json!({ "after": 0 })).to_string();
    assert!(rows.contains(NAME) && !rows.contains(VALUE), "{rows}");
}

/// A stream that is open ends, and nothing new begins, until somebody says so.
fn everything_stops(app: &App, client: &Client, upstream: &Upstream) {
    let mut stream = client.streams(upstream);
    assert!(stream.try_wait().expect("it was started").is_none(), "the stream is open");
    ask(app, "broker_stop", &json!({ "agentId": null }));
    let said = Instant::now();
    while stream.try_wait().expect("it was started").is_none() {
        assert!(said.elapsed() < AT_ONCE, "the stream did not end");
        thread::sleep(Duration::from_millis(10));
    }
    let (status, body) = client.ask("GET", "/v1/items/7");
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("stopped"), "{body}");
    ask(app, "broker_resume", &json!({ "agentId": null }));
    wait("requests again", || (client.ask("GET", "/v1/items/7").0 == 200).then_some(()));
}

/// A person starts a program as the agent: what it has in its environment works, and holds nothing.
fn starts_with_one_command(app: &App, upstream: &Upstream) {
    let program = "env; curl --silent --header \"x-api-key: $TRACKER_KEY\" $TRACKER_URL/v1/items/9";
    let ran = Command::new(beside_the_app("strongroom"))
        .args(["agent", "run", "--agent", "triage", "--", "sh", "-c", program])
        .env("SOMETHING_ELSE", VALUE)
        .output()
        .expect("strongroom is built: cargo build --package strongroom-cli");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("you sent") && said.contains("srf_tracker_"), "{said}");
    assert!(!said.contains(VALUE), "{said}");
    let last = upstream.seen().pop().expect("it arrived");
    assert_eq!((last.line.as_str(), last.credential.as_str()), ("GET /v1/items/9", VALUE));
    wait("the end of its session", || {
        let view = ask(app, "agents_view", &json!({}));
        let sessions = view["agents"][0]["sessions"].as_array().cloned().unwrap_or_default();
        sessions.iter().all(|one| one["process"].is_null()).then_some(())
    });
}

/// Its sessions pause, as its policy says, and go on by themselves.
fn waits_for_a_locked_vault(app: &App, client: &Client) {
    app.click("[data-testid=lock]").sees("h1", "Locked");
    let (status, body) = client.ask("GET", "/v1/items/7");
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("locked"), "{body}");
    unlock(app, PASSPHRASE);
    app.sees("[data-testid=env-row]", NAME);
    wait("requests again", || (client.ask("GET", "/v1/items/7").0 == 200).then_some(()));
}

/// It is killed as hard as can be, while a request is under way, and is there again by itself.
fn a_broker_that_dies_comes_back(app: &App, client: &Client, upstream: &Upstream) {
    let before = brokers();
    let stream = client.streams(upstream);
    let [broker] = before.as_slice() else { panic!("one broker: {before:?}") };
    let killed = Command::new("kill").args(["-9", broker]).status();
    assert!(killed.is_ok_and(|status| status.success()));
    drop(stream.wait_with_output().expect("curl ends when the broker does"));
    wait("another broker", || {
        let now = brokers();
        (!now.is_empty() && !now.contains(broker)).then_some(())
    });
    let address = running_agent(app).address;
    let client = Client { address, fake: client.fake.clone() };
    wait("requests again", || (client.ask("GET", "/v1/items/8").0 == 200).then_some(()));
    client.is_let_in_with("GET", "/v1/items/8", upstream);
}

/// Brokers that were built beside this test.
fn brokers() -> Vec<String> {
    let beside = beside_the_app("strongroom-broker");
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter(|entry| fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == beside))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn what_happened_is_in_the_log(app: &App) {
    ask(app, "sync_now", &json!({}));
    app.click("[data-testid=audit-open]");
    for word in ["Brokered", "Approved", "Denied", "sent, outcome unknown"] {
        app.sees("[data-testid=audit-row]", word);
    }
    app.picture("log");
}
