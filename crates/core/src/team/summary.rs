//! The links of a plan in words: what the secure window shows before they are signed.
//!
//! Made from the very links, never from what a web view sent.

use strongroom_chain::org::OrgState;
use strongroom_crypto::safe::Fingerprint;
use strongroom_format::hash::{Digest, sha256};
use strongroom_format::id::{EnvId, Principal, SecretId, UserId};
use strongroom_format::statement::{Body, EnvRight, Policy, PublicKey, Rights, Role};

use super::OldEntries;
use super::plan::Plan;
use super::summary_agents;
use crate::access::counted;
use crate::certificate::head_code;
use crate::replica::Replica;
use crate::utc;

/// What a line is about, for its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Somebody gets something.
    Gain,
    /// Somebody loses something.
    Lose,
    /// A link without gain or loss.
    Link,
    /// A data key is replaced.
    Rotate,
    /// To be read twice.
    Warn,
}

/// One line of a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub kind: LineKind,
    /// The sentence.
    pub text: String,
    /// What stands below it.
    pub detail: Option<String>,
    /// When it ends, in milliseconds since 1970.
    pub until_ms: Option<u64>,
}

impl Line {
    pub(super) fn new(kind: LineKind, text: String) -> Self {
        Self { kind, text, detail: None, until_ms: None }
    }

    pub(super) fn detail(self, detail: String) -> Self {
        Self { detail: Some(detail).filter(|text| !text.is_empty()), ..self }
    }

    pub(super) fn until(self, not_after: u64) -> Self {
        Self { until_ms: Some(not_after).filter(|end| *end != 0), ..self }
    }
}

impl Plan {
    /// The links in words, with the names that `replica` knows, and the data keys they replace.
    pub fn lines(&self, replica: &mut Replica, now_ms: u64) -> Vec<Line> {
        let mut lines: Vec<Line> =
            self.bodies().iter().flat_map(|body| of_link(body, self, replica, now_ms)).collect();
        lines.extend(self.policy_lines(replica));
        let replaced = self.replaces(replica.state(), now_ms);
        if !replaced.is_empty() {
            let count = replaced.len();
            let keys = if count == 1 { "data key is" } else { "data keys are" };
            let text = format!("{count} {keys} replaced and every value there sealed again");
            lines.push(Line::new(LineKind::Rotate, text).detail(places(replica, &replaced)));
        }
        lines
    }

    /// The environments whose data key has to be replaced once the links are signed.
    pub fn replaces(&self, state: &OrgState, now_ms: u64) -> Vec<EnvId> {
        let time_ms = now_ms.max(state.time_ms());
        let reads = |env: &EnvId, who: &Principal| {
            let newest = state.env(env).and_then(|env| env.epochs.last());
            state.rights(env, who, time_ms).includes(Rights::READ)
                || newest.is_some_and(|e| e.wraps.iter().any(|wrap| wrap.recipient == *who))
        };
        let all_of = |who: Principal| -> Vec<EnvId> {
            state.envs().keys().filter(|env| reads(env, &who)).copied().collect()
        };
        let mut envs: Vec<EnvId> = Vec::new();
        for body in self.bodies() {
            match body {
                Body::EnvRevoke { env, .. } => envs.push(*env),
                Body::EnvGrant { env, principal, rights, .. }
                    if !rights.includes(Rights::READ) && reads(env, principal) =>
                {
                    envs.push(*env);
                }
                Body::MemberRemove { user, .. } | Body::KeyReset { user, .. } => {
                    envs.extend(all_of(Principal::User(*user)));
                }
                Body::MemberRole { user, role: Role::Reviewer } => {
                    let who = Principal::User(*user);
                    let granted = |env: &&EnvId| Some(**env) != state.directory();
                    envs.extend(all_of(who).iter().filter(granted));
                }
                Body::TokenRevoke { token } => envs.extend(all_of(Principal::Token(*token))),
                _ => {}
            }
        }
        envs.sort_unstable();
        envs.dedup();
        envs
    }
}

