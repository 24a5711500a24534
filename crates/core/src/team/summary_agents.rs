//! What a change of an agent, or of where a secret may go, means in words.
//!
//! A rule that stays as it is is not told again: what is read before signing is what changes.

use strongroom_format::id::{AgentId, UserId};
use strongroom_policy::provider::WEB;
use strongroom_policy::{AgentPolicy, Auth, Effect, Provider, Rule, SecretAt, SecretPolicy};

use super::agents::PolicyChange;
use super::summary::{Line, LineKind, person, place};
use super::{AgentPut, Plan};
use crate::access::counted;
use crate::agents::{self, AgentEntry};
use crate::replica::Replica;

/// The lines of an agent's link.
pub(super) fn issue(put: &AgentPut, replica: &mut Replica, now_ms: u64) -> Vec<Line> {
    let before = put.agent.and_then(|agent| agents::agent(replica, agent, now_ms));
    let mut lines = vec![head(put, before.as_ref(), replica)];
    if put.not_after == 0 && before.as_ref().is_none_or(|before| before.not_after != 0) {
        lines.push(Line::new(LineKind::Warn, "The agent never ends by itself".to_owned()));
    }
    let old = before.and_then(|before| before.policy.ok()).unwrap_or_else(AgentPolicy::nothing);
    lines.extend(rules(&old, &put.policy, replica));
    lines.extend(providers(&old, &put.policy));
    lines.extend(limits(&old, &put.policy));
    lines
}

impl Plan {
    /// The lines of the broker policies that are written, and of secrets that stay without one.
    pub(super) fn policy_lines(&self, replica: &mut Replica) -> Vec<Line> {
        let mut lines: Vec<Line> =
            self.policies().iter().flat_map(|change| of_change(change, replica)).collect();
        if let super::Intent::AgentPut(put) = self.intent() {
            lines.extend(self.without_policy(put, replica));
        }
        lines
    }

    fn without_policy(&self, put: &AgentPut, replica: &mut Replica) -> Vec<Line> {
        let goes_nowhere = |secret: &agents::AgentSecret| {
            let planned = self.policies().iter().find(|change| change.at == secret.at);
            planned.map_or(secret.policy.is_none(), |change| change.after.is_none())
        };
        let secrets = agents::secrets_of(replica, &put.policy);
        let lost: Vec<String> = secrets
            .iter()
            .filter(|secret| goes_nowhere(secret))
            .map(|secret| format!("{} ({})", secret.name, secret.place))
            .collect();
        if lost.is_empty() {
            return Vec::new();
        }
        let text = counted(lost.len(), "secret of its rules", "secrets of its rules");
        let line = Line::new(LineKind::Warn, format!("{text} may be sent nowhere yet"));
        vec![line.detail(lost.join(", "))]
    }
}

/// The line of the agents that end because the person who answers for them leaves.
pub(super) fn end_with(user: &UserId, replica: &mut Replica, time_ms: u64) -> Option<Line> {
    let all = agents::agents(replica, time_ms).into_iter();
    let theirs = all.filter(|agent| agent.lives && agent.responsible == *user);
    let names: Vec<String> = theirs.map(|agent| agent.name).collect();
    if names.is_empty() {
        return None;
    }
    let text = format!("{} with it", counted(names.len(), "agent ends", "agents end"));
    let others = "; issue them again for somebody else before, if they are to go on";
    Some(Line::new(LineKind::Warn, text).detail(format!("{}{others}", names.join(", "))))
}

/// The line of an agent's end.
pub(super) fn end(agent: AgentId, replica: &mut Replica, now_ms: u64) -> Line {
    let name = agents::agent(replica, agent, now_ms).map(|agent| agent.name);
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| agent.to_string());
    Line::new(LineKind::Lose, format!("Agent \u{201c}{name}\u{201d} ends for good"))
}

fn head(put: &AgentPut, before: Option<&AgentEntry>, replica: &mut Replica) -> Line {
    let responsible = person(replica, &put.responsible);
    let named = format!("\u{201c}{}\u{201d}", put.name);
    let line = match before {
        None => Line::new(LineKind::Gain, format!("New agent {named}"))
            .detail(format!("{responsible} answers for it")),
        Some(before) => {
            let mut changed = Vec::new();
            if before.name != put.name {
                changed.push(format!("It was called \u{201c}{}\u{201d}", before.name));
            }
            if before.responsible != put.responsible {
                let old = person(replica, &before.responsible);
                changed.push(format!("{responsible} answers for it in place of {old}"));
            }
            if before.policy.is_err() {
                changed.push("Its policy before could not be used".to_owned());
            }
            Line::new(LineKind::Link, format!("Agent {named} is issued again"))
                .detail(changed.join("; "))
        }
    };
    line.until(put.not_after)
}

