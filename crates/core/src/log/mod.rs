//! What the audit log says, read and hashed entry by entry (docs/protocol.md, section 12).
//!
//! Every entry is [weighed](weigh), which needs nothing but the chain and may be done on all
//! processors, and then taken into an [`AuditCopy`] in its order: into an RFC 6962 frontier and into
//! [`Facts`]. The entries themselves are kept in [`Segment`]s and found again through an
//! [`index`]. Nothing of them is told before the frontier's root is one that the log's key signed.
//!
//! Deliberately not here: fetching, and files.

mod acts;
mod codec;
mod facts;
pub mod index;
mod nodes;
mod segment;
mod verdict;
mod weigh;

use std::collections::BTreeMap;

use strongroom_chain::tree::Frontier;
use strongroom_format::check::{holds, require};
use strongroom_format::encoding::DecodeError;
use strongroom_format::hash::{Digest, ZERO};
use strongroom_format::id::{DeviceId, Principal};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::AuditPin;
use thiserror::Error;

pub use acts::Acts;
pub use facts::{
    Drill, EnvFacts, Facts, PrincipalFacts, Replacement, Seen, Use, Uses, may_say_replaced,
};
pub use nodes::Nodes;
pub use segment::{Entry, SEGMENT, Segment};
pub use verdict::{Level, Verdict};
pub use weigh::{Against, Weighed, Word, weigh, weigh_all};

use segment::SEGMENT_LEVEL;
/// The most counts that are kept before those of old builds are forgotten.
const MAX_ACTORS: usize = 20_000;

/// Why entries are not the organisation's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LogError {
    /// Bytes that are no entry.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// An act names a link that this copy of the chain does not hold: the chain has grown, or the
    /// link never was. Whoever has asked for the chain once more weighs it by what it knows.
    #[error("an entry of the audit log names a link that is not known here yet")]
    Ahead,
    /// An entry of another organisation.
    #[error("an entry of the audit log belongs to another organisation")]
    Foreign,
    /// An act that the server said it had written down is not there.
    #[error("an act that the server took is missing in the audit log")]
    Lost,
    /// The log ends before what was pinned.
    #[error("the audit log is shorter than what was verified before")]
    Shorter,
    /// The entries do not give the root that was signed or pinned for this size.
    #[error("the entries of the audit log are not those that were signed, at size {size}")]
    Forked {
        /// At which size.
        size: u64,
    },
}

/// The newest act of one actor on one device, as the log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorHead {
    /// Its count.
    pub seq: u64,
    /// SHA-256 of the act.
    pub hash: Digest,
}

/// The checkpoint up to which everything was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Size and root.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: String,
}

/// Everything read of one organisation's log so far, without the entries themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCopy {
    reset: u32,
    /// The first entry that was read; the ones before it were retired by an owner.
    base: u64,
    /// The perfect subtrees before `base`, widest first.
    base_peaks: Vec<Digest>,
    frontier: Frontier,
    /// The roots of the complete segments from `base` on.
    roots: Vec<Digest>,
    /// With the size of the log when it was written down.
    actors: BTreeMap<(Principal, DeviceId), (ActorHead, u64)>,
    facts: Facts,
    settled: Option<Settled>,
}

impl AuditCopy {
    /// Nothing read yet of the log with this reset counter.
    pub fn new(reset: u32) -> Self {
        Self {
            reset,
            base: 0,
            base_peaks: Vec::new(),
            frontier: Frontier::new(),
            roots: Vec::new(),
            actors: BTreeMap::new(),
            facts: Facts::default(),
            settled: None,
        }
    }

    /// Nothing read yet of a log whose entries before `retained.size` an owner retired: `peaks` must
    /// give the root that the owner signed.
    pub fn retained(retained: &AuditPin, peaks: Vec<Digest>) -> Result<Self, LogError> {
        let forked = LogError::Forked { size: retained.size };
        let frontier = Frontier::kept(retained.size, peaks.clone()).map_err(|_| forked)?;
        require(retained.size.is_multiple_of(SEGMENT), forked)?;
        require(frontier.root() == retained.root, forked)?;
        let (base, base_peaks) = (retained.size, peaks);
        Ok(Self { base, base_peaks, frontier, ..Self::new(retained.reset) })
    }

    /// Forgets how to prove the entries before `retained.size`, which an owner retired; `peaks` are
    /// the perfect subtrees over them. The facts stay. [`LogError::Forked`] where the owner signed
    /// another root than was read here.
    pub fn retire(&mut self, retained: &AuditPin, peaks: Vec<Digest>) -> Result<(), LogError> {
        let beginning = Self::retained(retained, peaks)?;
        let forked = LogError::Forked { size: retained.size };
        let gone = retained.size.checked_sub(self.base).ok_or(forked)? / SEGMENT;
        let gone = usize::try_from(gone).ok().filter(|n| *n <= self.roots.len()).ok_or(forked)?;
        self.roots.drain(..gone);
        (self.base, self.base_peaks) = (beginning.base, beginning.base_peaks);
        Ok(())
    }

