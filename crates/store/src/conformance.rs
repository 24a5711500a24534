//! The suite that every backend runs against itself: what the traits promise, as cases.
//!
//! A backend's test calls [`run`] with a function that opens an empty store. Each case gets a
//! store of its own and panics with its name in the message.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test support: a broken backend should fail loudly; all numbers are small"
)]

mod joining;

use std::pin::Pin;
use std::sync::Arc;

use strongroom_format::commit::{Change, Field, FieldHash, Op};
use strongroom_format::hash::{Digest, sha256};
use strongroom_format::id::{DeviceId, EnvId, OrgId, Principal, SecretId, TokenId, UserId};

use crate::{
    Account, ActorHead, CommitRow, EnvHeadRow, EventRow, Item, LinkRow, NodeRow, PreviousRow,
    Store, StoreError, TokenAuth, WrapRow,
};

const ORG: OrgId = OrgId([1; 32]);
const OTHER: OrgId = OrgId([2; 32]);
const ENV: EnvId = EnvId([3; 16]);
const OTHER_ENV: EnvId = EnvId([4; 16]);
const ANN: Principal = Principal::User(UserId([5; 16]));
const BOB: Principal = Principal::User(UserId([6; 16]));
const NO_LIMIT: usize = usize::MAX;

use self::joining::{identities, invitations, joins, replaced};

type Opened = Arc<dyn Store>;
type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
type Case = fn(Opened) -> Running;

/// Every case with its name, so that a backend may report them one by one.
pub const CASES: &[(&str, Case)] = &[
    ("an account is kept as it is and once", |s| Box::pin(accounts(s))),
    ("an account is replaced whole, and only where there is one", |s| Box::pin(replaced(s))),
    ("an identity is an issuer's, letter by letter, and bound once", |s| Box::pin(identities(s))),
    ("an invitation's bearer is kept once and can be spent", |s| Box::pin(invitations(s))),
    ("joins are replaced by person and forgotten by invitation", |s| Box::pin(joins(s))),
    ("a transaction that is dropped leaves nothing", |s| Box::pin(all_or_nothing(s))),
    ("a snapshot does not change while others write", |s| Box::pin(snapshots(s))),
    ("taking back to a mark leaves what was before it", |s| Box::pin(marks(s))),
    ("every position is taken once", |s| Box::pin(positions(s))),
    ("of many writers at one position one succeeds", |s| Box::pin(races(s))),
    ("links come in pages of a count and of bytes", |s| Box::pin(links(s))),
    ("insiders come and go", |s| Box::pin(insiders(s))),
    ("keys are found by recipient, link and environment", |s| Box::pin(keys(s))),
    ("a staged envelope belongs to whoever staged it", |s| Box::pin(staging(s))),
    ("only what nobody committed is forgotten", |s| Box::pin(forgetting(s))),
    ("items are replaced and come rising in pages", |s| Box::pin(items(s))),
    ("commits come in order and the newest is the head", |s| Box::pin(commits(s))),
    ("the audit log keeps entries, nodes and checkpoints", |s| Box::pin(audit(s))),
    ("old entries are retired, their nodes and checkpoints stay", |s| Box::pin(retired(s))),
    ("a device's acts are remembered by their newest", |s| Box::pin(actor_heads(s))),
    ("organisations see nothing of each other", |s| Box::pin(apart(s))),
];

/// Runs every case, each on a store that `fresh` opens.
pub async fn run(fresh: impl AsyncFn() -> Opened) {
    for (name, case) in CASES {
        let store = fresh().await;
        // The name stands in the output of a test that fails.
        println_case(name);
        case(Arc::clone(&store)).await;
        store.close().await;
    }
}

#[expect(clippy::print_stdout, reason = "says which case of the suite runs")]
fn println_case(name: &str) {
    println!("case: {name}");
}

/// Writes in one transaction.
macro_rules! write {
    ($store:expr, |$tx:ident| $body:expr) => {{
        let mut $tx: Box<dyn $crate::WriteTx> = $store.write().await.unwrap();
        $body;
        $tx.commit().await.unwrap();
    }};
}

/// The error of one write, in a transaction of its own.
macro_rules! refused {
    ($store:expr, |$tx:ident| $body:expr) => {{
        let mut $tx: Box<dyn $crate::WriteTx> = $store.write().await.unwrap();
        $body.await.unwrap_err()
    }};
}

use {refused, write};

