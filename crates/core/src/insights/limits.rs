//! From when on something is worth a person's time, and why there.

/// One day, in milliseconds.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// One hour, in milliseconds.
pub const HOUR_MS: u64 = 60 * 60 * 1000;

/// Nobody used it for this long: what runs once a quarter has run in it.
pub const UNUSED_MS: u64 = 90 * DAY_MS;
/// A value older than this was seen by more people, builds and copies than anybody remembers.
pub const OLD_MS: u64 = 180 * DAY_MS;
/// A data key held for this long without use: a monthly job has run in it.
pub const HELD_MS: u64 = 30 * DAY_MS;
/// So many people keep a data key in any case: the second is there should the first be away.
pub const KEEPERS: usize = 2;
/// How long before its end a token is told: what uses it has to be found and given another one.
pub const ENDS_SOON_MS: u64 = 14 * DAY_MS;
/// How new a first use is told: a week covers a holiday's first day back.
pub const FIRST_MS: u64 = 7 * DAY_MS;
/// Before so much history everybody is a first-time reader.
pub const HISTORY_MS: u64 = 30 * DAY_MS;
/// From fewer earlier uses nobody's hours can be told.
pub const HABIT_USES: u32 = 50;
/// The uses that are held against the hours learnt before.
pub const OFF_HOURS_MS: u64 = 7 * DAY_MS;
/// An hour is usual if it and its two neighbours together saw one in so many of the earlier uses.
pub const USUAL_SHARE: u32 = 50;
/// What a person looks up one by one does not come to [`BURST_SECRETS`] in this time.
pub const BURST_MS: u64 = 10 * 60 * 1000;
/// So many different values in [`BURST_MS`] are a collection, not a look.
pub const BURST_SECRETS: usize = 20;
/// Half of an environment counts from so many secrets on: two of three are not much.
pub const HALF_FROM: usize = 6;
/// So many refusals from one address are no slip of the hand.
pub const REFUSALS: usize = 10;
/// In this time.
pub const REFUSED_MS: u64 = HOUR_MS;
/// How long bursts and refusals are told, unless they are dismissed.
pub const RECENT_MS: u64 = 30 * DAY_MS;
/// How long a touched decoy is told, unless it is dismissed: nobody has a reason to touch one.
pub const DECOY_MS: u64 = 90 * DAY_MS;
/// How many days the charts show.
pub const CHART_DAYS: usize = 30;
