//! What the audit log costs: durable events a second over HTTP with 64 clients, beside SQLite's own
//! group commit of the very same rows in the very same groups, in one run.
//!
//! Each load runs against a server of its own. Then its database is read, and its events, tree nodes
//! and checkpoints are written into an empty one, in the transactions in which the server had
//! written them, with the same durability.
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

const CLIENTS: u8 = 64;
const TIME: Duration = Duration::from_secs(4);
const USER: UserId = UserId([7; 16]);
/// The bars: durable events a second, and how much faster SQLite alone may be.
const LEAST: f64 = 2_000.0;
const MOST: f64 = 1.5;

#[tokio::main]
async fn main() {
    println!("durable events a second, {CLIENTS} clients      server    SQLite   SQLite/server");
    let mut held = true;
    for (name, load) in [
        ("a fetch of the chain, an event each ", Load::Fetches),
        ("acts, one to a request              ", Load::Acts(1)),
        ("acts, sixteen to a request          ", Load::Acts(16)),
    ] {
        let (server, sqlite, group) = measure(load).await;
        println!(
            "  {name}    {server:>8.0}  {sqlite:>8.0}   {:>8.2}   ({group:.0} to a commit)",
            sqlite / server
        );
        held &= server >= LEAST && sqlite / server <= MOST;
    }
    println!("bars: at least {LEAST:.0}, at most {MOST}: {}", if held { "held" } else { "MISSED" });
}

#[derive(Debug, Clone, Copy)]
enum Load {
    /// Requests that do nothing but read the end of the chain.
    Fetches,
    /// Signed acts, so many to a request; each client is a device.
    Acts(usize),
}

/// The rate of the server, that of SQLite with the same rows, and how many events a group had.
async fn measure(load: Load) -> (f64, f64, f64) {
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

    let requests: Vec<Vec<Vec<u8>>> =
        (0..CLIENTS).map(|device| bodies(load, org, genesis.head(), device)).collect();
    let taken = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let clients = requests.into_iter().map(|bodies| {
        let (client, taken) = (client.clone(), Arc::clone(&taken));
        let org = format!("{origin}/v1/orgs/{org}");
        tokio::spawn(async move {
            let mut bodies = bodies.into_iter();
            while begun.elapsed() < TIME {
                let (status, count) = match load {
                    Load::Fetches => (get(&client, &format!("{org}/sync?from=1")).await, 1),
                    Load::Acts(count) => {
                        let body = bodies.next().expect("enough acts were signed ahead");
                        (post(&client, &format!("{org}/events"), body).await, count as u64)
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
    let server = taken.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    running.shut_down().await;
    let groups = groups(&dir.path().join("strongroom.db"), org).await;
    let (sqlite, size) = replay(&groups).await;
    (server, sqlite, size)
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
        };
        let signature = key().sign(&act.message()).to_bytes();
        before = Some(act.clone());
        SignedAct { act, signature }
    };
    // Twice what a machine of this kind takes in the time.
    let pages = 200_000 / usize::from(CLIENTS) / count;
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
