//! Formats of an older secrets service, so that its published clients work unchanged: tokens
//! (`skt_`), wrapped data keys (`wd1`), sealed values (`sc1`).
//!
//! Invariants: base64url without padding, canonical; one error for everything that does not open;
//! the private half of a token, data keys and values are wiped.
//!
//! Deliberately not here: any trust. A `wd1` names neither its environment nor its sender, an `sc1`
//! no version, and a token is its own private key: see `tests/original.rs`. So they carry values on
//! one machine, between the gateway of the broker and a client beside it, and no native object is
//! ever read from them.

#![forbid(unsafe_code)]

mod aead;
mod blob;
mod dek;
mod recipient;
mod sealed;
mod token;

use thiserror::Error;

pub use dek::Dek;
pub use recipient::Recipient;
pub use token::{Minted, Token, TokenHash, TokenId};

/// Why something in the old formats was not made or not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LegacyError {
    /// The prefix is of another kind or of a version that came later.
    #[error("this is not a blob of the expected kind and version")]
    Version,
    /// Segments are missing, too many, empty, or not canonical base64url.
    #[error("the blob is damaged")]
    Malformed,
    /// Not `skt_<id>_<key>`, or the key is none of P-256. Copy the token again, all of it.
    #[error("this is not a token of the old kind: copy it again, all of it")]
    Token,
    /// Not a public key of P-256.
    #[error("this is not a public key of P-256")]
    Recipient,
    /// Wrong key, wrong place or changed bytes: which of them is not said.
    #[error("the blob does not open with this key in this place")]
    Closed,
    /// The old clients hold values as text; this one is not UTF-8.
    #[error("the value is not text, and clients of the old kind hold only text")]
    NotText,
    /// An environment's id with a slash would let two places share one binding.
    #[error("an environment's id must be written without a slash")]
    Environment,
    /// The source gave no random bytes, or the same ones again and again.
    #[error("the system gave no randomness")]
    Randomness,
}

/// Fills `out` from the caller's source of random bytes.
fn random<E, const N: usize>(
    fill: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<[u8; N], LegacyError> {
    let mut bytes = [0; N];
    fill(&mut bytes).map_err(|_| LegacyError::Randomness)?;
    Ok(bytes)
}
