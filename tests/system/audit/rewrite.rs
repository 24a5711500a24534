//! Row I01: what was read is not rewritten, shortened or stretched.

use std::borrow::Cow;
use std::sync::Arc;

use strongroom_client::api::ApiError;
use strongroom_client::vault::{StopKind, VaultError};
use strongroom_core::log::{Against, AuditCopy, LogError, Weighed, weigh};
use strongroom_evil_server::{Answer, FalseLog, signed};
use strongroom_format::note::Checkpoint;
use strongroom_format::wire::{B64, EventsAnswer};

use super::house::{ENTRIES, LogHouse, read, reworded, stopped};
use crate::scenario::Named;
use crate::world::PASSPHRASE;

type ChangeOfPage = fn(&mut EventsAnswer);

/// What a server might do to an entry of the past.
type Rewrite = fn(&mut Vec<Vec<u8>>, usize);

const REWRITES: [(&str, Rewrite); 8] = [
    ("another time", |entries, at| {
        entries[at] = reworded(&entries[at], |event| event.server_time_ms -= 3_600_000);
    }),
    ("another peer", |entries, at| {
        entries[at] =
            reworded(&entries[at], |event| "203.0.113.9:4711".clone_into(&mut event.peer));
    }),
    ("another thing", |entries, at| {
        entries[at] = reworded(&entries[at], |event| event.act.detail.secret.0[15] ^= 1);
    }),
    ("nobody did it", |entries, at| {
        entries[at] = reworded(&entries[at], |event| event.act.actor = None);
    }),
    ("left out", |entries, at| drop(entries.remove(at))),
    ("told twice", |entries, at| {
        let neighbour = neighbour(entries, at);
        entries[neighbour] = entries[at].clone();
    }),
    ("told in another order", |entries, at| {
        let neighbour = neighbour(entries, at);
        entries.swap(at, neighbour);
    }),
    ("something put before it", |entries, at| {
        let strange = reworded(&entries[entries.len() - 1], |event| event.server_time_ms += 7);
        entries.insert(at, strange);
    }),
];

fn neighbour(entries: &[Vec<u8>], at: usize) -> usize {
    if at + 1 < entries.len() { at + 1 } else { at - 1 }
}

/// The log with one entry of the past rewritten, as long as it is or a little longer.
fn rewritten(log: &FalseLog, at: usize, (_, rewrite): (&str, Rewrite)) -> FalseLog {
    let mut entries = log.entries().to_vec();
    let newest = entries[entries.len() - 1].clone();
    rewrite(&mut entries, at);
    let size = log.entries().len() + at % 4;
    entries.truncate(size);
    for n in entries.len()..size {
        entries.push(reworded(&newest, |event| event.server_time_ms += n as u64));
    }
    log.with(entries)
}

/// Whoever read the log asks the new one to continue it.
#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i01_rewrite_a_log_that_was_read_is_not_rewritten_at_any_entry() {
    let house = LogHouse::new().await;
    for at in every_entry() {
        let how = REWRITES[at % REWRITES.len()];
        let lie = rewritten(&house.log, at, how);
        assert_ne!(lie.checkpoint(ENTRIES).root, house.log.checkpoint(ENTRIES).root);
        house.serve(&Arc::new(lie));
        let stop = stopped(how.0, read(&mut house.reader()).await);
        assert_ne!(stop.shown, stop.pinned, "{} at {at}", how.0);
    }
    house.serve(&house.log);
    read(&mut house.reader()).await.unwrap();
}

/// Whoever reads every entry again finds another root than the pinned one, whichever entry it is.
#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i01_rewrite_a_log_that_is_read_again_is_not_rewritten_at_any_entry() {
    let house = LogHouse::new().await;
    let mut device = house.reader();
    house.serve(&house.log);
    device.open_with(PASSPHRASE).await.unwrap();
    let replica = device.session().with(|org| Ok(org.replica().clone())).unwrap();
    let against = Against::new(replica.state(), replica.audit());
    let honest: Vec<Weighed> =
        house.log.entries().iter().map(|entry| weigh(&against, entry).unwrap()).collect();
    // What was read before each entry.
    let mut before = vec![AuditCopy::new(0)];
    for weighed in &honest {
        let mut copy = before[before.len() - 1].clone();
        copy.take(&against, weighed).unwrap();
        before.push(copy);
    }
    for at in every_entry() {
        let how = REWRITES[at % REWRITES.len()];
        let lie = rewritten(&house.log, at, how);
        let first = first_difference(lie.entries(), house.log.entries());
        let mut copy = before[first].clone();
        // An entry that stands where it stood was weighed before.
        let rest = lie.entries().iter().zip(house.log.entries().iter().zip(&honest)).skip(first);
        let read = rest.into_iter().try_for_each(|(new, (old, weighed))| {
            let new =
                if new == old { Cow::Borrowed(weighed) } else { Cow::Owned(weigh(&against, new)?) };
            copy.take(&against, &new).map(drop)
        });
        assert_eq!(read, Err(LogError::Forked { size: ENTRIES }), "{} at {at}", how.0);
    }
}

