//! What this computer alone knows: decoys and dismissals, and what the log says of them.

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{Session, Use, VaultError};
use strongroom_core::insights::{Finding, What, Zone};
use strongroom_format::id::SecretId;

use crate::with_secret;
use crate::world::{PASSPHRASE, World};

const MINUTE: u64 = 60_000;

/// A moment ahead, because the server's clock is another one.
fn soon() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    u64::try_from(since.as_millis()).unwrap() + MINUTE
}

fn decoys_touched(session: &Session) -> Vec<Finding> {
    let shown = session.insights(soon(), Zone::default()).unwrap();
    let findings = shown.insights.findings.into_iter();
    findings.filter(|finding| matches!(finding.what, What::DecoyTouched { .. })).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decoy_is_known_to_this_computer_alone_and_tells_who_used_it() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    let nothing = SecretId([9; 16]);
    assert!(matches!(session.set_decoy(env, nothing, true), Err(VaultError::NotFound)));

    session.set_decoy(env, secret, true).unwrap();
    session.sync().await.unwrap();
    assert!(session.pull_log().await.unwrap());
    assert_eq!(decoys_touched(&session), [], "nobody used it");
    assert_eq!(session.acts_waiting().unwrap(), 0, "marking it is no act");
    let id = session.record().id;
    world.close(session).await;

    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    assert_eq!(session.decoys().unwrap().keys().copied().collect::<Vec<_>>(), [(env, secret)]);
    session.open_value(env, &secret, Use::Revealed).unwrap();
    assert_eq!(decoys_touched(&session), [], "it is not in the log yet");
    session.sync().await.unwrap();
    assert!(session.pull_log().await.unwrap());
    let found = decoys_touched(&session);
    let [Finding { key, what: What::DecoyTouched { what, uses, .. }, .. }] = found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((what, uses), (Use::Revealed, 2), "opened, and shown");

    let (now, until) = (soon(), soon() + MINUTE);
    session.dismiss_insight(key, until, now, Zone::default()).unwrap();
    assert_eq!(decoys_touched(&session), []);
    world.close(session).await;
    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    session.open_log().await.unwrap();
    assert_eq!(decoys_touched(&session), [], "it stays dismissed");
    session.dismiss_insight(key, 0, soon(), Zone::default()).unwrap();
    assert_eq!(decoys_touched(&session).len(), 1);
    session.set_decoy(env, secret, false).unwrap();
    assert_eq!(decoys_touched(&session), []);
    let gone = session.dismiss_insight(key, until, now, Zone::default());
    assert!(matches!(gone, Err(VaultError::NotFound)));
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_log_is_read_nothing_is_said_that_rests_on_it() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    with_secret(&session).await;
    let shown = session.insights(soon(), Zone::default()).unwrap();
    assert!(!shown.log_read);
    assert_eq!((shown.insights.looked.entries, shown.insights.looked.secrets), (0, 1));
    session.sync().await.unwrap();
    assert!(session.pull_log().await.unwrap());
    let shown = session.insights(soon(), Zone::default()).unwrap();
    assert!(shown.log_read && shown.log_readable);
    assert!(shown.insights.looked.entries > 0);
}
