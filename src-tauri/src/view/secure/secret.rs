//! Windows around one secret, and the one that asks before something is destroyed.

use serde::Serialize;

use super::{SecureFrame, Shown};
use crate::view::{EnvClass, Millis};

/// The window that shows one value for a few seconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevealContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The name of the secret.
    pub name: String,
    /// Application and environment.
    pub path: String,
    /// What the environment is for.
    pub class: EnvClass,
    /// The version shown.
    pub version: u32,
    /// Who signed it.
    pub by: String,
    /// When.
    pub at: Millis,
    /// How long the window stays.
    pub seconds: u32,
    /// The value.
    pub value: Shown,
}

/// The window in which a value is typed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EditContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// There is no signed version yet.
    pub is_new: bool,
    /// The name of the secret; empty for a new one.
    pub name: String,
    /// Application and environment.
    pub path: String,
    /// What the environment is for.
    pub class: EnvClass,
    /// The version that the change becomes.
    pub next_version: u32,
    /// The note.
    pub note: String,
}

/// The window that asks before something is destroyed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The question.
    pub title: String,
    /// What it would do.
    pub text: String,
    /// What has to be typed.
    pub typed: String,
    /// The word on the button.
    pub action: String,
}
