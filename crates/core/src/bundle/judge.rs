//! Whether a bundle holds, by nothing but its own bytes.

use std::collections::BTreeMap;
use std::io::BufRead;

use strongroom_chain::signature::verifies_labelled;
use strongroom_chain::tree::{leaf_hash, verify_consistency};
use strongroom_chain::{ChainError, OrgState};
use strongroom_format::check::require;
use strongroom_format::encoding::DecodeError;
use strongroom_format::hash::Digest;
use strongroom_format::id::{OrgId, Principal};
use strongroom_format::note::Checkpoint;
use strongroom_format::statement::{Body, Link};
use strongroom_format::wire::B64;
use thiserror::Error;

use super::cover::Fold;
use super::line::{
    AnchorLine, ENTRY, EntryLine, Heading, KIND, Lines, LinkLine, MAX_COUNT, MAX_FILTER, MAX_NAME,
    NAME, NameLine, Named, NodeLine, SignatureLine, VERSION,
};
use super::repeated::Repeated;
use super::tally::Tally;
use super::tlog_proof::LogKey;
use super::words::{Anchor, Judgement};
use crate::log::{Against, LogError, weigh_all};

/// So many entries are checked at once, on all processors.
const BATCH: usize = 4_096;

/// Why a bundle proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Why {
    /// The file cannot be read to its end.
    #[error("the file cannot be read")]
    Unreadable,
    /// It ends too early.
    #[error("the file ends too early")]
    Ends,
    /// Not the line that belongs here, in its one spelling.
    #[error("this is not the line that belongs here, or it is damaged")]
    Malformed,
    /// A newer or another format.
    #[error("this is no audit bundle that this program knows")]
    Unknown,
    /// Bytes that are no link.
    #[error("this is no link: {0}")]
    Link(DecodeError),
    /// A link that does not continue the chain.
    #[error("the chain does not hold: {0}")]
    Chain(ChainError),
    /// The chain is another organisation's.
    #[error("the chain belongs to another organisation than the file says")]
    WrongOrg,
    /// The checkpoint is not signed by the key that the chain names.
    #[error("the checkpoint is not signed by the log's key, as the chain names it")]
    Checkpoint,
    /// An entry that is none, or of another organisation.
    #[error("this is no entry of the log: {0}")]
    Entry(LogError),
    /// Entries and nodes do not lie side by side, or not in the fewest nodes.
    #[error("entries and nodes do not lie side by side")]
    Cover,
    /// There are more or fewer entries than the first line says.
    #[error("the file does not have as many entries as it says")]
    Count,
    /// Entries and nodes give another root than the signed one.
    #[error("the entries are not those that the log's key signed: they give another root")]
    Root,
    /// As [`Why::Root`]; this entry does not hold by itself either, and is the one to look at.
    #[error(
        "the entries are not those that the log's key signed: they give another root, and entry \
         {0} does not hold by itself either"
    )]
    RootAndEntry(u64),
    /// The log does not continue what a link repeats.
    #[error("the log does not continue the state that the chain repeats")]
    Anchor,
    /// The name of nothing in the file, or out of order.
    #[error("this names nothing that is in the file")]
    Name,
    /// Whoever made it is not part of the organisation, or dated it before the chain's end.
    #[error("whoever made the file is not part of the organisation")]
    Exporter,
    /// The signature over the file does not hold.
    #[error("the signature of whoever made the file does not hold: it was changed since")]
    Signature,
}

/// Why a bundle proves nothing, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub struct Refused {
    /// The first line that is wrong, from 1.
    pub line: u64,
    /// The entry on it.
    pub entry: Option<u64>,
    /// What is wrong.
    pub why: Why,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "line {}, entry {entry}: {}", self.line, self.why),
            None => write!(f, "line {}: {}", self.line, self.why),
        }
    }
}

/// The chain of a file, and what its links say about the log.
struct Chain {
    state: OrgState,
    /// The link that named the log's key.
    key_link: u64,
    repeated: Option<Repeated>,
    authors: Vec<Principal>,
}

