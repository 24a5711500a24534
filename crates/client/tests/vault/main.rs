//! A vault against the real server over loopback: made, written, locked, opened again, and held
//! against damage and lies.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken fixture should fail loudly"
)]

mod agents;
mod mishaps;
mod team;
mod views;
mod world;

use std::fmt::Write as _;

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{Resolution, Session, StopKind, VaultError};
use strongroom_core::details::EnvClass;
use strongroom_format::id::{EnvId, SecretId};
use strongroom_secret::SecretText;

use world::{PASSPHRASE, World, passphrase};

async fn app(session: &Session) -> EnvId {
    let environments = vec![("prod".to_owned(), EnvClass::Production)];
    let app = session.create_app("storefront", environments).await.unwrap();
    let envs = session.with(|org| Ok(org.environments(0))).unwrap();
    envs.iter().find(|env| env.app == app).unwrap().env
}

fn stage_new(session: &Session, env: EnvId, name: &str, value: &str) {
    let value = SecretText::from_string(value.to_owned());
    session.stage_put(env, None, name, Some(value), "").unwrap();
}

fn id_of(session: &Session, env: EnvId, name: &str) -> SecretId {
    session.with(|org| Ok(org.list(env)?.by_name(name).unwrap().secret)).unwrap()
}

fn value_of(session: &Session, env: EnvId, name: &str) -> String {
    let id = id_of(session, env, name);
    let value = session.with(|org| org.value(env, &id)).unwrap();
    value.lend(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_is_made_written_locked_and_opened_again() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    stage_new(&session, env, "API_KEY", "one");
    stage_new(&session, env, "OTHER", "two");
    let done = session.commit_staged(env).await.unwrap();
    assert_eq!((done.commit, done.changes), (1, 2));
    let id = session.record().id;
    world.close(session).await;

    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    assert_eq!(value_of(&session, env, "API_KEY"), "one");
    session.sync().await.unwrap();
    let names = session.with(|org| Ok((org.name(), org.list(env)?.rows().len()))).unwrap();
    assert_eq!(names, ("Acme".to_owned(), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passphrase_opens_nothing_and_says_nothing_more() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let id = session.record().id;
    world.close(session).await;
    for wrong in ["", "correct horse", "Correct horse battery staple"] {
        let error = world.unlock(id, wrong).await.unwrap_err();
        assert!(matches!(error, VaultError::WrongPassphrase), "{error:?}");
    }
    assert!(world.unlock(id, PASSPHRASE).await.is_ok(), "nothing was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn staged_edits_survive_locking_and_hold_no_value_on_the_disk() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    stage_new(&session, env, "DRAFTED", "canary-draft-value");
    let id = session.record().id;
    world.close(session).await;
    assert!(world.files_containing(b"canary-draft-value").is_empty());
    assert!(world.files_containing(b"DRAFTED").is_empty());

    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    assert_eq!(session.staged_total(), 1);
    assert_eq!(value_of(&session, env, "DRAFTED"), "canary-draft-value");
    session.undo(env).unwrap();
    assert_eq!(session.staged_total(), 0);
    session.redo(env).unwrap();
    assert_eq!(session.commit_staged(env).await.unwrap().changes, 1);
    assert_eq!(session.staged_total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_opens_and_reads_offline_and_refuses_to_write() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    stage_new(&session, env, "API_KEY", "one");
    session.commit_staged(env).await.unwrap();
    let id = session.record().id;
    world.close(session).await;
    let world = world.server_gone().await;

    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    assert_eq!(value_of(&session, env, "API_KEY"), "one");
    stage_new(&session, env, "LATER", "x");
    assert!(matches!(session.commit_staged(env).await, Err(VaultError::Api(_))));
    assert_eq!(session.staged_total(), 1, "what is staged waits");
    assert!(session.sync().await.is_err());
    let offline = session.with(|org| Ok(org.standing.offline_since_ms)).unwrap();
    assert!(offline.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_cache_is_fetched_again_and_held_against_the_pins() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    stage_new(&session, env, "API_KEY", "one");
    session.commit_staged(env).await.unwrap();
    let (id, org) = (session.record().id, session.current().unwrap());
    world.close(session).await;
    for name in [org.to_string(), env.to_string()] {
        world.flip_a_byte(&id, &name);
        let session = world.unlock(id, PASSPHRASE).await.unwrap();
        assert_eq!(value_of(&session, env, "API_KEY"), "one");
        session.verify_history().await.unwrap();
        let whole = session
            .with(|org| Ok(org.replica().env(&env).unwrap().history().is_complete()))
            .unwrap();
        assert!(whole, "the past was checked again");
        world.close(session).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_restored_from_an_old_backup_stops_writes_and_leaves_evidence() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    stage_new(&session, env, "API_KEY", "one");
    session.commit_staged(env).await.unwrap();
    let id = session.record().id;
    world.close(session).await;
    let world = world
        .restart_server_from_backup_after(|world| async move {
            let session = world.unlock(id, PASSPHRASE).await.unwrap();
            stage_new(&session, env, "NEWER", "two");
            session.commit_staged(env).await.unwrap();
            world.close(session).await;
            world
        })
        .await;

    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    let error = session.sync().await.unwrap_err();
    let VaultError::Stopped(stop) = error else { panic!("{error:?}") };
    assert_eq!(stop.kind, StopKind::Rollback);
    assert_eq!(value_of(&session, env, "NEWER"), "two", "this computer's copy still reads");
    stage_new(&session, env, "MORE", "x");
    assert!(matches!(session.commit_staged(env).await, Err(VaultError::Stopped(_))));
    let evidence = session.with(|org| Ok(org.standing.evidence.clone())).unwrap().unwrap();
    let text = std::fs::read_to_string(evidence).unwrap();
    let read: strongroom_client::vault::Evidence = serde_json::from_str(&text).unwrap();
    assert!(!read.verified.0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_keyring_the_secret_key_is_asked_for() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Ask).await;
    let kit = session.kit(None).await.unwrap();
    let id = session.record().id;
    world.close(session).await;
    assert!(matches!(world.unlock(id, PASSPHRASE).await, Err(VaultError::SecretKeyNeeded)));
    let typed = kit.secret_key.lend(|text| text.to_lowercase().replace('-', " "));
    assert!(world.unlock_with(id, PASSPHRASE, &typed).await.is_ok());
    let other = strongroom_crypto::safe::SecretKey::make(&mut strongroom_crypto::safe::OsEntropy);
    let other = other.unwrap().to_text().lend(str::to_owned);
    let error = world.unlock_with(id, PASSPHRASE, &other).await.unwrap_err();
    assert!(matches!(error, VaultError::WrongPassphrase));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_forgot_everything_is_mended_by_the_kit_and_by_nothing_less() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    stage_new(&session, env, "API_KEY", "one");
    session.commit_staged(env).await.unwrap();
    let kit = session.kit(None).await.unwrap();
    let (id, secret_key) = (session.record().id, kit.secret_key.lend(str::to_owned));
    world.close(session).await;
    let full = world.empty_keyring();

    assert!(matches!(world.unlock(id, PASSPHRASE).await, Err(VaultError::SecretKeyNeeded)));
    let session = world.unlock_with(id, PASSPHRASE, &secret_key).await.unwrap();
    assert_eq!(value_of(&session, env, "API_KEY"), "one");
    session.sync().await.unwrap();
    world.close(session).await;
    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    world.close(session).await;

    // Where the keyring does know the pins, typing the kit lets nobody around them.
    world.restore_keyring(full);
    assert!(world.unlock_with(id, PASSPHRASE, &secret_key).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sessions_of_one_person_rebase_and_show_conflicts() {
    let world = World::start().await;
    let first = world.create(KeepSecretKey::Keyring).await;
    let env = app(&first).await;
    stage_new(&first, env, "SHARED", "v1");
    first.commit_staged(env).await.unwrap();
    let second = world.second_device(&first).await;
    second.sync().await.unwrap();
    assert_eq!(value_of(&second, env, "SHARED"), "v1");

    // Different secrets: the loser of the race rebases by itself.
    stage_new(&first, env, "MINE", "a");
    stage_new(&second, env, "THEIRS", "b");
    first.commit_staged(env).await.unwrap();
    assert_eq!(second.commit_staged(env).await.unwrap().commit, 3);
    first.sync().await.unwrap();

    // The same secret: a conflict, never a silent last write.
    let id = id_of(&first, env, "SHARED");
    let edit = |session: &Session, value: &str| {
        let value = SecretText::from_string(value.to_owned());
        session.stage_put(env, Some(id), "SHARED", Some(value), "").unwrap();
    };
    edit(&first, "from first");
    edit(&second, "from second");
    first.commit_staged(env).await.unwrap();
    let error = second.commit_staged(env).await.unwrap_err();
    let VaultError::Conflict(conflicts) = error else { panic!("{error:?}") };
    assert_eq!((conflicts[0].secret, conflicts[0].version), (id, 2));
    second.resolve(env, id, Resolution::Mine).unwrap();
    second.commit_staged(env).await.unwrap();
    first.sync().await.unwrap();
    assert_eq!(value_of(&first, env, "SHARED"), "from second");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_one_commit_after_a_dry_run() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    stage_new(&session, env, "SAME", "kept");
    stage_new(&session, env, "CHANGED", "old");
    session.commit_staged(env).await.unwrap();
    let mut file = String::from("SAME=kept\nCHANGED=new\n2BAD=x\n");
    for n in 0..2_000 {
        writeln!(file, "SECRET_{n}=value-{n}").unwrap();
    }
    let path = world.folder().join("big.env");
    std::fs::write(&path, file).unwrap();
    let mut run = session.import_read(env, &path).await.unwrap();
    let plan = session.import_plan(&run).unwrap();
    assert_eq!((plan.added, plan.changed, plan.same, plan.skipped), (2_000, 1, 1, 1));
    run.rename(3, "TWO_BAD").unwrap();
    assert_eq!(session.import_plan(&run).unwrap().added, 2_001);
    assert_eq!(session.with(|org| Ok(org.list(env)?.rows().len())).unwrap(), 2, "a dry run");

    let done = session.import_apply(run).await.unwrap();
    assert_eq!((done.commit, done.changes), (2, 2_002));
    assert_eq!(value_of(&session, env, "SECRET_1999"), "value-1999");
    assert_eq!(value_of(&session, env, "CHANGED"), "new");
    let again = session.import_read(env, &path).await.unwrap();
    assert_eq!(session.import_plan(&again).unwrap().same, 2_002);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_free_once_and_renaming_changes_no_id() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    let taken = session.create_app("Storefront", vec![("x".into(), EnvClass::Other)]).await;
    assert!(matches!(taken, Err(VaultError::NameTaken(name)) if name == "storefront"));
    session.rename_env(env, "production", EnvClass::Production).await.unwrap();
    session.rename_org("Acme Two").await.unwrap();
    let summary = session.with(|org| org.environment(env, 0)).unwrap();
    assert_eq!(summary.name, "production");
    assert_eq!(session.with(|org| Ok(org.name())).unwrap(), "Acme Two");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_cannot_open_the_same_vault() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let id = session.record().id;
    assert!(world.unlock(id, PASSPHRASE).await.is_err());
    world.close(session).await;
    assert!(world.unlock(id, PASSPHRASE).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_readable_reaches_the_disk_of_client_or_server() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let env = app(&session).await;
    stage_new(&session, env, "CANARY_NAME", "canary-secret-value");
    let id = id_of(&session, env, "CANARY_NAME");
    session.stage_note(env, id, "canary-note-text").unwrap();
    session.commit_staged(env).await.unwrap();
    let kit = session.kit(Some(passphrase(PASSPHRASE))).await.unwrap();
    let secret_key = kit.secret_key.lend(str::to_owned);
    world.close(session).await;
    let canaries: [&[u8]; 8] = [
        b"CANARY_NAME",
        b"canary-secret-value",
        b"canary-note-text",
        PASSPHRASE.as_bytes(),
        secret_key.as_bytes(),
        b"storefront",
        b"Mara Lind",
        b"Acme",
    ];
    for canary in canaries {
        let found = world.files_containing(canary);
        assert!(found.is_empty(), "{} in {found:?}", String::from_utf8_lossy(canary));
    }
    // The search itself can find something.
    assert!(!world.files_containing(b"SQLite format 3").is_empty());
}
