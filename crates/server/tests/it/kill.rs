//! The real program, killed in the middle of its work again and again: whatever it acknowledged is
//! there, and the history is a line. `STRONGROOM_KILL_CYCLES` asks for more than ten rounds.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use strongroom_chain::EnvHistory;
use strongroom_format::commit::SignedCommit;
use strongroom_format::hash::Digest;
use strongroom_format::wire::{CommitPage, WriteBatch};
use strongroom_server::{Clock as _, SystemClock};

use crate::server::Client;
use crate::team::{PROD, Person, Team, put, secret};

/// A process that dies with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(config: &Path) -> (Program, Client) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom-server"))
        .arg("--config")
        .arg(config)
        .env("STRONGROOM_LOG", "info")
        .env("NO_COLOR", "1")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let program = Program(child);
    let origin = loop {
        let line = lines.next().expect("the server says where it listens").unwrap();
        if let Some((_, origin)) = line.split_once("origin=") {
            break origin.trim_matches(|c| c == '"' || c == ' ').to_owned();
        }
    };
    // Somebody must read the rest, or the program waits for it.
    std::thread::spawn(move || lines.for_each(drop));
    (program, Client::new(&origin))
}

/// Everything stored, verified from the first commit on.
async fn history(client: &Client, team: &Team, session: &str) -> (EnvHistory, Vec<Digest>) {
    let mut history = EnvHistory::new(team.org(), PROD);
    let mut heads = Vec::new();
    loop {
        let from = history.seq() + 1;
        let path =
            format!("/v1/orgs/{}/envs/{PROD}/commits?from={from}&envelopes=true", team.org());
        let page: CommitPage = client.get(&path, session).await.page();
        for record in &page.commits {
            let signed = SignedCommit::parse(&record.commit).unwrap();
            history.apply(&team.state, &signed).unwrap();
            assert_eq!(record.envelopes.len(), signed.commit.changes.len() * 2);
            heads.push(signed.head());
        }
        if !page.more {
            return (history, heads);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_acknowledged_survives_a_kill_at_any_moment() {
    let cycles = std::env::var("STRONGROOM_KILL_CYCLES").map_or(10, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("server.toml");
    let data = dir.path().join("data");
    let text = format!(
        "data_dir = {:?}\nbind = \"127.0.0.1:0\"\nregistration = \"open\"\n\
         [limits]\nsign_in_per_minute = 100000\nsign_in_per_account = 100000\n\
         requests_per_second = 100000\n",
        data.display().to_string()
    );
    std::fs::write(&config, text).unwrap();
    let (program, client) = spawn(&config);
    let vkey = client.audit_vkey().await;
    let mut team = Team::found_at(Person::new(1), vkey, SystemClock.now_ms());
    let session = client.join(&team.owner).await;
    client.post("/v1/orgs", &session, &team.take_batch()).await.is(201, "ok");
    drop(program);

    let mut acknowledged: Vec<Digest> = Vec::new();
    let mut written = 0u16;
    for cycle in 0..cycles {
        let (mut program, client) = spawn(&config);
        let session = client.sign_in(&team.owner).await;
        let (stored, heads) = history(&client, &team, &session).await;
        assert!(acknowledged.iter().all(|head| heads.contains(head)), "cycle {cycle}");
        assert!(heads.len() <= acknowledged.len() + 1, "only the last one is uncertain");
        acknowledged = heads;
        team.histories.insert(PROD, stored);

        let mut writer = team.clone();
        let task = tokio::spawn(async move {
            let mut heads = Vec::new();
            loop {
                written += 1;
                let owner = writer.owner.clone();
                let (change, envelopes) = put(secret(written), 1, 0);
                let commit = owner.sign_commit(writer.next_commit(&owner, PROD, vec![change]));
                let mut next = writer.history(PROD);
                next.apply(&writer.state, &commit).unwrap();
                writer.histories.insert(PROD, next);
                let commits = vec![commit.as_bytes().to_vec()];
                let batch = WriteBatch { commits, envelopes, ..Default::default() };
                let path = format!("/v1/orgs/{}/write", writer.org());
                match client.try_post(&path, &session, &batch).await {
                    Some(answer) => {
                        answer.is(200, "ok");
                        heads.push(commit.head());
                    }
                    None => return (heads, written),
                }
            }
        });
        tokio::time::sleep(Duration::from_millis(20 + cycle * 53 % 170)).await;
        program.0.kill().unwrap();
        program.0.wait().unwrap();
        let (heads, count) = task.await.unwrap();
        acknowledged.extend(heads);
        written = count;
    }
    let (_program, client) = spawn(&config);
    let session = client.sign_in(&team.owner).await;
    let (_, heads) = history(&client, &team, &session).await;
    assert!(acknowledged.iter().all(|head| heads.contains(head)));
    assert!(acknowledged.len() > usize::try_from(cycles).unwrap(), "the writers did something");
    client.log(&team.org(), &session).await;
}
