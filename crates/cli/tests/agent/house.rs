//! A broker with its door, in this process, and a vault in memory.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use strongroom_broker::control::Door;
use strongroom_broker::egress::{Egress, EgressOptions, SystemResolver, TimeLimits};
use strongroom_broker::owner::{Lending, Lent, Owner};
use strongroom_broker::{Broker, Options, who};
use strongroom_control::door::Reply;
use strongroom_control::link::{AgentConfig, Config, SecretEntry, ToOwner};
use strongroom_format::id::AgentId;
use strongroom_policy::{AgentPolicy, Effect, Provider, Rule, SecretAt};
use strongroom_secret::SecretBytes;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub(crate) const CODE: &str = "K7QWX-M2XAB";
/// What no agent may ever see.
pub(crate) const REAL: &str = "sk-live-Zx81qPmv0LrtYw7NhJk3Dq5cVbG2";

const AGENT: AgentId = AgentId([1; 16]);

#[derive(Debug, Default)]
pub(crate) struct Vault {
    pub(crate) told: Mutex<Vec<ToOwner>>,
}

impl Vault {
    /// The request that waits.
    pub(crate) fn held(&self) -> Option<u64> {
        let told = self.told.lock().unwrap();
        told.iter().find_map(|what| match what {
            ToOwner::Held { held } => Some(held.id),
            _ => None,
        })
    }

    /// How it ended that a request waited.
    pub(crate) fn over(&self, request: u64) -> Option<String> {
        let told = self.told.lock().unwrap();
        told.iter().find_map(|what| match what {
            ToOwner::HeldOver { id, how } if *id == request => Some(how.clone()),
            _ => None,
        })
    }
}

impl Owner for Vault {
    fn lend(&self, _: AgentId, _: SecretAt, version: u64) -> Lending<'_> {
        let value = SecretBytes::copy_of(REAL.as_bytes());
        Box::pin(async move { Ok(Lent { version, value }) })
    }

    fn captured(&self, _: SecretAt, _: u64, _: SecretBytes) {}

    fn tell(&self, what: ToOwner) {
        self.told.lock().unwrap().push(what);
    }
}

pub(crate) struct House {
    pub(crate) broker: Arc<Broker>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) folder: TempDir,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for House {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A rule that allows everything at a built-in provider, without a credential.
pub(crate) fn rule(id: &str) -> Rule {
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
    /// An agent that may use `openai`, and `github` where a person says so, without a credential.
    pub(crate) fn new() -> Self {
        let rules = vec![rule("openai"), Rule { effect: Effect::Ask, ..rule("github") }];
        Self::with(AgentPolicy { rules, ..AgentPolicy::nothing() }, Vec::new())
    }

    /// An agent with this policy, whose credentials are all [`REAL`].
    pub(crate) fn with(policy: AgentPolicy, secrets: Vec<SecretEntry>) -> Self {
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
        let agent = AgentConfig {
            id: AGENT,
            name: "builder".to_owned(),
            responsible: "Ada".to_owned(),
            policy,
            not_after_ms: 0,
            secrets,
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

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("door/b.sock")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.args(["agent", "--broker"]).arg(self.socket()).args(arguments);
        command.env("AWS_SECRET_ACCESS_KEY", "canary").env("OPENAI_API_KEY", "canary");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::block_in_place(|| command.output().unwrap())
    }

    pub(crate) fn shell(&self, script: &str) -> Output {
        self.run(&["run", "--", "sh", "-c", script])
    }

    /// A request that waits for a person: its number, and the connection on which it was made.
    pub(crate) async fn hold(&self) -> (u64, TcpStream) {
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
    pub(crate) fn sessions(&self) -> usize {
        out(&self.run(&["list"])).matches("  session ").count()
    }

    /// What the program says at a terminal where the code is typed once it asks for it.
    pub(crate) fn at_terminal(&self, arguments: &[&str], code: &str) -> (i32, String) {
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

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) async fn until(mut what: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < Duration::from_secs(10), "it does not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
