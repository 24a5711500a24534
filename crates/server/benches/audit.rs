//! What the audit log costs: durable events a second that 64 clients get answered over HTTP, clients
//! and all on this machine, in turn with two others:
//!
//! - *peer*: the same clients, the same HTTP, and behind it nothing but SQLite's own group commit of
//!   rows of the same number and size, with the same settings. The bar is held against it.
//! - *SQLite alone*: the very rows that the server wrote (events, tree nodes, checkpoints), read
//!   from its database afterwards and written into an empty one in the same transactions, while
//!   nobody asks and nothing is awaited. Shown to see what HTTP and the rest take.
//!
//! `cargo bench -p strongroom-server --bench audit`
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark fails loudly, prints its figures and counts far below 2^52"
)]

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};
use strongroom_chain::tree::{Frontier, leaf_hash};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, EventKind, SignedAct};
use strongroom_format::hash::{Digest, ZERO, label};
use strongroom_format::id::{DeviceId, OrgId, Principal, UserId};
use strongroom_format::statement::{Body, Link, MemberKeys, Policy, SUITE_1, Statement};
use strongroom_format::wire::{ActPage, ServerInfo, WriteBatch, act_hash};
use strongroom_server::{AuthMode, Config, Rates, start};
use strongroom_store::{EventRow, NodeRow, Store as _};
use strongroom_store_sqlite::SqliteStore;
use tokio::sync::{mpsc, oneshot};

const CLIENTS: u8 = 64;
const ROUNDS: usize = 3;
const TIME: Duration = Duration::from_secs(3);
/// The most requests that share a transaction, as in the server.
const GROUP: usize = 256;
/// An event and a checkpoint, in bytes.
const EVENT: usize = 307;
const NOTE: usize = 260;
const USER: UserId = UserId([7; 16]);
/// The bars: durable events a second, and how much faster SQLite alone may be.
const LEAST: f64 = 2_000.0;
const MOST: f64 = 1.5;

#[tokio::main]
async fn main() {
    println!("durable events a second, {CLIENTS} clients; the median of {ROUNDS} rounds");
    println!("                                           ours      peer  peer/ours   SQLite alone");
    let mut held = true;
    for (name, load) in [
        ("a fetch of the chain, an event each ", Load::Fetches),
        ("acts, one to a request              ", Load::Acts(1)),
        ("acts, sixteen to a request          ", Load::Acts(16)),
    ] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let (ours, groups) = server(load).await;
            rounds.push((ours, peer(load).await, replay(&groups).await));
        }
        let ours = median(rounds.iter().map(|round| round.0));
        let peer = median(rounds.iter().map(|round| round.1));
        let ratio = median(rounds.iter().map(|round| round.1 / round.0));
        let alone = median(rounds.iter().map(|round| round.2.0));
        let group = median(rounds.iter().map(|round| round.2.1));
        println!(
            "  {name}  {ours:>9.0} {peer:>9.0}  {ratio:>9.2}  {alone:>9.0}, {group:.0} to a commit"
        );
        // A fetch reads six things besides; the peer only appends.
        held &= ours >= LEAST && (ratio <= MOST || matches!(load, Load::Fetches));
    }
    println!("bars: at least {LEAST:.0}, at most {MOST}: {}", if held { "held" } else { "MISSED" });
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[derive(Debug, Clone, Copy)]
enum Load {
    /// Requests that do nothing but read the end of the chain.
    Fetches,
    /// Signed acts, so many to a request; each client is a device.
    Acts(usize),
}

/// The rate of the server, and what it wrote.
async fn server(load: Load) -> (f64, Vec<Group>) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::embedded(dir.path());
    config.auth = AuthMode::Dev;
    let many = NonZeroU32::new(1_000_000).unwrap();
    config.limits = Rates { requests_per_second: many, acts_per_minute: many, ..Rates::default() };
    let running = start(config).await.unwrap();
    let origin = running.origin().to_owned();
    let client = reqwest::Client::new();
    let info: ServerInfo =
        client.get(format!("{origin}/v1/server")).send().await.unwrap().json().await.unwrap();
    let genesis = genesis(info.audit_vkey.0.as_slice().try_into().unwrap(), info.time_ms);
    let org = OrgId::of_genesis(genesis.as_bytes());
    let batch = WriteBatch { links: vec![genesis.as_bytes().to_vec()], ..WriteBatch::default() };
    let founded = post(&client, &format!("{origin}/v1/orgs"), batch.encode()).await;
    assert_eq!(founded, 201);
    let rate = ask(load, org, genesis.head(), &format!("{origin}/v1/orgs/{org}")).await;
    running.shut_down().await;
    (rate, groups(&dir.path().join("strongroom.db"), org).await)
}

