//! Who gets in at the door, and who may say what there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use strongroom_control::dial::{self, DialError};
use strongroom_control::held::{Answer, Answered, Held as Request};
use strongroom_control::link::{AgentConfig, Config, ToOwner};
use strongroom_format::id::AgentId;
use strongroom_policy::effect::Sentence;
use strongroom_policy::{AgentPolicy, Effect, Provider, Rule, SecretAt};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::approvals::{Binding, Bound as BoundTo, Verdict, Wish};
use crate::broker::Options;
use crate::egress::{Egress, EgressOptions, SystemResolver, TimeLimits};
use crate::owner::{Lending, Owner};
use crate::who::of_this_system;

const CODE: &str = "K7QWX-M2XAB";
const AGENT: AgentId = AgentId([1; 16]);

#[derive(Debug)]
struct Nobody;

impl Owner for Nobody {
    fn lend(&self, _: AgentId, _: SecretAt, _: u64) -> Lending<'_> {
        Box::pin(async { Err(strongroom_control::link::NoLease::Gone) })
    }

    fn captured(&self, _: SecretAt, _: u64, _: SecretBytes) {}

    fn tell(&self, _: ToOwner) {}
}

struct House {
    broker: Arc<Broker>,
    folder: TempDir,
    serving: JoinHandle<()>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn policy() -> AgentPolicy {
    let provider = Provider::lookup("openai").unwrap();
    let terms = provider.secret_policy();
    let rule = Rule {
        name: "models".to_owned(),
        effect: Effect::Allow,
        provider: "openai".to_owned(),
        capability: None,
        secrets: Vec::new(),
        hosts: terms.hosts,
        ports: terms.ports,
        methods: vec!["GET".parse().unwrap()],
        paths: vec!["/v1/models".parse().unwrap()],
        process: None,
        uses: None,
        not_after_ms: None,
        rate: None,
        bytes: None,
        reason: false,
    };
    AgentPolicy { rules: vec![rule], ..AgentPolicy::nothing() }
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = EgressOptions {
            resolver: Arc::new(SystemResolver::default()),
            roots: rustls::RootCertStore::empty(),
            limits: TimeLimits::default(),
        };
        let broker = Broker::start(Options {
            port: 0,
            journal: folder.path().join("journal"),
            egress: Egress::new(options).unwrap(),
            who: of_this_system(),
            owner: Arc::new(Nobody),
        })
        .unwrap();
        let agent = |id, name: &str| AgentConfig {
            id,
            name: name.to_owned(),
            responsible: "Ada".to_owned(),
            policy: policy(),
            not_after_ms: 0,
            secrets: Vec::new(),
        };
        let agents = vec![agent(AGENT, "builder"), agent(AgentId([2; 16]), "other")];
        broker.configure(Config { agents, tokens: Vec::new() });
        broker.set_operator_code(code(CODE));
        let door =
            Door::bind(Arc::clone(&broker), &folder.path().join("door/broker.sock")).unwrap();
        let serving = tokio::spawn(door.serve());
        Self { broker, folder, serving }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("door/broker.sock")
    }

    async fn dial(&self) -> dial::Door {
        dial::Door::dial(&self.socket()).await.unwrap()
    }

    async fn ask(&self, ask: Ask, code: Option<SecretBytes>) -> Reply {
        self.dial().await.ask(&ask, code.as_ref()).await.unwrap()
    }

    /// A session of somebody else: its root is a process that is not above this one.
    fn session_of(&self, root: &Child) -> u64 {
        let opened = self.broker.open_session(Some("builder"), &[], None, "x".into()).unwrap();
        opened.session.root.set(root.id()).unwrap();
        opened.session.id
    }

    /// A request that waits for a person.
    fn hold(&self, session: u64) -> JoinHandle<Verdict> {
        let bound = BoundTo {
            session,
            rule: (0, "models"),
            agent_policy: &[0; 32],
            secret: None,
            method: "GET",
            target: "https://api.openai.com",
        };
        let path = strongroom_policy::Path::parse("/v1/models").unwrap();
        let wish = Wish { binding: Binding::of(&bound), path, held: request(session) };
        let broker = Arc::clone(&self.broker);
        tokio::spawn(async move { broker.approvals.ask(wish).await })
    }

