//! The time of day, behind a trait, so that a test can move it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time of day. Whatever counts down uses a monotonic timer instead.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Milliseconds since 1970; 0 on a clock set before that.
    fn now_ms(&self) -> u64;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the time of day enters; everything else takes it as an argument"
    )]
    fn now_ms(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_the_year_2020() {
        assert!(SystemClock.now_ms() > 1_577_836_800_000);
    }
}
