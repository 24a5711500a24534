//! From changed cells to links.

use std::sync::OnceLock;

use proptest::prelude::*;
use strongroom_core::access::{AccessDraft, CellChange, Refusal, RefusedChanges, bodies};
use strongroom_format::id::{AgentId, EnvId, Principal};
use strongroom_format::statement::{Body, Rights};

use super::world::{DAY, NOW, PEOPLE, World, person};

const WRITE_ONLY: Rights = Rights::WRITE;

fn change(principal: Principal, env: EnvId, rights: Rights) -> CellChange {
    CellChange { principal, env, rights, not_after: 0 }
}

fn compose(world: &mut World) {
    let (env, group) = (world.prod, world.group);
    world.write(0, |pen| pen.link(Body::Compose { env, groups: vec![group] })).unwrap();
}

fn refusals(world: &World, author: usize, changes: &[CellChange]) -> Vec<Refusal> {
    match bodies(world.people[0].state(), &person(author), changes, NOW) {
        Ok(_) => Vec::new(),
        Err(RefusedChanges(refused)) => refused.into_iter().map(|refused| refused.why).collect(),
    }
}

fn sign(world: &mut World, author: usize, changes: &[CellChange]) {
    let bodies = bodies(world.people[0].state(), &person(author), changes, NOW).unwrap();
    world
        .write(author, |pen| {
            bodies.into_iter().try_for_each(|body| pen.link(body))?;
            pen.wrap_for_new_readers()
        })
        .unwrap();
}

#[test]
fn a_group_is_given_before_what_composes_it_and_taken_after() {
    let mut world = World::new(1);
    compose(&mut world);
    let (prod, group) = (world.prod, world.group);
    let gives = [change(person(2), prod, Rights::READ), change(person(2), group, Rights::READ)];
    sign(&mut world, 0, &gives);
    let takes = [change(person(2), group, Rights::NONE), change(person(2), prod, WRITE_ONLY)];
    sign(&mut world, 0, &takes);
    let state = world.people[0].state();
    assert_eq!(state.rights(&prod, &person(2), NOW), WRITE_ONLY);
    assert_eq!(state.rights(&group, &person(2), NOW), Rights::NONE);
    assert!(state.is_due(&prod, NOW) && state.is_due(&group, NOW));
}

#[test]
fn a_composition_without_its_group_is_refused_with_the_group() {
    let mut world = World::new(2);
    compose(&mut world);
    let (prod, group) = (world.prod, world.group);
    let alone = [change(person(2), prod, Rights::READ)];
    assert_eq!(refusals(&world, 0, &alone), [Refusal::NeedsGroup(group)]);
    let both = [change(person(2), prod, Rights::READ), change(person(2), group, Rights::READ)];
    sign(&mut world, 0, &both);
    let group_only = [change(person(2), group, Rights::NONE)];
    assert_eq!(refusals(&world, 0, &group_only), [Refusal::StillComposed(prod)]);
}

#[test]
fn who_takes_rights_from_itself_does_so_last() {
    let mut world = World::new(3);
    let dev = world.dev;
    world.grant(person(2), dev, Rights::ALL, 0);
    // Sorted by id, the author comes before the others.
    let changes = [
        change(person(2), dev, Rights::NONE),
        change(person(3), dev, Rights::READ),
        change(world.token, dev, Rights::NONE),
    ];
    sign(&mut world, 2, &changes);
    let state = world.people[0].state();
    assert_eq!(state.rights(&dev, &person(2), NOW), Rights::NONE);
    assert_eq!(state.rights(&dev, &person(3), NOW), Rights::READ);
    assert_eq!(state.rights(&dev, &world.token, NOW), Rights::NONE);
}