/// Events a second that all clients together get taken at `base`.
async fn ask(load: Load, org: OrgId, head: Digest, base: &str) -> f64 {
    let client = reqwest::Client::new();
    let requests: Vec<Vec<Vec<u8>>> =
        (0..CLIENTS).map(|device| bodies(load, org, head, device)).collect();
    let taken = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let clients = requests.into_iter().map(|bodies| {
        let (client, taken, base) = (client.clone(), Arc::clone(&taken), base.to_owned());
        tokio::spawn(async move {
            // The server refuses an act that comes again; the peer does not look.
            let mut bodies = bodies.iter().cycle();
            while begun.elapsed() < TIME {
                let (status, count) = match load {
                    Load::Fetches => (get(&client, &format!("{base}/sync?from=1")).await, 1),
                    Load::Acts(count) => {
                        let body = bodies.next().expect("acts were signed ahead").clone();
                        (post(&client, &format!("{base}/events"), body).await, count as u64)
                    }
                };
                assert_eq!(status, 200);
                taken.fetch_add(count, Ordering::Relaxed);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    taken.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

/// The same clients, and behind the same HTTP nothing but SQLite's group commit: whoever asks waits
/// for a transaction that all who wait share. It writes rows of the same number and size.
async fn peer(load: Load) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("peer.db"), None).await.unwrap();
    let org = OrgId([1; 32]);
    let mut tx = store.write().await.unwrap();
    tx.insert_org(&org).await.unwrap();
    tx.commit().await.unwrap();
    let (sender, mut waiting) = mpsc::channel::<(usize, oneshot::Sender<()>)>(4_096);
    let writer = tokio::spawn(async move {
        let mut size = 0;
        while let Some(first) = waiting.recv().await {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(next) = waiting.try_recv()
            {
                group.push(next);
            }
            let count: usize = group.iter().map(|(count, _)| count).sum();
            let places = size..size + count as u64;
            size = places.end;
            let events: Vec<EventRow> =
                places.clone().map(|index| EventRow { index, bytes: vec![7; EVENT] }).collect();
            let nodes: Vec<NodeRow> = places
                .flat_map(|index| [0, 1].map(|level| NodeRow { level, index, hash: [level; 32] }))
                .collect();
            let mut tx = store.write().await.unwrap();
            tx.insert_events(&org, &events).await.unwrap();
            tx.insert_nodes(&org, &nodes).await.unwrap();
            tx.insert_checkpoint(&org, size, &"n".repeat(NOTE)).await.unwrap();
            tx.commit().await.unwrap();
            for (_, asked) in group {
                let _ = asked.send(());
            }
        }
        store.close().await;
    });
    let count = if let Load::Acts(count) = load { count } else { 1 };
    let append = async move || {
        let (asked, taken) = oneshot::channel();
        sender.send((count, asked)).await.unwrap();
        taken.await.unwrap();
        "n".repeat(NOTE)
    };
    let again = append.clone();
    let router = Router::new()
        .route("/sync", axum::routing::get(async move || append().await))
        .route("/events", axum::routing::post(async move |_: Bytes| again().await));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let rate = ask(load, org, ZERO, &base).await;
    serving.abort();
    let _ = serving.await;
    writer.await.unwrap();
    rate
}

async fn get(client: &reqwest::Client, url: &str) -> u16 {
    let request = client.get(url).header("x-strongroom-dev-user", USER.to_string());
    request.send().await.unwrap().status().as_u16()
}

async fn post(client: &reqwest::Client, url: &str, body: Vec<u8>) -> u16 {
    let request = client
        .post(url)
        .header("x-strongroom-dev-user", USER.to_string())
        .header("content-type", "application/octet-stream");
    request.body(body).send().await.unwrap().status().as_u16()
}

/// What one client sends, signed before the clock runs.
fn bodies(load: Load, org: OrgId, head: Digest, device: u8) -> Vec<Vec<u8>> {
    let Load::Acts(count) = load else { return Vec::new() };
    let mut before: Option<Act> = None;
    let mut next = || {
        let act = Act {
            org,
            kind: EventKind::Copied,
            actor: Some(Principal::User(USER)),
            device: DeviceId([device + 1; 16]),
            actor_seq: before.as_ref().map_or(1, |act| act.actor_seq + 1),
            actor_prev: before.as_ref().map_or(ZERO, act_hash),
            org_head: head,
            detail: Detail::status(0),
            agency: None,
        };
        let signature = key().sign(&act.message()).to_bytes();
        before = Some(act.clone());
        SignedAct { act, signature }
    };
    // Twice what a machine of this kind takes in the time.
    let pages = 120_000 / usize::from(CLIENTS) / count;
    (0..pages).map(|_| ActPage { acts: (0..count).map(|_| next()).collect() }.encode()).collect()
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn genesis(audit_vkey: [u8; 32], time_ms: u64) -> Link {
    let isk = key();
    let iek = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from([2; 32]));
    let statement = Statement {
        org: OrgId::ZERO,
        seq: 0,
        prev: [0; 32],
        author: Principal::User(USER),
        time_ms,
        body: Body::Genesis {
            suite: SUITE_1,
            founder: USER,
            keys: MemberKeys { isk: isk.verifying_key().to_bytes(), iek: iek.to_bytes() },
            audit_vkey,
            policy: Policy::initial(),
        },
    };
    let mut message = label("stmt");
    message.extend_from_slice(&statement.encode());
    let signature = isk.sign(&message).to_bytes();
    Link::new(statement, &signature)
}

/// The rows of one transaction.
struct Group {
    events: Vec<EventRow>,
    nodes: Vec<NodeRow>,
    note: String,
}

/// What the server wrote of its log, transaction by transaction: each ended with a checkpoint.
async fn groups(file: &Path, org: OrgId) -> Vec<Group> {
    let store = SqliteStore::open(file, None).await.unwrap();
    let mut tx = store.read().await.unwrap();
    let mut tree = Frontier::new();
    let (mut groups, mut events, mut nodes) = (Vec::new(), Vec::new(), Vec::new());
    for row in tx.events(&org, 0, usize::MAX >> 1, usize::MAX).await.unwrap() {
        let complete = tree.append(leaf_hash(&row.bytes));
        let row_of = |node: strongroom_chain::tree::Node| NodeRow {
            level: node.level,
            index: node.index,
            hash: node.hash,
        };
        nodes.extend(complete.into_iter().map(row_of));
        events.push(row);
        if let Some((_, note)) = tx.checkpoint(&org, Some(tree.size())).await.unwrap() {
            let (events, nodes) = (std::mem::take(&mut events), std::mem::take(&mut nodes));
            groups.push(Group { events, nodes, note });
        }
    }
    drop(tx);
    store.close().await;
    groups
}

/// Writes the same groups into an empty database; gives events a second, and their mean number in
/// a group.
async fn replay(groups: &[Group]) -> (f64, f64) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("peer.db"), None).await.unwrap();
    let org = OrgId([1; 32]);
    let mut tx = store.write().await.unwrap();
    tx.insert_org(&org).await.unwrap();
    tx.commit().await.unwrap();
    let begun = Instant::now();
    let mut size = 0;
    for group in groups {
        let mut tx = store.write().await.unwrap();
        tx.insert_events(&org, &group.events).await.unwrap();
        tx.insert_nodes(&org, &group.nodes).await.unwrap();
        size += group.events.len() as u64;
        tx.insert_checkpoint(&org, size, &group.note).await.unwrap();
        tx.commit().await.unwrap();
    }
    let rate = size as f64 / begun.elapsed().as_secs_f64();
    store.close().await;
    (rate, size as f64 / groups.len() as f64)
}
