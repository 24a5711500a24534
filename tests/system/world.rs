//! The stories: one person's vault behind the evil server, told honestly first.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_client::api::{Api, TimeLimits};
use strongroom_client::clock::Clock;
use strongroom_client::keyring::{MemoryKeyring, Snapshot};
use strongroom_client::profile::{KeepSecretKey, Profile, ServerPlace, VaultId};
use strongroom_client::vault::{
    Cost, Creation, Host, Joining, Restore, SecretKeySource, Session, VaultError, unlock,
};
use strongroom_core::details::EnvClass;
use strongroom_evil_server::{EvilServer, Exchange};
use strongroom_format::id::{EnvId, OrgId, SecretId, UserId};
use strongroom_format::wire::{ItemPage, SyncAnswer};
use strongroom_secret::{Passphrase, SecretText};
use tempfile::TempDir;
use tokio::sync::broadcast;

use crate::honest::{Backup, Honest, copy};

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";
/// When the story begins, in milliseconds since 1970.
pub(crate) const START: u64 = 1_800_000_000_000;

#[derive(Debug)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.fetch_add(7, Ordering::SeqCst)
    }
}

/// What a person sees: values by environment and name.
pub(crate) type Seen = BTreeMap<String, BTreeMap<String, String>>;

/// One installation of the client.
pub(crate) struct Device {
    folder: TempDir,
    keyring: Arc<MemoryKeyring>,
    pub(crate) clock: Arc<TestClock>,
    origin: String,
    pub(crate) vault: VaultId,
    session: Option<Arc<Session>>,
}

/// A device at one moment, to begin from again.
pub(crate) struct Moment {
    folder: TempDir,
    keyring: Snapshot,
    now: u64,
}

impl Device {
    /// A new vault with an organisation and nothing in it.
    pub(crate) async fn create(origin: &str) -> Self {
        Self::try_create(origin).await.unwrap()
    }

    pub(crate) async fn try_create(origin: &str) -> Result<Self, VaultError> {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Arc::new(MemoryKeyring::new());
        let clock = Arc::new(TestClock(AtomicU64::new(START)));
        let creation = Creation {
            label: "vault".to_owned(),
            person: "Mara".to_owned(),
            organisation: "Acme".to_owned(),
            sample: false,
            place: ServerPlace::Origin(origin.to_owned()),
            api: api(origin),
            keep: KeepSecretKey::Keyring,
            cost: Cost::from_id(0xf0).unwrap(),
            admission: None,
        };
        let host = host(folder.path(), &keyring, &clock);
        let session = creation.run(passphrase(PASSPHRASE), host).await?;
        let profile = Profile::open(Some(folder.path().to_owned())).unwrap();
        let vault = profile.list().unwrap().vaults[0].id;
        let origin = origin.to_owned();
        Ok(Self { folder, keyring, clock, origin, vault, session: Some(session) })
    }

    /// Somebody new who was handed a code.
    pub(crate) async fn join(
        origin: &str,
        code: &SecretText,
        person: &str,
    ) -> Result<Self, VaultError> {
        Self::join_as(origin, code, person, None).await
    }

    /// Somebody who lost everything, with the code of a new invitation.
    pub(crate) async fn join_again(
        origin: &str,
        code: &SecretText,
        person: &str,
        lost: UserId,
    ) -> Result<Self, VaultError> {
        Self::join_as(origin, code, person, Some(lost)).await
    }

    async fn join_as(
        origin: &str,
        code: &SecretText,
        person: &str,
        lost: Option<UserId>,
    ) -> Result<Self, VaultError> {
        let joining = Joining {
            code: code.lend(|code| SecretText::from_string(code.to_owned())),
            person: person.to_owned(),
            label: person.to_owned(),
            lost,
            keep: KeepSecretKey::Keyring,
            cost: Cost::from_id(0xf0).unwrap(),
        };
        Self::begin(origin, async |api, host| joining.run(passphrase(PASSPHRASE), api, host).await)
            .await
    }

    /// The person of an Emergency Kit on a computer that has nothing else.
    pub(crate) async fn restore(origin: &str, restore: Restore) -> Result<Self, VaultError> {
        Self::begin(origin, async |api, host| restore.run(passphrase(PASSPHRASE), api, host).await)
            .await
    }

    async fn begin(
        origin: &str,
        make: impl AsyncFnOnce(Api, Host) -> Result<Arc<Session>, VaultError>,
    ) -> Result<Self, VaultError> {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Arc::new(MemoryKeyring::new());
        let clock = Arc::new(TestClock(AtomicU64::new(START + 30_000)));
        let session = make(api(origin), host(folder.path(), &keyring, &clock)).await?;
        let vault = session.record().id;
        let origin = origin.to_owned();
        Ok(Self { folder, keyring, clock, origin, vault, session: Some(session) })
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        self.session.as_ref().expect("the vault is open")
    }

