//! New data keys: what makes them due, what they seal, and what others see of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use strongroom_chain::CommitError;
use strongroom_chain::trie::Item;
use strongroom_core::details::{Details, Thing};
use strongroom_core::draft::{Draft, Edit};
use strongroom_core::env::{EnvCopy, TakeError};
use strongroom_core::pen::{WriteError, name};
use strongroom_core::rotation::{PARTS, due, due_envs, may_rotate, rebase};
use strongroom_core::{apply, replica::ReadError};
use strongroom_format::commit::{Field, MAX_ITEMS};
use strongroom_format::id::{EnvId, Principal, SecretId};
use strongroom_format::statement::{Body, EpochReason, Rights, Role};
use strongroom_format::wire::{FieldEnvelope, ItemRecord};
use strongroom_secret::SecretBytes;

use super::world::{DAY, NOW, World, person, text, user};

const READ_WRITE: u8 = 3;

fn read_write() -> Rights {
    let rights = Rights::READ.with(Rights::WRITE);
    assert_eq!(rights.bits(), READ_WRITE);
    rights
}

fn rotate(world: &mut World, n: usize, env: EnvId) -> Result<(), WriteError> {
    world.write(n, |pen| pen.rotate(env, &mut |_, _| true).map(|_| ()))
}

fn value(world: &mut World, n: usize, env: EnvId, secret: &SecretId) -> String {
    text(&world.people[n].open_field(env, secret, Field::Value).unwrap())
}

fn filled() -> (World, EnvId, Vec<SecretId>) {
    let mut world = World::new(20);
    let dev = world.dev;
    world.grant(person(2), dev, read_write(), 0);
    let ids = world.put(0, dev, &[("A", "one"), ("B", "two"), ("C", "three")]);
    (world, dev, ids)
}

#[test]
fn a_rotation_seals_every_value_anew_and_readers_go_on_reading() {
    let (mut world, dev, ids) = filled();
    world.grant(person(3), dev, Rights::READ, 0);
    world.revoke(person(2), dev);
    assert!(world.people[0].state().is_due(&dev, NOW));
    rotate(&mut world, 0, dev).unwrap();
    let state = world.people[0].state();
    assert!(!state.is_due(&dev, NOW));
    let newest = state.env(&dev).unwrap().epochs.last().unwrap();
    assert_eq!(newest.reason, EpochReason::Rotation);
    assert!(newest.wraps.iter().all(|wrap| wrap.recipient != person(2)));
    let copy = world.people[0].env(&dev).unwrap();
    let epochs: BTreeSet<u32> = copy.live().map(|(item, _)| item.epoch).collect();
    assert_eq!(epochs.len(), 1, "one key for all");
    for n in [0, 3] {
        assert_eq!(value(&mut world, n, dev, &ids[1]), "two");
        let named = world.people[n].open_named(dev, &ids[2]).unwrap();
        assert_eq!(named.details.note.as_deref(), Some("about C"), "notes go along");
    }
    let closed = world.people[2].open_field(dev, &ids[1], Field::Value);
    assert!(closed.is_ok(), "whoever left keeps what it fetched");
    world.put(0, dev, &[("D", "four")]);
    assert_eq!(world.people[2].env(&dev).unwrap().history().seq(), 1, "and gets nothing new");
}

#[test]
fn a_rotation_that_is_interrupted_has_not_happened() {
    let (mut world, dev, ids) = filled();
    world.revoke(person(2), dev);
    let result = world.try_write(0, |pen| pen.rotate(dev, &mut |_, _| false).map(|_| ()));
    assert!(matches!(result, Err(WriteError::Cancelled)));
    assert!(due_envs(&world.people[0], NOW).contains_key(&dev), "still due");
    rotate(&mut world, 0, dev).unwrap();
    assert!(due_envs(&world.people[0], NOW).is_empty());
    assert_eq!(value(&mut world, 0, dev, &ids[0]), "one");
}

#[test]
fn progress_is_told_and_ends_with_the_whole() {
    let (mut world, dev, _) = filled();
    let mut told = Vec::new();
    world
        .write(0, |pen| {
            pen.rotate(dev, &mut |done, total| {
                told.push((done, total));
                true
            })
            .map(|_| ())
        })
        .unwrap();
    assert_eq!(told.first(), Some(&(0, 3)));
    assert_eq!(told.last(), Some(&(3, 3)));
}