/// Even if all checkpoints and proofs are those of the honest log: then the entry is named.
#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i01_rewrite_a_page_that_says_otherwise_is_found_out_to_the_entry() {
    let house = LogHouse::new().await;
    for at in every_entry().step_by(37).chain([998, 999]) {
        let how = REWRITES[at % REWRITES.len()];
        let lie = rewritten(&house.log, at, how);
        house.serve(&house.log);
        house.answer_pages_from(&lie, &house.log);
        let mut device = house.reader_without_copy();
        let stop = stopped(how.0, read(&mut device).await);
        let first = first_difference(lie.entries(), house.log.entries());
        // No beginning of the log is proven before entry 0.
        let place = match first {
            0 => format!("audit log of {ENTRIES} entries"),
            first => format!("audit entry {first}"),
        };
        assert_eq!((stop.kind, stop.place), (StopKind::Fork, place), "{} at {at}", how.0);
        assert!(device.session().facts(|_| ()).unwrap().is_none(), "nothing of it is told");
        let verified = device.session().verify_log().await;
        assert!(verified.is_err() || !verified.unwrap().ok, "{} at {at}", how.0);
    }
    house.serve(&house.log);
    read(&mut house.reader_without_copy()).await.unwrap();
}

fn every_entry() -> std::ops::Range<usize> {
    0..usize::try_from(ENTRIES).unwrap()
}

fn first_difference(these: &[Vec<u8>], those: &[Vec<u8>]) -> usize {
    these.iter().zip(those).position(|(this, that)| this != that).unwrap()
}

/// Every rewriting at a few entries, also by a server that only shows the newest root.
#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i01_rewrite_in_whatever_way_and_for_whomever() {
    let house = LogHouse::new().await;
    for at in [0, 1, 511, 512, 998, 999] {
        for how in REWRITES {
            let lie = Arc::new(rewritten(&house.log, at, how));
            house.serve(&lie);
            stopped(how.0, read(&mut house.reader()).await);
            stopped(how.0, read(&mut house.reader_without_copy()).await);
        }
    }
    // Whoever knows the organisation only from its founding pinned the log's first entries.
    for (at, how) in REWRITES.into_iter().take(4).enumerate() {
        house.serve(&Arc::new(rewritten(&house.log, at, how)));
        stopped("the beginning", read(&mut house.founder()).await);
    }
}

/// Whoever begins anew has pinned nothing; an anchor in the chain says what others had read.
#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i01_rewrite_whoever_begins_anew_is_warned_by_an_anchor() {
    let house = LogHouse::new().await;
    house.anchor().await;
    for at in every_entry().step_by(53).chain([999]) {
        let how = REWRITES[at % REWRITES.len()];
        house.serve(&Arc::new(rewritten(&house.log, at, how)));
        let stop = stopped(how.0, house.beginner().await.map(drop));
        let place = format!("audit entry {ENTRIES}");
        assert_eq!((stop.kind, stop.place), (StopKind::Fork, place), "{} at {at}", how.0);
    }
    // A log that is too short for the anchor contradicts it as well.
    let short = house.log.with(house.log.entries()[..990].to_vec());
    house.serve(&Arc::new(short));
    stopped("shorter than the anchor", house.beginner().await.map(drop));
    house.serve(&house.log);
    house.beginner().await.unwrap();
}

