//! A vault that a large company might have: 500 people and tokens, 500 environments, and one cell of
//! the matrix in ten granted. Real keys, real links, a real server; the private keys of everybody
//! but the owner are dropped.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use strongroom_client::api::{Api, CannotSign, SignIn};
use strongroom_client::clock::{Clock as _, SystemClock};
use strongroom_client::profile::Profile;
use strongroom_core::access::TILE;
use strongroom_core::details::{Details, EnvClass, Thing};
use strongroom_core::pen::{Pen, Put, name};
use strongroom_core::replica::{Me, Replica};
use strongroom_crypto::safe::{InviteKey, Keyset, OsEntropy, ServiceToken, entropy};
use strongroom_format::id::{AppId, EnvId, Principal, UserId};
use strongroom_format::statement::{Body, EnvRight, EpochReason, Rights, Role};
use strongroom_format::wire::{InviteUpload, SignInKey, TokenUpload, WriteBatch};

use crate::Failure;
use crate::vault::{PASSPHRASE, Vault, reopen};

/// The argument that makes this program make such a vault in a folder and print its passphrase.
pub(crate) const MAKE: &str = "--make-team";

const PEOPLE: usize = 150;
const TOKENS: usize = 350;
const APPS: usize = 25;
const ENVS_EACH: usize = 20;
/// Links of one write: a server takes a thousand.
const LINKS: usize = 900;
/// Environments whose new data keys go into one write.
const KEYS: usize = 100;
const DAY: u64 = 24 * 60 * 60 * 1000;

/// What [`MAKE`] does.
pub(crate) fn make_for_window(folder: &str) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(make(Path::new(folder)))?;
    Ok(format!("{PASSPHRASE}\n"))
}

async fn make(folder: &Path) -> Result<(), Failure> {
    let vault = Vault::make(folder).await?;
    let mut writer = Writer::of(&vault).await?;
    let envs = writer.environments().await?;
    let people = writer.admit().await?;
    writer.grant(&people, &envs).await?;
    writer.issue(&envs).await?;
    writer.wrap(&envs).await?;
    // From here on it is a device that looks in: everything is verified once more, and kept.
    vault.session.sync().await?;
    vault.session.follow_up().await?;
    vault.close().await?;
    Ok(())
}

/// The argument that makes this program open that vault and time the squares of its matrix.
pub(crate) const TILES: &str = "--tiles";

/// What [`TILES`] does: a row of a table, without the window and without the way to it.
pub(crate) fn tiles(folder: &str) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = Path::new(folder);
    let all = Profile::open(Some(folder.to_owned()))?.list()?;
    let vault = all.vaults.first().ok_or("there is no vault")?.id;
    let session = runtime.block_on(reopen(folder, vault))?;
    let begin = Instant::now();
    let axes = session.access_axes()?;
    let whole = begin.elapsed();
    let squares = |count: usize| 0..count.div_ceil(TILE);
    let mut times = Vec::new();
    for row in squares(axes.matrix.rows().len()) {
        for column in squares(axes.matrix.columns().len()) {
            let begin = Instant::now();
            session.access_tile(row, column)?;
            times.push(begin.elapsed());
        }
    }
    times.sort_unstable();
    let rank = |share: usize| times.get((times.len() * share).div_ceil(100).saturating_sub(1));
    let (Some(half), Some(most)) = (rank(50), rank(99)) else { return Err("no squares".into()) };
    Ok(format!(
        "| accessTile, in Rust alone ({} squares) | p50 {:.2}, p99 {:.2} ms | rows and columns before it, once: {} ms |\n",
        times.len(),
        half.as_secs_f64() * 1000.0,
        most.as_secs_f64() * 1000.0,
        whole.as_millis(),
    ))
}

/// Which cells are granted: somebody works on a quarter of the applications, and reads there two
/// environments in five.
fn reads(principal: usize, env: usize) -> bool {
    let app = env / ENVS_EACH;
    dice(principal, app).is_multiple_of(4) && dice(principal + 10_000, env) % 5 < 2
}

