//! Many writers at one place: the history stays a line, and nothing acknowledged is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_chain::EnvHistory;
use strongroom_format::commit::SignedCommit;
use strongroom_format::statement::{Link, Role};
use strongroom_format::wire::{CommitPage, JoinList, MAX_JOINS, SyncAnswer, WriteBatch};
use strongroom_server::Registration;

use crate::bodies::replacement;
use crate::joins::{ask, credential};
use crate::server::{Answer, Server};
use crate::team::{PROD, Person, Team, filler, put, secret};

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
                let link = team.link(&owner, filler(u8::try_from(n).unwrap(), &owner));
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

/// Sends one request from each of 64 clients at once and gives the codes, sorted.
async fn at_once<F, Fut>(request: F) -> BTreeMap<String, usize>
where
    F: Fn(u8) -> Fut,
    Fut: Future<Output = Answer> + Send + 'static,
{
    let asked: Vec<_> = (0..64).map(|n| tokio::spawn(request(n))).collect();
    let mut codes = BTreeMap::new();
    for answer in asked {
        *codes.entry(answer.await.unwrap().code()).or_default() += 1;
    }
    codes
}

fn counted<const N: usize>(codes: [(&str, usize); N]) -> BTreeMap<String, usize> {
    codes.map(|(code, n)| (code.to_owned(), n)).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_founders_with_one_code_one_has_an_account() {
    let server = Server::start_with(|c| c.registration = Registration::Invited).await;
    let file = server.dir.path().join("data").join("founder-code");
    let code = format!("sro.{}", std::fs::read_to_string(file).unwrap().trim_end());
    let codes = at_once(|n| {
        let (client, code) = (server.client.clone(), code.clone());
        let request = client.account(&Person::new(n + 1));
        async move { client.post_json_as("/v1/accounts", &code, &request).await }
    })
    .await;
    assert_eq!(codes, counted([("founder-code-used", 63), ("ok", 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_people_with_one_invitation_eight_wait_and_one_is_admitted() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let invite = team.invite(50, Role::Member, team.now + 1_000_000);
    let org = team.org();
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let bearer = credential(invite, &Team::invite_secret(50));
    let codes = at_once(|n| {
        let (client, bearer) = (server.client.clone(), bearer.clone());
        let (path, request) =
            (format!("/v1/orgs/{org}/invite/join"), ask(&org, invite, &Person::new(n + 2)));
        async move { client.post_json_as(&path, &bearer, &request).await }
    })
    .await;
    assert_eq!(codes, counted([("ok", MAX_JOINS), ("too-many-joins", 64 - MAX_JOINS)]));
    let joins = format!("/v1/orgs/{org}/joins");
    let list: JoinList = server.client.get(&joins, &session).await.json();
    assert_eq!(list.joins.len(), MAX_JOINS);

    // 64 managers' windows admit at once, each whom it likes: one link stands.
    let codes = at_once(|n| {
        let (client, session, mut team) = (server.client.clone(), session.clone(), team.clone());
        team.add(&Person::new(n + 2), Role::Member, invite);
        async move { client.write(&org, &session, &team.take_batch()).await }
    })
    .await;
    assert_eq!(codes, counted([("ok", 1), ("stale-link", 63)]));
    let list: JoinList = server.client.get(&joins, &session).await.json();
    assert!(list.joins.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_batches_of_a_link_and_a_commit_one_is_there_whole() {
    let server = Server::start().await;
    let (team, session) = server.team().await;
    let org = team.org();
    let codes = at_once(|n| {
        let (client, session, mut team) = (server.client.clone(), session.clone(), team.clone());
        team.say(filler(n, &team.owner));
        team.write(PROD, &[(secret(u16::from(n)), 1)]);
        async move { client.write(&org, &session, &team.take_batch()).await }
    })
    .await;
    assert_eq!(codes, counted([("ok", 1), ("stale-link", 63)]));
    let path = format!("/v1/orgs/{org}/sync?from=0");
    let answer: SyncAnswer = server.client.get(&path, &session).await.json();
    assert_eq!(answer.links.len() as u64, team.state.seq() + 2);
    assert_eq!(answer.envs.iter().find(|env| env.env_id == PROD).unwrap().seq, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_keysets_that_follow_one_another_one_follows() {
    let server = Server::start().await;
    let owner = Person::new(1);
    let session = server.client.join(&owner).await;
    let codes = at_once(|n| {
        let (client, session) = (server.client.clone(), session.clone());
        let request = replacement(&client, &owner, &owner, owner.user(), 2);
        assert!(n < 64);
        async move { client.post_json_as("/v1/account/keyset", &session, &request).await }
    })
    .await;
    assert_eq!(codes, counted([("ok", 1), ("stale-keyset", 63)]));
}