async fn with_orgs(store: &Opened) {
    write!(store, |tx| {
        tx.insert_org(&ORG).await.unwrap();
        tx.insert_org(&OTHER).await.unwrap();
    });
}

fn account(user: u8) -> Account {
    Account {
        user: UserId([user; 16]),
        epoch: u32::MAX,
        profile: 3,
        salt: [7; 16],
        login_pub: [8; 32],
        isk: [9; 32],
        iek: [10; 32],
        blob: vec![0, 255, 11],
    }
}

fn link(seq: u64, length: usize) -> LinkRow {
    LinkRow { seq, bytes: vec![seq as u8; length] }
}

fn commit(seq: u64) -> CommitRow {
    CommitRow { seq, head: [seq as u8; 32], bytes: vec![seq as u8; 10] }
}

fn event(index: u64) -> EventRow {
    EventRow { index, bytes: vec![index as u8; 10] }
}

fn node(level: u8, index: u64) -> NodeRow {
    NodeRow { level, index, hash: [level; 32] }
}

fn envelope(n: u8) -> (Digest, Vec<u8>) {
    let bytes = vec![n; 100];
    (sha256(&[&bytes]), bytes)
}

fn item(secret: u8, version: u64) -> Item {
    let fields = vec![FieldHash { field: Field::Name, envelope: [secret; 32] }];
    let change = Change { op: Op::Put, secret: SecretId([secret; 16]), version, fields };
    Item { change, epoch: 2 }
}

async fn accounts(store: Opened) {
    write!(store, |tx| tx.insert_account(&account(1)).await.unwrap());
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.account(&UserId([1; 16])).await.unwrap(), Some(account(1)));
    assert_eq!(tx.account(&UserId([2; 16])).await.unwrap(), None);
    drop(tx);
    let again = Account { blob: vec![1], ..account(1) };
    assert_eq!(refused!(store, |tx| tx.insert_account(&again)), StoreError::Taken);
    let kept = store.read().await.unwrap().account(&UserId([1; 16])).await.unwrap();
    assert_eq!(kept, Some(account(1)));
}

async fn all_or_nothing(store: Opened) {
    with_orgs(&store).await;
    let mut tx = store.write().await.unwrap();
    tx.insert_account(&account(1)).await.unwrap();
    tx.insert_links(&ORG, &[link(0, 10)]).await.unwrap();
    assert_eq!(tx.links(&ORG, 0, 9, NO_LIMIT).await.unwrap().len(), 1, "it sees its own effects");
    drop(tx);
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.account(&UserId([1; 16])).await.unwrap(), None);
    assert_eq!(tx.links(&ORG, 0, 9, NO_LIMIT).await.unwrap(), Vec::new());
}

async fn snapshots(store: Opened) {
    with_orgs(&store).await;
    let mut before = store.read().await.unwrap();
    assert_eq!(before.log_size(&ORG).await.unwrap(), 0);
    write!(store, |tx| tx.insert_events(&ORG, &[event(0)]).await.unwrap());
    assert_eq!(before.log_size(&ORG).await.unwrap(), 0);
    assert_eq!(store.read().await.unwrap().log_size(&ORG).await.unwrap(), 1);
}

async fn marks(store: Opened) {
    with_orgs(&store).await;
    let mut tx = store.write().await.unwrap();
    tx.insert_links(&ORG, &[link(0, 10)]).await.unwrap();
    tx.mark().await.unwrap();
    tx.insert_links(&ORG, &[link(1, 10)]).await.unwrap();
    tx.undo_to_mark().await.unwrap();
    tx.insert_links(&ORG, &[link(1, 20)]).await.unwrap();
    tx.mark().await.unwrap();
    tx.insert_links(&ORG, &[link(2, 10)]).await.unwrap();
    // A write that fails can be taken back too, and the transaction goes on.
    assert_eq!(tx.insert_links(&ORG, &[link(2, 10)]).await.unwrap_err(), StoreError::Taken);
    tx.undo_to_mark().await.unwrap();
    tx.commit().await.unwrap();
    let kept = store.read().await.unwrap().links(&ORG, 0, 9, NO_LIMIT).await.unwrap();
    assert_eq!(kept, [link(0, 10), link(1, 20)]);
}

