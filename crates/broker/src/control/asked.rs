//! What a person's commands ask, and what they are told.

use strongroom_control::door::{AgentLine, Ask, Reply};
use strongroom_format::id::AgentId;
use strongroom_policy::{Asked, Decision, Method, Path, Scope, Target, Usage, decide};
use strongroom_secret::SecretBytes;

use super::guest::Guest;
use super::refused;
use crate::broker::{Broker, now_ms};
use crate::sessions::Agent;

/// Answers everything but the beginning of a session.
pub(super) fn answer(broker: &Broker, guest: &Guest, ask: Ask, code: &SecretBytes) -> Reply {
    match try_answer(broker, guest, ask, code) {
        Ok(reply) | Err(reply) => reply,
    }
}

fn try_answer(
    broker: &Broker,
    guest: &Guest,
    ask: Ask,
    code: &SecretBytes,
) -> Result<Reply, Reply> {
    match ask {
        Ask::Open { .. } => Err(refused("in-session", "a session begins on its own connection")),
        Ask::Status => Ok(status(broker, guest)),
        Ask::Waiting => {
            guest.require_outside()?;
            Ok(Reply::Waiting { held: broker.approvals.waiting() })
        }
        Ask::Answer { held, answer } => {
            require_operator(broker, guest, code)?;
            Ok(Reply::Answered { what: broker.answer(held, answer) })
        }
        Ask::Stop { agent } => {
            broker.stop(which(broker, agent.as_deref())?);
            Ok(Reply::Done)
        }
        Ask::Resume { agent } => {
            let agent = which(broker, agent.as_deref())?;
            require_operator(broker, guest, code)?;
            broker.resume(agent);
            Ok(Reply::Done)
        }
        Ask::Access { agent, provider, reason } => {
            let agent = agent_of(broker, guest, agent.as_deref())?;
            let asked = broker.ask_access(&agent, provider, &reason);
            asked.map_err(|refusal| refused(refusal.code, refusal.message))?;
            Ok(Reply::Done)
        }
        Ask::Try { agent, method, url } => {
            let agent = agent_of(broker, guest, agent.as_deref())?;
            attempt(guest, &agent, &method, &url)
        }
    }
}

/// A person's own terminal, and the code.
fn require_operator(broker: &Broker, guest: &Guest, code: &SecretBytes) -> Result<(), Reply> {
    guest.require_outside()?;
    broker.operator.require(code).map_err(|error| refused("operator-code", error.to_string()))
}

/// An agent by name, or all.
fn which(broker: &Broker, name: Option<&str>) -> Result<Option<AgentId>, Reply> {
    let Some(name) = name else { return Ok(None) };
    let agent = broker.agent_named(Some(name));
    let agent = agent.map_err(|error| refused(error.code(), error.to_string()))?;
    Ok(Some(agent.config.id))
}

/// The agent that is meant. Inside a session there is only the session's own.
fn agent_of(
    broker: &Broker,
    guest: &Guest,
    name: Option<&str>,
) -> Result<std::sync::Arc<Agent>, Reply> {
    let Some(session) = guest.session() else {
        let agent = broker.agent_named(name);
        return agent.map_err(|error| refused(error.code(), error.to_string()));
    };
    let own = broker.agent(session.agent);
    let own = own.ok_or_else(|| refused("agent-over", "this session's agent has ended"))?;
    match name {
        Some(name) if name != own.config.name => {
            Err(refused("inside", "inside a session there is only the session's own agent"))
        }
        _ => Ok(own),
    }
}

/// Everything that goes on; inside a session, what goes on there.
fn status(broker: &Broker, guest: &Guest) -> Reply {
    let (stopped, stopped_agents) = broker.sessions.stopped();
    let own = guest.session();
    let is_shown = |agent: AgentId| own.is_none_or(|own| own.agent == agent);
    let roster = broker.roster();
    let agents = roster.values().filter(|agent| is_shown(agent.config.id));
    let line = |agent: &std::sync::Arc<Agent>| {
        let config = &agent.config;
        let mut providers: Vec<String> =
            config.policy.rules.iter().map(|rule| rule.provider.clone()).collect();
        providers.sort();
        providers.dedup();
        AgentLine {
            id: config.id,
            name: config.name.clone(),
            responsible: config.responsible.clone(),
            providers,
            stopped: stopped || stopped_agents.contains(&config.id),
        }
    };
    let sessions = broker.sessions.states();
    Reply::Status {
        port: broker.address().port(),
        agents: agents.map(line).collect(),
        sessions: sessions
            .into_iter()
            .filter(|one| own.is_none_or(|own| own.id == one.id))
            .collect(),
        locked: broker.sessions.is_locked(),
        stopped,
    }
}

/// What the policies say of a request, which is not sent.
fn attempt(guest: &Guest, agent: &Agent, method: &str, url: &str) -> Result<Reply, Reply> {
    let policy = &agent.config.policy;
    let (target, path) = parse(url)?;
    let method: Method =
        method.parse().map_err(|_| refused("method", format!("{method:?} is no method")))?;
    let here = policy.rules.iter().filter_map(|rule| policy.provider(&rule.provider));
    let provider = here.into_iter().find(|provider| provider.is_at(&target));
    let asked = Asked {
        target: &target,
        method: &method,
        path: &path,
        provider: provider.map(|provider| provider.id.as_str()),
        capability: None,
        process: None,
        reason: Some("a trial"),
        bytes: None,
    };
    let session = guest.session();
    let whole = Scope::whole();
    let scope = session.map_or(&whole, |session| &session.scope);
    let unused = Usage::default();
    let used = unused.of(agent.config.id, session.map_or(0, |session| session.id));
    let decision = decide(policy, &agent.secrets, scope, used, &asked, now_ms());
    let name = |rule: Option<usize>| {
        let rule = rule.and_then(|rule| policy.rules.get(rule));
        rule.map_or_else(String::new, |rule| rule.name.clone())
    };
    let (decision, rule, why) = match decision {
        Decision::Allow(way) => ("allow", name(Some(way.rule)), String::new()),
        Decision::Ask(way) => {
            ("ask", name(Some(way.rule)), "a person is asked before it goes".to_owned())
        }
        Decision::Deny(denied) => ("deny", name(denied.rule), denied.why.to_string()),
    };
    Ok(Reply::Tried { decision: decision.to_owned(), rule, why })
}

fn parse(url: &str) -> Result<(Target, Path), Reply> {
    let bad = |why: String| refused("url", format!("this is no address of a request: {why}"));
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(after_scheme..).and_then(|rest| rest.find(['/', '?', '#']));
    let (origin, rest) = url.split_at(end.map_or(url.len(), |end| after_scheme + end));
    let target: Target = origin.parse().map_err(|error| bad(format!("{error}")))?;
    let rest = rest.split('#').next().unwrap_or_default();
    let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    let path = Path::parse(&rest).map_err(|error| bad(error.to_string()))?;
    Ok((target, path))
}
