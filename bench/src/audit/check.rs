//! Checking a whole log from its bytes, beside what must be hashed and verified for it.

use std::hint::black_box;
use std::thread;

use sha2::{Digest as _, Sha256};
use strongroom_core::log::{Against, AuditCopy, Verdict, weigh_all};
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::Event;
use strongroom_format::pins::AuditPin;

use super::made::Made;
use crate::Failure;
use crate::bare;
use crate::measure::{Clock, Rounds, Took, here};
use crate::table::{Bar, Row};

const ROUNDS: usize = 3;
/// Entries that are weighed before they are taken in, as a client does.
const AT_ONCE: usize = 32 * 1_024;
/// Two hashes and a byte before them.
const NODE: usize = 65;

/// Both clocks: the time of all processors, and what a person waits.
pub(crate) fn rows(made: &Made) -> Result<Vec<Row>, Failure> {
    let bare = Bare::of(made)?;
    let rounds = Rounds::run(ROUNDS, || verify(made), || bare.run())?;
    let what = format!("verify {} entries, {} signatures", made.entries.len(), bare.signed.len());
    Ok(vec![
        Row::compared(&what, &rounds, Clock::Cpu, Bar::Times(1.5)),
        Row::compared(&what, &rounds, Clock::Wall, Bar::Times(1.5)),
    ])
}

/// From the bytes to the root: every entry decoded, hashed, its signature checked by the key in
/// force at the link it names, its count and the hash of the act before it compared.
fn verify(made: &Made) -> Result<Took, Failure> {
    let pin = AuditPin { reset: 0, size: 0, root: [0; 32] };
    here(|| {
        let against = Against::new(made.replica.state(), &pin);
        let mut copy = AuditCopy::new(0);
        for entries in made.entries.chunks(AT_ONCE) {
            for weighed in weigh_all(&against, entries) {
                match copy.take(&against, &weighed?)? {
                    Verdict::Gap | Verdict::Doubtful => return Err("an entry does not hold".into()),
                    Verdict::Seen | Verdict::Derived | Verdict::Signed => {}
                }
            }
        }
        Ok(copy.root())
    })
}

/// What must be done at least, laid out: bytes to hash, and signatures.
struct Bare<'a> {
    entries: &'a [Vec<u8>],
    signed: Vec<([u8; 32], Vec<u8>, [u8; 64])>,
}

impl<'a> Bare<'a> {
    fn of(made: &'a Made) -> Result<Self, Failure> {
        let state = made.replica.state();
        let mut signed = Vec::new();
        for bytes in &made.entries {
            let Event { act, signature, .. } = Event::decode(bytes)?;
            if let Some(actor) = act.actor.filter(|_| act.kind.is_signed()) {
                let key = state.signing_key(&actor, state.seq(), 0).ok_or("nobody signed")?;
                signed.push((key, act.message(), signature));
            }
        }
        Ok(Self { entries: &made.entries, signed })
    }

    /// One hash of each entry and of each node, one strict verification of each signature, on all
    /// processors.
    fn run(&self) -> Result<Took, Failure> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let entries = self.entries.chunks(self.entries.len().div_ceil(threads));
        let signed = self.signed.chunks(self.signed.len().div_ceil(threads));
        here(|| {
            thread::scope(|scope| {
                let shares: Vec<_> = entries
                    .zip(signed)
                    .map(|(entries, signed)| scope.spawn(move || share(entries, signed)))
                    .collect();
                shares
                    .into_iter()
                    .try_for_each(|share| share.join().map_err(|_| "a thread ended")?)
            })
        })
    }
}

fn share(entries: &[Vec<u8>], signed: &[([u8; 32], Vec<u8>, [u8; 64])]) -> Result<(), Failure> {
    for bytes in entries {
        black_box(Sha256::digest(bytes));
        black_box(Sha256::digest([1; NODE]));
    }
    signed.iter().try_for_each(|(key, message, signature)| bare::verify(key, message, signature))
}
