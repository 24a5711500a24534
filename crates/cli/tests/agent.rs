//! Commands that run as agents, and a person's word from a terminal: the real program against a real
//! broker, whose vault is in memory.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken fixture should fail loudly")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use strongroom_broker::control::Door;
use strongroom_broker::egress::{Egress, EgressOptions, SystemResolver, TimeLimits};
use strongroom_broker::owner::{Lending, Owner};
use strongroom_broker::{Broker, Options, who};
use strongroom_control::door::Reply;
use strongroom_control::link::{AgentConfig, Config, NoLease, ToOwner};
use strongroom_format::id::AgentId;
use strongroom_policy::{AgentPolicy, Effect, Provider, Rule, SecretAt};
use strongroom_secret::SecretBytes;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const CODE: &str = "K7QWX-M2XAB";
const AGENT: AgentId = AgentId([1; 16]);

#[derive(Debug, Default)]
struct Vault {
    told: Mutex<Vec<ToOwner>>,
}

impl Vault {
    /// The request that waits.
    fn held(&self) -> Option<u64> {
        let told = self.told.lock().unwrap();
        told.iter().find_map(|what| match what {
            ToOwner::Held { held } => Some(held.id),
            _ => None,
        })
    }

    /// How it ended that a request waited.
    fn over(&self, request: u64) -> Option<String> {
        let told = self.told.lock().unwrap();
        told.iter().find_map(|what| match what {
            ToOwner::HeldOver { id, how } if *id == request => Some(how.clone()),
            _ => None,
        })
    }
}

impl Owner for Vault {
    fn lend(&self, _: AgentId, _: SecretAt, _: u64) -> Lending<'_> {
        Box::pin(async { Err(NoLease::Gone) })
    }

    fn captured(&self, _: SecretAt, _: u64, _: SecretBytes) {}

    fn tell(&self, what: ToOwner) {
        self.told.lock().unwrap().push(what);
    }
}

