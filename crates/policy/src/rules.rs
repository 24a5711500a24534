//! Whether a rule is about a request.
//!
//! Invariants: what allows must match exactly, in everything; what denies or asks also binds other
//! spellings of the same path, requests of a program that the system could not tell, and requests
//! that name another capability, so that an agent cannot step around it.

use data_encoding::HEXLOWER;

use crate::agent::{AgentPolicy, Effect, ProcessRule, Rule};
use crate::decide::{Asked, Process};
use crate::provider::{Provider, WEB, any_path};
use crate::why::Why;

/// How a rule and a request meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// The rule decides.
    Decides,
    /// The rule does not decide, but whichever does, a person is asked.
    Binds(Miss),
    /// The rule is about something else.
    Misses(Miss),
}

/// The first thing in which a rule is about something else; the later, the nearer it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Miss {
    Provider,
    Host,
    Port,
    Method,
    Path,
    Token,
    Capability,
    Process,
}

impl Miss {
    /// The reason to give when no rule came nearer.
    pub(crate) fn why(self) -> Why {
        match self {
            Self::Token => Why::TokenMissing,
            Self::Capability => Why::Capability,
            Self::Process => Why::Process,
            _ => Why::NoRule,
        }
    }

    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Provider => "Its provider or capability does not exist.",
            Self::Host => "It is for other hosts.",
            Self::Port => "It is for other ports.",
            Self::Method => "It is for other methods.",
            Self::Path => "It is for other paths.",
            Self::Token => "The request does not carry the token of its provider.",
            Self::Capability => "The request names another capability.",
            Self::Process => "It is for another program.",
        }
    }
}

/// How `rule` of `policy` and `asked` meet.
pub(crate) fn meet(rule: &Rule, policy: &AgentPolicy, asked: &Asked<'_>) -> Meeting {
    let about = About { rule, provider: policy.provider(&rule.provider), asked };
    match rule.effect {
        Effect::Deny => match about.place(true).and_then(|()| about.process(true)) {
            Ok(()) => Meeting::Decides,
            Err(miss) => Meeting::Misses(miss),
        },
        Effect::Allow => match about.exactly() {
            Ok(()) => Meeting::Decides,
            Err(miss) => Meeting::Misses(miss),
        },
        Effect::Ask => match (about.exactly(), about.loosely()) {
            (Ok(()), _) => Meeting::Decides,
            (Err(miss), Ok(())) => Meeting::Binds(miss),
            (Err(miss), Err(_)) => Meeting::Misses(miss),
        },
    }
}

struct About<'a> {
    rule: &'a Rule,
    provider: Option<&'a Provider>,
    asked: &'a Asked<'a>,
}

impl About<'_> {
    fn exactly(&self) -> Result<(), Miss> {
        self.place(false)?;
        self.token()?;
        self.capability()?;
        self.process(false)
    }

    fn loosely(&self) -> Result<(), Miss> {
        self.place(true)?;
        self.token()?;
        self.process(true)
    }

    fn place(&self, loosely: bool) -> Result<(), Miss> {
        let (rule, asked) = (self.rule, self.asked);
        match self.provider {
            Some(provider) if !provider.has_host(&asked.target.host) => return Err(Miss::Host),
            Some(provider) if !provider.ports.contains(&asked.target.port) => {
                return Err(Miss::Port);
            }
            None if rule.provider != WEB => return Err(Miss::Provider),
            _ => {}
        }
        if let Some(id) = &rule.capability {
            let capability = self.provider.and_then(|provider| provider.capability(id));
            let contains = capability.ok_or(Miss::Provider)?.contains(asked, loosely);
            return if contains { Ok(()) } else { Err(Miss::Path) };
        }
        if !rule.hosts.iter().any(|host| host.matches(&asked.target.host)) {
            return Err(Miss::Host);
        }
        if !rule.ports.contains(&asked.target.port) {
            return Err(Miss::Port);
        }
        if !rule.methods.contains(asked.method) {
            return Err(Miss::Method);
        }
        if any_path(&rule.paths, asked.path, loosely) { Ok(()) } else { Err(Miss::Path) }
    }

    /// A credential goes only where its provider's token was; another provider's token, nowhere.
    fn token(&self) -> Result<(), Miss> {
        let holds = match self.asked.provider {
            Some(provider) => provider == self.rule.provider,
            None => self.rule.secrets.is_empty(),
        };
        if holds { Ok(()) } else { Err(Miss::Token) }
    }

    fn capability(&self) -> Result<(), Miss> {
        let Some(wanted) = self.asked.capability else { return Ok(()) };
        let named = |id: &str| {
            let provider = self.provider?;
            provider.capability(id).map(|capability| capability.id.as_str())
        };
        let given = self.rule.capability.as_deref().and_then(named);
        if given.is_some() && given == named(wanted) { Ok(()) } else { Err(Miss::Capability) }
    }

    fn process(&self, loosely: bool) -> Result<(), Miss> {
        let Some(program) = &self.rule.process else { return Ok(()) };
        let holds = match self.asked.process {
            Some(process) => is_program(program, process, loosely),
            None => loosely,
        };
        if holds { Ok(()) } else { Err(Miss::Process) }
    }
}

/// Whether the process runs the program; a hash that the system could not tell counts `loosely`.
fn is_program(program: &ProcessRule, process: &Process, loosely: bool) -> bool {
    let path = program.path.as_ref().is_none_or(|path| *path == process.path);
    let hash = program.sha256.as_ref().is_none_or(|wanted| {
        process.sha256.as_ref().map_or(loosely, |is| *wanted == HEXLOWER.encode(is))
    });
    let named = program.path.is_some() || program.sha256.is_some();
    path && hash && (named || loosely)
}
