//! What would become of a request. Nothing is sent.

use serde::{Deserialize, Serialize};

use super::RuleEffect;

/// A request that somebody thinks of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimulatedRequest {
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The path of the executable that asks.
    pub process: Option<String>,
    /// The agent's words.
    pub reason: Option<String>,
}

/// What would become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SimulationView {
    /// In one word.
    pub decision: RuleEffect,
    /// The position of the rule that decides, from 0; none where no rule is about it.
    pub rule: Option<u32>,
    /// Its name.
    pub rule_name: Option<String>,
    /// What the request would do, in a sentence.
    pub sentence: String,
    /// Why, in a sentence.
    pub why: String,
    /// The rules up to the one that decides, and whether each is about this request.
    pub steps: Vec<SimulationStep>,
    /// The name of the credential that it would use.
    pub uses: Option<String>,
}

/// What one rule says to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SimulationStep {
    /// Its position, from 0.
    pub rule: u32,
    /// Its name.
    pub name: String,
    /// It is about this request.
    pub matched: bool,
    /// Why, or why not.
    pub why: String,
}
