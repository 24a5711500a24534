//! Finds entries of the log: a table of columns in memory, filtered and counted in one pass.
//!
//! Whatever repeats (who, where, from which address) is kept once, in a dictionary, and a row holds
//! its number there. So every filter is worked out for the dictionaries first, which are short, and
//! a row then costs a few look-ups, however many words a person types.
//!
//! Deliberately not here: the entries themselves, and whether to believe them.

mod ask;
mod column;
mod filter;
mod glance;
mod query;
mod verb;
mod words;

use std::net::SocketAddr;
use std::sync::Arc;

use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Event, EventKind};
use strongroom_format::id::{AgentId, DeviceId, EnvId, Principal, SecretId};

use self::column::{Dictionary, Numbers, make_room};
use super::Verdict;

pub use glance::Glance;
pub use query::{Bar, Facets, Found, Names, Outcome, Query, Timeline};
pub use verb::verb;

/// The columns of all entries that were read. A row is an entry's place in it.
#[derive(Clone)]
pub struct Index {
    base: u64,
    at_ms: Vec<u64>,
    what: Vec<What>,
    who: Vec<u32>,
    device: Vec<u32>,
    place: Vec<u32>,
    version: Numbers,
    number: Numbers,
    status: Vec<u16>,
    peer: Vec<u32>,
    port: Vec<u16>,
    people: Dictionary<Actor>,
    devices: Dictionary<DeviceId>,
    places: Dictionary<(EnvId, SecretId)>,
    peers: Dictionary<Peer>,
}

/// One row, by value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in the index; its entry is this many after [`Index::base`].
    pub row: u32,
    /// The server's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    pub kind: EventKind,
    /// What checking it gave.
    pub verdict: Verdict,
    /// Who acted; `None` where nobody proved it.
    pub who: Option<Principal>,
    /// The agent for which it acted.
    pub agent: Option<AgentId>,
    /// On which device; zero where unknown.
    pub device: DeviceId,
    /// The environment; zero if it is about none.
    pub env: EnvId,
    /// The secret; zero if it is about none. A drill keeps its proof there: that is left out.
    pub secret: SecretId,
    /// The secret's version.
    pub version: u64,
    /// A link's or commit's position, or how many things were fetched.
    pub number: u64,
    /// HTTP status of the answer; 0 for what happened on a device.
    pub status: u16,
    /// Where the request came from, as the server saw it.
    pub peer: Arc<str>,
}

/// Who acted, and for which agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Actor {
    who: Option<Principal>,
    agent: Option<AgentId>,
}

impl Actor {
    /// Both whom a row is found by: who acted, and the agent that it was done for.
    fn found_by(self) -> impl Iterator<Item = Option<Principal>> {
        let agent = self.agent.map(Principal::Agent).filter(|agent| self.who != Some(*agent));
        std::iter::once(self.who).chain(agent.map(Some))
    }
}

/// An address, and whether it came with a port. Each connection has a port of its own, which would
/// make a dictionary of whole peers as long as the log.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Peer {
    address: Arc<str>,
    has_port: bool,
}

impl Peer {
    /// Takes a peer apart, where it can be put together again to the letter.
    fn split(text: &str) -> (Self, u16) {
        let socket = text.parse::<SocketAddr>().ok().filter(|socket| socket.to_string() == text);
        let (address, port) = match socket {
            Some(socket) => (socket.ip().to_string().into(), socket.port()),
            None => (text.into(), 0),
        };
        (Self { address, has_port: socket.is_some() }, port)
    }

    fn text(&self, port: u16) -> Arc<str> {
        match self.address.parse() {
            Ok(ip) if self.has_port => SocketAddr::new(ip, port).to_string().into(),
            _ => Arc::clone(&self.address),
        }
    }
}

/// Verdict, kind and outcome of a row in one number, which tables are indexed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct What(u16);

impl What {
    /// One more than the largest.
    const END: usize = Verdict::ALL.len() << 9;

    fn new(verdict: Verdict, kind: EventKind, outcome: Outcome) -> Self {
        let refused = u16::from(outcome == Outcome::Refused);
        Self(u16::from(verdict.byte()) << 9 | u16::from(kind.byte()) << 1 | refused)
    }

    /// Every one that a row can have.
    fn all() -> impl Iterator<Item = (Self, Verdict, EventKind, Outcome)> {
        let verdicts = Verdict::ALL.into_iter();
        verdicts.flat_map(|verdict| {
            EventKind::ALL.iter().flat_map(move |&kind| {
                Outcome::ALL
                    .map(|outcome| (Self::new(verdict, kind, outcome), verdict, kind, outcome))
            })
        })
    }

    fn at(self) -> usize {
        usize::from(self.0)
    }

    fn verdict(self) -> Option<Verdict> {
        Verdict::from_byte((self.0 >> 9).to_le_bytes()[0])
    }

    fn kind_byte(self) -> u8 {
        (self.0 >> 1).to_le_bytes()[0]
    }

    fn kind(self) -> Option<EventKind> {
        EventKind::decode(&[self.kind_byte()]).ok()
    }
}

