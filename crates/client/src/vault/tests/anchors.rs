use strongroom_format::pins::AuditPin;
use strongroom_format::statement::Body;

use super::{DAY, House, house};
use crate::vault::anchor;
use crate::vault::error::{StopKind, VaultError};
use crate::vault::session::Session;

fn pin(session: &Session) -> AuditPin {
    session.with(|org| Ok(*org.replica.audit())).unwrap()
}

/// Signs any anchor, true or not, as somebody who was shown another log would.
async fn anchor_as(session: &Session, anchor: AuditPin) -> Result<(), VaultError> {
    let AuditPin { reset, size, root } = anchor;
    let org = session.current().unwrap();
    session
        .write_in(org, None, move |pen| Ok(pen.link(Body::AuditAnchor { reset, size, root })?))
        .await
}

fn newest(session: &Session) -> Option<anchor::AnchorSeen> {
    session.with(|org| Ok(anchor::newest(&org.replica))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_of_the_log_that_others_see_is_taken_and_checked_once() {
    let House { world: _world, mara, teo, ren } = house().await;
    let old = pin(&ren);
    mara.sync().await.unwrap();
    anchor_as(&teo, old).await.unwrap();
    anchor_as(&ren, pin(&ren)).await.unwrap();
    for session in [&mara, &teo, &ren] {
        session.sync().await.unwrap();
        let seen = newest(session).unwrap();
        assert_eq!(seen.by.id(), ren.user().0);
        let to = session.look_at_watch(session.current().unwrap(), |w| w.anchors_to).unwrap();
        assert_eq!(to, seen.link);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_of_another_log_stops_everybody_else_with_evidence() {
    let House { world: _world, mara, teo, ren } = house().await;
    let seen = pin(&teo);
    let other = AuditPin { root: [7; 32], ..seen };
    anchor_as(&teo, other).await.unwrap();
    for session in [&mara, &ren] {
        let Err(VaultError::Stopped(stop)) = session.sync().await else { panic!() };
        assert_eq!(stop.kind, StopKind::Fork);
        assert_eq!(stop.place, format!("audit entry {}", seen.size));
        let evidence = session.with(|org| Ok(org.standing.evidence.clone())).unwrap().unwrap();
        let judged = strongroom_core::evidence::judge(&std::fs::read(evidence).unwrap()).unwrap();
        assert!(judged.proven, "{judged:?}");
        assert!(session.follow_up().await.is_err(), "nothing goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_anchor_is_found_behind_a_true_one_and_however_many_there_are() {
    let House { world: _world, mara, teo, ren } = house().await;
    let old = pin(&mara);
    ren.sync().await.unwrap();
    teo.sync().await.unwrap();
    anchor_as(&teo, AuditPin { size: old.size + 1, root: [7; 32], ..old }).await.unwrap();
    for _ in 0..20 {
        anchor_as(&teo, pin(&teo)).await.unwrap();
    }
    // The newest holds, and the false one is among the oldest: both are looked at in one sync.
    assert!(matches!(mara.sync().await, Err(VaultError::Stopped(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_anchors_than_one_sync_proves_are_left_for_the_next_ones() {
    let House { world: _world, mara, teo, .. } = house().await;
    teo.sync().await.unwrap();
    for _ in 0..40 {
        anchor_as(&teo, pin(&teo)).await.unwrap();
    }
    let org = mara.current().unwrap();
    let done = || mara.look_at_watch(org, |watch| watch.anchors_to).unwrap();
    mara.sync().await.unwrap();
    let (first, last) = (done(), newest(&mara).unwrap().link);
    assert!(first < last);
    mara.sync().await.unwrap();
    assert!(first < done() && done() < last);
    mara.sync().await.unwrap();
    assert_eq!(done(), last);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_anchor_once_a_day_between_them_and_say_so() {
    let House { world, mara, teo, ren } = house().await;
    let all = [("first", &mara), ("Teo Varga", &teo), ("Ren Okafor", &ren)];
    for (_, session) in all {
        session.follow_up().await.unwrap();
        assert!(newest(session).is_none(), "a day has not gone by");
    }
    // After a day and four hours nobody waits for another one's lot any more.
    let later = DAY + 5 * 60 * 60 * 1000;
    for machine in ["first", "Teo Varga", "Ren Okafor", "server"] {
        world.clock(machine).set(later);
    }
    for (_, session) in all.into_iter().rev() {
        session.follow_up().await.unwrap();
    }
    let seen = newest(&mara).unwrap();
    assert_eq!(seen.by.id(), ren.user().0, "the reviewer was the first to look");
    for (_, session) in all {
        session.follow_up().await.unwrap();
        assert_eq!(newest(session), Some(seen), "one is enough");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_loses_the_race_for_an_anchor_goes_on_without_a_word() {
    let House { world, mara, teo, .. } = house().await;
    for machine in ["first", "Teo Varga", "server"] {
        world.clock(machine).set(2 * DAY);
    }
    teo.sync().await.unwrap();
    mara.follow_up().await.unwrap();
    let org = teo.current().unwrap();
    // Teo has not seen Mara's anchor: his own is refused, and not due any more on what is newer.
    assert!(!teo.anchor_in(org).await.unwrap());
    assert_eq!(newest(&teo), newest(&mara));
}
