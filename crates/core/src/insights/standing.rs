//! What follows from how things stand: values, data keys, tokens and leavers.

use std::collections::{BTreeMap, HashMap};

use strongroom_chain::org::EnvState;
use strongroom_format::encoding::Codec as _;
use strongroom_format::id::{EnvId, Principal, SecretId};
use strongroom_format::statement::{EnvKind, Rights};

use super::habits::bytes;
use super::limits::{ENDS_SOON_MS, HELD_MS, KEEPERS, OLD_MS, UNUSED_MS};
use super::{Found, Key, Known, Looked, Severity, What};
use crate::log::{Facts, Use};

pub(super) fn look(found: &mut Found<'_>, looked: &mut Looked) {
    let known = found.known;
    looked.secrets = known.secrets.len();
    looked.unseen = known.secrets.unseen();
    values(found, looked.from_ms);
    looked.holders = holders(found, looked.from_ms);
    looked.tokens = tokens(found);
    for queue in known.queues {
        let key = Key::of("insight-leaver", &[&bytes(&queue.who), &queue.began_ms.to_be_bytes()]);
        found.add(key, Severity::Act, What::LeaverQueue(*queue));
    }
}

/// What an environment's secrets are, each by the first that is true of it.
#[derive(Default)]
struct Values {
    unused: Vec<(Key, Quiet)>,
    never_rotated: Vec<(Key, Old)>,
    stale: Vec<(Key, Old)>,
}

/// A secret that nobody uses.
struct Quiet {
    secret: SecretId,
    used_ms: Option<u64>,
    created_ms: u64,
}

impl Quiet {
    fn since_ms(&self) -> u64 {
        self.used_ms.unwrap_or(self.created_ms)
    }
}

/// A secret with an old value.
struct Old {
    secret: SecretId,
    since_ms: u64,
}

fn values(found: &mut Found<'_>, log_from_ms: Option<u64>) {
    let known = found.known;
    let last = known.facts.map(last_uses);
    // A log whose older part was retired cannot say that something was not used.
    let covers = log_from_ms.is_some_and(|from| !known.within(from, UNUSED_MS));
    for (env, secrets) in known.secrets.envs() {
        let mut values = Values::default();
        for (secret, one) in secrets {
            let key = |kind: &str| Key::of(kind, &[&env.encode(), &secret.encode()]);
            // A decoy is there not to be used.
            if known.decoys.contains_key(&(*env, *secret)) {
                continue;
            }
            let used = last.as_ref().and_then(|last| last.get(&(*env, *secret)).copied());
            let used_lately = used.is_some_and(|at| known.within(at, UNUSED_MS));
            let is_old = !known.within(one.created_ms, UNUSED_MS);
            if last.is_some() && covers && is_old && !used_lately {
                let quiet = Quiet { secret: *secret, used_ms: used, created_ms: one.created_ms };
                values.unused.push((key("insight-unused"), quiet));
                continue;
            }
            let Some(value) = one.value.filter(|value| !known.within(value.since_ms, OLD_MS))
            else {
                continue;
            };
            // Written in the key, so that what is dismissed comes again with the next old value.
            let at = value.since_ms.to_be_bytes();
            let key = |kind: &str| Key::of(kind, &[&env.encode(), &secret.encode(), &at]);
            let old = Old { secret: *secret, since_ms: value.since_ms };
            if value.before == 0 {
                values.never_rotated.push((key("insight-first-value"), old));
            } else if used_lately {
                values.stale.push((key("insight-stale"), old));
            }
        }
        values.tell(*env, found);
    }
}

impl Values {
    fn tell(self, env: EnvId, found: &mut Found<'_>) {
        let oldest = |all: &[Old]| all.iter().map(|old| old.since_ms).min().unwrap_or(0);
        let ids = |all: &[Old]| all.iter().map(|old| old.secret).collect();
        found.add_several(self.unused, Severity::Know, |all| What::Unused {
            env,
            never: all.iter().filter(|one| one.used_ms.is_none()).count(),
            quiet_since_ms: all.iter().map(Quiet::since_ms).max().unwrap_or(0),
            secrets: all.iter().map(|one| one.secret).collect(),
        });
        found.add_several(self.never_rotated, Severity::Know, |all| What::NeverRotated {
            env,
            since_ms: oldest(&all),
            secrets: ids(&all),
        });
        found.add_several(self.stale, Severity::Know, |all| What::Stale {
            env,
            since_ms: oldest(&all),
            secrets: ids(&all),
        });
    }
}

