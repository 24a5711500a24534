//! The audit log: what is asked of it and what it answers.
//!
//! Deliberately not here: what a single entry proves ([`proof`]) and what happened ([`kind`]).

mod kind;
mod proof;
mod witness;

use serde::{Deserialize, Serialize};

use super::{Millis, PrincipalView};

pub use kind::AuditKind;
pub use proof::{
    AnchorView, AuditBad, AuditCompared, AuditEntry, AuditField, AuditProof, AuditStep,
    AuditStepId, AuditVerified, NewLogView,
};
pub use witness::{WitnessSeen, WitnessView};

/// Who says that something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum AuditLevel {
    /// The key of whoever acted.
    Signed,
    /// The server.
    Seen,
    /// The chain, whose links and commits the log repeats.
    Derived,
    /// Nobody: it claims more than it can show.
    Doubtful,
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

/// What to look for. An empty list means all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditQuery {
    /// Who says so.
    pub levels: Vec<AuditLevel>,
    /// What happened.
    pub kinds: Vec<AuditKind>,
    /// Ids of whoever acted; an empty text stands for nobody who proved an identity.
    pub who: Vec<String>,
    /// Ids of environments.
    pub envs: Vec<String>,
    /// Secrets.
    pub secrets: Vec<AuditSecretRef>,
    /// How it ended.
    pub outcomes: Vec<AuditOutcome>,
    /// Words that all have to be found.
    pub text: String,
    /// Not before.
    pub from: Option<Millis>,
    /// Before, and not at.
    pub to: Option<Millis>,
    /// Leaves out the routine of clients that only look for news.
    pub quiet: bool,
}

/// A secret in its environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditSecretRef {
    /// The environment.
    pub env_id: String,
    /// The secret.
    pub secret_id: String,
}

/// What was found. The rows themselves are asked for page by page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditAnswer {
    /// Names this answer; the eight newest are kept.
    pub id: u32,
    /// How many entries were looked at.
    pub total: u32,
    /// How many fit.
    pub matched: u32,
    /// How long that took, in microseconds.
    pub took_micros: u32,
    /// What else could be chosen.
    pub facets: AuditFacets,
    /// When they happened.
    pub timeline: AuditTimeline,
    /// How far the log is read.
    pub state: AuditState,
}

/// How far the log is read on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditState {
    /// False: this user may not read the log.
    pub readable: bool,
    /// Entries that were read and are what the log's key signed.
    pub size: u64,
    /// It is being read.
    pub reading: bool,
    /// Entries read so far, while it is being read.
    pub read_so_far: u64,
    /// Entries that the server has, while it is being read.
    pub to_read: u64,
    /// When the newest signed size was read to its end.
    pub settled_at: Option<Millis>,
    /// Entries before this one were retired.
    pub base: u64,
    /// Memory of the index, in bytes.
    pub index_bytes: u64,
}

/// What can be chosen, with how many entries each choice has. The counts of a group leave out the
/// group's own choice, so that another one can be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditFacets {
    /// By who says so.
    pub levels: Vec<LevelFacet>,
    /// By what happened.
    pub kinds: Vec<KindFacet>,
    /// By who acted.
    pub who: Vec<WhoFacet>,
    /// By environment.
    pub envs: Vec<EnvFacet>,
    /// By secret.
    pub secrets: Vec<SecretFacet>,
    /// By how it ended.
    pub outcomes: Vec<OutcomeFacet>,
}

/// One level and its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct LevelFacet {
    /// Which.
    pub level: AuditLevel,
    /// How many.
    pub count: u32,
}

/// One kind and its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct KindFacet {
    /// Which.
    pub kind: AuditKind,
    /// Its word, in the past tense.
    pub verb: String,
    /// Who can say so.
    pub level: AuditLevel,
    /// How many.
    pub count: u32,
}

/// One actor and its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct WhoFacet {
    /// Who; none where nobody proved an identity.
    pub who: Option<PrincipalView>,
    /// How many.
    pub count: u32,
    /// It left, or was ended.
    pub gone: bool,
}

/// One environment and its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct EnvFacet {
    /// Which.
    pub env_id: String,
    /// Application and environment.
    pub place: String,
    /// The chain does not have it.
    pub gone: bool,
    /// How many.
    pub count: u32,
}

/// One secret and its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SecretFacet {
    /// Its environment.
    pub env_id: String,
    /// Which.
    pub secret_id: String,
    /// Its name, or the beginning of its id.
    pub name: String,
    /// The name is known here.
    pub known: bool,
    /// How many.
    pub count: u32,
}

/// One way to end and its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct OutcomeFacet {
    /// Which.
    pub outcome: AuditOutcome,
    /// How many.
    pub count: u32,
}

/// When it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditTimeline {
    /// Where the first bar begins.
    pub from: Millis,
    /// Where the last one ends.
    pub to: Millis,
    /// The bars, oldest first.
    pub bars: Vec<AuditBar>,
}

/// One bar: how many entries of each level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditBar {
    /// Where it begins.
    pub from: Millis,
    /// Signed by the actor.
    pub signed: u32,
    /// Seen by the server.
    pub seen: u32,
    /// Derived from the chain.
    pub derived: u32,
    /// Doubtful.
    pub doubtful: u32,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// Its place in the log.
    pub entry: u64,
    /// When, by the server's clock.
    pub at: Millis,
    /// Who says so.
    pub level: AuditLevel,
    /// What is wrong with it.
    pub flaw: Option<AuditFlaw>,
    /// Who acted; none where nobody proved an identity.
    pub who: Option<PrincipalView>,
    /// Whoever acted left, or was ended.
    pub gone: bool,
    /// The agent that it was done for.
    pub agent: Option<PrincipalView>,
    /// What happened.
    pub kind: AuditKind,
    /// Its word, in the past tense.
    pub verb: String,
    /// It was refused.
    pub refused: bool,
    /// The secret it is about, or the beginning of its id.
    pub name: Option<String>,
    /// The name is known here.
    pub name_known: bool,
    /// What else it is about, in words.
    pub object: String,
    /// Application and environment.
    pub place: Option<String>,
    /// Where the request came from, as the server saw it.
    pub peer: String,
    /// The device that the client named; empty where it named none.
    pub device: String,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum AuditFlaw {
    /// Entries of the same actor and device are missing before it.
    Gap,
    /// It claims more than it can show.
    Doubtful,
}

/// A filter under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SavedView {
    /// Which.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The filter.
    pub query: AuditQuery,
    /// It comes with the program.
    pub built_in: bool,
}

/// How the log is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum AuditFormat {
    /// Comma-separated values.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Common Event Format, for log collectors.
    Cef,
    /// Evidence that can be checked without this program.
    Bundle,
}
