//! The token, the lock file, and what both open.

use std::path::Path;

use strongroom_client::api::{Api, Origin, TimeLimits};
use strongroom_client::clock::{Clock as _, SystemClock};
use strongroom_client::robot::{Robot, RobotError, ServiceToken};
use strongroom_core::lock_file::{Lock, LockError, MAX_FILE};
use strongroom_core::variable::TOKEN;
use strongroom_format::id::EnvId;
use strongroom_secret::SecretText;

use crate::exit::Failure;
use crate::{From, lock};

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemClock.now_ms()
}

/// Reads `90m`, `12h` or `7d`, in milliseconds.
pub(crate) fn age(text: &str) -> Result<u64, String> {
    let wrong = || "a number and m, h or d: 90m, 12h, 7d".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(minutes * 60_000).ok_or_else(wrong)
}

/// The lock file.
pub(crate) fn read_lock(path: &Path) -> Result<Lock, Failure> {
    let unreadable = |why: &str| Failure::usage(format!("{}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|_| {
        unreadable("there is no lock file; save one from the Trust page, or `strongroom lock init`")
    })?;
    if size.len() > MAX_FILE as u64 {
        return Err(unreadable("too large"));
    }
    let text = std::fs::read_to_string(path).map_err(|_| unreadable("cannot be read"))?;
    Lock::parse(&text).map_err(|error| unreadable(&error.to_string()))
}

/// Verifies the organisation of a lock file with the token of this process.
pub(crate) async fn open(lock: Lock) -> Result<Robot, Failure> {
    let token = std::env::var(TOKEN)
        .map(SecretText::from_string)
        .map_err(|_| Failure::token(format!("{TOKEN} is not set, or is not text")))?;
    let token = token
        .lend(|text| ServiceToken::parse(text.trim()))
        .map_err(|error| Failure::token(format!("{TOKEN} holds no token: {error}")))?;
    let origin: Origin =
        lock.server.parse().map_err(|error| Failure::usage(format!("server: {error}")))?;
    let api = Api::new(origin, TimeLimits::default()).map_err(RobotError::from)?;
    Ok(Robot::open(api, &token, lock, now_ms()).await?)
}

/// Verifies, and fetches one environment.
pub(crate) async fn fetch(from: &From) -> Result<(Robot, EnvId), Failure> {
    let lock = read_lock(&from.lock.lock)?;
    let pinned: Vec<EnvId> = lock.envs.iter().map(|pin| pin.env).collect();
    let mut robot = open(lock).await?;
    let env = match (from.env, robot.readable().as_slice()) {
        (Some(env), _) => env,
        (None, [env]) => *env,
        (None, []) => return Err(Failure::missing("the token reads no environment")),
        (None, all) => {
            let all: Vec<String> = all.iter().map(EnvId::to_string).collect();
            return Err(Failure::usage(format!("name one with --env: {}", all.join(", "))));
        }
    };
    if from.locked && !pinned.contains(&env) {
        return Err(Failure::from(RobotError::from(LockError::NotPinned)));
    }
    robot.fetch(env).await?;
    if let Some(max) = from.max_age {
        lock::require_new(&robot, max)?;
    }
    Ok((robot, env))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_and_a_unit() {
        assert_eq!(age("90m"), Ok(90 * 60_000));
        assert_eq!(age("12h"), Ok(12 * 3_600_000));
        assert_eq!(age("7d"), Ok(7 * 86_400_000));
        for bad in ["", "7", "d", "7w", "-1d", "1.5h", "99999999999999999999d", "7ü"] {
            assert!(age(bad).is_err(), "{bad}");
        }
    }
}
