//! A server's data directory with a log of any length, and the vaults of an owner and a reviewer.
//!
//! Everything but the bulk of the log is made by the programs themselves: a real server, a real
//! owner who writes real links and commits, a reviewer who joins with a code. Their clocks stand two
//! weeks back and go on by half a day. Whenever the server rests, what happened on that half day is
//! put behind its log: entries, tree nodes, counts, and a checkpoint signed with its own key.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::{Signer as _, SigningKey};
use strongroom_chain::tree::{Frontier, leaf_hash};
use strongroom_client::clock::{Clock as _, SystemClock};
use strongroom_client::profile::{KeepSecretKey, ServerPlace};
use strongroom_client::vault::{Cost, Creation, Joining, Note, Once, Session};
use strongroom_core::replica::Replica;
use strongroom_core::team::{Intent, NewInvite};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Detail, EventKind};
use strongroom_format::id::OrgId;
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::Role;
use strongroom_server::{Config, Running};
use strongroom_store::{EventRow, NodeRow, Store as _, WriteTx};
use strongroom_store_sqlite::SqliteStore;

use super::cast::Cast;
use super::story::{Moment, Story, times};
use crate::Failure;
use crate::team::Writer;
use crate::vault::{PASSPHRASE, api, host_at, passphrase};

/// The argument that makes this program make such a world.
pub(crate) const WORLD: &str = "audit-world";

const HOUR: u64 = 60 * 60 * 1000;
const HALF_DAYS: usize = 28;
const HALF_DAY: u64 = 12;
/// Entries of one call of the storage.
const AT_ONCE: usize = 5_000;
const USAGE: &str = "audit-world --events N --out FOLDER [--port PORT]";

