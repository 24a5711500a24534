//! What signing would do, in words.

use std::collections::BTreeSet;

use strongroom_core::access::{ActKind, CellChange, Review, review};
use strongroom_core::log::Facts;
use strongroom_format::id::{EnvId, Principal, UserId};
use strongroom_format::statement::{Body, Policy, Rights};

use super::world::{DAY, NOW, World, person, user};

fn change(principal: Principal, env: EnvId, rights: Rights, not_after: u64) -> CellChange {
    CellChange { principal, env, rights, not_after }
}

fn reviewed(world: &mut World, n: usize, changes: &[CellChange], checked: &[UserId]) -> Review {
    let checked: BTreeSet<UserId> = checked.iter().copied().collect();
    let verified = |user: &UserId| checked.contains(user);
    review(&mut world.people[n], changes, &verified, &Facts::default(), NOW)
}

fn texts(review: &Review, kind: ActKind) -> Vec<&str> {
    review.acts.iter().filter(|act| act.kind == kind).map(|act| act.text.as_str()).collect()
}

#[test]
fn gains_and_losses_are_told_by_person_with_what_follows() {
    let mut world = World::new(60);
    let (dev, prod) = (world.dev, world.prod);
    world.put(0, dev, &[("A", "1"), ("B", "2")]);
    world.grant(person(2), dev, Rights::READ.with(Rights::WRITE), 0);
    world.grant(person(3), dev, Rights::READ, 0);
    let changes = [
        change(person(2), dev, Rights::NONE, 0),
        change(person(3), prod, Rights::READ, 1_796_515_200_000),
        change(person(3), dev, Rights::READ.with(Rights::WRITE), 0),
    ];
    let review = reviewed(&mut world, 0, &changes, &[user(3)]);
    let gains: Vec<&str> = review.gains[0].lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(review.gains[0].name, "Noor Basri");
    assert_eq!(gains, ["Read storefront / prod, until 6 Dec 2026", "Write storefront / dev"]);
    assert_eq!(review.loses.len(), 1);
    let loss = &review.loses[0];
    assert_eq!((loss.name.as_str(), loss.lines[0].secrets), ("Teo Varga", 2));
    assert_eq!(loss.lines[0].text, "Read and write storefront / dev");
    assert_eq!((review.links, review.replaced.as_slice(), review.resealed), (3, &[dev][..], 2));
    assert_eq!(
        texts(&review, ActKind::Sign),
        ["You sign 3 organisation links as Mara Lind, on this computer."]
    );
    assert_eq!(
        texts(&review, ActKind::Rotate),
        ["1 data key is replaced and 2 secrets sealed again. It resumes if interrupted."]
    );
    assert_eq!((review.check, review.blocked), (None, None));
}

#[test]
fn an_earlier_end_is_a_loss_and_a_later_one_a_gain() {
    let mut world = World::new(61);
    let dev = world.dev;
    world.grant(person(2), dev, Rights::READ, NOW + DAY);
    world.grant(person(3), dev, Rights::READ, 0);
    let changes = [
        change(person(2), dev, Rights::READ, 0),
        change(person(3), dev, Rights::READ, NOW + 2 * DAY),
    ];
    let review = reviewed(&mut world, 0, &changes, &[]);
    assert_eq!(review.gains[0].lines[0].text, "Read storefront / dev without an end");
    assert_eq!(review.loses[0].lines[0].text, "Read storefront / dev ends on 23 Sep 2026");
    assert!(review.replaced.is_empty(), "nobody loses the key today");
}

#[test]
fn an_unverified_person_is_named_and_ticked_and_blocked_where_the_policy_says_so() {
    let mut world = World::new(62);
    let prod = world.prod;
    let changes = [change(person(2), prod, Rights::READ, 0)];
    assert_eq!(reviewed(&mut world, 0, &changes, &[user(2)]).check, None);
    let open = reviewed(&mut world, 0, &changes, &[]);
    assert_eq!(
        open.check.as_deref(),
        Some("I checked that an unverified person gains access to storefront / prod.")
    );
    let warning = open.acts.iter().find(|act| act.compare_with.is_some()).unwrap();
    assert_eq!(warning.compare_with, Some(user(2)));
    assert_eq!(warning.text, "Teo Varga\u{2019}s key was never compared.");
    assert_eq!(open.blocked, None);

    let policy = Policy { grants_to_unverified: false, ..Policy::initial() };
    world.write(0, |pen| pen.link(Body::Policy(policy))).unwrap();
    let closed = reviewed(&mut world, 0, &changes, &[]);
    assert!(closed.blocked.unwrap().contains("Teo Varga"));
    let taken = reviewed(&mut world, 0, &changes, &[user(2)]);
    assert_eq!(taken.blocked, None);
}

#[test]
fn fewer_than_two_holders_is_warned_of_where_it_gets_worse() {
    let mut world = World::new(63);
    let dev = world.dev;
    world.grant(person(2), dev, Rights::READ, 0);
    let one = reviewed(&mut world, 0, &[change(person(2), dev, Rights::NONE, 0)], &[]);
    assert_eq!(
        texts(&one, ActKind::Warn),
        ["Only one person would hold the key of storefront / dev."]
    );
    assert_eq!(
        one.check.as_deref(),
        Some("I checked that only one person keeps the key of storefront / dev.")
    );
    let swap = [change(person(2), dev, Rights::NONE, 0), change(person(3), dev, Rights::READ, 0)];
    assert_eq!(reviewed(&mut world, 0, &swap, &[user(3)]).check, None, "two remain");
    let more = [change(person(3), world.prod, Rights::READ, 0)];
    assert_eq!(reviewed(&mut world, 0, &more, &[user(3)]).check, None, "from one to two");
}

#[test]
fn who_manages_without_the_key_is_told_that_others_have_to_act() {
    let mut world = World::new(64);
    let dev = world.dev;
    world.grant(person(2), dev, Rights::READ, 0);
    let changes = [change(person(3), dev, Rights::READ, 0)];
    let gives = reviewed(&mut world, 1, &changes, &[user(3)]);
    assert_eq!(
        texts(&gives, ActKind::Warn),
        [
            "You hold no key of storefront / dev. New readers wait until somebody who does is online."
        ]
    );
    let takes = reviewed(&mut world, 1, &[change(person(2), dev, Rights::NONE, 0)], &[]);
    assert!(texts(&takes, ActKind::Warn)[0].contains("has to replace it"));
}

#[test]
fn what_cannot_be_signed_blocks_with_its_reason() {
    let mut world = World::new(65);
    let dev = world.dev;
    let changes =
        [change(person(4), dev, Rights::READ, 0), change(person(3), dev, Rights::READ, NOW - 1)];
    let review = reviewed(&mut world, 0, &changes, &[user(3), user(4)]);
    assert_eq!(review.links, 0);
    let blocked = review.blocked.unwrap();
    assert!(blocked.contains("cannot be signed"), "{blocked}");
    assert!(blocked.ends_with("And 1 change more."), "{blocked}");
}