    pub(crate) fn record_file(&self) -> std::path::PathBuf {
        self.folder.path().join("vaults").join(self.vault.to_string()).join("vault.json")
    }

    pub(crate) fn org(&self) -> OrgId {
        self.session().current().unwrap()
    }

    pub(crate) async fn lock(&mut self) {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
    }

    pub(crate) async fn open_with(&mut self, words: &str) -> Result<(), VaultError> {
        self.lock().await;
        let session = unlock(
            self.vault,
            passphrase(words),
            SecretKeySource::Kept,
            api(&self.origin),
            host(self.folder.path(), &self.keyring, &self.clock),
        )
        .await?;
        self.session = Some(session);
        Ok(())
    }

    /// Opens the vault, fetches everything and checks the whole past.
    pub(crate) async fn open(&mut self) -> Result<(), VaultError> {
        self.open_with(PASSPHRASE).await?;
        self.catch_up().await
    }

    pub(crate) async fn catch_up(&self) -> Result<(), VaultError> {
        self.session().sync().await?;
        self.session().verify_history().await
    }

    pub(crate) async fn moment(&mut self) -> Moment {
        self.lock().await;
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        let now = self.clock.0.load(Ordering::SeqCst);
        Moment { folder, keyring: self.keyring.snapshot(), now }
    }

    /// The device as it was at `moment`, on another computer.
    pub(crate) fn at(&self, moment: &Moment) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(moment.folder.path(), folder.path());
        let keyring = MemoryKeyring::new();
        keyring.restore(moment.keyring.clone());
        Self {
            folder,
            keyring: Arc::new(keyring),
            clock: Arc::new(TestClock(AtomicU64::new(moment.now))),
            origin: self.origin.clone(),
            vault: self.vault,
            session: None,
        }
    }

    /// Loses everything that could be fetched again; what it verified, it still knows.
    pub(crate) fn lose_cache(&self) {
        let cache = self.folder.path().join("vaults").join(self.vault.to_string()).join("cache");
        std::fs::remove_dir_all(cache).unwrap();
    }

    /// Loses the Secret Key and everything else that the keyring kept.
    pub(crate) fn empty_keyring(&self) {
        self.keyring.restore(MemoryKeyring::new().snapshot());
    }

    pub(crate) fn env(&self, name: &str) -> EnvId {
        let found = self.session().with(|org| {
            let all = org.environments(START);
            Ok(all.into_iter().find(|env| env.name == name).expect("the environment exists").env)
        });
        found.unwrap()
    }

    pub(crate) fn secret(&self, env: &str, name: &str) -> SecretId {
        let env = self.env(env);
        let found = self.session().with(|org| Ok(org.list(env)?.by_name(name).unwrap().secret));
        found.unwrap()
    }

    /// Stages one secret, old or new, and signs.
    pub(crate) async fn put(&self, env: &str, name: &str, value: &str) -> Result<(), VaultError> {
        let env_id = self.env(env);
        let old =
            self.session().with(|org| Ok(org.list(env_id)?.by_name(name).map(|r| r.secret)))?;
        let value = SecretText::from_string(value.to_owned());
        self.session().stage_put(env_id, old, name, Some(value), "a note")?;
        self.session().commit_staged(env_id).await.map(drop)
    }

    pub(crate) async fn delete(&self, env: &str, name: &str) -> Result<(), VaultError> {
        let (env_id, secret) = (self.env(env), self.secret(env, name));
        self.session().stage_delete(env_id, &[secret])?;
        self.session().commit_staged(env_id).await.map(drop)
    }

    pub(crate) fn see(&self) -> Seen {
        self.try_to_see().unwrap()
    }

    /// Everything this person can read; an error if one thing does not open.
    pub(crate) fn try_to_see(&self) -> Result<Seen, VaultError> {
        self.session().with(|org| {
            let mut seen = Seen::new();
            for env in org.environments(START) {
                let list = org.list(env.env)?;
                let mut values = BTreeMap::new();
                for row in list.rows() {
                    let value = org.value(env.env, &row.secret)?;
                    let text = value.lend(|bytes| String::from_utf8_lossy(bytes).into_owned());
                    values.insert(row.name.clone(), text);
                }
                seen.insert(env.name, values);
            }
            Ok(seen)
        })
    }
}

