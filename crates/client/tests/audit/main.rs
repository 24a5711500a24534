//! The audit log from this side: acts that are signed, kept and sent, and a log that is read whole.
#![expect(clippy::unwrap_used, reason = "a broken fixture should fail loudly")]

#[path = "../vault/world.rs"]
#[expect(dead_code, reason = "the vault's own tests use all of it")]
mod world;

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{Session, Use};
use strongroom_core::details::EnvClass;
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