struct House {
    broker: Arc<Broker>,
    vault: Arc<Vault>,
    folder: TempDir,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for House {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn rule(id: &str) -> Rule {
    let terms = Provider::lookup(id).unwrap().secret_policy();
    Rule {
        name: format!("all of {id}"),
        effect: Effect::Allow,
        provider: id.to_owned(),
        capability: None,
        secrets: Vec::new(),
        hosts: terms.hosts,
        ports: terms.ports,
        methods: terms.methods,
        paths: terms.paths,
        process: None,
        uses: None,
        not_after_ms: None,
        rate: None,
        bytes: None,
        reason: false,
    }
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = EgressOptions {
            resolver: Arc::new(SystemResolver::default()),
            roots: rustls::RootCertStore::empty(),
            limits: TimeLimits::default(),
        };
        let vault = Arc::new(Vault::default());
        let broker = Broker::start(Options {
            port: 0,
            journal: folder.path().join("journal"),
            egress: Egress::new(options).unwrap(),
            who: who::of_this_system(),
            owner: Arc::clone(&vault) as _,
        })
        .unwrap();
        let rules = vec![rule("openai"), Rule { effect: Effect::Ask, ..rule("github") }];
        let agent = AgentConfig {
            id: AGENT,
            name: "builder".to_owned(),
            responsible: "Ada".to_owned(),
            policy: AgentPolicy { rules, ..AgentPolicy::nothing() },
            not_after_ms: 0,
            secrets: Vec::new(),
        };
        broker.configure(Config { agents: vec![agent], tokens: Vec::new() });
        broker.set_operator_code(SecretBytes::copy_of(CODE.as_bytes()));
        let door = Door::bind(Arc::clone(&broker), &folder.path().join("door/b.sock")).unwrap();
        let serving = Arc::clone(&broker);
        let tasks = vec![
            tokio::spawn(door.serve()),
            tokio::spawn(async move { strongroom_broker::serve::serve(serving).await.unwrap() }),
        ];
        Self { broker, vault, folder, tasks }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("door/b.sock")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.args(["agent", "--broker"]).arg(self.socket()).args(arguments);
        command.env("AWS_SECRET_ACCESS_KEY", "canary").env("OPENAI_API_KEY", "canary");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::block_in_place(|| command.output().unwrap())
    }

    fn shell(&self, script: &str) -> Output {
        self.run(&["run", "--", "sh", "-c", script])
    }

    /// A request that waits for a person: its number, and the connection on which it was made.
    async fn hold(&self) -> (u64, TcpStream) {
        let opened = self.broker.open_session(None, &[], None, "x".to_owned()).unwrap();
        let Reply::Opened { port, variables, .. } = opened.reply else { panic!("it is opened") };
        let token = variables.iter().find(|(name, _)| name == "GITHUB_TOKEN").unwrap();
        let request = format!(
            "GET /github/user HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
             Authorization: Bearer {}\r\n\r\n",
            token.1
        );
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut id = None;
        until(|| {
            id = id.or_else(|| self.vault.held());
            id.is_some()
        })
        .await;
        (id.unwrap(), stream)
    }

    /// How many sessions there are.
    fn sessions(&self) -> usize {
        out(&self.run(&["list"])).matches("  session ").count()
    }

    /// What the program says at a terminal where the code is typed once it asks for it.
    fn at_terminal(&self, arguments: &[&str], code: &str) -> (i32, String) {
        let pty = nix::pty::openpty(None, None).unwrap();
        let program = self.command(arguments);
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(program.get_program()).args(program.get_args());
        let theirs = || Stdio::from(pty.slave.try_clone().unwrap());
        let mut child = command.stdin(theirs()).stdout(theirs()).stderr(theirs()).spawn().unwrap();
        drop(pty.slave);
        drop(command);
        let mut terminal = File::from(pty.master);
        let mut seen = String::new();
        let mut has_typed = false;
        let mut chunk = [0; 1024];
        // At the end a terminal without anybody answers with an error.
        while let Ok(count) = terminal.read(&mut chunk) {
            if count == 0 {
                break;
            }
            seen.push_str(&String::from_utf8_lossy(&chunk[..count]));
            if !has_typed && seen.contains("Operator code: ") {
                has_typed = true;
                terminal.write_all(format!("{code}\n").as_bytes()).unwrap();
            }
        }
        assert!(has_typed, "it asked for the code: {seen}");
        (child.wait().unwrap().code().unwrap(), seen)
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

async fn until(mut what: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < Duration::from_secs(10), "it does not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gets_fake_tokens_and_none_of_a_persons_secrets() {
    let house = House::new();
    let output = house.shell("env; ls /proc/self/fd | wc -l; cat \"$SSL_CERT_FILE\"; exit 7");
    let text = out(&output);
    assert_eq!(output.status.code(), Some(7), "the command's own code: {}", err(&output));
    assert!(!text.contains("canary"), "{text}");
    let port = house.broker.address().port();
    assert!(text.contains("HTTPS_PROXY=http://s:"), "{text}");
    assert!(text.contains(&format!("OPENAI_BASE_URL=http://127.0.0.1:{port}/openai")), "{text}");
    let token = text.lines().find_map(|line| line.strip_prefix("OPENAI_API_KEY=")).unwrap();
    assert!(token.contains("srf_openai_"), "{token}");
    assert!(text.contains("\n4\n"), "three files, and the folder that was listed: {text}");
    assert!(text.contains("BEGIN CERTIFICATE") && !text.contains("PRIVATE"), "{text}");
    until(|| house.sessions() == 0).await;
    let left = std::fs::read_dir(house.folder.path().join("door")).unwrap();
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".pem")), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_chosen_providers_get_a_token() {
    let house = House::new();
    let run = ["run", "--only", "github", "--keep", "KEPT", "--", "env"];
    let mut command = house.command(&run);
    command.env("KEPT", "yes");
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    let text = out(&output);
    assert!(text.contains("srf_github_") && !text.contains("srf_openai_"), "{text}");
    assert!(text.contains("KEPT=yes"), "{text}");
    let refused = house.run(&["run", "--only", "notion", "--", "true"]);
    assert_eq!(refused.status.code(), Some(119));
    assert!(err(&refused).contains("notion"), "{}", err(&refused));
    let refused = house.run(&["run", "--agent", "nobody", "--", "true"]);
    assert_eq!(refused.status.code(), Some(119));
    assert_eq!(house.run(&["run", "--", "no-such-command-here"]).status.code(), Some(127));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reaches_the_command_and_its_end_is_told() {
    let house = House::new();
    let script = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.01; done";
    let mut child =
        house.command(&["run", "--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut ready = [0; 6];
    tokio::task::block_in_place(|| stdout.read_exact(&mut ready).unwrap());
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    let status = tokio::task::block_in_place(|| child.wait().unwrap());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!((status.code(), rest.as_str()), (Some(9), "caught\n"));
    let killed = house.shell("kill -KILL $$");
    assert_eq!(killed.status.code(), Some(128 + 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_command_also_when_that_is_killed() {
    let house = House::new();
    let mut child = house
        .command(&["run", "--", "sh", "-c", "echo $$; exec sleep 60"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut pid = [0; 16];
    let count = tokio::task::block_in_place(|| stdout.read(&mut pid).unwrap());
    assert_eq!(house.sessions(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    until(|| house.sessions() == 0).await;
    let left = String::from_utf8_lossy(&pid[..count]).trim().parse().unwrap();
    kill(Pid::from_raw(left), Signal::SIGKILL).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_said_to_whoever_runs_a_command() {
    let house = House::new();
    let script = "echo ready; read -r line; echo done";
    let mut child = house
        .command(&["run", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let mut ready = [0; 6];
    tokio::task::block_in_place(|| stdout.read_exact(&mut ready).unwrap());
    let stopped = house.run(&["stop"]);
    assert_eq!(stopped.status.code(), Some(0), "{}", err(&stopped));
    let mut said = [0; 256];
    let count = tokio::task::block_in_place(|| stderr.read(&mut said).unwrap());
    let said = String::from_utf8_lossy(&said[..count]).into_owned();
    assert!(said.contains("the session is over") && said.contains("stopped"), "{said}");
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let status = tokio::task::block_in_place(|| child.wait().unwrap());
    assert!(status.success(), "the command itself goes on");
    assert_eq!(house.run(&["run", "--", "true"]).status.code(), Some(119));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_waits_and_answers_with_the_code_at_a_terminal() {
    let house = House::new();
    let (id, _asking) = house.hold().await;
    let listed = out(&house.run(&["approvals"]));
    assert!(listed.contains("GET api.github.com/user"), "{listed}");
    let (number, text) = (id.to_string(), |code: &str| {
        let number = id.to_string();
        tokio::task::block_in_place(|| house.at_terminal(&["approve", &number], code))
    });
    let (status, seen) = text("wrong");
    assert_eq!(status, 119, "{seen}");
    assert!(!seen.contains("wrong\r") && seen.contains("not the operator code"), "{seen}");
    assert_eq!(house.vault.over(id), None);
    let (status, seen) = text(CODE);
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("allowed once") && !seen.contains(CODE), "nothing typed shows: {seen}");
    assert_eq!(house.vault.over(id).as_deref(), Some("once"));
    let late = tokio::task::block_in_place(|| house.at_terminal(&["approve", &number], CODE));
    assert!(late.0 == 119 && late.1.contains("too late"), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_and_a_refusal_are_said_with_all_their_words() {
    let house = House::new();
    let (id, _asking) = house.hold().await;
    let number = id.to_string();
    let incomplete = house.run(&["approve", &number, "--minutes", "15"]);
    assert_eq!(incomplete.status.code(), Some(2), "all three or none");
    let task = ["approve", &number, "--minutes", "15", "--count", "5", "--path", "/user"];
    let (status, seen) = tokio::task::block_in_place(|| house.at_terminal(&task, CODE));
    assert_eq!(status, 0, "{seen}");
    assert_eq!(house.vault.over(id).as_deref(), Some("task"));
    let no_terminal = house.run(&["resume"]);
    assert_eq!(no_terminal.status.code(), Some(2), "a pipe is no keyboard");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_cannot_answer_for_a_person() {
    let house = House::new();
    let (id, _asking) = house.hold().await;
    let program = env!("CARGO_BIN_EXE_strongroom");
    let socket = house.socket();
    let script = format!(
        "unset OPENAI_API_KEY; {program} agent --broker {0} approvals; echo $?; \
         {program} agent --broker {0} run -- true; echo $?; \
         (setsid {program} agent --broker {0} approvals; echo $?) & wait; \
         {program} agent --broker {0} ask notion --reason 'to read'; echo $?",
        socket.display()
    );
    let output = house.shell(&script);
    let codes: Vec<String> =
        out(&output).lines().filter(|line| line.parse::<u8>().is_ok()).map(str::to_owned).collect();
    assert_eq!(codes, ["119", "119", "119", "0"], "{output:?}");
    assert!(err(&output).contains("inside an agent's session"), "{}", err(&output));
    assert_eq!(house.vault.over(id), None, "it still waits");
    let told = house.vault.told.lock().unwrap();
    let asked = told
        .iter()
        .any(|what| matches!(what, ToOwner::AccessAsked { provider, .. } if provider == "notion"));
    assert!(asked, "but it may ask for more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_leaves_behind_stays_inside_its_session() {
    let house = House::new();
    let program = env!("CARGO_BIN_EXE_strongroom");
    // The middle process ends at once, so that the last one has lost its parent.
    let script = format!(
        "(setsid sh -c '{program} agent --broker {} approvals >out 2>err; echo $? >code' &) ; \
         while ! [ -s code ]; do sleep 0.01; done; cat code",
        house.socket().display()
    );
    let mut command = house.command(&["run", "--", "sh", "-c", &script]);
    command.current_dir(house.folder.path());
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    assert_eq!(out(&output).trim(), "119", "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_a_healthy_session_healthy_and_says_what_is_wrong_with_others() {
    let house = House::new();
    let program = env!("CARGO_BIN_EXE_strongroom");
    let doctor = format!("{program} agent --broker {} doctor", house.socket().display());
    let text = out(&house.shell(&doctor));
    for good in [
        "ok   the broker answers",
        "ok   this is inside a session",
        "ok   OPENAI_BASE_URL leads to the broker",
        "ok   OPENAI_API_KEY holds a fake token that works",
        "ok   HTTPS_PROXY leads to the broker",
        "ok   TLS to api.openai.com through the broker works",
        "would be allowed by the rule",
    ] {
        assert!(text.contains(good), "{good}: {text}");
    }
    let broken = format!(
        "OPENAI_BASE_URL=https://api.openai.com/v1 OPENAI_API_KEY=sk-real SSL_CERT_FILE=/nowhere \
         {doctor} --provider openai"
    );
    let output = house.shell(&broken);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for bad in [
        "BAD  OPENAI_BASE_URL is https://api.openai.com/v1",
        "BAD  OPENAI_API_KEY holds no fake token",
        "BAD  /nowhere cannot be used",
    ] {
        assert!(text.contains(bad), "{bad}: {text}");
    }
    assert!(!text.contains("sk-real"), "no value is said");
    let outside = house.run(&["doctor", "--provider", "openai"]);
    assert!(out(&outside).contains("outside a session"), "{}", out(&outside));
}

#[test]
fn without_a_broker_every_command_says_how_to_start_one() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("b.sock");
    for arguments in [&["list"][..], &["stop"], &["approvals"], &["run", "--", "true"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .args(["agent", "--broker"])
            .arg(&nowhere)
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(118), "{arguments:?}");
        assert!(err(&output).contains("no broker is running"), "{}", err(&output));
    }
}
