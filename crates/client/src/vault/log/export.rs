//! Writing entries of the log to a file: rows for other programs, or a bundle for other people.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use strongroom_chain::tree::leaf_hash;
use strongroom_core::agents::open_call;
use strongroom_core::bundle::{self, BundleWriter, Named, Order, WriteError, asked};
use strongroom_core::export::{Exporter, Format, Record};
use strongroom_core::log::index::{Names, Query};
use strongroom_core::log::{AuditCopy, Nodes, SEGMENT, Segment};
use strongroom_core::replica::Replica;
use strongroom_format::id::OrgId;

use super::super::error::VaultError;
use super::super::session::{Session, TaskKind};
use super::super::task::Task;
use super::keep::{Entries, count};
use super::names::LogNames;
use crate::api::ApiError;
use crate::cache::CacheError;
use crate::disk::{DiskError, Draft};

/// How often the log is read again because a link came meanwhile.
const ROUNDS: usize = 3;

/// What entries are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Rows for other programs.
    Rows(Format),
    /// A signed evidence bundle: whoever gets it can check it without a server.
    Bundle,
}

impl ExportFormat {
    /// What such a file is called.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Rows(format) => format.ending(),
            Self::Bundle => bundle::ENDING,
        }
    }
}

/// Where entries go.
enum Sink<'a> {
    Rows(Exporter<Draft>),
    Bundle(Box<BundleWriter<'a, Draft>>),
}

/// The settled log that is written from.
struct Source<'a> {
    session: &'a Session,
    org: OrgId,
    copy: Arc<AuditCopy>,
    entries: Entries,
    names: Option<Arc<LogNames>>,
}

impl Source<'_> {
    fn segment(&self, number: u64) -> Option<Arc<Segment>> {
        self.session.segment_of(self.org, &self.copy, &self.entries, number)
    }

    fn names(&self) -> Option<&dyn Names> {
        self.names.as_deref().map(|names| names as &dyn Names)
    }

    /// Writes chosen entries of one segment.
    fn write(
        &self,
        sink: &mut Sink<'_>,
        chosen: &[u64],
        replica: &mut Replica,
    ) -> Result<(), VaultError> {
        let Some(first) = chosen.first() else { return Ok(()) };
        // A file of this computer is gone: it is read from the server next time.
        let segment = self.segment(Segment::of(*first)).ok_or(VaultError::NotFound)?;
        let mut nodes = Nodes::new(&self.copy, |number| self.segment(number));
        let mut node = |level, index| nodes.lookup(level, index);
        for entry in chosen {
            let kept = segment.get(*entry).ok_or(VaultError::NotFound)?;
            match sink {
                Sink::Bundle(bundle) => {
                    bundle.entry(*entry, &kept.bytes, &mut node).map_err(unwritten)?;
                }
                Sink::Rows(rows) => {
                    let event = kept.event().map_err(|_| VaultError::NotFound)?;
                    let leaf = leaf_hash(&kept.bytes);
                    let names = self.names();
                    // What an agent did is sealed as names are, and left out with them.
                    let call = names.and_then(|_| open_call(replica, &event.act));
                    let record = Record::of(*entry, kept.verdict, &event, leaf, names, call);
                    rows.row(&record).map_err(full)?;
                }
            }
        }
        Ok(())
    }

    fn finish(&self, sink: Sink<'_>) -> Result<Draft, VaultError> {
        match sink {
            Sink::Rows(rows) => rows.finish().map_err(full),
            Sink::Bundle(bundle) => {
                let mut nodes = Nodes::new(&self.copy, |number| self.segment(number));
                let mut node = |level, index| nodes.lookup(level, index);
                let mut name = |named: &Named| match (self.names()?, named) {
                    (names, Named::Who(who)) => names.who(who),
                    (names, Named::Env(env)) => names.env(env),
                    (names, Named::Secret(env, secret)) => names.secret(env, secret),
                };
                bundle.finish(&mut node, &mut name).map_err(unwritten)
            }
        }
    }
}

