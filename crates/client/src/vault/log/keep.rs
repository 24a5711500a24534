//! The kept entries: sealed segments on the disk, and the index over them in memory.
//!
//! Segments are written before the copy that counts them, so that a crash leaves a copy whose
//! entries are all there; what lies behind its end is written again.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use strongroom_core::log::index::Index;
use strongroom_core::log::{AuditCopy, SEGMENT, Segment, Verdict};
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::event::{Event, EventKind};
use strongroom_format::id::{OrgId, Principal};

use strongroom_format::pins::AuditPin;

use super::super::error::VaultError;
use super::super::session::{Notice, Session, TaskKind, hold};
use super::names::LogNames;
use super::verify::BadEntry;
use crate::cache::CacheError;

/// How many segments are opened in one go.
const AT_ONCE: usize = 16;

/// What the screen of one log needs besides the copy.
#[derive(Debug, Default)]
pub(in super::super) struct Kept {
    pub(super) entries: Option<Entries>,
    pub(super) names: Option<Arc<LogNames>>,
    /// Whether the server said that this person may not read the log.
    pub(super) refused: bool,
    /// When the newest copy was settled, in milliseconds since 1970.
    pub(super) settled_ms: Option<u64>,
    /// How much the server's clock was ahead at the newest reading, in milliseconds.
    pub(super) clock_ahead_ms: Option<i64>,
    /// When somebody last looked at the entries, in milliseconds since 1970.
    pub(super) looked_ms: u64,
    /// What contradicted last.
    pub(super) bad: Option<BadEntry>,
    /// What was pinned when the log was opened.
    pub(super) began: Option<AuditPin>,
}

/// The entries behind a settled copy.
#[derive(Debug, Clone)]
pub(super) struct Entries {
    index: Arc<RwLock<Index>>,
    /// The last segment, which is not full yet; it may be empty.
    pub(super) tail: Arc<Segment>,
}

impl Entries {
    pub(super) fn new(index: Index, tail: Segment) -> Self {
        Self { index: Arc::new(RwLock::new(index)), tail: Arc::new(tail) }
    }

    pub(super) fn with_tail(self, tail: Segment) -> Self {
        Self { tail: Arc::new(tail), ..self }
    }

    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's time of the entry that it wrote for the reading which ended here, if the last
    /// entry is that one.
    pub(super) fn end_ms(&self, reader: Principal) -> Option<u64> {
        let index = self.index();
        let last = index.row(index.len().checked_sub(1)?)?;
        let own = last.kind == EventKind::AuditFetched && last.who == Some(reader);
        own.then_some(last.at_ms)
    }

    /// Whether these are the entries of this copy, all of them.
    pub(super) fn are_of(&self, copy: &AuditCopy) -> bool {
        let index = self.index();
        index.base() == copy.base() && u64::from(index.len()) == copy.size() - copy.base()
    }
}

/// Entries on their way into an index.
pub(super) type Judged = Vec<(Verdict, Event)>;

impl Session {
    /// Opens the entries that this computer keeps of the log of the organisation in front, so that
    /// they can be searched without a server.
    pub async fn open_log(&self) -> Result<(), VaultError> {
        let org = self.current()?;
        let _reading = self.reading.lock().await;
        self.note_pin(org)?;
        let Some(copy) = self.copy_of_log(org)? else { return Ok(()) };
        let held = hold(&self.audits).get(&org).and_then(|audit| audit.kept.entries.clone());
        if copy.settled().is_none() || held.is_some_and(|entries| entries.are_of(&copy)) {
            return Ok(());
        }
        let Some((index, tail)) = self.load_entries(org, &copy).await? else { return Ok(()) };
        let entries = Entries::new(index, tail);
        hold(&self.audits).entry(org).or_default().kept.entries = Some(entries);
        self.tell(Notice::Log);
        Ok(())
    }

    /// Remembers what was pinned when the log was first looked at in this session.
    pub(super) fn note_pin(&self, org: OrgId) -> Result<(), VaultError> {
        let pin = {
            let orgs = hold(&self.orgs);
            *orgs.all.get(&org).ok_or(VaultError::NotFound)?.replica.audit()
        };
        let mut audits = hold(&self.audits);
        audits.entry(org).or_default().kept.began.get_or_insert(pin);
        Ok(())
    }

