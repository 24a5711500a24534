//! What one entry is worth by itself: its bytes, its leaf hash, and whose word it is.
//!
//! Nothing here depends on the entries before, so entries are weighed on all processors at once.

use std::collections::HashMap;
use std::thread;

use strongroom_chain::OrgState;
use strongroom_chain::signature::verifies;
use strongroom_chain::tree::leaf_hash;
use strongroom_format::check::{holds, require};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::Event;
use strongroom_format::hash::Digest;
use strongroom_format::pins::AuditPin;
use strongroom_format::wire::act_hash;

use super::LogError;

/// Fewer entries than this are not worth another thread.
const WORTH_A_THREAD: usize = 128;

/// What a reader of the log holds it against: the verified chain, and the pinned state.
#[derive(Debug)]
pub struct Against<'a> {
    state: &'a OrgState,
    seqs: HashMap<Digest, u64>,
    pin: AuditPin,
    patient: bool,
}

impl<'a> Against<'a> {
    /// The chain as verified, and the audit state as pinned.
    pub fn new(state: &'a OrgState, pin: &AuditPin) -> Self {
        let heads = (0..=state.seq()).filter_map(|seq| Some((state.head_at(seq)?, seq)));
        Self { state, seqs: heads.collect(), pin: *pin, patient: false }
    }

    /// An act that names a link which is not known here is [`LogError::Ahead`] instead of doubtful:
    /// the caller can ask for the chain once more.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.patient = true;
        self
    }

    pub(super) fn state(&self) -> &'a OrgState {
        self.state
    }

    pub(super) fn pin(&self) -> &AuditPin {
        &self.pin
    }
}

/// An entry that was read and weighed by itself.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// The entry.
    pub event: Event,
    /// Its hash in the tree.
    pub leaf: Digest,
    pub(crate) word: Word,
}

/// Whose word an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The server's.
    Server,
    /// Its actor's: the signature holds by the key at `link`, the newest link that the actor had
    /// seen; `hash` is what the next act names.
    Actor {
        /// The link.
        link: u64,
        /// SHA-256 of the act.
        hash: Digest,
    },
    /// It claims a signature that does not hold.
    Nobody,
}

/// Reads one entry, and checks its signature where its kind has one.
pub fn weigh(against: &Against<'_>, bytes: &[u8]) -> Result<Weighed, LogError> {
    let event = Event::decode(bytes)?;
    require(event.act.org == against.state.org(), LogError::Foreign)?;
    let word = if event.act.kind.is_signed() { word_of(against, &event)? } else { Word::Server };
    Ok(Weighed { leaf: leaf_hash(bytes), event, word })
}

fn word_of(against: &Against<'_>, event: &Event) -> Result<Word, LogError> {
    let act = &event.act;
    let Some(link) = against.seqs.get(&act.org_head).copied() else {
        return if against.patient { Err(LogError::Ahead) } else { Ok(Word::Nobody) };
    };
    // Whether a token had ended by the clock is the server's to say: the act carries no time.
    let key = act.actor.and_then(|actor| against.state.signing_key(&actor, link, 0));
    let holds = key.is_some_and(|key| holds(verifies(&key, &act.message(), &event.signature)));
    Ok(if holds { Word::Actor { link, hash: act_hash(act) } } else { Word::Nobody })
}

/// Weighs entries on all processors; the answers stand in the order of the entries.
pub fn weigh_all<B: AsRef<[u8]> + Sync>(
    against: &Against<'_>,
    entries: &[B],
) -> Vec<Result<Weighed, LogError>> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = entries.len().div_ceil(threads).max(WORTH_A_THREAD);
    let weigh_share =
        |share: &[B]| share.iter().map(|bytes| weigh(against, bytes.as_ref())).collect::<Vec<_>>();
    thread::scope(|scope| {
        let mut shares = entries.chunks(share);
        let own = shares.next();
        let others: Vec<_> = shares.map(|share| scope.spawn(move || weigh_share(share))).collect();
        let mut weighed = own.map(weigh_share).unwrap_or_default();
        for other in others {
            match other.join() {
                Ok(more) => weighed.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        weighed
    })
}
