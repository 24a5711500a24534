//! Data keys replaced over the real server: by one device while another writes, cut off at every
//! point, killed, and with more than fits into one answer.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken fixture should fail loudly")]

mod access;
mod due;
mod killed;
#[path = "../vault/world.rs"]
#[expect(dead_code, reason = "shared with the tests of the vault, which use more of it")]
mod world;

use std::fmt::Write as _;
use std::sync::Arc;

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{Session, VaultError};
use strongroom_core::details::EnvClass;
use strongroom_format::id::{EnvId, SecretId};
use strongroom_secret::SecretText;

use due::make_due;
use world::World;

pub(crate) async fn app(session: &Session) -> EnvId {
    let environments = vec![("prod".to_owned(), EnvClass::Production)];
    let app = session.create_app("storefront", environments).await.unwrap();
    let envs = session.with(|org| Ok(org.environments(0))).unwrap();
    envs.iter().find(|env| env.app == app).unwrap().env
}

pub(crate) fn stage(
    session: &Session,
    env: EnvId,
    id: Option<SecretId>,
    name: &str,
    value: &str,
) -> Result<(), VaultError> {
    session.stage_put(env, id, name, Some(SecretText::from_string(value.to_owned())), "")
}

pub(crate) fn id_of(session: &Session, env: EnvId, name: &str) -> SecretId {
    session.with(|org| Ok(org.list(env)?.by_name(name).unwrap().secret)).unwrap()
}

