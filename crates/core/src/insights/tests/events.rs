//! Findings that rest on entries of the log.

use strongroom_format::event::EventKind;
use strongroom_format::id::{Principal, SecretId};
use strongroom_format::statement::{Body, EnvRight, EpochReason, Rights};

use super::world::{ADDRESS, person};
use super::*;
use crate::insights::limits::{BURST_MS, FIRST_MS, HISTORY_MS, REFUSED_MS};
use crate::log::{Use, Verdict};
use crate::replica::Me;

#[test]
fn a_decoy_that_was_used_is_told_with_the_strongest_use() {
    let mut world = World::new();
    let decoy = (world.env(), SecretId([9; 16]));
    world.decoys.insert(decoy, world.ago(DAY_MS));
    world.used(1, EventKind::Decrypted, 9, world.ago(HOUR_MS));
    world.used(1, EventKind::Revealed, 9, world.ago(HOUR_MS));
    world.used(1, EventKind::Copied, 8, world.ago(HOUR_MS));
    let at = world.ago(HOUR_MS);
    let what = What::DecoyTouched {
        env: decoy.0,
        secret: decoy.1,
        who: person(1),
        what: Use::Revealed,
        uses: 2,
        first_ms: at,
        last_ms: at,
    };
    assert_eq!(world.found(), [what]);
    assert_eq!(world.look().findings[0].severity, Severity::Act);
}

#[test]
fn a_decoy_is_not_touched_by_a_fetch_nor_by_what_was_before_it_was_one() {
    let mut world = World::new();
    world.decoys.insert((world.env(), SecretId([9; 16])), world.ago(HOUR_MS));
    world.used(1, EventKind::Revealed, 9, world.ago(HOUR_MS + 1));
    world.row(Some(person(1)), EventKind::EnvFetched, Verdict::Seen, 9, world.ago(60));
    assert_eq!(world.found(), []);
    world.used(1, EventKind::Brokered, 9, world.ago(HOUR_MS));
    assert_eq!(world.found().len(), 1);
}

#[test]
fn a_doubtful_entry_counts_for_nothing() {
    let mut world = World::new();
    world.decoys.insert((world.env(), SecretId([9; 16])), 0);
    for secret in 0..30 {
        world.row(Some(person(1)), EventKind::Revealed, Verdict::Doubtful, secret, world.ago(60));
    }
    for _ in 0..20 {
        world.row(None, EventKind::Refused, Verdict::Doubtful, 0, world.ago(60));
    }
    let seen = world.look();
    assert_eq!(seen.findings, []);
    assert_eq!((seen.looked.entries, seen.looked.doubtful), (50, 50));
    assert_eq!(seen.charts.days.iter().map(|day| day.uses + day.refused).sum::<u32>(), 0);
    // The server's word for a use is none either.
    world.rows.clear();
    world.row(Some(person(1)), EventKind::Revealed, Verdict::Seen, 9, world.ago(60));
    assert_eq!(world.found(), []);
    // Behind a gap the signature still holds.
    world.row(Some(person(1)), EventKind::Revealed, Verdict::Gap, 9, world.ago(60));
    assert_eq!(world.found().len(), 1);
}

#[test]
fn twenty_values_in_ten_minutes_are_a_collection_and_nineteen_are_not() {
    let mut world = World::new();
    let from = world.ago(HOUR_MS);
    for secret in 1..=19 {
        world.used(1, EventKind::Copied, secret, from);
        world.used(2, EventKind::Copied, secret + 100, from);
        world.used(1, EventKind::Revealed, secret, from);
    }
    assert_eq!(world.found(), [], "the same value twice is one");
    world.used(1, EventKind::Injected, 20, from + 1);
    assert_eq!(world.found(), [], "what goes into a process is seen by nobody");
    world.used(1, EventKind::Exported, 20, from + BURST_MS);
    assert_eq!(world.found(), [], "ten minutes are over");
    world.rows.pop();
    world.used(1, EventKind::Exported, 20, from + BURST_MS - 1);
    let [What::MassReveal { who, secrets, envs, half_of, from_ms, to_ms }] = &world.found()[..]
    else {
        panic!("{:?}", world.found())
    };
    assert_eq!((who, *secrets, &envs[..]), (&person(1), 20, &[world.env()][..]));
    assert_eq!((half_of, *from_ms, *to_ms), (&None, from, from + BURST_MS - 1));
}

