//! Findings that follow from how things stand.

use strongroom_chain::tree::Frontier;
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Detail, Event, EventKind, SignedAct};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{DeviceId, Principal, SecretId, TokenId};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::AuditPin;
use strongroom_format::statement::{Body, EnvRight, EpochReason, Rights};

use super::world::person;
use super::*;
use crate::insights::limits::{ENDS_SOON_MS, HELD_MS, OLD_MS, UNUSED_MS};
use crate::log::{Acts, Against, AuditCopy, Verdict, weigh};
use crate::replica::Me;

fn secret(n: u8) -> SecretId {
    SecretId([n; 16])
}

/// A secret with so many values before its newest.
fn add(world: &mut World, n: u8, created_ms: u64, since_ms: u64, before: usize) {
    let value = Some(ValueAge { since_ms, before });
    let env = world.env();
    world.secrets.insert(env, secret(n), KnownSecret { created_ms, value });
}

/// A log as old as the organisation.
fn old_log(world: &mut World) {
    world.row(None, EventKind::ChainFetched, Verdict::Seen, 0, world.ago(199 * DAY_MS));
}

/// What a log says in which these things were done with secrets by `me`, or seen of others.
fn facts(world: &World, me: &Me, used: &[(u8, u64)], fetched: &[Principal]) -> Facts {
    let state = world.story.replica.state();
    let mut acts = Acts::new(DeviceId([1; 16]));
    for (n, _) in used {
        let detail =
            Detail { env: world.env(), secret: secret(*n), version: 1, ..Detail::status(0) };
        acts.push(me, state, EventKind::Revealed, detail);
    }
    let signed = acts.waiting().iter().cloned().zip(used.iter().map(|(_, at)| *at));
    let seen = fetched.iter().map(|who| {
        let detail = Detail { env: world.env(), ..Detail::status(200) };
        let act = Act {
            org: state.org(),
            kind: EventKind::EnvFetched,
            actor: Some(*who),
            device: DeviceId::ZERO,
            actor_seq: 0,
            actor_prev: ZERO,
            org_head: state.head(),
            detail,
            agency: None,
        };
        (SignedAct { act, signature: [0; 64] }, world.ago(DAY_MS))
    });
    let (pin, mut copy) = (AuditPin { reset: 0, size: 0, root: ZERO }, AuditCopy::new(0));
    let (against, mut log) = (Against::new(state, &pin), Frontier::new());
    for (SignedAct { act, signature }, server_time_ms) in signed.chain(seen) {
        let event = Event { act, signature, server_time_ms, peer: String::new() };
        let bytes = event.encode();
        log.append(strongroom_chain::tree::leaf_hash(&bytes));
        copy.take(&against, &weigh(&against, &bytes).unwrap()).unwrap();
    }
    let checkpoint = Checkpoint { org: state.org(), reset: 0, size: log.size(), root: log.root() };
    copy.settle(checkpoint, "").unwrap();
    copy.facts().unwrap().clone()
}

fn my_facts(world: &World, used: &[(u8, u64)]) -> Facts {
    facts(world, world.story.replica.me(), used, &[])
}

/// A token that reads the environment, issued at `at_ms`.
fn issue(world: &mut World, at_ms: u64, not_after: u64) -> TokenId {
    let (token, keys) = (world.story.token.id(), Me::token(&world.story.token).keyset.public());
    world.story.now = at_ms - 1_000;
    world.story.write(|pen, env| {
        let rights = vec![EnvRight { env, rights: Rights::READ, not_after: 0 }];
        let (sig_pub, enc_pub) = (keys.isk, keys.iek);
        pen.link(Body::TokenIssue { token, sig_pub, enc_pub, rights, not_after }).unwrap();
        pen.new_epoch(env, EpochReason::ReaderAdded).unwrap();
    });
    token
}

#[test]
fn a_secret_is_unused_after_ninety_days_without_a_use() {
    let mut world = World::new();
    old_log(&mut world);
    let (quiet, old) = (world.ago(UNUSED_MS + 1), world.ago(UNUSED_MS + 5));
    add(&mut world, 1, old, old, 0);
    add(&mut world, 2, old, old, 0);
    add(&mut world, 3, old, old, 0);
    add(&mut world, 4, quiet + 1, quiet + 1, 0);
    world.facts = Some(my_facts(&world, &[(2, quiet), (3, quiet + 1)]));
    let (env, secrets) = (world.env(), vec![secret(1), secret(2)]);
    let what = What::Unused { env, secrets, never: 1, quiet_since_ms: quiet };
    assert_eq!(world.found(), [what], "not the one used since, nor the one that is new");
    // Nobody has a reason to use a decoy.
    world.decoys.insert((env, secret(1)), world.now);
    let [What::Unused { secrets, never: 0, .. }] = &world.found()[..] else { panic!() };
    assert_eq!(secrets[..], [secret(2)]);
}

#[test]
fn nothing_is_called_unused_by_who_has_not_read_the_whole_time() {
    let mut world = World::new();
    let old = world.ago(UNUSED_MS + 5);
    add(&mut world, 1, old, old, 0);
    assert_eq!(world.found(), [], "no entries");
    world.row(None, EventKind::ChainFetched, Verdict::Seen, 0, world.ago(UNUSED_MS));
    assert_eq!(world.found(), [], "older ones were retired");
    world.rows[0].at_ms -= 1;
    assert_eq!(world.found().len(), 1);
    world.facts = None;
    assert_eq!(world.found(), [], "the log is closed to this person");
}

