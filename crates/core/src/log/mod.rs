//! What the audit log says, read and hashed entry by entry (docs/protocol.md, section 12).
//!
//! Entries are folded into an RFC 6962 frontier and into [`Facts`], and then forgotten: a log of a
//! million entries costs what its facts cost. Nothing of it is told before the frontier's root is
//! one that the log's key signed.
//!
//! Deliberately not here: fetching, and the entries themselves.

mod acts;
mod codec;
mod facts;
pub mod index;
mod verdict;

use std::collections::{BTreeMap, HashMap};

use strongroom_chain::OrgState;
use strongroom_chain::signature::verifies;
use strongroom_chain::tree::{Frontier, leaf_hash};
use strongroom_format::check::{holds, require};
use strongroom_format::encoding::{Codec as _, DecodeError};
use strongroom_format::event::Event;
use strongroom_format::hash::{Digest, ZERO};
use strongroom_format::id::{DeviceId, Principal};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::AuditPin;
use strongroom_format::wire::act_hash;
use thiserror::Error;

pub use acts::Acts;
pub use facts::{
    Drill, EnvFacts, Facts, PrincipalFacts, Replacement, Seen, Use, Uses, may_say_replaced,
};
pub use verdict::{Level, Verdict};

/// The most counts that are kept before those of old builds are forgotten.
const MAX_ACTORS: usize = 20_000;

/// Why entries are not the organisation's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LogError {
    /// Bytes that are no entry.
    #[error(transparent)]
    Decode(#[from] DecodeError),
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

/// What a reader of the log holds it against: the verified chain, and the pinned state.
#[derive(Debug)]
pub struct Against<'a> {
    state: &'a OrgState,
    seqs: HashMap<Digest, u64>,
    pin: AuditPin,
}

impl<'a> Against<'a> {
    /// The chain as verified, and the audit state as pinned.
    pub fn new(state: &'a OrgState, pin: &AuditPin) -> Self {
        let heads = (0..=state.seq()).filter_map(|seq| Some((state.head_at(seq)?, seq)));
        Self { state, seqs: heads.collect(), pin: *pin }
    }
}

/// Everything read of one organisation's log so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCopy {
    reset: u32,
    frontier: Frontier,
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
            frontier: Frontier::new(),
            actors: BTreeMap::new(),
            facts: Facts::default(),
            settled: None,
        }
    }

    /// The reset counter of the log.
    pub fn reset(&self) -> u32 {
        self.reset
    }

    /// How many entries were read.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over the entries that were read.
    pub fn root(&self) -> Digest {
        self.frontier.root()
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

    /// Reads the next entry. After an error nothing of this copy may be used.
    pub fn read(&mut self, against: &Against<'_>, bytes: &[u8]) -> Result<(), LogError> {
        let event = Event::decode(bytes)?;
        require(event.act.org == against.state.org(), LogError::Foreign)?;
        self.frontier.append(leaf_hash(bytes));
        let size = self.frontier.size();
        let pinned = size == against.pin.size && self.reset == against.pin.reset;
        require(!pinned || self.frontier.root() == against.pin.root, LogError::Forked { size })?;
        if event.act.kind.is_signed() {
            match self.check_act(against, &event) {
                Some(seq) => self.facts.note_act(against.state, seq, &event),
                None => self.facts.note_doubt(),
            }
        } else {
            self.facts.note_seen(&event);
        }
        Ok(())
    }

    /// The link that the actor of a signed event saw, if the signature is its key's there and its
    /// count goes on without a gap. A server that lets something else in makes nobody a witness.
    fn check_act(&mut self, against: &Against<'_>, event: &Event) -> Option<u64> {
        let act = &event.act;
        let actor = act.actor?;
        let seq = *against.seqs.get(&act.org_head)?;
        // Whether a token had ended by the clock is the server's to say: the act carries no time.
        let key = against.state.signing_key(&actor, seq, 0)?;
        let head = self.actors.get(&(actor, act.device));
        let (count, hash) = head.map_or((0, ZERO), |(head, _)| (head.seq, head.hash));
        let next = Some(act.actor_seq) == count.checked_add(1);
        let follows = next && holds(act.actor_prev == hash);
        if !follows || !holds(verifies(&key, &act.message(), &event.signature)) {
            return None;
        }
        let head = ActorHead { seq: act.actor_seq, hash: act_hash(act) };
        self.actors.insert((actor, act.device), (head, self.frontier.size()));
        self.forget_runs();
        Some(seq)
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
