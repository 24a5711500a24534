//! Limits in number, time, speed and size.

use strongroom_policy::{Effect, Rate, SecretDenial, Why};

use crate::world::{AGENT, NOW, SESSION, World, ask, at, rule};

#[test]
fn a_rule_ends() {
    let mut short = rule(Effect::Allow);
    short.not_after_ms = Some(NOW);
    let mut world = World::new(vec![short, rule(Effect::Allow)]);
    world.allowed(&ask("GET", "/repos/a"));
    world.now_ms = NOW + 1;
    assert_eq!(world.why(&ask("GET", "/repos/a")), Why::Expired, "no later rule takes its place");
}

#[test]
fn a_rule_and_a_secret_are_used_so_often_and_no_more() {
    let mut twice = rule(Effect::Allow);
    twice.uses = Some(2);
    let mut world = World::new(vec![twice]);
    world.go(&ask("GET", "/repos/a"));
    world.go(&ask("GET", "/repos/a"));
    assert_eq!(world.why(&ask("GET", "/repos/a")), Why::UsedUp);
    world.usage.end(SESSION);
    assert_eq!(world.why(&ask("GET", "/repos/a")), Why::UsedUp, "another session counts on");
    world.usage.forget_rules(AGENT);
    world.secrets.get_mut(&at(1)).unwrap().uses = Some(2);
    assert_eq!(world.why(&ask("GET", "/repos/a")), Why::SecretPolicy(SecretDenial::UsedUp));
    let mut none = rule(Effect::Allow);
    none.uses = Some(0);
    assert_eq!(World::new(vec![none]).why(&ask("GET", "/repos/a")), Why::UsedUp);
}

#[test]
fn a_pool_goes_on_with_the_next_secret_when_one_is_used_up() {
    let mut pool = rule(Effect::Allow);
    pool.secrets = vec![at(1), at(2)];
    let mut world = World::new(vec![pool]);
    world.secrets.get_mut(&at(1)).unwrap().uses = Some(1);
    assert_eq!(world.go(&ask("GET", "/repos/a")).secrets, [at(1), at(2)]);
    assert_eq!(world.go(&ask("GET", "/repos/a")).secrets, [at(2)]);
}

#[test]
fn speed_is_bounded_for_session_rule_and_secret() {
    let rate = Rate { count: 1, per_seconds: 10 };
    let mut fast = rule(Effect::Allow);
    fast.rate = Some(rate);
    let mut by_rule = World::new(vec![fast]);
    let mut by_session = World::new(vec![rule(Effect::Allow)]);
    by_session.policy.rate = Some(rate);
    let mut by_secret = World::new(vec![rule(Effect::Allow)]);
    by_secret.secrets.get_mut(&at(1)).unwrap().rate = Some(rate);
    for world in [&mut by_rule, &mut by_session, &mut by_secret] {
        world.go(&ask("GET", "/repos/a"));
        world.now_ms = NOW + 4_000;
        assert_eq!(world.why(&ask("GET", "/repos/a")).retry_after_ms(), Some(6_000));
        world.now_ms = NOW + 10_000;
        world.allowed(&ask("GET", "/repos/a"));
    }
}

#[test]
fn bytes_are_bounded_before_they_go() {
    let mut small = rule(Effect::Allow);
    small.bytes = Some(100);
    let mut world = World::new(vec![small]);
    world.allowed(&ask("POST", "/repos/a").bytes(100));
    assert_eq!(world.why(&ask("POST", "/repos/a").bytes(101)), Why::Budget);
    world.usage.note_bytes(AGENT, SESSION, 0, 60);
    world.allowed(&ask("POST", "/repos/a").bytes(40));
    assert_eq!(world.why(&ask("POST", "/repos/a").bytes(41)), Why::Budget);
    assert_eq!(world.why(&ask("POST", "/repos/a").bytes(u64::MAX)), Why::Budget);
    world.usage.note_bytes(AGENT, SESSION, 0, u64::MAX);
    assert_eq!(world.why(&ask("GET", "/repos/a")), Why::Budget);
}

#[test]
fn a_session_has_its_own_budget_of_requests_bytes_and_time() {
    let mut world = World::new(vec![rule(Effect::Allow)]);
    world.usage.begin(SESSION, NOW);
    world.policy.requests = Some(1);
    world.go(&ask("GET", "/repos/a"));
    assert_eq!(world.why(&ask("GET", "/repos/a")), Why::Budget);
    world.policy.requests = None;
    world.policy.bytes = Some(10);
    world.usage.note_bytes(AGENT, SESSION, 0, 10);
    assert_eq!(world.why(&ask("GET", "/repos/a")), Why::Budget);
    world.policy.bytes = None;
    world.policy.session_minutes = Some(1);
    world.now_ms = NOW + 59_999;
    world.allowed(&ask("GET", "/repos/a"));
    world.now_ms = NOW + 60_000;
    assert_eq!(world.why(&ask("GET", "/repos/a")), Why::SessionOver);
}

#[test]
fn a_reason_that_is_wanted_must_say_something() {
    let mut why = rule(Effect::Allow);
    why.reason = true;
    let world = World::new(vec![why]);
    for question in [ask("GET", "/repos/a"), ask("GET", "/repos/a").because(" \t")] {
        assert_eq!(world.why(&question), Why::ReasonMissing);
    }
    world.allowed(&ask("GET", "/repos/a").because("the release notes"));
}

#[test]
fn every_reason_has_a_code_and_a_sentence_of_its_own() {
    let denials = [
        SecretDenial::NoPolicy,
        SecretDenial::Host,
        SecretDenial::Port,
        SecretDenial::Method,
        SecretDenial::Path,
        SecretDenial::Plain,
        SecretDenial::Mints,
        SecretDenial::Expired,
        SecretDenial::UsedUp,
        SecretDenial::TooFast { retry_after_ms: 1 },
    ];
    let mut all = vec![
        Why::NoRule,
        Why::DeniedByRule,
        Why::TokenMissing,
        Why::WrongHost,
        Why::UnknownProvider,
        Why::Process,
        Why::Capability,
        Why::Plain,
        Why::Scope,
        Why::Expired,
        Why::UsedUp,
        Why::TooFast { retry_after_ms: 1 },
        Why::Budget,
        Why::SessionOver,
        Why::ReasonMissing,
    ];
    all.extend(denials.map(Why::SecretPolicy));
    let codes: std::collections::BTreeSet<_> = all.iter().map(Why::code).collect();
    let sentences: std::collections::BTreeSet<_> = all.iter().map(Why::to_string).collect();
    assert_eq!((codes.len(), sentences.len()), (all.len(), all.len()));
    assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
}
