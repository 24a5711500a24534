//! A real server on loopback, a folder of this computer, and a keyring in memory.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use strongroom_client::api::{Api, TimeLimits};
use strongroom_client::clock::{Clock, SystemClock};
use strongroom_client::keyring::{EntryKind, EntryName, Keyring, MemoryKeyring, Snapshot};
use strongroom_client::profile::{KeepSecretKey, Profile, ServerPlace, VaultId};
use strongroom_client::vault::{
    Cost, Creation, Host, Joining, Notice, Restore, SecretKeySource, Session, VaultError,
    create_sample, unlock,
};
use strongroom_format::id::{OrgId, UserId};
use strongroom_secret::{Passphrase, SecretText};
use strongroom_server::{Config, Rates, Running};
use tempfile::TempDir;
use tokio::sync::broadcast;

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

pub(crate) fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(SecretText::from_string(text.to_owned())).unwrap()
}

/// The clock of one machine, right until a test sets it wrong.
#[derive(Debug, Default)]
pub(crate) struct Shifted(AtomicI64);

impl Shifted {
    /// Sets the clock ahead by so many milliseconds, or behind if negative.
    pub(crate) fn set(&self, by_ms: i64) {
        self.0.store(by_ms, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> u64 {
        SystemClock.now_ms().saturating_add_signed(self.0.load(Ordering::Relaxed))
    }
}

impl Clock for Shifted {
    fn now_ms(&self) -> u64 {
        self.now()
    }
}

impl strongroom_server::Clock for Shifted {
    fn now_ms(&self) -> u64 {
        self.now()
    }
}

pub(crate) struct World {
    folder: TempDir,
    clocks: Mutex<BTreeMap<String, Arc<Shifted>>>,
    server: Option<Running>,
    origin: String,
    keyring: Arc<MemoryKeyring>,
    pub(crate) notices: broadcast::Sender<Notice>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clocks = Mutex::new(BTreeMap::new());
        let keyring = Arc::new(MemoryKeyring::new());
        let (notices, origin) = (broadcast::channel(64).0, String::new());
        let mut world = Self { folder, clocks, server: None, origin, keyring, notices };
        let data = world.folder.path().join("server");
        world.start_server(&data).await;
        world
    }

    /// The clock of a device, or of the machine called `server`.
    pub(crate) fn clock(&self, machine: &str) -> Arc<Shifted> {
        let mut clocks = self.clocks.lock().unwrap();
        Arc::clone(clocks.entry(machine.to_owned()).or_default())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn api(&self) -> Api {
        Api::new(self.origin.parse().unwrap(), TimeLimits::default()).unwrap()
    }

    fn host(&self, device: &str) -> Host {
        Host {
            profile: Profile::open(Some(self.folder.path().join(device))).unwrap(),
            keyring: self.keyring.clone(),
            clock: self.clock(device),
            notices: self.notices.clone(),
        }
    }

    pub(crate) async fn create(&self, keep: KeepSecretKey) -> Arc<Session> {
        let creation = Creation {
            label: "Work".into(),
            person: "Mara Lind".into(),
            organisation: "Acme".into(),
            sample: false,
            place: ServerPlace::Embedded,
            api: self.api(),
            keep,
            cost: Cost::Test,
            admission: None,
        };
        creation.run(passphrase(PASSPHRASE), self.host("first")).await.unwrap()
    }

    /// The sample vault.
    pub(crate) async fn sample(&self) -> Arc<Session> {
        create_sample(self.api(), self.host("sample")).await.unwrap()
    }

    /// Somebody new on a computer of their own, with an invite code.
    pub(crate) async fn join(
        &self,
        code: &SecretText,
        person: &str,
        lost: Option<UserId>,
    ) -> Result<Arc<Session>, VaultError> {
        let joining = Joining {
            code: code.lend(|code| SecretText::from_string(code.to_owned())),
            person: person.to_owned(),
            label: person.to_owned(),
            lost,
            keep: KeepSecretKey::Keyring,
            cost: Cost::Test,
        };
        joining.run(passphrase(PASSPHRASE), self.api(), self.host(person)).await
    }

    /// The same person on a computer that has nothing but the Emergency Kit.
    pub(crate) async fn restore(
        &self,
        user: UserId,
        org: OrgId,
        head: Option<(u64, String)>,
        secret_key: &SecretText,
    ) -> Result<Arc<Session>, VaultError> {
        let restore = Restore {
            user,
            orgs: vec![org],
            head,
            secret_key: secret_key.lend(|key| SecretText::from_string(key.to_owned())),
            label: "Restored".to_owned(),
            keep: KeepSecretKey::Keyring,
        };
        restore.run(passphrase(PASSPHRASE), self.api(), self.host("restored")).await
    }

    pub(crate) async fn unlock(&self, id: VaultId, text: &str) -> Result<Arc<Session>, VaultError> {
        let source = SecretKeySource::Kept;
        unlock(id, passphrase(text), source, self.api(), self.host("first")).await
    }

    /// Opens a vault on one of the devices.
    pub(crate) async fn unlock_on(&self, id: VaultId, device: &str) -> Arc<Session> {
        let source = SecretKeySource::Kept;
        unlock(id, passphrase(PASSPHRASE), source, self.api(), self.host(device)).await.unwrap()
    }

    pub(crate) async fn unlock_with(
        &self,
        id: VaultId,
        text: &str,
        secret_key: &str,
    ) -> Result<Arc<Session>, VaultError> {
        let source = SecretKeySource::Typed(SecretText::from_string(secret_key.to_owned()));
        unlock(id, passphrase(text), source, self.api(), self.host("first")).await
    }

    /// Closes a vault and opens it again on the same device.
    pub(crate) async fn reopen(&self, session: Arc<Session>, device: &str) -> Arc<Session> {
        let id = session.record().id;
        self.close(session).await;
        self.unlock_on(id, device).await
    }

    pub(crate) async fn close(&self, session: Arc<Session>) {
        session.close().await;
        assert!(Arc::into_inner(session).is_some(), "nobody else holds the session");
    }

    /// Empties the keyring; gives back what it held.
    pub(crate) fn empty_keyring(&self) -> Snapshot {
        let held = self.keyring.snapshot();
        self.keyring.restore(Snapshot::default());
        held
    }

    pub(crate) fn restore_keyring(&self, held: Snapshot) {
        self.keyring.restore(held);
    }

    /// The same person on another computer: the vault's files without cache, lock and pins, and
    /// keyring entries of its own.
    pub(crate) async fn second_device(&self, first: &Session) -> Arc<Session> {
        let record = first.record();
        let (from, to) = (self.folder.path().join("first"), self.folder.path().join("second"));
        copy_tree(&from, &to);
        let keyring = Arc::new(MemoryKeyring::new());
        let names = [EntryKind::SecretKey, EntryKind::Words]
            .into_iter()
            .chain(record.orgs.iter().map(|org| EntryKind::Pins(*org)));
        for kind in names {
            let name = EntryName { vault: record.id, kind };
            keyring.set(&name, &self.keyring.get(&name).unwrap()).unwrap();
        }
        let host = Host { keyring, ..self.host("second") };
        let source = SecretKeySource::Kept;
        unlock(record.id, passphrase(PASSPHRASE), source, self.api(), host).await.unwrap()
    }

    pub(crate) async fn server_gone(mut self) -> Self {
        self.server.take().unwrap().shut_down().await;
        self
    }

    /// Copies the server's data, lets `change` happen, and starts the server from the copy.
    pub(crate) async fn restart_server_from_backup_after<F: Future<Output = Self>>(
        mut self,
        change: impl FnOnce(Self) -> F,
    ) -> Self {
        let (data, backup) = (self.folder.path().join("server"), self.folder.path().join("backup"));
        self.server.take().unwrap().shut_down().await;
        copy_tree(&data, &backup);
        self.start_server(&data).await;
        let mut world = change(self).await;
        world.server.take().unwrap().shut_down().await;
        world.start_server(&backup).await;
        world
    }

    async fn start_server(&mut self, data: &Path) {
        let clock = self.clock("server");
        // These stories open vaults more often in a minute than people do.
        let often = NonZeroU32::MAX;
        let limits = Rates {
            sign_in_per_minute: often,
            sign_in_per_account: often,
            requests_per_second: often,
            acts_per_minute: often,
        };
        let config = Config { limits, ..Config::embedded(data) };
        let server = strongroom_server::start_with(config, clock).await.unwrap();
        server.origin().clone_into(&mut self.origin);
        self.server = Some(server);
    }

    pub(crate) fn flip_a_byte(&self, vault: &VaultId, name: &str) {
        let profile = Profile::open(Some(self.folder.path().join("first"))).unwrap();
        let path = profile.cache_folder(vault).join(format!("{name}.sealed"));
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }

    /// Files below this world's folder that contain `needle`, raw or in one of the usual codings.
    pub(crate) fn files_containing(&self, needle: &[u8]) -> Vec<PathBuf> {
        let needles = codings(needle);
        let mut found = Vec::new();
        walk(self.folder.path(), &mut |path| {
            let bytes = std::fs::read(path).unwrap_or_default();
            if needles.iter().any(|n| contains(&bytes, n)) {
                found.push(path.to_owned());
            }
        });
        found
    }
}

fn codings(needle: &[u8]) -> Vec<Vec<u8>> {
    let reversed: Vec<u8> = needle.iter().rev().copied().collect();
    let utf16: Vec<u8> = needle.iter().flat_map(|b| [*b, 0]).collect();
    let mut all = vec![
        needle.to_vec(),
        data_encoding::HEXLOWER.encode(needle).into_bytes(),
        data_encoding::HEXUPPER.encode(needle).into_bytes(),
        reversed,
        utf16,
    ];
    // Base64 at each of the three places a byte can stand at, without the ends that depend on what
    // stands beside it.
    for pad in 0..3 {
        let mut shifted = vec![0; pad];
        shifted.extend_from_slice(needle);
        for encoding in [data_encoding::BASE64_NOPAD, data_encoding::BASE64URL_NOPAD] {
            let text = encoding.encode(&shifted).into_bytes();
            let from = (pad * 8).div_ceil(6);
            let to = text.len().saturating_sub(1);
            if to > from + 6 {
                all.push(text[from..to].to_vec());
            }
        }
    }
    all
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { walk(&path, visit) } else { visit(&path) }
    }
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
