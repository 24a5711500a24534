//! Findings in words. Times are told by the window; here stand counts, spans and who says so.

use strongroom_core::{
    insights::{What, limits::DAY_MS},
    log::Use,
};
use strongroom_format::event::MAX_PEER;

/// How many places a sentence names.
const PLACES: usize = 4;

/// What was found, without names.
pub(super) fn title(what: &What, now: u64) -> String {
    match what {
        What::Unused { secrets, .. } => {
            format!("{} for 90 days", counted(secrets.len(), "secret unused", "secrets unused"))
        }
        What::Stale { secrets, since_ms, .. } => match secrets.len() {
            1 => format!("A value in use is {} old", days(*since_ms, now)),
            n => format!("{n} values in use are older than 180 days"),
        },
        What::NeverRotated { secrets, since_ms, .. } => match secrets.len() {
            1 => format!("A first value is {} old", days(*since_ms, now)),
            n => format!("{n} first values are older than 180 days"),
        },
        What::OverGranted { envs, .. } => match envs.len() {
            1 => "A data key is held and not used".to_owned(),
            n => format!("{n} data keys are held and not used"),
        },
        What::Expiring { .. } => "A token ends soon".to_owned(),
        What::Ended { .. } => "A token that has ended still asks".to_owned(),
        What::FirstReader { secrets, new_there: true, .. } => {
            format!("First use in production: {}", counted(secrets.len(), "secret", "secrets"))
        }
        What::FirstReader { secrets, .. } => {
            format!("First use of {}", counted(secrets.len(), "secret", "secrets"))
        }
        What::OffHours { uses, .. } => {
            format!("{} outside the usual hours", counted(*uses as usize, "use", "uses"))
        }
        What::MassReveal { secrets, from_ms, to_ms, .. } => {
            format!("{secrets} values taken within {}", minutes(*from_ms, *to_ms))
        }
        What::RefusedByAddress { count, from_ms, to_ms, .. } => {
            format!("{count} requests of one address refused within {}", minutes(*from_ms, *to_ms))
        }
        What::DecoyTouched { what, .. } => format!("A decoy was {}", used(*what)),
        What::LeaverQueue(queue) if queue.keys > 0 => {
            "What a leaver held is not replaced".to_owned()
        }
        What::LeaverQueue(queue) => match queue.values {
            1 => "1 value that a leaver used is not replaced".to_owned(),
            n => format!("{n} values that a leaver used are not replaced"),
        },
    }
}

