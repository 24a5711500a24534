//! Agents: who they are, what they do now, and what waits for a person.

mod live;
mod policy;
mod simulation;

use serde::Serialize;

use super::{Millis, PersonView};

pub use live::{LiveDecision, LivePage, LiveRow};
pub use policy::{
    AgentName, AgentSecretRef, AuthSpec, CapabilityView, OnLock, PolicySpec, ProcessSpec,
    ProviderSpec, ProviderView, RateSpec, RuleEffect, RuleSpec, SecretPolicySpec, SecretPolicyView,
};
pub use simulation::{SimulatedRequest, SimulationStep, SimulationView};

/// The page of agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AgentsView {
    /// The process that holds credentials while agents use them.
    pub broker: BrokerView,
    /// This user may make, change and end agents.
    pub can_manage: bool,
    /// This user.
    pub me: PersonView,
    /// All agents, those that live first.
    pub agents: Vec<AgentRow>,
    /// Requests that wait for a person, the oldest first.
    pub held: Vec<HeldRow>,
    /// What agents asked access for.
    pub asks: Vec<AccessAsk>,
    /// Fake tokens that were seen where they must never go.
    pub alarms: Vec<AlarmRow>,
    /// Who can answer for an agent.
    pub people: Vec<PersonView>,
}

/// The broker, as far as this window knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct BrokerView {
    /// How it is.
    pub state: BrokerState,
    /// Where agents reach it, as `127.0.0.1:7411`.
    pub address: Option<String>,
    /// Why it is not running, in words.
    pub why: Option<String>,
}

/// How the broker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum BrokerState {
    /// Nobody needs it.
    Off,
    /// It was started and has not answered yet.
    Starting,
    /// Agents can use it.
    Running,
    /// It waits for the vault.
    Locked,
    /// A person stopped everything.
    Stopped,
    /// It could not be started, or died.
    Failed,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AgentRow {
    /// The agent.
    pub id: String,
    /// Its name in the directory.
    pub name: String,
    /// The person who answers for it.
    pub responsible: PersonView,
    /// How it is.
    pub state: AgentState,
    /// Why it is broken or ended, in words.
    pub why: Option<String>,
    /// What runs now.
    pub sessions: Vec<AgentSession>,
    /// Requests in the session with the most, so that they can be held against its limit.
    pub calls: u64,
    /// The most requests of one session.
    pub calls_limit: Option<u64>,
    /// Bytes in the session with the most.
    pub bytes: u64,
    /// The most bytes of one session.
    pub bytes_limit: Option<u64>,
    /// How many of its requests wait for a person.
    pub held: u32,
    /// When it ends by itself.
    pub ends_at: Option<Millis>,
    /// When it was made.
    pub issued_at: Millis,
    /// The link that made it, or changed it last.
    pub link: u32,
    /// What it may do. Empty where it cannot be read.
    pub policy: PolicySpec,
    /// Its standing fake tokens on this computer, the newest first.
    pub tokens: Vec<FakeTokenRow>,
}

/// How an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub enum AgentState {
    /// It has a session.
    Running,
    /// It could have one.
    Idle,
    /// A person stopped it, or everything.
    Stopped,
    /// It was ended, or its time is over.
    Ended,
    /// Its policy is not the one that was signed, so it may do nothing.
    Broken,
}

/// A session of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AgentSession {
    /// Its number in this run of the broker.
    pub id: String,
    /// Since when.
    pub since: Millis,
    /// The command that runs in it; none for whoever uses a standing fake token.
    pub process: Option<String>,
    /// Requests so far.
    pub calls: u64,
    /// Bytes so far.
    pub bytes: u64,
    /// It waits for the vault.
    pub paused: bool,
}

/// A standing fake token, without its text, which nobody keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct FakeTokenRow {
    /// Its number on this computer.
    pub id: String,
    /// For which provider.
    pub provider: String,
    /// When it was made.
    pub made_at: Millis,
    /// When this computer last saw it used.
    pub last_use: Option<Millis>,
    /// When it ends.
    pub ends_at: Option<Millis>,
}

/// A request that waits for a person. It is answered in the approve window only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct HeldRow {
    /// Its number in this run of the broker.
    pub id: u64,
    /// Which agent asks.
    pub agent_id: String,
    /// Its name.
    pub agent: String,
    /// What it would do.
    pub sentence: SentenceView,
    /// What else is known of it, the agent's own words among it.
    pub detail: Option<String>,
    /// The method.
    pub method: String,
    /// Host and port.
    pub host: String,
    /// The path.
    pub path: String,
    /// The name of the credential that it would use.
    pub uses: Option<String>,
    /// Application and environment of that.
    pub place: Option<String>,
    /// The process that asks, as the system knows it.
    pub process: Option<String>,
    /// The person who answers for the agent.
    pub responsible: PersonView,
    /// The rule that wants a person's word.
    pub rule: String,
    /// When it began to wait.
    pub asked_at: Millis,
    /// When no answer means no.
    pub ends_at: Millis,
    /// Similar ones today.
    pub alike: AlikeView,
}

/// Similar requests that were allowed today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AlikeView {
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last: Option<Millis>,
}

/// A sentence of which some parts stand out. Parts that do not are the program's own words; what an
/// agent wrote stands in quotes in either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SentenceView {
    /// In order.
    pub parts: Vec<SentencePart>,
}

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct SentencePart {
    /// Its words.
    pub text: String,
    /// It came with the request, and is shown apart.
    pub strong: bool,
}

/// An agent asks for access that it lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AccessAsk {
    /// Its number in this run of the program.
    pub id: String,
    /// Which agent.
    pub agent_id: String,
    /// Its name.
    pub agent: String,
    /// To which provider.
    pub provider: String,
    /// In the agent's own words.
    pub reason: String,
    /// When.
    pub at: Millis,
}

/// A fake token was seen where it must never go. The real credential did not leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "camelCase")]
pub struct AlarmRow {
    /// Its number in this run of the program.
    pub id: String,
    /// When.
    pub at: Millis,
    /// Whose token.
    pub agent_id: String,
    /// That agent's name.
    pub agent: String,
    /// Where it was seen.
    pub host: String,
    /// What was wrong with it, in words.
    pub why: String,
}
