//! Finds credentials in a stream of bytes, in any encoding, and puts the agent's own fake token in
//! their place.
//!
//! What is found, for each credential of 8 bytes to 16 KiB:
//!
//! - any run of 12 bytes of its text, and of its base64 (standard and URL-safe, in each of the
//!   three alignments, padded or not); shorter credentials only as a whole;
//! - any run of 8 bytes of it in hex, whatever the case, and of 8 characters in UTF-16;
//! - base64 of its base64, of its JSON text and of its percent-encoded text;
//! - all of these in any mixture of plain characters and escapes: percent, `+` for space, JSON and
//!   other backslash escapes, HTML entities; and escapes within escapes, while one character takes
//!   no more than 256 bytes of the stream.
//!
//! Invariants: the output does not depend on how the stream was cut into chunks; no run as above is
//! ever emitted; what is held back is no more than what could be the beginning of one; bytes that
//! are part of no run pass unchanged and at once; memory is bounded whatever comes.
//!
//! A run that the fake token itself contains (the `sk-ant-api03-` of a shape) is public: alone it
//! passes, beside more of the credential it goes with it.
//!
//! A credential that itself contains escapes of several kinds side by side is found as it stands and
//! in every single encoding, but not surely where some of its own escapes are escaped again.
//!
//! The limit, which is also printed for people: nothing here can recognise what a host *computes*
//! from a credential (ciphertext, a hash, the text reversed, its upper case, base32, bytes with
//! separators between them). What stops such a host is the list of hosts and paths of the secret.
//!
//! Deliberately not here: compression (the broker decodes it first), HTTP, and any decision.

#![forbid(unsafe_code)]

mod entities;
mod forms;
mod patterns;
mod stream;
mod unescape;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use strongroom_secret::SecretBytes;
use thiserror::Error;

pub use stream::Stream;

use patterns::Patterns;

/// The shortest credential, in bytes, that can be told from ordinary text.
pub const MIN_LEN: usize = 8;
/// The longest credential, in bytes; no header field takes a longer one.
pub const MAX_LEN: usize = 16 * 1024;
/// The most credentials at once.
pub const MAX_SECRETS: usize = 1024;

/// Why a credential cannot be scrubbed, and so must not be lent to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ScrubError {
    /// Fewer than [`MIN_LEN`] bytes, an escape in it counted as the one character it stands for.
    #[error(
        "the credential is shorter than 8 characters: it could not be told from other text in an answer; use a longer one"
    )]
    TooShort,
    /// More than [`MAX_LEN`] bytes.
    #[error("the credential is longer than 16 KiB, and no header takes it; use a shorter one")]
    TooLong,
    /// More than [`MAX_SECRETS`].
    #[error("more than 1,024 credentials in one session; divide its work among several agents")]
    TooMany,
}

/// The credentials to look for and what replaces each. Immutable; made once for the leases of a
/// session and shared, for making it costs about as much as scrubbing a megabyte.
///
/// What it holds of the credentials is wiped when it is dropped.
pub struct Scrubber {
    patterns: Patterns,
    fakes: Vec<String>,
}

impl Scrubber {
    /// Looks for each credential, to be replaced by the fake token beside it.
    pub fn new(secrets: &[(&SecretBytes, &str)]) -> Result<Self, ScrubError> {
        if secrets.len() > MAX_SECRETS {
            return Err(ScrubError::TooMany);
        }
        let mut fakes: Vec<String> = Vec::new();
        let mut owned = Vec::with_capacity(secrets.len());
        for (secret, fake) in secrets {
            let owner = fakes.iter().position(|known| known == fake).unwrap_or_else(|| {
                fakes.push((*fake).to_owned());
                fakes.len() - 1
            });
            owned.push((*secret, owner));
        }
        let patterns = Patterns::new(&owned, &fakes)?;
        Ok(Self { patterns, fakes })
    }

    /// A stream to scrub, from its first byte.
    pub fn stream(self: &Arc<Self>) -> Stream {
        Stream::new(Arc::clone(self))
    }

    /// Scrubs bytes that are all there: a header, the text of a status.
    pub fn once<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let mut out = Vec::new();
        if stream::whole(self, bytes, &mut out) { Cow::Owned(out) } else { Cow::Borrowed(bytes) }
    }

    /// Whether the name of a header shows a credential, which HTTP then writes in lower case.
    pub fn is_in_name(&self, name: &str) -> bool {
        self.patterns.is_in_name(name.as_bytes())
    }

    /// Whether any credential, or a run of one that may not be shown, is in these bytes.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        stream::whole(self, bytes, &mut Vec::new())
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrubber").field("fakes", &self.fakes.len()).finish_non_exhaustive()
    }
}