async fn positions(store: Opened) {
    with_orgs(&store).await;
    write!(store, |tx| {
        tx.insert_links(&ORG, &[link(0, 1)]).await.unwrap();
        tx.insert_commit(&ORG, &ENV, &commit(1)).await.unwrap();
        tx.insert_events(&ORG, &[event(0)]).await.unwrap();
        tx.insert_nodes(&ORG, &[node(0, 0)]).await.unwrap();
        tx.insert_checkpoint(&ORG, 1, "one").await.unwrap();
        let auth = TokenAuth { org: ORG, hash: [1; 32] };
        tx.insert_token_auth(&TokenId([1; 16]), &auth).await.unwrap();
    });
    let other_link = [LinkRow { seq: 0, bytes: vec![9] }];
    let other_auth = TokenAuth { org: OTHER, hash: [2; 32] };
    let taken = StoreError::Taken;
    assert_eq!(refused!(store, |tx| tx.insert_org(&ORG)), taken);
    assert_eq!(refused!(store, |tx| tx.insert_links(&ORG, &other_link)), taken);
    assert_eq!(refused!(store, |tx| tx.insert_commit(&ORG, &ENV, &commit(1))), taken);
    assert_eq!(refused!(store, |tx| tx.insert_events(&ORG, &[event(0)])), taken);
    assert_eq!(refused!(store, |tx| tx.insert_nodes(&ORG, &[node(0, 0)])), taken);
    assert_eq!(refused!(store, |tx| tx.insert_checkpoint(&ORG, 1, "two")), taken);
    let token = TokenId([1; 16]);
    assert_eq!(refused!(store, |tx| tx.insert_token_auth(&token, &other_auth)), taken);
    // Another environment and another organisation have positions of their own.
    write!(store, |tx| {
        tx.insert_commit(&ORG, &OTHER_ENV, &commit(1)).await.unwrap();
        tx.insert_commit(&OTHER, &ENV, &commit(1)).await.unwrap();
        tx.insert_links(&OTHER, &other_link).await.unwrap();
        tx.insert_checkpoint(&OTHER, 1, "two").await.unwrap();
    });
}

async fn races(store: Opened) {
    with_orgs(&store).await;
    let writers = (0..16u8).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            let mut tx = store.write().await?;
            tx.insert_links(&ORG, &[LinkRow { seq: 0, bytes: vec![writer] }]).await?;
            tx.commit().await
        }
    });
    let mut succeeded = 0;
    for result in join_all(writers.collect()).await {
        match result {
            Ok(()) => succeeded += 1,
            Err(error) => assert_eq!(error, StoreError::Taken),
        }
    }
    assert_eq!(succeeded, 1);
}

/// Polls all futures in turn until each is ready.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        let mut ready = true;
        for (future, output) in &mut pending {
            if output.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    pending.into_iter().filter_map(|(_, output)| output).collect()
}

async fn links(store: Opened) {
    with_orgs(&store).await;
    let all: Vec<LinkRow> = (0..2_500).map(|seq| link(seq, 100)).collect();
    write!(store, |tx| tx.insert_links(&ORG, &all).await.unwrap());
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.links(&ORG, 0, 10_000, NO_LIMIT).await.unwrap(), all);
    assert_eq!(tx.links(&ORG, 7, 2, NO_LIMIT).await.unwrap(), all[7..9]);
    // The link that reaches the bound is still given, so that a page is never empty.
    assert_eq!(tx.links(&ORG, 7, 100, 250).await.unwrap(), all[7..10]);
    assert_eq!(tx.links(&ORG, 7, 100, 1).await.unwrap(), all[7..8]);
    assert_eq!(tx.links(&ORG, 2_500, 9, NO_LIMIT).await.unwrap(), []);
    assert_eq!(tx.links(&ORG, u64::MAX, 9, NO_LIMIT).await.unwrap(), []);
}

async fn insiders(store: Opened) {
    with_orgs(&store).await;
    let token = Principal::Token(TokenId([5; 16]));
    write!(store, |tx| {
        tx.set_insider(&OTHER, &ANN, true).await.unwrap();
        tx.set_insider(&ORG, &ANN, true).await.unwrap();
        tx.set_insider(&ORG, &ANN, true).await.unwrap();
        tx.set_insider(&ORG, &BOB, false).await.unwrap();
    });
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.orgs_of(&UserId([5; 16])).await.unwrap(), [ORG, OTHER]);
    assert!(tx.is_insider(&ORG, &ANN).await.unwrap());
    assert!(!tx.is_insider(&ORG, &BOB).await.unwrap());
    assert!(!tx.is_insider(&ORG, &token).await.unwrap(), "the kind is part of a principal");
    drop(tx);
    write!(store, |tx| tx.set_insider(&ORG, &ANN, false).await.unwrap());
    let mut tx = store.read().await.unwrap();
    assert!(!tx.is_insider(&ORG, &ANN).await.unwrap());
    assert_eq!(tx.orgs_of(&UserId([5; 16])).await.unwrap(), [OTHER]);
}

