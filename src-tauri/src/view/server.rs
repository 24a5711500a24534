//! A team server, as it describes itself. Its text is inert.

use serde::Serialize;

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    /// The address asked.
    pub address: String,
    /// The version it claims.
    pub version: String,
    /// Who may make an account there.
    pub registration: Registration,
    /// Providers one can sign in with.
    pub issuers: Vec<IssuerView>,
}

/// Who may make an account on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum Registration {
    /// Anybody.
    Open,
    /// Whoever was invited.
    Invited,
    /// Nobody.
    Closed,
}

/// A provider one can sign in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct IssuerView {
    /// Its name.
    pub name: String,
    /// Its address.
    pub issuer: String,
}

/// How a sign-in through the browser ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct BrowserSignIn {
    /// This identity has an account there: restore it with the Emergency Kit. Otherwise make one.
    pub known: bool,
}