#[test]
fn an_environment_without_secrets_gets_a_key_and_no_commit() {
    let mut world = World::new(21);
    let prod = world.prod;
    world.grant(person(2), prod, Rights::READ, 0);
    world.revoke(person(2), prod);
    let (_, batch) =
        world.try_write(0, |pen| pen.rotate(prod, &mut |_, _| true).map(|_| ())).unwrap();
    assert_eq!((batch.links.len(), batch.commits.len()), (1, 0));
}

#[test]
fn who_writes_into_a_due_environment_is_told_to_wait_and_then_rebases() {
    let (mut world, dev, ids) = filled();
    world.grant(person(3), dev, Rights::READ, 0);
    let mut draft = Draft::default();
    let value_of = |text: &str| Some(Arc::new(SecretBytes::copy_of(text.as_bytes())));
    let edit = |secret, base, name: Option<&str>, text: &str| Edit::Put {
        secret,
        base,
        name: name.map(str::to_owned),
        value: value_of(text),
        note: None,
    };
    draft.push(edit(ids[0], 1, None, "mine"), NOW);
    draft.push(edit(SecretId([7; 16]), 0, Some("NEW"), "new"), NOW);
    draft.push(Edit::Delete { secrets: vec![(ids[2], 1)] }, NOW);
    world.revoke(person(3), dev);
    let blocked = world.try_write(2, |pen| pen.commit_staged(dev, &draft.staged()));
    let due = WriteError::Take(TakeError::Commit(CommitError::Due));
    assert_eq!(blocked.unwrap_err().to_string(), due.to_string());

    let mut before = world.people[2].clone();
    rotate(&mut world, 0, dev).unwrap();
    assert_eq!(apply::conflicts(&world.people[2], dev, &draft.staged()).len(), 2, "as it stands");
    assert!(rebase(&mut before, &mut world.people[2], dev, &mut draft));
    assert!(apply::conflicts(&world.people[2], dev, &draft.staged()).is_empty());
    world.write(2, |pen| pen.commit_staged(dev, &draft.staged())).unwrap();
    assert_eq!(value(&mut world, 0, dev, &ids[0]), "mine");
    assert!(world.people[0].env(&dev).unwrap().lookup(&ids[2]).is_none());
}

#[test]
fn a_rotation_that_changes_a_value_is_a_conflict_all_the_same() {
    let (mut world, dev, ids) = filled();
    let mut draft = Draft::default();
    let mine = Some(Arc::new(SecretBytes::copy_of(b"mine")));
    draft.push(Edit::Put { secret: ids[0], base: 1, name: None, value: mine, note: None }, NOW);
    let mut before = world.people[2].clone();
    rotate(&mut world, 0, dev).unwrap();
    let mut theirs = Draft::default();
    let value = Some(Arc::new(SecretBytes::copy_of(b"theirs")));
    theirs.push(Edit::Put { secret: ids[0], base: 2, name: None, value, note: None }, NOW);
    world.write(0, |pen| pen.commit_staged(dev, &theirs.staged())).unwrap();
    assert!(!rebase(&mut before, &mut world.people[2], dev, &mut draft));
    assert_eq!(apply::conflicts(&world.people[2], dev, &draft.staged()).len(), 1);
}

#[test]
fn a_grant_with_an_end_lapses_by_itself_and_says_so() {
    let mut world = World::new(22);
    let dev = world.dev;
    world.grant(person(2), dev, Rights::READ, NOW + DAY);
    assert!(due_envs(&world.people[0], NOW + DAY).is_empty());
    let later = NOW + DAY + 1;
    let due = due(&mut world.people[0], later);
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].why, "The access of Teo Varga ended on 22 Sep 2026.");
    assert_eq!((due[0].place.as_str(), due[0].mine), ("storefront / dev", true));
    assert_eq!(due[0].holders, [user(0)]);
    assert!(!may_rotate(&world.people[2], &dev, later), "not the one who lapsed");
    world.now_ms = later;
    rotate(&mut world, 0, dev).unwrap();
    assert!(due_envs(&world.people[0], later).is_empty());
}

