//! Rates, by address and by account.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use governor::clock::DefaultClock;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use serde::Deserialize;
use strongroom_format::id::{Principal, UserId};
use strongroom_format::wire::MAX_ACTS;

type Keyed<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>;

/// How many addresses and accounts are kept apart before idle ones are forgotten.
const MAX_KEYS: usize = 50_000;
/// Bearers of one address that may fail within a minute.
const MAX_GUESSES: u32 = 60;
/// Refusals of one address within a minute that are written down one by one, where whoever was
/// refused is nobody in the organisation.
const MAX_REFUSALS: u32 = 60;
const MINUTE_MS: u64 = 60_000;

/// The rates, as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Challenges, sign-ins and new accounts of one address in a minute.
    pub sign_in_per_minute: NonZeroU32,
    /// Challenges and sign-ins of one account in a minute.
    pub sign_in_per_account: NonZeroU32,
    /// Requests of one address in a second; ten times as many in a burst.
    pub requests_per_second: NonZeroU32,
    /// Signed acts of one person or token in a minute; ten times as many in a burst, as after a
    /// time without a network.
    pub acts_per_minute: NonZeroU32,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            sign_in_per_minute: rate(120),
            sign_in_per_account: rate(30),
            requests_per_second: rate(500),
            acts_per_minute: rate(6_000),
        }
    }
}

/// Whether there is room for one more entry about somebody who has no business here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Room {
    /// No more in this minute, and that was said.
    Full,
    /// For one that says that there was more.
    Last,
    /// As it is.
    Free,
}

/// Counts within a minute.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PerMinute {
    minute: u64,
    count: u32,
}

