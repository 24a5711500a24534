//! Why a cell is as it is.

use strongroom_chain::org::EnvState;
use strongroom_format::id::{DeviceId, EnvId, Principal};
use strongroom_format::statement::{Body, EnvKind, Rights, Role};

use super::matrix::{CellState, holders};
use super::words::{a_role, class, day, secret_counts};
use crate::details::EnvClass;
use crate::log::{Facts, Seen};
use crate::replica::Replica;
use crate::team::{place, right_names, who};

/// The link that gave, or took, what a principal has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// Who signed it.
    pub by: Principal,
    /// Its position on the chain.
    pub link: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Why a principal may or may not read an environment, and whether it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Who.
    pub principal: Principal,
    /// Its name.
    pub name: String,
    /// Application and environment.
    pub place: String,
    /// What the environment is for.
    pub class: EnvClass,
    /// What it has there; `None` for nothing.
    pub state: Option<CellState>,
    /// The rights in force.
    pub rights: Rights,
    /// When they end, in milliseconds since 1970; zero for never.
    pub ends_ms: u64,
    /// The newest epoch whose data key it holds.
    pub epoch: Option<u32>,
    /// Since when it holds the data key without a gap, in milliseconds since 1970.
    pub holds_since_ms: Option<u64>,
    /// The link that the rights come from.
    pub because: Option<Because>,
    /// The role of a person.
    pub role: Option<Role>,
    /// When it last fetched ciphertext.
    pub fetched: Option<Seen>,
    /// When it last decrypted a value, in milliseconds since 1970, and on which device.
    pub decrypted: Option<(u64, DeviceId)>,
    /// How many secrets it could read.
    pub could_read: usize,
    /// Of how many of them it used the value.
    pub used: usize,
    /// All of it in one sentence.
    pub sentence: String,
}

/// Explains one cell; `None` if the environment is not on the chain or its readers are no matter of
/// grants.
pub fn explain(
    replica: &mut Replica,
    facts: &Facts,
    principal: &Principal,
    env: &EnvId,
    now_ms: u64,
) -> Option<Explanation> {
    let state = replica.state();
    let time_ms = now_ms.max(state.time_ms());
    let found = state.env(env).filter(|place| place.kind != EnvKind::Directory)?;
    let rights = state.rights(env, principal, time_ms);
    let role = match principal {
        Principal::User(user) => state.role(user),
        _ => None,
    };
    let held = holders(found).contains(principal);
    let cell = match (rights.includes(Rights::READ), held, role) {
        (true, true, _) => Some(CellState::Key),
        (true, false, _) => Some(CellState::Waits),
        (_, _, Some(Role::Reviewer)) => Some(CellState::Never),
        (_, _, Some(role)) if role.manages() => Some(CellState::Role),
        _ if rights != Rights::NONE => Some(CellState::Role),
        _ => None,
    };
    let ends_ms = if rights == Rights::NONE { 0 } else { raw_end(found, principal) };
    let (epoch, holds_since_ms) = holding(replica, found, principal);
    let because = because(replica, found, principal);
    let reads = cell == Some(CellState::Key);
    let counted = if reads { secret_counts(replica).get(env).copied() } else { None };
    let facts = facts.in_env(principal, env);
    let mut explanation = Explanation {
        principal: *principal,
        name: who(replica, principal),
        place: place(replica, env),
        class: class(replica, env),
        state: cell,
        rights,
        ends_ms,
        epoch,
        holds_since_ms,
        because,
        role,
        fetched: facts.and_then(|facts| facts.fetched.clone()),
        decrypted: facts.and_then(|facts| facts.decrypted),
        could_read: counted.unwrap_or(0),
        used: facts.map_or(0, |facts| facts.secrets.len()),
        sentence: String::new(),
    };
    explanation.sentence = sentence(replica, env, &explanation, time_ms);
    Some(explanation)
}

fn raw_end(found: &EnvState, principal: &Principal) -> u64 {
    let newest = found.grants.get(principal).and_then(|line| line.all().last());
    newest.map_or(0, |(_, grant)| grant.not_after)
}