#[test]
fn the_reason_names_who_left_and_who_took_it_away() {
    let mut world = World::new(23);
    let (dev, prod) = (world.dev, world.prod);
    for who in [person(2), person(3)] {
        world.grant(who, dev, Rights::READ, 0);
    }
    world.grant(person(3), prod, Rights::READ, 0);
    world.revoke(person(2), dev);
    let directory = world.people[0].state().directory().unwrap();
    let copy = world.people[0].env(&directory).unwrap().history();
    let cut = strongroom_format::statement::CutPoint {
        env: directory,
        seq: copy.seq(),
        head: copy.head(),
    };
    let leave = Body::MemberRemove { user: user(3), cuts: vec![cut] };
    world.write(3, |pen| pen.link(leave)).unwrap();
    let token = world.token;
    let Principal::Token(token) = token else { panic!("{token} is no token") };
    world.write(1, |pen| pen.link(Body::TokenRevoke { token })).unwrap();
    let due = due(&mut world.people[0], NOW);
    let why: Vec<(&str, &str)> =
        due.iter().map(|due| (due.place.as_str(), due.why.as_str())).collect();
    assert_eq!(
        why,
        [
            (
                "storefront / dev",
                "The access of Teo Varga was revoked by Mara Lind; Noor Basri left, and 1 more \
                 reason."
            ),
            ("storefront / prod", "Noor Basri left."),
            ("the names of the organisation", "Noor Basri left."),
        ]
    );
    // An admin holds the key of the names and of nothing else here.
    let mine: Vec<bool> = strongroom_core::rotation::due(&mut world.people[1], NOW)
        .iter()
        .map(|due| due.mine)
        .collect();
    assert_eq!(mine, [false, false, true]);
}

#[test]
fn who_holds_no_key_cannot_rotate() {
    let (mut world, dev, _) = filled();
    let refused = world.try_write(1, |pen| pen.rotate(dev, &mut |_, _| true).map(|_| ()));
    let no_key = WriteError::Read(ReadError::NoKey).to_string();
    assert_eq!(refused.unwrap_err().to_string(), no_key);
}

#[test]
fn bytes_that_open_for_nobody_do_not_keep_a_key_from_being_replaced() {
    let (mut world, dev, ids) = filled();
    let fields = [Field::Name, Field::Value, Field::Note];
    world.put_garbage(2, dev, ids[0], &fields);
    world.put_garbage(2, dev, SecretId([0xab; 16]), &fields[..2]);
    world.revoke(person(2), dev);
    let mut unreadable = Vec::new();
    world
        .write(0, |pen| {
            unreadable = pen.rotate(dev, &mut |_, _| true)?;
            Ok(())
        })
        .unwrap();
    assert_eq!(unreadable.len(), 2);
    assert_eq!(value(&mut world, 0, dev, &ids[1]), "two", "the others are as they were");
    assert_eq!(value(&mut world, 0, dev, &ids[0]), "");
    let marked = world.people[0].open_named(dev, &ids[0]).unwrap();
    assert_eq!(marked.name, "A", "by its label");
    assert!(marked.details.note.unwrap().starts_with("Something of it did not open"));
    let unnamed = world.people[0].open_named(dev, &SecretId([0xab; 16])).unwrap();
    assert_eq!(unnamed.name, "UNREADABLE_ABAB");
}

#[test]
fn nothing_is_given_up_for_a_key_that_only_the_server_names() {
    let (mut world, dev, ids) = filled();
    world.put_garbage(2, dev, ids[0], &[Field::Name, Field::Value]);
    world.revoke(person(2), dev);
    // A fresh device: the environment from its newest commit, the past not checked yet.
    let mut fresh = world.people[0].clone();
    let copy = fresh.env(&dev).unwrap();
    let head = copy.head().unwrap().as_bytes().to_vec();
    let copy = EnvCopy::from_items(fresh.state(), dev, &head, items_of(copy)).unwrap();
    fresh.put_env(dev, copy);
    world.people[0] = fresh;
    let refused = world.try_write(0, |pen| pen.rotate(dev, &mut |_, _| true).map(|_| ()));
    let Err(WriteError::Unreadable(secrets)) = refused else { panic!("it was given up") };
    assert_eq!(secrets, [ids[0]]);
}

