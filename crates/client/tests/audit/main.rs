//! The audit log from this side: acts that are signed, kept and sent, and a log that is read whole.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken fixture should fail loudly")]

mod export;
mod insights;
mod log;
#[path = "../vault/world.rs"]
#[expect(dead_code, reason = "the vault's own tests use all of it")]
mod world;

use strongroom_client::profile::{KeepSecretKey, VaultId};
use strongroom_client::vault::{HeadMatch, Session, StopKind, Use, VaultError};
use strongroom_core::details::EnvClass;
use strongroom_format::event::{Event, EventKind};
use strongroom_format::id::{EnvId, Principal, SecretId};
use strongroom_secret::SecretText;

use world::{PASSPHRASE, World};

async fn with_secret(session: &Session) -> (EnvId, SecretId) {
    let environments = vec![("prod".to_owned(), EnvClass::Production)];
    let app = session.create_app("storefront", environments).await.unwrap();
    let envs = session.with(|org| Ok(org.environments(0))).unwrap();
    let env = envs.iter().find(|env| env.app == app).unwrap().env;
    let value = SecretText::from_string("one".to_owned());
    session.stage_put(env, None, "API_KEY", Some(value), "").unwrap();
    session.commit_staged(env).await.unwrap();
    let secret = session.with(|org| Ok(org.list(env)?.by_name("API_KEY").unwrap().secret)).unwrap();
    // What was written has its acts too: they go first.
    session.sync().await.unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 0);
    (env, secret)
}

fn uses(session: &Session, env: EnvId, secret: SecretId) -> (usize, u64) {
    let me = Principal::User(session.user());
    let look = |facts: &strongroom_core::log::Facts| {
        let uses = facts.uses(&me, &env, &secret);
        let noted = Use::ALL.into_iter().filter(|what| uses.last(*what).is_some()).count();
        (noted, facts.doubtful())
    };
    session.facts(look).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_with_a_value_reaches_the_log_after_a_lock() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    assert_eq!(session.facts(|_| ()).unwrap(), None, "nothing was read yet");
    session.open_value(env, &secret, Use::Copied).unwrap();
    session.open_value(env, &secret, Use::Revealed).unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 3, "opened once, copied, revealed");
    let id = session.record().id;
    world.close(session).await;

    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 3);
    session.sync().await.unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 0);
    assert!(session.pull_log().await.unwrap());
    assert_eq!(uses(&session, env, secret), (3, 0));
    let copy = session.audit_copy().unwrap().unwrap();
    world.close(session).await;

    // What was read is kept, and only what is new is read again.
    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    assert_eq!(session.audit_copy().unwrap().unwrap(), copy);
    session.open_value(env, &secret, Use::Copied).unwrap();
    session.sync().await.unwrap();
    assert!(session.pull_log().await.unwrap());
    assert!(session.audit_copy().unwrap().unwrap().size() > copy.size());
    assert_eq!(uses(&session, env, secret), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_signs_each_link_and_commit_in_the_log_as_well() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    let value = SecretText::from_string("two".to_owned());
    session.stage_put(env, Some(secret), "API_KEY", Some(value), "").unwrap();
    let done = session.commit_staged(env).await.unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 1);
    session.sync().await.unwrap();
    let mut links = Vec::new();
    let mut commits = Vec::new();
    let events = signed(&session).await;
    for event in &events {
        match event.act.kind {
            EventKind::LinkSigned => links.push(event.act.detail.number),
            EventKind::CommitSigned => {
                commits.push((event.act.detail.env, event.act.detail.number));
            }
            _ => {}
        }
    }
    let link = session.trust_facts().unwrap().link;
    assert_eq!(links, (0..=link).collect::<Vec<_>>(), "the genesis too");
    assert!(commits.contains(&(env, 1)) && commits.contains(&(env, done.commit)));
    let counts: Vec<u64> = events.iter().map(|event| event.act.actor_seq).collect();
    assert_eq!(counts, (1..=counts.len() as u64).collect::<Vec<_>>(), "in order, without a gap");
}

