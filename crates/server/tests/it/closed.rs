//! The log fails closed: what cannot be written down, or does not read back as it was written, did
//! not happen, and is never signed (row I06).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use strongroom_chain::tree::{Frontier, leaf_hash};
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_format::statement::EpochReason;
use strongroom_format::wire::{
    ActPage, EnvelopePage, Receipt, StageAnswer, SyncAnswer, WriteAnswer, content_hash,
};
use strongroom_store::{Store as _, StoreError};
use strongroom_store_sqlite::SqliteStore;

use crate::faults::{faulty, flipping, fresh_device};
use crate::ledger::{acts, open};
use crate::server::Server;
use crate::team::{PROD, Team, secret};
use crate::writes::picture;

/// All that is stored of the log of `org`: its size, its newest checkpoint, and where the acts of
/// the owner's device stand.
type Stored = (u64, Option<(u64, String)>, Option<u64>);

async fn stored(file: &Path, team: &Team, act: &strongroom_format::event::SignedAct) -> Stored {
    let (org, store) = (team.org(), SqliteStore::open(file, None).await.unwrap());
    let mut tx = store.read().await.unwrap();
    let head = tx.actor_head(&org, &team.owner.who, &act.act.device).await.unwrap();
    let size = tx.log_size(&org).await.unwrap();
    (size, tx.checkpoint(&org, None).await.unwrap(), head.map(|head| head.seq))
}

/// One write of the log fails: of a batch of a link, a commit, staged and other envelopes and an
/// act nothing is there, and of the log not an entry. Then the same batch goes through.
async fn fails_closed(step: &'static str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("test.db");
    let (server, plan) = faulty(dir.path()).await;
    let (mut team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    team.write(PROD, &[(secret(1), 1)]);
    client.write(&org, &session, &team.take_batch()).await.is(200, "ok");

    let before = picture(&server, &team, &session).await;
    let mut next = team.clone();
    next.epoch(PROD, EpochReason::ReaderAdded);
    next.write(PROD, &[(secret(1), 2), (secret(2), 1)]);
    let act = fresh_device(&next, step);
    next.batch.acts = vec![act.clone()];
    let mut batch = next.take_batch();
    let staged = vec![batch.envelopes.pop().unwrap()];
    let hash = content_hash(&staged[0]);
    let page = EnvelopePage { envelopes: staged };
    client.post(&format!("/v1/orgs/{org}/envelopes"), &session, &page).await.is(200, "ok");
    let log = stored(&file, &team, &act).await;

    *plan.lock().unwrap() = Some((step, StoreError::Full));
    client.write(&org, &session, &batch).await.is(507, "storage-full");
    assert!(plan.lock().unwrap().is_none(), "{step} was never reached");
    assert_eq!(stored(&file, &team, &act).await, log, "the log is what it was");
    // Acts alone fail the same way.
    let page = ActPage { acts: vec![fresh_device(&team, "alone")] };
    *plan.lock().unwrap() = Some((step, StoreError::Full));
    let events = format!("/v1/orgs/{org}/events");
    client.post(&events, &session, &page).await.is(507, "storage-full");
    assert_eq!(stored(&file, &team, &act).await, log, "the log is what it was");

    // The session is good, chain, commits and items are as before, and no envelope was attached.
    let store = SqliteStore::open(&file, None).await.unwrap();
    let attached = store.read().await.unwrap().envelopes(&org, &PROD, &[hash]).await.unwrap();
    assert!(attached.is_empty());
    assert_eq!(picture(&server, &team, &session).await, before);
    client.write(&org, &session, &batch).await.is(200, "ok");
    assert_eq!(stored(&file, &team, &act).await.2, Some(1));
}

macro_rules! fails_closed {
    ($($name:ident: $step:literal)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                fails_closed($step).await;
            }
        )*
    };
}

fails_closed! {
    without_its_event_nothing_happened: "insert_events"
    without_its_tree_nodes_nothing_happened: "insert_nodes"
    without_its_checkpoint_nothing_happened: "insert_checkpoint"
    without_its_actors_new_head_nothing_happened: "put_actor_heads"
    without_what_was_written_read_back_nothing_happened: "events"
    without_the_nodes_read_back_nothing_happened: "nodes"
    without_the_commit_of_the_transaction_nothing_happened: "commit"
}

