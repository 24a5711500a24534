//! Memory with 10,000 secrets open: the core and the client in a process of their own, no window.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use strongroom_client::profile::VaultId;

use crate::Failure;
use crate::table::{Row, time};
use crate::vault::{filled, reopen};

const SECRETS: usize = 10_000;
/// The argument that makes this program open a vault and print what that took.
pub(crate) const HOLD: &str = "--hold";

/// A process that has unlocked a vault and listed its names.
pub(crate) fn rows() -> Result<Vec<Row>, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let vault = runtime.block_on(filled(folder.path(), SECRETS))?.to_string();
    let output =
        Command::new(std::env::current_exe()?).arg(HOLD).arg(folder.path()).arg(vault).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    let figures = text.lines().filter_map(|line| line.split_once('\t'));
    Ok(figures.map(|(what, figure)| Row::stated(what, figure.to_owned())).collect())
}

/// What the other process does and prints: one figure a line.
pub(crate) fn hold(folder: &str, vault: &str) -> Result<String, Failure> {
    let vault: VaultId = vault.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let empty = Memory::now()?;
        let start = Instant::now();
        let session = reopen(Path::new(folder), vault).await?;
        let unlocked = start.elapsed();
        let listed: usize = session.with(|org| {
            let envs = org.environments(0);
            envs.iter().map(|env| Ok(org.list(env.env)?.rows().len())).sum()
        })?;
        let all = start.elapsed();
        if listed != SECRETS {
            return Err("not every name was listed".into());
        }
        let full = Memory::now()?;
        session.close().await;
        let figures = [
            ("unlock with 10,000 secrets, Argon2id included", time(unlocked)),
            ("  then open the list of names", time(all.saturating_sub(unlocked))),
            ("memory before (PSS)", mib(empty.pss)),
            ("memory with 10,000 names open (PSS)", mib(full.pss)),
            ("  at most, while unlocking (RSS)", mib(full.peak)),
        ];
        Ok(figures.map(|(what, figure)| format!("{what}\t{figure}\n")).concat())
    })
}

/// What the system says of this process, in KiB.
struct Memory {
    pss: u64,
    peak: u64,
}

impl Memory {
    fn now() -> Result<Self, Failure> {
        Ok(Self {
            pss: figure("/proc/self/smaps_rollup", "Pss:")?,
            peak: figure("/proc/self/status", "VmHWM:")?,
        })
    }
}

/// A number that the system says of this process.
pub(crate) fn figure(file: &str, key: &str) -> Result<u64, Failure> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)).ok_or("no such figure")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn mib(kib: u64) -> String {
    format!("{} MiB", kib.div_ceil(1024))
}
