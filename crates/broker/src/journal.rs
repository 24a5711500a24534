//! The journal: what was written down before a credential left.
//!
//! Invariant: [`Journal::write`] returns after the operating system has the record, so that nothing
//! that leaves later can be forgotten when this process is killed. Records stay until the owner says
//! that it keeps them. A line holds no value, no query and no token.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use strongroom_control::record::{Outcome, Record};
use strongroom_format::id::AgentId;
use thiserror::Error;
use tokio::sync::Notify;

/// The most bytes of records that wait for the owner.
const MAX_WAITING: u64 = 64 << 20;
/// From which size on a journal is worth writing anew without what the owner keeps.
const COMPACT_FROM: u64 = 4 << 20;
/// How many refusals and alarms of one agent are written down in a minute; more are counted in the
/// next one.
const DENIED_A_MINUTE: u32 = 60;

/// Why nothing was written down. Then nothing leaves either.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file.
    #[error("what agents do cannot be written down ({0}); free the disk and try again")]
    Io(#[from] io::Error),
    /// Too much waits for the owner.
    #[error("too much waits to be logged; open the vault so that it can be sent")]
    Full,
}

/// The journal of one broker.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    inner: Mutex<Inner>,
    news: Notify,
}

#[derive(Debug)]
struct Inner {
    file: File,
    size: u64,
    next: u64,
    waiting: VecDeque<Record>,
    denied: BTreeMap<AgentId, Denied>,
}

/// Refusals of one agent in the running minute.
#[derive(Debug, Default, Clone, Copy)]
struct Denied {
    minute: u64,
    count: u32,
    unwritten: u64,
}

