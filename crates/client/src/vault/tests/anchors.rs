use strongroom_core::replica::Replica;
use strongroom_format::pins::AuditPin;
use strongroom_format::statement::{Body, Statement};

use super::{DAY, House, house};
use crate::vault::StepKind;
use crate::vault::anchor;
use crate::vault::error::{StopKind, VaultError};
use crate::vault::session::Session;
use crate::vault::sync::{Contradiction, PullError};

fn pin(session: &Session) -> AuditPin {
    session.with(|org| Ok(*org.replica.audit())).unwrap()
}

/// Anchors whatever the turn.
async fn anchor_as(session: &Session, anchor: AuditPin) -> Result<(), VaultError> {
    let AuditPin { reset, size, root } = anchor;
    let org = session.current().unwrap();
    session
        .write_in(org, None, move |pen| Ok(pen.link(Body::AuditAnchor { reset, size, root })?))
        .await
}

fn newest(session: &Session) -> Option<anchor::AnchorSeen> {
    session.with(|org| Ok(anchor::anchors(&org.replica, 0).pop())).unwrap()
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

/// What `to` would take in from a server that shows `by` another log, and passes its anchors on.
fn shown(to: &Session, by: &Session, anchors: &[AuditPin]) -> Replica {
    let mut replica = to.with(|org| Ok(org.replica.clone())).unwrap();
    for AuditPin { reset, size, root } in anchors.iter().copied() {
        let state = replica.state();
        let link = by.me.keyset.isk.sign_link(Statement {
            org: state.org(),
            seq: state.seq() + 1,
            prev: state.head(),
            author: by.me.principal,
            time_ms: state.time_ms(),
            body: Body::AuditAnchor { reset, size, root },
        });
        replica.take_link(link).unwrap();
    }
    replica
}

async fn found(session: &Session, replica: &Replica) -> Option<Contradiction> {
    match session.check_anchors(replica).await {
        Ok(_) => None,
        Err(PullError::Contradiction(found)) => Some(*found),
        Err(PullError::Other(error)) => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_of_another_log_stops_everybody_else_with_evidence() {
    let House { world: _world, mara, teo, ren } = house().await;
    for session in [&mara, &ren] {
        session.sync().await.unwrap();
        let seen = pin(session);
        let replica = shown(session, &teo, &[AuditPin { root: [7; 32], ..seen }]);
        let found = found(session, &replica).await.unwrap();
        assert_eq!(found.stop.kind, StopKind::Fork);
        assert_eq!(found.stop.place, format!("audit entry {}", seen.size));
        session.stop(&replica, found);
        let evidence = session.with(|org| Ok(org.standing.evidence.clone())).unwrap().unwrap();
        let judged = strongroom_core::evidence::judge(&std::fs::read(evidence).unwrap()).unwrap();
        assert!(judged.proven, "{judged:?}");
        assert!(session.follow_up().await.is_err(), "nothing goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_anchor_is_found_whichever_size_it_names_and_whatever_covers_it() {
    let House { world: _world, mara, teo, .. } = house().await;
    let old = pin(&mara);
    mara.sync().await.unwrap();
    let now = pin(&mara);
    assert!(old.size < now.size);
    let false_at = |size| AuditPin { size, root: [7; 32], ..now };
    for (anchors, bad) in [
        (vec![old, now], false),
        (vec![false_at(old.size)], true),
        (vec![false_at(old.size), now], true),
        (vec![false_at(old.size + 1), now, now], true),
        (vec![old, false_at(now.size)], true),
        // More than the server has: it cannot show that it goes on from here.
        (vec![old, false_at(now.size + 5)], true),
    ] {
        let replica = shown(&mara, &teo, &anchors);
        assert_eq!(found(&mara, &replica).await.is_some(), bad, "{anchors:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anchors_of_a_tree_that_an_owner_gave_up_are_nobodys_business() {
    let House { world: _world, mara, teo, .. } = house().await;
    let mut replica = shown(&mara, &teo, &[AuditPin { root: [7; 32], ..pin(&mara) }]);
    let (state, old) = (replica.state(), pin(&mara));
    let link = mara.me.keyset.isk.sign_link(Statement {
        org: state.org(),
        seq: state.seq() + 1,
        prev: state.head(),
        author: mara.me.principal,
        time_ms: state.time_ms(),
        body: Body::AuditReset {
            old_reset: 0,
            size: old.size,
            root: old.root,
            audit_vkey: *state.audit_vkey(),
        },
    });
    replica.take_link(link).unwrap();
    assert!(found(&mara, &replica).await.is_none());
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
        let verified = session.verify_log().await.unwrap();
        assert!(verified.ok, "{verified:?}");
        assert_eq!(verified.anchor, Some(seen));
        let others = verified.steps.iter().find(|step| step.kind == StepKind::Others).unwrap();
        let own = session.user() == ren.user();
        assert_eq!(others.ok, (!own).then_some(true), "{}", others.detail);
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