/// The same two numbers always fall the same way (`SplitMix64`).
fn dice(a: usize, b: usize) -> u64 {
    let seed = (a as u64) << 32 | b as u64;
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// One grant in eight has an end, in the better part of a year.
fn not_after(principal: usize, env: usize, now_ms: u64) -> u64 {
    let fall = dice(principal + 20_000, env);
    if fall.is_multiple_of(8) { now_ms + (200 + fall % 150) * DAY } else { 0 }
}

/// Signs with the owner's key, and sends.
pub(crate) struct Writer {
    api: Api,
    /// The owner's copy, with everything that was written.
    pub(crate) replica: Replica,
    now_ms: u64,
}

impl Writer {
    async fn of(vault: &Vault) -> Result<Self, Failure> {
        let replica = vault.session.with(|org| Ok(org.replica().clone()))?;
        Self::new(vault.api()?, replica, SystemClock.now_ms()).await
    }

    /// Writes through `api` at this time, on from the owner's copy.
    pub(crate) async fn new(api: Api, replica: Replica, now_ms: u64) -> Result<Self, Failure> {
        let Principal::User(user) = replica.principal() else { return Err("no person".into()) };
        let owner = Owner { user, me: Arc::clone(replica.me()) };
        api.sign_in_as(Arc::new(owner)).await;
        Ok(Self { api, replica, now_ms })
    }

    /// One write. What is built may come with uploads that the pen knows nothing of.
    pub(crate) async fn write<T>(
        &mut self,
        build: impl FnOnce(&mut Pen<'_>, &mut WriteBatch) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut entropy = OsEntropy;
        let mut pen = Pen::new(&self.replica, &mut entropy, self.now_ms);
        let mut uploads = WriteBatch::default();
        let built = build(&mut pen, &mut uploads)?;
        let (next, mut batch) = pen.finish();
        batch.invites = uploads.invites;
        batch.tokens = uploads.tokens;
        let org = self.replica.state().org();
        self.api.write(&org, &batch).await?;
        self.replica = next;
        Ok(built)
    }

    /// The vault comes with one application of one environment; here are the others.
    async fn environments(&mut self) -> Result<Vec<EnvId>, Failure> {
        let directory = self.replica.state().directory();
        let first = self.replica.state().envs().iter().find(|(id, _)| Some(**id) != directory);
        let (env, app) = first.map(|(id, env)| (*id, AppId(env.place))).ok_or("no environment")?;
        let mut envs = vec![env];
        for n in 0..APPS {
            let from = usize::from(n == 0);
            let more = self.write(|pen, _| {
                if n > 0 {
                    let list: Vec<_> = (0..ENVS_EACH).map(environment).collect();
                    let app = pen.create_app(&app_name(n), &list)?;
                    return Ok(of_app(pen.replica(), app));
                }
                (from..ENVS_EACH)
                    .map(|place| {
                        let (name, class) = environment(place);
                        Ok(pen.create_environment(app, &name, class)?)
                    })
                    .collect::<Result<Vec<_>, Failure>>()
            });
            envs.extend(more.await?);
        }
        Ok(envs)
    }

    /// Invites and admits everybody; nobody reads anything yet but the names.
    async fn admit(&mut self) -> Result<Vec<Principal>, Failure> {
        let (org, now_ms) = (self.replica.state().org(), self.now_ms);
        self.write(|pen, uploads| {
            let entropy = &mut OsEntropy;
            let (mut people, mut names) = (Vec::new(), Vec::new());
            for n in 1..PEOPLE {
                let role = if n % 30 == 1 { Role::Admin } else { Role::Member };
                let key = InviteKey::make(entropy)?;
                let invite = key.id();
                uploads.invites.push(InviteUpload { invite, bearer_hash: key.bearer().hash() });
                let (key_hash, grants, expires) = (key.commitment(), Vec::new(), now_ms + DAY);
                pen.link(Body::Invite { invite, key_hash, role, grants, expires })?;
                let (user, keyset) = (UserId(entropy::array(entropy)?), Keyset::make(entropy)?);
                let keys = keyset.public();
                let pop = keyset.prove_possession(&org, &invite, &user);
                pen.link(Body::MemberAdd { user, keys, role, invite, pop })?;
                let item = user.directory_item();
                names.push(name(item, &person(n), Details::of(Thing::Member)));
                people.push(Principal::User(user));
            }
            pen.wrap_for_new_readers()?;
            pen.put_names(names)?;
            Ok(people)
        })
        .await
    }

    async fn grant(&mut self, people: &[Principal], envs: &[EnvId]) -> Result<(), Failure> {
        let mut bodies = Vec::new();
        for (n, principal) in people.iter().copied().enumerate() {
            for (m, env) in envs.iter().copied().enumerate().filter(|(m, _)| reads(n, *m)) {
                let rights = match dice(n, m) % 7 {
                    0..=3 => Rights::READ,
                    4..=5 => Rights::READ_WRITE,
                    _ => Rights::ALL,
                };
                let not_after = not_after(n, m, self.now_ms);
                bodies.push(Body::EnvGrant { env, principal, rights, not_after });
            }
        }
        let mut bodies = bodies.into_iter().peekable();
        while bodies.peek().is_some() {
            let some: Vec<Body> = bodies.by_ref().take(LINKS).collect();
            self.write(|pen, _| Ok(some.into_iter().try_for_each(|body| pen.link(body))?)).await?;
        }
        Ok(())
    }

    async fn issue(&mut self, envs: &[EnvId]) -> Result<(), Failure> {
        let now_ms = self.now_ms;
        self.write(|pen, uploads| {
            let mut names: Vec<Put> = Vec::new();
            for n in 0..TOKENS {
                let token = ServiceToken::make(&mut OsEntropy)?;
                let id = token.id();
                uploads.tokens.push(TokenUpload { token: id, bearer_hash: token.bearer().hash() });
                let read = envs.iter().copied().enumerate().filter(|(m, _)| reads(PEOPLE + n, *m));
                let right = |(m, env)| {
                    let not_after = not_after(PEOPLE + n, m, now_ms);
                    EnvRight { env, rights: Rights::READ, not_after }
                };
                let mut rights: Vec<EnvRight> = read.map(right).collect();
                rights.sort_by_key(|right| right.env);
                pen.link(Body::TokenIssue {
                    token: id,
                    sig_pub: token.identity().public(),
                    enc_pub: token.encryption().public(),
                    rights,
                    not_after: now_ms + 365 * DAY,
                })?;
                let details = Details::of(Thing::Token);
                names.push(name(id.directory_item(), &format!("deploy-{n:03}"), details));
            }
            Ok(pen.put_names(names)?)
        })
        .await
    }

    /// A new data key for every environment, wrapped for whoever reads it now.
    async fn wrap(&mut self, envs: &[EnvId]) -> Result<(), Failure> {
        for some in envs.chunks(KEYS) {
            self.write(|pen, _| {
                for env in some {
                    pen.new_epoch(*env, EpochReason::ReaderAdded)?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

fn of_app(replica: &Replica, app: AppId) -> Vec<EnvId> {
    let envs = replica.state().envs().iter();
    envs.filter(|(_, env)| env.place == app.0).map(|(id, _)| *id).collect()
}

/// The name of application number `n`.
pub(crate) fn app_name(n: usize) -> String {
    let what = ["checkout", "ledger", "search", "mailer", "edge"][n % 5];
    format!("{what}-{}", ["core", "api", "jobs", "web", "data"][n / 5 % 5])
}

fn environment(n: usize) -> (String, EnvClass) {
    let class = match n % 4 {
        0 => EnvClass::Production,
        1 => EnvClass::Staging,
        2 => EnvClass::Development,
        _ => EnvClass::Other,
    };
    (format!("{}-{}", ["prod", "staging", "dev", "load"][n % 4], n / 4 + 1), class)
}

/// The name of person number `n`.
pub(crate) fn person(n: usize) -> String {
    let first = ["Ada", "Ben", "Cleo", "Dov", "Edda", "Finn", "Gita", "Hugo", "Ines", "Jan"];
    let last = [
        "Abel", "Brandt", "Calder", "Dunn", "Egger", "Ferro", "Gray", "Holm", "Ito", "Jansen",
        "Kerr", "Lind", "Moss", "Nagy", "Orme",
    ];
    format!("{} {}", first[n % 10], last[n / 10 % 15])
}

/// Signs in as the session does.
struct Owner {
    user: UserId,
    me: Arc<Me>,
}

impl SignIn for Owner {
    fn user(&self) -> UserId {
        self.user
    }

    fn key(&self) -> SignInKey {
        SignInKey::Identity
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CannotSign> {
        Ok(self.me.keyset.isk.sign(message))
    }
}
