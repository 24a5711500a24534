//! What somebody who left could read, and what is still to be done about it.
//!
//! Encryption cannot make a value unread. So a leaver is finished when the data keys it held were
//! replaced and every value it used was replaced where it was issued. Both follow from the chain,
//! the histories and the audit log; nothing is kept beside them (docs/adr/0016-offboarding.md).

mod values;

use strongroom_chain::OrgState;
use strongroom_chain::org::{EnvState, Grant};
use strongroom_format::id::{EnvId, Principal};
use strongroom_format::statement::{EnvKind, EpochReason, Rights};

use crate::env::EnvCopy;
use crate::replica::Replica;

pub(crate) use values::written_values;
pub use values::{CouldRead, Tab, could_read};

/// The end of somebody's right to read an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The link that took it; `None` where it ended by its date.
    pub link: Option<u64>,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// The data key that came after a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// Its number.
    pub epoch: u32,
    /// The link that announced it.
    pub link: u64,
    /// The last commit before it; the one behind seals everything anew.
    pub cut_seq: u64,
}

/// How far an environment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvProgress {
    /// The data key is still the one that was held.
    Due,
    /// There is a new data key, and values that are not yet sealed under it.
    Sealing,
    /// Every value is sealed under a key that the leaver never held.
    Done,
    /// There is a new data key; what is sealed under it, this device cannot see.
    Unseen,
}

/// An environment whose data key somebody held who may not read it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostEnv {
    /// Which.
    pub env: EnvId,
    /// What kind; the directory holds names, not secrets.
    pub kind: EnvKind,
    /// The newest data key that the leaver held. With it, all before it open.
    pub held: u32,
    /// Since which link it held any.
    pub since: u64,
    /// How its right ended.
    pub loss: Loss,
    /// The data key that replaced it.
    pub rotated: Option<Rotated>,
    /// How far it is.
    pub progress: EnvProgress,
}

impl LostEnv {
    /// Whether there is still something to be done about its data key.
    pub fn is_open(&self) -> bool {
        matches!(self.progress, EnvProgress::Due | EnvProgress::Sealing)
    }
}

/// Somebody who held data keys and may read nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offboarding {
    /// Who.
    pub who: Principal,
    /// Where, rising.
    pub envs: Vec<LostEnv>,
}

impl Offboarding {
    /// The last loss: with it the offboarding began. In milliseconds since 1970.
    pub fn began_ms(&self) -> u64 {
        self.envs.iter().map(|env| env.loss.at_ms).max().unwrap_or(0)
    }

    /// The first and the last link that took a right.
    pub fn links(&self) -> Option<(u64, u64)> {
        let links = || self.envs.iter().filter_map(|env| env.loss.link);
        links().min().zip(links().max())
    }

    /// Whether every environment is done, as far as this device can see.
    pub fn is_sealed(&self) -> bool {
        !self.envs.iter().any(LostEnv::is_open)
    }
}

/// Everybody whose offboarding is under way or done, rising.
pub fn leavers(state: &OrgState, now_ms: u64) -> Vec<Principal> {
    let mut held: Vec<Principal> = state
        .envs()
        .values()
        .filter(|env| env.kind != EnvKind::Directory)
        .flat_map(|env| env.epochs.iter().flat_map(|epoch| &epoch.wraps))
        .map(|wrap| wrap.recipient)
        .collect();
    held.sort_unstable();
    held.dedup();
    held.retain(|who| has_left(state, who, now_ms));
    held
}

/// Whether `who` held data keys of environments and may read none any more.
fn has_left(state: &OrgState, who: &Principal, now_ms: u64) -> bool {
    let now_ms = now_ms.max(state.time_ms());
    let envs = state.envs().iter().filter(|(_, env)| env.kind != EnvKind::Directory);
    let mut held = false;
    for (id, env) in envs {
        if state.rights(id, who, now_ms).includes(Rights::READ) {
            return false;
        }
        held |= newest_held(env, who).is_some();
    }
    held
}

/// What `who` lost; `None` for who still reads something or never held a key.
pub fn of(replica: &Replica, who: Principal, now_ms: u64) -> Option<Offboarding> {
    let mut envs = lost_by(replica.state(), who, now_ms)?;
    for lost in &mut envs {
        lost.progress = progress(replica.env(&lost.env), lost.rotated.as_ref());
    }
    Some(Offboarding { who, envs })
}