/// The newest epoch that `principal` holds, and since when it has held every one up to it.
fn holding(
    replica: &Replica,
    found: &EnvState,
    principal: &Principal,
) -> (Option<u32>, Option<u64>) {
    let listed = |n: &usize| found.epochs[*n].wraps.iter().any(|w| w.recipient == *principal);
    let Some(newest) = (0..found.epochs.len()).rev().find(listed) else { return (None, None) };
    let first = (0..newest).rev().take_while(listed).last().unwrap_or(newest);
    let since = replica.state().time_at(found.epochs[first].link);
    (u32::try_from(newest + 1).ok(), since)
}

/// The link of the newest grant or revocation.
pub(super) fn because(
    replica: &Replica,
    found: &EnvState,
    principal: &Principal,
) -> Option<Because> {
    let (seq, _) = found.grants.get(principal)?.all().last()?;
    let statement = &replica.link(*seq)?.statement;
    Some(Because { by: statement.author, link: *seq, at_ms: statement.time_ms })
}

/// The rule that a grant follows from: "granted by Mara Lind".
pub(super) fn rule(replica: &mut Replica, because: &Because) -> String {
    let by = who(replica, &because.by);
    match replica.link(because.link).map(|link| &link.statement.body) {
        Some(Body::EnvCreate { .. }) => format!("created by {by}"),
        Some(Body::TokenIssue { .. }) => format!("issued with the token by {by}"),
        Some(Body::EnvRevoke { .. }) => format!("revoked by {by}"),
        Some(Body::MemberRole { .. }) => format!("ended with the role by {by}"),
        _ => format!("granted by {by}"),
    }
}

fn sentence(replica: &mut Replica, env: &EnvId, explained: &Explanation, time_ms: u64) -> String {
    let Explanation { name, place, rights, because, epoch, .. } = explained;
    let by = because.as_ref().map(|because| {
        let rule = rule(replica, because);
        format!("{rule} in link {}", because.link)
    });
    let may = right_names(*rights);
    match explained.state {
        Some(CellState::Key) => {
            let why = reason(replica, explained);
            let by = by.unwrap_or_default();
            format!("May {may} because {why}, {by}, wrapped in epoch {}.", epoch.unwrap_or(0))
        }
        Some(CellState::Waits) => {
            let why = reason(replica, explained);
            let by = by.unwrap_or_default();
            format!("May {may} because {why}, {by}. Nobody has wrapped the data key for it yet.")
        }
        Some(CellState::Role) if *rights != Rights::NONE => {
            let by = by.unwrap_or_default();
            format!("May {may} but not read in {place}, {by}. Holds no key.")
        }
        Some(CellState::Role) => {
            let role = explained.role.map_or("a manager", a_role);
            format!("May manage {place} because {name} is {role}. Holds no key.")
        }
        Some(CellState::Never) => {
            format!("Can never hold a key because {name} is a reviewer.")
        }
        None => nothing(replica, env, explained, by, time_ms),
    }
}

fn reason(replica: &Replica, explained: &Explanation) -> String {
    let Explanation { name, place, because, .. } = explained;
    let body = because.as_ref().and_then(|because| replica.link(because.link));
    match body.map(|link| &link.statement.body) {
        Some(Body::EnvCreate { .. }) => format!("{name} made {place}"),
        Some(Body::TokenIssue { .. }) => format!("{name} was made for {place}"),
        _ => format!("{place} is shared with {name}"),
    }
}

fn nothing(
    replica: &Replica,
    env: &EnvId,
    explained: &Explanation,
    by: Option<String>,
    time_ms: u64,
) -> String {
    let Explanation { principal, name, place, epoch, .. } = explained;
    let state = replica.state();
    let found = state.env(env);
    let end = found.map_or(0, |found| raw_end(found, principal));
    let gone = state.signing_key(principal, state.seq(), time_ms).is_none();
    let lapsed = end != 0 && end < time_ms;
    let first = match by {
        None => return format!("Nothing in {place} was ever granted to {name}."),
        Some(by) if lapsed => format!("May do nothing here any more: {by}, ended on {}.", day(end)),
        Some(_) if gone => format!("May do nothing here any more: {name} is no longer there."),
        Some(by) => format!("May do nothing here any more: {by}."),
    };
    let holds = found.is_some_and(|found| holders(found).contains(principal));
    match epoch.filter(|_| holds) {
        Some(epoch) => {
            format!("{first} Holds the data key of epoch {epoch} until it is replaced.")
        }
        None => first,
    }
}
