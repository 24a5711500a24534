//! Agents that ask for access they lack.

use std::collections::{BTreeMap, VecDeque};

use strongroom_format::id::AgentId;

/// How often an agent may ask in [`WINDOW_MS`].
const ASKS: usize = 20;

const WINDOW_MS: u64 = 60 * 60 * 1000;

/// When agents asked lately. Only agents of the configuration ask, so it stays small.
#[derive(Debug, Default)]
pub(super) struct AccessAsks {
    recent: BTreeMap<AgentId, VecDeque<u64>>,
}

impl AccessAsks {
    /// Notes that an agent asks; `false` if it asks too often.
    pub(super) fn note(&mut self, agent: AgentId, now_ms: u64) -> bool {
        let recent = self.recent.entry(agent).or_default();
        recent.retain(|at| now_ms.saturating_sub(*at) < WINDOW_MS);
        let may = recent.len() < ASKS;
        if may {
            recent.push_back(now_ms);
        }
        may
    }
}
