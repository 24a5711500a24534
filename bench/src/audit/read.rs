//! A reviewer's client reads a made world: once from the server, once from what it kept.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_client::clock::SystemClock;
use strongroom_client::profile::Profile;
use strongroom_client::vault::{SecretKeySource, Session, unlock};
use strongroom_server::Config;

use super::queries::typical;
use crate::Failure;
use crate::memory::figure;
use crate::table::time;
use crate::vault::{api, host_at, passphrase};

/// The argument that makes this program serve such a world and read it, and say what that took.
pub(crate) const READ: &str = "audit-read";

/// What [`READ`] does. Reading leaves its own entries in the log.
pub(crate) fn read_world(folder: &str) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(read(Path::new(folder)))
}

async fn read(folder: &Path) -> Result<String, Failure> {
    let server = strongroom_server::start(Config::read(&folder.join("server.toml"))?).await?;
    let mut lines = Vec::new();
    let mut say = |what: &str, took: Duration| lines.push(format!("{what}: {}", time(took)));

    let session = open(folder, server.origin()).await?;
    let begin = Instant::now();
    session.sync().await?;
    say("links and names", begin.elapsed());
    let begin = Instant::now();
    if !session.pull_log().await? {
        return Err("the reviewer may not read the log".into());
    }
    say("the log from the server, every entry checked and kept", begin.elapsed());
    let verified = session.verify_log().await?;
    say("verify", verified.took);
    session.close().await;
    drop(session);

    let session = open(folder, server.origin()).await?;
    let begin = Instant::now();
    session.pull_log().await?;
    session.with_log(|_| ())?.ok_or("there is no log")?;
    say("the log from this computer, after unlocking", begin.elapsed());
    let asked = session.with_log(|log| typical(log.index, log.names))?.ok_or("there is no log")?;
    for (what, query) in &asked {
        let mut took = Vec::new();
        let mut rows = 0;
        for _ in 0..9 {
            let answer = session.log_ask(query)?.ok_or("there is no log")?;
            took.push(answer.took);
            rows = answer.found.rows.len();
        }
        took.sort_unstable();
        say(&format!("ask: {what} ({rows} rows)"), took[took.len() / 2]);
    }
    let standing = session.log_standing()?;
    lines.push(format!("index: {} bytes for {} rows", standing.index_bytes, standing.size));
    lines.push(format!("resident at most: {} KiB", figure("/proc/self/status", "VmHWM:")?));
    for step in &verified.steps {
        lines.push(format!("verified {:?}: {:?} ({})", step.kind, step.ok, step.detail));
    }
    lines.push(format!("ok: {}, bad: {:?}", verified.ok, verified.bad));
    session.close().await;
    server.shut_down().await;
    Ok(lines.join("\n") + "\n")
}

async fn open(folder: &Path, origin: &str) -> Result<Arc<Session>, Failure> {
    let folder = folder.join("reviewer");
    let all = Profile::open(Some(folder.clone()))?.list()?;
    let vault = all.vaults.first().ok_or("there is no vault")?.id;
    let host = host_at(&folder, Arc::new(SystemClock))?;
    Ok(unlock(vault, passphrase()?, SecretKeySource::Kept, api(origin)?, host).await?)
}
