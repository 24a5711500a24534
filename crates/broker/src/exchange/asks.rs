//! A request that needs a person.

use std::sync::Arc;

use strongroom_control::{held::Held, record::Outcome};
use strongroom_policy::{Way, effect};

use super::{call::Call, ended};
use crate::{
    approvals::{Binding, Bound, Verdict, Wish},
    refusal::Refusal,
    sessions::{Agent, End},
};

/// Asks, and waits. Answers what exactly a person said yes to.
pub(super) async fn ask(
    call: &Call,
    agent: &Arc<Agent>,
    way: &Way,
    body: Option<&[u8]>,
) -> Result<Binding, Refusal> {
    let before = binding(call, agent, way);
    let wish = Wish {
        binding: before,
        path: call.caller.path.clone(),
        held: held(call, agent, way, body),
    };
    let verdict = call.broker.approvals.ask(wish).await;
    write_down(call, way, agent, &verdict)?;
    match verdict {
        Verdict::Once | Verdict::Task => {}
        Verdict::Denied { reason } => {
            let message = if reason.is_empty() {
                "a person said no".to_owned()
            } else {
                format!("a person said no: {reason}")
            };
            return Err(Refusal::denied("denied", message));
        }
        Verdict::TimedOut => {
            let message =
                "nobody answered in time, which means no; ask your person, then try again";
            return Err(Refusal::denied("approval-timeout", message));
        }
        Verdict::TooMany => {
            let message = "too many requests wait for a person already; wait for their answers";
            return Err(Refusal::denied("too-many-waiting", message));
        }
        Verdict::Stopped => return Err(ended(End::Stopped)),
    }
    Ok(before)
}

/// What the person's word is bound to, as it is now.
pub(super) fn binding(call: &Call, agent: &Agent, way: &Way) -> Binding {
    let name = agent.config.policy.rules.get(way.rule).map_or("", |rule| rule.name.as_str());
    let first = way.secrets.first();
    let entry = first.and_then(|at| agent.config.secrets.iter().find(|one| one.at == *at));
    let policy = entry.map(|entry| entry.policy.encode());
    let secret = entry.zip(policy.as_deref());
    Binding::of(&Bound {
        session: call.caller.session.id,
        rule: (way.rule, name),
        agent_policy: &agent.config.policy.hash(),
        secret: secret.map(|(entry, policy)| (entry.at, entry.version, policy)),
        method: call.method.as_str(),
        target: &call.caller.target.to_string(),
    })
}

fn held(call: &Call, agent: &Agent, way: &Way, body: Option<&[u8]>) -> Held {
    let entry = way.secrets.first();
    let entry = entry.and_then(|at| agent.config.secrets.iter().find(|one| one.at == *at));
    let process = call.process.as_ref().map(|one| format!("{}, pid {}", one.path, one.pid));
    Held {
        id: 0,
        agent: agent.config.id,
        agent_name: agent.config.name.clone(),
        responsible: agent.config.responsible.clone(),
        session: call.caller.session.id,
        sentence: effect::sentence(call.provider(), &call.asked(), body),
        method: call.method.as_str().to_owned(),
        host: call.caller.target.authority(),
        path: call.shown_path(call.caller.path.raw()),
        secret: entry.map(|entry| entry.at),
        secret_name: entry.map_or_else(String::new, |entry| entry.name.clone()),
        place: entry.map_or_else(String::new, |entry| entry.place.clone()),
        process: process.unwrap_or_default(),
        rule: agent.config.policy.rules.get(way.rule).map_or_else(String::new, |r| r.name.clone()),
        reason: call.reason.as_ref().map_or_else(String::new, |r| r.chars().take(500).collect()),
        asked_ms: 0,
        ends_ms: 0,
        alike: 0,
        alike_last_ms: 0,
    }
}

/// A person's word, and a time that ran out, are written down. A yes that cannot be is none.
fn write_down(call: &Call, way: &Way, agent: &Agent, verdict: &Verdict) -> Result<(), Refusal> {
    let (outcome, why) = match verdict {
        Verdict::Once => (Outcome::Approved, "once"),
        Verdict::Task => (Outcome::Approved, "for this task"),
        Verdict::Denied { reason } => (Outcome::Refused, reason.as_str()),
        Verdict::TimedOut => (Outcome::TimedOut, "nobody answered"),
        Verdict::TooMany | Verdict::Stopped => return Ok(()),
    };
    let mut record = call.record(outcome);
    why.clone_into(&mut record.why);
    let entry = way.secrets.first();
    let entry = entry.and_then(|at| agent.config.secrets.iter().find(|one| one.at == *at));
    record.secret = entry.map(|entry| (entry.at, entry.version));
    call.broker
        .journal()
        .write(record)
        .map_err(|error| Refusal::unavailable("cannot-record", error.to_string()))
}