pub(crate) fn value_of(session: &Session, env: EnvId, name: &str) -> String {
    let id = id_of(session, env, name);
    let value = session.with(|org| org.value(env, &id)).unwrap();
    value.lend(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

/// An environment with some secrets and a key that has to be replaced.
pub(crate) async fn due_world(secrets: usize) -> (World, Arc<Session>, EnvId) {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    for n in 0..secrets {
        stage(&session, env, None, &format!("KEY_{n}"), &format!("value {n}")).unwrap();
    }
    session.commit_staged(env).await.unwrap();
    make_due(&session, env).await;
    (world, session, env)
}

fn is_due(session: &Session) -> bool {
    !session.rotations().unwrap().is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_key_is_replaced_and_both_devices_read_on() {
    let (world, first, env) = due_world(3).await;
    let second = world.second_device(&first).await;
    let due = first.rotations().unwrap();
    assert_eq!((due[0].env, due[0].secrets, due[0].mine), (env, 3, true));
    assert_eq!(due[0].why, "The token deploy was revoked by Mara Lind.");

    let done = first.rotate(&[EnvId([9; 16]), env]).await.unwrap();
    assert!(matches!(done[0].result, Err(VaultError::NotFound)), "and the next is done anyway");
    assert!(done[1].result.is_ok(), "{done:?}");
    assert!(!is_due(&first));
    second.sync().await.unwrap();
    assert!(!is_due(&second));
    for session in [&first, &second] {
        assert_eq!(value_of(session, env, "KEY_2"), "value 2");
    }
    // Once is enough: another device that still thinks it is due finds it done.
    let commits = |session: &Session| {
        session.with(|org| Ok(org.replica().env(&env).unwrap().history().seq())).unwrap()
    };
    let before = commits(&second);
    assert!(second.rotate(&[env]).await.unwrap()[0].result.is_ok());
    assert_eq!(commits(&second), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_asked_to_wait_and_then_take_their_edits_along() {
    let (world, first, env) = due_world(3).await;
    let second = world.second_device(&first).await;
    second.sync().await.unwrap();
    let id = id_of(&second, env, "KEY_1");
    stage(&second, env, Some(id), "KEY_1", "mine").unwrap();
    stage(&second, env, None, "NEW", "new").unwrap();
    second.stage_delete(env, &[id_of(&second, env, "KEY_0")]).unwrap();
    let waits = second.commit_staged(env).await;
    assert!(matches!(waits, Err(VaultError::KeyDue)), "{waits:?}");
    assert_eq!(second.staged_total(), 3, "nothing is lost");

    assert!(first.rotate(&[env]).await.unwrap()[0].result.is_ok());
    // Without a sync of its own: the server's refusal makes it look again.
    second.commit_staged(env).await.unwrap();
    assert_eq!(second.staged_total(), 0);
    first.sync().await.unwrap();
    assert_eq!(value_of(&first, env, "KEY_1"), "mine");
    assert_eq!(value_of(&first, env, "NEW"), "new");
    let rows = first.with(|org| Ok(org.list(env)?.rows().len())).unwrap();
    assert_eq!(rows, 3, "one deleted, one new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_after_a_rotation_leaves_no_conflict_behind_not_even_after_locking() {
    let (world, first, env) = due_world(3).await;
    let second = world.second_device(&first).await;
    second.sync().await.unwrap();
    let id = id_of(&second, env, "KEY_1");
    stage(&second, env, Some(id), "KEY_1", "mine").unwrap();
    assert!(first.rotate(&[env]).await.unwrap()[0].result.is_ok());
    second.sync().await.unwrap();
    assert!(second.with(|org| Ok(org.conflicts(env))).unwrap().is_empty());

    // The one who rotates has edits of its own.
    make_due(&first, env).await;
    stage(&first, env, Some(id), "KEY_1", "theirs").unwrap();
    assert!(first.rotate(&[env]).await.unwrap()[0].result.is_ok());
    assert!(first.with(|org| Ok(org.conflicts(env))).unwrap().is_empty());
    let vault = first.record().id;
    world.close(first).await;
    let first = world.unlock(vault, world::PASSPHRASE).await.unwrap();
    assert!(first.with(|org| Ok(org.conflicts(env))).unwrap().is_empty());
    first.commit_staged(env).await.unwrap();
    second.sync().await.unwrap();
    assert_eq!(second.with(|org| Ok(org.conflicts(env))).unwrap().len(), 1, "a real one stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_loses_a_race_is_built_again_on_what_is_newer() {
    let (world, first, env) = due_world(3).await;
    let second = world.second_device(&first).await;
    second.sync().await.unwrap();
    // The first does not know of these links yet.
    second.create_app("other", vec![("dev".to_owned(), EnvClass::Development)]).await.unwrap();
    assert!(first.rotate(&[env]).await.unwrap()[0].result.is_ok());
    assert!(!is_due(&first));

    // Both at once: one of them does it, and the other finds it done.
    make_due(&first, env).await;
    second.sync().await.unwrap();
    let rotations = |session: &Session| {
        session.with(|org| Ok(org.replica().state().env(&env).unwrap().epochs.len())).unwrap()
    };
    let before = rotations(&first);
    let envs = [env];
    let (one, other) = tokio::join!(first.rotate(&envs), second.rotate(&envs));
    assert!(one.unwrap()[0].result.is_ok() && other.unwrap()[0].result.is_ok());
    first.sync().await.unwrap();
    second.sync().await.unwrap();
    assert_eq!((rotations(&first), rotations(&second)), (before + 1, before + 1));
    assert_eq!(value_of(&second, env, "KEY_0"), "value 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_secrets_rotate_and_reach_a_device_that_was_up_to_date() {
    let world = World::start().await;
    let first = world.create(KeepSecretKey::Keyring).await;
    let env = app(&first).await;
    let mut file = String::new();
    for n in 0..10_000 {
        writeln!(file, "SECRET_{n:05}={n:0600}").unwrap();
    }
    let path = world.folder().join("large.env");
    std::fs::write(&path, file).unwrap();
    let run = first.import_read(env, &path).await.unwrap();
    first.import_plan(&run).unwrap();
    first.import_apply(run).await.unwrap();
    let second = world.second_device(&first).await;
    second.sync().await.unwrap();
    second.verify_history().await.unwrap();
    make_due(&first, env).await;
    assert!(first.rotate(&[env]).await.unwrap()[0].result.is_ok());

    second.sync().await.unwrap();
    assert!(!is_due(&second));
    assert_eq!(value_of(&second, env, "SECRET_09999"), format!("{:0600}", 9_999));
    let (seq, whole) = second
        .with(|org| {
            let history = org.replica().env(&env).unwrap().history().clone();
            Ok((history.seq(), history.is_complete()))
        })
        .unwrap();
    assert_eq!((seq, whole), (2, true), "every commit on the way was checked");
}