/// The numbers, and who says so.
pub(super) fn detail(what: &What, places: &[String], now: u64) -> String {
    match what {
        What::Unused { secrets, never, quiet_since_ms, .. } => {
            unused(secrets.len(), *never, &days(*quiet_since_ms, now))
        }
        What::Stale { secrets, since_ms, .. } => format!(
            "{} used within the last 90 days, by acts that clients signed. {} written {} ago; \
             sealing it anew under another data key does not count.",
            if secrets.len() == 1 { "It was" } else { "All were" },
            if secrets.len() == 1 { "It was" } else { "The oldest was" },
            days(*since_ms, now),
        ),
        What::NeverRotated { secrets, since_ms, .. } => format!(
            "{} written {} ago and has been the value since, by the signed history.",
            if secrets.len() == 1 { "It was" } else { "The oldest was" },
            days(*since_ms, now),
        ),
        What::OverGranted { envs, fetched, since_ms, .. } => {
            over_granted(envs.len(), *fetched, places, &days(*since_ms, now))
        }
        What::Expiring { .. } => {
            "What uses it stops working then. The end is signed in the chain.".to_owned()
        }
        What::Ended { ended_ms, asked, .. } => format!(
            "{} since it ended {} ago, refused each time. Seen by the server.",
            counted(*asked as usize, "request", "requests"),
            days(*ended_ms, now),
        ),
        What::FirstReader { new_there, .. } => {
            let before = if *new_there { "anything there" } else { "these" };
            format!(
                "The log has no earlier use of {before} by this principal, and at least 30 days in \
                 which there could have been one. Signed by its client."
            )
        }
        What::OffHours { usual, learnt_from, .. } => {
            let hours: Vec<String> =
                usual.iter().map(|(from, to)| format!("{from:02}:00 to {to:02}:00")).collect();
            format!(
                "Usual are {}, learnt from {learnt_from} earlier uses and told by this computer's \
                 clock. Signed by its client; the hour is the server's.",
                listed(&hours, PLACES)
            )
        }
        What::MassReveal { half_of, .. } => {
            let half = half_of.map_or_else(String::new, |(_, of)| {
                format!("That is half or more of an environment of {of}. ")
            });
            let places = listed(places, PLACES);
            format!(
                "Revealed, copied or exported in {places}. {half}Signed by its client; the times \
                 are the server's, and what was done offline is written down at once."
            )
        }
        What::RefusedByAddress { .. } => "Somebody guesses, or a build holds something that has \
             ended. Address and refusals are the server's word."
            .to_owned(),
        What::DecoyTouched { uses, .. } => format!(
            "{} since it became a decoy on this computer. Nobody has a reason to use it. Signed by \
             the client that did.",
            counted(*uses as usize, "use", "uses"),
        ),
        What::LeaverQueue(queue) => {
            let mut open = Vec::new();
            if queue.keys > 0 {
                open.push(counted(queue.keys, "data key to replace", "data keys to replace"));
            }
            if queue.values > 0 {
                let values = "to replace where it was issued";
                open.push(match queue.values {
                    1 => format!("1 value {values}"),
                    n => format!("{n} values to replace where they were issued"),
                });
            }
            format!(
                "{}, {} after the right to read ended. By the chain, and by uses that the leaver's \
                 clients signed.",
                listed(&open, PLACES),
                days(queue.began_ms, now)
            )
        }
    }
}

fn unused(secrets: usize, never: usize, quiet: &str) -> String {
    let whole = match (secrets, never) {
        (1, 0) => format!("The last use was {quiet} ago."),
        (1, _) => format!("It was written {quiet} ago and never used."),
        (_, 0) => format!("The newest use of any of them was {quiet} ago."),
        (n, never) if n == never => "None of them was ever used.".to_owned(),
        (_, never) => format!("{never} of them were never used; the others not for {quiet}."),
    };
    format!(
        "{whole} Counted are uses that clients signed; what is only fetched may still be opened by \
         a client that does not sign."
    )
}

fn over_granted(envs: usize, fetched: usize, places: &[String], held: &str) -> String {
    let here = if envs > 1 { format!("{}. ", listed(places, PLACES)) } else { String::new() };
    let seen = match fetched {
        0 => "The server never saw it fetch there.".to_owned(),
        n if n == envs => "The server saw it fetch there.".to_owned(),
        n => format!("The server saw it fetch from {n} of them."),
    };
    format!("{here}Held for {held}, and its clients never signed that a value was opened. {seen}")
}

fn used(what: Use) -> &'static str {
    match what {
        Use::Decrypted => "opened",
        Use::Exported => "written to a file",
        Use::Brokered => "used through the broker",
        Use::Injected => "put into a process",
        Use::Copied => "copied",
        Use::Revealed => "revealed",
    }
}

fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// `1 day`, `97 days`: how long `from` is ago.
fn days(from_ms: u64, now: u64) -> String {
    let days = now.saturating_sub(from_ms) / DAY_MS;
    if days == 0 { "less than a day".to_owned() } else { each(days, "day") }
}

/// `1 minute`, `10 minutes`: begun ones count.
fn minutes(from_ms: u64, to_ms: u64) -> String {
    let minutes = to_ms.saturating_sub(from_ms).div_ceil(60_000).max(1);
    if minutes > 120 { each(minutes.div_ceil(60), "hour") } else { each(minutes, "minute") }
}

fn each(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// `a`, `a and b`, `a, b and 3 more`.
fn listed(all: &[String], most: usize) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        all if all.len() > most => {
            format!("{} and {} more", all[..most].join(", "), all.len() - most)
        }
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Text of the server's, which cannot break a line.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_PEER).collect()
}