/// What `who` lost, by the chain alone, rising: of what is sealed it knows nothing.
pub(crate) fn lost_by(state: &OrgState, who: Principal, now_ms: u64) -> Option<Vec<LostEnv>> {
    if !has_left(state, &who, now_ms) {
        return None;
    }
    let now_ms = now_ms.max(state.time_ms());
    let lost = |(id, env): (&EnvId, &EnvState)| {
        let held = newest_held(env, &who)?;
        // Who is still a member goes on reading names.
        let reads = state.rights(id, &who, now_ms).includes(Rights::READ);
        (!reads).then(|| lost_env(state, who, *id, env, held))
    };
    Some(state.envs().iter().filter_map(lost).collect())
}

fn newest_held(env: &EnvState, who: &Principal) -> Option<u32> {
    let holds = |number: &u32| {
        let epoch = env.epoch(*number);
        epoch.is_some_and(|epoch| epoch.wraps.iter().any(|wrap| wrap.recipient == *who))
    };
    let newest = u32::try_from(env.epochs.len()).unwrap_or(u32::MAX);
    (1..=newest).rev().find(holds)
}

fn lost_env(state: &OrgState, who: Principal, id: EnvId, env: &EnvState, held: u32) -> LostEnv {
    let first = env.epochs.iter().find(|e| e.wraps.iter().any(|wrap| wrap.recipient == who));
    let rotated = (held + 1..).map_while(|number| Some((number, env.epoch(number)?)));
    let rotated = rotated
        .into_iter()
        .find(|(_, epoch)| epoch.reason == EpochReason::Rotation)
        .map(|(number, epoch)| Rotated { epoch: number, link: epoch.link, cut_seq: epoch.cut_seq });
    LostEnv {
        env: id,
        kind: env.kind,
        held,
        since: first.map_or(0, |epoch| epoch.link),
        loss: loss(state, &who, env),
        progress: progress(None, rotated.as_ref()),
        rotated,
    }
}

fn progress(copy: Option<&EnvCopy>, rotated: Option<&Rotated>) -> EnvProgress {
    let Some(rotated) = rotated else { return EnvProgress::Due };
    let Some(copy) = copy.filter(|copy| copy.history().seq() >= rotated.cut_seq) else {
        return EnvProgress::Unseen;
    };
    let sealed = copy.live().all(|(item, _)| item.epoch >= rotated.epoch);
    if sealed { EnvProgress::Done } else { EnvProgress::Sealing }
}

/// How the right of `who` to read ended: by its removal or revocation, by a grant that was taken or
/// replaced, or by a date.
pub(crate) fn loss(state: &OrgState, who: &Principal, env: &EnvState) -> Loss {
    let at = |link: u64| Loss { link: Some(link), at_ms: state.time_at(link).unwrap_or(0) };
    let timeline = env.grants.get(who).map_or(&[][..], |timeline| timeline.all());
    let reads = |grant: &Grant| grant.rights.includes(Rights::READ);
    // The first entry without the right, behind the last one with it.
    let last = timeline.iter().rposition(|(_, grant)| reads(grant));
    let taken = last.and_then(|last| timeline.get(last + 1)).map(|(link, _)| *link);
    let left = match who {
        Principal::User(user) => {
            state.member(user).and_then(|member| member.removed.as_ref()).map(|(link, _)| *link)
        }
        Principal::Token(token) => state.token(token).and_then(|token| token.revoked),
        Principal::Agent(_) => None,
    };
    let grant = last.and_then(|last| timeline.get(last)).map_or(0, |(_, grant)| grant.not_after);
    let token = match who {
        Principal::Token(token) => state.token(token).map_or(0, |token| token.not_after),
        _ => 0,
    };
    let end = [grant, token].into_iter().filter(|end| *end != 0).min();
    let link = [taken, left].into_iter().flatten().min().map(at);
    let by_date = end.map(|at_ms| Loss { link: None, at_ms });
    // What had ended by its date already, no later link took.
    let losses = [link, by_date].into_iter().flatten();
    losses.min_by_key(|loss| loss.at_ms).unwrap_or(Loss { link: None, at_ms: 0 })
}

#[cfg(test)]
pub(crate) mod tests;