/// When each secret was last used by anybody.
fn last_uses(facts: &Facts) -> HashMap<(EnvId, SecretId), u64> {
    let mut last: HashMap<(EnvId, SecretId), u64> = HashMap::new();
    for (_, principal) in facts.principals() {
        for (env, facts) in &principal.envs {
            for (secret, uses) in &facts.secrets {
                let newest = Use::ALL.into_iter().filter_map(|what| uses.last(what)).max();
                let entry = last.entry((*env, *secret)).or_default();
                *entry = (*entry).max(newest.unwrap_or(0));
            }
        }
    }
    last
}

/// Data keys that nobody needs; says how many principals hold any.
fn holders(found: &mut Found<'_>, log_from_ms: Option<u64>) -> usize {
    let known = found.known;
    let covers = log_from_ms.is_some_and(|from| !known.within(from, HELD_MS));
    let time_ms = known.now_ms.max(known.state.time_ms());
    let mut holding: BTreeMap<Principal, Vec<(Key, Held)>> = BTreeMap::new();
    for (id, env) in known.state.envs() {
        if env.kind == EnvKind::Directory {
            continue;
        }
        let readers = known.state.readers(id, time_ms);
        let people = readers.iter().filter(|who| matches!(who, Principal::User(_))).count();
        for who in &readers {
            let unused = holding.entry(*who).or_default();
            let is_keeper = matches!(who, Principal::User(_)) && people <= KEEPERS;
            if let Some(held) = idle(&known, id, env, who).filter(|_| covers && !is_keeper) {
                let key = Key::of("insight-granted", &[&bytes(who), &id.encode()]);
                unused.push((key, held));
            }
        }
    }
    let count = holding.len();
    for (who, all) in holding {
        let fetched = all.iter().filter(|(_, held)| held.fetched).count();
        // Who never even fetched holds keys for nothing; who fetched may have opened elsewhere.
        let severity = if fetched < all.len() { Severity::Look } else { Severity::Know };
        found.add_several(all, severity, |all| What::OverGranted {
            who,
            fetched: all.iter().filter(|held| held.fetched).count(),
            since_ms: all.iter().map(|held| held.since_ms).min().unwrap_or(0),
            envs: all.iter().map(|held| held.env).collect(),
        });
    }
    count
}

#[derive(Clone, Copy)]
struct Held {
    env: EnvId,
    since_ms: u64,
    fetched: bool,
}

/// A data key that `who` holds for long and never opened a value under, as far as the log says.
fn idle(known: &Known<'_>, id: &EnvId, env: &EnvState, who: &Principal) -> Option<Held> {
    let facts = known.facts?;
    let since_ms = known.state.time_at(reads_since(env, who)?)?;
    let here = facts.in_env(who, id);
    let opened = here.is_some_and(|facts| facts.decrypted.is_some());
    let fetched = here.is_some_and(|facts| facts.fetched.is_some());
    let long = !known.within(since_ms, HELD_MS);
    (long && !opened).then_some(Held { env: *id, since_ms, fetched })
}

/// The link since which `who` may read without a break.
fn reads_since(env: &EnvState, who: &Principal) -> Option<u64> {
    let grants = env.grants.get(who)?.all();
    let reads = grants.iter().rev().take_while(|(_, grant)| grant.rights.includes(Rights::READ));
    reads.last().map(|(link, _)| *link)
}

/// Tokens that end soon; says how many live.
fn tokens(found: &mut Found<'_>) -> usize {
    let known = found.known;
    let time_ms = known.now_ms.max(known.state.time_ms());
    let lives = |end: u64| end == 0 || end >= time_ms;
    let living = known.state.tokens().iter();
    let living = living.filter(|(_, token)| token.revoked.is_none() && lives(token.not_after));
    let mut count = 0;
    for (token, state) in living {
        count += 1;
        let ends_ms = state.not_after;
        if ends_ms != 0 && ends_ms - time_ms <= ENDS_SOON_MS {
            let key = Key::of("insight-ends", &[&token.encode(), &ends_ms.to_be_bytes()]);
            found.add(key, Severity::Act, What::Expiring { token: *token, ends_ms });
        }
    }
    count
}
