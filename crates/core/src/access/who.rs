//! Who can read something, by which rule, and who did.

use strongroom_chain::org::EnvState;
use strongroom_format::commit::Field;
use strongroom_format::id::{EnvId, Principal, SecretId};
use strongroom_format::statement::{EnvKind, Rights};

use super::explain::{because, rule};
use super::words::{counted, secret_counts};
use crate::log::{Facts, Use};
use crate::replica::Replica;
use crate::team::{place, who as name_of};

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An environment.
    Environment(EnvId),
    /// One secret of an environment.
    Secret(EnvId, SecretId),
    /// A person or a token.
    Principal(Principal),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// What it is about.
    pub title: String,
    /// Where that is, or what it is.
    pub subtitle: String,
    /// One row for each right, in display order.
    pub rows: Vec<WhoRow>,
}

/// One right, and what was done with it. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoRow {
    /// Who.
    pub principal: Principal,
    /// Its name.
    pub name: String,
    /// Application and environment.
    pub place: String,
    /// The environment.
    pub env: EnvId,
    /// The rights in force.
    pub rights: Rights,
    /// When they end; zero for never.
    pub ends_ms: u64,
    /// The rule that they follow from.
    pub rule: String,
    /// The link that says so.
    pub link: u64,
    /// Last fetched.
    pub fetched_ms: Option<u64>,
    /// Last decrypted, for whatever use.
    pub decrypted_ms: Option<u64>,
    /// Last revealed.
    pub revealed_ms: Option<u64>,
    /// Last copied.
    pub copied_ms: Option<u64>,
}

/// Answers for an environment, a secret, a person or a token; `None` if it is not there.
pub fn who(replica: &mut Replica, facts: &Facts, subject: &Subject, now_ms: u64) -> Option<Who> {
    let cells = rights(replica, subject, now_ms);
    let (title, subtitle) = match subject {
        Subject::Environment(env) => {
            grantable(replica.state().env(env)?)?;
            let count = secret_counts(replica).get(env).copied().unwrap_or(0);
            (place(replica, env), counted(count, "secret", "secrets"))
        }
        Subject::Secret(env, secret) => {
            grantable(replica.state().env(env)?)?;
            (secret_name(replica, env, secret)?, place(replica, env))
        }
        Subject::Principal(principal) => {
            let known = match principal {
                Principal::User(user) => replica.state().member(user).is_some(),
                Principal::Token(token) => replica.state().token(token).is_some(),
                Principal::Agent(agent) => replica.state().agents().contains_key(agent),
            };
            let count = known.then_some(cells.len())?;
            (name_of(replica, principal), counted(count, "environment", "environments"))
        }
    };
    let secret = match subject {
        Subject::Secret(_, secret) => Some(secret),
        _ => None,
    };
    let mut rows: Vec<WhoRow> = cells
        .into_iter()
        .filter_map(|(env, principal, held)| row(replica, facts, env, principal, held, secret))
        .collect();
    rows.sort_by_cached_key(|row| {
        (row.principal.kind(), row.name.to_lowercase(), row.place.to_lowercase(), row.env)
    });
    Some(Who { title, subtitle, rows })
}

fn grantable(found: &EnvState) -> Option<()> {
    (found.kind != EnvKind::Directory).then_some(())
}

/// The rights in force that the subject is about. A secret is about those who may read it.
fn rights(
    replica: &Replica,
    subject: &Subject,
    now_ms: u64,
) -> Vec<(EnvId, Principal, (Rights, u64))> {
    let state = replica.state();
    let time_ms = now_ms.max(state.time_ms());
    let in_force = |env: &EnvId, found: &EnvState, principal: &Principal| {
        let rights = state.rights(env, principal, time_ms);
        let newest = found.grants.get(principal).and_then(|line| line.all().last());
        let ends_ms = newest.map_or(0, |(_, grant)| grant.not_after);
        (rights != Rights::NONE).then_some((*env, *principal, (rights, ends_ms)))
    };
    let of_env = |env: &EnvId| -> Vec<_> {
        let found = state.env(env).filter(|found| grantable(found).is_some());
        let all = |found: &EnvState| -> Vec<_> {
            found.grants.keys().filter_map(|who| in_force(env, found, who)).collect()
        };
        found.map(all).unwrap_or_default()
    };
    match subject {
        Subject::Environment(env) => of_env(env),
        Subject::Secret(env, _) => {
            let mut cells = of_env(env);
            cells.retain(|(_, _, (rights, _))| rights.includes(Rights::READ));
            cells
        }
        Subject::Principal(principal) => {
            let envs = state.envs().iter().filter(|(_, found)| grantable(found).is_some());
            envs.filter_map(|(env, found)| in_force(env, found, principal)).collect()
        }
    }
}

fn row(
    replica: &mut Replica,
    facts: &Facts,
    env: EnvId,
    principal: Principal,
    (rights, ends_ms): (Rights, u64),
    secret: Option<&SecretId>,
) -> Option<WhoRow> {
    let because = because(replica, replica.state().env(&env)?, &principal)?;
    let known = facts.in_env(&principal, &env);
    let last = |what: Use| {
        let all = known.iter().flat_map(|facts| &facts.secrets);
        let about = all.filter(|(id, _)| secret.is_none_or(|secret| secret == *id));
        about.filter_map(|(_, uses)| uses.last(what)).max()
    };
    Some(WhoRow {
        principal,
        name: name_of(replica, &principal),
        place: place(replica, &env),
        env,
        rights,
        ends_ms,
        rule: rule(replica, &because),
        link: because.link,
        fetched_ms: known.and_then(|facts| facts.fetched.as_ref()).map(|seen| seen.at_ms),
        decrypted_ms: Use::ALL.into_iter().filter_map(last).max(),
        revealed_ms: last(Use::Revealed),
        copied_ms: last(Use::Copied),
    })
}

/// The name of a secret: its own, or its label where this person cannot open it.
fn secret_name(replica: &mut Replica, env: &EnvId, secret: &SecretId) -> Option<String> {
    if let Ok(name) = replica.open_field(*env, secret, Field::Name) {
        return name.lend(|bytes| str::from_utf8(bytes).ok().map(str::to_owned));
    }
    let label = replica.directory_name(*secret)?;
    (label.details.env == Some(*env)).then(|| label.name.clone())
}