async fn keys(store: Opened) {
    with_orgs(&store).await;
    let wrap = |link, recipient| WrapRow { env: ENV, epoch: 1, link, recipient, wrap: [9; 80] };
    let previous = |link, env| PreviousRow { env, epoch: link as u32, link, sealed: vec![1; 137] };
    write!(store, |tx| {
        let wraps = [wrap(3, ANN), wrap(3, BOB), wrap(5, ANN), wrap(8, ANN)];
        tx.insert_wraps(&ORG, &wraps).await.unwrap();
        let keys = [previous(5, ENV), previous(6, OTHER_ENV), previous(8, ENV)];
        tx.insert_previous(&ORG, &keys).await.unwrap();
        tx.insert_wraps(&ORG, &[]).await.unwrap();
    });
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.wraps(&ORG, &ANN, 3, 5).await.unwrap(), [wrap(3, ANN), wrap(5, ANN)]);
    assert_eq!(tx.wraps(&ORG, &BOB, 0, u64::MAX).await.unwrap(), [wrap(3, BOB)]);
    assert_eq!(tx.wraps(&OTHER, &ANN, 0, 9).await.unwrap(), []);
    let between = tx.previous(&ORG, 5, 6).await.unwrap();
    assert_eq!(between, [previous(5, ENV), previous(6, OTHER_ENV)]);
    let of_env = tx.previous_of(&ORG, &ENV).await.unwrap();
    assert_eq!(of_env, [previous(5, ENV), previous(8, ENV)]);
}

async fn staging(store: Opened) {
    with_orgs(&store).await;
    let all: Vec<_> = (0..3).map(envelope).collect();
    let hashes: Vec<Digest> = all.iter().map(|(hash, _)| *hash).collect();
    write!(store, |tx| {
        tx.stage(&ORG, &ANN, 5, &all).await.unwrap();
        tx.stage(&ORG, &ANN, 6, &all).await.unwrap();
        tx.stage(&ORG, &BOB, 6, &all).await.unwrap();
        assert_eq!(tx.staged_bytes(&ORG, &ANN).await.unwrap(), 300);
        assert_eq!(tx.staged_bytes(&ORG, &BOB).await.unwrap(), 0);
        assert_eq!(tx.envelopes(&ORG, &ENV, &hashes).await.unwrap().len(), 0);
        assert_eq!(tx.attach(&ORG, &ENV, &BOB, &hashes).await.unwrap(), 0);
        assert_eq!(tx.attach(&OTHER, &ENV, &ANN, &hashes).await.unwrap(), 0);
        assert_eq!(tx.attach(&ORG, &ENV, &ANN, &hashes[..2]).await.unwrap(), 2);
        assert_eq!(tx.attach(&ORG, &OTHER_ENV, &ANN, &hashes).await.unwrap(), 1);
        assert_eq!(tx.attach(&ORG, &ENV, &ANN, &hashes).await.unwrap(), 0, "each once");
        assert_eq!(tx.staged_bytes(&ORG, &ANN).await.unwrap(), 0);
    });
    let mut tx = store.read().await.unwrap();
    let found = tx.envelopes(&ORG, &ENV, &hashes).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), sorted(&all[..2]));
    assert_eq!(tx.envelopes(&OTHER, &ENV, &hashes).await.unwrap().len(), 0);
}

fn sorted(rows: &[(Digest, Vec<u8>)]) -> Vec<(Digest, Vec<u8>)> {
    let mut rows = rows.to_vec();
    rows.sort();
    rows
}

async fn forgetting(store: Opened) {
    with_orgs(&store).await;
    let all: Vec<_> = (0..3).map(envelope).collect();
    let hashes: Vec<Digest> = all.iter().map(|(hash, _)| *hash).collect();
    write!(store, |tx| {
        tx.stage(&ORG, &ANN, 100, &all[..2]).await.unwrap();
        tx.stage(&ORG, &ANN, 200, &all[2..]).await.unwrap();
        assert_eq!(tx.attach(&ORG, &ENV, &ANN, &hashes[..1]).await.unwrap(), 1);
        assert_eq!(tx.drop_staged(200).await.unwrap(), 1);
        assert_eq!(tx.staged_bytes(&ORG, &ANN).await.unwrap(), 100);
        assert_eq!(tx.drop_staged(u64::MAX).await.unwrap(), 1);
        assert_eq!(tx.envelopes(&ORG, &ENV, &hashes).await.unwrap().len(), 1);
    });
}

