//! A vault on the embedded server, in a folder as the program's own, with its keys in a file.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_client::api::{Api, TimeLimits};
use strongroom_client::clock::{Clock, SystemClock};
use strongroom_client::keyring::Ask;
use strongroom_client::profile::{KeepSecretKey, Profile, ServerPlace, VaultId};
use strongroom_client::vault::{Cost, Creation, Host, ImportRun, SecretKeySource, Session, unlock};
use strongroom_core::details::EnvClass;
use strongroom_format::id::EnvId;
use strongroom_secret::{Passphrase, SecretText};
use strongroom_server::{Config, Running};
use tokio::sync::broadcast;

use crate::{Failure, world};

/// What opens every vault made here.
pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// The argument that makes this program make a vault with 10,000 secrets in a folder and print its
/// passphrase: `bench/window.py` opens it in the real window.
pub(crate) const MAKE: &str = "--make";

/// What [`MAKE`] does.
pub(crate) fn make_for_window(folder: &str) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(filled(Path::new(folder), 10_000))?;
    Ok(format!("{PASSPHRASE}\n"))
}

/// A server, a vault on it that is open, and one empty environment.
pub(crate) struct Vault {
    server: Running,
    ops: SocketAddr,
    /// The open vault.
    pub(crate) session: Arc<Session>,
    /// The environment.
    pub(crate) env: EnvId,
}

impl Vault {
    /// Makes all of it in `folder`, where the desktop program would find it too.
    pub(crate) async fn make(folder: &Path) -> Result<Self, Failure> {
        let ops = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut config = Config::embedded(Profile::open(Some(folder.to_owned()))?.server_folder()?);
        config.ops_bind = Some(ops);
        let server = strongroom_server::start(config).await?;
        let creation = Creation {
            label: "Work".to_owned(),
            person: "Mara Lind".to_owned(),
            organisation: "Acme".to_owned(),
            sample: false,
            place: ServerPlace::Embedded,
            api: api(server.origin())?,
            keep: KeepSecretKey::File,
            cost: Cost::Standard,
            admission: None,
        };
        let session = creation.run(passphrase()?, host(folder)?).await?;
        let environments = vec![("prod".to_owned(), EnvClass::Production)];
        session.create_app("storefront", environments).await?;
        let envs = session.with(|org| Ok(org.environments(0)))?;
        let env = envs.first().ok_or("there is no environment")?.env;
        Ok(Self { server, ops, session, env })
    }

    /// Reads a file and plans its import, as the window does before it asks.
    pub(crate) async fn plan(&self, file: &Path) -> Result<ImportRun, Failure> {
        let run = self.session.import_read(self.env, file).await?;
        self.session.import_plan(&run)?;
        Ok(run)
    }

    /// How many requests the server has answered.
    pub(crate) fn requests(&self) -> Result<u64, Failure> {
        let mut stream = TcpStream::connect(self.ops)?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let line = answer.lines().find(|line| line.starts_with("strongroom_requests_total "));
        let count = line.and_then(|line| line.split(' ').nth(1)).ok_or("no count of requests")?;
        Ok(count.parse()?)
    }

    /// Another client of the same server, without a session.
    pub(crate) fn api(&self) -> Result<Api, Failure> {
        api(self.server.origin())
    }

    /// Ends vault and server, and says which vault it was.
    pub(crate) async fn close(self) -> Result<VaultId, Failure> {
        let vault = self.session.record().id;
        self.session.close().await;
        drop(self.session);
        self.server.shut_down().await;
        Ok(vault)
    }
}

/// Makes a vault in `folder`, imports `secrets` invented ones, and closes it.
pub(crate) async fn filled(folder: &Path, secrets: usize) -> Result<VaultId, Failure> {
    let vault = Vault::make(folder).await?;
    let run = vault.plan(&invented(folder, secrets)?).await?;
    vault.session.import_apply(run).await?;
    vault.close().await
}

/// Writes a `.env` file with this many invented secrets.
pub(crate) fn invented(folder: &Path, secrets: usize) -> Result<PathBuf, Failure> {
    let path = folder.join("invented.env");
    let line = |n| format!("{}=example-value-{n:08}-0123456789abcdef\n", world::name(n));
    std::fs::write(&path, (0..secrets).map(line).collect::<String>())?;
    Ok(path)
}

/// Opens a closed vault without its server.
pub(crate) async fn reopen(folder: &Path, vault: VaultId) -> Result<Arc<Session>, Failure> {
    // Nothing listens there: what follows reads this computer's own files.
    let api = api("http://127.0.0.1:9")?;
    Ok(unlock(vault, passphrase()?, SecretKeySource::Kept, api, host(folder)?).await?)
}

/// A client of the server at `origin`.
pub(crate) fn api(origin: &str) -> Result<Api, Failure> {
    Ok(Api::new(origin.parse()?, TimeLimits::default())?)
}

fn host(folder: &Path) -> Result<Host, Failure> {
    host_at(folder, Arc::new(SystemClock))
}

/// What a vault in `folder` needs of this computer, whose clock may be another one.
pub(crate) fn host_at(folder: &Path, clock: Arc<dyn Clock>) -> Result<Host, Failure> {
    let (profile, keyring) = (Profile::open(Some(folder.to_owned()))?, Arc::new(Ask));
    Ok(Host { profile, keyring, clock, notices: broadcast::channel(64).0 })
}

/// [`PASSPHRASE`].
pub(crate) fn passphrase() -> Result<Passphrase, Failure> {
    Ok(Passphrase::new(SecretText::from_string(PASSPHRASE.to_owned()))?)
}
