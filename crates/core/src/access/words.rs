//! Words that several views share.

use std::collections::BTreeMap;

use strongroom_format::id::{EnvId, SecretId};
use strongroom_format::statement::Role;

use crate::details::{EnvClass, Thing};
use crate::replica::Replica;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The day of a time in milliseconds since 1970, in UTC: `6 Dec 2026`.
pub fn day(time_ms: u64) -> String {
    // Years are counted from March, so that the leap day is the last of its year, and in eras of
    // 400 years, which all have 146,097 days.
    let days = time_ms / DAY_MS + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(month < 2);
    let month = usize::try_from(month).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"");
    format!("{day} {month} {year}")
}

/// A role with its article.
pub(super) fn a_role(role: Role) -> &'static str {
    match role {
        Role::Owner => "an owner",
        Role::Admin => "an admin",
        Role::Member => "a member",
        Role::Reviewer => "a reviewer",
    }
}

/// `1 secret`, `38 secrets`.
pub(crate) fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// What an environment is for, as its name in the directory says.
pub(crate) fn class(replica: &mut Replica, env: &EnvId) -> EnvClass {
    let named = replica.directory_name(env.directory_item());
    named.and_then(|named| named.details.class).unwrap_or(EnvClass::Other)
}

/// How many secrets each environment holds: by its own copy, or by the labels of the directory
/// where this person cannot fetch it.
pub(crate) fn secret_counts(replica: &mut Replica) -> BTreeMap<EnvId, usize> {
    let state = replica.state();
    let directory = state.directory();
    let mut counts: BTreeMap<EnvId, usize> = state.envs().keys().map(|env| (*env, 0)).collect();
    let mut unknown = false;
    for (env, count) in &mut counts {
        match replica.env(env) {
            Some(copy) => *count = copy.history().items().live(),
            None => unknown = true,
        }
    }
    let Some(copy) = directory.filter(|_| unknown).and_then(|env| replica.env(&env)) else {
        return counts;
    };
    let labels: Vec<SecretId> = copy.live().map(|(item, _)| item.change.secret).collect();
    for label in labels {
        let named = replica.directory_name(label);
        let named = named.filter(|named| named.details.thing == Some(Thing::Secret));
        let env = named.and_then(|named| named.details.env);
        if let Some(env) = env.filter(|env| replica.env(env).is_none()) {
            *counts.entry(env).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (ms, text) in [
            (0, "1 Jan 1970"),
            (951_782_400_000, "29 Feb 2000"),
            (951_868_800_000, "1 Mar 2000"),
            (1_796_515_199_999, "5 Dec 2026"),
            (1_796_515_200_000, "6 Dec 2026"),
            (4_107_542_400_000, "1 Mar 2100"),
        ] {
            assert_eq!(day(ms), text);
        }
    }
}
