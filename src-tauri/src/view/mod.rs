//! What crosses the border to the web view: types out end in `View` or `Row` and are only ever
//! serialized, types in are only ever parsed.
//!
//! Invariants: nothing outside [`secure`] can hold the value of a secret, a passphrase or a key;
//! `tests/acl.rs` reads the generated bindings and refuses any field that could. Times are
//! milliseconds since 1970, ids are texts, and both ends spell names in camelCase.

mod access;
mod agents;
mod app;
mod audit;
mod env;
mod import;
mod insights;
mod members;
mod offboard;
mod org;
mod rotation;
mod secret;
pub mod secure;
mod server;
mod settings;
mod staged;
mod status;
mod tokens;
mod trust;

pub use access::{
    AccessAxes, AccessCell, AccessChange, AccessColumn, AccessExplain, AccessReview, AccessRow,
    AccessStaged, AccessTile, Because, CellState, DecryptedAt, ExplainState, FetchedAt, ReviewAct,
    ReviewKind, ReviewLine, ReviewPerson, StagedCell, WhoRow, WhoSubject, WhoView,
};
pub use agents::{
    AccessAsk, AgentName, AgentRow, AgentSecretRef, AgentSession, AgentState, AgentsView, AlarmRow,
    AlikeView, AuthSpec, BrokerState, BrokerView, CapabilityView, FakeTokenRow, HeldRow,
    LiveDecision, LivePage, LiveRow, OnLock, PolicySpec, ProcessSpec, ProviderSpec, ProviderView,
    RateSpec, RuleEffect, RuleSpec, SecretPolicySpec, SecretPolicyView, SentencePart, SentenceView,
    SimulatedRequest, SimulationStep, SimulationView,
};
pub use app::{AppView, KeyringState, LockReason, LockView, Phase, VaultView, WaitingView};
pub use audit::{
    AnchorView, AuditAnswer, AuditBad, AuditBar, AuditCompared, AuditEntry, AuditFacets,
    AuditField, AuditFlaw, AuditFormat, AuditKind, AuditLevel, AuditOutcome, AuditProof,
    AuditQuery, AuditRow, AuditSecretRef, AuditState, AuditStep, AuditStepId, AuditTimeline,
    AuditVerified, EnvFacet, KindFacet, LevelFacet, NewLogView, OutcomeFacet, SavedView,
    SecretFacet, WhoFacet, WitnessSeen, WitnessView,
};
pub use env::{EnvClass, EnvRowView, EnvView, NewEnvironment};
pub use import::{ImportIssue, ImportIssueKind, ImportOp, ImportReport, ImportRow};
pub use insights::{
    DecoyView, Insight, InsightAction, InsightCharts, InsightDay, InsightKind, InsightPlace,
    InsightSeverity, InsightsLooked, InsightsView, ReaderClock,
};
pub use members::{
    GrantSpec, InviteRow, InviteState, KeyResetView, LeftRow, MemberRow, MembersView,
    OffboardState, PendingAction, PendingKind, PendingRow, PrincipalKind, PrincipalView,
    SignedView, SignedWhat, Trust,
};
pub use offboard::{
    CertificateState, OffboardCounts, OffboardRevoke, OffboardRow, OffboardRows, OffboardSecret,
    OffboardTab, OffboardView, SecretRef, UseKind,
};
pub use org::{AppRowView, OrgRowView, OrgView, PersonView, Role};
pub use rotation::{RotationRow, RotationState, RotationsView};
pub use secret::{
    PaletteHit, PaletteView, ReaderRow, RowsQuery, RowsView, SecretDetail, SecretKind, SecretRow,
    SortKey, VersionRow,
};
pub use server::{BrowserSignIn, IssuerView, Registration, ServerView};
pub use settings::{RowHeight, SettingsView, Theme};
pub use staged::{
    CommitOutcome, ConflictRow, Keep, StagedOp, StagedRow, StagedSummary, StagedWhat,
};
pub use status::{
    CopyView, ProgressKind, ProgressView, StatusView, StopCode, StopView, VerifyState,
};
pub use tokens::{TokenFinding, TokenRow, TokenScope, TokenScopeSpec, TokensView};
pub use trust::{AuditTrust, CommitTrust, DrillRow, HeadsCompared, HolderRow, TrustView};

/// Milliseconds since 1970-01-01 UTC, as the web view's clock counts them.
pub type Millis = i64;

/// A half-open range of UTF-16 units, as the web view indexes text.
pub type Span = (u32, u32);