    async fn held(&self) -> u64 {
        loop {
            if let Some(held) = self.broker.approvals.waiting().first() {
                return held.id;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn request(session: u64) -> Request {
    Request {
        id: 0,
        agent: AGENT,
        agent_name: "builder".to_owned(),
        responsible: "Ada".to_owned(),
        session,
        sentence: Sentence { parts: Vec::new() },
        method: "GET".to_owned(),
        host: "api.openai.com".to_owned(),
        path: "/v1/models".to_owned(),
        secret: None,
        secret_name: String::new(),
        place: String::new(),
        process: String::new(),
        rule: "models".to_owned(),
        reason: String::new(),
        asked_ms: 0,
        ends_ms: 0,
        alike: 0,
        alike_last_ms: 0,
    }
}

fn code(text: &str) -> SecretBytes {
    SecretBytes::copy_of(text.as_bytes())
}

fn open(agent: &str) -> Ask {
    Ask::Open { agent: Some(agent.into()), only: Vec::new(), minutes: None, command: "x".into() }
}

fn refusal(reply: Reply) -> String {
    match reply {
        Reply::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

/// A process that is above nobody here; ended when dropped.
struct Bystander(Child);

impl Bystander {
    fn new() -> Self {
        Self(Command::new("sleep").arg("60").spawn().unwrap())
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn until(what: impl Fn() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < Duration::from_secs(5), "it does not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_session_ends_with_the_connection_that_opened_it() {
    let house = House::new();
    let mut door = house.dial().await;
    let Reply::Opened { session, agent, .. } = door.ask(&open("builder"), None).await.unwrap()
    else {
        panic!("it was not opened")
    };
    assert_eq!(agent, "builder");
    let opened = house.broker.sessions.lookup(session).unwrap();
    assert_eq!(opened.root.get(), Some(&std::process::id()), "the process that asked is its root");
    drop(door);
    assert_eq!(opened.ended().await, End::Command);
    until(|| house.broker.sessions.lookup(session).is_none()).await;
}

#[tokio::test]
async fn a_stop_needs_no_code_and_tells_the_command_of_every_session() {
    let house = House::new();
    let mut door = house.dial().await;
    door.ask(&open("builder"), None).await.unwrap();
    let begin = Instant::now();
    assert_eq!(house.ask(Ask::Stop { agent: None }, None).await, Reply::Done);
    let why = door.closed().await.unwrap();
    assert!(why.contains("stopped"), "{why}");
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(refusal(house.ask(open("builder"), None).await), "stopped");
    assert_eq!(refusal(house.ask(Ask::Resume { agent: None }, None).await), "operator-code");
    assert_eq!(house.ask(Ask::Resume { agent: None }, Some(code(CODE))).await, Reply::Done);
    assert!(matches!(house.ask(open("builder"), None).await, Reply::Opened { .. }));
}

#[tokio::test]
async fn a_stop_of_one_agent_leaves_the_other() {
    let house = House::new();
    let stop = Ask::Stop { agent: Some("builder".into()) };
    assert_eq!(house.ask(stop, None).await, Reply::Done);
    assert_eq!(refusal(house.ask(open("builder"), None).await), "stopped");
    assert!(matches!(house.ask(open("other"), None).await, Reply::Opened { .. }));
    let unknown = Ask::Stop { agent: Some("nobody".into()) };
    assert_eq!(refusal(house.ask(unknown, None).await), "no-agent");
}

#[tokio::test]
async fn a_person_answers_with_the_code_and_not_without() {
    let house = House::new();
    let bystander = Bystander::new();
    let session = house.session_of(&bystander.0);
    let asking = house.hold(session);
    let held = house.held().await;
    let Reply::Waiting { held: waiting } = house.ask(Ask::Waiting, None).await else {
        panic!("a person may see what waits")
    };
    assert_eq!(waiting.iter().map(|held| held.id).collect::<Vec<_>>(), [held]);
    let once = || Ask::Answer { held, answer: Answer::Once };
    assert_eq!(refusal(house.ask(once(), None).await), "operator-code");
    assert_eq!(refusal(house.ask(once(), Some(code("wrong"))).await), "operator-code");
    assert!(!asking.is_finished());
    let taken = house.ask(once(), Some(code(CODE))).await;
    assert_eq!(taken, Reply::Answered { what: Answered::Taken });
    assert_eq!(asking.await.unwrap(), Verdict::Once);
    let late = house.ask(once(), Some(code(CODE))).await;
    assert!(matches!(late, Reply::Answered { what: Answered::TooLate { .. } }), "{late:?}");
}

#[tokio::test]
async fn nobody_inside_a_session_answers_resumes_or_begins_another_one_even_with_the_code() {
    let house = House::new();
    let mut door = house.dial().await;
    let Reply::Opened { session, .. } = door.ask(&open("builder"), None).await.unwrap() else {
        panic!("it was not opened")
    };
    let asking = house.hold(session);
    let held = house.held().await;
    for ask in [
        Ask::Answer { held, answer: Answer::Once },
        Ask::Resume { agent: None },
        Ask::Waiting,
        open("other"),
    ] {
        assert_eq!(refusal(house.ask(ask.clone(), Some(code(CODE))).await), "inside", "{ask:?}");
    }
    let access = |agent: &str| Ask::Access {
        agent: Some(agent.into()),
        provider: "notion".into(),
        reason: String::new(),
    };
    assert_eq!(refusal(house.ask(access("other"), None).await), "inside");
    assert_eq!(house.ask(access("builder"), None).await, Reply::Done);
    let Reply::Status { agents, sessions, .. } = house.ask(Ask::Status, None).await else {
        panic!("it may ask how it stands")
    };
    assert_eq!(agents.len(), 1, "it sees itself");
    assert_eq!(sessions.iter().map(|one| one.id).collect::<Vec<_>>(), [session]);
    let once = Ask::Answer { held, answer: Answer::Once };
    let on_its_own = door.ask(&once, Some(&code(CODE))).await.unwrap();
    assert_eq!(refusal(on_its_own), "in-session", "the session's own connection says nothing");
    assert!(!asking.is_finished());
}

#[tokio::test]
async fn a_trial_says_what_the_policies_would_say() {
    let house = House::new();
    let tried = |url: &str| Ask::Try {
        agent: Some("builder".into()),
        method: "GET".into(),
        url: url.into(),
    };
    let decision = |reply: Reply| match reply {
        Reply::Tried { decision, rule, why } => (decision, rule, why),
        other => panic!("{other:?}"),
    };
    let (allowed, rule, _) =
        decision(house.ask(tried("https://api.openai.com/v1/models?x=1"), None).await);
    assert_eq!((allowed.as_str(), rule.as_str()), ("allow", "models"));
    for url in ["https://api.openai.com/v1/files", "https://api.openai.com.evil.example/v1/models"]
    {
        let (denied, _, why) = decision(house.ask(tried(url), None).await);
        assert_eq!(denied, "deny", "{url}");
        assert!(!why.is_empty(), "{url}");
    }
    for bad in ["", "api.openai.com", "https://user@api.openai.com/", "https://api.openai.com/%2f"]
    {
        assert_eq!(refusal(house.ask(tried(bad), None).await), "url", "{bad}");
    }
    assert_eq!(house.broker.journal().page(0, 10), [], "a trial is not written down");
}

#[tokio::test]
async fn a_message_that_is_none_ends_its_connection_and_no_other() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let house = House::new();
    for garbage in [
        &b"\xff\xff\xff\xff"[..],
        b"\x00\x00\x00\x02{}\x00\x00\x00\x00",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x00\x00\x00\x10{\"ask\":\"statusx\"}\x00\x00\x00\x00",
    ] {
        let mut stream = UnixStream::connect(house.socket()).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        // It hangs up; that it had not read everything may show as a reset.
        let _ = stream.read_to_end(&mut answer).await;
        assert_eq!(answer, b"");
    }
    assert!(matches!(house.ask(Ask::Status, None).await, Reply::Status { .. }));
}

/// What the process of another user runs, in the test below.
const AS_ANOTHER: &str = "STRONGROOM_TEST_DOOR";

#[tokio::test]
async fn another_user_is_turned_away_even_where_the_files_let_them_in() {
    if let Some(socket) = std::env::var_os(AS_ANOTHER) {
        // The folder was opened on purpose, so the client's own check is left out.
        let mut stream = UnixStream::connect(socket).await.unwrap();
        let said = frame::write(&mut stream, &Ask::Status, None).await;
        let heard = frame::read::<Reply>(&mut stream).await;
        assert!(said.is_err() || !matches!(heard, Ok(Some(_))), "it was answered: {heard:?}");
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        return; // only root can become somebody else
    }
    let house = House::new();
    for (path, mode) in [
        (house.folder.path().to_owned(), 0o755),
        (house.folder.path().join("door"), 0o755),
        (house.socket(), 0o777),
    ] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    // Where the test program is, another user may not look.
    let program = house.folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let name = "control::tests::another_user_is_turned_away_even_where_the_files_let_them_in";
    let socket = house.socket();
    let run = move |uid: Option<u32>| {
        let mut command = Command::new(&program);
        command.args(["--exact", name]).env(AS_ANOTHER, &socket).current_dir("/");
        command.stdout(Stdio::piped());
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (another, own) =
        tokio::task::spawn_blocking(move || (run(Some(65_534)), run(None))).await.unwrap();
    assert!(another.contains("1 passed"), "{another}");
    assert!(own.contains("it was answered"), "this user is let in: {own}");
}

#[tokio::test]
async fn a_client_does_not_speak_to_a_door_that_is_open_to_others() {
    let house = House::new();
    let folder = house.folder.path().join("door");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let refused = dial::Door::dial(&house.socket()).await;
    assert!(matches!(refused, Err(DialError::NotMine(_))), "{refused:?}");
}