/// The evil server, the honest one behind it, and two devices of one person: one that has seen
/// everything, and what it was when its organisation was founded.
pub(crate) struct House {
    pub(crate) evil: Arc<EvilServer>,
    pub(crate) honest: Honest,
    pub(crate) device: Device,
    /// Knows the organisation and its first head, as from an Emergency Kit.
    pub(crate) fresh: Moment,
    /// Knows the story's first half.
    pub(crate) half: Moment,
    /// Has seen everything.
    pub(crate) pinned: Moment,
    /// What an honest client sees at each of these moments.
    pub(crate) honest_views: Vec<Seen>,
    /// What the server held half-way.
    pub(crate) old_backup: Backup,
    /// What the server said half-way.
    pub(crate) old_sync: SyncAnswer,
    pub(crate) old_items: ItemPage,
    /// What was sent to make the vault.
    pub(crate) founding_traffic: Vec<Exchange>,
}

impl House {
    /// The honest story: two environments, six secrets, changes, a deletion.
    pub(crate) async fn new() -> Self {
        let evil = Arc::new(EvilServer::listen().await.unwrap());
        let honest = Honest::start(&evil).await;
        let mut device = Device::create(&evil.origin()).await;
        let mut views = vec![device.see()];
        let founding_traffic = evil.traffic();
        let fresh = device.moment().await;
        device.open().await.unwrap();
        let envs = vec![
            ("dev".to_owned(), EnvClass::Development),
            ("prod".to_owned(), EnvClass::Production),
        ];
        device.session().create_app("shop", envs).await.unwrap();
        for (env, name, value) in [
            ("prod", "DATABASE_URL", "postgres://one"),
            ("prod", "STRIPE_KEY", "sk_one"),
            ("prod", "SMTP_PASSWORD", "mail_one"),
            ("dev", "DATABASE_URL", "postgres://dev"),
        ] {
            views.push(device.see());
            device.put(env, name, value).await.unwrap();
        }
        views.push(device.see());
        let half = device.moment().await;
        let old_backup = honest.backup().await;
        device.open().await.unwrap();
        let prod = device.env("prod");
        let (old_sync, old_items) = fetched(&evil, device.at(&fresh), prod).await;
        for (env, name, value) in [
            ("prod", "STRIPE_KEY", "sk_two"),
            ("prod", "JWT_SECRET", "jwt_one"),
            ("dev", "STRIPE_KEY", "sk_dev"),
        ] {
            device.put(env, name, value).await.unwrap();
            views.push(device.see());
        }
        device.delete("prod", "SMTP_PASSWORD").await.unwrap();
        views.push(device.see());
        let pinned = device.moment().await;
        device.open().await.unwrap();
        evil.forget();
        Self {
            evil,
            honest,
            device,
            fresh,
            half,
            pinned,
            honest_views: views,
            old_backup,
            old_sync,
            old_items,
            founding_traffic,
        }
    }

    /// An environment's items as the server gives them now.
    pub(crate) async fn items(&self, env: EnvId) -> ItemPage {
        fetched(&self.evil, self.device.at(&self.fresh), env).await.1
    }

    /// What everybody should see in the end.
    pub(crate) fn truth(&self) -> &Seen {
        self.honest_views.last().unwrap()
    }

    /// A device in each situation: fresh; half-way with its copy; half-way without; up to date with
    /// its copy; up to date without.
    pub(crate) fn devices(&self) -> Vec<(&'static str, Device)> {
        let mut devices = vec![("fresh", self.device.at(&self.fresh))];
        for (with, without, moment) in [
            ("half-way", "half-way without a copy", &self.half),
            ("pinned", "pinned without a copy", &self.pinned),
        ] {
            devices.push((with, self.device.at(moment)));
            let bare = self.device.at(moment);
            bare.lose_cache();
            devices.push((without, bare));
        }
        devices[0].1.lose_cache();
        devices
    }
}

/// What an honest server tells a device that has nothing: the whole chain, and an environment.
async fn fetched(evil: &EvilServer, mut device: Device, env: EnvId) -> (SyncAnswer, ItemPage) {
    device.lose_cache();
    evil.forget();
    device.open().await.unwrap();
    let traffic = evil.traffic();
    let sync = traffic.iter().find(|e| e.request.is("GET", "/sync")).unwrap();
    let ending = format!("/envs/{env}/items");
    let items = traffic.iter().find(|e| e.request.is("GET", &ending)).unwrap();
    (sync.answer.read_json().unwrap(), items.answer.read_page().unwrap())
}

pub(crate) fn api(origin: &str) -> Api {
    Api::new(origin.parse().unwrap(), TimeLimits::default()).unwrap()
}

pub(crate) fn passphrase(words: &str) -> Passphrase {
    Passphrase::new(SecretText::from_string(words.to_owned())).unwrap()
}

fn host(folder: &Path, keyring: &Arc<MemoryKeyring>, clock: &Arc<TestClock>) -> Host {
    Host {
        profile: Profile::open(Some(folder.to_owned())).unwrap(),
        keyring: keyring.clone(),
        clock: clock.clone(),
        notices: broadcast::channel(64).0,
    }
}