async fn items(store: Opened) {
    with_orgs(&store).await;
    let first: Vec<Item> = [9, 3, 7].map(|secret| item(secret, 1)).into();
    write!(store, |tx| {
        tx.put_items(&ORG, &ENV, &first).await.unwrap();
        tx.put_items(&ORG, &ENV, &[item(7, 2)]).await.unwrap();
        tx.put_items(&ORG, &OTHER_ENV, &[item(1, 1)]).await.unwrap();
    });
    let mut tx = store.read().await.unwrap();
    let all = tx.items(&ORG, &ENV, None, 10).await.unwrap();
    assert_eq!(all, [item(3, 1), item(7, 2), item(9, 1)]);
    assert_eq!(tx.items(&ORG, &ENV, None, 2).await.unwrap(), all[..2]);
    let after = SecretId([3; 16]);
    assert_eq!(tx.items(&ORG, &ENV, Some(&after), 10).await.unwrap(), all[1..]);
    let last = SecretId([255; 16]);
    assert_eq!(tx.items(&ORG, &ENV, Some(&last), 10).await.unwrap(), []);
}

async fn commits(store: Opened) {
    with_orgs(&store).await;
    write!(store, |tx| {
        for seq in 1..=5 {
            tx.insert_commit(&ORG, &ENV, &commit(seq)).await.unwrap();
        }
        tx.insert_commit(&ORG, &OTHER_ENV, &commit(1)).await.unwrap();
    });
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.head_commit(&ORG, &ENV).await.unwrap(), Some(commit(5)));
    assert_eq!(tx.head_commit(&ORG, &EnvId([9; 16])).await.unwrap(), None);
    let page = tx.commits(&ORG, &ENV, 2, 2, NO_LIMIT).await.unwrap();
    assert_eq!(page, [commit(2), commit(3)]);
    assert_eq!(tx.commits(&ORG, &ENV, 2, 9, 11).await.unwrap(), [commit(2), commit(3)]);
    let heads = tx.env_heads(&ORG).await.unwrap();
    let head = |env, seq| EnvHeadRow { env, seq, head: [seq as u8; 32] };
    assert_eq!(heads, [head(ENV, 5), head(OTHER_ENV, 1)]);
}

async fn audit(store: Opened) {
    with_orgs(&store).await;
    write!(store, |tx| {
        tx.insert_events(&ORG, &[event(0), event(1), event(2)]).await.unwrap();
        tx.insert_nodes(&ORG, &[node(0, 0), node(0, 1), node(1, 0)]).await.unwrap();
        tx.insert_checkpoint(&ORG, 1, "one").await.unwrap();
        tx.insert_checkpoint(&ORG, 3, "three").await.unwrap();
    });
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.log_size(&ORG).await.unwrap(), 3);
    assert_eq!(tx.events(&ORG, 1, 9, NO_LIMIT).await.unwrap(), [event(1), event(2)]);
    assert_eq!(tx.events(&ORG, 0, 9, 11).await.unwrap(), [event(0), event(1)]);
    let nodes = tx.nodes(&ORG, &[(1, 0), (0, 1), (5, 5)]).await.unwrap();
    let expected = [((0, 1), [0; 32]), ((1, 0), [1; 32])];
    assert_eq!(nodes.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(tx.checkpoint(&ORG, None).await.unwrap(), Some((3, "three".to_owned())));
    assert_eq!(tx.checkpoint(&ORG, Some(1)).await.unwrap(), Some((1, "one".to_owned())));
    assert_eq!(tx.checkpoint(&ORG, Some(2)).await.unwrap(), None);
}