fn of_link(body: &Body, plan: &Plan, replica: &mut Replica, now_ms: u64) -> Vec<Line> {
    match body {
        Body::Invite { role, grants, expires, .. } => {
            let text = format!("Invites one person as {}", role_name(*role));
            vec![Line::new(LineKind::Gain, text).detail(rights(replica, grants)).until(*expires)]
        }
        Body::MemberRole { user, role } => {
            let old = replica.state().role(user);
            let kind = match old {
                Some(old) if role.is_above(old) => LineKind::Gain,
                _ => LineKind::Lose,
            };
            let was = old.map_or(String::new(), |old| format!("Now {}", role_name(old)));
            let text = format!("{} becomes {}", person(replica, user), role_name(*role));
            vec![Line::new(kind, text).detail(was)]
        }
        Body::MemberRemove { user, .. } => removal(replica, user, now_ms),
        Body::EnvGrant { env, principal, rights, not_after } => {
            vec![grant(replica, env, principal, *rights, *not_after, now_ms)]
        }
        Body::EnvRevoke { env, principal } => {
            let text = format!("{} loses {}", who(replica, principal), place(replica, env));
            let held = replica.state().rights(env, principal, now_ms);
            vec![Line::new(LineKind::Lose, text).detail(held_before(held))]
        }
        Body::TokenIssue { rights: list, not_after, .. } => {
            let named = match plan.intent() {
                super::Intent::TokenIssue(new) => new.name.clone(),
                _ => String::new(),
            };
            let text = format!("New service token \u{201c}{named}\u{201d}");
            let mut lines = vec![
                Line::new(LineKind::Gain, text).detail(rights(replica, list)).until(*not_after),
            ];
            if *not_after == 0 {
                lines.push(Line::new(LineKind::Warn, "The token never ends by itself".to_owned()));
            }
            lines
        }
        Body::TokenRevoke { token } => {
            let text = format!("{} ends now", who(replica, &Principal::Token(*token)));
            vec![Line::new(LineKind::Lose, text)]
        }
        Body::KeyReset { user, keys, .. } => {
            let print = Fingerprint::of(user, keys).groups();
            vec![
                Line::new(
                    LineKind::Warn,
                    format!("Replaces the keys of {}", person(replica, user)),
                )
                .detail(format!("New fingerprint {print}")),
                Line::new(
                    LineKind::Link,
                    "Everybody is shown this until they acknowledge it".into(),
                ),
            ]
        }
        Body::Policy(new) => policy(replica.state().policy(), new),
        Body::AuditReset { size, root, audit_vkey, .. } => {
            new_log(replica.state(), *size, root, audit_vkey)
        }
        Body::AuditRetention { .. } => match plan.intent() {
            super::Intent::AuditRetention(old) => retention(replica.state(), old),
            _ => vec![Line::new(
                LineKind::Link,
                "What had been removed from the old audit log stays removed".to_owned(),
            )],
        },
        Body::AgentIssue { .. } => match plan.intent() {
            super::Intent::AgentPut(put) => summary_agents::issue(put, replica, now_ms),
            _ => Vec::new(),
        },
        Body::AgentRevoke { agent } => vec![summary_agents::end(*agent, replica, now_ms)],
        _ => Vec::new(),
    }
}

fn removal(replica: &mut Replica, user: &UserId, now_ms: u64) -> Vec<Line> {
    let own = replica.principal() == Principal::User(*user);
    let text = if own {
        "You leave the organisation".to_owned()
    } else {
        format!("{} leaves the organisation", person(replica, user))
    };
    let state = replica.state();
    let (directory, who) = (state.directory(), Principal::User(*user));
    let time_ms = now_ms.max(state.time_ms());
    let held: Vec<EnvId> = state
        .envs()
        .keys()
        .filter(|env| Some(**env) != directory)
        .filter(|env| state.rights(env, &who, time_ms) != Rights::NONE)
        .copied()
        .collect();
    let mut lines = vec![Line::new(LineKind::Lose, text)];
    lines.extend(summary_agents::end_with(user, replica, time_ms));
    if !held.is_empty() {
        let text = format!("Loses {}", counted(held.len(), "environment", "environments"));
        lines.push(Line::new(LineKind::Lose, text).detail(places(replica, &held)));
    }
    lines
}

fn grant(
    replica: &mut Replica,
    env: &EnvId,
    principal: &Principal,
    rights: Rights,
    not_after: u64,
    now_ms: u64,
) -> Line {
    let before = replica.state().rights(env, principal, now_ms);
    let kind = if before.includes(rights) && before != rights {
        LineKind::Lose
    } else if before == rights {
        LineKind::Link
    } else {
        LineKind::Gain
    };
    let (subject, place) = (who(replica, principal), place(replica, env));
    let text = format!("{subject} may {} {place}", right_names(rights));
    Line::new(kind, text).detail(held_before(before)).until(not_after)
}

