//! Why a call to the server gave nothing, with next to nothing of what the server said.

use std::fmt;
use std::io::{self, ErrorKind};

use thiserror::Error;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApiError {
    /// The server could not be reached, or the line went dead or too slow on the way.
    #[error("the server cannot be reached")]
    Offline,
    /// The server's certificate was refused, or it does not speak TLS.
    #[error("no trusted connection to the server")]
    Tls,
    /// The server understood and said no.
    #[error("the server refused ({status}, {code})")]
    Refused {
        /// The HTTP status, 400 to 599.
        status: u16,
        /// The server's own code.
        code: ServerCode,
    },
    /// The server answered something that is not the protocol.
    #[error("the server's answer is not the protocol")]
    Garbage,
    /// The server sent more than the protocol allows; it was not read to its end.
    #[error("the server's answer is larger than {limit} bytes")]
    AnswerTooLarge {
        /// The cap, in bytes.
        limit: usize,
    },
    /// What was to be sent is larger than the protocol allows; nothing was sent.
    #[error("the request is larger than {limit} bytes")]
    RequestTooLarge {
        /// The cap, in bytes.
        limit: usize,
    },
    /// Nobody is signed in: the vault is locked.
    #[error("nobody is signed in")]
    SignedOut,
    /// This system cannot make connections.
    #[error("this system cannot make connections")]
    Unsupported,
}

impl ApiError {
    /// Whether the server itself said no with this code.
    pub fn is(&self, code: &str) -> bool {
        matches!(self, Self::Refused { code: c, .. } if c.as_str() == code)
    }

    /// Whether the server says there is no such thing, or not for this person.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether a compare-and-set was lost: sync, rebase, try again.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { status: 409, .. })
    }
}

/// The code of a refusal: at most 64 of `a-z 0-9 -`, so that it is inert wherever it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCode(String);

impl ServerCode {
    const MAX: usize = 64;
    const UNREADABLE: &'static str = "unreadable";

    /// Takes a code as it came. One that is not a code reads as `unreadable`.
    pub(super) fn from_server(text: &str) -> Self {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_code = !text.is_empty() && text.len() <= Self::MAX && text.bytes().all(plain);
        Self(if is_code { text } else { Self::UNREADABLE }.to_owned())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What reqwest says, as what it means to a person.
pub(super) fn of_transport(e: &reqwest::Error) -> ApiError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(e);
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return ApiError::Tls;
        }
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return ApiError::Garbage; // not HTTP
        }
        cause = match error.downcast_ref::<io::Error>() {
            Some(e) if matches!(e.kind(), ErrorKind::InvalidInput) => return ApiError::Garbage,
            // What an io::Error wraps is not its `source`: that skips one.
            Some(e) => e.get_ref().map(|inner| inner as _),
            None => error.source(),
        };
    }
    ApiError::Offline
}