async fn retired(store: Opened) {
    with_orgs(&store).await;
    let all: Vec<_> = (0..6).map(event).collect();
    write!(store, |tx| {
        tx.insert_events(&ORG, &all).await.unwrap();
        tx.insert_events(&OTHER, &all).await.unwrap();
        tx.insert_nodes(&ORG, &[node(0, 0), node(1, 0)]).await.unwrap();
        tx.insert_checkpoint(&ORG, 3, "three").await.unwrap();
        tx.retire_events(&ORG, 4).await.unwrap();
        assert_eq!(tx.events(&ORG, 0, 9, NO_LIMIT).await.unwrap(), all[4..]);
    });
    // Less than before is nothing new, and what is not there yet is not kept out.
    write!(store, |tx| tx.retire_events(&ORG, 2).await.unwrap());
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.events(&ORG, 1, 9, NO_LIMIT).await.unwrap(), all[4..]);
    assert_eq!(tx.events(&OTHER, 0, 9, NO_LIMIT).await.unwrap(), all);
    assert_eq!(tx.log_size(&ORG).await.unwrap(), 6);
    assert_eq!(tx.nodes(&ORG, &[(0, 0), (1, 0)]).await.unwrap().len(), 2);
    assert_eq!(tx.checkpoint(&ORG, Some(3)).await.unwrap(), Some((3, "three".to_owned())));
    drop(tx);
    assert_eq!(refused!(store, |tx| tx.insert_events(&ORG, &[event(4)])), StoreError::Taken);
    write!(store, |tx| tx.retire_events(&ORG, 6).await.unwrap());
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.log_size(&ORG).await.unwrap(), 6, "a size does not shrink");
    drop(tx);
    write!(store, |tx| tx.insert_events(&ORG, &[event(6)]).await.unwrap());
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.events(&ORG, 0, 9, NO_LIMIT).await.unwrap(), [event(6)]);
}

async fn actor_heads(store: Opened) {
    with_orgs(&store).await;
    let device = DeviceId([1; 16]);
    let head = |seq| ActorHead { actor: ANN, device, seq, hash: [seq as u8; 32] };
    write!(store, |tx| {
        tx.put_actor_heads(&ORG, &[head(1)]).await.unwrap();
        let third = ActorHead { device: DeviceId([3; 16]), ..head(7) };
        tx.put_actor_heads(&ORG, &[head(2), third]).await.unwrap();
        tx.put_actor_heads(&ORG, &[]).await.unwrap();
    });
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.actor_head(&ORG, &ANN, &device).await.unwrap(), Some(head(2)));
    assert_eq!(tx.actor_head(&ORG, &BOB, &device).await.unwrap(), None);
    assert_eq!(tx.actor_head(&ORG, &ANN, &DeviceId([2; 16])).await.unwrap(), None);
    assert_eq!(tx.actor_head(&OTHER, &ANN, &device).await.unwrap(), None);
}

async fn apart(store: Opened) {
    with_orgs(&store).await;
    let (hash, bytes) = envelope(1);
    write!(store, |tx| {
        tx.insert_links(&ORG, &[link(0, 1)]).await.unwrap();
        tx.insert_commit(&ORG, &ENV, &commit(1)).await.unwrap();
        tx.put_items(&ORG, &ENV, &[item(1, 1)]).await.unwrap();
        tx.stage(&ORG, &ANN, 1, &[(hash, bytes)]).await.unwrap();
        tx.attach(&ORG, &ENV, &ANN, &[hash]).await.unwrap();
        tx.insert_events(&ORG, &[event(0)]).await.unwrap();
        tx.insert_nodes(&ORG, &[node(0, 0)]).await.unwrap();
        tx.insert_checkpoint(&ORG, 1, "one").await.unwrap();
    });
    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.links(&OTHER, 0, 9, NO_LIMIT).await.unwrap(), []);
    assert_eq!(tx.head_commit(&OTHER, &ENV).await.unwrap(), None);
    assert_eq!(tx.commits(&OTHER, &ENV, 0, 9, NO_LIMIT).await.unwrap(), []);
    assert_eq!(tx.env_heads(&OTHER).await.unwrap(), []);
    assert_eq!(tx.items(&OTHER, &ENV, None, 9).await.unwrap(), []);
    assert_eq!(tx.envelopes(&OTHER, &ENV, &[hash]).await.unwrap().len(), 0);
    assert_eq!(tx.envelopes(&ORG, &OTHER_ENV, &[hash]).await.unwrap().len(), 0);
    assert_eq!(tx.log_size(&OTHER).await.unwrap(), 0);
    assert_eq!(tx.events(&OTHER, 0, 9, NO_LIMIT).await.unwrap(), []);
    assert_eq!(tx.nodes(&OTHER, &[(0, 0)]).await.unwrap().len(), 0);
    assert_eq!(tx.checkpoint(&OTHER, None).await.unwrap(), None);
}