#[test]
fn what_nobody_may_have_is_refused_with_its_reason() {
    let mut world = World::new(4);
    let (dev, prod) = (world.dev, world.prod);
    let end = NOW + 3 * DAY;
    world.grant(person(2), dev, Rights::ALL, end);
    let directory = world.people[0].state().directory().unwrap();
    let agent = Principal::Agent(AgentId([9; 16]));
    let until = |not_after| CellChange { not_after, ..change(person(3), dev, Rights::READ) };
    let cases = [
        (0, change(person(4), dev, Rights::READ), Refusal::Reviewer),
        (0, change(agent, dev, Rights::READ), Refusal::Agent),
        (0, change(person(9), dev, Rights::READ), Refusal::Gone),
        (0, change(person(3), directory, Rights::READ), Refusal::NoEnvironment),
        (0, change(person(3), EnvId([3; 16]), Rights::READ), Refusal::NoEnvironment),
        (0, until(NOW - 1), Refusal::Ended),
        (2, until(0), Refusal::Outlasts),
        (2, until(end + 1), Refusal::Outlasts),
        (2, change(person(3), prod, Rights::READ), Refusal::NotAllowed),
        (3, change(person(2), dev, Rights::NONE), Refusal::NotAllowed),
    ];
    for (author, change, why) in cases {
        assert_eq!(refusals(&world, author, &[change]), [why], "{change:?}");
    }
    assert!(refusals(&world, 2, &[until(end)]).is_empty());
    assert!(refusals(&world, 2, &[change(person(2), dev, Rights::NONE)]).is_empty(), "leaves");
}

#[test]
fn what_is_already_so_takes_no_link_and_the_last_change_of_a_cell_counts() {
    let mut world = World::new(5);
    let dev = world.dev;
    world.grant(person(2), dev, Rights::READ, 0);
    let state = world.people[0].state();
    let changes = [
        change(person(2), dev, Rights::READ),
        change(person(3), dev, Rights::ALL),
        change(person(3), dev, Rights::NONE),
    ];
    assert_eq!(bodies(state, &person(0), &changes, NOW), Ok(Vec::new()));
}

#[test]
fn staged_changes_give_way_to_what_others_signed() {
    let mut world = World::new(6);
    let (dev, prod) = (world.dev, world.prod);
    let mut draft = AccessDraft::default();
    draft.stage(&[
        change(person(2), dev, Rights::READ),
        change(person(3), dev, Rights::READ),
        change(person(3), prod, Rights::READ),
    ]);
    let staged =
        |world: &World, draft: &AccessDraft| draft.staged(world.people[0].state(), &person(0), NOW);
    assert_eq!(staged(&world, &draft).len(), 3);
    // Somebody signs one of them: it drops out by itself, and comes back if that is taken away.
    world.grant(person(2), dev, Rights::READ, 0);
    assert_eq!(staged(&world, &draft).len(), 2);
    world.revoke(person(2), dev);
    assert_eq!(staged(&world, &draft).len(), 3);
    // Somebody becomes a reviewer: what is staged for her says why it cannot be.
    let to_reviewer = Body::MemberRole {
        user: super::world::user(3),
        role: strongroom_format::statement::Role::Reviewer,
    };
    world.write(0, |pen| pen.link(to_reviewer)).unwrap();
    let shown = staged(&world, &draft);
    let impossible = shown.iter().filter(|cell| cell.refusal == Some(Refusal::Reviewer)).count();
    assert_eq!((shown.len(), impossible), (3, 2));
    let decoded = AccessDraft::decode(&draft.encode()).unwrap();
    assert_eq!(staged(&world, &decoded), shown);
}

/// The organisation that every random one begins as.
fn base() -> World {
    static BASE: OnceLock<std::sync::Mutex<World>> = OnceLock::new();
    let base = BASE.get_or_init(|| {
        let mut world = World::new(7);
        compose(&mut world);
        std::sync::Mutex::new(world)
    });
    base.lock().unwrap().clone()
}

#[derive(Debug, Clone)]
struct Wish {
    who: usize,
    env: usize,
    bits: u8,
    days: Option<i8>,
}

fn wish() -> impl Strategy<Value = Wish> {
    // Mostly people, places and ends that can be; and a few that are not there.
    let who = prop_oneof![12 => 0..4usize, 3 => Just(PEOPLE.len()), 1 => 4..PEOPLE.len() + 2];
    let env = prop_oneof![15 => 0..3usize, 1 => 3..5usize];
    let days = prop_oneof![8 => Just(None), 4 => (1..4i8).prop_map(Some), 1 => Just(Some(-1i8))];
    (who, env, 0..8u8, days).prop_map(|(who, env, bits, days)| Wish { who, env, bits, days })
}

