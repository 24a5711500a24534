use strongroom_format::event::Detail;
use strongroom_format::event::EventKind;

use super::{House, house};
use crate::vault::error::{StopKind, VaultError};
use crate::vault::receipts::Promised;
use crate::vault::session::Session;

fn open(session: &Session) -> Vec<Promised> {
    session.look_at_watch(session.current().unwrap(), |watch| watch.receipts.clone()).unwrap()
}

/// So many acts that say nothing about any value.
fn act(session: &Session, times: u64) {
    let said = |number| Detail { number, ..Detail::status(0) };
    session.note_acts(EventKind::Denied, &(0..times).map(said).collect::<Vec<_>>()).unwrap();
}

/// Syncs until nothing waits and every promise was kept.
async fn settle(session: &Session) {
    session.sync().await.unwrap();
    while !open(session).is_empty() {
        session.sync().await.unwrap();
    }
    assert_eq!(session.acts_waiting().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promised_entry_is_asked_for_once_some_at_each_sync() {
    let House { world: _world, teo, .. } = house().await;
    settle(&teo).await;
    act(&teo, 25);
    teo.sync().await.unwrap();
    for left in [25, 15, 5, 0] {
        assert_eq!(open(&teo).len(), left);
        teo.sync().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_the_whole_log_finds_all_promises_there() {
    let House { world: _world, mara, .. } = house().await;
    settle(&mara).await;
    act(&mara, 400);
    mara.sync().await.unwrap();
    assert_eq!(open(&mara).len(), 400);
    assert!(mara.pull_log().await.unwrap());
    mara.sync().await.unwrap();
    assert!(open(&mara).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_a_thousand_promises_are_kept() {
    let House { world: _world, teo, .. } = house().await;
    settle(&teo).await;
    act(&teo, 1_003);
    teo.sync().await.unwrap();
    let kept = open(&teo);
    assert_eq!(kept.len(), 1_000);
    assert!(kept.is_sorted_by_key(Promised::place));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_that_is_not_kept_stops_the_vault_at_the_next_sync() {
    // Another entry stands there, and: the log is not that long.
    for beyond in [false, true] {
        for reads in [false, true] {
            let House { world: _world, mara, .. } = house().await;
            settle(&mara).await;
            act(&mara, 3);
            mara.sync().await.unwrap();
            let org = mara.current().unwrap();
            mara.change_watch(org, |watch| {
                let last = watch.receipts.last_mut().unwrap();
                *last = if beyond { last.moved(1 << 40) } else { last.moved(last.place() - 2) };
            })
            .unwrap();
            if reads {
                assert!(mara.pull_log().await.unwrap());
            }
            let Err(VaultError::Stopped(stop)) = mara.sync().await else {
                panic!("{beyond} {reads}")
            };
            assert_eq!(stop.kind, StopKind::Invalid);
            let evidence = mara.with(|org| Ok(org.standing.evidence.clone())).unwrap().unwrap();
            let file = std::fs::read(evidence).unwrap();
            assert!(strongroom_core::evidence::judge(&file).is_ok());
            assert!(mara.sync().await.is_err(), "nothing goes on");
        }
    }
}
