//! When the window that follows the audit log asks for new entries. Pure: it is told the time.

use crate::view::Millis;

/// How long the server is left alone after an answer.
const EVERY: Millis = 2_000;
/// The longest wait after answers that failed.
const SLOWEST: Millis = 60_000;
/// How long a window that nobody looks at goes on.
const UNSEEN: Millis = 5 * 60_000;

/// Counts from the last answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FollowClock {
    on: bool,
    /// Nobody looks at the window since then.
    unseen_since: Option<Millis>,
    asked: Option<Millis>,
    /// How many answers in a row failed.
    failed: u32,
}

impl FollowClock {
    /// The window follows the log, or does not any more.
    pub fn set(&mut self, on: bool) {
        let unseen_since = self.unseen_since;
        *self = Self { on, unseen_since, ..Self::default() };
    }

    /// The window got the focus, or lost it.
    pub fn look(&mut self, seen: bool, now: Millis) {
        self.unseen_since = if seen { None } else { self.unseen_since.or(Some(now)) };
    }

    /// The server answered, or did not.
    pub fn asked(&mut self, went_well: bool, now: Millis) {
        self.asked = Some(now);
        self.failed = if went_well { 0 } else { self.failed.saturating_add(1) };
    }

    /// Whether to ask now. A clock that was set back asks at once rather than never.
    pub fn is_due(&self, now: Millis) -> bool {
        let seen = self.unseen_since.is_none_or(|since| now < since + UNSEEN);
        let rested = self.asked.is_none_or(|asked| now < asked || now >= asked + self.wait());
        self.on && seen && rested
    }

    /// Twice as long after each answer that failed.
    fn wait(&self) -> Millis {
        EVERY.saturating_mul(1 << self.failed.min(16)).min(SLOWEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Millis = 1_000_000;

    fn following() -> FollowClock {
        let mut clock = FollowClock::default();
        clock.set(true);
        clock
    }

    #[test]
    fn it_asks_at_once_and_then_every_two_seconds() {
        assert!(!FollowClock::default().is_due(START), "nobody follows");
        let mut clock = following();
        assert!(clock.is_due(START));
        clock.asked(true, START);
        assert!(!clock.is_due(START + EVERY - 1));
        assert!(clock.is_due(START + EVERY));
        clock.set(false);
        assert!(!clock.is_due(START + EVERY));
    }

    #[test]
    fn a_server_that_does_not_answer_is_asked_less_and_less() {
        let mut clock = following();
        for wait in [4_000, 8_000, 16_000, 32_000, SLOWEST, SLOWEST] {
            clock.asked(false, START);
            assert!(!clock.is_due(START + wait - 1), "{wait}");
            assert!(clock.is_due(START + wait), "{wait}");
        }
        clock.asked(true, START);
        assert!(clock.is_due(START + EVERY));
    }

    #[test]
    fn a_window_that_nobody_looks_at_stops_after_five_minutes() {
        let mut clock = following();
        clock.look(false, START);
        clock.look(false, START + 60_000);
        assert!(clock.is_due(START + UNSEEN - 1));
        assert!(!clock.is_due(START + UNSEEN));
        clock.set(true);
        assert!(!clock.is_due(START + UNSEEN), "it is still behind another one");
        clock.look(true, START + UNSEEN);
        assert!(clock.is_due(START + UNSEEN));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_it() {
        let mut clock = following();
        clock.asked(true, START);
        assert!(clock.is_due(START - 60_000));
    }
}