    /// Everything that is kept of a copy's entries; `None` where a file is missing or damaged, and
    /// the log has to be read again.
    pub(super) async fn load_entries(
        &self,
        org: OrgId,
        copy: &AuditCopy,
    ) -> Result<Option<(Index, Segment)>, VaultError> {
        let (base, size, reset) = (copy.base(), copy.size(), copy.reset());
        let (first, end) = (Segment::of(base), size.div_ceil(SEGMENT));
        let task = self.begin(TaskKind::ReadLog, 1);
        let mut index = Index::new(base);
        let mut tail = Segment::new(Segment::of(size));
        let numbers: Vec<u64> = (first..end).collect();
        for numbers in numbers.chunks(AT_ONCE) {
            let mut segments = Vec::with_capacity(AT_ONCE);
            for number in numbers {
                let Some(mut segment) = self.segment(org, reset, *number)? else {
                    return Ok(None);
                };
                segment.truncate(size);
                if segment.end() != size.min((number + 1) * SEGMENT) {
                    return Ok(None);
                }
                segments.push(segment);
            }
            let push = move || push_all(index, segments);
            let Some((pushed, last)) = tokio::task::spawn_blocking(push).await? else {
                return Ok(None);
            };
            index = pushed;
            if let Some(last) = last.filter(|last| !last.is_full()) {
                tail = last;
            }
            task.part(count(u64::from(index.len())), count(size - base))?;
        }
        Ok(Some((index, tail)))
    }

    /// One kept segment; `None` where its file is missing or damaged.
    pub(super) fn segment(
        &self,
        org: OrgId,
        reset: u32,
        number: u64,
    ) -> Result<Option<Segment>, VaultError> {
        match self.cache.get(&segment_name(org, reset, number)) {
            Ok(bytes) => {
                let segment = bytes.lend(Segment::decode).ok();
                Ok(segment.filter(|segment| segment.number() == number))
            }
            Err(CacheError::Missing | CacheError::Broken) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn keep_segment(
        &self,
        org: OrgId,
        reset: u32,
        segment: &Segment,
    ) -> Result<(), VaultError> {
        let name = segment_name(org, reset, segment.number());
        Ok(self.cache.put(&name, &segment.encode(), &mut OsEntropy)?)
    }

    /// The copy that was kept, whether it is settled or not.
    pub(super) fn kept_log(&self, org: OrgId) -> Result<Option<AuditCopy>, VaultError> {
        let bytes = match self.cache.get(&log_name(org)) {
            Ok(bytes) => bytes,
            Err(CacheError::Missing | CacheError::Broken) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let vkey = {
            let orgs = hold(&self.orgs);
            let opened = orgs.all.get(&org).ok_or(VaultError::NotFound)?;
            *opened.replica.state().audit_vkey()
        };
        Ok(bytes.lend(|bytes| AuditCopy::decode(org, &vkey, bytes)).ok())
    }

    pub(super) fn keep_log(&self, org: OrgId, copy: &AuditCopy) -> Result<(), VaultError> {
        Ok(self.cache.put(&log_name(org), &copy.encode(), &mut OsEntropy)?)
    }

    /// Forgets what was read behind the last settled copy. What cannot be removed now is refused
    /// again at the next reading.
    pub(super) fn go_back_to_settled(&self, org: OrgId) {
        let settled = {
            let mut audits = hold(&self.audits);
            let audit = audits.entry(org).or_default();
            audit.log = audit.log.take().filter(|copy| copy.settled().is_some());
            audit.log.clone()
        };
        let kept = settled.is_some_and(|copy| self.keep_log(org, &copy).is_ok());
        if !kept {
            let _ = self.cache.remove(&log_name(org));
        }
    }

    /// Removes the kept segments of another tree than `reset`, and those before `base`.
    pub(super) fn drop_old_segments(
        &self,
        org: OrgId,
        reset: u32,
        base: u64,
    ) -> Result<(), VaultError> {
        let all = format!("{}-", log_name(org));
        for name in self.cache.names()? {
            let Some(rest) = name.strip_prefix(&all) else { continue };
            let place = rest.split_once('-').map(|(r, n)| (r.parse::<u32>(), n.parse::<u64>()));
            let Some((Ok(of), Ok(number))) = place else { continue };
            if of != reset || number < Segment::of(base) {
                self.cache.remove(&name)?;
            }
        }
        Ok(())
    }
}

fn push_all(mut index: Index, segments: Vec<Segment>) -> Option<(Index, Option<Segment>)> {
    for segment in &segments {
        for entry in segment.entries() {
            index.push(entry.verdict, &entry.event().ok()?);
        }
    }
    Some((index, segments.into_iter().next_back()))
}

/// A count for a progress bar.
pub(super) fn count(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn log_name(org: OrgId) -> String {
    format!("log-{org}")
}

fn segment_name(org: OrgId, reset: u32, number: u64) -> String {
    format!("{}-{reset}-{number}", log_name(org))
}