/// What [`WORLD`] does. Prints where everything is, as one JSON object.
pub(crate) fn make_world(arguments: &[&str]) -> Result<String, Failure> {
    let (mut events, mut out, mut port) = (None, None, 0);
    for pair in arguments.chunks(2) {
        match pair {
            ["--events", n] => events = Some(n.parse()?),
            ["--out", folder] => out = Some(PathBuf::from(folder)),
            ["--port", n] => port = n.parse()?,
            _ => return Err(USAGE.into()),
        }
    }
    let (Some(events), Some(out)) = (events, out) else { return Err(USAGE.into()) };
    std::fs::create_dir_all(&out)?;
    if std::fs::read_dir(&out)?.next().is_some() {
        return Err(format!("{} is not empty", out.display()).into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(make(&out.canonicalize()?, events, port))
}

/// The clock of everybody in this world.
#[derive(Debug, Clone)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn set(&self, ms: u64) {
        self.0.store(ms, Ordering::SeqCst);
    }

    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

impl strongroom_client::clock::Clock for Hands {
    fn now_ms(&self) -> u64 {
        self.tick()
    }
}

impl strongroom_server::Clock for Hands {
    fn now_ms(&self) -> u64 {
        self.tick()
    }
}

async fn make(out: &Path, events: u64, port: u16) -> Result<String, Failure> {
    // Whole hours, the last of which is over.
    let begin = (SystemClock.now_ms() / HOUR - HALF_DAYS as u64 * HALF_DAY) * HOUR;
    let hands = Hands(Arc::new(AtomicU64::new(begin - 2 * HOUR)));
    let house = House::new(out, port, hands)?;
    let server = house.open().await?;
    let (replica, cast) = house.settle_in().await?;
    server.shut_down().await;

    let org = replica.state().org();
    let store = SqliteStore::open(&house.config.data_dir.join("strongroom.db"), None).await?;
    let mut book = Book::new(&house.config.data_dir, org, store)?;
    let mut story = Story::new(&cast, org);
    let mut replica = replica;
    for half_day in 0..HALF_DAYS {
        let from = begin + half_day as u64 * HALF_DAY * HOUR;
        house.hands.set(from);
        let before = replica.clone();
        replica = house.live(half_day, replica, &cast).await?;
        book.catch_up().await?;
        let left = events.saturating_sub(book.frontier.size());
        let count = left / (HALF_DAYS - half_day) as u64;
        let half = Half { signed: signed(&before, &replica), from, count };
        book.write(&mut story, &replica, half).await?;
    }
    let size = book.frontier.size();
    book.store.close().await;
    let server = out.join("server.toml");
    std::fs::write(&server, house.file())?;
    let about = serde_json::json!({
        "origin": house.origin(),
        "server": server,
        "owner": out.join("owner"),
        "reviewer": out.join("reviewer"),
        "passphrase": PASSPHRASE,
        "events": size,
    });
    Ok(format!("{about:#}\n"))
}

/// The server and the people's folders.
struct House {
    config: Config,
    folder: PathBuf,
    hands: Hands,
}

impl House {
    fn new(folder: &Path, port: u16, hands: Hands) -> Result<Self, Failure> {
        let wanted = SocketAddr::from(([127, 0, 0, 1], port));
        let mut config = Config::embedded(folder.join("server"));
        // The address stands in the profiles: it has to be the same when the server is started again.
        config.bind = TcpListener::bind(wanted)?.local_addr()?;
        Ok(Self { config, folder: folder.to_owned(), hands })
    }

    fn origin(&self) -> String {
        format!("http://{}", self.config.bind)
    }

    /// What the stand-alone server is started with.
    fn file(&self) -> String {
        let (folder, bind) = (self.config.data_dir.display(), self.config.bind);
        format!("data_dir = \"{folder}\"\nbind = \"{bind}\"\nregistration = \"open\"\n")
    }

    async fn open(&self) -> Result<Running, Failure> {
        let clock = Arc::new(self.hands.clone());
        Ok(strongroom_server::start_with(self.config.clone(), clock).await?)
    }

    /// The vaults, the organisation and everybody in it. Gives the owner's copy.
    async fn settle_in(&self) -> Result<(Replica, Cast), Failure> {
        let owner = self.found().await?;
        let replica = owner.with(|org| Ok(org.replica().clone()))?;
        let mut cast = Cast::new(replica.me())?;
        let mut writer = Writer::new(api(&self.origin())?, replica, self.hands.tick()).await?;
        for step in 0..Cast::STEPS {
            writer.write(|pen, uploads| cast.step(step, pen, uploads)).await?;
        }
        owner.sync().await?;
        self.invite_reviewer(&owner).await?;
        owner.sync().await?;
        let replica = owner.with(|org| Ok(org.replica().clone()))?;
        owner.close().await;
        Ok((replica, cast))
    }

    async fn found(&self) -> Result<Arc<Session>, Failure> {
        let creation = Creation {
            label: "Work".to_owned(),
            person: "Mara Lind".to_owned(),
            organisation: "Acme".to_owned(),
            sample: false,
            place: ServerPlace::Origin(self.origin()),
            api: api(&self.origin())?,
            keep: KeepSecretKey::File,
            cost: Cost::Standard,
            admission: None,
        };
        let host = host_at(&self.folder.join("owner"), Arc::new(self.hands.clone()))?;
        Ok(creation.run(passphrase()?, host).await?)
    }

    async fn invite_reviewer(&self, owner: &Session) -> Result<(), Failure> {
        let expires_ms = self.hands.tick() + 24 * HOUR;
        let new = NewInvite { role: Role::Reviewer, grants: Vec::new(), expires_ms };
        let proposal = owner.propose(Intent::Invite(new), Note::default()).await?;
        let Some(Once::Invite(invite)) = owner.sign(proposal).await?.once else {
            return Err("there is no code".into());
        };
        let joining = Joining {
            code: owner.invite_code(invite)?.code,
            person: "Ada Quill".to_owned(),
            label: "Work".to_owned(),
            lost: None,
            keep: KeepSecretKey::File,
            cost: Cost::Standard,
        };
        let host = host_at(&self.folder.join("reviewer"), Arc::new(self.hands.clone()))?;
        let reviewer = joining.run(passphrase()?, api(&self.origin())?, host).await?;
        owner.follow_up().await?;
        reviewer.sync().await?;
        reviewer.follow_up().await?;
        reviewer.close().await;
        Ok(())
    }

    /// What the owner writes on half a day.
    async fn live(
        &self,
        half_day: usize,
        replica: Replica,
        cast: &Cast,
    ) -> Result<Replica, Failure> {
        let server = self.open().await?;
        let mut writer = Writer::new(api(&self.origin())?, replica, self.hands.tick()).await?;
        writer.write(|pen, _| cast.live(half_day, pen)).await?;
        server.shut_down().await;
        Ok(writer.replica)
    }
}

/// The log as it is stored.
struct Book {
    org: OrgId,
    store: SqliteStore,
    key: SigningKey,
    frontier: Frontier,
}

/// Half a day of a story.
struct Half {
    /// What the owner says to have signed, at its beginning.
    signed: Vec<(EventKind, Detail)>,
    /// Its beginning, in milliseconds since 1970.
    from: u64,
    /// How many entries it has.
    count: u64,
}

/// The links and commits that an owner wrote between two copies.
fn signed(before: &Replica, after: &Replica) -> Vec<(EventKind, Detail)> {
    let links = before.state().seq() + 1..=after.state().seq();
    let mut signed: Vec<(EventKind, Detail)> = links
        .map(|number| (EventKind::LinkSigned, Detail { number, ..Detail::status(0) }))
        .collect();
    for (env, copy) in after.envs() {
        let old = before.env(env).map_or(0, |copy| copy.history().seq());
        for number in old + 1..=copy.history().seq() {
            let detail = Detail { env: *env, number, ..Detail::status(0) };
            signed.push((EventKind::CommitSigned, detail));
        }
    }
    signed
}

impl Book {
    fn new(folder: &Path, org: OrgId, store: SqliteStore) -> Result<Self, Failure> {
        let seed = std::fs::read(folder.join("audit.key"))?;
        let key = SigningKey::from_bytes(seed.as_slice().try_into()?);
        Ok(Self { org, store, key, frontier: Frontier::new() })
    }

    /// Reads what the server wrote.
    async fn catch_up(&mut self) -> Result<(), Failure> {
        let mut tx = self.store.read().await?;
        loop {
            let page = tx.events(&self.org, self.frontier.size(), AT_ONCE, usize::MAX).await?;
            if page.is_empty() {
                return Ok(());
            }
            for row in page {
                self.frontier.append(leaf_hash(&row.bytes));
            }
        }
    }

    /// Puts half a day behind the log, in one transaction.
    async fn write(
        &mut self,
        story: &mut Story<'_>,
        replica: &Replica,
        Half { mut signed, from, count }: Half,
    ) -> Result<(), Failure> {
        let head = replica.state().head();
        let mut tx = self.store.write().await?;
        let mut entries = Vec::with_capacity(AT_ONCE);
        signed.truncate(usize::try_from(count)?);
        let rest = count - signed.len() as u64;
        let at_ms = from + 1_000;
        for (kind, detail) in signed {
            entries.push(story.owner(kind, detail, Moment { at_ms, head }).encode());
        }
        for then_ms in times(from, HALF_DAY, rest) {
            entries.push(story.next(Moment { at_ms: then_ms.max(at_ms), head })?.encode());
            if entries.len() >= AT_ONCE {
                append(tx.as_mut(), &self.org, &mut self.frontier, &mut entries).await?;
            }
        }
        append(tx.as_mut(), &self.org, &mut self.frontier, &mut entries).await?;
        tx.put_actor_heads(&self.org, &story.heads()).await?;
        let (size, root) = (self.frontier.size(), self.frontier.root());
        let checkpoint =
            Checkpoint { org: self.org, reset: replica.state().audit_reset(), size, root };
        let signature = self.key.sign(checkpoint.text().as_bytes()).to_bytes();
        let note = checkpoint.note(&self.key.verifying_key().to_bytes(), &signature);
        if count > 0 {
            tx.insert_checkpoint(&self.org, size, &note).await?;
        }
        Ok(tx.commit().await?)
    }
}

async fn append(
    tx: &mut dyn WriteTx,
    org: &OrgId,
    frontier: &mut Frontier,
    entries: &mut Vec<Vec<u8>>,
) -> Result<(), Failure> {
    let (mut rows, mut nodes) = (Vec::with_capacity(entries.len()), Vec::new());
    for bytes in entries.drain(..) {
        let index = frontier.size();
        for node in frontier.append(leaf_hash(&bytes)) {
            nodes.push(NodeRow { level: node.level, index: node.index, hash: node.hash });
        }
        rows.push(EventRow { index, bytes });
    }
    tx.insert_events(org, &rows).await?;
    Ok(tx.insert_nodes(org, &nodes).await?)
}
