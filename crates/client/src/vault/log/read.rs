//! Reading the log from the server.

use std::sync::Arc;

use strongroom_chain::tree::{self, Frontier};
use strongroom_core::log::index::Index;
use strongroom_core::log::{
    Against, AuditCopy, Entry, LogError, Nodes, SEGMENT, Segment, Verdict, weigh_all,
};
use strongroom_core::replica::Replica;
use strongroom_format::hash::Digest;
use strongroom_format::id::OrgId;
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::AuditPin;
use strongroom_format::wire::EventsAnswer;

use super::super::error::VaultError;
use super::super::session::{Session, TaskKind, hold};
use super::super::sync::Contradiction;
use super::keep::{Entries, Judged, count};
use crate::api::ApiError;

/// After how many pages a long reading is kept, so that a crash does not begin it anew.
const KEEP_EVERY: usize = 64;
/// More new entries than this are put into an index of their own, beside the one that is searched.
const MANY: u64 = 64 * SEGMENT;

/// A log while it is read.
pub(super) struct Reading {
    pub(super) copy: AuditCopy,
    tail: Segment,
    goes_to: GoesTo,
}

/// Where entries go until they are settled.
enum GoesTo {
    /// Behind those of the index that is searched.
    Behind(Entries, Judged),
    /// Into an index that takes its place.
    Fresh(Box<Index>),
}

impl Reading {
    fn begin(copy: AuditCopy) -> Self {
        let tail = Segment::new(Segment::of(copy.size()));
        let goes_to = GoesTo::Fresh(Box::new(Index::new(copy.base())));
        Self { copy, tail, goes_to }
    }

    /// Takes in the entries of a page up to `until`; gives the segments that are full now.
    fn take(
        &mut self,
        against: &Against<'_>,
        until: u64,
        events: &[impl AsRef<[u8]> + Sync],
    ) -> (Vec<Segment>, Result<(), LogError>) {
        let left = count(until.saturating_sub(self.copy.size()));
        let events = &events[..events.len().min(left)];
        let mut full = Vec::new();
        for (weighed, bytes) in weigh_all(against, events).into_iter().zip(events) {
            let weighed = match weighed {
                Ok(weighed) => weighed,
                Err(error) => return (full, Err(error)),
            };
            let taken = self.copy.take(against, &weighed);
            // Kept even if it contradicts: then it is looked at for where the lie begins.
            let verdict = *taken.as_ref().unwrap_or(&Verdict::Doubtful);
            self.tail.push(Entry { verdict, bytes: bytes.as_ref().to_vec() });
            if self.tail.is_full() {
                let next = Segment::new(self.tail.number() + 1);
                full.push(std::mem::replace(&mut self.tail, next));
            }
            if let Err(error) = taken {
                return (full, Err(error));
            }
            match &mut self.goes_to {
                GoesTo::Behind(_, judged) => judged.push((verdict, weighed.event)),
                GoesTo::Fresh(index) => {
                    index.push(verdict, &weighed.event);
                }
            }
        }
        (full, Ok(()))
    }
}

