//! Who used something in production for the first time.

use std::collections::{BTreeMap, HashMap};

use strongroom_format::encoding::Codec as _;
use strongroom_format::id::{EnvId, Principal, SecretId};

use super::limits::HISTORY_MS;
use super::pass::Used;
use super::{Found, Key, Severity, What, habits::bytes};

/// The first uses of one principal in production.
#[derive(Debug, Default)]
pub(super) struct Firsts {
    envs: HashMap<EnvId, u64>,
    secrets: HashMap<(EnvId, SecretId), u64>,
    new: Vec<(EnvId, SecretId, u64)>,
}

impl Firsts {
    pub(super) fn take(&mut self, used: &Used, is_new: bool) {
        self.envs.entry(used.env).or_insert(used.at_ms);
        let place = (used.env, used.secret);
        if self.secrets.contains_key(&place) {
            return;
        }
        self.secrets.insert(place, used.at_ms);
        if is_new {
            self.new.push((used.env, used.secret, used.at_ms));
        }
    }

    pub(super) fn finish(self, who: Principal, found: &mut Found<'_>) {
        let known = found.known;
        let mut by_env: BTreeMap<EnvId, Vec<(SecretId, u64)>> = BTreeMap::new();
        for (env, secret, at_ms) in self.new {
            // A secret that this device knows nothing of is as old as its environment.
            let state = known.state.env(&env);
            let since = state.and_then(|env| known.state.time_at(env.created)).unwrap_or(at_ms);
            let written = known.secrets.lookup(&env, &secret).map_or(since, |s| s.created_ms);
            if at_ms.saturating_sub(written.max(since)) >= HISTORY_MS {
                by_env.entry(env).or_default().push((secret, at_ms));
            }
        }
        for (env, mut firsts) in by_env {
            firsts.sort_unstable();
            let first_ms = firsts.iter().map(|(_, at)| *at).min().unwrap_or(0);
            // Its first use there, of whatever secret.
            let new_there =
                self.envs.get(&env).is_some_and(|at| known.within(*at, super::limits::FIRST_MS));
            let severity = if new_there { Severity::Look } else { Severity::Know };
            let key = |secret: &SecretId| {
                Key::of("insight-first", &[&bytes(&who), &env.encode(), &secret.encode()])
            };
            let all = firsts.iter().map(|(secret, _)| (key(secret), *secret)).collect();
            found.add_several(all, severity, |secrets| What::FirstReader {
                who,
                env,
                secrets,
                new_there,
                first_ms,
            });
        }
    }
}
