//! Many writers at one place: the history stays a line, and nothing acknowledged is lost.

use std::collections::BTreeSet;
use std::sync::Arc;

use strongroom_chain::EnvHistory;
use strongroom_format::commit::SignedCommit;
use strongroom_format::statement::{Body, Link};
use strongroom_format::wire::{CommitPage, SyncAnswer, WriteBatch};

use crate::server::Server;
use crate::team::{PROD, put, secret};

const WRITERS: u16 = 64;

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_of_one_environment_make_one_line() {
    let server = Server::start().await;
    let (team, session) = server.team().await;
    let (org, team, session) = (team.org(), Arc::new(team), Arc::new(session));
    let mut writers = Vec::new();
    for n in 0..WRITERS {
        let (client, team, session) = (server.client.clone(), team.clone(), session.clone());
        writers.push(tokio::spawn(async move {
            let mut team = (*team).clone();
            let owner = team.owner.clone();
            loop {
                // Rebase: take in what the others wrote.
                let from = team.history(PROD).seq() + 1;
                let path = format!(
                    "/v1/orgs/{}/envs/{PROD}/commits?from={from}&envelopes=false",
                    team.org()
                );
                let page: CommitPage = client.get(&path, &session).await.page();
                for record in page.commits {
                    let mut history = team.history(PROD);
                    history
                        .apply(&team.state, &SignedCommit::parse(&record.commit).unwrap())
                        .unwrap();
                    team.histories.insert(PROD, history);
                }
                let (change, envelopes) = put(secret(n), 1, u64::from(n));
                let commit = owner.sign_commit(team.next_commit(&owner, PROD, vec![change]));
                let commits = vec![commit.as_bytes().to_vec()];
                let batch = WriteBatch { commits, envelopes, ..Default::default() };
                let answer = client.write(&team.org(), &session, &batch).await;
                match answer.code().as_str() {
                    "ok" => return commit.head(),
                    "stale-commit" => {}
                    other => panic!("{other}"),
                }
            }
        }));
    }
    let mut acknowledged = BTreeSet::new();
    for writer in writers {
        acknowledged.insert(writer.await.unwrap());
    }
    let path = format!("/v1/orgs/{org}/envs/{PROD}/commits?from=1&envelopes=true");
    let page: CommitPage = server.client.get(&path, &session).await.page();
    let mut history = EnvHistory::new(org, PROD);
    let mut stored = BTreeSet::new();
    for record in page.commits {
        let signed = SignedCommit::parse(&record.commit).unwrap();
        history.apply(&team.state, &signed).unwrap();
        stored.insert(signed.head());
    }
    assert_eq!((history.seq(), stored), (u64::from(WRITERS), acknowledged));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_of_one_chain_make_one_line() {
    let server = Server::start().await;
    let (team, session) = server.team().await;
    let (org, start, session) = (team.org(), team.state.seq(), Arc::new(session));
    let mut writers = Vec::new();
    for n in 0..WRITERS {
        let (client, mut team, session) = (server.client.clone(), team.clone(), session.clone());
        writers.push(tokio::spawn(async move {
            let owner = team.owner.clone();
            loop {
                let from = team.state.seq() + 1;
                let path = format!("/v1/orgs/{}/sync?from={from}", team.org());
                let answer: SyncAnswer = client.get(&path, &session).await.json();
                for link in answer.links {
                    let link = Link::parse(&link.0).unwrap();
                    team.now = team.now.max(link.statement.time_ms);
                    team.state.apply(&link).unwrap();
                }
                let root = [u8::try_from(n).unwrap(); 32];
                let size = team.state.seq() + 1_000;
                let link = team.link(&owner, Body::AuditAnchor { reset: 0, size, root });
                let links = vec![link.as_bytes().to_vec()];
                let batch = WriteBatch { links, ..Default::default() };
                match client.write(&team.org(), &session, &batch).await.code().as_str() {
                    "ok" => return link.head(),
                    "stale-link" => {}
                    other => panic!("{other}"),
                }
            }
        }));
    }
    let mut acknowledged = BTreeSet::new();
    for writer in writers {
        acknowledged.insert(writer.await.unwrap());
    }
    let path = format!("/v1/orgs/{org}/sync?from={}", start + 1);
    let answer: SyncAnswer = server.client.get(&path, &session).await.json();
    let stored: BTreeSet<_> =
        answer.links.iter().map(|link| Link::parse(&link.0).unwrap().head()).collect();
    assert_eq!((stored.len(), stored), (usize::from(WRITERS), acknowledged));
}
