//! Who asks, for which provider, and where the request goes.

use std::sync::Arc;

use http::request::Parts;
use strongroom_control::record::Outcome;
use strongroom_policy::{Path, Provider, Scope, Target, fake};

use super::{Entry, ended};
use crate::{
    broker::{Broker, now_ms},
    present::Presented,
    refusal::Refusal,
    sessions::{Agent, Begin, End, Session},
    tokens::TokenFor,
};

/// An agent in a session, and what its request says.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) session: Arc<Session>,
    pub(super) agent: Arc<Agent>,
    /// The provider of the token; `None` where there is no token.
    pub(super) provider: Option<Provider>,
    pub(super) presented: Option<Presented>,
    pub(super) target: Target,
    /// The path that the policies, the log and people see: without the token, if it stood there.
    pub(super) path: Path,
    /// The path as it came.
    pub(super) came: Path,
    /// The standing token that it came with; 0 for none.
    pub(super) token: u64,
}

impl Caller {
    pub(super) fn identify(
        broker: &Broker,
        entry: &Entry,
        parts: &Parts,
        presented: Option<Presented>,
    ) -> Result<Self, Refusal> {
        let stands = presented.as_ref().map(|one| lookup(broker, one)).transpose()?;
        let token = stands.as_ref().map_or(0, |stands| stands.standing);
        let mut caller = match entry {
            Entry::Base => Self::at_base(broker, parts, presented, stands)?,
            Entry::Through { session, target } => {
                Self::through(broker, session, target, parts, presented, stands)?
            }
        };
        caller.token = token;
        if let (Some(presented), Some(provider)) = (&mut caller.presented, &caller.provider) {
            presented.require_place(provider)?;
            presented.wear(&provider.shape);
            if presented.is_in_path() {
                caller.path = without_token(&caller.came)?;
            }
        }
        Ok(caller)
    }

    fn at_base(
        broker: &Broker,
        parts: &Parts,
        presented: Option<Presented>,
        stands: Option<TokenFor>,
    ) -> Result<Self, Refusal> {
        let (Some(presented), Some(stands)) = (presented, stands) else {
            let message = "no fake token in the request; start the program with \
                           `strongroom agent run`, or give it a token from the Agents page";
            return Err(Refusal::token("no-token", message));
        };
        let agent = broker.agent(stands.agent).ok_or_else(|| ended(End::Agent))?;
        let session = session_of(broker, &stands)?;
        let (id, rest) = split(parts.uri.path_and_query().map_or("/", |all| all.as_str()));
        let Some(provider) = agent.config.policy.provider(&stands.provider).cloned() else {
            return Err(unknown_provider(&stands.provider));
        };
        if id != provider.id {
            let host = id.chars().take(64).collect::<String>();
            broker.alarm(&session, &presented, parts.method.as_str(), &host);
            let message = format!(
                "this token is for {}, and the address is another provider's; nothing was sent",
                provider.name
            );
            return Err(Refusal::token("wrong-provider", message));
        }
        let (target, came) = (provider.base.clone(), parse(&rest)?);
        Ok(Self {
            session,
            agent,
            provider: Some(provider),
            presented: Some(presented),
            target,
            path: came.clone(),
            came,
            token: 0,
        })
    }

    fn through(
        broker: &Broker,
        session: &Arc<Session>,
        target: &Target,
        parts: &Parts,
        presented: Option<Presented>,
        stands: Option<TokenFor>,
    ) -> Result<Self, Refusal> {
        let agent = broker.agent(session.agent).ok_or_else(|| ended(End::Agent))?;
        let came = parse(parts.uri.path_and_query().map_or("/", |all| all.as_str()))?;
        let mut provider = None;
        if let (Some(presented), Some(stands)) = (&presented, stands) {
            let is_own = stands.agent == session.agent
                && stands.session.is_none_or(|other| other == session.id);
            let known = agent.config.policy.provider(&stands.provider).cloned();
            let known = known.ok_or_else(|| unknown_provider(&stands.provider))?;
            if !is_own {
                broker.alarm(session, presented, parts.method.as_str(), &target.authority());
                let message = "this token belongs to another session; nothing was sent";
                return Err(Refusal::token("wrong-session", message));
            }
            if !known.is_at(target) {
                broker.alarm(session, presented, parts.method.as_str(), &target.authority());
                let message = format!(
                    "this token is for {}, which is not at {}; nothing was sent",
                    known.name,
                    target.authority()
                );
                return Err(Refusal::token("wrong-host", message));
            }
            provider = Some(known);
        }
        let (session, target) = (Arc::clone(session), target.clone());
        let path = came.clone();
        Ok(Self { session, agent, provider, presented, target, path, came, token: 0 })
    }
}