impl Index {
    /// An empty index of the entries from `base` on.
    pub fn new(base: u64) -> Self {
        Self {
            base,
            at_ms: Vec::new(),
            what: Vec::new(),
            who: Vec::new(),
            device: Vec::new(),
            place: Vec::new(),
            version: Numbers::default(),
            number: Numbers::default(),
            status: Vec::new(),
            peer: Vec::new(),
            port: Vec::new(),
            people: Dictionary::default(),
            devices: Dictionary::default(),
            places: Dictionary::default(),
            peers: Dictionary::default(),
        }
    }

    /// Makes room for this many more rows at once.
    pub fn reserve(&mut self, rows: u32) {
        let rows = rows as usize;
        self.at_ms.reserve_exact(rows);
        self.what.reserve_exact(rows);
        for ids in [&mut self.who, &mut self.device, &mut self.place, &mut self.peer] {
            ids.reserve_exact(rows);
        }
        self.version.reserve(rows);
        self.number.reserve(rows);
        self.status.reserve_exact(rows);
        self.port.reserve_exact(rows);
    }

    /// Puts the next entry behind the others. An index holds 2^32 - 1 rows; whether there was room.
    pub fn push(&mut self, verdict: Verdict, event: &Event) -> bool {
        if self.len() == u32::MAX {
            return false;
        }
        let (act, detail) = (&event.act, &event.act.detail);
        let is_proof = act.kind == EventKind::Drilled;
        let secret = if is_proof { SecretId::ZERO } else { detail.secret };
        let (peer, port) = Peer::split(&event.peer);
        let agent = act.agency.as_ref().map(|agency| agency.agent);
        let actor = Actor { who: act.actor, agent };
        let outcome = Outcome::of(act.kind, detail.status);
        make_room(&mut self.at_ms).push(event.server_time_ms);
        make_room(&mut self.what).push(What::new(verdict, act.kind, outcome));
        make_room(&mut self.who).push(self.people.id(actor));
        make_room(&mut self.device).push(self.devices.id(act.device));
        make_room(&mut self.place).push(self.places.id((detail.env, secret)));
        self.version.push(detail.version);
        self.number.push(detail.number);
        make_room(&mut self.status).push(detail.status);
        make_room(&mut self.peer).push(self.peers.id(peer));
        make_room(&mut self.port).push(port);
        true
    }

    /// How many rows there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.at_ms.len()).unwrap_or(u32::MAX)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.at_ms.is_empty()
    }

    /// The entry of the first row.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The memory that it takes, in bytes; the texts of a few hundred addresses not counted.
    pub fn bytes(&self) -> usize {
        let ids = [&self.who, &self.device, &self.place, &self.peer];
        let halves = self.what.capacity() + self.status.capacity() + self.port.capacity();
        self.at_ms.capacity() * size_of::<u64>()
            + ids.iter().map(|ids| ids.capacity() * size_of::<u32>()).sum::<usize>()
            + halves * size_of::<u16>()
            + self.version.bytes()
            + self.number.bytes()
            + self.people.bytes()
            + self.devices.bytes()
            + self.places.bytes()
            + self.peers.bytes()
    }

    /// The columns of one row; `None` behind the last.
    pub fn row(&self, row: u32) -> Option<Row> {
        let at = row as usize;
        let what = *self.what.get(at)?;
        let (env, secret) = *self.places.get(*self.place.get(at)?)?;
        let actor = self.people.get(*self.who.get(at)?)?;
        Some(Row {
            row,
            at_ms: *self.at_ms.get(at)?,
            kind: what.kind()?,
            verdict: what.verdict()?,
            who: actor.who,
            agent: actor.agent,
            device: *self.devices.get(*self.device.get(at)?)?,
            env,
            secret,
            version: self.version.get(at)?,
            number: self.number.get(at)?,
            status: *self.status.get(at)?,
            peer: self.peers.get(*self.peer.get(at)?)?.text(*self.port.get(at)?),
        })
    }

    /// The rows of the same actor before and after this one. Around what a client signed, those
    /// that it signed on the same device; nobody has no neighbours.
    pub fn neighbours(&self, row: u32) -> (Option<u32>, Option<u32>) {
        let at = row as usize;
        let same = self.who.get(at).zip(self.device.get(at)).zip(self.what.get(at));
        let Some(((who, device), what)) = same else { return (None, None) };
        let Some(person) = self.people.get(*who).and_then(|actor| actor.who) else {
            return (None, None);
        };
        let own: Vec<bool> =
            self.people.values().iter().map(|actor| actor.who == Some(person)).collect();
        let is_signed = |what: &What| what.kind().is_some_and(EventKind::is_signed);
        let alone = is_signed(what);
        let fits = |other: &usize| {
            own[self.who[*other] as usize]
                && (!alone || (self.device[*other] == *device && is_signed(&self.what[*other])))
        };
        let row_of = |at: usize| u32::try_from(at).ok();
        let before = (0..at).rev().find(fits).and_then(row_of);
        let after = (at + 1..self.who.len()).find(fits).and_then(row_of);
        (before, after)
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({} rows from entry {})", self.len(), self.base)
    }
}

#[cfg(test)]
mod tests;
