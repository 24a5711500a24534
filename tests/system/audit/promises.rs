//! Row I05: entries that the server promised and did not write.

use std::sync::{Arc, Mutex};

use strongroom_client::vault::{StopKind, VaultError};
use strongroom_core::log::Use;
use strongroom_evil_server::{Answer, FalseLog, Request};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::Event;
use strongroom_format::wire::{ActPage, Receipt};

use super::house::{ENTRIES, LogHouse, read, stopped};
use crate::scenario::Named;
use crate::world::{Device, PASSPHRASE, START};

/// What is written down in the place of what was promised.
type Writes = fn(Event) -> Option<Event>;

const LIES: [Named<Writes>; 5] = [
    ("nothing", |_| None),
    ("another time", |event| Some(Event { server_time_ms: event.server_time_ms + 1, ..event })),
    ("another peer", |event| Some(Event { peer: "203.0.113.9:4711".to_owned(), ..event })),
    ("another signature", |mut event| {
        event.signature[0] ^= 1;
        Some(event)
    }),
    ("another act", |mut event| {
        event.act.detail.version += 1;
        Some(event)
    }),
];

/// A log that takes acts, promises them their places, and writes what it likes.
fn keep(log: &Mutex<FalseLog>, writes: Writes, request: &Request) -> Option<Answer> {
    let mut log = log.lock().unwrap();
    if !request.is("POST", "/events") {
        return log.answer(request);
    }
    let acts = ActPage::decode(&request.body).unwrap().acts;
    let (first, count) = (log.size(), acts.len() as u64);
    let (time_ms, peer) = (START + 70_000, "192.0.2.7:1234".to_owned());
    let promised: Vec<Event> = acts
        .into_iter()
        .map(|signed| Event {
            act: signed.act,
            signature: signed.signature,
            server_time_ms: time_ms,
            peer: peer.clone(),
        })
        .collect();
    let written: Vec<_> = promised.into_iter().filter_map(writes).map(|e| e.encode()).collect();
    log.extend(written);
    let checkpoint = log.note(log.size());
    Some(Answer::json(&Receipt { count, first, time_ms, peer, checkpoint }))
}

impl LogHouse {
    /// The server takes acts and writes them down like this.
    fn write_acts(&self, writes: Writes) {
        let log = Arc::new(Mutex::new(FalseLog::clone(&self.log)));
        let asked = Arc::clone(&log);
        self.house.evil.answer_instead(move |request| keep(&asked, writes, request));
        self.house.evil.lie(move |_, answer| log.lock().unwrap().dress(answer));
    }
}

/// Three values are shown on a computer that then syncs.
async fn reveals(device: &mut Device) -> Result<(), VaultError> {
    device.open_with(PASSPHRASE).await?;
    let (env, secret) = (device.env("prod"), device.secret("prod", "STRIPE_KEY"));
    for _ in 0..3 {
        device.session().note(Use::Revealed, env, &[secret])?;
    }
    device.session().sync().await
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i05_unincluded_an_act_that_was_promised_is_missed_within_two_syncs() {
    let house = LogHouse::new().await;
    for (what, writes) in LIES {
        house.write_acts(writes);
        let mut device = house.reader();
        // Its acts are taken with thanks; nothing is read of the log.
        let mut ended = reveals(&mut device).await;
        for _ in 0..2 {
            if ended.is_ok() {
                ended = device.session().sync().await;
            }
        }
        let stop = stopped(what, ended);
        assert_eq!(stop.kind, StopKind::Invalid, "{what}");
        let entry: u64 = stop.place.strip_prefix("audit entry ").unwrap().parse().unwrap();
        assert!((ENTRIES..ENTRIES + 3).contains(&entry), "{what}: {}", stop.place);
    }
    house.write_acts(Some);
    let mut device = house.reader();
    reveals(&mut device).await.unwrap();
    for _ in 0..3 {
        device.session().sync().await.unwrap();
    }
    assert!(device.session().pull_log().await.unwrap());
}

/// Whoever reads the log counts its own acts in it.
#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i05_unincluded_an_act_that_was_promised_is_missed_by_whoever_reads_the_log() {
    let house = LogHouse::new().await;
    house.write_acts(|_| None);
    let mut device = house.reader();
    reveals(&mut device).await.unwrap();
    let stop = stopped("nothing", device.session().pull_log().await.map(drop));
    assert_eq!(stop.kind, StopKind::Invalid);
    house.write_acts(Some);
    let mut device = house.reader();
    reveals(&mut device).await.unwrap();
    read(&mut device).await.unwrap();
}
