//! Why a request does not go: a code for programs, a sentence for the agent and for a person.
//!
//! Invariant: a sentence says what to do next, and holds nothing that came from the request.

use std::fmt;

/// The reason of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No rule matches.
    NoRule,
    /// A rule denies it.
    DeniedByRule,
    /// A rule would match, but the request carries no fake token of its provider.
    TokenMissing,
    /// The token is for a provider that is not at this host. The broker raises an alarm.
    WrongHost,
    /// The token or the rule names a provider that does not exist.
    UnknownProvider,
    /// A rule would match for another program.
    Process,
    /// No rule has the capability that the agent chose and matches.
    Capability,
    /// The host is spoken to only over TLS.
    Plain,
    /// The session was started for less.
    Scope,
    /// The rule has ended.
    Expired,
    /// The rule was used as often as it may be.
    UsedUp,
    /// Too many requests in a short time.
    TooFast {
        /// In how many milliseconds one more may go.
        retry_after_ms: u64,
    },
    /// The session's or the rule's requests or bytes are spent.
    Budget,
    /// The session has lasted as long as it may.
    SessionOver,
    /// The rule wants a reason.
    ReasonMissing,
    /// The secret's own policy does not allow it.
    SecretPolicy(SecretDenial),
}

/// What a secret's own policy does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretDenial {
    /// The secret has no policy, so it goes nowhere.
    NoPolicy,
    /// The host.
    Host,
    /// The port.
    Port,
    /// The method.
    Method,
    /// The path.
    Path,
    /// Without TLS.
    Plain,
    /// The answer would be a credential.
    Mints,
    /// It has ended.
    Expired,
    /// It was used as often as it may be.
    UsedUp,
    /// Too fast.
    TooFast {
        /// In how many milliseconds one more may go.
        retry_after_ms: u64,
    },
}

impl Why {
    /// The reason as a code, in kebab case: what an agent's error carries.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRule => "no-rule",
            Self::DeniedByRule => "denied-by-rule",
            Self::TokenMissing => "token-missing",
            Self::WrongHost => "wrong-host",
            Self::UnknownProvider => "unknown-provider",
            Self::Process => "process",
            Self::Capability => "capability",
            Self::Plain => "plain",
            Self::Scope => "scope",
            Self::Expired => "expired",
            Self::UsedUp => "used-up",
            Self::TooFast { .. } => "too-fast",
            Self::Budget => "budget",
            Self::SessionOver => "session-over",
            Self::ReasonMissing => "reason-missing",
            Self::SecretPolicy(denial) => denial.code(),
        }
    }

    /// In how many milliseconds the same request may go, if waiting helps.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::TooFast { retry_after_ms }
            | Self::SecretPolicy(SecretDenial::TooFast { retry_after_ms }) => Some(*retry_after_ms),
            _ => None,
        }
    }
}

impl SecretDenial {
    fn code(self) -> &'static str {
        match self {
            Self::NoPolicy => "secret-no-policy",
            Self::Host => "secret-host",
            Self::Port => "secret-port",
            Self::Method => "secret-method",
            Self::Path => "secret-path",
            Self::Plain => "secret-plain",
            Self::Mints => "secret-mints",
            Self::Expired => "secret-expired",
            Self::UsedUp => "secret-used-up",
            Self::TooFast { .. } => "secret-too-fast",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRule => {
                "No rule of this agent allows this request. Ask for access at /-/access, or have a rule added."
            }
            Self::DeniedByRule => "A rule of this agent denies this request.",
            Self::TokenMissing => {
                "A rule would allow this request with the provider's token. Send the token that the environment holds."
            }
            Self::WrongHost => {
                "This token belongs to another provider and works only there. Use the token of the provider that is called."
            }
            Self::UnknownProvider => {
                "There is no such provider. Use one that /-/me lists, or have it defined in the agent's policy."
            }
            Self::Process => {
                "The rule for this request is for another program. Run that program, or have the rule changed."
            }
            Self::Capability => {
                "No rule of this agent gives the named capability for this request. Use one that /-/me lists."
            }
            Self::Plain => "This host is spoken to only over TLS. Use https.",
            Self::Scope => {
                "This session was started for less than this. Start another session that includes it."
            }
            Self::Expired => "The rule for this request has ended. Have it extended.",
            Self::UsedUp => "The rule for this request was used as often as it may be. Have it extended.",
            Self::TooFast { .. } => "Too many requests in a short time. Wait and try again.",
            Self::Budget => {
                "The requests or bytes of this session or rule are spent. Start another session, or have the limit raised."
            }
            Self::SessionOver => "This session has lasted as long as it may. Start another one.",
            Self::ReasonMissing => {
                "The rule for this request wants a reason. Say it in the header x-strongroom-reason."
            }
            Self::SecretPolicy(denial) => return denial.fmt(f),
        })
    }
}

impl fmt::Display for SecretDenial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPolicy => {
                "The credential says of no place that it may go there. Have its own policy written."
            }
            Self::Host => "The credential may not go to this host. Have its own policy changed.",
            Self::Port => "The credential may not go to this port. Have its own policy changed.",
            Self::Method => {
                "The credential may not be used with this method. Have its own policy changed."
            }
            Self::Path => "The credential may not be used on this path. Have its own policy changed.",
            Self::Plain => "The credential goes only over TLS. Use https.",
            Self::Mints => {
                "The answer would be another live credential, so the request is not sent."
            }
            Self::Expired => {
                "The credential's own policy has ended. Have it extended, or the credential replaced."
            }
            Self::UsedUp => {
                "The credential was used as often as it may be. Have its own policy changed."
            }
            Self::TooFast { .. } => "The credential was used too often in a short time. Wait and try again.",
        })
    }
}