/// A bit turns over between the journal and the signature: no checkpoint of it is signed, nothing
/// of the request is there, and the server writes nothing more until it read its files again.
async fn never_signs_what_it_did_not_mean(call: &'static str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("test.db");
    let (server, flip) = flipping(dir.path()).await;
    let (mut team, session) = server.team().await;
    let (org, client) = (team.org(), &server.client);
    let act = fresh_device(&team, call);
    let before = stored(&file, &team, &act).await;
    team.write(PROD, &[(secret(1), 1)]);
    team.batch.acts = vec![act.clone()];
    let batch = team.take_batch();
    *flip.lock().unwrap() = Some(call);
    client.write(&org, &session, &batch).await.is(503, "storage-failed");
    assert_eq!(*flip.lock().unwrap(), None, "{call} was never reached");
    assert_eq!(stored(&file, &team, &act).await, before);
    client.get(&format!("/v1/orgs/{org}/sync?from=0"), &session).await.is(503, "storage-failed");
    server.failed().await;
    drop(server);

    let (server, _) = flipping(dir.path()).await;
    let session = server.client.sign_in(&team.owner).await;
    let answer = server.client.write(&org, &session, &batch).await;
    let answer: WriteAnswer = answer.json();
    assert!(answer.checkpoint.starts_with(&format!("strongroom/{org}/audit/0\n")));
    signed_roots_are_those_of_the_stored_bytes(&file, &org).await;
}

/// Every checkpoint that is stored states the root of the entries that are stored.
async fn signed_roots_are_those_of_the_stored_bytes(file: &Path, org: &OrgId) {
    let store = SqliteStore::open(file, None).await.unwrap();
    let mut tx = store.read().await.unwrap();
    let mut tree = Frontier::new();
    let mut signed = 0;
    for row in tx.events(org, 0, usize::MAX >> 1, usize::MAX).await.unwrap() {
        tree.append(leaf_hash(&row.bytes));
        if let Some((_, note)) = tx.checkpoint(org, Some(tree.size())).await.unwrap() {
            let root = data_encoding::BASE64.encode(&tree.root());
            assert_eq!(note.lines().nth(2), Some(root.as_str()), "{}", tree.size());
            signed += 1;
        }
    }
    assert!(signed > 1);
}

macro_rules! never_signs {
    ($($name:ident: $call:literal)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                never_signs_what_it_did_not_mean($call).await;
            }
        )*
    };
}

never_signs! {
    an_event_that_was_stored_with_a_wrong_bit_is_not_signed: "insert_events"
    a_node_that_was_stored_with_a_wrong_bit_is_not_signed: "insert_nodes"
    an_event_that_reads_back_with_a_wrong_bit_is_not_signed: "events"
    a_node_that_reads_back_with_a_wrong_bit_is_not_signed: "nodes"
}

/// What was signed, by size.
type Signed = Arc<Mutex<BTreeMap<u64, BTreeSet<Digest>>>>;

fn note_down(signed: &Signed, note: &str, org: &OrgId, vkey: &[u8; 32]) {
    let checkpoint = open(note, org, vkey);
    signed.lock().unwrap().entry(checkpoint.size).or_default().insert(checkpoint.root);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_size_ever_has_two_roots_in_a_race_of_all_that_is_signed_and_across_restarts() {
    let signed = Signed::default();
    let mut server = Server::start().await;
    let (team, mut session) = server.team().await;
    let (org, vkey) = (team.org(), server.client.audit_vkey().await);
    for round in 0..3u8 {
        let tasks = (0..24u8).map(|n| {
            let (client, session, signed) =
                (server.client.clone(), session.clone(), Arc::clone(&signed));
            let mut acts = acts(&team, None, 1);
            acts[0].act.device.0 = [round * 24 + n + 1; 16];
            acts[0].signature = team.owner.sign(&acts[0].act.message());
            tokio::spawn(async move {
                let down = |note: &str| note_down(&signed, note, &org, &vkey);
                for _ in 0..5 {
                    let path = format!("/v1/orgs/{org}/sync?from=0");
                    down(&client.get(&path, &session).await.json::<SyncAnswer>().checkpoint);
                }
                let path = format!("/v1/orgs/{org}/events");
                let page = ActPage { acts };
                down(&client.post(&path, &session, &page).await.json::<Receipt>().checkpoint);
                let path = format!("/v1/orgs/{org}/envelopes");
                let page = EnvelopePage { envelopes: vec![vec![n; 50]] };
                down(&client.post(&path, &session, &page).await.json::<StageAnswer>().checkpoint);
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        server = server.restart().await;
        session = server.client.sign_in(&team.owner).await;
    }
    server.stop().await;
    let file = server.dir.path().join("data").join("strongroom.db");
    signed_roots_are_those_of_the_stored_bytes(&file, &org).await;
    let store = SqliteStore::open(&file, None).await.unwrap();
    let mut tx = store.read().await.unwrap();
    let signed = signed.lock().unwrap().clone();
    assert!(signed.len() > 20, "{}", signed.len());
    for (size, roots) in &signed {
        let (_, note) = tx.checkpoint(&org, Some(*size)).await.unwrap().unwrap();
        assert_eq!(roots.iter().collect::<Vec<_>>(), [&open(&note, &org, &vkey).root], "{size}");
    }
}