fn rules(old: &AgentPolicy, new: &AgentPolicy, replica: &mut Replica) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for rule in new.rules.iter().filter(|rule| !old.rules.contains(rule)) {
        lines.push(added(rule, new, replica));
    }
    for rule in old.rules.iter().filter(|rule| !new.rules.contains(rule)) {
        let kind = if rule.effect == Effect::Deny { LineKind::Gain } else { LineKind::Lose };
        let text = format!("Without the rule \u{201c}{}\u{201d}", rule.name);
        lines.push(Line::new(kind, text).detail(of_rule(rule, old, replica)));
    }
    let kept_of = |rules: &[Rule], others: &[Rule]| -> Vec<Rule> {
        rules.iter().filter(|rule| others.contains(rule)).cloned().collect()
    };
    let (was, is) = (kept_of(&old.rules, &new.rules), kept_of(&new.rules, &old.rules));
    if was != is {
        let text = "Rules stand in another order; the first that matches decides";
        lines.push(Line::new(LineKind::Warn, text.to_owned()));
    } else if !is.is_empty() {
        let kept = counted(is.len(), "rule stays as it is", "rules stay as they are");
        lines.push(Line::new(LineKind::Link, kept));
    }
    if new.rules.is_empty() {
        lines.push(Line::new(LineKind::Link, "It has no rules and may do nothing".to_owned()));
    }
    lines
}

fn added(rule: &Rule, policy: &AgentPolicy, replica: &mut Replica) -> Line {
    let (kind, what) = match rule.effect {
        Effect::Allow => (LineKind::Gain, "May"),
        Effect::Ask => (LineKind::Gain, "May, when a person says so,"),
        Effect::Deny => (LineKind::Lose, "May not"),
    };
    let secrets: Vec<String> = rule.secrets.iter().map(|at| secret_name(replica, *at)).collect();
    let with = if secrets.is_empty() || rule.effect == Effect::Deny {
        String::new()
    } else {
        format!(" with {}", secrets.join(" or "))
    };
    let provider = match policy.provider(&rule.provider) {
        Some(provider) => &provider.name,
        None if rule.provider == WEB => "the web",
        None => &rule.provider,
    };
    let text = format!("{what} call {provider}{with}");
    let line = Line::new(kind, text).detail(of_rule(rule, policy, replica));
    line.until(rule.not_after_ms.unwrap_or(0))
}

/// Where a rule holds and how far, in words.
fn of_rule(rule: &Rule, policy: &AgentPolicy, replica: &mut Replica) -> String {
    let mut parts = vec![format!("\u{201c}{}\u{201d}", rule.name)];
    match &rule.capability {
        Some(id) => {
            let provider = policy.provider(&rule.provider);
            let found = provider.and_then(|p| p.capabilities.iter().find(|c| c.id == *id));
            parts.push(found.map_or_else(|| id.clone(), |capability| capability.title.clone()));
        }
        None => parts.push(reaches(&rule.methods, &rule.hosts, &rule.ports, &rule.paths)),
    }
    if let Some(process) = &rule.process {
        let program = process.path.as_deref().unwrap_or("one program by its content");
        parts.push(format!("only from {program}"));
    }
    if let Some(uses) = rule.uses {
        parts.push(format!("at most {uses} times"));
    }
    if let Some(rate) = rule.rate {
        parts.push(format!("at most {} in {} seconds", rate.count, rate.per_seconds));
    }
    if let Some(bytes) = rule.bytes {
        parts.push(format!("at most {bytes} bytes"));
    }
    if rule.reason {
        parts.push("it has to say why".to_owned());
    }
    if rule.effect == Effect::Deny && !rule.secrets.is_empty() {
        let names: Vec<String> = rule.secrets.iter().map(|at| secret_name(replica, *at)).collect();
        parts.push(names.join(", "));
    }
    parts.join("; ")
}

fn providers(old: &AgentPolicy, new: &AgentPolicy) -> Vec<Line> {
    let line = |provider: &Provider| {
        let text = format!("Defines the provider \u{201c}{}\u{201d}", provider.name);
        let private = if provider.private { "; private addresses, and without TLS" } else { "" };
        Line::new(LineKind::Warn, text).detail(format!("{}{private}", list(&provider.hosts)))
    };
    new.providers.iter().filter(|provider| !old.providers.contains(provider)).map(line).collect()
}

