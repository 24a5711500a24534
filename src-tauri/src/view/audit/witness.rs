//! Whoever else signs the heads of the log.

use serde::Serialize;

use super::Millis;

/// The witness that this organisation asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct WitnessView {
    /// Its address.
    pub url: String,
    /// Its name, from its verifier key.
    pub name: String,
    /// Its verifier key, which is public.
    pub vkey: String,
    /// The newest head that it signed.
    pub last: Option<WitnessSeen>,
    /// Why it did not sign the newest one.
    pub problem: Option<String>,
}

/// A head that a witness signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct WitnessSeen {
    /// When, by its clock.
    pub at: Millis,
    /// Of which size.
    pub size: u64,
}
