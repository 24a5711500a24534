//! The real credential is searched for wherever an agent could look.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::FileExt as _;
use std::process::Stdio;

use strongroom_control::link::SecretEntry;
use strongroom_format::id::{EnvId, SecretId};
use strongroom_policy::{AgentPolicy, Auth, Provider, Rule, SecretAt};

use crate::house::{House, REAL, rule};

const AT: SecretAt = SecretAt { env: EnvId([1; 16]), secret: SecretId([2; 16]) };

/// A host that says back what it was sent, once, and tells what that was.
fn echo() -> (u16, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{head}").unwrap();
        head
    });
    (port, seen)
}

fn local(port: u16) -> Provider {
    let env = r#"[{"name":"LOCAL_KEY","value":{"kind":"token"}},
                  {"name":"LOCAL_URL","value":{"kind":"base-url","suffix":""}}]"#;
    Provider {
        id: "local".to_owned(),
        name: "Local".to_owned(),
        hosts: vec!["127.0.0.1".parse().unwrap()],
        ports: vec![port],
        base: format!("http://127.0.0.1:{port}").parse().unwrap(),
        auth: Auth::Bearer,
        methods: vec!["GET".parse().unwrap()],
        paths: vec!["/**".parse().unwrap()],
        private: true,
        env: serde_json::from_str(env).unwrap(),
        effects: Vec::new(),
        mints: Vec::new(),
        capabilities: Vec::new(),
        ..Provider::lookup("openai").unwrap().clone()
    }
}

fn house(port: u16) -> House {
    let provider = local(port);
    let secret = SecretEntry {
        at: AT,
        name: "KEY".to_owned(),
        place: "ci / prod".to_owned(),
        version: 1,
        policy: provider.secret_policy(),
    };
    let rule = Rule {
        provider: provider.id.clone(),
        secrets: vec![AT],
        hosts: provider.hosts.clone(),
        ports: provider.ports.clone(),
        methods: provider.methods.clone(),
        paths: provider.paths.clone(),
        ..rule("openai")
    };
    let rules = vec![rule];
    let providers = vec![provider];
    House::with(AgentPolicy { rules, providers, ..AgentPolicy::nothing() }, vec![secret])
}

/// A process and all below it.
fn tree(root: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([root]);
    loop {
        let before = found.len();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let parent = stat.rsplit(')').next().unwrap().split_whitespace().nth(1);
            if parent.and_then(|pid| pid.parse().ok()).is_some_and(|pid: u32| found.contains(&pid))
            {
                found.insert(pid);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Everything that can be read of a process: environment, arguments, memory.
fn everything(pid: u32) -> Vec<u8> {
    let mut all = Vec::new();
    for file in ["environ", "cmdline"] {
        all.extend(fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default());
    }
    let Ok(memory) = File::open(format!("/proc/{pid}/mem")) else { return all };
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let address = |text| u64::from_str_radix(text, 16).unwrap();
        let (from, to) = (address(from), address(to));
        let mut region = vec![0; usize::try_from(to - from).unwrap().min(64 << 20)];
        let count = memory.read_at(&mut region, from).unwrap_or(0);
        all.extend(&region[..count]);
    }
    all
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credential_is_in_no_process_file_or_word_that_an_agent_can_reach() {
    let (port, seen) = echo();
    let house = house(port);
    let script = "x=$(curl -s -H \"Authorization: Bearer $LOCAL_KEY\" \"$LOCAL_URL/echo\"); \
                  printf '%s' \"$x\" >answer; echo ready; read -r y";
    let mut child = house
        .command(&["run", "--", "bash", "-c", script])
        .current_dir(house.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut ready = [0; 6];
    tokio::task::block_in_place(|| stdout.read_exact(&mut ready).unwrap());
    assert!(seen.join().unwrap().contains(REAL), "the credential arrived where it should");

    let processes = tree(child.id());
    assert!(processes.len() >= 2, "the program, and the command below it");
    let all: Vec<Vec<u8>> = processes.iter().map(|pid| everything(*pid)).collect();
    assert!(
        all.iter().any(|bytes| holds(bytes, "authorization: Bearer sk-srf_local_")),
        "the scan finds an echo"
    );
    for (pid, bytes) in processes.iter().zip(&all) {
        assert!(!holds(bytes, REAL), "process {pid}");
    }
    drop(child.stdin.take());
    tokio::task::block_in_place(|| child.wait().unwrap());
    for entry in fs::read_dir(house.folder.path()).unwrap().flatten() {
        if entry.file_type().unwrap().is_file() {
            assert!(!holds(&fs::read(entry.path()).unwrap(), REAL), "{:?}", entry.path());
        }
    }
    assert!(holds(&fs::read(house.folder.path().join("answer")).unwrap(), "GET /echo"));
    let told = format!("{:?} {:?}", house.vault.told.lock().unwrap(), house.broker);
    assert!(!told.contains(REAL) && !told.contains("srf_"), "{told}");
}