/// The signed entries of the log.
async fn signed(session: &Session) -> Vec<Event> {
    assert!(session.pull_log().await.unwrap());
    let size = session.log_standing().unwrap().size;
    let events = (0..size).map(|entry| session.log_entry(entry).unwrap().event);
    events.filter(|event| event.act.kind.is_signed()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staged_value_is_nobodys_yet_and_is_not_noted() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    let value = SecretText::from_string("two".to_owned());
    session.stage_put(env, Some(secret), "API_KEY", Some(value), "").unwrap();
    session.open_value(env, &secret, Use::Copied).unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_whose_answer_was_lost_are_not_written_down_twice() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    session.open_value(env, &secret, Use::Copied).unwrap();
    let (id, org) = (session.record().id, session.current().unwrap());
    let file = world.folder().join(format!("first/vaults/{id}/drafts/acts-{org}.sealed"));
    let before = std::fs::read(&file).unwrap();
    session.sync().await.unwrap();
    world.close(session).await;
    std::fs::write(&file, before).unwrap();

    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    session.open_value(env, &secret, Use::Revealed).unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 3);
    session.sync().await.unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 0);
    session.pull_log().await.unwrap();
    assert_eq!(uses(&session, env, secret), (3, 0));
    let me = Principal::User(session.user());
    let devices = session.facts(|facts| facts.of(&me).unwrap().devices.len()).unwrap();
    assert_eq!(devices, Some(1), "the same device went on");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_queue_put_back_goes_on_as_another_device() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    session.open_value(env, &secret, Use::Copied).unwrap();
    session.sync().await.unwrap();
    let (id, org) = (session.record().id, session.current().unwrap());
    let file = world.folder().join(format!("first/vaults/{id}/drafts/acts-{org}.sealed"));
    let before = std::fs::read(&file).unwrap();
    session.open_value(env, &secret, Use::Revealed).unwrap();
    session.sync().await.unwrap();
    world.close(session).await;
    std::fs::write(&file, before).unwrap();

    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    session.open_value(env, &secret, Use::Exported).unwrap();
    session.sync().await.unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 0);
    session.pull_log().await.unwrap();
    assert_eq!(uses(&session, env, secret), (4, 0));
    let me = Principal::User(session.user());
    let devices = session.facts(|facts| facts.of(&me).unwrap().devices.len()).unwrap();
    assert_eq!(devices, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_is_dated_signed_and_holds() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, _) = with_secret(&session).await;
    let before = session.trust_facts().unwrap();
    assert_eq!(before.holders.len(), 1);
    assert_eq!(before.holders[0].1, "storefront / prod");
    assert!(before.holders[0].0.people.contains(&session.user()));
    assert!(before.holders[0].0.drills.is_empty() && !before.audit.complete);
    assert_eq!(session.drill_run(&[env]).unwrap(), 1);
    session.sync().await.unwrap();
    session.pull_log().await.unwrap();
    let after = session.trust_facts().unwrap();
    assert!(after.audit.complete);
    assert!(after.not_covered.len() < before.not_covered.len());
    let drills = &after.holders[0].0.drills;
    assert_eq!((drills.len(), drills[0].2), (1, Some(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_compare_heads_by_a_code() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    with_secret(&session).await;
    let facts = session.trust_facts().unwrap();
    let typed = facts.head_code.to_uppercase().replace(' ', "-");
    let compare = |link, code: &str| session.heads_compare(link, code);
    assert_eq!(compare(facts.link, &typed).unwrap(), HeadMatch::Same);
    assert_eq!(compare(facts.link - 1, &typed).unwrap(), HeadMatch::Differs);
    assert_eq!(compare(facts.link + 1, &typed).unwrap(), HeadMatch::Unknown);
    for bad in ["", "abcd", "abcd efgh ijkl mno1", "abcd efgh ijkl mnop q"] {
        assert!(matches!(compare(facts.link, bad), Err(VaultError::NotACode)), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ends_before_what_was_verified_stops_the_vault() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    let id = session.record().id;
    world.close(session).await;
    let world = world
        .restart_server_from_backup_after(async |world: World| {
            use_and_sync(&world, id, env, secret).await;
            world
        })
        .await;
    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    stopped(&session, StopKind::Rollback).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgot_an_act_it_took_is_stopped() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    let id = session.record().id;
    world.close(session).await;
    let folder = world.folder().join(format!("first/vaults/{id}"));
    let before: Vec<_> = ["cache", "pins"].iter().map(|name| files(&folder.join(name))).collect();
    let held = world.empty_keyring();
    world.restore_keyring(held.clone());
    let world = world
        .restart_server_from_backup_after(async |world: World| {
            use_and_sync(&world, id, env, secret).await;
            world
        })
        .await;
    // This computer forgets with the server, but for the count of its own acts.
    for (path, bytes) in before.into_iter().flatten() {
        std::fs::write(path, bytes).unwrap();
    }
    world.restore_keyring(held);
    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    stopped(&session, StopKind::Invalid).await;
}

async fn use_and_sync(world: &World, id: VaultId, env: EnvId, secret: SecretId) {
    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    session.open_value(env, &secret, Use::Copied).unwrap();
    // Each leaves entries behind, so that the other log stays shorter for a while.
    for _ in 0..4 {
        session.sync().await.unwrap();
    }
    assert_eq!(session.acts_waiting().unwrap(), 0);
    session.close().await;
}

/// Reading the log stops everything, and leaves evidence that can be judged.
async fn stopped(session: &Session, kind: StopKind) {
    let error = session.pull_log().await.unwrap_err();
    let VaultError::Stopped(stop) = error else { panic!("{error:?}") };
    assert_eq!(stop.kind, kind);
    let evidence = session.with(|org| Ok(org.standing.evidence.clone())).unwrap().unwrap();
    let judged = strongroom_core::evidence::judge(&std::fs::read(evidence).unwrap()).unwrap();
    assert_eq!(judged.org, session.current().unwrap());
    assert!(session.sync().await.is_err(), "nothing goes on");
}

fn files(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let read = |entry: std::fs::DirEntry| (entry.path(), std::fs::read(entry.path()).unwrap());
    std::fs::read_dir(folder).unwrap().flatten().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_is_noted_while_others_are_sent_is_not_lost() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    session.pull_log().await.unwrap();
    let me = Principal::User(session.user());
    let device = session.trust_facts().unwrap().device;
    let count = |session: &Session| {
        let copy = session.audit_copy().unwrap().unwrap();
        copy.actor(me, device).unwrap().seq
    };
    let before = count(&session);
    let noting = std::sync::Arc::clone(&session);
    let notes = tokio::task::spawn_blocking(move || {
        for _ in 0..40 {
            noting.note(Use::Copied, env, &[secret]).unwrap();
        }
    });
    while !notes.is_finished() {
        session.sync().await.unwrap();
    }
    notes.await.unwrap();
    session.sync().await.unwrap();
    assert_eq!(session.acts_waiting().unwrap(), 0);
    session.pull_log().await.unwrap();
    assert_eq!(uses(&session, env, secret).1, 0, "every act follows the one before");
    assert_eq!(count(&session) - before, 41, "opened once, copied forty times");
}
