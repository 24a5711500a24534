//! Uses and refusals by day, and uses by hour of the week.

use super::limits::{CHART_DAYS, DAY_MS, HOUR_MS};

/// How far the reader's clock is from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zone {
    minutes: i16,
}

impl Zone {
    /// East of Greenwich is positive; beyond a day there is no zone, and the nearest is taken.
    pub fn minutes(minutes: i32) -> Self {
        let most = 24 * 60;
        Self { minutes: i16::try_from(minutes.clamp(-most, most)).unwrap_or(0) }
    }

    /// The reader's time, counted like milliseconds since 1970.
    fn local(self, at_ms: u64) -> u64 {
        at_ms.saturating_add_signed(i64::from(self.minutes) * 60_000)
    }

    /// The hour of the day, 0 to 23.
    pub(super) fn hour(self, at_ms: u64) -> usize {
        usize::try_from(self.local(at_ms) / HOUR_MS % 24).unwrap_or(0)
    }

    /// The days since 1970.
    pub(super) fn day(self, at_ms: u64) -> u64 {
        self.local(at_ms) / DAY_MS
    }

    /// The day of the week; Monday is 0.
    fn weekday(self, at_ms: u64) -> usize {
        // 1 January 1970 was a Thursday.
        usize::try_from((self.day(at_ms) + 3) % 7).unwrap_or(0)
    }

    /// When a day begins, in milliseconds since 1970.
    fn begins(self, day: u64) -> u64 {
        (day * DAY_MS).saturating_add_signed(-i64::from(self.minutes) * 60_000)
    }
}

/// One day of the reader's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// When it begins, in milliseconds since 1970.
    pub from_ms: u64,
    /// Uses that a client signed.
    pub uses: u32,
    /// Refusals that the server saw.
    pub refused: u32,
}

/// The last [`CHART_DAYS`] days, today included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charts {
    /// By day, oldest first.
    pub days: Vec<Day>,
    /// Uses by day of the week, Monday first, and hour of the day.
    pub hours: [[u32; 24]; 7],
}

/// Counts while the log is read.
#[derive(Debug)]
pub(super) struct Counting {
    zone: Zone,
    first: u64,
    charts: Charts,
}

impl Counting {
    pub(super) fn new(zone: Zone, now_ms: u64) -> Self {
        let first = zone.day(now_ms).saturating_sub(CHART_DAYS as u64 - 1);
        let day = |n: u64| Day { from_ms: zone.begins(first + n), uses: 0, refused: 0 };
        let days = (0..CHART_DAYS as u64).map(day).collect();
        Self { zone, first, charts: Charts { days, hours: [[0; 24]; 7] } }
    }

    pub(super) fn used(&mut self, at_ms: u64) {
        let (zone, weekday, hour) = (self.zone, self.zone.weekday(at_ms), self.zone.hour(at_ms));
        let Some(day) = self.day_mut(zone.day(at_ms)) else { return };
        day.uses = day.uses.saturating_add(1);
        let count = &mut self.charts.hours[weekday][hour];
        *count = count.saturating_add(1);
    }

    pub(super) fn refused(&mut self, at_ms: u64) {
        let day = self.zone.day(at_ms);
        if let Some(day) = self.day_mut(day) {
            day.refused = day.refused.saturating_add(1);
        }
    }

    fn day_mut(&mut self, day: u64) -> Option<&mut Day> {
        self.charts.days.get_mut(usize::try_from(day.checked_sub(self.first)?).ok()?)
    }

    pub(super) fn finish(self) -> Charts {
        self.charts
    }
}
