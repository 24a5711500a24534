//! Why a request got no answer.

use std::io;

use rustls::CertificateError;

/// Why a request got no answer. Names no address inside a network and holds nothing of the request.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// Plain HTTP, and the secret's policy does not admit it.
    #[error(
        "{host} is asked for over plain HTTP; only a secret's policy for private hosts admits that"
    )]
    Plain {
        /// Which host.
        host: String,
    },
    /// The host has no address.
    #[error("{host} could not be looked up; check the name and this computer's network")]
    Lookup {
        /// Which host.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// Every address of the host is one that is refused.
    #[error(
        "{host} leads to {kind}, which is refused; a secret's policy can admit a private host by name"
    )]
    Address {
        /// Which host.
        host: String,
        /// The kind of the first address found.
        kind: &'static str,
    },
    /// Nobody takes connections there.
    #[error("{host} takes no connection")]
    Connect {
        /// Which host.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// A part of the way took longer than allowed.
    #[error("{host} took too long: {stage}")]
    Slow {
        /// Which host.
        host: String,
        /// At what.
        stage: Stage,
    },
    /// The certificate is for another name.
    #[error("the certificate that {host} shows is for another name")]
    Name {
        /// Which host.
        host: String,
    },
    /// Nobody trusted vouches for the certificate.
    #[error("no trusted authority vouches for the certificate of {host}")]
    Untrusted {
        /// Which host.
        host: String,
    },
    /// The certificate is no longer valid, or not yet.
    #[error("the certificate of {host} is out of date, or this computer's clock is")]
    Expired {
        /// Which host.
        host: String,
    },
    /// TLS failed otherwise.
    #[error("{host} could not be spoken to over TLS")]
    Tls {
        /// Which host.
        host: String,
        /// What went wrong.
        source: io::Error,
    },
    /// TLS could not be set up on this computer.
    #[error("TLS could not be set up")]
    Setup(#[from] rustls::Error),
    /// The CA in the secret's policy is none.
    #[error("the authority in the secret's policy is no certificate in PEM; correct the policy")]
    Authority,
    /// The connection ended before the answer did.
    #[error("{host} ended the connection before its answer was complete")]
    Closed {
        /// Which host.
        host: String,
        /// What went wrong.
        source: hyper::Error,
    },
    /// What came is not HTTP, or its head is too large.
    #[error("{host} answered with something that is not HTTP, or too large a head")]
    Malformed {
        /// Which host.
        host: String,
        /// What went wrong.
        source: hyper::Error,
    },
    /// The agent's own body broke off, or another fault on this side.
    #[error("the request for {host} broke off on this side")]
    Request {
        /// Which host.
        host: String,
        /// What went wrong.
        source: hyper::Error,
    },
    /// The host wants to speak another protocol.
    #[error("{host} wants to switch to another protocol, which is refused")]
    Upgrade {
        /// Which host.
        host: String,
    },
    /// The request cannot be put as it is.
    #[error("the request for {host} cannot be written down as HTTP")]
    Unwritable {
        /// Which host.
        host: String,
    },
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Looking the host up.
    Lookup,
    /// Connecting, TLS included.
    Connect,
    /// The head of the answer.
    Head,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lookup => "it could not be looked up in time",
            Self::Connect => "no connection stood in time",
            Self::Head => "its answer did not begin in time",
        })
    }
}

impl EgressError {
    /// The error for programs, as agents see it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "upstream-plain",
            Self::Lookup { .. } => "upstream-lookup",
            Self::Address { .. } => "upstream-address",
            Self::Connect { .. } => "upstream-connect",
            Self::Slow { .. } => "upstream-slow",
            Self::Name { .. } | Self::Untrusted { .. } | Self::Expired { .. } => {
                "upstream-certificate"
            }
            Self::Tls { .. } | Self::Setup(_) => "upstream-tls",
            Self::Authority => "upstream-authority",
            Self::Closed { .. } => "upstream-closed",
            Self::Malformed { .. } => "upstream-malformed",
            Self::Request { .. } | Self::Unwritable { .. } => "request-broken",
            Self::Upgrade { .. } => "upstream-upgrade",
        }
    }

    /// Whether anything of the request may have left this computer.
    pub fn may_have_left(&self) -> bool {
        matches!(
            self,
            Self::Slow { stage: Stage::Head, .. }
                | Self::Closed { .. }
                | Self::Malformed { .. }
                | Self::Request { .. }
                | Self::Upgrade { .. }
        )
    }

    /// What a failed TLS handshake means.
    pub(super) fn of_handshake(host: String, error: io::Error) -> Self {
        let Some(rustls::Error::InvalidCertificate(wrong)) =
            error.get_ref().and_then(|inner| inner.downcast_ref())
        else {
            return Self::Tls { host, source: error };
        };
        match wrong {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::Name { host }
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::Expired { host },
            _ => Self::Untrusted { host },
        }
    }

    /// What a failed exchange means.
    pub(super) fn of_exchange(host: String, error: hyper::Error) -> Self {
        if error.is_parse() || error.is_parse_too_large() || error.is_parse_status() {
            return Self::Malformed { host, source: error };
        }
        if error.is_user() {
            return Self::Request { host, source: error };
        }
        Self::Closed { host, source: error }
    }
}