impl PerMinute {
    /// Counts one; the first `most` of a minute are free.
    pub(crate) fn next(&mut self, now_ms: u64, most: u32) -> Room {
        let minute = now_ms / MINUTE_MS;
        if self.minute != minute {
            *self = Self { minute, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        match self.count.cmp(&most.saturating_add(1)) {
            Ordering::Less => Room::Free,
            Ordering::Equal => Room::Last,
            Ordering::Greater => Room::Full,
        }
    }
}

/// Counts requests.
pub(crate) struct Limits {
    sign_in: Keyed<IpAddr>,
    accounts: Keyed<(IpAddr, UserId)>,
    requests: Keyed<IpAddr>,
    principals: Keyed<Principal>,
    acts: Keyed<Principal>,
    floods: Mutex<HashMap<IpAddr, u64>>,
    refusals: Mutex<HashMap<IpAddr, PerMinute>>,
    guesses: Mutex<HashMap<IpAddr, (u64, u32)>>,
}

impl Limits {
    pub(crate) fn new(rates: Rates) -> Self {
        let burst = rates.requests_per_second.saturating_mul(NonZeroU32::MIN.saturating_add(9));
        let requests = Quota::per_second(rates.requests_per_second).allow_burst(burst);
        // A whole page must fit, however low the rate is.
        let page = NonZeroU32::try_from(u32::try_from(MAX_ACTS).unwrap_or(u32::MAX));
        let acts = rates.acts_per_minute.saturating_mul(NonZeroU32::MIN.saturating_add(9));
        let acts = page.map_or(acts, |page| acts.max(page));
        Self {
            sign_in: Keyed::keyed(Quota::per_minute(rates.sign_in_per_minute)),
            accounts: Keyed::keyed(Quota::per_minute(rates.sign_in_per_account)),
            requests: Keyed::keyed(requests),
            principals: Keyed::keyed(requests),
            acts: Keyed::keyed(Quota::per_minute(rates.acts_per_minute).allow_burst(acts)),
            floods: Mutex::default(),
            refusals: Mutex::default(),
            guesses: Mutex::default(),
        }
    }

    /// Any request, by address.
    pub(crate) fn allow_request(&self, ip: IpAddr) -> bool {
        forget_idle(&self.requests);
        self.requests.check_key(&block(ip)).is_ok()
    }

    /// A request of somebody who is known.
    pub(crate) fn allow_principal(&self, principal: &Principal) -> bool {
        forget_idle(&self.principals);
        self.principals.check_key(principal).is_ok()
    }

    /// Signed acts of somebody who is known.
    pub(crate) fn allow_acts(&self, principal: &Principal, count: usize) -> bool {
        forget_idle(&self.acts);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let Ok(count) = NonZeroU32::try_from(count) else { return true };
        matches!(self.acts.check_key_n(principal, count), Ok(Ok(())))
    }

    /// A challenge, sign-in or new account, by address.
    pub(crate) fn allow_sign_in(&self, ip: IpAddr) -> bool {
        forget_idle(&self.sign_in);
        self.sign_in.check_key(&block(ip)).is_ok()
    }

    /// A challenge or sign-in, by address and the account that is claimed: counted by the account
    /// alone, anybody could lock somebody else out.
    pub(crate) fn allow_account(&self, ip: IpAddr, user: &UserId) -> bool {
        forget_idle(&self.accounts);
        self.accounts.check_key(&(block(ip), *user)).is_ok()
    }

    /// Whether this is the first request of an address that was over its rate in this minute.
    pub(crate) fn is_first_refusal(&self, ip: IpAddr, now_ms: u64) -> bool {
        let minute = now_ms / MINUTE_MS;
        let mut floods = self.floods.lock().unwrap_or_else(PoisonError::into_inner);
        if floods.len() >= MAX_KEYS {
            floods.retain(|_, at| *at == minute);
        }
        floods.insert(block(ip), minute) != Some(minute)
    }

    /// Whether another refusal of an address may be written down.
    pub(crate) fn room_for_refusal(&self, ip: IpAddr, now_ms: u64) -> Room {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.len() >= MAX_KEYS {
            refusals.retain(|_, counted| counted.minute == now_ms / MINUTE_MS);
        }
        refusals.entry(block(ip)).or_default().next(now_ms, MAX_REFUSALS)
    }

    /// Whether an address sent too many wrong bearers within this minute.
    pub(crate) fn is_guessing(&self, ip: IpAddr, now_ms: u64) -> bool {
        let guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        guesses
            .get(&block(ip))
            .is_some_and(|(minute, n)| *minute == now_ms / MINUTE_MS && *n >= MAX_GUESSES)
    }

    /// Counts a wrong bearer.
    pub(crate) fn note_guess(&self, ip: IpAddr, now_ms: u64) {
        let minute = now_ms / MINUTE_MS;
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= MAX_KEYS {
            guesses.retain(|_, (at, _)| *at == minute);
        }
        let entry = guesses.entry(block(ip)).or_insert((minute, 0));
        *entry = if entry.0 == minute { (minute, entry.1.saturating_add(1)) } else { (minute, 1) };
    }
}

/// An address as one customer of a network has it: a whole /64 of IPv6 costs nothing more.
fn block(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn forget_idle<K: std::hash::Hash + Eq + Clone>(limiter: &Keyed<K>) {
    if limiter.len() > MAX_KEYS {
        limiter.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_guesses_is_stopped_for_the_rest_of_the_minute() {
        let limits = Limits::new(Rates::default());
        let (ip, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..MAX_GUESSES {
            assert!(!limits.is_guessing(ip, 5));
            limits.note_guess(ip, 5);
        }
        assert!(limits.is_guessing(ip, 5));
        assert!(!limits.is_guessing(other, 5));
        assert!(!limits.is_guessing(ip, 5 + MINUTE_MS));
    }

    #[test]
    fn of_a_flood_of_refusals_the_first_are_written_down_and_one_that_says_so() {
        let limits = Limits::new(Rates::default());
        let (ip, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..MAX_REFUSALS {
            assert_eq!(limits.room_for_refusal(ip, 5), Room::Free);
        }
        assert_eq!(limits.room_for_refusal(ip, 5), Room::Last);
        assert_eq!(limits.room_for_refusal(ip, 5), Room::Full);
        assert_eq!(limits.room_for_refusal(other, 5), Room::Free);
        assert_eq!(limits.room_for_refusal(ip, 5 + MINUTE_MS), Room::Free);
    }

    #[test]
    fn a_page_of_acts_always_fits_and_a_flood_of_them_ends() {
        let one = NonZeroU32::MIN;
        let limits = Limits::new(Rates { acts_per_minute: one, ..Rates::default() });
        let (who, other) = (Principal::User(UserId([1; 16])), Principal::User(UserId([2; 16])));
        assert!(limits.allow_acts(&who, MAX_ACTS));
        assert!(!limits.allow_acts(&who, MAX_ACTS));
        assert!(limits.allow_acts(&who, 0));
        assert!(limits.allow_acts(&other, MAX_ACTS));
    }

    #[test]
    fn nobody_can_lock_somebody_else_out() {
        let limits = Limits::new(Rates::default());
        let (attacker, victim) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let user = UserId([1; 16]);
        while limits.allow_account(attacker, &user) {}
        assert!(limits.allow_account(victim, &user));
    }

    #[test]
    fn a_network_of_ipv6_addresses_counts_as_one() {
        let ip = |text: &str| text.parse().unwrap();
        assert_eq!(block(ip("2001:db8:1:2:3::9")), block(ip("2001:db8:1:2:ffff::")));
        assert_ne!(block(ip("2001:db8:1:2::")), block(ip("2001:db8:1:3::")));
        assert_eq!(block(ip("::ffff:10.0.0.1")), block(ip("10.0.0.1")));
    }
}