fn limits(old: &AgentPolicy, new: &AgentPolicy) -> Vec<Line> {
    let of = |policy: &AgentPolicy| {
        let mut parts = Vec::new();
        if let Some(minutes) = policy.session_minutes {
            parts.push(counted_u64(u64::from(minutes), "minute", "minutes"));
        }
        if let Some(requests) = policy.requests {
            parts.push(counted_u64(requests, "request", "requests"));
        }
        if let Some(bytes) = policy.bytes {
            parts.push(counted_u64(bytes, "byte", "bytes"));
        }
        if let Some(rate) = policy.rate {
            parts.push(format!("{} in {} seconds", rate.count, rate.per_seconds));
        }
        parts
    };
    let (was, is) = (of(old), of(new));
    if was == is {
        return Vec::new();
    }
    let text = if is.is_empty() {
        "A session has no limits".to_owned()
    } else {
        format!("A session has at most {}", is.join(", "))
    };
    let before = if was.is_empty() { String::new() } else { format!("Now {}", was.join(", ")) };
    let kind = if is.is_empty() { LineKind::Warn } else { LineKind::Link };
    vec![Line::new(kind, text).detail(before)]
}

fn of_change(change: &PolicyChange, replica: &mut Replica) -> Vec<Line> {
    let secret = secret_name(replica, change.at);
    let read =
        |bytes: &Option<Vec<u8>>| bytes.as_ref().and_then(|bytes| SecretPolicy::parse(bytes).ok());
    let (before, after) = (read(&change.before), read(&change.after));
    let Some(policy) = after else {
        let text = format!("{secret} may be sent nowhere any more");
        let was = before.map_or_else(String::new, |was| format!("Now to {}", goes(&was)));
        return vec![Line::new(LineKind::Lose, text).detail(was)];
    };
    let text = format!("{secret} may be sent to {}", list(&policy.hosts));
    let was = before.as_ref().map(|was| format!("; now {}", goes(was))).unwrap_or_default();
    let detail = format!("{}{was}", goes(&policy));
    let line = Line::new(LineKind::Gain, text).detail(detail);
    let mut lines = vec![line.until(policy.not_after_ms.unwrap_or(0))];
    if policy.private && !before.as_ref().is_some_and(|was| was.private) {
        let text = format!("{secret} may go to private addresses, and without TLS");
        lines.push(Line::new(LineKind::Warn, text));
    }
    if policy.ca.is_some() && before.is_none_or(|was| was.ca != policy.ca) {
        let text = format!("{secret} trusts a certificate authority of its own");
        lines.push(Line::new(LineKind::Warn, text));
    }
    lines
}

/// Everything that a secret's policy allows, in words.
fn goes(policy: &SecretPolicy) -> String {
    let mut parts = vec![
        reaches(&policy.methods, &policy.hosts, &policy.ports, &policy.paths),
        auth(&policy.auth),
    ];
    if policy.approval {
        parts.push("a person is asked each time".to_owned());
    }
    if let Some(uses) = policy.uses {
        parts.push(format!("at most {uses} times"));
    }
    if let Some(rate) = policy.rate {
        parts.push(format!("at most {} in {} seconds", rate.count, rate.per_seconds));
    }
    parts.join("; ")
}

fn reaches(
    methods: &[impl ToString],
    hosts: &[impl ToString],
    ports: &[u16],
    paths: &[impl ToString],
) -> String {
    // The usual port says nothing.
    let ports = if ports == [443] { String::new() } else { format!(" port {}", list(ports)) };
    format!("{} {}{ports} {}", list(methods), list(hosts), list(paths))
}

fn auth(auth: &Auth) -> String {
    match auth {
        Auth::Bearer => "as a bearer token".to_owned(),
        Auth::Header { name, template } => format!("in the header {name}: {template}"),
        Auth::Basic { user } => format!("as the password of {user}"),
        Auth::Path => "in the path, as Telegram wants it".to_owned(),
        Auth::SigV4 { .. } => "as an AWS signature".to_owned(),
        Auth::OAuth2 { token_url, .. } => format!("exchanged for access tokens at {token_url}"),
    }
}

/// At most six, and how many more there are.
fn list(things: &[impl ToString]) -> String {
    const SHOWN: usize = 6;
    if things.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<String> = things.iter().take(SHOWN).map(ToString::to_string).collect();
    match things.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn secret_name(replica: &mut Replica, at: SecretAt) -> String {
    let place = place(replica, &at.env);
    let name = match replica.open_named(at.env, &at.secret) {
        Ok(named) => named.name,
        // Whoever cannot open it still reads its label.
        Err(_) => replica
            .directory_name(at.secret)
            .map_or_else(|| at.secret.to_string(), |label| label.name.clone()),
    };
    format!("{name} ({place})")
}

fn counted_u64(n: u64, one: &str, many: &str) -> String {
    usize::try_from(n).map_or_else(|_| format!("{n} {many}"), |n| counted(n, one, many))
}
