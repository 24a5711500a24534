//! The program by itself, with a service token: the real server, a real upstream, and a kill in the
//! middle of a request.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

#[path = "../../../client/tests/vault/world.rs"]
#[expect(dead_code, reason = "the vault's own tests use all of it")]
mod world;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{Note, Once, OpenOrg, Session};
use strongroom_control::dial::Door;
use strongroom_control::door::{Ask, Reply};
use strongroom_core::details::EnvClass;
use strongroom_core::log::index::Query;
use strongroom_core::team::{AgentPut, Intent, NewToken, SecretPolicyPut};
use strongroom_crypto::safe::ServiceToken;
use strongroom_format::event::{Event, EventKind};
use strongroom_format::id::{AgentId, EnvId, Principal, SecretId, TokenId};
use strongroom_format::statement::{EnvRight, Rights};
use strongroom_policy::{AgentPolicy, Auth, Effect, Provider, Rule, SecretAt};
use strongroom_secret::SecretText;

use world::World;

/// What no agent and no log may ever see.
const REAL: &str = "sk-live-Zx81qPmv0LrtYw7NhJk3Dq5cVbG2";

/// A host that answers with what it was sent, and never to `/v1/slow`.
struct Upstream {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let heads = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let heads = Arc::clone(&heads);
                std::thread::spawn(move || answer(stream.unwrap(), &heads));
            }
        });
        Self { port, seen }
    }

    async fn wait_for(&self, what: &str) -> String {
        let begin = Instant::now();
        loop {
            let found = self.seen.lock().unwrap().iter().find(|head| head.contains(what)).cloned();
            if let Some(head) = found {
                return head;
            }
            assert!(begin.elapsed() < Duration::from_secs(10), "{what} does not arrive");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn answer(mut stream: TcpStream, heads: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    if head.contains("/v1/slow") {
        // Until the other side has gone.
        let _ = stream.read(&mut byte);
        return;
    }
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{head}",
        head.len()
    );
    let _ = stream.write_all(answer.as_bytes());
}

/// A vault with one credential, an agent that may use it at the upstream, and a service token.
struct House {
    world: World,
    session: Arc<Session>,
    upstream: Upstream,
    agent: AgentId,
    token: String,
    folder: PathBuf,
}

async fn put(session: &Session, env: EnvId, name: &str, value: &str) -> SecretId {
    let row = |org: &mut OpenOrg| Ok(org.list(env)?.by_name(name).map(|row| row.secret));
    let value = SecretText::from_string(value.to_owned());
    session.stage_put(env, None, name, Some(value), "").unwrap();
    session.commit_staged(env).await.unwrap();
    session.with(row).unwrap().unwrap()
}

fn provider(port: u16) -> Provider {
    let here: Vec<_> = vec!["127.0.0.1".parse().unwrap()];
    Provider {
        id: "local".to_owned(),
        name: "Local".to_owned(),
        hosts: here,
        ports: vec![port],
        base: format!("http://127.0.0.1:{port}").parse().unwrap(),
        auth: Auth::Bearer,
        methods: vec!["GET".parse().unwrap()],
        paths: vec!["/v1/**".parse().unwrap()],
        private: true,
        env: Vec::new(),
        effects: Vec::new(),
        mints: Vec::new(),
        capabilities: Vec::new(),
        ..Provider::lookup("openai").unwrap().clone()
    }
}

fn policy(provider: &Provider, at: SecretAt) -> AgentPolicy {
    let rule = Rule {
        name: "everything".to_owned(),
        effect: Effect::Allow,
        provider: provider.id.clone(),
        capability: None,
        secrets: vec![at],
        hosts: provider.hosts.clone(),
        ports: provider.ports.clone(),
        methods: provider.methods.clone(),
        paths: provider.paths.clone(),
        process: None,
        uses: None,
        not_after_ms: None,
        rate: None,
        bytes: None,
        reason: false,
    };
    AgentPolicy { rules: vec![rule], providers: vec![provider.clone()], ..AgentPolicy::nothing() }
}

impl House {
    async fn new() -> Self {
        let upstream = Upstream::start();
        let world = World::start().await;
        let session = world.create(KeepSecretKey::Keyring).await;
        let environments = vec![("prod".to_owned(), EnvClass::Production)];
        let app = session.create_app("storefront", environments).await.unwrap();
        let envs = session.with(|org| Ok(org.environments(0))).unwrap();
        let env = envs.iter().find(|env| env.app == app).unwrap().env;
        let at = SecretAt { env, secret: put(&session, env, "API_KEY", REAL).await };

        let mut provider = provider(upstream.port);
        provider.env =
            vec![serde_json::from_str(r#"{"name":"LOCAL_KEY","value":{"kind":"token"}}"#).unwrap()];
        let policy = policy(&provider, at);
        let secrets = vec![SecretPolicyPut { at, policy: Some(provider.secret_policy()) }];
        let agent = AgentPut {
            agent: None,
            name: "nightly".to_owned(),
            policy: policy.clone(),
            responsible: session.user(),
            not_after: 0,
            secrets,
        };
        let proposal = session.propose(Intent::AgentPut(agent), Note::default()).await.unwrap();
        let agent = session.sign(proposal).await.unwrap().agent.unwrap();

        let rights = vec![EnvRight { env, rights: Rights::READ, not_after: 0 }];
        let new = NewToken { name: "broker".into(), rights, not_after: 0 };
        let proposal = session.propose(Intent::TokenIssue(new), Note::default()).await.unwrap();
        let Some(Once::Token(once)) = session.sign(proposal).await.unwrap().once else {
            panic!("a token is shown once")
        };
        let token = once.text.lend(str::to_owned);

        let folder = world.folder().join("broker");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("strongroom.lock"), session.lock_file().unwrap()).unwrap();
        let text = String::from_utf8(policy.encode()).unwrap();
        let config = format!(
            "lock = \"strongroom.lock\"\nstate = \"state\"\nport = 0\nsocket = \"door/b.sock\"\n\
             [[agent]]\nid = \"{agent}\"\nname = \"nightly\"\nresponsible = \"Mara\"\n\
             policy = '''\n{text}\n'''\n"
        );
        std::fs::write(folder.join("broker.toml"), config).unwrap();
        Self { world, session, upstream, agent, token, folder }
    }

    fn token_id(&self) -> TokenId {
        ServiceToken::parse(&self.token).unwrap().id()
    }

    /// What the audit log says that agents did.
    async fn acts(&self) -> Vec<Event> {
        self.session.sync().await.unwrap();
        self.session.pull_log().await.unwrap();
        let query = Query { kinds: vec![EventKind::Brokered], ..Query::default() };
        let Some(answer) = self.session.log_ask(&query).unwrap() else { return Vec::new() };
        let entry = |row: &u32| self.session.log_entry(u64::from(*row)).unwrap().event;
        answer.found.rows.iter().map(entry).collect()
    }

    async fn wait_for_acts(&self, count: usize) -> Vec<Event> {
        let begin = Instant::now();
        loop {
            let acts = self.acts().await;
            if acts.len() >= count {
                return acts;
            }
            assert!(begin.elapsed() < Duration::from_secs(15), "only {} acts", acts.len());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// The program; killed when dropped.
struct Program {
    child: Child,
    said: Receiver<String>,
    log: String,
}

impl Program {
    fn start(folder: &Path, token: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom-broker"))
            .args(["serve", "--config"])
            .arg(folder.join("broker.toml"))
            .env("STRONGROOM_TOKEN", token)
            .env("STRONGROOM_LOG", "debug")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (say, said) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, said, log: String::new() }
    }

    /// Waits until it says something.
    fn hear(&mut self, what: &str) {
        while !self.log.contains(what) {
            let line = self.said.recv_timeout(Duration::from_secs(20));
            let line = line.unwrap_or_else(|_| panic!("{what} is not said: {}", self.log));
            self.log.push_str(&line);
            self.log.push('\n');
        }
    }

    /// Everything that it said.
    fn everything(mut self) -> String {
        let _ = self.child.wait();
        while let Ok(line) = self.said.recv_timeout(Duration::from_secs(5)) {
            self.log.push_str(&line);
            self.log.push('\n');
        }
        std::mem::take(&mut self.log)
    }

    fn signal(&self, name: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, name).unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Opened {
    _door: Door,
    port: u16,
    token: String,
}

async fn open(folder: &Path) -> Opened {
    let mut door = Door::dial(&folder.join("door/b.sock")).await.unwrap();
    let ask = Ask::Open { agent: None, only: Vec::new(), minutes: None, command: "t".into() };
    let Reply::Opened { port, variables, .. } = door.ask(&ask, None).await.unwrap() else {
        panic!("a session begins")
    };
    let variables: BTreeMap<String, String> = variables.into_iter().collect();
    Opened { _door: door, port, token: variables["LOCAL_KEY"].clone() }
}

impl Opened {
    async fn get(&self, path: &str) -> reqwest::Result<(u16, String)> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("http://127.0.0.1:{}/local{path}", self.port);
        let response = client.get(url).bearer_auth(&self.token).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_token_lends_for_one_request_and_signs_what_the_agent_did() {
    let house = House::new().await;
    let mut program = Program::start(&house.folder, &house.token);
    program.hear("the broker listens");
    let opened = open(&house.folder).await;
    let (status, body) = opened.get("/v1/echo").await.unwrap();
    assert_eq!(status, 200, "{body}");
    let head = house.upstream.wait_for("/v1/echo").await;
    assert!(head.contains(REAL), "the real credential arrived: {head}");
    assert!(!body.contains(REAL) && body.contains(&opened.token), "{body}");
    let (status, _) = opened.get("/v2/other").await.unwrap();
    assert_eq!(status, 403);

    let acts = house.wait_for_acts(1).await;
    let act = &acts[0].act;
    assert_eq!(act.actor, Some(Principal::Token(house.token_id())));
    assert_eq!(act.agency.as_ref().unwrap().agent, house.agent);
    assert_eq!(act.detail.status, 200);

    program.signal(nix::sys::signal::Signal::SIGTERM);
    let status = tokio::task::block_in_place(|| program.child.wait().unwrap());
    assert!(status.success(), "{status}");
    assert!(!house.folder.join("door/b.sock").exists(), "the door goes with it");
    let said = program.everything();
    for canary in [REAL, opened.token.as_str(), house.token.as_str()] {
        assert!(!said.contains(canary), "{said}");
    }
    let journal = std::fs::read(house.folder.join("state/journal")).unwrap();
    assert!(!String::from_utf8_lossy(&journal).contains(REAL));
    assert!(house.world.files_containing(REAL.as_bytes()).is_empty(), "no file holds it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_a_request_is_an_error_for_the_agent_and_an_act_in_the_log() {
    let house = House::new().await;
    let mut program = Program::start(&house.folder, &house.token);
    program.hear("the broker listens");
    let opened = open(&house.folder).await;
    let asking = tokio::spawn(async move { opened.get("/v1/slow").await });
    let head = house.upstream.wait_for("/v1/slow").await;
    assert!(head.contains(REAL), "it had left");
    program.signal(nix::sys::signal::Signal::SIGKILL);
    assert!(asking.await.unwrap().is_err(), "the agent gets an error");
    drop(program);
    assert!(house.acts().await.is_empty(), "nobody could tell yet");

    let mut next = Program::start(&house.folder, &house.token);
    next.hear("the broker listens");
    let acts = house.wait_for_acts(1).await;
    let act = &acts[0].act;
    assert_eq!(act.agency.as_ref().unwrap().agent, house.agent);
    assert_eq!(act.detail.status, 0, "sent, and what came of it is not known");
    let opened = open(&house.folder).await;
    assert_eq!(opened.get("/v1/echo").await.unwrap().0, 200);
    assert_eq!(house.wait_for_acts(2).await.len(), 2, "and none twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_lends_nothing_any_more() {
    let house = House::new().await;
    let mut program = Program::start(&house.folder, &house.token);
    program.hear("the broker listens");
    let token = house.token_id();
    let intent = Intent::TokenRevoke { token };
    let proposal = house.session.propose(intent, Note::default()).await.unwrap();
    house.session.sign(proposal).await.unwrap();
    let (status, body) = open(&house.folder).await.get("/v1/echo").await.unwrap();
    assert!(status >= 400, "{status}: {body}");
    assert!(house.upstream.seen.lock().unwrap().is_empty(), "nothing left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_ended_is_none_when_the_program_starts() {
    let house = House::new().await;
    let intent = Intent::AgentEnd { agent: house.agent };
    let proposal = house.session.propose(intent, Note::default()).await.unwrap();
    house.session.sign(proposal).await.unwrap();
    let program = Program::start(&house.folder, &house.token);
    let said = tokio::task::block_in_place(|| program.everything());
    assert!(said.contains("no agent of this file lives"), "{said}");
}
