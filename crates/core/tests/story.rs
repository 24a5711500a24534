//! The vault's story without a server: found, write, read, restore, and refuse what was changed.
#![expect(clippy::unwrap_used, reason = "a broken fixture should fail loudly")]

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_core::details::EnvClass;
use strongroom_core::draft::{Draft, Edit};
use strongroom_core::env::{EnvCopy, Standing};
use strongroom_core::pen::{Founding, Pen, WriteError};
use strongroom_core::replica::{Me, Replica, ReplicaError};
use strongroom_core::{apply, env::TakeError};
use strongroom_crypto::safe::{Keyset, RepeatableEntropy};
use strongroom_format::commit::{Field, SignedCommit};
use strongroom_format::encoding::Codec;
use strongroom_format::id::{EnvId, SecretId, UserId};
use strongroom_format::statement::EpochReason;
use strongroom_format::wire::{B64, CommitRecord, PreviousAnswer, WrapAnswer, WriteBatch};
use strongroom_secret::SecretBytes;

const NOW: u64 = 1_790_000_000_000;

fn me(entropy: &mut RepeatableEntropy) -> Arc<Me> {
    Arc::new(Me::person(UserId([7; 16]), Keyset::make(entropy).unwrap()))
}

fn founded(entropy: &mut RepeatableEntropy) -> (Replica, WriteBatch) {
    let founding = Founding {
        organisation: "Acme".into(),
        person: "Mara Lind".into(),
        sample: false,
        // Any strong key will do as the server's.
        audit_vkey: Keyset::make(entropy).unwrap().isk.public(),
    };
    let me = me(entropy);
    let pen = Pen::found(me, &founding, entropy, NOW).unwrap();
    pen.finish()
}

fn env_of(replica: &Replica, n: usize) -> EnvId {
    let directory = replica.state().directory().unwrap();
    *replica.state().envs().keys().filter(|env| **env != directory).nth(n).unwrap()
}

fn stage(secret: SecretId, base: u64, name: Option<&str>, value: Option<&str>) -> Edit {
    Edit::Put {
        secret,
        base,
        name: name.map(str::to_owned),
        value: value.map(|v| Arc::new(SecretBytes::copy_of(v.as_bytes()))),
        note: None,
    }
}

fn with_app(entropy: &mut RepeatableEntropy) -> Replica {
    let (replica, _) = founded(entropy);
    let mut pen = Pen::new(&replica, entropy, NOW + 1);
    pen.create_app("storefront", &[("dev".into(), EnvClass::Development)]).unwrap();
    pen.finish().0
}

fn write(
    replica: &Replica,
    entropy: &mut RepeatableEntropy,
    env: EnvId,
    edits: Vec<Edit>,
) -> (Replica, WriteBatch) {
    let mut draft = Draft::default();
    for edit in edits {
        draft.push(edit, NOW);
    }
    let mut pen = Pen::new(replica, entropy, NOW + 2);
    pen.commit_staged(env, &draft.staged()).unwrap();
    pen.finish()
}

