//! What the ports mean together: create, unlock, sync, write, lock.
//!
//! Order of work, always: verify, then pin, then open, then show. A [`Session`] is one unlocked
//! vault; dropping it wipes its keys. Deliberately not here: how anything looks (the desktop's
//! views), and what is allowed (`strongroom-chain`).

mod access;
mod account;
mod acts;
mod agents;
mod anchor;
mod audit_reset;
mod book;
mod create;
mod error;
mod evidence;
mod fakes;
mod fetch;
mod follow;
mod import;
mod insights;
mod invites;
mod join;
mod kit;
mod log;
mod members;
mod offboard;
mod org;
mod propose;
mod receipts;
mod restore;
mod retention;
mod rotate;
mod sample;
mod sample_agents;
mod sample_team;
mod session;
mod signed;
mod stage;
mod sync;
mod task;
#[cfg(test)]
mod tests;
mod trust;
mod unlock;
mod views;
mod watch;
mod witness;
mod write;

pub use access::{AccessAxes, AccessStaged, AccessTile};
pub use agents::AgentUse;
pub use anchor::AnchorSeen;
pub use audit_reset::NewLogSeen;
pub use create::Creation;
pub use error::{Stop, StopKind, VaultError};
pub use evidence::Evidence;
pub use fakes::{KeptFake, MAX_FAKES};
pub use import::ImportRun;
pub use insights::InsightsShown;
pub use invites::InviteShown;
pub use join::{JoinLook, Joining, Waiting, look, read_code};
pub use kit::{Kit, head_code};
pub use log::{
    Answer, BadEntry, EntryShown, ExportFormat, LogNames, LogStanding, LogVerified, LogView,
    RootMatch, RootShown, Step, StepKind,
};
pub use members::{InviteInfo, MemberInfo, Trust};
pub use offboard::{Missing, OffboardInfo, OffboardState, OffboardValue, WrittenCertificate};
pub use org::{EnvSummary, OpenOrg, Resolution};
pub use propose::{Note, Once, Proposal, Signed, TokenOnce};
pub use restore::Restore;
pub use rotate::Rotated;
pub use sample::{SAMPLE_PASSPHRASE, create_sample};
pub use session::{Host, Notice, Progress, Session, Standing, TaskKind};
pub use stage::generate_value;
pub use strongroom_core::agents::{AgentEntry, AgentSecret, Broken};
pub use strongroom_core::log::Use;
pub use strongroom_crypto::safe::Profile as Cost;
pub use task::Task;
pub use trust::{AuditTrust, CommitTrust, HeadMatch, TrustFacts, short_code};
pub use unlock::{SecretKeySource, unlock};
pub use views::{KeptView, MAX_VIEW, MAX_VIEW_NAME, MAX_VIEWS};
pub use witness::{WitnessError, WitnessProblem, WitnessShown};
pub use write::Committed;
