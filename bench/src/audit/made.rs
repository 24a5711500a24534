//! A log in memory, made without a server.

use strongroom_core::pen::Pen;
use strongroom_core::replica::Replica;
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::encoding::Codec as _;
use strongroom_format::event::{Detail, EventKind};
use strongroom_format::wire::WriteBatch;

use super::cast::Cast;
use super::story::{Moment, Story, times};
use crate::Failure;
use crate::world::{NOW_MS, founded};

/// How many days the log spans.
pub(super) const DAYS: u64 = 14;

/// Everything that there is.
pub(crate) struct Made {
    /// The owner's copy.
    pub(crate) replica: Replica,
    /// Everybody.
    pub(crate) cast: Cast,
    /// The entries, in order.
    pub(crate) entries: Vec<Vec<u8>>,
}

impl Made {
    /// A log of exactly `count` entries, which are more than there are links.
    pub(crate) fn new(count: usize) -> Result<Self, Failure> {
        let (mut replica, _) = founded()?;
        let mut cast = Cast::new(replica.me())?;
        for step in 0..Cast::STEPS {
            let mut entropy = OsEntropy;
            let mut pen = Pen::new(&replica, &mut entropy, NOW_MS);
            cast.step(step, &mut pen, &mut WriteBatch::default())?;
            replica = pen.finish().0;
        }
        let entries = tell(&replica, &cast, count)?;
        Ok(Self { replica, cast, entries })
    }
}

fn tell(replica: &Replica, cast: &Cast, count: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let state = replica.state();
    let mut story = Story::new(cast, state.org());
    let first = Moment { at_ms: NOW_MS, head: state.head() };
    let mut entries = Vec::with_capacity(count);
    for number in 1..=state.seq() {
        let link = Detail { number, ..Detail::status(0) };
        entries.push(story.owner(EventKind::LinkSigned, link, first).encode());
        entries.push(story.appended(link, first).encode());
    }
    let rest = count.checked_sub(entries.len()).ok_or("too short a log")?;
    for at_ms in times(NOW_MS, DAYS * 24, rest as u64) {
        entries.push(story.next(Moment { at_ms, ..first })?.encode());
    }
    Ok(entries)
}
