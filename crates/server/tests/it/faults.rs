//! A storage that fails at every step of a write: the request fails, and nothing happened.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use strongroom_format::hash::Digest;
use strongroom_format::id::{
    DeviceId, EnvId, InviteId, OrgId, Principal, SecretId, TokenId, UserId,
};
use strongroom_format::statement::{Body, EpochReason, Role};
use strongroom_format::wire::{BindIdentity, EnvelopePage, JoinList};
use strongroom_server::Config;
use strongroom_store::{
    Account, ActorHead, CommitRow, EnvHeadRow, EventRow, Identity, InviteAuth, Item, JoinRow,
    LinkRow, NodeRow, PreviousRow, ReadTx, Store, StoreError, TokenAuth, WrapRow, WriteTx,
};
use strongroom_store_sqlite::SqliteStore;

use crate::bodies::replacement;
use crate::issuer::{Issuer, Signer, header};
use crate::joins::{ask, ask_for_reset, credential, with_other_keys};
use crate::server::Server;
use crate::team::{PROD, Person, Team, secret};
use crate::writes::picture;

type Result<T> = std::result::Result<T, StoreError>;

/// Which call of a write transaction fails next, and how.
pub(crate) type Plan = Arc<Mutex<Option<(&'static str, StoreError)>>>;

/// In which call of a write transaction a bit turns over next, on its way to or from the disk.
pub(crate) type Flip = Arc<Mutex<Option<&'static str>>>;

/// SQLite, and a plan.
#[derive(Debug)]
struct Faulty {
    inner: Arc<SqliteStore>,
    plan: Plan,
    flip: Flip,
}

struct FaultyTx {
    tx: Box<dyn WriteTx>,
    plan: Plan,
    flip: Flip,
}

impl FaultyTx {
    fn step(&self, name: &str) -> Result<()> {
        let mut plan = self.plan.lock().unwrap();
        match plan.take_if(|(call, _)| *call == name) {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }

    fn flips(&self, name: &str) -> bool {
        self.flip.lock().unwrap().take_if(|call| *call == name).is_some()
    }
}

#[async_trait]
impl Store for Faulty {
    async fn read(&self) -> Result<Box<dyn ReadTx>> {
        self.inner.read().await
    }

    async fn write(&self) -> Result<Box<dyn WriteTx>> {
        let tx = self.inner.write().await?;
        let (plan, flip) = (Arc::clone(&self.plan), Arc::clone(&self.flip));
        Ok(Box::new(FaultyTx { tx, plan, flip }))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

macro_rules! pass_on {
    ($trait:ident { $($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)* } $($more:tt)*) => {
        #[async_trait]
        impl $trait for FaultyTx {
            $(async fn $name(&mut self, $($arg: $type),*) -> Result<$answer> {
                self.step(stringify!($name))?;
                self.tx.$name($($arg),*).await
            })*
            $($more)*
        }
    };
}

pass_on!(ReadTx {
    account(user: &UserId) -> Option<Account>;
    has_accounts() -> bool;
    bound_user(identity: &Identity) -> Option<UserId>;
    identities_of(user: &UserId) -> u64;
    orgs_of(user: &UserId) -> Vec<OrgId>;
    is_insider(org: &OrgId, who: &Principal) -> bool;
    token_auth(token: &TokenId) -> Option<TokenAuth>;
    invite_auth(invite: &InviteId) -> Option<InviteAuth>;
    joins(org: &OrgId) -> Vec<JoinRow>;
    links(org: &OrgId, from: u64, count: usize, bytes: usize) -> Vec<LinkRow>;
    wraps(org: &OrgId, recipient: &Principal, from: u64, to: u64) -> Vec<WrapRow>;
    previous(org: &OrgId, from: u64, to: u64) -> Vec<PreviousRow>;
    previous_of(org: &OrgId, env: &EnvId) -> Vec<PreviousRow>;
    env_heads(org: &OrgId) -> Vec<EnvHeadRow>;
    head_commit(org: &OrgId, env: &EnvId) -> Option<CommitRow>;
    commits(org: &OrgId, env: &EnvId, from: u64, count: usize, bytes: usize) -> Vec<CommitRow>;
    items(org: &OrgId, env: &EnvId, after: Option<&SecretId>, count: usize) -> Vec<Item>;
    envelopes(org: &OrgId, env: &EnvId, hashes: &[Digest]) -> BTreeMap<Digest, Vec<u8>>;
    log_size(org: &OrgId) -> u64;
    checkpoint(org: &OrgId, size: Option<u64>) -> Option<(u64, String)>;
    actor_head(org: &OrgId, actor: &Principal, device: &DeviceId) -> Option<ActorHead>;
}
async fn events(
    &mut self,
    org: &OrgId,
    from: u64,
    count: usize,
    bytes: usize,
) -> Result<Vec<EventRow>> {
    self.step("events")?;
    let mut rows = self.tx.events(org, from, count, bytes).await?;
    if self.flips("events") {
        rows.last_mut().unwrap().bytes[3] ^= 1;
    }
    Ok(rows)
}
async fn nodes(
    &mut self,
    org: &OrgId,
    places: &[(u8, u64)],
) -> Result<BTreeMap<(u8, u64), Digest>> {
    self.step("nodes")?;
    let mut nodes = self.tx.nodes(org, places).await?;
    if self.flips("nodes") {
        nodes.first_entry().unwrap().get_mut()[9] ^= 1;
    }
    Ok(nodes)
});

pass_on!(WriteTx {
    insert_account(account: &Account) -> ();
    replace_account(account: &Account) -> ();
    insert_identity(identity: &Identity, user: &UserId) -> ();
    insert_org(org: &OrgId) -> ();
    insert_links(org: &OrgId, links: &[LinkRow]) -> ();
    set_insider(org: &OrgId, who: &Principal, inside: bool) -> ();
    insert_token_auth(token: &TokenId, auth: &TokenAuth) -> ();
    insert_invite_auth(invite: &InviteId, auth: &InviteAuth) -> ();
    spend_invite(org: &OrgId, invite: &InviteId) -> ();
    put_join(org: &OrgId, join: &JoinRow) -> ();
    drop_joins(org: &OrgId, invite: &InviteId) -> ();
    insert_wraps(org: &OrgId, wraps: &[WrapRow]) -> ();
    insert_previous(org: &OrgId, previous: &[PreviousRow]) -> ();
    stage(org: &OrgId, by: &Principal, now_ms: u64, envelopes: &[(Digest, Vec<u8>)]) -> ();
    staged_bytes(org: &OrgId, by: &Principal) -> u64;
    attach(org: &OrgId, env: &EnvId, by: &Principal, hashes: &[Digest]) -> usize;
    drop_staged(before_ms: u64) -> u64;
    insert_commit(org: &OrgId, env: &EnvId, commit: &CommitRow) -> ();
    put_items(org: &OrgId, env: &EnvId, items: &[Item]) -> ();
    insert_checkpoint(org: &OrgId, size: u64, note: &str) -> ();
    retire_events(org: &OrgId, size: u64) -> ();
    put_actor_heads(org: &OrgId, heads: &[ActorHead]) -> ();
    mark() -> ();
    undo_to_mark() -> ();
}
async fn insert_events(&mut self, org: &OrgId, events: &[EventRow]) -> Result<()> {
    self.step("insert_events")?;
    let mut events = events.to_vec();
    if self.flips("insert_events") {
        events[0].bytes[40] ^= 1;
    }
    self.tx.insert_events(org, &events).await
}
async fn insert_nodes(&mut self, org: &OrgId, nodes: &[NodeRow]) -> Result<()> {
    self.step("insert_nodes")?;
    let mut nodes = nodes.to_vec();
    if self.flips("insert_nodes") {
        nodes.last_mut().unwrap().hash[31] ^= 1;
    }
    self.tx.insert_nodes(org, &nodes).await
}
async fn commit(self: Box<Self>) -> Result<()> {
    self.step("commit")?;
    self.tx.commit().await
});

/// Every step of a write of links, wraps, keys, commits, items, acts and audit entries.
const STEPS: [&str; 14] = [
    "mark",
    "insert_links",
    "insert_wraps",
    "insert_previous",
    "stage",
    "attach",
    "insert_commit",
    "put_items",
    "put_actor_heads",
    "insert_events",
    "insert_nodes",
    "nodes",
    "insert_checkpoint",
    "commit",
];

pub(crate) async fn faulty(dir: &std::path::Path) -> (Server, Plan) {
    faulty_with(dir, |_| {}).await
}

async fn faulty_with(dir: &std::path::Path, change: impl FnOnce(&mut Config)) -> (Server, Plan) {
    let (plan, flip) = (Plan::default(), Flip::default());
    let store = store(dir, Arc::clone(&plan), flip).await;
    (Server::start_on_with(store, change).await, plan)
}

/// A server whose disk turns bits over.
pub(crate) async fn flipping(dir: &std::path::Path) -> (Server, Flip) {
    let (plan, flip) = (Plan::default(), Flip::default());
    let store = store(dir, plan, Arc::clone(&flip)).await;
    (Server::start_on(store).await, flip)
}

async fn store(dir: &std::path::Path, plan: Plan, flip: Flip) -> Arc<dyn Store> {
    let inner = Arc::new(SqliteStore::open(&dir.join("test.db"), None).await.unwrap());
    Arc::new(Faulty { inner, plan, flip })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_at_any_step_never_happened() {
    let dir = tempfile::tempdir().unwrap();
    let (server, plan) = faulty(dir.path()).await;
    let (mut team, session) = server.team().await;
    let org = team.org();
    for step in STEPS {
        let before = picture(&server, &team, &session).await;
        let mut next = team.clone();
        next.epoch(PROD, EpochReason::ReaderAdded);
        let mut again = Vec::new();
        next.history(PROD).items().iter().for_each(|item| {
            again.push((item.change.secret, item.change.version + 1));
        });
        again.push((secret(u16::try_from(again.len()).unwrap() + 1), 1));
        next.write(PROD, &again);
        next.batch.acts = vec![fresh_device(&next, step)];
        let batch = next.take_batch();
        *plan.lock().unwrap() = Some((step, StoreError::Full));
        server.client.write(&org, &session, &batch).await.is(507, "storage-full");
        assert!(plan.lock().unwrap().is_none(), "{step} was never reached");
        assert_eq!(before, picture(&server, &team, &session).await, "{step}");
        server.client.write(&org, &session, &batch).await.is(200, "ok");
        team = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_audit_entry_cannot_be_stored_fails() {
    let dir = tempfile::tempdir().unwrap();
    let (server, plan) = faulty(dir.path()).await;
    let (team, session) = server.team().await;
    let org = team.org();
    let mut size = server.client.log(&org, &session).await.len();
    for step in ["insert_events", "insert_nodes", "insert_checkpoint", "commit"] {
        for path in [
            format!("/v1/orgs/{org}/sync?from=0"),
            format!("/v1/orgs/{org}/envs/{PROD}/items"),
            format!("/v1/orgs/{org}/envs/{PROD}/commits?from=1&envelopes=true"),
            format!("/v1/orgs/{org}/audit/events?from=0"),
            "/v1/orgs".to_owned(),
            "/v1/account".to_owned(),
            format!("/v1/orgs/{org}/joins"),
        ] {
            *plan.lock().unwrap() = Some((step, StoreError::Full));
            server.client.get(&path, &session).await.is(507, "storage-full");
            assert!(plan.lock().unwrap().is_none(), "{path}: {step} was never reached");
        }
        // Only the reading of the log itself was added since.
        size += 1;
        assert_eq!(server.client.log(&org, &session).await.len(), size, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_flush_nothing_more_is_answered_until_the_disk_was_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let (server, plan) = faulty(dir.path()).await;
    let (mut team, session) = server.team().await;
    let org = team.org();
    let before = picture(&server, &team, &session).await;
    team.write(PROD, &[(secret(1), 1)]);
    let batch = team.take_batch();
    *plan.lock().unwrap() = Some(("commit", StoreError::Failed("EIO".to_owned())));
    server.client.write(&org, &session, &batch).await.is(503, "storage-failed");
    server.client.write(&org, &session, &batch).await.is(503, "storage-failed");
    let sync = format!("/v1/orgs/{org}/sync?from=0");
    server.client.get(&sync, &session).await.is(503, "storage-failed");
    server.failed().await;
    drop(server);

    let (server, _) = faulty(dir.path()).await;
    let session = server.client.sign_in(&team.owner).await;
    assert_eq!(before, picture(&server, &team, &session).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_storage_refuses_and_recovers_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("test.db");
    let store = Arc::new(SqliteStore::open(&file, None).await.unwrap());
    let server = Server::start_on(Arc::clone(&store) as Arc<dyn Store>).await;
    let (mut team, session) = server.team().await;
    let org = team.org();
    store.limit_size(Some(1024 * 1024)).await.unwrap();
    let stage = format!("/v1/orgs/{org}/envelopes");
    let mut kept = 0u64;
    for n in 0..200u64 {
        let page = EnvelopePage { envelopes: vec![[n.to_be_bytes(); 2_000].concat()] };
        let answer = server.client.post(&stage, &session, &page).await;
        if answer.status == 507 {
            answer.is(507, "storage-full");
            break;
        }
        kept += 1;
    }
    assert!((10..199).contains(&kept), "{kept}");
    server.client.get("/v1/server", "").await.is(200, "ok");

    store.limit_size(None).await.unwrap();
    team.write(PROD, &[(secret(1), 1)]);
    server.client.write(&org, &session, &team.take_batch()).await.is(200, "ok");
    let staged = server.client.log(&org, &session).await;
    let kind = strongroom_format::event::EventKind::EnvelopesStaged;
    let staged = staged.iter().filter(|event| event.act.kind == kind).count();
    assert_eq!(staged as u64, kept, "what was refused left no entry of success");
}

/// An act that is the first one on its device.
pub(crate) fn fresh_device(team: &Team, step: &str) -> strongroom_format::event::SignedAct {
    let mut signed = team.owner.act(team, None);
    let hash = strongroom_format::hash::sha256(&[step.as_bytes()]);
    signed.act.device.0.copy_from_slice(&hash[..16]);
    signed.signature = team.owner.sign(&signed.act.message());
    signed
}

/// What brings people in, and the steps at which each of it may fail.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_brings_people_in_and_fails_at_any_step_never_happened() {
    let dir = tempfile::tempdir().unwrap();
    let (server, plan) = faulty(dir.path()).await;
    let (mut team, session) = server.team().await;
    let (client, org, owner) = (&server.client, team.org(), team.owner.clone());
    let bob = Person::new(2);
    let fails = |step: &'static str| *plan.lock().unwrap() = Some((step, StoreError::Full));
    let reached = |step: &str| assert!(plan.lock().unwrap().is_none(), "{step} was never reached");

    let mut next = team.clone();
    let invite = next.invite(50, Role::Member, team.now + 1_000_000);
    let batch = next.take_batch();
    for step in ["insert_invite_auth", "insert_links", "commit"] {
        fails(step);
        client.write(&org, &session, &batch).await.is(507, "storage-full");
        reached(step);
    }
    client.write(&org, &session, &batch).await.is(200, "ok");
    team = next;

    let bearer = credential(invite, &Team::invite_secret(50));
    let chain = format!("/v1/orgs/{org}/invite/chain?from=0");
    let join = format!("/v1/orgs/{org}/invite/join");
    let request = ask(&org, invite, &bob);
    let waiting = async || {
        let list: JoinList = client.get(&format!("/v1/orgs/{org}/joins"), &session).await.json();
        list.joins.len()
    };
    for step in ["invite_auth", "insert_events", "insert_nodes", "insert_checkpoint", "commit"] {
        fails(step);
        client.get(&chain, &bearer).await.is(507, "storage-full");
        reached(step);
    }
    for step in ["invite_auth", "joins", "put_join", "insert_events", "commit"] {
        fails(step);
        client.post_json_as(&join, &bearer, &request).await.is(507, "storage-full");
        reached(step);
        assert_eq!(waiting().await, 0, "{step}");
    }
    client.post_json_as(&join, &bearer, &request).await.is(200, "ok");

    let account = client.account(&bob);
    for step in ["orgs_of", "account", "insert_account", "insert_events", "commit"] {
        fails(step);
        client.post_json_as("/v1/accounts", &bearer, &account).await.is(507, "storage-full");
        reached(step);
    }
    client.post_json_as("/v1/accounts", &bearer, &account).await.is(201, "ok");

    let keyset = replacement(client, &owner, &owner, owner.user(), 2);
    for step in ["account", "orgs_of", "replace_account", "insert_events", "commit"] {
        fails(step);
        let answer = client.post_json_as("/v1/account/keyset", &session, &keyset).await;
        answer.is(507, "storage-full");
        reached(step);
    }
    client.post_json_as("/v1/account/keyset", &session, &keyset).await.is(200, "ok");

    let mut next = team.clone();
    next.add(&bob, Role::Member, invite);
    let batch = next.take_batch();
    for step in ["drop_joins", "set_insider", "commit"] {
        fails(step);
        client.write(&org, &session, &batch).await.is(507, "storage-full");
        reached(step);
        assert_eq!(waiting().await, 1, "{step}");
    }
    client.write(&org, &session, &batch).await.is(200, "ok");
    assert_eq!(waiting().await, 0);
    reset_that_fails(&server, &plan, next, &session, &bob).await;
}

/// The same for somebody who lost all keys and asks with another invitation.
async fn reset_that_fails(
    server: &Server,
    plan: &Plan,
    mut team: Team,
    session: &str,
    bob: &Person,
) {
    let (client, org) = (&server.client, team.org());
    let invite = team.invite(51, Role::Member, team.now + 1_000_000);
    client.write(&org, session, &team.take_batch()).await.is(200, "ok");
    let bearer = credential(invite, &Team::invite_secret(51));
    let new = with_other_keys(bob, 70);
    let request = ask_for_reset(&org, &new);
    let join = format!("/v1/orgs/{org}/invite/join");
    client.post_json_as(&join, &bearer, &request).await.is(200, "ok");
    let pop = request.pop.0.try_into().unwrap();
    team.say(Body::KeyReset { user: new.user(), keys: new.keys(), pop });
    let batch = team.take_batch();
    let chain = format!("/v1/orgs/{org}/invite/chain?from=0");
    for step in ["joins", "spend_invite", "drop_joins", "commit"] {
        *plan.lock().unwrap() = Some((step, StoreError::Full));
        client.write(&org, session, &batch).await.is(507, "storage-full");
        assert!(plan.lock().unwrap().is_none(), "{step} was never reached");
        client.get(&chain, &bearer).await.is(200, "ok");
    }
    client.write(&org, session, &batch).await.is(200, "ok");
    client.get(&chain, &bearer).await.is(403, "invite-used");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_whose_binding_fails_at_any_step_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::ed(1);
    let issuer = Issuer::start(&[signer.jwk("k1")]).await;
    let config = issuer.config(signer.algorithm());
    let (server, plan) = faulty_with(dir.path(), |c| c.issuers = vec![config]).await;
    let (client, header) = (&server.client, header(signer.algorithm(), "k1"));
    let token = |subject: &str| signer.token(&header, &issuer.claims(subject).to_string());
    let (_, session) = server.team().await;
    let path = "/v1/account/identity";
    let bind = BindIdentity { id_token: token("mara") };
    let bob = client.account(&Person::new(2));
    for step in ["bound_user", "identities_of", "insert_identity", "insert_events", "commit"] {
        *plan.lock().unwrap() = Some((step, StoreError::Full));
        client.post_json_as(path, &session, &bind).await.is(507, "storage-full");
        assert!(plan.lock().unwrap().is_none(), "{step} was never reached");
        client.get("/v1/orgs", &bind.id_token).await.is(401, "unknown-identity");
    }
    client.post_json_as(path, &session, &bind).await.is(200, "ok");
    // The first request with it is a sign-in; it fails until that stands in the log.
    for step in ["insert_events", "commit"] {
        *plan.lock().unwrap() = Some((step, StoreError::Full));
        client.get("/v1/orgs", &bind.id_token).await.is(507, "storage-full");
        assert!(plan.lock().unwrap().is_none(), "{step} was never reached");
    }
    client.get("/v1/orgs", &bind.id_token).await.is(200, "ok");
    for step in ["insert_account", "insert_identity", "commit"] {
        *plan.lock().unwrap() = Some((step, StoreError::Full));
        let answer = client.post_json_as("/v1/accounts", &token("bob"), &bob).await;
        answer.is(507, "storage-full");
        assert!(plan.lock().unwrap().is_none(), "{step} was never reached");
    }
    client.post_json_as("/v1/accounts", &token("bob"), &bob).await.is(201, "ok");
    client.get("/v1/orgs", &token("bob")).await.is(200, "ok");
}
