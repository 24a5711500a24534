//! The audit log: every request leaves exactly its entry, and the log proves itself.

use reqwest::Method;
use strongroom_chain::tree::{Frontier, leaf_hash, verify_consistency, verify_inclusion};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Event, EventKind};
use strongroom_format::id::OrgId;
use strongroom_format::statement::{Rights, Role};
use strongroom_format::wire::{
    ActPage, ConsistencyAnswer, EnvelopePage, EventsAnswer, InclusionAnswer, StageAnswer,
    SyncAnswer,
};

use crate::ledger::{Copy, digests, events, open};
use crate::server::Server;
use crate::team::{PROD, Person, bearer, secret};

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_request_leaves_exactly_its_entry() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, client, owner) = (team.org(), &server.client, team.owner.clone());
    let begun = client.log(&org, &session).await;
    // The founding itself: one entry for each link; then this very reading.
    assert!(begun.iter().all(|event| event.act.kind == EventKind::LinkAppended));
    assert_eq!(begun.len() as u64, team.state.seq() + 1);

    let path = |rest: &str| format!("/v1/orgs/{org}/{rest}");
    client.sign_in(&owner).await;
    client.get("/v1/account", &session).await.is(200, "ok");
    client.get("/v1/orgs", &session).await.is(200, "ok");
    client.get(&path("sync?from=0"), &session).await.is(200, "ok");
    client.get(&path(&format!("envs/{PROD}/items")), &session).await.is(200, "ok");
    let commits = format!("envs/{PROD}/commits?from=1&envelopes=true");
    client.get(&path(&commits), &session).await.is(200, "ok");
    client.get(&path("audit/proof?old=1&new=999"), &session).await.is(404, "not-found");
    client.get(&path("audit/inclusion?index=1"), &session).await.is(200, "ok");
    let page = EnvelopePage { envelopes: vec![vec![1; 100]] };
    client.post(&path("envelopes"), &session, &page).await.is(200, "ok");
    let act = owner.act(&team, None);
    let page = ActPage { acts: vec![act.clone()] };
    client.post(&path("events"), &session, &page).await.is(200, "ok");
    team.write(PROD, &[(secret(1), 1)]);
    team.batch.acts = vec![owner.act(&team, Some(&act.act))];
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    client.get(&path("sync"), &session).await.is(400, "malformed");
    client.get(&path("sync?from=0"), "x").await.is(401, "sign-in-required");
    // What concerns no organisation leaves nothing in it.
    client.get("/v1/server", "").await.is(200, "ok");
    client.get("/v1/openapi.json", "").await.is(200, "ok");
    client.challenge(&owner).await;
    client.send(Method::GET, "/nowhere", &[], Vec::new()).await.is(404, "not-found");

    let log = client.log(&org, &session).await;
    let kinds: Vec<_> =
        log[begun.len()..].iter().map(|e| (e.act.kind, e.act.detail.status)).collect();
    assert_eq!(
        kinds,
        [
            (EventKind::AuditFetched, 200),
            (EventKind::SignedIn, 200),
            (EventKind::KeysetFetched, 200),
            (EventKind::ChainFetched, 200),
            (EventKind::ChainFetched, 200),
            (EventKind::EnvFetched, 200),
            (EventKind::HistoryFetched, 200),
            (EventKind::Refused, 404),
            (EventKind::EnvelopesStaged, 200),
            (EventKind::Copied, 0),
            (EventKind::Copied, 0),
            (EventKind::CommitAppended, 200),
            (EventKind::Refused, 400),
            (EventKind::Refused, 401),
        ]
    );
    assert_eq!(log[begun.len() + 9].act, act.act);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_proves_its_size_its_past_and_each_of_its_entries() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, vkey) = (team.org(), server.client.audit_vkey().await);
    let mut checkpoints = Vec::new();
    for n in 1..=20 {
        team.write(PROD, &[(secret(n), 1)]);
        let answer = server.client.write(&org, &session, &team.take_batch()).await;
        let answer: strongroom_format::wire::WriteAnswer = answer.json();
        checkpoints.push(open(&answer.checkpoint, &org, &vkey));
        let path = format!("/v1/orgs/{org}/sync?from=0");
        let answer: SyncAnswer = server.client.get(&path, &session).await.json();
        checkpoints.push(open(&answer.checkpoint, &org, &vkey));
    }
    let page = EnvelopePage { envelopes: vec![vec![1; 100]] };
    let path = format!("/v1/orgs/{org}/envelopes");
    let receipt: StageAnswer = server.client.post(&path, &session, &page).await.json();
    let newest = open(&receipt.checkpoint, &org, &vkey);
    let sizes: Vec<_> = checkpoints.iter().map(|checkpoint| checkpoint.size).collect();
    assert!(sizes.is_sorted() && *sizes.last().unwrap() < newest.size);

    // It is the same log after a restart, and after a page of it was read.
    let server = server.restart().await;
    let session = server.client.sign_in(&team.owner).await;
    let path = format!("/v1/orgs/{org}/audit/events?from=0");
    let answer: EventsAnswer = server.client.get(&path, &session).await.json();
    let mut tree = Frontier::new();
    let mut roots = vec![tree.root()];
    for event in &answer.events {
        tree.append(leaf_hash(&event.0));
        roots.push(tree.root());
        Event::decode(&event.0).unwrap();
    }
    for checkpoint in checkpoints.iter().chain([&newest]) {
        let size = usize::try_from(checkpoint.size).unwrap();
        assert_eq!(checkpoint.root, roots[size]);
        let proof = format!("/v1/orgs/{org}/audit/proof?old={size}&new={}", newest.size);
        let answer: ConsistencyAnswer = server.client.get(&proof, &session).await.json();
        let new = open(&answer.checkpoint, &org, &vkey);
        assert_eq!(new, newest);
        verify_consistency(size as u64, &roots[size], new.size, &new.root, &digests(&answer.proof))
            .unwrap();
    }
    for (index, event) in answer.events.iter().enumerate().step_by(7) {
        let path = format!("/v1/orgs/{org}/audit/inclusion?index={index}");
        let answer: InclusionAnswer = server.client.get(&path, &session).await.json();
        let at = open(&answer.checkpoint, &org, &vkey);
        let (leaf, proof) = (leaf_hash(&event.0), digests(&answer.proof));
        verify_inclusion(&leaf, index as u64, at.size, &at.root, &proof).unwrap();
        assert!(verify_inclusion(&[0; 32], index as u64, at.size, &at.root, &proof).is_err());
    }
    let beyond = format!("/v1/orgs/{org}/audit/inclusion?index=100000");
    server.client.get(&beyond, &session).await.is(404, "not-found");
    let nothing = format!("/v1/orgs/{org}/audit/events?from=100000");
    let answer: EventsAnswer = server.client.get(&nothing, &session).await.json();
    assert!(answer.events.is_empty() && !answer.more);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_log_does_not_grow_by_those_who_look_whether_it_grew() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    let vkey = client.audit_vkey().await;
    let bob = Person::new(2);
    team.admit(&bob, Role::Reviewer);
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let bobs = client.join(&bob).await;
    let size = Copy::read(client, &org, &session).await.size();
    for from in [size, size, size + 1, size + 1_000, u64::MAX] {
        for credential in [&session, &bobs] {
            let page = events(client, &org, credential, from).await;
            assert_eq!((page.events.len(), page.base, page.peaks.len()), (0, from, 0));
            assert!(!page.more);
            assert_eq!(open(&page.checkpoint, &org, &vkey).size, size);
        }
    }
    for old in [0, 3, size] {
        let path = format!("/v1/orgs/{org}/audit/proof?old={old}&new={size}");
        let answer: ConsistencyAnswer = client.get(&path, &bobs).await.json();
        assert_eq!(open(&answer.checkpoint, &org, &vkey).size, size);
        let path = format!("/v1/orgs/{org}/audit/inclusion?index=1");
        let answer: InclusionAnswer = client.get(&path, &bobs).await.json();
        assert_eq!(open(&answer.checkpoint, &org, &vkey).size, size);
    }
    // As soon as there is something to read, the reading is an entry.
    let page = events(client, &org, &bobs, size - 1).await;
    assert_eq!((page.events.len(), page.more), (2, false));
    let reading = Event::decode(&page.events[1].0).unwrap();
    assert_eq!((reading.act.kind, reading.act.actor), (EventKind::AuditFetched, Some(bob.who)));
    assert_eq!(reading.act.detail.number, size - 1);
    assert_eq!(open(&page.checkpoint, &org, &vkey).size, size + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_reading_is_for_members_only_too() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    let stranger = client.join(&Person::new(9)).await;
    let gone = Person::new(2);
    team.admit(&gone, Role::Member);
    let token = Person::token(40);
    team.issue(&token, Rights::READ, &[5; 32], 0);
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let left = client.join(&gone).await;
    team.remove(&gone);
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let strongroom_format::id::Principal::Token(id) = token.who else { panic!("no token") };
    let token = bearer(id, &[5; 32]);
    let size = Copy::read(client, &org, &session).await.size();
    let nowhere = OrgId([8; 32]);
    for from in [0, size, size + 100] {
        let path = |org: &OrgId| format!("/v1/orgs/{org}/audit/events?from={from}");
        client.get(&path(&org), "x").await.is(401, "sign-in-required");
        client.get(&path(&org), &token).await.is(403, "members-only");
        client.get(&path(&nowhere), &session).await.is(404, "not-found");
        for credential in [&stranger, &left] {
            let refused = client.get(&path(&org), credential).await;
            refused.is(404, "not-found");
            let absent = client.get(&path(&nowhere), credential).await;
            assert_eq!(refused.body, absent.body);
        }
    }
}
