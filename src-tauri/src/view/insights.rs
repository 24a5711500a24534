//! What deserves a look, in words, each with one thing to do about it.

use serde::{Deserialize, Serialize};

use super::{AuditQuery, Millis, PrincipalView};

/// What was found, and on what it rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct InsightsView {
    /// When it was worked out.
    pub at: Millis,
    /// The log was read to its end. Before that nothing is said that rests on it.
    pub complete: bool,
    /// False: this user may not read the log.
    pub readable: bool,
    /// Findings, the most pressing first.
    pub findings: Vec<Insight>,
    /// Those that are dismissed for now.
    pub dismissed: Vec<Insight>,
    /// What was looked at.
    pub looked: InsightsLooked,
    /// Uses and refusals.
    pub charts: InsightCharts,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct InsightsLooked {
    /// Entries of the log.
    pub entries: u32,
    /// Of those, how many are not to be believed and count for nothing.
    pub doubtful: u32,
    /// The time of the oldest entry.
    pub from: Option<Millis>,
    /// Secrets.
    pub secrets: u32,
    /// People and tokens that may read something.
    pub holders: u32,
    /// Living tokens.
    pub tokens: u32,
    /// Environments whose values' ages this computer cannot see.
    pub unseen: u32,
}

/// The last 30 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct InsightCharts {
    /// By day, oldest first.
    pub days: Vec<InsightDay>,
    /// Uses by day of the week, Monday first, and hour of the day.
    pub hours: Vec<Vec<u32>>,
}

/// One day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct InsightDay {
    /// When it begins.
    pub day: Millis,
    /// Uses that a client signed.
    pub uses: u32,
    /// Refusals that the server saw.
    pub refused: u32,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct Insight {
    /// Names it, to dismiss it.
    pub id: String,
    /// What kind it is.
    pub kind: InsightKind,
    /// How much it asks for.
    pub severity: InsightSeverity,
    /// What was found, without names.
    pub title: String,
    /// The numbers, and who says so.
    pub detail: String,
    /// Whom it is about.
    pub who: Option<PrincipalView>,
    /// Where.
    pub place: Option<String>,
    /// The first names of the secrets it is about.
    pub names: Vec<String>,
    /// How many more there are.
    pub more: u32,
    /// An address, as the server saw it.
    pub address: Option<String>,
    /// The newest time that it speaks of; the end of a token lies ahead.
    pub at: Option<Millis>,
    /// The one thing to do.
    pub action: InsightAction,
}

/// What kind a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum InsightKind {
    /// Nobody used a secret for long.
    Unused,
    /// A value in use is old.
    Stale,
    /// A first value is old.
    NeverRotated,
    /// Data keys are held and not used.
    OverGranted,
    /// A token ends soon, or has ended and still asks.
    Expiring,
    /// Somebody used something in production for the first time.
    FirstReader,
    /// Uses at unusual hours.
    OffHours,
    /// Many values at once.
    MassReveal,
    /// Many refusals from one address.
    RefusedByAddress,
    /// A decoy was used.
    DecoyTouched,
    /// A leaver's values are not replaced.
    LeaverQueue,
}

/// How much a finding asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum InsightSeverity {
    /// Something is to be done.
    Act,
    /// Somebody should look.
    Look,
    /// Good to know.
    Know,
}

/// The one thing to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct InsightAction {
    /// What the button says.
    pub label: String,
    /// Where it leads.
    pub go: InsightPlace,
    /// What the log is asked there.
    pub query: Option<AuditQuery>,
    /// Which environment.
    pub env_id: Option<String>,
    /// Which secret in it.
    pub secret_id: Option<String>,
    /// Who.
    pub principal_id: Option<String>,
}

/// Where an action leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum InsightPlace {
    /// The log, filtered to the entries that it rests on.
    Audit,
    /// The matrix.
    Access,
    /// The tokens.
    Tokens,
    /// An offboarding.
    Offboard,
    /// An environment.
    Environment,
}

/// Whether a secret is a decoy on this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct DecoyView {
    /// Since when; none if it is not.
    pub since: Option<Millis>,
    /// This user reads the log, and so would be told of a use.
    pub told: bool,
}

/// Which clock days and hours are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReaderClock {
    /// Minutes east of UTC.
    pub utc_offset: i32,
}
