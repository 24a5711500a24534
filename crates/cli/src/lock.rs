//! `strongroom lock`: beginning, raising and checking the lock file.

use std::path::Path;

use strongroom_client::robot::Robot;
use strongroom_core::lock_file::Lock;
use strongroom_core::utc;

use crate::exit::{Failure, say};
use crate::session::{now_ms, open, read_lock};
use crate::{Lock as Command, LockPath, run};

/// Runs a command about the lock file.
pub(crate) fn lock(command: Command) -> Result<(), Failure> {
    run::runtime()?.block_on(async {
        match command {
            Command::Init { server, org, lock: LockPath { lock: path } } => {
                if path.exists() {
                    return Err(Failure::usage(format!("{} is there already", path.display())));
                }
                let lock = raised(open(Lock::begin(&server, org)).await?).await?;
                write(&path, &lock)
            }
            Command::Update { lock: LockPath { lock: path } } => {
                let old = read_lock(&path)?;
                let lock = raised(open(old.clone()).await?).await?;
                if lock == old {
                    say("strongroom.lock is up to date.");
                    return Ok(());
                }
                write(&path, &lock)
            }
            Command::Check { lock: LockPath { lock: path } } => {
                let robot = open(read_lock(&path)?).await?;
                raised(robot).await.map(|_| say("The server shows what strongroom.lock names."))
            }
        }
    })
}

/// Fetches everything the token reads; each environment is held against the file.
async fn raised(mut robot: Robot) -> Result<Lock, Failure> {
    for env in robot.readable() {
        robot.fetch(env).await?;
    }
    Ok(robot.raised()?)
}

fn write(path: &Path, lock: &Lock) -> Result<(), Failure> {
    std::fs::write(path, lock.text())
        .map_err(|_| Failure::usage(format!("{} cannot be written", path.display())))?;
    say(&format!(
        "{}: link {}, {} environments. Review it and commit it.",
        path.display(),
        lock.link,
        lock.envs.len()
    ));
    Ok(())
}

/// Refuses what is older than a build allows: a server that holds the newest changes back.
pub(crate) fn require_new(robot: &Robot, max_age_ms: u64) -> Result<(), Failure> {
    let newest = robot.newest_ms();
    if now_ms().saturating_sub(newest) <= max_age_ms {
        return Ok(());
    }
    Err(Failure::old(format!("the newest signed change is of {}", utc::minutes(newest))))
}
