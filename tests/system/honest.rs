//! The real server behind the evil one, with a data directory that can be copied and put back.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_evil_server::EvilServer;
use strongroom_server::{Clock, Config, Rates, Running, start_with};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::world::START;

/// A clock that is a minute ahead of the clients' and goes on.
#[derive(Debug)]
struct Later {
    now: AtomicU64,
    skipped: Arc<AtomicU64>,
}

impl Clock for Later {
    fn now_ms(&self) -> u64 {
        self.now.fetch_add(1, Ordering::SeqCst) + self.skipped.load(Ordering::SeqCst)
    }
}

/// A data directory at one moment.
pub(crate) struct Backup(pub(crate) TempDir);

/// The honest server.
pub(crate) struct Honest {
    evil: Arc<EvilServer>,
    now: Mutex<Option<(Running, TempDir)>>,
    skipped: Arc<AtomicU64>,
}

impl Honest {
    /// Starts behind `evil`, whose address it takes for its own: sign-ins are bound to it.
    pub(crate) async fn start(evil: &Arc<EvilServer>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let skipped = Arc::default();
        let running = run(evil, data.path(), &skipped).await;
        Self { evil: Arc::clone(evil), now: Mutex::new(Some((running, data))), skipped }
    }

    /// The seed of the key that signs its checkpoints.
    pub(crate) async fn audit_seed(&self) -> [u8; 32] {
        let now = self.now.lock().await;
        let (_, data) = now.as_ref().expect("it runs");
        std::fs::read(data.path().join("audit.key")).unwrap().try_into().unwrap()
    }

    /// Lets time pass for it.
    pub(crate) fn advance(&self, ms: u64) {
        self.skipped.fetch_add(ms, Ordering::SeqCst);
    }

    /// While it is off, one bit turns over wherever its files hold `bytes`: in the last of them.
    pub(crate) async fn flip_bit_of(&self, bytes: &[u8]) {
        self.restart(|data| {
            let mut turned = 0;
            for entry in std::fs::read_dir(data.path()).unwrap() {
                let path = entry.unwrap().path();
                let Ok(mut file) = std::fs::read(&path) else { continue };
                let places: Vec<usize> = memchr::memmem::find_iter(&file, bytes).collect();
                for place in &places {
                    file[place + bytes.len() - 1] ^= 1;
                }
                if !places.is_empty() {
                    std::fs::write(&path, file).unwrap();
                }
                turned += places.len();
            }
            assert!(turned > 0, "the files hold it");
            data
        })
        .await;
    }

    /// A copy of everything it holds.
    pub(crate) async fn backup(&self) -> Backup {
        let copied = tempfile::tempdir().unwrap();
        self.restart(|data| {
            copy(data.path(), copied.path());
            data
        })
        .await;
        Backup(copied)
    }

    /// Goes on from a backup, as after a disaster or on purpose.
    pub(crate) async fn restore(&self, backup: &Backup) {
        let fresh = tempfile::tempdir().unwrap();
        copy(backup.0.path(), fresh.path());
        self.restart(|_| fresh).await;
    }

    async fn restart(&self, between: impl FnOnce(TempDir) -> TempDir) {
        let mut now = self.now.lock().await;
        let (old, data) = now.take().expect("it runs");
        // It has to be whole on the disk before its files are copied.
        old.shut_down().await;
        let data = between(data);
        *now = Some((run(&self.evil, data.path(), &self.skipped).await, data));
    }
}

async fn run(evil: &EvilServer, data: &Path, skipped: &Arc<AtomicU64>) -> Running {
    let now = AtomicU64::new(START + 60_000);
    let clock = Arc::new(Later { now, skipped: Arc::clone(skipped) });
    let running = start_with(config(data, evil.origin()), clock).await.unwrap();
    evil.stand_before(&format!("http://{}", running.address()));
    running
}

fn config(data: &Path, origin: String) -> Config {
    let often = NonZeroU32::new(1_000_000).unwrap();
    let limits = Rates {
        sign_in_per_minute: often,
        sign_in_per_account: often,
        requests_per_second: often,
        acts_per_minute: often,
    };
    Config { origin: Some(origin), limits, ..Config::embedded(data) }
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
