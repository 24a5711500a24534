//! Published clients, unchanged, with nothing but the variables of a session.
//!
//! They are installed by `scripts/test`; without them these tests fail, they do not pass.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::{Value, json};
use strongroom_control::record::Outcome;

use crate::support::{
    AGENT, REAL, Session, World, policy, provider, rule, secret,
    upstream::{Body, Got, Upstream, whole},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A program as an agent's: only what a session gives, and where programs are.
async fn run(session: &Session, folder: &Path, program: &str, arguments: &[&str]) -> Output {
    let ca = folder.join("session-ca.pem");
    std::fs::write(&ca, &session.ca).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root().join("tests/sdk")).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", folder);
    command.envs(&session.variables);
    for name in strongroom_broker::open::CA_VARIABLES {
        command.env(name, &ca);
    }
    command.stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn json_of(session: &Session, folder: &Path, program: &str, arguments: &[&str]) -> Value {
    let output = run(session, folder, program, arguments).await;
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {out}\n{err}");
    assert_hidden(&out);
    assert_hidden(&err);
    serde_json::from_str(&out).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// No run of 12 characters of the real credential.
fn assert_hidden(text: &str) {
    for at in 0..=REAL.len() - 12 {
        assert!(!text.contains(&REAL[at..at + 12]), "{text}");
    }
}

fn python() -> String {
    let named = std::env::var("STRONGROOM_SDK_PYTHON").ok();
    named.unwrap_or_else(|| root().join("tests/sdk/python/bin/python").to_str().unwrap().to_owned())
}

/// Server-sent events with a pause between two.
fn events(all: Vec<String>) -> Response<Body> {
    let stream = futures_util::stream::unfold(all.into_iter(), |mut rest| async move {
        let next = rest.next()?;
        tokio::time::sleep(Duration::from_millis(120)).await;
        Some((Ok(http_body::Frame::data(Bytes::from(next))), rest))
    });
    let mut response = Response::new(StreamBody::new(stream).boxed());
    let kind = http::HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert("content-type", kind);
    response
}

fn as_json(value: &Value) -> Response<Body> {
    let mut response = Response::new(whole(value.to_string()));
    let kind = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", kind);
    response
}

fn streams(got: &Got) -> bool {
    serde_json::from_slice::<Value>(&got.body).unwrap()["stream"] == json!(true)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the clients that scripts/test installs"]
async fn openais_own_client_works_with_a_fake_token_and_its_stream_stays_one() {
    let upstream = Upstream::answering(&["api.openai.com"], |got| {
        let said = format!("you sent {}", got.header("authorization"));
        if streams(&got) {
            let chunk = |piece: &str| {
                let delta = json!({ "choices": [{ "index": 0, "delta": { "content": piece } }] });
                format!("data: {delta}\n\n")
            };
            let (a, b) = said.split_at(30);
            return events(vec![chunk("one "), chunk(a), chunk(b), "data: [DONE]\n\n".to_owned()]);
        }
        let message = json!({ "role": "assistant", "content": said });
        as_json(&json!({ "id": "c", "choices": [{ "index": 0, "message": message }] }))
    })
    .await;
    let world = World::new(&[&upstream]).with("openai");
    let said = json_of(&world.session(), world.folder.path(), "node", &["openai.mjs"]).await;
    assert!(
        upstream.got().iter().all(|got| got.header("authorization") == format!("Bearer {REAL}"))
    );
    assert_eq!(upstream.got().len(), 2);
    let whole = said["whole"].as_str().unwrap();
    assert!(whole.starts_with("you sent Bearer sk-srf_openai_"), "{whole}");
    assert_eq!(said["pieces"][0], "one ");
    let spread = said["spread"].as_u64().unwrap();
    assert!(spread >= 100, "events arrived one by one, not at the end: {spread} ms");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the clients that scripts/test installs"]
async fn anthropics_own_client_works_with_a_fake_token() {
    let upstream = Upstream::answering(&["api.anthropic.com"], |got| {
        let said = format!("you sent {}", got.header("x-api-key"));
        if streams(&got) {
            let delta = json!({ "type": "text_delta", "text": said });
            let event = json!({ "type": "content_block_delta", "index": 0, "delta": delta });
            return events(vec![format!("event: content_block_delta\ndata: {event}\n\n")]);
        }
        let content = json!([{ "type": "text", "text": said }]);
        as_json(&json!({ "id": "m", "type": "message", "role": "assistant", "content": content }))
    })
    .await;
    let world = World::new(&[&upstream]).with("anthropic");
    let said = json_of(&world.session(), world.folder.path(), "node", &["anthropic.mjs"]).await;
    assert!(upstream.got().iter().all(|got| got.header("x-api-key") == REAL));
    assert!(said["whole"].as_str().unwrap().contains("srf_anthropic_"), "{said}");
    assert!(said["pieces"][0].as_str().unwrap().contains("srf_anthropic_"), "{said}");
}

fn github_world(upstream: &Upstream) -> World {
    let github = provider("github");
    let at = secret(1);
    let rules = vec![rule(&github, vec![at])];
    let world = World::new(&[upstream]);
    world.agent(AGENT, "coder", policy(rules), &[(at, REAL, github.secret_policy())])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the clients that scripts/test installs"]
async fn githubs_own_client_opens_an_issue_and_is_told_why_it_may_not_delete_a_repository() {
    let upstream = Upstream::answering(&["api.github.com"], |got| {
        let mut response = as_json(&json!({ "number": 7, "title": got.header("authorization") }));
        *response.status_mut() = StatusCode::CREATED;
        response
    })
    .await;
    let github = provider("github");
    let at = secret(1);
    let mut only = rule(&github, vec![at]);
    only.methods = vec!["POST".parse().unwrap()];
    only.paths = vec!["/repos/acme/*/issues".parse().unwrap()];
    let world = World::new(&[&upstream]);
    let world =
        world.agent(AGENT, "coder", policy(vec![only]), &[(at, REAL, github.secret_policy())]);
    let said = json_of(&world.session(), world.folder.path(), "node", &["github.mjs"]).await;
    assert_eq!(said["number"], 7);
    assert_eq!(said["refused"]["status"], 403);
    let got = upstream.got();
    assert_eq!(got.len(), 1, "the second never left");
    assert!(got[0].header("authorization").ends_with(REAL));
    assert!(world.records().iter().any(|record| record.outcome == Outcome::Denied));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the clients that scripts/test installs"]
async fn curl_goes_through_the_proxy_with_the_variables_alone() {
    let upstream = Upstream::echo(&["api.github.com"]).await;
    let world = github_world(&upstream);
    let session = world.session();
    let header = format!("Authorization: Bearer {}", session.variable("GITHUB_TOKEN"));
    let arguments = ["-sS", "-H", &header, "https://api.github.com/repos/acme/docs/issues"];
    let output = run(&session, world.folder.path(), "curl", &arguments).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let out = text(&output.stdout);
    assert_hidden(&out);
    assert!(out.contains("srf_github_"), "{out}");
    assert!(upstream.got()[0].header("authorization").ends_with(REAL));
}

/// A bare repository with one commit, served over smart HTTP to whoever has the real token.
fn git_server(folder: &Path) -> impl Fn(Got) -> Response<Body> + Send + Sync + use<> {
    let folder = folder.to_owned();
    let git = |arguments: &[&str], at: &Path| {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(at).env("HOME", at).env("GIT_CONFIG_NOSYSTEM", "1");
        assert!(command.output().unwrap().status.success(), "git {arguments:?}");
    };
    let (work, bare) = (folder.join("work"), folder.join("repos/acme/docs.git"));
    std::fs::create_dir_all(&work).unwrap();
    std::fs::create_dir_all(&bare).unwrap();
    git(&["init", "-q", "-b", "main"], &work);
    std::fs::write(work.join("README.md"), "hello\n").unwrap();
    git(&["add", "."], &work);
    let who = ["-c", "user.name=a", "-c", "user.email=a@b.example"];
    git(&[&who[..], &["commit", "-q", "-m", "one"]].concat(), &work);
    git(&["clone", "-q", "--bare", work.to_str().unwrap(), bare.to_str().unwrap()], &folder);
    git(&["config", "http.receivepack", "true"], &bare);
    let expected = data_encoding::BASE64.encode(format!("x-access-token:{REAL}").as_bytes());
    move |got| {
        if got.header("authorization") != format!("Basic {expected}") {
            let mut response = Response::new(whole("who are you?"));
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let basic = http::HeaderValue::from_static("Basic realm=\"git\"");
            response.headers_mut().insert("www-authenticate", basic);
            return response;
        }
        backend(&folder.join("repos"), &got)
    }
}

/// `git http-backend`, as a web server runs it (CGI 1.1).
fn backend(repos: &Path, got: &Got) -> Response<Body> {
    let uri: http::Uri = got.uri.parse().unwrap();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", repos)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "agent")
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", got.method.as_str())
        .env("CONTENT_TYPE", got.header("content-type"))
        .env("HTTP_CONTENT_ENCODING", got.header("content-encoding"))
        .env("GIT_PROTOCOL", got.header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = got.body.clone();
    let writing = std::thread::spawn(move || stdin.write_all(&body));
    let out = child.wait_with_output().unwrap().stdout;
    writing.join().unwrap().ok();
    let end = out.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let mut response = Response::new(whole(out[end + 4..].to_vec()));
    for line in text(&out[..end]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name == "Status" {
            *response.status_mut() = value[..3].parse::<u16>().unwrap().try_into().unwrap();
        } else {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            response.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    response
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the clients that scripts/test installs"]
async fn git_clones_and_pushes_over_https_with_the_variables_alone() {
    let served = tempfile::tempdir().unwrap();
    let upstream = Upstream::answering(&["github.com"], git_server(served.path())).await;
    let world = github_world(&upstream);
    let session = world.session();
    let copy = world.folder.path().join("copy");
    let url = "https://github.com/acme/docs.git";
    let clone = ["clone", "-q", url, copy.to_str().unwrap()];
    let output = run(&session, world.folder.path(), "git", &clone).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(copy.join("README.md")).unwrap(), "hello\n");
    let at = ["-C", copy.to_str().unwrap()];
    let commit = ["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q"];
    let commit = [&at[..], &commit[..], &["--allow-empty", "-m", "two"]].concat();
    assert!(run(&session, world.folder.path(), "git", &commit).await.status.success());
    let push = [&at[..], &["push", "-q", "origin", "main"]].concat();
    let output = run(&session, world.folder.path(), "git", &push).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let bare = served.path().join("repos/acme/docs.git");
    let log = Command::new("git").args(["log", "--format=%s"]).current_dir(bare).output().unwrap();
    assert_eq!(text(&log.stdout), "two\none\n");
    for entry in std::fs::read_dir(copy.join(".git")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_hidden(&text(&std::fs::read(path).unwrap()));
        }
    }
}

/// The body without the frames and the checksum behind it that Amazon's clients add
/// (`Content-Encoding: aws-chunked`).
fn unframed(got: &Got) -> Bytes {
    if !got.header("content-encoding").contains("aws-chunked") {
        return got.body.clone();
    }
    let (mut rest, mut whole) = (&got.body[..], Vec::new());
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return whole.into();
        }
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}

/// Amazon's storage, as far as a client of one bucket sees it.
fn storage() -> impl Fn(Got) -> Response<Body> + Send + Sync {
    let objects: Arc<Mutex<BTreeMap<String, Bytes>>> = Arc::default();
    move |got| {
        let uri: http::Uri = got.uri.parse().unwrap();
        let path = uri.path().to_owned();
        let mut objects = objects.lock().unwrap();
        if got.method == http::Method::PUT {
            objects.insert(path, unframed(&got));
            return Response::new(whole(""));
        }
        if let Some(object) = objects.get(&path) {
            return Response::new(whole(object.clone()));
        }
        let keys = objects.keys().map(|key| {
            let key = key.trim_start_matches("/files/").replace("%20", " ");
            format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>")
        });
        let keys: String = keys.collect();
        let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
        let list = format!("<ListBucketResult xmlns=\"{namespace}\">{keys}</ListBucketResult>");
        Response::new(whole(list))
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the clients that scripts/test installs"]
async fn amazons_own_client_is_signed_again_with_the_real_key() {
    let upstream = Upstream::answering(&["s3.eu-central-1.amazonaws.com"], storage()).await;
    let s3 = provider("aws-s3");
    let at = secret(1);
    let key = format!("AKIAIOSFODNN7EXAMPLE:{REAL}/K7MDENG/bPxR");
    let world = World::new(&[&upstream]);
    let rules = vec![rule(&s3, vec![at])];
    let world = world.agent(AGENT, "coder", policy(rules), &[(at, &key, s3.secret_policy())]);
    let said = json_of(&world.session(), world.folder.path(), &python(), &["s3.py"]).await;
    assert_eq!((&said["got"], &said["presigned"]), (&json!("hello"), &json!("hello")));
    assert_eq!(said["listed"], json!(["a b/c.txt"]));
    assert!(said["url"].as_str().unwrap().contains("srf_aws-s3_"), "signed ahead with the fake");
    for got in upstream.got() {
        let authorization = got.header("authorization");
        assert!(
            authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"),
            "{authorization}"
        );
        assert!(!got.text().contains("srf_"), "the fake token goes no further: {}", got.text());
    }
}
