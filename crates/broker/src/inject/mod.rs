//! Writes a credential into a request, as its own policy says and no request can.

mod hidden;
pub mod oauth2;
mod plain;
pub mod sigv4;

use thiserror::Error;

pub use hidden::hidden;
pub use oauth2::Refreshed;
pub use plain::{headers_of, into_header, into_path};

/// Why a credential does not fit. Nothing left.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InjectError {
    /// It holds bytes that no header carries.
    #[error(
        "the secret holds characters that no header can carry; check that it is the key itself"
    )]
    NotForAHeader,
    /// It is not in the form that the provider's way of signing needs.
    #[error("the secret is not in the form that this provider needs: {0}")]
    Form(&'static str),
    /// The policy's template is none.
    #[error("the secret's policy has no place for the credential in its header; edit the policy")]
    Template,
    /// The agent's request cannot be signed.
    #[error("the request cannot be signed for this provider: {0}")]
    Unsignable(&'static str),
    /// The provider gave no new access token.
    #[error("the provider gave no access token: {0}")]
    Refresh(String),
}
