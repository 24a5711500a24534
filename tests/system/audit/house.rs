//! An organisation with an audit log of a thousand entries, and a liar who signs with its key.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_client::api::ApiError;
use strongroom_client::profile::KeepSecretKey;
use strongroom_client::vault::{Restore, Stop, VaultError};
use strongroom_core::log::Use;
use strongroom_evil_server::{Answer, EvilServer, FalseLog};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Event, EventKind};
use strongroom_format::id::UserId;
use strongroom_format::wire::{EventsAnswer, SyncAnswer};
use strongroom_secret::SecretText;

use crate::honest::Honest;
use crate::world::{Device, House, Moment, PASSPHRASE, passphrase};

/// After so long every computer finds that an anchor is due.
pub(crate) const TWO_DAYS: u64 = 2 * 24 * 60 * 60 * 1000;
/// How many entries the log has.
pub(crate) const ENTRIES: u64 = 1_000;

/// The house of one person, and its log.
pub(crate) struct LogHouse {
    pub(crate) house: House,
    /// The honest log: [`ENTRIES`] entries.
    pub(crate) log: Arc<FalseLog>,
    /// A device that has read all of it, before it was told any lie.
    reader: Moment,
    kit: (UserId, SecretText),
}

impl LogHouse {
    /// Mara's story, some uses of values, and requests until there are [`ENTRIES`].
    pub(crate) async fn new() -> Self {
        let mut house = House::new().await;
        for env in ["prod", "dev"] {
            let (env, secret) = (house.device.env(env), house.device.secret(env, "STRIPE_KEY"));
            for what in [Use::Revealed, Use::Copied, Use::Copied, Use::Injected] {
                house.device.session().note(what, env, &[secret]).unwrap();
            }
        }
        house.device.session().sync().await.unwrap();
        let mut entries = entries(&house.evil, &house.device).await;
        let filler =
            entries.iter().rposition(|bytes| decoded(bytes).act.kind == EventKind::ChainFetched);
        let filler = entries[filler.unwrap()].clone();
        for n in entries.len() as u64..ENTRIES {
            entries.push(reworded(&filler, |event| event.server_time_ms += n));
        }
        let log = false_log(&house.honest, &house.device, entries).await;
        let kit = house.device.session().kit(Some(passphrase(PASSPHRASE))).await.unwrap();
        let moment = house.device.moment().await;
        let mut reader = house.device.at(&moment);
        serve(&house.evil, &Arc::new(log.clone()));
        read(&mut reader).await.unwrap();
        let reader = reader.moment().await;
        Self { house, log: Arc::new(log), reader, kit: (kit.user, kit.secret_key) }
    }

    /// The server keeps this log from now on.
    pub(crate) fn serve(&self, log: &Arc<FalseLog>) {
        serve(&self.house.evil, log);
    }

    /// Pages of entries come from one log; checkpoints and proofs from another.
    pub(crate) fn answer_pages_from(&self, entries: &FalseLog, notes: &FalseLog) {
        let (entries, notes) = (entries.clone(), notes.clone());
        let note = notes.note(notes.size());
        self.house.evil.answer_instead(move |request| {
            let mut answer = if request.is("GET", "/audit/events") {
                entries.answer(request)
            } else {
                notes.answer(request)
            };
            if let Some(answer) = &mut answer {
                answer.edit(|page: &mut EventsAnswer| page.checkpoint.clone_from(&note));
            }
            answer
        });
    }

    /// Pages of entries say something else.
    pub(crate) fn change_pages(&self, change: impl Fn(&mut EventsAnswer) + Send + Sync + 'static) {
        let log = Arc::clone(&self.log);
        self.house.evil.answer_instead(move |request| {
            let mut answer = log.answer(request);
            if let Some(answer) = &mut answer {
                answer.edit(&change);
            }
            answer
        });
        self.leave_pages();
    }

    /// One answer to whoever asks for entries.
    pub(crate) fn answer_pages_with(&self, answer: &Answer) {
        let (log, answer) = (Arc::clone(&self.log), answer.clone());
        self.house.evil.answer_instead(move |request| {
            if request.is("GET", "/audit/events") {
                Some(answer.clone())
            } else {
                log.answer(request)
            }
        });
        self.leave_pages();
    }

    /// The checkpoint of a page stays what it is.
    fn leave_pages(&self) {
        let log = Arc::clone(&self.log);
        self.house.evil.lie(move |request, answer| {
            if !request.is("GET", "/audit/events") {
                log.dress(answer);
            }
        });
    }

