//! When nobody has been there for long enough. Pure: it is told the time.

use crate::view::Millis;

/// Counts from the last sign of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleClock {
    touched: Millis,
    /// None: nothing is open, or it never locks by itself.
    allowed: Option<Millis>,
}

impl IdleClock {
    /// A clock that waits for nothing yet.
    pub fn started(now: Millis) -> Self {
        Self { touched: now, allowed: None }
    }

    /// Takes over the setting, in minutes (0: never), and whether anything is open. Opening counts as
    /// a sign of a person.
    pub fn follow(&mut self, minutes: u32, open: bool, now: Millis) {
        let allowed = (open && minutes > 0).then(|| Millis::from(minutes) * 60_000);
        if allowed.is_some() && self.allowed.is_none() {
            self.touched = now;
        }
        self.allowed = allowed;
    }

    /// Somebody is there.
    pub fn touch(&mut self, now: Millis) {
        self.touched = now;
    }

    /// When it locks if nobody comes.
    pub fn locks_at(&self) -> Option<Millis> {
        Some(self.touched + self.allowed?)
    }

    /// Whether the time is up. A clock that was set back by more than a minute counts as up too:
    /// nobody can say how long it really was.
    pub fn is_due(&self, now: Millis) -> bool {
        self.locks_at().is_some_and(|end| now >= end || now < self.touched - 60_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = 60_000;

    fn open_for(minutes: u32) -> IdleClock {
        let mut clock = IdleClock::started(0);
        clock.follow(minutes, true, 1_000_000);
        clock
    }

    #[test]
    fn it_locks_after_the_time_set_and_not_before() {
        let clock = open_for(5);
        assert!(!clock.is_due(1_000_000 + 5 * MINUTE - 1));
        assert!(clock.is_due(1_000_000 + 5 * MINUTE));
    }

    #[test]
    fn a_sign_of_a_person_starts_the_time_again() {
        let mut clock = open_for(5);
        clock.touch(1_000_000 + 4 * MINUTE);
        assert!(!clock.is_due(1_000_000 + 8 * MINUTE));
        assert_eq!(clock.locks_at(), Some(1_000_000 + 9 * MINUTE));
    }

    #[test]
    fn zero_minutes_never_lock_and_nothing_open_never_locks() {
        assert_eq!(open_for(0).locks_at(), None);
        let mut clock = open_for(5);
        clock.follow(5, false, 1_000_000);
        assert!(!clock.is_due(Millis::MAX));
    }

    #[test]
    fn opening_counts_as_a_sign_but_a_repeated_view_does_not() {
        let mut clock = open_for(5);
        clock.follow(5, true, 1_000_000 + 4 * MINUTE);
        assert!(clock.is_due(1_000_000 + 5 * MINUTE));
    }

    #[test]
    fn a_clock_set_back_locks_instead_of_giving_more_time() {
        assert!(open_for(5).is_due(1_000_000 - 2 * MINUTE));
        assert!(!open_for(5).is_due(1_000_000 - MINUTE / 2));
    }
}
