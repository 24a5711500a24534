//! Rows I03 and I04: acts that are left out, and acts that nobody signed.

use std::collections::BTreeMap;
use std::sync::Arc;

use ed25519_dalek::Signer as _;
use strongroom_client::vault::StopKind;
use strongroom_core::log::index::Query;
use strongroom_core::log::{Level, Use, Verdict};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Act, Event, EventKind};
use strongroom_format::hash::ZERO;
use strongroom_format::id::{DeviceId, EnvId, Principal, SecretId, UserId};

use super::house::{LogHouse, decoded, read, reworded, stopped};
use crate::integrity::liar;
use crate::scenario::Named;
use crate::world::Device;

/// Where the acts of Mara's computer stand in the log: of the one that did the most.
fn acts(house: &LogHouse) -> Vec<usize> {
    let mut by_device: BTreeMap<DeviceId, Vec<usize>> = BTreeMap::new();
    for (at, entry) in house.log.entries().iter().enumerate() {
        let act = decoded(entry).act;
        if act.kind.is_signed() {
            by_device.entry(act.device).or_default().push(at);
        }
    }
    by_device.into_values().max_by_key(Vec::len).unwrap()
}

fn verdict(device: &Device, entry: u64) -> Verdict {
    let row = u32::try_from(entry).unwrap();
    device.session().with_log(|log| log.index.row(row).unwrap().verdict).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i03_gap_an_act_that_is_left_out_shows_at_the_next_one() {
    let house = LogHouse::new().await;
    let acts = acts(&house);
    assert!(acts.len() >= 8, "{} acts", acts.len());
    for dropped in acts.windows(2) {
        let (at, next) = (dropped[0], dropped[1]);
        let mut entries = house.log.entries().to_vec();
        entries.remove(at);
        house.serve(&Arc::new(house.log.with(entries)));
        // Whoever never read it cannot know the entry; that one is missing it sees.
        let device = house.beginner().await.unwrap();
        let next = next as u64 - 1;
        assert_eq!(verdict(&device, next), Verdict::Gap, "without entry {at}");
        assert_eq!(device.session().log_entry(next).unwrap().verdict, Verdict::Gap);
        assert_eq!(device.session().facts(strongroom_core::log::Facts::gaps).unwrap(), Some(1));
        let verified = device.session().verify_log().await.unwrap();
        assert!(!verified.ok, "a log with a gap is not whole");
        assert_eq!(
            verified.bad.unwrap().entry,
            Some(next),
            "the first row behind the gap is named"
        );
    }
    // Nothing is missing in the honest one.
    house.serve(&house.log);
    let device = house.beginner().await.unwrap();
    let verified = device.session().verify_log().await.unwrap();
    assert!(verified.ok && verified.bad.is_none(), "{verified:?}");
}

type Forgery = fn(&Event, SecretId) -> Event;

/// Acts that the server would like somebody to have done, made of one that was done.
const FORGERIES: [Named<Forgery>; 9] = [
    ("another secret", |honest, secret| {
        let mut forged = honest.clone();
        forged.act.detail.secret = secret;
        forged
    }),
    ("another use", |honest, _| {
        let kind = if honest.act.kind == EventKind::Copied {
            EventKind::Revealed
        } else {
            EventKind::Copied
        };
        Event { act: Act { kind, ..honest.act.clone() }, ..honest.clone() }
    }),
    ("signed by somebody else", |honest, secret| {
        let mut act = next(&honest.act);
        act.detail.secret = secret;
        let signature = liar().sign(&act.message()).to_bytes();
        Event { act, signature, ..honest.clone() }
    }),
    ("on another computer, signed by somebody else", |honest, secret| {
        let act =
            Act { device: DeviceId([9; 16]), actor_seq: 1, actor_prev: ZERO, ..honest.act.clone() };
        let act = Act { detail: strongroom_format::event::Detail { secret, ..act.detail }, ..act };
        let signature = liar().sign(&act.message()).to_bytes();
        Event { act, signature, ..honest.clone() }
    }),
    ("the act of another person", |honest, _| {
        let actor = Some(Principal::User(UserId([9; 16])));
        Event { act: Act { actor, ..honest.act.clone() }, ..honest.clone() }
    }),
    ("nobody's act", |honest, _| Event {
        act: Act { actor: None, ..honest.act.clone() },
        ..honest.clone()
    }),
    ("told again", |honest, _| honest.clone()),
    ("told again at another time", |honest, _| Event {
        server_time_ms: honest.server_time_ms + 1_000,
        ..honest.clone()
    }),
    ("by a chain that never was", |honest, _| Event {
        act: Act { org_head: [9; 32], ..honest.act.clone() },
        ..honest.clone()
    }),
];

/// The act that would follow.
fn next(act: &Act) -> Act {
    let actor_prev = strongroom_format::wire::act_hash(act);
    Act { actor_seq: act.actor_seq + 1, actor_prev, ..act.clone() }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i04_frame_no_act_counts_that_its_actor_did_not_sign() {
    let house = LogHouse::new().await;
    let honest = decoded(&house.log.entries()[*acts(&house).last().unwrap()]);
    let (mara, env) = (honest.act.actor.unwrap(), honest.act.detail.env);
    let never_used = SecretId([7; 16]);
    let used = |device: &Device, secret: &SecretId| {
        let uses = |facts: &strongroom_core::log::Facts| {
            Use::ALL.map(|what| facts.uses(&mara, &env, secret).last(what))
        };
        device.session().facts(uses).unwrap().unwrap()
    };
    house.serve(&house.log);
    let clean = house.beginner().await.unwrap();
    let truth = used(&clean, &honest.act.detail.secret);
    for (what, forge) in FORGERIES {
        let mut entries = house.log.entries().to_vec();
        let entry = entries.len() as u64;
        entries.push(forge(&honest, never_used).encode());
        house.serve(&Arc::new(house.log.with(entries)));
        // Somebody who has read everything before, and somebody who begins.
        let mut reader = house.reader();
        read(&mut reader).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        for device in [reader, house.beginner().await.unwrap()] {
            assert_eq!(verdict(&device, entry), Verdict::Doubtful, "{what}");
            assert_eq!(used(&device, &honest.act.detail.secret), truth, "{what}");
            assert_eq!(used(&device, &never_used), [None; 6], "{what}");
            assert_eq!(
                device.session().facts(strongroom_core::log::Facts::doubtful).unwrap(),
                Some(1)
            );
            // It is found under doubtful and nowhere else.
            for level in Level::ALL {
                let query = Query { levels: vec![level], ..Query::default() };
                let found = device.session().log_ask(&query).unwrap().unwrap();
                let has = found.found.rows.contains(&u32::try_from(entry).unwrap());
                assert_eq!(has, level == Level::Doubtful, "{what}: {level:?}");
            }
            let verified = device.session().verify_log().await.unwrap();
            assert!(!verified.ok, "{what}");
            assert_eq!(verified.bad.unwrap().entry, Some(entry), "{what}");
        }
    }
}

/// What a signature is needed for cannot be the server's word, nor the other way round.
#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i04_frame_no_word_of_the_server_is_a_signed_one() {
    let house = LogHouse::new().await;
    let honest = decoded(&house.log.entries()[acts(&house)[0]]);
    let unsigned = |event: &Event| Event { signature: [0; 64], ..event.clone() };
    let seen = decoded(house.log.entries().last().unwrap());
    for (what, event) in [
        ("an act without a signature", unsigned(&honest)),
        ("a seen event with a signature", Event { signature: honest.signature, ..seen.clone() }),
    ] {
        let mut entries = house.log.entries().to_vec();
        entries.push(event.encode());
        house.serve(&Arc::new(house.log.with(entries)));
        for read in [read(&mut house.reader()).await, house.beginner().await.map(drop)] {
            let stop = stopped(what, read);
            assert_eq!(stop.kind, StopKind::Invalid, "{what}");
            assert_eq!(stop.place, format!("audit entry {}", house.log.size()), "{what}");
        }
    }
    // What the server saw is shown as that, whoever it names, and no use follows from it.
    let (actor, env) = (honest.act.actor.unwrap(), EnvId([9; 16]));
    let claimed = reworded(&seen.encode(), |event| {
        event.act.kind = EventKind::EnvFetched;
        event.act.actor = Some(actor);
        event.act.detail.env = env;
    });
    let mut entries = house.log.entries().to_vec();
    entries.push(claimed);
    house.serve(&Arc::new(house.log.with(entries)));
    let mut device = house.reader();
    read(&mut device).await.unwrap();
    assert_eq!(verdict(&device, house.log.size()), Verdict::Seen);
    let facts =
        device.session().facts(|facts| facts.in_env(&actor, &env).cloned()).unwrap().unwrap();
    let facts = facts.expect("it was fetched, says the server");
    assert!(facts.decrypted.is_none() && facts.secrets.is_empty(), "{facts:?}");
}
