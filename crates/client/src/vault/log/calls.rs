//! What agents did, opened from the entries that tell it.

use std::collections::BTreeMap;

use strongroom_core::agents::open_call;
use strongroom_core::log::Segment;
use strongroom_format::agency::AgentCall;
use strongroom_format::event::Event;

use super::super::error::VaultError;
use super::super::session::Session;

impl Session {
    /// The calls that these entries tell, as far as they open here. Whoever asks leaves out entries
    /// that are about no agent: each is read from the files of this computer.
    pub fn log_calls(&self, entries: &[u64]) -> Result<BTreeMap<u64, AgentCall>, VaultError> {
        if entries.is_empty() {
            return Ok(BTreeMap::new());
        }
        let org = self.current()?;
        let Some((copy, kept)) = self.settled_log(org)? else { return Ok(BTreeMap::new()) };
        let mut events: Vec<(u64, Event)> = Vec::with_capacity(entries.len());
        let mut sorted = entries.to_vec();
        sorted.sort_unstable();
        for near in sorted.chunk_by(|one, next| Segment::of(*one) == Segment::of(*next)) {
            let Some(first) = near.first() else { continue };
            let Some(segment) = self.segment_of(org, &copy, &kept, Segment::of(*first)) else {
                continue;
            };
            let event = |entry: &u64| Some((*entry, segment.get(*entry)?.event().ok()?));
            events.extend(near.iter().filter_map(event));
        }
        self.change(org, |opened| {
            let replica = opened.replica();
            let call =
                |(entry, event): (u64, Event)| Some((entry, open_call(replica, &event.act)?));
            events.into_iter().filter_map(call).collect()
        })
        .ok_or(VaultError::NotFound)
    }
}