/// A log that ends before what was read.
#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i01_rewrite_the_newest_entries_are_not_dropped() {
    let house = LogHouse::new().await;
    for left in [999, 990, 512, 1, 0] {
        let shorter = Arc::new(house.log.with(house.log.entries()[..left].to_vec()));
        house.serve(&shorter);
        for mut device in [house.reader(), house.reader_without_copy()] {
            stopped("a shorter log", read(&mut device).await);
        }
        // The honest checkpoints, and fewer entries than they cover: nothing is settled.
        house.serve(&house.log);
        house.answer_pages_from(&shorter, &house.log);
        let read = read(&mut house.reader_without_copy()).await;
        assert!(matches!(read, Err(VaultError::Api(ApiError::Garbage))), "{left}: {read:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i01_rewrite_no_page_leads_anywhere_else() {
    let house = LogHouse::new().await;
    let lies: Vec<Named<ChangeOfPage>> = vec![
        ("the first entry is left out", |page| drop(page.events.remove(0))),
        ("an entry in the middle is left out", |page| drop(page.events.remove(100))),
        ("an entry comes twice", |page| page.events.insert(1, page.events[0].clone())),
        ("two entries change places", |page| page.events.swap(3, 4)),
        ("the page begins later", |page| {
            page.events.drain(..5);
            page.base += 5;
        }),
        ("the page says that it begins later", |page| page.base += 5),
        ("the page says that it begins earlier", |page| page.base = page.base.wrapping_sub(1)),
        ("the page begins behind a thousand others", |page| page.base += 1_024),
        ("the page begins where an owner would have retired it", |page| {
            page.base = 512;
            page.peaks = vec![B64(vec![9; 32])];
            page.events.drain(..512);
        }),
        ("no entries", |page| page.events.clear()),
        ("no entries and more of them", |page| {
            page.events.clear();
            page.more = true;
        }),
        ("an entry is cut", |page| {
            page.events[7].0.pop();
        }),
        ("an entry is longer", |page| page.events[7].0.push(0)),
        ("an entry is empty", |page| page.events[7].0.clear()),
        ("an entry is another thing", |page| page.events[7].0 = vec![0xff; 300]),
        ("an entry of another organisation", |page| {
            page.events[7].0 = reworded(&page.events[7].0, |event| event.act.org.0[0] ^= 1);
        }),
        ("the checkpoint is cut", |page| {
            page.checkpoint.pop();
        }),
    ];
    for (what, lie) in lies {
        house.serve(&house.log);
        // The last page is a short one, and stays what it is.
        house.change_pages(move |page| {
            if page.events.len() > 200 {
                lie(page);
            }
        });
        let mut device = house.reader_without_copy();
        let read = read(&mut device).await;
        let said = matches!(read, Err(VaultError::Stopped(_) | VaultError::Api(ApiError::Garbage)));
        assert!(said, "{what}: {read:?}");
        assert!(
            device.session().facts(|_| ()).unwrap_or(None).is_none(),
            "{what}: nothing is told"
        );
    }
    // What says nothing about the entries is not looked at.
    house.serve(&house.log);
    house.change_pages(|page| {
        page.more = !page.more;
        page.peaks = vec![B64(vec![9; 31])];
    });
    read(&mut house.reader_without_copy()).await.unwrap();
}

/// Pages without end, and pages that are as long as a disk.
#[tokio::test(flavor = "multi_thread")]
pub(crate) async fn i01_rewrite_no_page_is_followed_for_ever() {
    let house = LogHouse::new().await;
    // The checkpoint covers a million entries that never come.
    let wide = Checkpoint { size: 1_000_000, ..house.log.checkpoint(ENTRIES) };
    let note = signed(&wide, house.log.key());
    house.serve(&house.log);
    house.change_pages(move |page| page.checkpoint.clone_from(&note));
    house.house.evil.forget();
    let read_wide = read(&mut house.reader_without_copy()).await;
    assert!(matches!(read_wide, Err(VaultError::Api(ApiError::Garbage))), "{read_wide:?}");
    let asked = house.house.evil.traffic();
    let pages = asked.iter().filter(|e| e.request.is("GET", "/audit/events")).count();
    assert!(pages <= 3, "{pages} pages were asked for");
    // One page that does not end.
    house.serve(&house.log);
    let page = house.log.page(0, 1_000);
    let answer = Answer { repeat: 1_000_000, ..Answer::json(&page) };
    house.answer_pages_with(&answer);
    let before = house.house.evil.streamed();
    let cut = read(&mut house.reader_without_copy()).await;
    assert!(matches!(cut, Err(VaultError::Api(_))), "{cut:?}");
    let taken = house.house.evil.streamed() - before;
    assert!(taken < 64 * 1024 * 1024, "{taken} bytes were taken");
    // A thousand times more entries than one page may have.
    let mut page = house.log.page(0, 1_000);
    let first = page.events[0].clone();
    page.events.extend(std::iter::repeat_n(first, 100_000));
    house.answer_pages_with(&Answer::json(&page));
    let long = read(&mut house.reader_without_copy()).await;
    assert!(matches!(long, Err(VaultError::Api(_))), "{long:?}");
}