impl Session {
    pub(in super::super) async fn read_log(&self, org: OrgId) -> Result<bool, VaultError> {
        let _reading = self.reading.lock().await;
        self.note_pin(org)?;
        let (replica, _) = self.copy_to_change(org)?;
        let mut reading = self.begin_reading(org, &replica).await?;
        let task = self.begin(TaskKind::ReadLog, 1);
        let (me, mut newer) = (replica.principal(), None);
        let (device, told) = self.look_at_acts(org, |acts| (acts.device(), acts.acknowledged()))?;
        for pages in 1.. {
            let pinned = self.copy_to_change(org)?.0.audit().size;
            let page = match self.api.audit_events(&org, reading.copy.size()).await {
                Ok(page) => page,
                Err(ApiError::Refused { status: 403, .. }) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            // Links may have come since; an act of their authors is judged by them.
            let (replica, _) = self.copy_to_change(org)?;
            let pin = *replica.audit();
            let stated = stated(&replica, &page)?;
            if page.base > reading.copy.size() {
                reading = Reading::begin(self.beginning(org, &page).await?);
            }
            if page.base != reading.copy.size() {
                return Err(ApiError::Garbage.into());
            }
            let read_before = reading.copy.size();
            let note = page.checkpoint.clone();
            if stated.size < pinned {
                return Err(self.contradicted(org, &reading, &LogError::Shorter, &note).await);
            }
            let (patient, judge) = (newer.is_none(), newer.take().unwrap_or(replica));
            let until = stated.size;
            let read = read_page(reading, judge, pin, patient, until, page).await?;
            reading = read.reading;
            for segment in &read.full {
                self.keep_segment(org, reading.copy.reset(), segment)?;
            }
            match read.result {
                Ok(()) => {}
                Err(LogError::Ahead) => {
                    newer = Some(self.look_ahead(org).await?);
                    continue;
                }
                Err(error) => return Err(self.contradicted(org, &reading, &error, &note).await),
            }
            if reading.copy.size() == stated.size && stated.size >= pin.size {
                let written = reading.copy.actor(me, device).map(|head| head.seq);
                // Which of the entries that an owner let go were this computer's, nothing says.
                let unknown = written.is_none() && reading.copy.base() > 0;
                if !unknown && written.unwrap_or(0) < told {
                    return Err(self.contradicted(org, &reading, &LogError::Lost, &note).await);
                }
                return self.settle_log(org, reading, stated, &note).await.map(|()| true);
            }
            if reading.copy.size() == read_before {
                return Err(ApiError::Garbage.into());
            }
            task.part(count(reading.copy.size()), count(stated.size))?;
            if pages % KEEP_EVERY == 0 {
                self.keep_segment(org, reading.copy.reset(), &reading.tail)?;
                self.keep_log(org, &reading.copy)?;
            }
        }
        Ok(false)
    }

    /// Goes on from what is kept, unless an owner accepted a new tree since.
    async fn begin_reading(&self, org: OrgId, replica: &Replica) -> Result<Reading, VaultError> {
        let reset = replica.state().audit_reset();
        let fresh = || Reading::begin(AuditCopy::new(reset));
        let Some(copy) = self.copy_of_log(org)?.filter(|copy| copy.reset() == reset) else {
            return Ok(fresh());
        };
        let mut copy = AuditCopy::clone(&copy);
        let retained = *replica.state().audit_retained();
        let retires = copy.base() < retained.size && retained.size <= copy.size();
        if retires && let Err(error) = self.retire(org, &mut copy, &retained)? {
            // An owner and this computer saw two logs.
            let (reading, note) = (Reading::begin(copy), replica.audit_note());
            return Err(self.contradicted(org, &reading, &error, note).await);
        }
        let held = hold(&self.audits).get(&org).and_then(|audit| audit.kept.entries.clone());
        if let Some(entries) = held.filter(|entries| entries.are_of(&copy)) {
            let tail = Segment::clone(&entries.tail);
            let many = replica.audit().size.saturating_sub(copy.size()) > MANY;
            let goes_to = if many {
                GoesTo::Fresh(Box::new(entries.index().clone()))
            } else {
                GoesTo::Behind(entries, Vec::new())
            };
            return Ok(Reading { copy, tail, goes_to });
        }
        Ok(match self.load_entries(org, &copy).await? {
            Some((index, tail)) => Reading { copy, tail, goes_to: GoesTo::Fresh(Box::new(index)) },
            None => fresh(),
        })
    }

    /// Drops the kept entries that an owner retired.
    fn retire(
        &self,
        org: OrgId,
        copy: &mut AuditCopy,
        retained: &AuditPin,
    ) -> Result<Result<(), LogError>, VaultError> {
        let load = |number| self.segment(org, copy.reset(), number).ok()?.map(Arc::new);
        let mut nodes = Nodes::new(copy, load);
        let before = Frontier::load(retained.size, |level, index| nodes.lookup(level, index));
        let peaks = before.map_err(|_| VaultError::NotFound)?.peaks().to_vec();
        if let Err(error) = copy.retire(retained, peaks) {
            return Ok(Err(error));
        }
        self.keep_log(org, copy)?;
        self.drop_old_segments(org, copy.reset(), copy.base()).map(Ok)
    }

    /// A log whose first entries the server keeps no more, as an owner signed.
    async fn beginning(&self, org: OrgId, page: &EventsAnswer) -> Result<AuditCopy, VaultError> {
        let (mut replica, _) = self.copy_to_change(org)?;
        if replica.state().audit_retained().size != page.base {
            // The link may have come a moment ago.
            replica = self.look_ahead(org).await?;
        }
        let retained = replica.state().audit_retained();
        if retained.size != page.base {
            return Err(ApiError::Garbage.into());
        }
        let peaks: Option<Vec<Digest>> =
            page.peaks.iter().map(|peak| peak.0.as_slice().try_into().ok()).collect();
        let copy = AuditCopy::retained(retained, peaks.ok_or(ApiError::Garbage)?);
        Ok(copy.map_err(|_| ApiError::Garbage)?)
    }

    /// Takes a copy in whose root is the one that was signed, if that continues the pinned state.
    async fn settle_log(
        &self,
        org: OrgId,
        mut reading: Reading,
        checkpoint: Checkpoint,
        note: &str,
    ) -> Result<(), VaultError> {
        let (mut replica, _) = self.copy_to_change(org)?;
        // Signature, origin, and that it continues what was pinned meanwhile.
        let pinned = replica.audit_note().as_bytes().to_vec();
        match self.check_audit(&mut replica, note).await {
            Err(VaultError::Stopped(stop)) => {
                let (stop, shown) = (*stop, note.as_bytes().to_vec());
                let found = Contradiction { stop, env: None, verified: pinned, shown };
                return Err(self.stop(&replica, found));
            }
            checked => checked?,
        }
        if let Err(error) = reading.copy.settle(checkpoint, note) {
            return Err(self.contradicted(org, &reading, &error, note).await);
        }
        let Reading { copy, tail, goes_to } = reading;
        self.keep_segment(org, copy.reset(), &tail)?;
        self.keep_log(org, &copy)?;
        if let GoesTo::Fresh(_) = goes_to {
            self.drop_old_segments(org, copy.reset(), copy.base())?;
        }
        let settled_ms = self.now_ms();
        let mut audits = hold(&self.audits);
        let audit = audits.entry(org).or_default();
        let read_before = audit.log.as_ref().map_or(0, |log| log.size());
        audit.kept.entries = Some(match goes_to {
            GoesTo::Behind(entries, judged) => {
                let mut index = entries.change();
                for (verdict, event) in &judged {
                    index.push(*verdict, event);
                }
                drop(index);
                entries.with_tail(tail)
            }
            GoesTo::Fresh(index) => Entries::new(*index, tail),
        });
        if copy.size() > read_before {
            let ahead =
                audit.kept.entries.as_ref().and_then(|entries| entries.end_ms(replica.principal()));
            audit.kept.clock_ahead_ms = ahead.map(|at_ms| difference(at_ms, settled_ms));
        }
        audit.kept.settled_ms = Some(settled_ms);
        audit.kept.bad = None;
        audit.log = Some(Arc::new(copy));
        drop(audits);
        // The next sync writes the pins.
        self.change(org, |opened| {
            let pinned = opened.replica.audit();
            if (pinned.reset, pinned.size) < (checkpoint.reset, checkpoint.size) {
                opened.replica.set_audit(&checkpoint, note);
            }
        });
        Ok(())
    }

    /// The first entry that is not the one that was signed, where the log had `size` entries: the
    /// longest beginning that the server's own nodes still prove ends before it. `None` where they
    /// prove no beginning at all.
    pub(super) async fn first_bad(&self, org: OrgId, reading: &Reading, size: u64) -> Option<u64> {
        let copy = &reading.copy;
        let load = |number: u64| {
            if number == reading.tail.number() {
                return Some(Arc::new(reading.tail.clone()));
            }
            self.segment(org, copy.reset(), number).ok()?.map(Arc::new)
        };
        let mut nodes = Nodes::new(copy, load);
        let (mut good, mut bad, mut proven) = (copy.base(), size, copy.base() > 0);
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            let own = nodes.root_at(middle)?;
            if self.continues(org, middle, &own, size).await? {
                (good, proven) = (middle, true);
            } else {
                bad = middle;
            }
        }
        proven.then_some(good)
    }