#[cfg(test)]
mod tests {
    use strongroom_core::insights::{Queue, limits::HOUR_MS};
    use strongroom_format::id::{EnvId, Principal, SecretId, TokenId, UserId};

    use super::*;

    const NOW: u64 = 1_000 * DAY_MS;
    const ENV: EnvId = EnvId([1; 16]);
    const WHO: Principal = Principal::User(UserId([2; 16]));

    fn secrets(n: u8) -> Vec<SecretId> {
        (0..n).map(|n| SecretId([n; 16])).collect()
    }

    fn every() -> Vec<What> {
        let (from_ms, to_ms) = (NOW - HOUR_MS, NOW - HOUR_MS + 90_000);
        let since_ms = NOW - 200 * DAY_MS;
        vec![
            What::Unused { env: ENV, secrets: secrets(1), never: 1, quiet_since_ms: since_ms },
            What::Stale { env: ENV, secrets: secrets(1), since_ms },
            What::NeverRotated { env: ENV, secrets: secrets(3), since_ms },
            What::OverGranted { who: WHO, envs: vec![ENV], fetched: 1, since_ms },
            What::Expiring { token: TokenId([3; 16]), ends_ms: NOW + 9 * DAY_MS },
            What::Ended {
                token: TokenId([3; 16]),
                ended_ms: NOW - 3 * DAY_MS,
                asked: 12,
                last_ms: NOW,
                address: "192.0.2.1".to_owned(),
            },
            What::FirstReader {
                who: WHO,
                env: ENV,
                secrets: secrets(2),
                new_there: true,
                first_ms: NOW,
            },
            What::OffHours {
                who: WHO,
                uses: 2,
                first_ms: from_ms,
                last_ms: to_ms,
                usual: vec![(8, 18), (22, 2)],
                learnt_from: 412,
            },
            What::MassReveal {
                who: WHO,
                secrets: 31,
                envs: vec![ENV],
                half_of: Some((ENV, 40)),
                from_ms,
                to_ms,
            },
            What::RefusedByAddress { address: "192.0.2.1".to_owned(), count: 14, from_ms, to_ms },
            What::DecoyTouched {
                env: ENV,
                secret: SecretId([9; 16]),
                who: WHO,
                what: Use::Revealed,
                uses: 1,
                first_ms: NOW,
                last_ms: NOW,
            },
            What::LeaverQueue(Queue { who: WHO, began_ms: since_ms, keys: 0, values: 2 }),
        ]
    }

    #[test]
    fn every_finding_says_what_it_is_and_on_whose_word() {
        let places = ["storefront / prod".to_owned()];
        let titles: Vec<String> = every().iter().map(|what| title(what, NOW)).collect();
        assert_eq!(
            titles,
            [
                "1 secret unused for 90 days",
                "A value in use is 200 days old",
                "3 first values are older than 180 days",
                "A data key is held and not used",
                "A token ends soon",
                "A token that has ended still asks",
                "First use in production: 2 secrets",
                "2 uses outside the usual hours",
                "31 values taken within 2 minutes",
                "14 requests of one address refused within 2 minutes",
                "A decoy was revealed",
                "2 values that a leaver used are not replaced",
            ]
        );
        let truth = ["signed", "Signed", "server", "chain", "clients"];
        for what in every() {
            let detail = detail(&what, &places, NOW);
            assert!(truth.iter().any(|word| detail.contains(word)), "{detail}");
            assert!(detail.ends_with('.') && !detail.contains("  "), "{detail}");
        }
    }

    #[test]
    fn numbers_and_lists_are_told_as_people_do() {
        let all: Vec<String> = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).into();
        assert_eq!(listed(&all[..2], 4), "a and b");
        assert_eq!(listed(&all[..3], 4), "a, b and c");
        assert_eq!(listed(&all, 4), "a, b, c, d and 2 more");
        assert_eq!(
            (days(NOW, NOW), days(NOW - DAY_MS, NOW)),
            ("less than a day".into(), "1 day".into())
        );
        assert_eq!(plain("a\nb\u{7}"), "ab");
    }
}
