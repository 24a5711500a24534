//! Windows around agents: approve, new fake token, operator code.

use serde::Serialize;

use super::{SecureFrame, Shown};
use crate::view::HeldRow;

/// The window that takes a person's word on a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApproveContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The request; none if it waits no more and no other does.
    pub held: Option<HeldRow>,
    /// Why it waits no more, in one word of `strongroom-control`, or `answered`.
    pub how: Option<String>,
    /// Its place among those that wait, from 1.
    pub at: u32,
    /// How many wait.
    pub of: u32,
    /// For how many minutes a task is allowed, unless a person says otherwise.
    pub minutes: u32,
    /// For how many requests.
    pub count: u32,
    /// For which paths.
    pub pattern: String,
}

/// What became of a person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnsweredView {
    /// In one word: `taken`, `tooLate`, `unknown`, `badTask`.
    pub what: &'static str,
    /// How many seconds too late.
    pub seconds: u64,
}

/// The window that shows a new fake token, once.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FakeTokenContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The agent's name.
    pub agent: String,
    /// The provider's name.
    pub provider: String,
    /// The fake token.
    pub fake: Shown,
    /// What the agent's environment needs, a line for each variable.
    pub variables: Shown,
    /// Another one stopped working in its favour.
    pub replaced: bool,
}

/// The window that shows the operator code.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorContext {
    /// Words and colours.
    #[serde(flatten)]
    pub frame: SecureFrame,
    /// The code.
    pub code: Shown,
}
