//! Who is turned away: addresses, and tokens whose time is over.

use std::collections::{BTreeMap, HashMap, VecDeque};

use strongroom_chain::OrgState;
use strongroom_format::encoding::Codec as _;
use strongroom_format::id::TokenId;

use super::limits::{REFUSALS, REFUSED_MS};
use super::{Found, Key, Severity, What};

/// Refusals by address.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    addresses: HashMap<String, Address>,
}

#[derive(Debug, Default)]
struct Address {
    window: VecDeque<u64>,
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    from_ms: u64,
    to_ms: u64,
    count: usize,
}

impl Refusals {
    pub(super) fn take(&mut self, at_ms: u64, address: &str) {
        if !self.addresses.contains_key(address) {
            self.addresses.insert(address.to_owned(), Address::default());
        }
        let Some(address) = self.addresses.get_mut(address) else { return };
        address.take(at_ms);
    }

    pub(super) fn finish(self, found: &mut Found<'_>) {
        for (address, Address { runs, .. }) in self.addresses {
            for Run { from_ms, to_ms, count } in runs {
                let key = Key::of("insight-refused", &[address.as_bytes(), &from_ms.to_be_bytes()]);
                let address = address.clone();
                let what = What::RefusedByAddress { address, count, from_ms, to_ms };
                found.add(key, Severity::Look, what);
            }
        }
    }
}

impl Address {
    fn take(&mut self, at_ms: u64) {
        let begins = at_ms.saturating_sub(REFUSED_MS);
        while self.window.front().is_some_and(|at| *at <= begins) {
            self.window.pop_front();
        }
        self.window.push_back(at_ms);
        if self.window.len() < REFUSALS {
            return;
        }
        let from_ms = self.window.front().copied().unwrap_or(at_ms);
        match self.runs.last_mut().filter(|run| run.to_ms >= from_ms) {
            Some(run) => {
                run.to_ms = at_ms;
                run.count += 1;
            }
            None => self.runs.push(Run { from_ms, to_ms: at_ms, count: self.window.len() }),
        }
        // The window need not hold more than what makes a run.
        while self.window.len() > REFUSALS {
            self.window.pop_front();
        }
    }
}

/// Tokens whose time is over, and what came of them since.
#[derive(Debug)]
pub(super) struct TokensThatAsk {
    ended: BTreeMap<TokenId, Asked>,
}

#[derive(Debug)]
struct Asked {
    ended_ms: u64,
    times: u32,
    last: Option<(u64, String)>,
}

impl TokensThatAsk {
    pub(super) fn new(state: &OrgState, now_ms: u64) -> Self {
        let ended = state.tokens().iter().filter_map(|(id, token)| {
            let by_date = Some(token.not_after).filter(|end| *end != 0 && *end < now_ms);
            let by_link = token.revoked.and_then(|link| state.time_at(link));
            let ended_ms = by_date.into_iter().chain(by_link).min()?;
            Some((*id, Asked { ended_ms, times: 0, last: None }))
        });
        Self { ended: ended.collect() }
    }

    pub(super) fn take(&mut self, token: &TokenId, at_ms: u64, address: &str) {
        let Some(asked) = self.ended.get_mut(token).filter(|asked| at_ms > asked.ended_ms) else {
            return;
        };
        asked.times = asked.times.saturating_add(1);
        asked.last = Some((at_ms, address.to_owned()));
    }

    pub(super) fn finish(self, found: &mut Found<'_>) {
        for (token, asked) in self.ended {
            let Some((last_ms, address)) = asked.last else { continue };
            if !found.known.within(last_ms, super::limits::RECENT_MS) {
                continue;
            }
            let day = found.known.zone.day(last_ms);
            let key = Key::of("insight-ended", &[&token.encode(), &day.to_be_bytes()]);
            let (ended_ms, asked) = (asked.ended_ms, asked.times);
            let what = What::Ended { token, ended_ms, asked, last_ms, address };
            found.add(key, Severity::Act, what);
        }
    }
}