    /// A checkpoint is refused at a sync and with a page of the log; afterwards everything is as it
    /// was.
    pub(crate) async fn refuses_note(&self, what: &str, note: &str) {
        self.serve(&self.log);
        let shown = note.to_owned();
        self.house.evil.lie(move |request, answer| {
            if request.is("GET", "/sync") {
                answer.edit(|sync: &mut SyncAnswer| sync.checkpoint.clone_from(&shown));
            }
        });
        let mut device = self.reader();
        stopped(what, read(&mut device).await);
        self.serve(&self.log);
        read(&mut device).await.unwrap_or_else(|error| panic!("after {what}: {error}"));
        let shown = note.to_owned();
        self.change_pages(move |page| page.checkpoint.clone_from(&shown));
        match read(&mut self.reader_without_copy()).await {
            Err(VaultError::Stopped(_) | VaultError::Api(ApiError::Garbage)) => {}
            other => panic!("{what}, with a page: {other:?}"),
        }
    }

    /// Somebody who has read everything signs that into the chain, as every computer does now and
    /// then. The server, and whoever comes later, live two days later.
    pub(crate) async fn anchor(&self) {
        self.serve(&self.log);
        let mut device = self.reader();
        self.house.honest.advance(TWO_DAYS);
        device.clock.advance(TWO_DAYS);
        device.open_with(PASSPHRASE).await.unwrap();
        device.session().follow_up().await.unwrap();
        let anchor = device.session().with(|org| Ok(*org.replica().state().audit_anchor()));
        assert_eq!(anchor.unwrap().root, self.log.checkpoint(ENTRIES).root, "the log is anchored");
        device.lock().await;
    }

    /// Somebody who has read everything, on a device that keeps a copy.
    pub(crate) fn reader(&self) -> Device {
        self.house.device.at(&self.reader)
    }

    /// Somebody who has read everything and lost the copy; the pin is left.
    pub(crate) fn reader_without_copy(&self) -> Device {
        let device = self.reader();
        device.lose_cache();
        device
    }

    /// Somebody who knows the organisation from its founding, and has not looked since.
    pub(crate) fn founder(&self) -> Device {
        let device = self.house.device.at(&self.house.fresh);
        device.lose_cache();
        device
    }

    /// Somebody who begins anew with an Emergency Kit and has pinned nothing.
    pub(crate) async fn beginner(&self) -> Result<Device, VaultError> {
        let (user, key) = &self.kit;
        let restore = Restore {
            user: *user,
            orgs: vec![self.log.checkpoint(0).org],
            secret_key: key.lend(|key| SecretText::from_string(key.to_owned())),
            label: "again".to_owned(),
            keep: KeepSecretKey::Keyring,
            head: None,
        };
        let device = Device::restore(&self.house.evil.origin(), restore).await?;
        read_on(&device).await.map(|()| device)
    }
}

/// Opens a device, fetches what is new and reads the log to its end.
pub(crate) async fn read(device: &mut Device) -> Result<(), VaultError> {
    device.open_with(PASSPHRASE).await?;
    read_on(device).await
}

/// Fetches what is new and reads the log to its end.
pub(crate) async fn read_on(device: &Device) -> Result<(), VaultError> {
    device.session().sync().await?;
    assert!(device.session().pull_log().await?, "this person may read the log");
    Ok(())
}

/// What a computer says that stopped.
pub(crate) fn stopped(what: &str, result: Result<(), VaultError>) -> Stop {
    match result {
        Err(VaultError::Stopped(stop)) => *stop,
        other => panic!("{what}: {other:?}"),
    }
}

/// Every answer about the log comes from this one, and every other names its checkpoint.
pub(crate) fn serve(evil: &EvilServer, log: &Arc<FalseLog>) {
    let (asked, dressed) = (Arc::clone(log), Arc::clone(log));
    evil.answer_instead(move |request| asked.answer(request));
    evil.lie(move |_, answer| dressed.dress(answer));
}

/// Reads the log on a device that has no copy of it, and gives every entry as the server sent it.
pub(crate) async fn entries(evil: &EvilServer, device: &Device) -> Vec<Vec<u8>> {
    evil.forget();
    assert!(device.session().pull_log().await.unwrap(), "this person may read the log");
    let pages = evil.traffic().into_iter().filter(|e| e.request.is("GET", "/audit/events"));
    let pages = pages.map(|e| e.answer.read_json::<EventsAnswer>().unwrap());
    let seen: BTreeMap<u64, Vec<u8>> =
        pages.flat_map(|page| (page.base..).zip(page.events.into_iter().map(|e| e.0))).collect();
    evil.forget();
    assert!(seen.keys().copied().eq(0..seen.len() as u64), "every entry was asked for");
    seen.into_values().collect()
}

/// A log with these entries, signed with the key of the honest server.
pub(crate) async fn false_log(honest: &Honest, device: &Device, entries: Vec<Vec<u8>>) -> FalseLog {
    FalseLog::new(device.org(), 0, &honest.audit_seed().await, entries)
}

/// An entry with something changed.
pub(crate) fn reworded(entry: &[u8], change: impl FnOnce(&mut Event)) -> Vec<u8> {
    let mut event = decoded(entry);
    change(&mut event);
    event.encode()
}

pub(crate) fn decoded(entry: &[u8]) -> Event {
    Event::decode(entry).unwrap()
}