/// Judges a bundle. Reads it once, from its first line to its last.
pub fn judge(file: impl BufRead) -> Result<Judgement, Refused> {
    let mut lines = Lines::new(file);
    let read = read(&mut lines);
    let end = lines.number();
    let judgement = read.map_err(|at| match at {
        Stop::Here(why) => Refused { line: end, entry: None, why },
        Stop::At { line, entry, why } => Refused { line, entry: Some(entry), why },
    })?;
    let trailing = |why| Refused { line: end + 1, entry: None, why };
    lines.end().map_err(trailing)?;
    Ok(judgement)
}

/// Where reading stopped: at the line that was read last, or at an earlier entry.
enum Stop {
    Here(Why),
    At { line: u64, entry: u64, why: Why },
}

impl From<Why> for Stop {
    fn from(why: Why) -> Self {
        Self::Here(why)
    }
}

fn read(lines: &mut Lines<impl BufRead>) -> Result<Judgement, Stop> {
    let heading = read_heading(lines)?;
    let mut chain = read_chain(lines, &heading)?;
    let tally = Tally::new(std::mem::take(&mut chain.authors));
    let state = &chain.state;
    let log = LogKey { org: state.org(), reset: state.audit_reset(), key: *state.audit_vkey() };
    let checkpoint = log.checkpoint(&heading.checkpoint).ok_or(Why::Checkpoint)?;
    let tally = read_entries(lines, &heading, state, &checkpoint, tally)?;
    let anchor = read_anchor(lines, &chain, &checkpoint)?;
    let names = read_names(lines, &heading, &tally)?;
    check_signature(lines, &heading, state)?;
    Ok(Judgement {
        org: state.org(),
        org_seq: state.seq(),
        org_head: state.head(),
        log,
        key_link: chain.key_link,
        checkpoint,
        anchor,
        filter: heading.filter,
        query: heading.query,
        made_ms: heading.made_ms,
        by: heading.by,
        role: state.role(&heading.by),
        tally,
        names,
    })
}

fn read_heading(lines: &mut Lines<impl BufRead>) -> Result<Heading, Why> {
    lines.next()?;
    let heading: Heading = lines.parse()?;
    require(heading.strongroom == KIND, Why::Unknown)?;
    require(heading.version == VERSION, Why::Unknown)?;
    require(heading.filter.len() <= MAX_FILTER, Why::Malformed)?;
    require(heading.query.len() <= MAX_FILTER, Why::Malformed)?;
    require(heading.links > 0, Why::Malformed)?;
    // Bounds on the work: nothing else hangs on them.
    if heading.links.max(heading.entries) > MAX_COUNT {
        return Err(Why::Malformed);
    }
    Ok(heading)
}

fn read_chain(lines: &mut Lines<impl BufRead>, heading: &Heading) -> Result<Chain, Why> {
    let genesis = read_link(lines)?;
    require(OrgId::of_genesis(genesis.as_bytes()) == heading.org, Why::WrongOrg)?;
    let state = OrgState::found(&genesis).map_err(Why::Chain)?;
    let authors = vec![genesis.statement.author];
    let mut chain = Chain { state, key_link: 0, repeated: None, authors };
    for seq in 1..heading.links {
        let link = read_link(lines)?;
        chain.state.apply(&link).map_err(Why::Chain)?;
        let body = &link.statement.body;
        if matches!(body, Body::AuditReset { .. }) {
            chain.key_link = seq;
        }
        chain.repeated = Repeated::after(chain.repeated, seq, body);
        chain.authors.push(link.statement.author);
    }
    Ok(chain)
}

fn read_link(lines: &mut Lines<impl BufRead>) -> Result<Link, Why> {
    lines.next()?;
    let line: LinkLine = lines.parse()?;
    Link::parse(&line.link.0).map_err(Why::Link)
}

/// Entries whose own bytes are still to be checked, with their lines.
#[derive(Default)]
struct Batch {
    places: Vec<(u64, u64)>,
    events: Vec<Vec<u8>>,
}

