//! What the audit log costs, in one run:
//!
//! - *over HTTP*: durable events a second that 64 clients get answered, clients and all on this
//!   machine;
//! - *journal*: the same events by the time that the journal was busy with them: from taking the
//!   requests that wait to the end of their transaction, with all checks, hashes and the signature;
//! - *SQLite*: the very same rows (events, tree nodes, checkpoints) in the very same transactions,
//!   read from the server's database afterwards and written into an empty one with the same
//!   settings. The rows of the actors' counts, which the journal writes too, are left out.
//!
//! `cargo bench -p strongroom-server --bench audit`
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark fails loudly, prints its figures and counts far below 2^52"
)]

use std::net::SocketAddr;
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
    println!("durable events a second, {CLIENTS} clients");
    println!(
        "                                        over HTTP   journal    SQLite   SQLite/journal"
    );
    let mut held = true;
    for (name, load) in [
        ("a fetch of the chain, an event each ", Load::Fetches),
        ("acts, one to a request              ", Load::Acts(1)),
        ("acts, sixteen to a request          ", Load::Acts(16)),
    ] {
        let Rate { http, journal, sqlite, group } = measure(load).await;
        let ratio = sqlite / journal;
        println!(
            "  {name}  {http:>8.0}  {journal:>8.0}  {sqlite:>8.0}  {ratio:>8.2}  ({group:.0} to a commit)"
        );
        held &= http >= LEAST && ratio <= MOST;
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

/// Events a second, and how many there were to a commit.
struct Rate {
    http: f64,
    journal: f64,
    sqlite: f64,
    group: f64,
}

async fn measure(load: Load) -> Rate {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::embedded(dir.path());
    config.auth = AuthMode::Dev;
    let ops = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    config.ops_bind = Some(ops);
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
    let before = counted(&client, ops).await;
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
    let http = taken.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    let after = counted(&client, ops).await;
    let journal = (after.0 - before.0) as f64 / ((after.1 - before.1) as f64 / 1_000_000.0);
    running.shut_down().await;
    let groups = groups(&dir.path().join("strongroom.db"), org).await;
    let (sqlite, group) = replay(&groups).await;
    Rate { http, journal, sqlite, group }
}

/// Events written, and microseconds that the journal was busy.
async fn counted(client: &reqwest::Client, ops: SocketAddr) -> (u64, u64) {
    let text = client.get(format!("http://{ops}/metrics")).send().await.unwrap();
    let text = text.text().await.unwrap();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    };
    let busy = value("strongroom_journal_busy_microseconds_total");
    (value("strongroom_audit_events_total"), busy)
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