fn held_before(rights: Rights) -> String {
    if rights == Rights::NONE { String::new() } else { format!("Now {}", right_names(rights)) }
}

fn policy(old: &Policy, new: &Policy) -> Vec<Line> {
    let mut lines = Vec::new();
    if old.grants_to_unverified && !new.grants_to_unverified {
        let text = "Nobody whose key is unverified may be given access any more".to_owned();
        let detail = "This can only be loosened by two owners".to_owned();
        lines.push(Line::new(LineKind::Lose, text).detail(detail));
    }
    lines
}

fn new_log(state: &OrgState, size: u64, root: &Digest, key: &PublicKey) -> Vec<Line> {
    let old = format!("{}, root {}", counted_entries(size), head_code(root));
    let mut lines = vec![
        Line::new(LineKind::Warn, "Accepts a new audit log of this server".to_owned())
            .detail(format!("This computer had verified the old one up to {old}")),
        Line::new(
            LineKind::Lose,
            "What only the old log holds cannot be proven any more".to_owned(),
        )
        .detail("Entries that the server lost stay lost".to_owned()),
    ];
    if key != state.audit_vkey() {
        lines.push(
            Line::new(LineKind::Warn, "The new log is signed with another key".to_owned())
                .detail(format!("Its code is {}", head_code(&sha256(&[key])))),
        );
    }
    let shown = "Everybody is shown this until they acknowledge it";
    lines.push(Line::new(LineKind::Link, shown.to_owned()));
    lines
}

fn retention(state: &OrgState, old: &OldEntries) -> Vec<Line> {
    let gone = old.size.saturating_sub(state.audit_retained().size);
    let text = format!("Removes {} from the audit log for good", counted_entries(gone));
    vec![
        Line::new(LineKind::Lose, text)
            .detail(format!("The newest of them is of {}", utc::minutes(old.newest_ms))),
        Line::new(
            LineKind::Link,
            "Their hashes stay, so that the rest can still be proven".to_owned(),
        )
        .detail(format!(
            "Root {} over {}",
            head_code(&old.root),
            counted_entries(old.size)
        )),
    ]
}

/// `1 entry`, `12,288 entries`.
fn counted_entries(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| str::from_utf8(group).unwrap_or_default())
        .collect();
    let unit = if n == 1 { "entry" } else { "entries" };
    format!("{} {unit}", groups.join(","))
}

/// A role in a word.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Admin => "admin",
        Role::Member => "member",
        Role::Reviewer => "reviewer",
    }
}

/// Rights in words: "read", "read and write", "read, write and grant".
pub fn right_names(rights: Rights) -> String {
    let all = [(Rights::READ, "read"), (Rights::WRITE, "write"), (Rights::GRANT, "grant")];
    let held: Vec<&str> =
        all.iter().filter(|(right, _)| rights.includes(*right)).map(|(_, name)| *name).collect();
    match held.split_last() {
        None => "do nothing in".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn rights(replica: &mut Replica, list: &[EnvRight]) -> String {
    let line = |right: &EnvRight| {
        let place = place(replica, &right.env);
        format!("{place}: {}", right_names(right.rights))
    };
    list.iter().map(line).collect::<Vec<_>>().join(", ")
}

fn places(replica: &mut Replica, envs: &[EnvId]) -> String {
    envs.iter().map(|env| place(replica, env)).collect::<Vec<_>>().join(", ")
}

/// Application and environment in words.
pub fn place(replica: &mut Replica, env: &EnvId) -> String {
    if replica.state().directory() == Some(*env) {
        return "the names of the organisation".to_owned();
    }
    let parent = replica.state().env(env).map(|state| SecretId(state.place));
    let app = parent.and_then(|item| replica.directory_name(item));
    let named = replica.directory_name(env.directory_item());
    match (app, named) {
        (Some(app), Some(env)) => format!("{} / {}", app.name, env.name),
        (None, Some(env)) => env.name.clone(),
        _ => env.to_string(),
    }
}

pub(super) fn person(replica: &mut Replica, user: &UserId) -> String {
    who(replica, &Principal::User(*user))
}

/// The name of a person, token or agent; its id where it has none.
pub fn who(replica: &mut Replica, principal: &Principal) -> String {
    let item = SecretId(principal.id());
    let named = replica.directory_name(item).map(|named| named.name.clone());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| principal.to_string())
}
