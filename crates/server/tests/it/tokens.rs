//! Service tokens: from issue to the very moment of their end.

use strongroom_format::statement::{Body, EpochReason, Rights};
use strongroom_format::wire::{ItemPage, OrgList, SyncAnswer};

use crate::server::Server;
use crate::team::{PROD, Person, bearer, secret};
use strongroom_format::id::{Principal, TokenId};

const SECRET: [u8; 32] = [0x5e; 32];

fn id(token: &Person) -> TokenId {
    let Principal::Token(id) = token.who else { panic!("no token") };
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reads_and_writes_until_it_is_revoked_and_not_a_request_longer() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, token) = (team.org(), Person::token(40));
    let credential = bearer(id(&token), &SECRET);
    server.client.get("/v1/orgs", &credential).await.is(401, "sign-in-required");
    team.issue(&token, Rights::READ.with(Rights::WRITE), &SECRET, 0);
    team.epoch(PROD, EpochReason::ReaderAdded);
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");

    team.write_as(&token, PROD, &[(secret(1), 1)]);
    server.client.write(&org, &credential, &team.take_batch()).await.is(200, "ok");
    let items = format!("/v1/orgs/{org}/envs/{PROD}/items");
    let page: ItemPage = server.client.get(&items, &credential).await.page();
    assert_eq!(page.items.len(), 1);
    let sync = format!("/v1/orgs/{org}/sync?from=0");
    let answer: SyncAnswer = server.client.get(&sync, &credential).await.json();
    assert_eq!((answer.wraps.len(), answer.envs.len()), (1, 1), "its environment alone");

    for (bad, n) in [
        (bearer(id(&token), &[1; 32]), 1),
        (bearer(TokenId([41; 16]), &SECRET), 2),
        (format!("{credential}A"), 3),
        (credential.replace("srt.", "srs_"), 4),
        (format!("srt.{}", id(&token)), 5),
        (format!("srt.{}.", id(&token)), 6),
    ] {
        let answer = server.client.get(&sync, &bad).await;
        assert_eq!(answer.code(), "sign-in-required", "{n}");
    }
    for path in ["/v1/account", "/v1/orgs"] {
        server.client.get(path, &credential).await.is(403, "session-required");
    }
    let log = format!("/v1/orgs/{org}/audit/events?from=0");
    server.client.get(&log, &credential).await.is(403, "members-only");

    team.say(Body::TokenRevoke { token: id(&token) });
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    for path in [&items, &sync, &log] {
        server.client.get(path, &credential).await.is(404, "not-found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_by_its_date_and_speaks_to_one_organisation() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, token) = (team.org(), Person::token(40));
    let credential = bearer(id(&token), &SECRET);
    let end = team.now + 10 * 60 * 1000;
    team.issue(&token, Rights::READ, &SECRET, end);
    team.epoch(PROD, EpochReason::ReaderAdded);
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");

    let other = Person::new(2);
    let other_session = server.client.join(&other).await;
    let vkey = server.client.audit_vkey().await;
    let mut elsewhere = crate::team::Team::found_by(other, vkey);
    let batch = elsewhere.take_batch();
    server.client.post("/v1/orgs", &other_session, &batch).await.is(201, "ok");
    let foreign = format!("/v1/orgs/{}/sync?from=0", elsewhere.org());
    server.client.get(&foreign, &credential).await.is(404, "not-found");

    let sync = format!("/v1/orgs/{org}/sync?from=0");
    server.client.get(&sync, &credential).await.is(200, "ok");
    server.clock.advance(11 * 60 * 1000);
    server.client.get(&sync, &credential).await.is(404, "not-found");
    let _: OrgList = server.client.get("/v1/orgs", &session).await.json();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_under_load_has_no_late_success() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, token) = (team.org(), Person::token(40));
    let credential = bearer(id(&token), &SECRET);
    team.issue(&token, Rights::READ, &SECRET, 0);
    team.epoch(PROD, EpochReason::ReaderAdded);
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..64 {
        let (client, done) = (server.client.clone(), done.clone());
        let (path, credential) = (format!("/v1/orgs/{org}/envs/{PROD}/items"), credential.clone());
        readers.push(tokio::spawn(async move {
            let mut late = 0;
            loop {
                let revoked = done.load(std::sync::atomic::Ordering::SeqCst);
                let answer = client.get(&path, &credential).await;
                late += u32::from(revoked && answer.status == 200);
                if revoked {
                    return late;
                }
            }
        }));
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    team.say(Body::TokenRevoke { token: id(&token) });
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    done.store(true, std::sync::atomic::Ordering::SeqCst);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), 0);
    }
}
