//! Why a data key has to be replaced, in words, from what the chain says.

use strongroom_chain::org::OrgState;
use strongroom_format::id::{EnvId, Principal, UserId};
use strongroom_format::statement::{Body, EpochReason, Rights, Role, Statement};

use crate::access::day;
use crate::replica::Replica;
use crate::team::who;

/// What a link does to somebody who reads.
#[derive(Clone, Copy)]
enum Blow {
    Removed,
    ReplacedKeys,
    Reset,
    MadeReviewer,
    TokenRevoked,
    Revoked,
    MayNotRead,
}

/// Whom a link hits, and where if only at one place.
fn blow(statement: &Statement) -> Option<(Principal, Blow, Option<EnvId>)> {
    let user = |user: &UserId| Principal::User(*user);
    Some(match &statement.body {
        Body::MemberRemove { user: who, .. } => (user(who), Blow::Removed, None),
        Body::KeyRotate { .. } => (statement.author, Blow::ReplacedKeys, None),
        Body::KeyReset { user: who, .. } => (user(who), Blow::Reset, None),
        Body::MemberRole { user: who, role: Role::Reviewer } => {
            (user(who), Blow::MadeReviewer, None)
        }
        Body::TokenRevoke { token } => (Principal::Token(*token), Blow::TokenRevoked, None),
        Body::EnvRevoke { env, principal } => (*principal, Blow::Revoked, Some(*env)),
        Body::EnvGrant { env, principal, rights, .. } if !rights.includes(Rights::READ) => {
            (*principal, Blow::MayNotRead, Some(*env))
        }
        _ => return None,
    })
}

/// The links that can make a data key due, found in one pass for all environments.
pub(super) fn suspects(replica: &Replica) -> Vec<u64> {
    let hits = |seq: &u64| replica.link(*seq).is_some_and(|link| blow(&link.statement).is_some());
    (0..=replica.state().seq()).filter(hits).collect()
}

/// Why the data key of `env` must be replaced: what happened since it was made.
pub(super) fn why(
    replica: &mut Replica,
    env: &EnvId,
    begun: bool,
    suspects: &[u64],
    now_ms: u64,
) -> String {
    let since = replica.state().env(env).and_then(|found| {
        found.epochs.iter().rev().find(|e| e.reason != EpochReason::ReaderAdded).map(|e| e.link)
    });
    let later = &suspects[suspects.partition_point(|seq| Some(*seq) <= since)..];
    let mut reasons: Vec<String> =
        later.iter().filter_map(|seq| reason(replica, env, *seq)).collect();
    reasons.extend(lapsed(replica, env, now_ms));
    reasons.dedup();
    if reasons.is_empty() && begun {
        return "The new data key is there, and some values are still under the old one."
            .to_owned();
    }
    let rest = reasons.len().saturating_sub(2);
    reasons.truncate(2);
    let more = match rest {
        0 => String::new(),
        1 => ", and 1 more reason".to_owned(),
        n => format!(", and {n} more reasons"),
    };
    format!("{}{more}.", reasons.join("; "))
}

/// What the link at `seq` did to a reader or holder of `env`.
fn reason(replica: &mut Replica, env: &EnvId, seq: u64) -> Option<String> {
    let statement = &replica.link(seq)?.statement;
    let author = statement.author;
    let (subject, blow, at) = blow(statement)?;
    let elsewhere = at.is_some_and(|at| at != *env);
    if elsewhere || !concerned(replica.state(), env, &subject, seq) {
        return None;
    }
    let (name, by) = (who(replica, &subject), who(replica, &author));
    Some(match blow {
        Blow::Removed if subject == author => format!("{name} left"),
        Blow::Removed => format!("{name} was removed by {by}"),
        Blow::ReplacedKeys => format!("{name} replaced their keys"),
        Blow::Reset => format!("The keys of {name} were reset by {by}"),
        Blow::MadeReviewer => format!("{name} became a reviewer"),
        Blow::TokenRevoked => format!("The token {name} was revoked by {by}"),
        Blow::Revoked => format!("The access of {name} was revoked by {by}"),
        Blow::MayNotRead => format!("{name} may no longer read, by {by}"),
    })
}

/// Whether somebody read `env`, or held its data key, just before the link at `seq`.
fn concerned(state: &OrgState, env: &EnvId, subject: &Principal, seq: u64) -> bool {
    let before = seq.saturating_sub(1);
    let time_ms = state.time_at(seq).unwrap_or(0);
    let Some(found) = state.env(env) else { return false };
    let newest = found.epoch(found.epoch_at(before));
    state.rights_at(env, subject, before, time_ms).includes(Rights::READ)
        || newest.is_some_and(|epoch| epoch.wraps.iter().any(|wrap| wrap.recipient == *subject))
}

/// Holders of the newest data key whose rights ended by the clock.
fn lapsed(replica: &mut Replica, env: &EnvId, now_ms: u64) -> Vec<String> {
    let state = replica.state();
    let time_ms = now_ms.max(state.time_ms());
    let Some(found) = state.env(env) else { return Vec::new() };
    let held = found.epochs.last().map_or(&[][..], |epoch| &epoch.wraps);
    let end_of = |who: &Principal| {
        let grant = found.grants.get(who).and_then(|line| line.all().last());
        let token = match who {
            Principal::Token(token) => state.token(token).map(|token| token.not_after),
            _ => None,
        };
        let ends = grant.map(|(_, grant)| grant.not_after).into_iter().chain(token);
        ends.filter(|end| *end != 0 && *end < time_ms).min()
    };
    let lapsed: Vec<(Principal, u64)> = held
        .iter()
        .map(|wrap| wrap.recipient)
        .filter(|who| !state.rights(env, who, time_ms).includes(Rights::READ))
        .filter_map(|who| Some((who, end_of(&who)?)))
        .collect();
    lapsed
        .into_iter()
        .map(|(principal, end)| {
            format!("The access of {} ended on {}", who(replica, &principal), day(end))
        })
        .collect()
}