fn text(value: &SecretBytes) -> String {
    value.lend(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn a_new_organisation_knows_its_own_names() {
    let (mut replica, batch) = founded(&mut RepeatableEntropy::new(1));
    assert_eq!(batch.links.len(), 3, "genesis, directory, its data key");
    let org = replica.state().org();
    assert_eq!(replica.directory_name(org.directory_item()).unwrap().name, "Acme");
    let me = UserId([7; 16]).directory_item();
    assert_eq!(replica.directory_name(me).unwrap().name, "Mara Lind");
    replica.require_mine().unwrap();
}

#[test]
fn a_secret_is_written_changed_and_deleted() {
    let mut entropy = RepeatableEntropy::new(2);
    let replica = with_app(&mut entropy);
    let env = env_of(&replica, 0);
    let id = SecretId([3; 16]);
    let (mut replica, batch) =
        write(&replica, &mut entropy, env, vec![stage(id, 0, Some("A_KEY"), Some("one"))]);
    assert_eq!(batch.commits.len(), 2, "the environment and the label in the directory");
    assert_eq!(text(&replica.open_field(env, &id, Field::Value).unwrap()), "one");
    assert_eq!(replica.directory_name(id).unwrap().name, "A_KEY");

    // A new value keeps the name; the label is as before, so the directory is left alone.
    let (mut replica, batch) =
        write(&replica, &mut entropy, env, vec![stage(id, 1, None, Some("two"))]);
    assert_eq!(batch.commits.len(), 1);
    assert_eq!(replica.open_named(env, &id).unwrap().name, "A_KEY");
    assert_eq!(text(&replica.open_field(env, &id, Field::Value).unwrap()), "two");
    assert_eq!(replica.env(&env).unwrap().versions(&id).len(), 2);

    let (mut replica, _) =
        write(&replica, &mut entropy, env, vec![Edit::Delete { secrets: vec![(id, 2)] }]);
    assert!(replica.open_field(env, &id, Field::Value).is_err());
    assert!(replica.directory_name(id).is_none());
}

#[test]
fn a_list_names_what_is_live_and_each_secret_by_its_own_name() {
    let mut entropy = RepeatableEntropy::new(12);
    let replica = with_app(&mut entropy);
    let env = env_of(&replica, 0);
    let ids: Vec<SecretId> = (1..=5).map(|n| SecretId([n * 40; 16])).collect();
    let put = |(n, id): (usize, &SecretId)| {
        let (name, note) = (format!("KEY_{n}"), (n % 2 == 0).then(|| format!("note {n}")));
        let value = Some(Arc::new(SecretBytes::copy_of(b"v")));
        Edit::Put { secret: *id, base: 0, name: Some(name), value, note }
    };
    let edits = ids.iter().enumerate().map(put).collect();
    let (replica, _) = write(&replica, &mut entropy, env, edits);
    let gone = Edit::Delete { secrets: vec![(ids[1], 1), (ids[4], 1)] };
    let (replica, _) = write(&replica, &mut entropy, env, vec![gone]);
    // A reader joined: what is written from now on is under another data key.
    let mut pen = Pen::new(&replica, &mut entropy, NOW + 3);
    pen.new_epoch(env, EpochReason::ReaderAdded).unwrap();
    let (replica, _) = pen.finish();
    let (mut replica, _) =
        write(&replica, &mut entropy, env, vec![stage(ids[2], 1, Some("RENAMED"), None)]);

    let listed = replica.open_all_named(env).unwrap();
    let names: Vec<&str> = listed.iter().map(|(_, named)| named.name.as_str()).collect();
    assert_eq!(names, ["KEY_0", "RENAMED", "KEY_3"]);
    for (id, named) in &listed {
        assert_eq!(*named, replica.open_named(env, id).unwrap());
    }
    assert_eq!(listed[0].1.details.note.as_deref(), Some("note 0"));
}

#[test]
fn the_cache_gives_back_everything_and_refuses_another_head() {
    let mut entropy = RepeatableEntropy::new(3);
    let replica = with_app(&mut entropy);
    let env = env_of(&replica, 0);
    let id = SecretId([3; 16]);
    let (replica, _) = write(&replica, &mut entropy, env, vec![stage(id, 0, Some("A"), Some("v"))]);
    let pins = replica.pins(1);

    let org = replica.state().org();
    let mut again = Replica::decode(Arc::clone(replica.me()), org, &replica.encode()).unwrap();
    assert_eq!(again.require_pins(&pins), Err(ReplicaError::RolledBack), "environments missing");
    for (id, copy) in replica.envs() {
        let copy = EnvCopy::decode(again.state(), *id, &copy.encode()).unwrap();
        again.put_env(*id, copy);
    }
    again.require_pins(&pins).unwrap();
    assert_eq!(text(&again.open_field(env, &id, Field::Value).unwrap()), "v");
    assert_eq!(again.env(&env).unwrap().versions(&id), replica.env(&env).unwrap().versions(&id));

    // An older copy of the environment is below the pin.
    let (newer, _) = write(&replica, &mut entropy, env, vec![stage(id, 1, None, Some("w"))]);
    assert_eq!(again.require_pins(&newer.pins(2)), Err(ReplicaError::RolledBack));
    // Another commit at the same place is a fork.
    let (other, _) = write(&replica, &mut entropy, env, vec![stage(id, 1, None, Some("x"))]);
    assert_eq!(other.require_pins(&newer.pins(2)), Err(ReplicaError::Forked));
    let head = newer.env(&env).unwrap().history().head();
    assert_eq!(other.env(&env).unwrap().standing(2, &head), Standing::Forked);
}

#[test]
fn a_fresh_copy_from_the_head_alone_says_so_until_the_past_is_checked() {
    let mut entropy = RepeatableEntropy::new(4);
    let replica = with_app(&mut entropy);
    let env = env_of(&replica, 0);
    let id = SecretId([3; 16]);
    let (one, b1) = write(&replica, &mut entropy, env, vec![stage(id, 0, Some("A"), Some("v"))]);
    let (two, b2) = write(&one, &mut entropy, env, vec![stage(id, 1, None, Some("w"))]);
    let commit = |b: &WriteBatch| SignedCommit::parse(&b.commits[0]).unwrap();
    let (c1, c2) = (commit(&b1), commit(&b2));

    let records = |r: &Replica| {
        let copy = r.env(&env).unwrap();
        let mut items = Vec::new();
        for (item, fields) in copy.live() {
            items.push(strongroom_format::wire::ItemRecord {
                secret: item.change.secret,
                version: item.change.version,
                op: item.change.op,
                epoch: item.epoch,
                fields: fields.to_vec(),
            });
        }
        items
    };
    let mut fresh = EnvCopy::from_items(two.state(), env, c2.as_bytes(), records(&two)).unwrap();
    assert!(!fresh.history().is_complete());
    assert!(
        fresh.take_history(two.state(), std::slice::from_ref(&c2)).is_err(),
        "the past has a beginning"
    );
    fresh.take_history(two.state(), &[c1.clone(), c2.clone()]).unwrap();
    assert!(fresh.history().is_complete());
    assert_eq!(fresh.versions(&id).len(), 2);

    // The newest commit with the older ciphertext (attack B12) does not give the signed root.
    let mixed = EnvCopy::from_items(two.state(), env, c2.as_bytes(), records(&one));
    assert!(matches!(mixed, Err(TakeError::Commit(_))));
}

#[test]
fn an_envelope_that_was_not_signed_is_refused() {
    let mut entropy = RepeatableEntropy::new(5);
    let replica = with_app(&mut entropy);
    let env = env_of(&replica, 0);
    let (_, batch) =
        write(&replica, &mut entropy, env, vec![stage(SecretId([1; 16]), 0, Some("A"), Some("a"))]);
    let envelopes = batch.envelopes[..2].to_vec();
    for broken in [
        {
            let mut e = envelopes.clone();
            e[1][40] ^= 1;
            e
        },
        envelopes[..1].to_vec(),
        vec![envelopes[1].clone(), envelopes[0].clone()],
        {
            let mut e = envelopes.clone();
            e.push(vec![0; 10]);
            e
        },
    ] {
        let mut copy = replica.clone();
        let (state, env_copy) = copy.env_mut(env);
        let record = CommitRecord { commit: batch.commits[0].clone(), envelopes: broken };
        assert_eq!(env_copy.take_commit(state, record), Err(TakeError::Envelope));
        assert_eq!(env_copy.history().seq(), 0, "nothing was taken in");
    }
}

#[test]
fn two_writers_of_one_secret_see_a_conflict() {
    let mut entropy = RepeatableEntropy::new(6);
    let replica = with_app(&mut entropy);
    let env = env_of(&replica, 0);
    let id = SecretId([3; 16]);
    let (replica, _) = write(&replica, &mut entropy, env, vec![stage(id, 0, Some("A"), Some("v"))]);
    let mut draft = Draft::default();
    draft.push(stage(id, 1, None, Some("mine")), NOW);
    assert!(apply::conflicts(&replica, env, &draft.staged()).is_empty());
    let (theirs, _) = write(&replica, &mut entropy, env, vec![stage(id, 1, None, Some("theirs"))]);
    let conflicts = apply::conflicts(&theirs, env, &draft.staged());
    assert_eq!(conflicts.len(), 1);
    assert_eq!((conflicts[0].version, conflicts[0].deleted), (2, false));
    // "Mine" is an edit made in sight of their version.
    draft.push(stage(id, 2, None, None), NOW);
    assert!(apply::conflicts(&theirs, env, &draft.staged()).is_empty());
    let mut pen = Pen::new(&theirs, &mut entropy, NOW + 9);
    pen.commit_staged(env, &draft.staged()).unwrap();
    let (mut merged, _) = pen.finish();
    assert_eq!(text(&merged.open_field(env, &id, Field::Value).unwrap()), "mine");
}

#[test]
fn only_listed_wraps_are_kept_and_history_opens_through_the_newest_key() {
    let mut entropy = RepeatableEntropy::new(8);
    let replica = with_app(&mut entropy);
    let env = env_of(&replica, 0);
    let id = SecretId([3; 16]);
    let (replica, _) = write(&replica, &mut entropy, env, vec![stage(id, 0, Some("A"), Some("v"))]);
    let mut pen = Pen::new(&replica, &mut entropy, NOW + 5);
    pen.new_epoch(env, EpochReason::ReaderAdded).unwrap();
    let (next, batch) = pen.finish();

    // A device that has only the newest wrap.
    let mut fresh = Replica::decode(Arc::clone(next.me()), next.state().org(), &{
        let mut bare = Replica::start(
            Arc::clone(next.me()),
            next.state().org(),
            next.link(0).unwrap().as_bytes(),
        )
        .unwrap();
        let links: Vec<Vec<u8>> =
            (0..=next.state().seq()).map(|n| next.link(n).unwrap().as_bytes().to_vec()).collect();
        bare.take_links(&links).unwrap();
        bare.encode()
    })
    .unwrap();
    fresh.put_env(
        env,
        EnvCopy::decode(fresh.state(), env, &next.env(&env).unwrap().encode()).unwrap(),
    );
    let wrap = WrapAnswer { env_id: env, epoch: 2, wrap: B64(batch.wraps[0].wrap.to_vec()) };
    let mut foreign = wrap.clone();
    foreign.wrap.0[5] ^= 1;
    fresh.take_keys(vec![foreign], vec![]);
    assert!(fresh.open_field(env, &id, Field::Value).is_err(), "an unsolicited wrap is not kept");
    fresh.take_keys(vec![wrap], vec![]);
    assert!(fresh.open_field(env, &id, Field::Value).is_err(), "the value is under the first key");
    let previous =
        PreviousAnswer { env_id: env, epoch: 1, sealed: B64(batch.previous[0].sealed.clone()) };
    fresh.take_keys(vec![], vec![previous]);
    assert_eq!(text(&fresh.open_field(env, &id, Field::Value).unwrap()), "v");
}

#[test]
fn a_server_that_shows_less_or_something_else_is_caught() {
    let mut entropy = RepeatableEntropy::new(9);
    let replica = with_app(&mut entropy);
    let mut copy = replica.clone();
    assert_eq!(copy.take_links(&[]), Err(ReplicaError::RolledBack));
    let (other, _) = founded(&mut entropy);
    assert_eq!(
        copy.take_links(&[other.link(0).unwrap().as_bytes().to_vec()]),
        Err(ReplicaError::Forked)
    );
    let newest = replica.newest_link().unwrap().as_bytes().to_vec();
    assert_eq!(copy.take_links(&[newest]), Ok(()));
}

#[test]
fn a_batch_survives_the_wire() {
    let (_, batch) = founded(&mut RepeatableEntropy::new(10));
    assert_eq!(WriteBatch::decode(&batch.encode()), Ok(batch));
}

#[test]
fn a_value_over_the_limit_is_refused_before_anything_is_signed() {
    let mut entropy = RepeatableEntropy::new(11);
    let replica = with_app(&mut entropy);
    let env = env_of(&replica, 0);
    let mut draft = Draft::default();
    let big = "x".repeat(64 * 1024 + 1);
    draft.push(stage(SecretId([1; 16]), 0, Some("A"), Some(&big)), NOW);
    let staged: BTreeMap<_, _> = draft.staged();
    let mut pen = Pen::new(&replica, &mut entropy, NOW);
    assert!(matches!(pen.commit_staged(env, &staged), Err(WriteError::Seal(_))));
}
