//! What the audit log costs: durable events per second over HTTP with 64 clients, beside SQLite's
//! own durable inserts of the same bytes, one by one and 64 to a commit, in one run.
//!
//! `cargo bench -p strongroom-server --bench audit`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark fails loudly, prints its figures and counts far below 2^52"
)]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer as _, SigningKey};
use strongroom_format::encoding::Codec as _;
use strongroom_format::hash::label;
use strongroom_format::id::{OrgId, Principal, UserId};
use strongroom_format::statement::{Body, Link, MemberKeys, Policy, SUITE_1, Statement};
use strongroom_format::wire::{ServerInfo, WriteBatch};
use strongroom_server::{AuthMode, Config, Rates, start};
use strongroom_store::{EventRow, NodeRow, Store as _};
use strongroom_store_sqlite::SqliteStore;

const CLIENTS: u64 = 64;
const TIME: Duration = Duration::from_secs(4);
const USER: UserId = UserId([7; 16]);
/// An event of a fetch, in bytes.
const EVENT: usize = 307;

#[tokio::main]
async fn main() {
    let single = sqlite(1).await;
    let grouped = sqlite(CLIENTS).await;
    let server = server().await;
    println!("durable events per second");
    println!("  SQLite, one to a commit          {single:>8.0}");
    println!("  SQLite, {CLIENTS} to a commit           {grouped:>8.0}");
    println!("  the server, {CLIENTS} clients           {server:>8.0}");
    println!("  the server / one to a commit     {:>8.2}", server / single);
    println!("  the server / {CLIENTS} to a commit      {:>8.2}", server / grouped);
}

/// Requests that do nothing but read the end of the chain: each leaves one audit entry.
async fn server() -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::embedded(dir.path());
    config.auth = AuthMode::Dev;
    let many = NonZeroU32::new(1_000_000).unwrap();
    config.limits = Rates { requests_per_second: many, ..Rates::default() };
    let running = start(config).await.unwrap();
    let origin = running.origin().to_owned();
    let client = reqwest::Client::new();
    let info: ServerInfo =
        client.get(format!("{origin}/v1/server")).send().await.unwrap().json().await.unwrap();
    let genesis = genesis(info.audit_vkey.0.as_slice().try_into().unwrap(), info.time_ms);
    let org = OrgId::of_genesis(genesis.as_bytes());
    let batch = WriteBatch { links: vec![genesis.as_bytes().to_vec()], ..WriteBatch::default() };
    let founded = client
        .post(format!("{origin}/v1/orgs"))
        .header("x-strongroom-dev-user", USER.to_string())
        .header("content-type", "application/octet-stream")
        .body(batch.encode())
        .send()
        .await
        .unwrap();
    assert_eq!(founded.status(), 201);

    let answered = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|_| {
        let (client, answered) = (client.clone(), Arc::clone(&answered));
        let url = format!("{origin}/v1/orgs/{org}/sync?from=1");
        tokio::spawn(async move {
            while begun.elapsed() < TIME {
                let request = client.get(&url).header("x-strongroom-dev-user", USER.to_string());
                assert_eq!(request.send().await.unwrap().status(), 200);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let rate = answered.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    running.shut_down().await;
    rate
}

fn genesis(audit_vkey: [u8; 32], time_ms: u64) -> Link {
    let isk = SigningKey::from_bytes(&[1; 32]);
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

/// The same rows without anything around them: an event, two tree nodes, and a checkpoint for
/// each commit of `group` events.
async fn sqlite(group: u64) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("peer.db"), None).await.unwrap();
    let org = OrgId([1; 32]);
    let mut tx = store.write().await.unwrap();
    tx.insert_org(&org).await.unwrap();
    tx.commit().await.unwrap();
    let begun = Instant::now();
    let mut size = 0;
    while begun.elapsed() < TIME {
        let places = size..size + group;
        let events: Vec<EventRow> =
            places.clone().map(|index| EventRow { index, bytes: vec![7; EVENT] }).collect();
        let nodes: Vec<NodeRow> = places
            .flat_map(|index| [0, 1].map(|level| NodeRow { level, index, hash: [level; 32] }))
            .collect();
        let mut tx = store.write().await.unwrap();
        tx.insert_events(&org, &events).await.unwrap();
        tx.insert_nodes(&org, &nodes).await.unwrap();
        size += group;
        tx.insert_checkpoint(&org, size, &"n".repeat(260)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let rate = size as f64 / begun.elapsed().as_secs_f64();
    store.close().await;
    rate
}
