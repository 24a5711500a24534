//! Many values taken at once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use strongroom_format::id::{EnvId, Principal, SecretId};

use super::limits::{BURST_MS, BURST_SECRETS, HALF_FROM};
use super::pass::Used;
use super::{Found, Key, KnownSecrets, Severity, What, habits::bytes};
use crate::log::Use;

/// What one principal took lately.
#[derive(Debug, Default)]
pub(super) struct Reveals {
    window: VecDeque<(u64, EnvId, SecretId)>,
    /// How often each secret stands in the window, and how many of each environment do.
    times: HashMap<(EnvId, SecretId), u32>,
    envs: HashMap<EnvId, usize>,
    bursts: Vec<Burst>,
}

#[derive(Debug)]
struct Burst {
    from_ms: u64,
    to_ms: u64,
    secrets: BTreeSet<(EnvId, SecretId)>,
    half_of: BTreeMap<EnvId, usize>,
}

impl Reveals {
    pub(super) fn take(&mut self, known: &KnownSecrets, used: &Used) {
        if !matches!(used.what, Use::Revealed | Use::Copied | Use::Exported) {
            return;
        }
        let begins = used.at_ms.saturating_sub(BURST_MS);
        while self.window.front().is_some_and(|(at, ..)| *at <= begins) {
            self.drop_oldest();
        }
        let place = (used.env, used.secret);
        self.window.push_back((used.at_ms, used.env, used.secret));
        let times = self.times.entry(place).or_default();
        *times += 1;
        if *times == 1 {
            *self.envs.entry(used.env).or_default() += 1;
        }
        let here = self.envs.get(&used.env).copied().unwrap_or(0);
        let of = known.living(&used.env);
        let half = (here >= HALF_FROM && here * 2 >= of && of > 0).then_some((used.env, of));
        if self.times.len() >= BURST_SECRETS || half.is_some() {
            self.burst(used.at_ms, half);
        }
    }

    fn drop_oldest(&mut self) {
        let Some((_, env, secret)) = self.window.pop_front() else { return };
        let Some(times) = self.times.get_mut(&(env, secret)) else { return };
        *times -= 1;
        if *times == 0 {
            self.times.remove(&(env, secret));
            if let Some(count) = self.envs.get_mut(&env) {
                *count -= 1;
            }
        }
    }

    /// What is in the window is a burst, or goes on with the last one.
    fn burst(&mut self, at_ms: u64, half: Option<(EnvId, usize)>) {
        let from_ms = self.window.front().map_or(at_ms, |(at, ..)| *at);
        let goes_on = self.bursts.last().is_some_and(|last| last.to_ms >= from_ms);
        if !goes_on {
            let secrets = BTreeSet::new();
            self.bursts.push(Burst { from_ms, to_ms: at_ms, secrets, half_of: BTreeMap::new() });
        }
        let Some(burst) = self.bursts.last_mut() else { return };
        burst.to_ms = at_ms;
        if goes_on {
            burst.secrets.extend(self.window.back().map(|(_, env, secret)| (*env, *secret)));
        } else {
            burst.secrets.extend(self.times.keys().copied());
        }
        burst.half_of.extend(half);
    }

    pub(super) fn finish(self, who: Principal, found: &mut Found<'_>) {
        for burst in self.bursts {
            let key = Key::of("insight-reveals", &[&bytes(&who), &burst.from_ms.to_be_bytes()]);
            let envs: BTreeSet<EnvId> = burst.secrets.iter().map(|(env, _)| *env).collect();
            found.add(
                key,
                Severity::Act,
                What::MassReveal {
                    who,
                    secrets: burst.secrets.len(),
                    envs: envs.into_iter().collect(),
                    half_of: burst.half_of.into_iter().next(),
                    from_ms: burst.from_ms,
                    to_ms: burst.to_ms,
                },
            );
        }
    }
}