    /// The same log, with nothing read yet.
    #[must_use]
    pub fn anew(&self) -> Self {
        let frontier = Frontier::kept(self.base, self.base_peaks.clone()).unwrap_or_default();
        let (base, base_peaks) = (self.base, self.base_peaks.clone());
        Self { base, base_peaks, frontier, ..Self::new(self.reset) }
    }

    /// The reset counter of the log.
    pub fn reset(&self) -> u32 {
        self.reset
    }

    /// The first entry that was read: 0, or a multiple of [`SEGMENT`].
    pub fn base(&self) -> u64 {
        self.base
    }

    /// How many entries there are, with those before [`AuditCopy::base`].
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over the entries that were read.
    pub fn root(&self) -> Digest {
        self.frontier.root()
    }

    /// The roots of the complete segments, from [`AuditCopy::base`] on.
    pub fn roots(&self) -> &[Digest] {
        &self.roots
    }

    /// The checkpoint that covers everything that was read; `None` while reading goes on.
    pub fn settled(&self) -> Option<&Settled> {
        self.settled.as_ref().filter(|settled| settled.checkpoint.size == self.size())
    }

    /// What the entries say, once they are settled.
    pub fn facts(&self) -> Option<&Facts> {
        self.settled().map(|_| &self.facts)
    }

    /// Where an actor's own count on a device stands.
    pub fn actor(&self, actor: Principal, device: DeviceId) -> Option<&ActorHead> {
        self.actors.get(&(actor, device)).map(|(head, _)| head)
    }

    /// Takes the next entry in. After an error nothing of this copy may be used.
    pub fn take(&mut self, against: &Against<'_>, weighed: &Weighed) -> Result<Verdict, LogError> {
        for node in self.frontier.append(weighed.leaf) {
            if node.level == SEGMENT_LEVEL {
                self.roots.push(node.hash);
            }
        }
        let (size, pin) = (self.frontier.size(), against.pin());
        let pinned = size == pin.size && self.reset == pin.reset;
        require(!pinned || self.frontier.root() == pin.root, LogError::Forked { size })?;
        let event = &weighed.event;
        Ok(match weighed.word {
            Word::Server => {
                self.facts.note_seen(event);
                if event.act.kind.is_derived() { Verdict::Derived } else { Verdict::Seen }
            }
            Word::Nobody => {
                self.facts.note_doubt();
                Verdict::Doubtful
            }
            Word::Actor { link, hash } => {
                let verdict = self.count(weighed, hash);
                match verdict {
                    Verdict::Doubtful => self.facts.note_doubt(),
                    _ => self.facts.note_act(against.state(), link, event),
                }
                verdict
            }
        })
    }

    /// Counts an act behind those of its actor and device. A server that lets something else in
    /// makes nobody a witness; what it leaves out shows at the next one.
    fn count(&mut self, weighed: &Weighed, hash: Digest) -> Verdict {
        let act = &weighed.event.act;
        let Some(actor) = act.actor else { return Verdict::Doubtful };
        let head = self.actors.get(&(actor, act.device));
        let (seq, prev) = head.map_or((0, ZERO), |(head, _)| (head.seq, head.hash));
        // Counted already: the same act again, or another one in its place.
        if !holds(act.actor_seq > seq) {
            return Verdict::Doubtful;
        }
        // Whoever begins behind entries that were let go cannot know what its first act follows.
        let begins = head.is_none() && self.base > 0;
        let follows = begins || holds(act.actor_seq - 1 == seq) && holds(act.actor_prev == prev);
        let head = ActorHead { seq: act.actor_seq, hash };
        self.actors.insert((actor, act.device), (head, self.frontier.size()));
        self.forget_runs();
        if follows {
            return Verdict::Signed;
        }
        self.facts.note_gap();
        Verdict::Gap
    }

    /// Every run of a build is a device of its own that ends with it. Only the newest are kept.
    fn forget_runs(&mut self) {
        if self.actors.len() <= MAX_ACTORS {
            return;
        }
        let is_run = |who: &Principal| !matches!(who, Principal::User(_));
        let runs = self.actors.iter().filter(|((who, _), _)| is_run(who));
        let mut ages: Vec<u64> = runs.map(|(_, (_, at))| *at).collect();
        ages.sort_unstable();
        let Some(middle) = ages.get(ages.len() / 2).copied() else { return };
        self.actors.retain(|(who, _), (_, at)| !is_run(who) || *at >= middle);
    }

    /// Settles what was read: it must be exactly what the checkpoint signs, whose signature the
    /// caller has checked.
    pub fn settle(&mut self, checkpoint: Checkpoint, note: &str) -> Result<(), LogError> {
        let size = self.size();
        let fits = (checkpoint.reset, checkpoint.size) == (self.reset, size);
        require(fits, LogError::Forked { size })?;
        require(checkpoint.root == self.root(), LogError::Forked { size })?;
        self.settled = Some(Settled { checkpoint, note: note.to_owned() });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