fn without_token(came: &Path) -> Result<Path, Refusal> {
    let mut raw = came.raw().to_owned();
    let Some(at) = fake::behind_bot(&raw) else {
        let message = "a token in the path stands behind /bot, as in /bot<token>/sendMessage";
        return Err(Refusal::denied("token-place", message));
    };
    raw.replace_range(at, "");
    parse(&raw)
}

fn lookup(broker: &Broker, presented: &Presented) -> Result<TokenFor, Refusal> {
    let stands = broker.tokens.lookup(&presented.hash).filter(|stands| {
        stands.provider == presented.provider
            && (stands.not_after_ms == 0 || stands.not_after_ms > now_ms())
    });
    stands.ok_or_else(|| {
        let message = "this fake token works no more: its session is over, it was replaced or \
                       revoked; start the agent again";
        Refusal::token("token-over", message)
    })
}

fn session_of(broker: &Broker, stands: &TokenFor) -> Result<Arc<Session>, Refusal> {
    let session = match stands.session {
        Some(id) => broker.sessions.lookup(id),
        None => broker.standing_session(stands.agent),
    };
    session.ok_or_else(|| {
        let is_stopped = broker.sessions.is_stopped(stands.agent);
        ended(if is_stopped { End::Stopped } else { End::Command })
    })
}

/// `/<provider>/rest?query` as the provider and `/rest?query`.
fn split(path_and_query: &str) -> (&str, String) {
    let rest = path_and_query.strip_prefix('/').unwrap_or(path_and_query);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (id, rest) = rest.split_at(end);
    (id, if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") })
}

fn parse(path_and_query: &str) -> Result<Path, Refusal> {
    Path::parse(path_and_query).map_err(|error| Refusal::denied("path", error.to_string()))
}

fn unknown_provider(id: &str) -> Refusal {
    Refusal::denied("unknown-provider", format!("this agent has no provider {id} any more"))
}

impl Broker {
    /// The session in which an agent's standing tokens work.
    pub(super) fn standing_session(
        &self,
        agent: strongroom_format::id::AgentId,
    ) -> Option<Arc<Session>> {
        let session = self.sessions.standing_of(agent, || Begin {
            agent,
            now_ms: now_ms(),
            until_ms: 0,
            command: String::new(),
            scope: Scope::whole(),
            password: None,
            ca: None,
            egress: self.egress.apart(),
        })?;
        self.begin_counting(session.id, session.since_ms);
        Some(session)
    }

    /// A fake token was seen where it must never go.
    fn alarm(&self, session: &Session, presented: &Presented, method: &str, host: &str) {
        let mut record = session.record(Outcome::Alarm);
        record.method = method.chars().take(32).collect();
        host.clone_into(&mut record.host);
        record.why = format!("a fake token for {} was sent there", presented.provider);
        // It is refused in any case; a journal that is full must not turn that into something else.
        if let Err(error) = self.journal().write(record) {
            tracing::warn!(%error, "an alarm could not be written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn the_first_segment_names_the_provider_and_the_rest_goes_on() {
        for (all, id, rest) in [
            ("/openai/v1/models?x=1", "openai", "/v1/models?x=1"),
            ("/openai", "openai", "/"),
            ("/openai?x=1", "openai", "/?x=1"),
            ("/", "", "/"),
            ("//v1", "", "/v1"),
        ] {
            assert_eq!(split(all), (id, rest.to_owned()), "{all}");
        }
    }
}