impl Journal {
    /// Opens the journal at `path`, with what a broker before left there.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let mut file = private(path)?;
        let (left, good) = read(&file)?;
        // A line that broke off was never followed by a release.
        file.set_len(good)?;
        file.seek(io::SeekFrom::End(0))?;
        let next = left.last().map_or(1, |record| record.seq + 1);
        let inner = Inner { file, size: good, next, waiting: left.into(), denied: BTreeMap::new() };
        Ok(Self { path: path.to_owned(), inner: Mutex::new(inner), news: Notify::new() })
    }

    /// Writes a record down, with its place in the journal. What is written is told to the owner.
    pub fn write(&self, mut record: Record) -> Result<(), JournalError> {
        {
            let mut inner = self.hold();
            // What an agent can cause without end is bounded; what lets something out never is.
            let is_bounded = matches!(record.outcome, Outcome::Denied | Outcome::Alarm);
            if is_bounded && !inner.may_write_denied(&mut record) {
                return Ok(());
            }
            record.seq = inner.next;
            let mut line = serde_json::to_vec(&record).map_err(io::Error::from)?;
            line.push(b'\n');
            let len = line.len() as u64;
            if inner.size + len > MAX_WAITING {
                return Err(JournalError::Full);
            }
            if let Err(error) = inner.file.write_all(&line) {
                // Half a line must not stand before the next one.
                let size = inner.size;
                inner.file.set_len(size)?;
                inner.file.seek(io::SeekFrom::Start(size))?;
                return Err(error.into());
            }
            inner.size += len;
            inner.next += 1;
            inner.waiting.push_back(record);
        }
        self.news.notify_one();
        Ok(())
    }

    /// At most `max` records after `after`, rising; waits for one.
    pub async fn after(&self, after: u64, max: usize) -> Vec<Record> {
        loop {
            let news = self.news.notified();
            let page = self.page(after, max);
            if !page.is_empty() {
                return page;
            }
            news.await;
        }
    }

    /// At most `max` records after `after`, rising.
    pub fn page(&self, after: u64, max: usize) -> Vec<Record> {
        let inner = self.hold();
        let from = inner.waiting.partition_point(|record| record.seq <= after);
        inner.waiting.iter().skip(from).take(max).cloned().collect()
    }

    /// Records up to `through` are kept elsewhere.
    pub fn forget(&self, through: u64) -> Result<(), JournalError> {
        let mut inner = self.hold();
        while inner.waiting.front().is_some_and(|record| record.seq <= through) {
            inner.waiting.pop_front();
        }
        // Never rewritten in place: a kill in the middle leaves the old file or the new one.
        if inner.size > COMPACT_FROM && inner.size > 2 * inner.waiting_bytes()? {
            inner.compact(&self.path)?;
        } else if inner.waiting.is_empty() && inner.size > 0 {
            inner.file.set_len(0)?;
            inner.file.rewind()?;
            inner.size = 0;
        }
        Ok(())
    }

    fn hold(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn lines(&self) -> io::Result<Vec<u8>> {
        let mut lines = Vec::new();
        for record in &self.waiting {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    fn waiting_bytes(&self) -> io::Result<u64> {
        Ok(self.lines()?.len() as u64)
    }

    fn compact(&mut self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        let lines = self.lines()?;
        let mut file = private(&beside)?;
        file.set_len(0)?;
        file.write_all(&lines)?;
        std::fs::rename(&beside, path)?;
        (self.file, self.size) = (file, lines.len() as u64);
        Ok(())
    }

    /// An agent that knocks a thousand times a second must not fill the log of everybody.
    fn may_write_denied(&mut self, record: &mut Record) -> bool {
        let denied = self.denied.entry(record.agent).or_default();
        let minute = record.time_ms / 60_000;
        if denied.minute != minute {
            *denied = Denied { minute, count: 0, unwritten: denied.unwritten };
        }
        if denied.count >= DENIED_A_MINUTE {
            denied.unwritten += 1;
            return false;
        }
        denied.count += 1;
        if denied.unwritten > 0 {
            record.why = format!("{} (and {} more before)", record.why, denied.unwritten);
            denied.unwritten = 0;
        }
        true
    }
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// What an earlier broker left at `path`; nothing where there is no file.
pub fn left_behind(path: &Path) -> Result<Vec<Record>, JournalError> {
    match File::open(path) {
        Ok(file) => Ok(read(&file)?.0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Where a broker's journal is, in the folder of its owner.
pub fn path_in(folder: &Path) -> PathBuf {
    folder.join("broker-journal")
}

/// The whole lines of a journal, and how many bytes they take.
fn read(file: &File) -> io::Result<(Vec<Record>, u64)> {
    let mut reader = BufReader::new(file);
    let (mut all, mut good, mut line) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let len = reader.read_until(b'\n', &mut line)?;
        let whole = line.strip_suffix(b"\n").and_then(|line| serde_json::from_slice(line).ok());
        let Some(record) = whole else { return Ok((all, good)) };
        all.push(record);
        good += len as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(outcome: Outcome) -> Record {
        Record {
            seq: 0,
            request: 7,
            time_ms: 1_000,
            agent: AgentId([1; 16]),
            session: 1,
            secret: None,
            outcome,
            method: "GET".to_owned(),
            host: "api.example".to_owned(),
            path: "/v1".to_owned(),
            process: String::new(),
            status: 0,
            millis: 0,
            bytes: 0,
            why: "no rule".to_owned(),
            token: 0,
        }
    }

    #[test]
    fn what_was_written_is_there_after_the_process_is_gone_and_half_a_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        let journal = Journal::open(&path).unwrap();
        journal.write(record(Outcome::Sent)).unwrap();
        journal.write(record(Outcome::Done)).unwrap();
        drop(journal);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"{"seq":3,"requ"#).unwrap();
        let left = left_behind(&path).unwrap();
        assert_eq!(left.iter().map(|one| one.seq).collect::<Vec<_>>(), [1, 2]);
        let journal = Journal::open(&path).unwrap();
        journal.write(record(Outcome::Sent)).unwrap();
        assert_eq!(journal.page(0, 10).len(), 3);
        assert_eq!(left_behind(&path).unwrap().len(), 3, "the new line is whole");
    }

    #[test]
    fn what_the_owner_keeps_is_forgotten_here() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        let journal = Journal::open(&path).unwrap();
        for _ in 0..3 {
            journal.write(record(Outcome::Sent)).unwrap();
        }
        journal.forget(2).unwrap();
        assert_eq!(journal.page(0, 10).len(), 1);
        journal.forget(3).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        journal.write(record(Outcome::Sent)).unwrap();
        assert_eq!(journal.page(0, 10)[0].seq, 4, "positions are never used twice");
    }

    #[test]
    fn an_agent_that_knocks_without_end_fills_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&path_in(folder.path())).unwrap();
        for _ in 0..1_000 {
            journal.write(record(Outcome::Denied)).unwrap();
            journal.write(record(Outcome::Alarm)).unwrap();
        }
        assert_eq!(journal.page(0, 2_000).len(), 60);
        journal.write(Record { time_ms: 61_000, ..record(Outcome::Denied) }).unwrap();
        let last = journal.page(60, 10).pop().unwrap();
        assert_eq!(last.why, "no rule (and 1940 more before)");
    }

    #[test]
    fn a_journal_that_is_never_empty_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        let journal = Journal::open(&path).unwrap();
        for seq in 1..=30_000 {
            journal.write(record(Outcome::Sent)).unwrap();
            if seq % 1_000 == 0 {
                journal.forget(seq - 1).unwrap();
            }
        }
        assert!(std::fs::metadata(&path).unwrap().len() < 2 * COMPACT_FROM);
        assert_eq!(left_behind(&path).unwrap().last().unwrap().seq, 30_000);
        drop(journal);
        let again = Journal::open(&path).unwrap();
        again.write(record(Outcome::Sent)).unwrap();
        assert_eq!(left_behind(&path).unwrap().last().unwrap().seq, 30_001);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        let _journal = Journal::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