impl Batch {
    fn check(&mut self, against: &Against<'_>, tally: &mut Tally) -> Result<(), Stop> {
        let weighed = weigh_all(against, &self.events);
        for ((line, entry), weighed) in self.places.drain(..).zip(weighed) {
            let bad = |error| Stop::At { line, entry, why: Why::Entry(error) };
            tally.take(entry, &weighed.map_err(bad)?);
        }
        self.events.clear();
        Ok(())
    }
}

fn read_entries(
    lines: &mut Lines<impl BufRead>,
    heading: &Heading,
    state: &OrgState,
    checkpoint: &Checkpoint,
    mut tally: Tally,
) -> Result<Tally, Stop> {
    let against = Against::new(state, state.audit_anchor());
    let (mut fold, mut batch) = (Fold::default(), Batch::default());
    while fold.at() < checkpoint.size {
        lines.next()?;
        if lines.begins_with(ENTRY) {
            let line: EntryLine = lines.parse()?;
            fold.leaf(line.entry, leaf_hash(&line.event.0)).map_err(|_| Why::Cover)?;
            batch.places.push((lines.number(), line.entry));
            batch.events.push(line.event.0);
        } else {
            let line: NodeLine = lines.parse()?;
            let (level, index) = line.node;
            let hash = digest(line.hash)?;
            fold.node(level, index, hash, checkpoint.size).map_err(|_| Why::Cover)?;
        }
        if batch.events.len() >= BATCH {
            batch.check(&against, &mut tally)?;
        }
    }
    batch.check(&against, &mut tally)?;
    require(tally.entries == heading.entries, Why::Count)?;
    let root = fold.root().map_err(|_| Why::Cover)?;
    let why = tally.first_doubtful().map_or(Why::Root, Why::RootAndEntry);
    require(root == checkpoint.root, why)?;
    Ok(tally)
}

fn digest(bytes: B64) -> Result<Digest, Why> {
    bytes.0.try_into().map_err(|_| Why::Malformed)
}

/// The log must continue the widest state that the chain itself repeats.
fn read_anchor(
    lines: &mut Lines<impl BufRead>,
    chain: &Chain,
    checkpoint: &Checkpoint,
) -> Result<Option<Anchor>, Why> {
    let Some(Repeated { link, size, root }) = chain.repeated else { return Ok(None) };
    lines.next()?;
    let line: AnchorLine = lines.parse()?;
    require(line.anchor == link, Why::Anchor)?;
    let proof = line.proof.into_iter().map(digest).collect::<Result<Vec<_>, _>>()?;
    verify_consistency(size, &root, checkpoint.size, &checkpoint.root, &proof)
        .map_err(|_| Why::Anchor)?;
    let at_ms = chain.state.time_at(link).unwrap_or(0);
    Ok(Some(Anchor { link, size, at_ms }))
}

/// Reads names up to the line behind them, which is left to the caller.
fn read_names(
    lines: &mut Lines<impl BufRead>,
    heading: &Heading,
    tally: &Tally,
) -> Result<BTreeMap<Named, String>, Why> {
    let (mut names, mut last) = (BTreeMap::new(), String::new());
    loop {
        lines.next()?;
        if !lines.begins_with(NAME) {
            return Ok(names);
        }
        let NameLine { id, name } = lines.parse()?;
        require(name.len() <= MAX_NAME, Why::Malformed)?;
        require(id > last, Why::Name)?;
        let named: Named = id.parse().map_err(|_| Why::Name)?;
        let exporter = Named::Who(Principal::User(heading.by));
        require(named == exporter || tally.named.contains(&named), Why::Name)?;
        names.insert(named, name);
        last = id;
    }
}

/// The line that was read last must be the signature over all lines before it.
fn check_signature(
    lines: &mut Lines<impl BufRead>,
    heading: &Heading,
    state: &OrgState,
) -> Result<(), Why> {
    let line: SignatureLine = lines.parse()?;
    let signature = line.signature.0.try_into().map_err(|_| Why::Malformed)?;
    require(heading.made_ms >= state.time_ms(), Why::Exporter)?;
    let by = Principal::User(heading.by);
    let key = state.signing_key(&by, state.seq(), heading.made_ms).ok_or(Why::Exporter)?;
    let hash = lines.hash_before();
    require(verifies_labelled("bundle", &key, &hash, &signature), Why::Signature)
}
