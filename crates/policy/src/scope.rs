//! What a session may at most do, below what its agent may.
//!
//! Invariants: a scope allows nothing by itself, it only takes away; narrowing keeps every earlier
//! bound, so the narrowed scope is never wider; an empty list of grants allows nothing.

use serde::{Deserialize, Serialize};

use crate::agent::AgentPolicy;
use crate::decide::Asked;
use crate::provider::{Provider, any_path};
use crate::target::{Method, PathPattern};

/// The bounds of a session: a request must be within every one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    bounds: Vec<Vec<Grant>>,
}

/// A provider, and which of its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The provider's id.
    pub provider: String,
    /// Which calls.
    pub calls: Granted,
}

/// Which calls of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Granted {
    /// All that the policy allows.
    All,
    /// Those of a capability.
    Capability {
        /// Its id.
        id: String,
    },
    /// These methods on these paths.
    Calls {
        /// The methods.
        methods: Vec<Method>,
        /// The paths.
        paths: Vec<PathPattern>,
    },
}

impl Scope {
    /// Takes nothing away: all that the policy allows.
    pub fn whole() -> Self {
        Self { bounds: Vec::new() }
    }

    /// Only `grants`.
    pub fn only(grants: Vec<Grant>) -> Self {
        Self { bounds: vec![grants] }
    }

    /// This scope within `other`: what both allow.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        let bounds = other.bounds.iter().chain(&self.bounds).cloned().collect();
        Self { bounds }
    }

    /// Whether a request that a rule for `provider` allows is within every bound.
    pub fn allows(&self, policy: &AgentPolicy, provider: &str, asked: &Asked<'_>) -> bool {
        let holds = |grant: &Grant| {
            grant.provider == provider && grant.calls.contain(policy.provider(provider), asked)
        };
        self.bounds.iter().all(|grants| grants.iter().any(holds))
    }
}

impl Granted {
    fn contain(&self, provider: Option<&Provider>, asked: &Asked<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Capability { id } => {
                let capability = provider.and_then(|provider| provider.capability(id));
                capability.is_some_and(|capability| capability.contains(asked, false))
            }
            Self::Calls { methods, paths } => {
                methods.contains(asked.method) && any_path(paths, asked.path, false)
            }
        }
    }
}