#[test]
fn what_goes_on_is_one_collection_and_what_stops_is_two() {
    let mut world = World::new();
    let from = world.ago(HOUR_MS);
    for secret in 1..=40 {
        world.used(1, EventKind::Revealed, secret, from + u64::from(secret) * 10_000);
    }
    for secret in 1..=20 {
        world.used(1, EventKind::Revealed, secret, from + HOUR_MS / 2 + u64::from(secret));
    }
    let counts: Vec<usize> = world
        .found()
        .iter()
        .map(|what| match what {
            What::MassReveal { secrets, .. } => *secrets,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(counts, [20, 40], "the newest first");
}

#[test]
fn half_of_a_small_environment_is_a_collection_from_six_on() {
    let living = KnownSecret { created_ms: 0, value: None };
    let half_of = |living_secrets: u8, taken: u8| {
        let mut world = World::new();
        world.facts = None;
        for secret in 1..=living_secrets {
            let created_ms = world.ago(DAY_MS);
            world.secrets.insert(
                world.env(),
                SecretId([secret; 16]),
                KnownSecret { created_ms, ..living },
            );
        }
        for secret in 1..=taken {
            world.used(1, EventKind::Revealed, secret, world.ago(HOUR_MS));
        }
        !world.found().is_empty()
    };
    assert!(half_of(12, 6));
    assert!(!half_of(13, 6));
    assert!(!half_of(6, 5), "two of three are not much");
}

#[test]
fn ten_refusals_of_an_address_within_an_hour_are_told_and_nine_are_not() {
    let mut world = World::new();
    let from = world.ago(DAY_MS);
    for n in 0..9 {
        world.refused("203.0.113.9", from + n);
        world.refused("198.51.100.1", from + n * REFUSED_MS);
    }
    assert_eq!(world.found(), []);
    world.refused("203.0.113.9", from + REFUSED_MS);
    assert_eq!(world.found(), [], "the hour of the first is over");
    world.refused("203.0.113.9", from + REFUSED_MS);
    let address = "203.0.113.9".to_owned();
    let (from_ms, to_ms) = (from + 1, from + REFUSED_MS);
    assert_eq!(world.found(), [What::RefusedByAddress { address, count: 10, from_ms, to_ms }]);
}

/// 50 uses between 9 and 17 o'clock, ten days ago and before.
fn used_in_office_hours(world: &mut World, count: u64) {
    for n in (0..count).rev() {
        let midnight = world.now / DAY_MS * DAY_MS - (10 + n / 8) * DAY_MS;
        world.used(1, EventKind::Revealed, 1, midnight + (9 + n % 8) * HOUR_MS);
    }
    world.rows.sort_by_key(|row| row.at_ms);
}

#[test]
fn a_use_at_night_is_told_to_who_works_by_day() {
    let mut world = World::new();
    used_in_office_hours(&mut world, 50);
    let midnight = world.now / DAY_MS * DAY_MS;
    world.used(1, EventKind::Copied, 1, midnight + 8 * HOUR_MS);
    assert_eq!(world.found(), [], "an hour before the usual ones is none");
    world.used(1, EventKind::Copied, 1, midnight + 3 * HOUR_MS);
    world.used(1, EventKind::Copied, 1, midnight + 3 * HOUR_MS + 1);
    let at = midnight + 3 * HOUR_MS;
    let what = What::OffHours {
        who: person(1),
        uses: 2,
        first_ms: at,
        last_ms: at + 1,
        usual: vec![(8, 18)],
        learnt_from: 50,
    };
    assert_eq!(world.found(), [what]);
    // The same moment is noon elsewhere, and so are the uses before.
    world.zone = Zone::minutes(8 * 60);
    let found = world.found();
    let [What::OffHours { usual, .. }] = &found[..] else { panic!("{found:?}") };
    assert_eq!(usual[..], [(16, 2)]);
}

#[test]
fn nobody_has_usual_hours_before_fifty_uses() {
    let mut world = World::new();
    used_in_office_hours(&mut world, 49);
    world.used(1, EventKind::Copied, 1, world.now / DAY_MS * DAY_MS + 3 * HOUR_MS);
    assert_eq!(world.found(), []);
}

#[test]
fn the_first_use_in_an_environment_of_production_is_told_for_a_week() {
    let mut world = World::new();
    world.class = EnvClass::Production;
    let first_ms = world.ago(FIRST_MS);
    world.used(1, EventKind::Revealed, 1, first_ms);
    world.used(1, EventKind::Revealed, 2, first_ms + 5);
    let what = |secrets: &[u8], new_there| What::FirstReader {
        who: person(1),
        env: world.env(),
        secrets: secrets.iter().map(|n| SecretId([*n; 16])).collect(),
        new_there,
        first_ms,
    };
    let expected = what(&[1, 2], true);
    assert_eq!(world.found(), [expected]);
    assert_eq!(world.look().findings[0].severity, Severity::Look);
    world.class = EnvClass::Staging;
    assert_eq!(world.found(), [], "only production");
    world.class = EnvClass::Production;
    world.now += 1;
    let [What::FirstReader { secrets, new_there, .. }] = &world.found()[..] else { panic!() };
    assert_eq!(
        (&secrets[..], *new_there),
        (&[SecretId([2; 16])][..], false),
        "it was there before"
    );
    world.now += 5;
    assert_eq!(world.found(), []);
}

#[test]
fn everybody_is_new_in_an_environment_of_less_than_thirty_days() {
    let mut world = World::new();
    world.class = EnvClass::Production;
    let state = world.story.replica.state();
    let created = state.time_at(state.env(&world.env()).unwrap().created).unwrap();
    world.now = created + HISTORY_MS + DAY_MS;
    world.used(1, EventKind::Revealed, 1, created + HISTORY_MS - 1);
    assert_eq!(world.found(), []);
    world.used(2, EventKind::Revealed, 1, created + HISTORY_MS);
    assert_eq!(world.found().len(), 1);
    // A secret that is new itself is nobody's old one.
    let created_ms = world.ago(2 * DAY_MS);
    let young = KnownSecret { created_ms, value: None };
    world.secrets.insert(world.env(), SecretId([1; 16]), young);
    assert_eq!(world.found(), []);
}

#[test]
fn a_token_that_has_ended_and_still_asks_is_told() {
    let mut world = World::new();
    let (token, end) = (world.story.token.id(), world.ago(DAY_MS));
    let keys = Me::token(&world.story.token).keyset.public();
    world.story.write(|pen, env| {
        let rights = vec![EnvRight { env, rights: Rights::READ, not_after: 0 }];
        let (sig_pub, enc_pub) = (keys.isk, keys.iek);
        pen.link(Body::TokenIssue { token, sig_pub, enc_pub, rights, not_after: end }).unwrap();
        pen.new_epoch(env, EpochReason::ReaderAdded).unwrap();
    });
    let who = Some(Principal::Token(token));
    world.row(who, EventKind::EnvFetched, Verdict::Seen, 0, end);
    assert_eq!(world.found(), [], "its last moment was its own");
    world.row(who, EventKind::Refused, Verdict::Seen, 0, end + 1);
    let what = What::Ended {
        token,
        ended_ms: end,
        asked: 1,
        last_ms: end + 1,
        address: ADDRESS.to_owned(),
    };
    assert_eq!(world.found(), [what]);
}

#[test]
fn the_charts_count_by_the_readers_own_days_and_hours() {
    let mut world = World::new();
    world.facts = None;
    // Tuesday 23:30 UTC of last week.
    let late = world.now / DAY_MS * DAY_MS - 7 * DAY_MS + 23 * HOUR_MS + HOUR_MS / 2;
    world.used(1, EventKind::Revealed, 1, late);
    world.refused("203.0.113.9", late);
    world.used(1, EventKind::Revealed, 1, world.ago(31 * DAY_MS));
    let charts = world.look().charts;
    assert_eq!(charts.days.len(), 30);
    assert_eq!((charts.days[22].uses, charts.days[22].refused), (1, 1));
    assert_eq!(charts.hours[1][23], 1);
    assert_eq!(charts.hours.iter().flatten().sum::<u32>(), 1);
    world.zone = Zone::minutes(60);
    let charts = world.look().charts;
    assert_eq!((charts.days[23].uses, charts.hours[2][0]), (1, 1), "Wednesday, half past midnight");
    assert_eq!(charts.days[29].from_ms % DAY_MS, 23 * HOUR_MS);
}

#[test]
fn what_is_dismissed_is_counted_and_comes_back() {
    let mut world = World::new();
    for secret in 1..=20 {
        world.used(1, EventKind::Copied, secret, world.ago(HOUR_MS));
    }
    let key = world.look().findings[0].key;
    world.dismissed.insert(key, world.now + 1);
    let seen = world.look();
    assert_eq!((seen.findings.len(), seen.dismissed.len()), (0, 1));
    assert_eq!(seen.dismissed[0].key, key);
    world.now += 1;
    assert_eq!(world.look().findings.len(), 1);
}
