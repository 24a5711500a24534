//! The broker's process.
//!
//! Invariant: it gets one end of a socket as its standard input and almost nothing of this program's
//! environment; it ends when the other end closes, and is killed if it does not.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use super::super::hold;

/// How long it may take to put everything away.
const GRACE: Duration = Duration::from_millis(1_500);
/// Variables that it may see: where its socket goes, what it speaks and what it says of itself.
const KEPT: &[&str] = &[
    "HOME",
    "LANG",
    "PATH",
    "STRONGROOM_LOG",
    "TMPDIR",
    "TZ",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    strongroom_control::dial::VARIABLE,
];

/// A process of ours.
#[derive(Debug, Clone)]
pub(super) struct Child(Arc<Mutex<std::process::Child>>);

/// Where its program is: beside this one.
pub(super) fn program() -> std::io::Result<PathBuf> {
    let beside = std::env::current_exe()?;
    let name = format!("strongroom-broker{}", std::env::consts::EXE_SUFFIX);
    Ok(beside.parent().unwrap_or(Path::new("")).join(name))
}

fn kept() -> impl Iterator<Item = (&'static str, OsString)> {
    KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)))
}

/// Starts it. The socket is this program's end of the link.
#[cfg(unix)]
pub(super) fn start(journal: &Path) -> std::io::Result<(Child, tokio::net::UnixStream)> {
    use std::os::{fd::OwnedFd, unix::net::UnixStream};
    use std::process::{Command, Stdio};

    let (ours, theirs) = UnixStream::pair()?;
    let child = Command::new(program()?)
        .arg("--link")
        .arg("--journal")
        .arg(journal)
        .env_clear()
        .envs(kept())
        .current_dir("/")
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()?;
    ours.set_nonblocking(true)?;
    Ok((Child(Arc::new(Mutex::new(child))), tokio::net::UnixStream::from_std(ours)?))
}

impl Child {
    /// Kills it at once.
    pub(super) fn kill(&self) {
        if let Err(error) = hold(&self.0).kill() {
            tracing::warn!(%error, "the broker's process");
        }
    }

    /// Waits a moment for it to end, then kills it.
    pub(super) async fn end(self) {
        let begin = std::time::Instant::now();
        while begin.elapsed() < GRACE {
            match hold(&self.0).try_wait() {
                Ok(None) => {}
                Ok(Some(_)) | Err(_) => return,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.kill();
        let reaped = tokio::task::spawn_blocking(move || hold(&self.0).wait().map(drop)).await;
        if !matches!(reaped, Ok(Ok(()))) {
            tracing::warn!("the broker's process could not be waited for");
        }
    }
}