fn resolve(world: &World, wish: &Wish) -> CellChange {
    let principal = match wish.who {
        n if n < PEOPLE.len() => person(n),
        n if n == PEOPLE.len() => world.token,
        _ => Principal::Agent(AgentId([9; 16])),
    };
    let envs = [world.dev, world.prod, world.group];
    let directory = world.people[0].state().directory().unwrap();
    let env = envs.get(wish.env).copied().unwrap_or(if wish.env == 3 {
        directory
    } else {
        EnvId([5; 16])
    });
    let rights = [(1, Rights::READ), (2, Rights::WRITE), (4, Rights::GRANT)]
        .into_iter()
        .filter(|(bit, _)| wish.bits & bit != 0)
        .fold(Rights::NONE, |all, (_, right)| all.with(right));
    let not_after = match wish.days {
        None => 0,
        Some(days) => {
            NOW.checked_add_signed(i64::from(days) * i64::try_from(DAY).unwrap()).unwrap()
        }
    };
    CellChange { principal, env, rights, not_after }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is asked for in whatever world: either every link is taken by the verifier and the
    /// cells are as asked, or each refused change has a reason and none is signed.
    #[test]
    fn links_are_taken_by_the_verifier_or_refused_before(
        before in proptest::collection::vec(wish(), 0..12),
        author in 0..PEOPLE.len(),
        asked in proptest::collection::vec(wish(), 1..12),
    ) {
        let mut world = base();
        for wish in &before {
            let change = resolve(&world, wish);
            if let Ok(bodies) = bodies(world.people[0].state(), &person(0), &[change], NOW) {
                world
                    .write(0, |pen| bodies.into_iter().try_for_each(|body| pen.link(body)))
                    .unwrap();
            }
        }
        let asked: Vec<CellChange> = asked.iter().map(|wish| resolve(&world, wish)).collect();
        match bodies(world.people[0].state(), &person(author), &asked, NOW) {
            Ok(bodies) => {
                let signed = world.write(author, |pen| {
                    bodies.into_iter().try_for_each(|body| pen.link(body))
                });
                prop_assert!(signed.is_ok(), "{signed:?}");
                let last: std::collections::BTreeMap<_, _> =
                    asked.iter().map(|c| ((c.env, c.principal), c)).collect();
                for change in last.values() {
                    let state = world.people[0].state();
                    let now = state.rights(&change.env, &change.principal, NOW);
                    prop_assert_eq!(now, change.rights);
                }
            }
            Err(RefusedChanges(refused)) => prop_assert!(!refused.is_empty()),
        }
    }

    /// Nothing is refused that the verifier would take, but for what nobody means: an end that has
    /// passed, and rights for a token that has ended.
    #[test]
    fn no_single_change_is_refused_that_the_verifier_would_take(
        before in proptest::collection::vec(wish(), 0..8),
        author in 0..PEOPLE.len(),
        asked in wish(),
    ) {
        let mut world = base();
        for wish in &before {
            let change = resolve(&world, wish);
            if let Ok(bodies) = bodies(world.people[0].state(), &person(0), &[change], NOW) {
                world
                    .write(0, |pen| bodies.into_iter().try_for_each(|body| pen.link(body)))
                    .unwrap();
            }
        }
        let change = resolve(&world, &asked);
        let refused = refusals(&world, author, &[change]);
        prop_assume!(!refused.is_empty() && refused != [Refusal::Ended]);
        let CellChange { principal, env, rights, not_after } = change;
        let body = if rights == Rights::NONE {
            Body::EnvRevoke { env, principal }
        } else {
            Body::EnvGrant { env, principal, rights, not_after }
        };
        let signed = world.try_write(author, |pen| pen.link(body));
        prop_assert!(signed.is_err(), "refused as {refused:?}");
    }
}
