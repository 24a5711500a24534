//! Commands that run as agents, and a person's word from a terminal: the real program against a real
//! broker, whose vault is in memory.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken fixture should fail loudly")]

mod canary;
mod house;

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use strongroom_control::link::ToOwner;

use house::{CODE, House, err, out, until};

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
