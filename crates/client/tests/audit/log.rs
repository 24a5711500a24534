//! The log as this computer keeps it: searched, proven, checked again, and compared.

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{RootMatch, Session, StepKind, Use, VaultError};
use strongroom_core::log::index::{Names as _, Query};
use strongroom_core::log::{Level, Verdict};
use strongroom_format::event::EventKind;
use strongroom_format::id::{EnvId, SecretId};

use super::with_secret;
use super::world::{PASSPHRASE, World};

fn only(kinds: &[EventKind]) -> Query {
    Query { kinds: kinds.to_vec(), ..Query::default() }
}

/// Uses a value so often that the log fills more than one kept file.
async fn used(session: &Session, env: EnvId, secret: SecretId, times: usize) {
    session.note(Use::Copied, env, &vec![secret; times]).unwrap();
    session.sync().await.unwrap();
    assert!(session.pull_log().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_can_be_found_and_proven_also_without_a_server() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    assert!(session.log_ask(&Query::default()).unwrap().is_none(), "nothing was read yet");
    used(&session, env, secret, 1_200).await;

    let copied = session.log_ask(&only(&[EventKind::Copied])).unwrap().unwrap();
    assert_eq!(copied.found.rows.len(), 1_200);
    let words = Query { text: "api_key COPIED storefront".to_owned(), ..Query::default() };
    assert_eq!(session.log_ask(&words).unwrap().unwrap().found.rows, copied.found.rows);
    let all = session.log_ask(&Query::default()).unwrap().unwrap();
    let standing = session.log_standing().unwrap();
    assert_eq!((u64::from(all.total), standing.base), (standing.size, 0));
    assert!(standing.readable && standing.index_bytes > 0 && standing.settled_ms.is_some());
    let levels: Vec<_> = all.found.facets.levels.iter().map(|(level, _)| *level).collect();
    assert!(levels.contains(&Level::Seen) && levels.contains(&Level::Derived));
    assert!(!levels.contains(&Level::Doubtful));

    let id = session.record().id;
    let last = standing.size - 1;
    world.close(session).await;
    let world = world.server_gone().await;
    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    session.open_log().await.unwrap();
    let again = session.log_ask(&Query::default()).unwrap().unwrap();
    assert_eq!(again.found.facets, all.found.facets);
    assert_eq!(again.total, all.total);
    let (mut before, mut acts) = (None, 0);
    for entry in [0, 1, 1_023, 1_024, last] {
        let shown = session.log_entry(entry).unwrap();
        assert_eq!((shown.entry, shown.size), (entry, standing.size));
        assert!(shown.text.starts_with("c2sp.org/tlog-proof@v1\n"));
        if shown.verdict == Verdict::Signed {
            acts += 1;
            before = shown.before;
        }
    }
    assert!(acts > 0 && before.is_some());
    assert!(matches!(session.log_entry(last + 1), Err(VaultError::NotFound)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_the_whole_log_says_what_holds_and_what_it_does_not_show() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    used(&session, env, secret, 40).await;
    let verified = session.verify_log().await.unwrap();
    assert!(verified.ok, "{verified:?}");
    assert_eq!(verified.entries, verified.size);
    assert_eq!(verified.bad, None);
    let step = |kind| verified.steps.iter().find(|step| step.kind == kind).unwrap();
    assert_eq!(step(StepKind::Included).detail, format!("{} hashes, one root", verified.size));
    assert_eq!(step(StepKind::Own).ok, Some(true));
    assert_eq!(step(StepKind::Others).ok, None, "nobody else is there");
    assert!(verified.limits.iter().any(|limit| limit.contains("nobody else has anchored")));
    let ahead = verified.clock_ahead_ms.unwrap();
    assert!(ahead.abs() < 60_000, "{ahead}");

    // What was kept is damaged on the disk: it is read again, and nothing is told meanwhile.
    let (id, org) = (session.record().id, session.current().unwrap());
    world.close(session).await;
    let file = world.folder().join(format!("first/vaults/{id}/cache/log-{org}-0-0.sealed"));
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    session.open_log().await.unwrap();
    assert!(session.log_ask(&Query::default()).unwrap().is_none());
    let again = session.verify_log().await.unwrap();
    assert!(again.ok && again.size >= verified.size);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_keeps_its_name_in_the_log() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    used(&session, env, secret, 2).await;
    let name = |session: &Session| {
        session.with_log(|log| log.names.secret(&env, &secret)).unwrap().unwrap()
    };
    assert_eq!(name(&session).as_deref(), Some("API_KEY"));
    session.stage_delete(env, &[secret]).unwrap();
    session.commit_staged(env).await.unwrap();
    assert_eq!(name(&session).as_deref(), Some("API_KEY"));
    let id = session.record().id;
    world.close(session).await;
    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    session.open_log().await.unwrap();
    assert_eq!(name(&session).as_deref(), Some("API_KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_compare_the_log_by_a_line() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let (env, secret) = with_secret(&session).await;
    used(&session, env, secret, 3).await;
    let newest = session.root_shown(None).unwrap();
    let earlier = session.root_shown(Some(newest.size - 2)).unwrap();
    assert_ne!(earlier.code, newest.code);
    assert_eq!(newest.code.split(' ').count(), 8);
    let line = |size: u64, code: &str| format!(" {size}  {} ", code.to_uppercase());
    let compare = |line: &str| session.root_compare(line);
    assert_eq!(compare(&line(newest.size, &newest.code)).unwrap(), RootMatch::Same);
    assert_eq!(compare(&line(earlier.size, &earlier.code)).unwrap(), RootMatch::Same);
    assert_eq!(compare(&line(newest.size, &earlier.code)).unwrap(), RootMatch::Differs);
    assert_eq!(compare(&line(newest.size + 1, &newest.code)).unwrap(), RootMatch::Unknown);
    for bad in ["", "12", "x abcd", "12 abcd efgh", "-1 abcd"] {
        assert!(matches!(compare(bad), Err(VaultError::NotACode)), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_touches_does_not_grow_by_being_read() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    with_secret(&session).await;
    session.pull_log().await.unwrap();
    session.pull_log().await.unwrap();
    let size = session.log_standing().unwrap().size;
    for _ in 0..5 {
        session.pull_log().await.unwrap();
    }
    assert_eq!(session.log_standing().unwrap().size, size);
    let read = session.log_ask(&only(&[EventKind::AuditFetched])).unwrap().unwrap();
    assert!(!read.found.rows.is_empty(), "reading it is logged itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_again_while_somebody_looks_and_now_and_then_otherwise() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    with_secret(&session).await;
    assert!(session.log_is_due().unwrap(), "it was never read");
    session.pull_log().await.unwrap();
    assert!(!session.log_is_due().unwrap());
    session.log_ask(&Query::default()).unwrap();
    assert!(session.log_is_due().unwrap(), "somebody looks at it");
    world.clock("first").set(2 * 60_000);
    assert!(!session.log_is_due().unwrap(), "nobody does any more");
    world.clock("first").set(6 * 60_000);
    assert!(session.log_is_due().unwrap());
}