impl Session {
    /// Writes the entries that match `query` to `path`, which it replaces, and gives how many they
    /// are. What is new is read first, where there is a server. Without `names` the file holds ids
    /// alone. A bundle is checked before it takes its name; a file that is not finished leaves
    /// nothing behind. [`VaultError::NotAllowed`] for who may not read the log,
    /// [`VaultError::Cancelled`] when cancelled.
    pub async fn export_log(
        &self,
        query: &Query,
        format: ExportFormat,
        names: bool,
        path: &Path,
    ) -> Result<u64, VaultError> {
        let org = self.current()?;
        let task = Arc::new(self.begin(TaskKind::ExportLog, 1));
        self.read_before_export(org, format).await?;
        let (copy, entries) = self.settled_log(org)?.ok_or(VaultError::NotFound)?;
        let book = self.log_names(org)?;
        let rows = entries.index().ask(query, &*book).rows;
        let entry = |row: u32| copy.base() + u64::from(row);
        let chosen: Vec<u64> = rows.into_iter().map(entry).filter(|at| *at < copy.size()).collect();
        let replica = self.with_org(org, |opened| opened.replica.clone())?;
        let mut opening = replica.clone();
        let names = names.then_some(book);
        let source = Source { session: self, org, copy, entries, names };
        let draft = Draft::begin(path).map_err(disk)?;
        let mut sink = match format {
            ExportFormat::Rows(format) => Sink::Rows(Exporter::begin(format, draft).map_err(full)?),
            ExportFormat::Bundle => {
                let order = self.order(query, &source, chosen.len())?;
                let writer = BundleWriter::begin(draft, &replica, order).map_err(unwritten)?;
                Sink::Bundle(Box::new(writer))
            }
        };
        let rounds = if format == ExportFormat::Bundle { 2 } else { 1 };
        let (mut written, of) = (0, chosen.len() * rounds);
        for chosen in chosen.chunk_by(|one, next| one / SEGMENT == next / SEGMENT) {
            source.write(&mut sink, chosen, &mut opening)?;
            written += chosen.len();
            task.part(written, of)?;
            // Each part is some milliseconds of work; others get their turn between.
            tokio::task::yield_now().await;
        }
        let mut draft = source.finish(sink)?;
        if format == ExportFormat::Bundle {
            draft = check(draft, &replica, Arc::clone(&task)).await?;
        }
        task.part(of, of)?;
        draft.finish().map_err(disk)?;
        Ok(count_of(written))
    }

    /// Reads what is new; what is kept goes out all the same where there is no server. A bundle
    /// also takes the links that its entries rest on, and the states of the log that those repeat.
    async fn read_before_export(&self, org: OrgId, format: ExportFormat) -> Result<(), VaultError> {
        for _ in 0..ROUNDS {
            match self.pull_log().await {
                Ok(false) => return Err(VaultError::NotAllowed),
                result => tolerate(result.map(drop))?,
            }
            if format != ExportFormat::Bundle {
                break;
            }
            tolerate(self.sync().await)?;
            let repeated = self.with_org(org, |opened| {
                let state = opened.replica.state();
                state.audit_anchor().size.max(state.audit_retained().size)
            })?;
            if self.audit_copy()?.is_some_and(|copy| copy.size() >= repeated) {
                break;
            }
        }
        self.open_log().await
    }

    fn order(&self, query: &Query, source: &Source<'_>, n: usize) -> Result<Order, VaultError> {
        let settled = source.copy.settled().ok_or(VaultError::NotFound)?;
        Ok(Order {
            filter: asked::in_words(query, source.names()),
            query: asked::for_programs(query),
            now_ms: self.now_ms(),
            checkpoint: settled.note.clone(),
            entries: count_of(n),
        })
    }
}

/// What was verified goes out also where the server is away or contradicts it now.
fn tolerate(result: Result<(), VaultError>) -> Result<(), VaultError> {
    match result {
        Err(VaultError::Stopped(_) | VaultError::Api(ApiError::Offline)) => Ok(()),
        result => result,
    }
}

/// What this program would not accept from somebody else it does not hand out.
async fn check(mut draft: Draft, replica: &Replica, task: Arc<Task>) -> Result<Draft, VaultError> {
    let (org, seq) = (replica.state().org(), replica.state().seq());
    let judge = move || {
        let (file, size) = draft.read().map_err(disk)?;
        let watched = Watched { file, read: 0, size, task };
        match bundle::judge(BufReader::with_capacity(1 << 16, watched)) {
            Ok(judged) if (judged.org, judged.org_seq) == (org, seq) => Ok(draft),
            Ok(_) => Err(VaultError::Write("the bundle of another chain".to_owned())),
            Err(bundle::Refused { why: bundle::Why::Unreadable, .. }) => Err(VaultError::Cancelled),
            Err(refused) => Err(VaultError::Write(refused.to_string())),
        }
    };
    tokio::task::spawn_blocking(judge).await?
}

/// A file that ends when the person cancels; reading it is the second half of the work.
struct Watched {
    file: File,
    read: u64,
    size: u64,
    task: Arc<Task>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read += count_of(read);
        let (done, of) = (count(self.size + self.read), count(2 * self.size));
        self.task.part(done, of).map_err(io::Error::other)?;
        Ok(read)
    }
}

fn unwritten(error: WriteError) -> VaultError {
    match error {
        WriteError::Io(error) => full(error),
        WriteError::Missing => VaultError::NotFound,
        WriteError::NoPerson => VaultError::NotAllowed,
        other => VaultError::Write(other.to_string()),
    }
}

fn full(error: io::Error) -> VaultError {
    disk(error.into())
}

fn disk(error: DiskError) -> VaultError {
    CacheError::from(error).into()
}

fn count_of(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
