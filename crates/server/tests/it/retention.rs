//! An owner says which entries need not be kept: they go, and every proof remains.

use strongroom_chain::tree::{leaf_hash, verify_consistency, verify_inclusion};
use strongroom_format::hash::Digest;
use strongroom_format::statement::{Body, RETENTION_STEP, Role};
use strongroom_format::wire::{
    ActPage, ConsistencyAnswer, InclusionAnswer, MAX_ACTS, Receipt, WriteAnswer, WriteBatch,
};
use strongroom_store::{Store as _, StoreError};
use strongroom_store_sqlite::SqliteStore;

use crate::faults::faulty;
use crate::ledger::{Copy, acts, digests, events, grow, open, open_after};
use crate::server::Server;
use crate::team::{Person, Team};

const STEP: u64 = RETENTION_STEP;

fn retention(reset: u32, size: u64, root: Digest) -> Body {
    Body::AuditRetention { reset, size, root }
}

/// A batch of one link that the team does not take in.
fn only(team: &Team, author: &Person, body: Body) -> WriteBatch {
    let link = team.clone().link(author, body);
    WriteBatch { links: vec![link.as_bytes().to_vec()], ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_owner_retires_goes_and_every_proof_of_it_remains() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    let vkey = client.audit_vkey().await;
    grow(client, &team, &session, 1_100).await;
    let whole = Copy::read(client, &org, &session).await;
    let root = whole.roots[&STEP];

    team.say(retention(0, STEP, root));
    let answer: WriteAnswer = client.write(&org, &session, &team.take_batch()).await.json();
    let after = open(&answer.checkpoint, &org, &vkey);
    // A new reader begins with the root that the owner signed, and comes to the one that is signed.
    let kept = Copy::read(client, &org, &session).await;
    assert_eq!((kept.base, kept.roots[&STEP]), (STEP, team.state.audit_retained().root));
    assert_eq!(kept.roots[&after.size], after.root);
    assert_eq!(kept.events[0], whole.events[1_024]);
    // Whoever is behind `base` has read enough already.
    let page = events(client, &org, &session, STEP + 3).await;
    assert_eq!((page.base, page.peaks.len()), (STEP + 3, 0));
    assert_eq!(page.events[0].0, whole.events[1_027]);

    // The old entries can be proven still, by whoever has them.
    for index in [0usize, 700, 1_023] {
        let path = format!("/v1/orgs/{org}/audit/inclusion?index={index}");
        let answer: InclusionAnswer = client.get(&path, &session).await.json();
        let (at, leaf) = (open(&answer.checkpoint, &org, &vkey), leaf_hash(&whole.events[index]));
        verify_inclusion(&leaf, index as u64, at.size, &at.root, &digests(&answer.proof)).unwrap();
    }
    for old in [1, 77, STEP, STEP + 5] {
        let path = format!("/v1/orgs/{org}/audit/proof?old={old}&new={}", after.size);
        let answer: ConsistencyAnswer = client.get(&path, &session).await.json();
        let (proof, at) = (digests(&answer.proof), open(&answer.checkpoint, &org, &vkey));
        verify_consistency(old, &whole.roots[&old], at.size, &at.root, &proof).unwrap();
    }

    // It is the same log after a restart.
    let server = server.restart().await;
    let session = server.client.sign_in(&team.owner).await;
    let again = Copy::read(&server.client, &org, &session).await;
    assert_eq!((again.base, again.roots[&after.size]), (STEP, after.root));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_by_a_root_that_is_not_the_logs_or_by_somebody_who_is_no_owner() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, client, owner) = (team.org(), &server.client, team.owner.clone());
    let admin = Person::new(2);
    team.admit(&admin, Role::Admin);
    let admin_session = client.join(&admin).await;
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    grow(client, &team, &session, 1_100).await;
    let whole = Copy::read(client, &org, &session).await;
    let root = whole.roots[&STEP];

    let send = async |who: &Person, session: &str, body: Body| {
        client.write(&org, session, &only(&team, who, body)).await
    };
    send(&owner, &session, retention(0, STEP, [9; 32])).await.is(422, "wrong-root");
    send(&owner, &session, retention(0, 2 * STEP, root)).await.is(422, "wrong-root");
    send(&owner, &session, retention(0, 1 << 60, root)).await.is(422, "wrong-root");
    let within = retention(0, 1_000, whole.roots[&1_000]);
    send(&owner, &session, within).await.is(422, "link-retention-step");
    send(&owner, &session, retention(1, STEP, root)).await.is(422, "link-audit-backwards");
    send(&admin, &admin_session, retention(0, STEP, root)).await.is(422, "link-not-allowed");
    let after = Copy::read(client, &org, &session).await;
    assert_eq!((after.base, &after.events[..whole.events.len()]), (0, &whole.events[..]));

    // An organisation cannot be founded with one: its log is empty.
    let mut other = Team::found_by(Person::new(7), client.audit_vkey().await);
    let other_session = client.join(&other.owner).await;
    other.say(retention(0, STEP, root));
    let founded = client.post("/v1/orgs", &other_session, &other.take_batch()).await;
    founded.is(422, "wrong-root");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_log_can_be_retired_and_goes_on_where_it_was() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    let vkey = client.audit_vkey().await;
    let begun = Copy::read(client, &org, &session).await.size();
    let fill = usize::try_from(STEP - begun).unwrap();
    let path = format!("/v1/orgs/{org}/events");
    let all = acts(&team, None, fill + 1);
    let mut full = None;
    for acts in all[..fill].chunks(MAX_ACTS) {
        let page = ActPage { acts: acts.to_vec() };
        let receipt: Receipt = client.post(&path, &session, &page).await.json();
        full = Some(open(&receipt.checkpoint, &org, &vkey));
    }
    let full = full.unwrap();
    assert_eq!(full.size, STEP);
    team.say(retention(0, STEP, full.root));
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let server = server.restart().await;
    let (client, session) = (&server.client, server.client.sign_in(&team.owner).await);
    let page = ActPage { acts: all[fill..].to_vec() };
    let receipt: Receipt = client.post(&path, &session, &page).await.json();
    let at = open(&receipt.checkpoint, &org, &vkey);
    let copy = Copy::read(client, &org, &session).await;
    assert_eq!((copy.base, copy.roots[&STEP], copy.roots[&at.size]), (STEP, full.root, at.root));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_says_again_how_much_is_kept() {
    let server = Server::start().await;
    let (mut team, session) = server.team().await;
    let (org, client, owner) = (team.org(), &server.client, team.owner.clone());
    let audit_vkey = client.audit_vkey().await;
    grow(client, &team, &session, 1_100).await;
    let whole = Copy::read(client, &org, &session).await;
    let (root, size) = (whole.roots[&STEP], whole.size());
    team.say(retention(0, STEP, root));
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");

    let reset = Body::AuditReset { old_reset: 0, size, root: whole.roots[&size], audit_vkey };
    let alone = only(&team, &owner, reset.clone());
    client.write(&org, &session, &alone).await.is(422, "retention-lost");
    let mut wrong = team.clone();
    wrong.say(reset.clone());
    wrong.say(retention(1, STEP, [9; 32]));
    client.write(&org, &session, &wrong.take_batch()).await.is(422, "wrong-root");
    team.say(reset);
    team.say(retention(1, STEP, root));
    let answer: WriteAnswer = client.write(&org, &session, &team.take_batch()).await.json();
    let at = open_after(1, &answer.checkpoint, &org, &audit_vkey).unwrap();
    let copy = Copy::read(client, &org, &session).await;
    assert_eq!((copy.base, copy.roots[&STEP], copy.roots[&at.size]), (STEP, root, at.root));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retirement_that_fails_at_any_step_never_happened() {
    let dir = tempfile::tempdir().unwrap();
    let (server, plan) = faulty(dir.path()).await;
    let (mut team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    grow(client, &team, &session, 1_100).await;
    let whole = Copy::read(client, &org, &session).await;
    team.say(retention(0, STEP, whole.roots[&STEP]));
    let batch = team.take_batch();
    let store = SqliteStore::open(&dir.path().join("test.db"), None).await.unwrap();
    let first = async || store.read().await.unwrap().events(&org, 0, 1, 1).await.unwrap()[0].index;
    for step in ["nodes", "retire_events", "insert_events", "insert_checkpoint", "commit"] {
        *plan.lock().unwrap() = Some((step, StoreError::Full));
        client.write(&org, &session, &batch).await.is(507, "storage-full");
        assert!(plan.lock().unwrap().is_none(), "{step} was never reached");
        assert_eq!(first().await, 0, "{step}");
    }
    client.write(&org, &session, &batch).await.is(200, "ok");
    assert_eq!(first().await, STEP);
}
