//! The audit log: every request leaves exactly its entry, and the log proves itself.

use ed25519_dalek::VerifyingKey;
use reqwest::Method;
use strongroom_chain::tree::{Frontier, leaf_hash, verify_consistency, verify_inclusion};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::EventKind;
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_format::note::Checkpoint;
use strongroom_format::wire::{
    ActPage, B64, ConsistencyAnswer, EnvelopePage, EventsAnswer, InclusionAnswer, StageAnswer,
    SyncAnswer,
};

use crate::server::Server;
use crate::team::{PROD, secret};

fn digests(nodes: &[B64]) -> Vec<Digest> {
    nodes.iter().map(|node| node.0.clone().try_into().unwrap()).collect()
}

/// Reads a checkpoint and checks its signature.
fn open(note: &str, org: &OrgId, vkey: &[u8; 32]) -> Checkpoint {
    let (checkpoint, signature) = Checkpoint::parse(note, org, 0, vkey).unwrap();
    let key = VerifyingKey::from_bytes(vkey).unwrap();
    key.verify_strict(checkpoint.text().as_bytes(), &signature.into()).unwrap();
    checkpoint
}

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
        strongroom_format::event::Event::decode(&event.0).unwrap();
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
