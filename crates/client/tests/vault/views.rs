//! Filters of the audit log that a computer keeps.

use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{KeptView, MAX_VIEW, MAX_VIEW_NAME, MAX_VIEWS, Session, VaultError};

use super::world::{PASSPHRASE, World};

fn names(views: &[KeptView]) -> Vec<&str> {
    views.iter().map(|view| view.name.as_str()).collect()
}

fn one(session: &Session, name: &str) -> KeptView {
    session.views().unwrap().into_iter().find(|view| view.name == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_kept_by_name_across_a_lock_and_forgotten_by_id() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    assert!(session.views().unwrap().is_empty());
    session.put_view("prod", "{1}").unwrap();
    let both = session.put_view("agents e\u{301}", "{2}").unwrap();
    assert_eq!(names(&both), ["agents e\u{301}", "prod"]);
    let first = one(&session, "prod");
    session.put_view("prod", "{3}").unwrap();
    let second = one(&session, "prod");
    assert_eq!((second.id.as_str(), second.json.as_str()), (first.id.as_str(), "{3}"));
    let id = session.record().id;
    world.close(session).await;

    let session = world.unlock(id, PASSPHRASE).await.unwrap();
    assert_eq!(names(&session.views().unwrap()), names(&both));
    let rest = session.remove_view(&second.id).unwrap();
    assert_eq!(names(&rest), ["agents e\u{301}"]);
    assert!(matches!(session.remove_view(&second.id), Err(VaultError::NotFound)));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_and_no_longer_filters_are_kept_than_fit_on_a_screen() {
    let world = World::start().await;
    let session = world.create(KeepSecretKey::Keyring).await;
    let long = "x".repeat(MAX_VIEW + 1);
    assert!(matches!(session.put_view("long", &long), Err(VaultError::TooLarge(MAX_VIEW))));
    let name = "n".repeat(MAX_VIEW_NAME + 1);
    assert!(matches!(session.put_view(&name, ""), Err(VaultError::TooLarge(MAX_VIEW_NAME))));
    for n in 0..MAX_VIEWS {
        session.put_view(&format!("{n:03}"), "{}").unwrap();
    }
    assert!(matches!(session.put_view("another", "{}"), Err(VaultError::TooLarge(MAX_VIEWS))));
    assert_eq!(session.views().unwrap().len(), MAX_VIEWS, "what does not fit changes nothing");
    session.put_view("000", "{new}").unwrap();
    assert_eq!(one(&session, "000").json, "{new}");
}