fn items_of(copy: &EnvCopy) -> Vec<ItemRecord> {
    let record = |(item, fields): (&Item, &[FieldEnvelope])| ItemRecord {
        secret: item.change.secret,
        version: item.change.version,
        op: item.change.op,
        epoch: item.epoch,
        fields: fields.to_vec(),
    };
    copy.live().map(record).collect()
}

#[test]
fn commits_without_envelopes_and_the_items_they_lead_to_are_taken_together_or_not_at_all() {
    let (mut world, dev, ids) = filled();
    let before = world.people[2].env(&dev).unwrap().clone();
    rotate(&mut world, 0, dev).unwrap();
    let mut behind = world.people[2].clone();
    let newest = world.people[0].env(&dev).unwrap();
    let (commit, items) = (newest.head().unwrap().clone(), items_of(newest));
    behind.put_env(dev, before.clone());

    let mut missing = items.clone();
    missing.pop();
    let mut changed = items.clone();
    changed[0].fields[0].envelope[80] ^= 1;
    let mut twice = items.clone();
    twice.push(ItemRecord { secret: SecretId([9; 16]), ..items[0].clone() });
    for wrong in [missing, changed, twice, items_of(&before)] {
        let (state, copy) = behind.env_mut(dev);
        let refused = copy.take_commits_then_items(state, std::slice::from_ref(&commit), wrong);
        assert_eq!(refused, Err(TakeError::Envelope));
        assert_eq!(copy.history().seq(), 1, "nothing was taken");
    }
    let (state, copy) = behind.env_mut(dev);
    let skipped = copy.take_commits_then_items(state, &[], items.clone());
    assert_eq!(skipped, Err(TakeError::Envelope), "the items are of a commit that was not shown");
    copy.take_commits_then_items(state, &[commit], items).unwrap();
    assert!(copy.history().is_complete());
    assert_eq!(copy.versions(&ids[0]).len(), 2);
    assert_eq!(text(&behind.open_field(dev, &ids[2], Field::Value).unwrap()), "three");
}

#[test]
fn a_directory_too_large_for_one_write_is_rotated_in_two() {
    let mut world = World::new(24);
    let directory = world.people[0].state().directory().unwrap();
    let labels = PARTS * MAX_ITEMS + 100;
    for part in 0..labels.div_ceil(MAX_ITEMS) {
        let ids = part * MAX_ITEMS..labels.min((part + 1) * MAX_ITEMS);
        let label = |n: usize| {
            let secret = SecretId(u128::to_be_bytes(n as u128 + 1));
            name(secret, "LABEL", Details::of(Thing::Secret))
        };
        world.write(0, |pen| pen.commit(directory, ids.map(label).collect(), &[])).unwrap();
    }
    let is_due = |world: &World| due_envs(&world.people[0], NOW).get(&directory).copied();
    rotate(&mut world, 0, directory).unwrap();
    assert_eq!(is_due(&world), Some(true), "begun, and not finished");
    let late = world.try_write(0, |pen| {
        let label = name(SecretId([7; 16]), "NEW", Details::of(Thing::Secret));
        pen.commit(directory, vec![label], &[])
    });
    let unfinished = WriteError::Take(TakeError::Commit(CommitError::NotResealed));
    assert_eq!(late.unwrap_err().to_string(), unfinished.to_string());
    let epochs = |world: &World| world.people[0].state().env(&directory).unwrap().epochs.len();
    let before = epochs(&world);
    rotate(&mut world, 1, directory).unwrap();
    assert_eq!((is_due(&world), epochs(&world)), (None, before), "by another, and no second key");
}

#[test]
fn becoming_a_reviewer_makes_due_what_was_read() {
    let (mut world, dev, _) = filled();
    let role = Body::MemberRole { user: user(2), role: Role::Reviewer };
    world.write(0, |pen| pen.link(role)).unwrap();
    let due = due(&mut world.people[0], NOW);
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].env, dev);
    assert_eq!(due[0].why, "Teo Varga became a reviewer.");
    assert_eq!((due[0].secrets, due[0].epoch), (3, 3));
}
