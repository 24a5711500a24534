//! Rows I02 and I06: two logs for two people, and a disk that is wrong.

use std::sync::Arc;

use strongroom_client::vault::{RootMatch, StopKind};
use strongroom_evil_server::FalseLog;

use super::house::{TWO_DAYS, entries, false_log, read_on, reworded, serve, stopped};
use crate::team_house::Team;
use crate::world::{House, PASSPHRASE};

/// The log with three more entries that are nobody else's.
fn continued(common: &FalseLog, by: u64) -> Arc<FalseLog> {
    let mut log = common.clone();
    let newest = log.entries().last().unwrap().clone();
    log.extend((1..4).map(|n| reworded(&newest, |e| e.server_time_ms += by + n)).collect());
    Arc::new(log)
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i02_split_two_logs_are_found_by_a_code_and_by_an_anchor() {
    let mut team = Team::new().await;
    for device in [&team.mara, &team.teo] {
        device.session().sync().await.unwrap();
    }
    let entries = entries(&team.evil, &team.mara).await;
    let common = false_log(&team.honest, &team.mara, entries).await;
    let (hers, his) = (continued(&common, 100), continued(&common, 200));

    // Each of the two is shown a log that holds by itself.
    serve(&team.evil, &hers);
    read_on(&team.mara).await.unwrap();
    serve(&team.evil, &his);
    read_on(&team.teo).await.unwrap();

    // Two people compare a line.
    let line = |device: &crate::world::Device, size| {
        let shown = device.session().root_shown(size).unwrap();
        format!("{} {}", shown.size, shown.code)
    };
    let compare = |line: &str| team.teo.session().root_compare(line).unwrap();
    assert_eq!(compare(&line(&team.mara, None)), RootMatch::Differs);
    assert_eq!(compare(&line(&team.mara, Some(common.size()))), RootMatch::Same);
    assert_eq!(compare(&line(&team.teo, None)), RootMatch::Same);

    // Nobody compares anything; Mara's computer anchors by itself, and Teo's looks.
    serve(&team.evil, &hers);
    team.honest.advance(TWO_DAYS);
    team.mara.clock.advance(TWO_DAYS);
    team.teo.clock.advance(TWO_DAYS);
    team.mara.open_with(PASSPHRASE).await.unwrap();
    team.mara.session().follow_up().await.unwrap();
    let anchor = team.mara.session().with(|org| Ok(*org.replica().state().audit_anchor()));
    assert_eq!(anchor.unwrap().root, hers.checkpoint(hers.size()).root);
    serve(&team.evil, &his);
    team.teo.open_with(PASSPHRASE).await.unwrap();
    let stop = stopped("the other log", team.teo.session().sync().await);
    assert_eq!(stop.kind, StopKind::Fork);
    assert_eq!(stop.place, format!("audit entry {}", hers.size()));
    // A longer tale does not help.
    team.teo.lock().await;
    serve(&team.evil, &continued(&his, 300));
    team.teo.open_with(PASSPHRASE).await.unwrap();
    stopped("the other log, longer", team.teo.session().sync().await);
}

/// A bit of an old entry that turned over on the disk, or that somebody turned: whoever reads the log
/// names the row. That no root is signed over a bit that turned before, the server's own tests show
/// (crates/server/tests/it/closed.rs).
#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i06_bit_error_an_entry_that_changed_on_the_disk_is_named() {
    let house = House::new().await;
    let before = entries(&house.evil, &house.device).await;
    let backup = house.honest.backup().await;
    for at in [1, before.len() / 2, before.len() - 1] {
        house.honest.restore(&backup).await;
        house.honest.flip_bit_of(&before[at]).await;
        let mut device = house.device.at(&house.pinned);
        // Whoever has acts to send reads the log while it syncs.
        let read = match device.open().await {
            Ok(()) => device.session().pull_log().await.map(drop),
            stopped => stopped,
        };
        let stop = stopped("a changed entry", read);
        assert_eq!(stop.place, format!("audit entry {at}"));
        let verified = device.session().verify_log().await;
        let bad = verified.map(|verified| (verified.ok, verified.bad.unwrap().entry));
        assert_eq!(bad.unwrap(), (false, Some(at as u64)));
    }
}