    /// Whether the log that the server signed at `size` begins with `old` entries of this root.
    async fn continues(&self, org: OrgId, old: u64, root: &Digest, size: u64) -> Option<bool> {
        let answer = self.api.consistency(&org, old, size).await.ok()?;
        let (replica, _) = self.copy_to_change(org).ok()?;
        let state = replica.state();
        let (reset, vkey) = (state.audit_reset(), state.audit_vkey());
        let (signed, _) = Checkpoint::parse(&answer.checkpoint, &org, reset, vkey).ok()?;
        let proof: Option<Vec<Digest>> =
            answer.proof.iter().map(|node| node.0.as_slice().try_into().ok()).collect();
        Some(tree::verify_consistency(old, root, size, &signed.root, &proof?).is_ok())
    }
}

fn difference(server_ms: u64, here_ms: u64) -> i64 {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    signed(server_ms) - signed(here_ms)
}

/// The size and root that an answer states; its signature is checked before anything is settled.
fn stated(replica: &Replica, page: &EventsAnswer) -> Result<Checkpoint, ApiError> {
    let state = replica.state();
    let (org, reset, vkey) = (state.org(), state.audit_reset(), state.audit_vkey());
    let parsed = Checkpoint::parse(&page.checkpoint, &org, reset, vkey);
    parsed.map(|(checkpoint, _)| checkpoint).map_err(|_| ApiError::Garbage)
}

struct PageRead {
    reading: Reading,
    full: Vec<Segment>,
    result: Result<(), LogError>,
}

/// Checks a page, up to the checkpoint that came with it: what lies behind comes again.
async fn read_page(
    mut reading: Reading,
    replica: Replica,
    pin: AuditPin,
    patient: bool,
    until: u64,
    page: EventsAnswer,
) -> Result<PageRead, VaultError> {
    let read = move || {
        let against = Against::new(replica.state(), &pin);
        let against = if patient { against.patient() } else { against };
        let events: Vec<&[u8]> = page.events.iter().map(|event| event.0.as_slice()).collect();
        let (full, result) = reading.take(&against, until, &events);
        PageRead { reading, full, result }
    };
    Ok(tokio::task::spawn_blocking(read).await?)
}