#[test]
fn a_value_is_stale_after_half_a_year_while_it_is_used() {
    let mut world = World::new();
    old_log(&mut world);
    let since = world.ago(OLD_MS + 1);
    add(&mut world, 1, since, since, 1);
    add(&mut world, 2, since, since + 1, 1);
    world.facts = Some(my_facts(&world, &[(1, world.ago(DAY_MS)), (2, world.ago(DAY_MS))]));
    let (env, secrets) = (world.env(), vec![secret(1)]);
    assert_eq!(world.found(), [What::Stale { env, secrets, since_ms: since }]);
    // An old value that nobody uses is unused, and only that.
    world.facts = Some(my_facts(&world, &[(2, world.ago(DAY_MS))]));
    let [What::Unused { .. }] = &world.found()[..] else { panic!("{:?}", world.found()) };
}

#[test]
fn a_first_value_of_half_a_year_was_never_rotated() {
    let mut world = World::new();
    world.facts = None;
    let since = world.ago(OLD_MS + 1);
    add(&mut world, 1, since, since, 0);
    add(&mut world, 2, since + 1, since + 1, 0);
    let (env, secrets) = (world.env(), vec![secret(1)]);
    let what = What::NeverRotated { env, secrets, since_ms: since };
    assert_eq!(world.found(), [what], "said without a log: the chain knows");
}

#[test]
fn what_was_written_is_read_from_the_history_and_sealing_anew_is_no_value() {
    let mut world = World::new();
    world.story.put(1, "one");
    let first = world.story.now;
    issue(&mut world, first + DAY_MS, 0);
    world.story.put(2, "two");
    world.story.put(2, "two, changed");
    let changed = world.story.now;
    world.story.revoke();
    world.story.rotate();
    let known = KnownSecrets::of(&mut world.story.replica);
    let one = known.lookup(&world.env(), &secret(1)).unwrap();
    assert_eq!(
        *one,
        KnownSecret { created_ms: first, value: Some(ValueAge { since_ms: first, before: 0 }) }
    );
    let two = known.lookup(&world.env(), &secret(2)).unwrap().value;
    assert_eq!(two, Some(ValueAge { since_ms: changed, before: 1 }));
    assert_eq!((known.len(), known.living(&world.env()), known.unseen()), (2, 2, 0));
}

#[test]
fn who_holds_a_key_for_a_month_and_opened_nothing_is_told() {
    let mut world = World::new();
    old_log(&mut world);
    let since_ms = world.ago(HELD_MS + 1);
    let token = Principal::Token(issue(&mut world, since_ms, 0));
    let what = What::OverGranted { who: token, envs: vec![world.env()], fetched: 0, since_ms };
    assert_eq!(world.found(), [what], "and not the only person with the key");
    assert_eq!(world.look().findings[0].severity, Severity::Look);
    world.facts = Some(facts(&world, world.story.replica.me(), &[], &[token]));
    let seen = world.look();
    assert_eq!(seen.findings[0].severity, Severity::Know, "it fetched and opened nothing");
    let me = Me::token(&world.story.token);
    world.facts = Some(facts(&world, &me, &[(1, world.ago(DAY_MS))], &[]));
    assert_eq!(world.found(), []);
    assert_eq!((seen.looked.holders, seen.looked.tokens), (2, 1));
}

#[test]
fn a_key_of_thirty_days_may_still_be_needed() {
    let mut world = World::new();
    old_log(&mut world);
    let at = world.ago(HELD_MS);
    issue(&mut world, at, 0);
    assert_eq!(world.found(), []);
    world.now += 1;
    assert_eq!(world.found().len(), 1);
    world.rows[0].at_ms = world.ago(HELD_MS);
    assert_eq!(world.found(), [], "older entries were retired");
}

#[test]
fn a_token_is_told_two_weeks_before_its_end() {
    let mut world = World::new();
    let ends_ms = world.now + ENDS_SOON_MS + 1;
    let at = world.ago(DAY_MS);
    let token = issue(&mut world, at, ends_ms);
    assert_eq!(world.found(), []);
    world.now += 1;
    assert_eq!(world.found(), [What::Expiring { token, ends_ms }]);
    assert_eq!(world.look().findings[0].severity, Severity::Act);
    world.now = ends_ms + 1;
    assert_eq!(world.found(), [], "it is over, and nobody asks with it");
}

#[test]
fn an_offboarding_that_is_not_finished_is_told() {
    let mut world = World::new();
    assert_eq!(world.found(), []);
    let queue = Queue { who: person(3), began_ms: world.ago(DAY_MS), keys: 0, values: 2 };
    world.queues.push(queue);
    assert_eq!(world.found(), [What::LeaverQueue(queue)]);
}

#[test]
fn a_dismissed_secret_stays_away_and_another_one_does_not() {
    let mut world = World::new();
    world.facts = None;
    let since = world.ago(OLD_MS + 2);
    add(&mut world, 1, since, since, 0);
    add(&mut world, 2, since, since, 0);
    let both = world.look().findings.remove(0);
    assert_eq!(both.covers.len(), 2);
    world.dismissed.extend(both.covers.iter().map(|key| (*key, u64::MAX)));
    assert_eq!(world.found(), []);
    add(&mut world, 3, since, since, 0);
    let [What::NeverRotated { secrets, .. }] = &world.found()[..] else { panic!() };
    assert_eq!(secrets[..], [secret(3)]);
    assert_eq!(world.look().dismissed, [both]);
}

#[test]
fn the_same_input_gives_the_same_findings_in_the_same_order() {
    let mut world = World::new();
    world.class = EnvClass::Production;
    old_log(&mut world);
    for who in 1..=9 {
        for n in 1..=20 {
            world.used(who, EventKind::Revealed, n, world.ago(DAY_MS));
        }
    }
    let seen = world.look();
    assert_eq!(seen.findings.len(), 18, "a first use and a collection of each");
    assert_eq!(seen, world.look());
}
