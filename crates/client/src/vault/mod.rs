//! What the ports mean together: create, unlock, sync, write, lock.
//!
//! Order of work, always: verify, then pin, then open, then show. A [`Session`] is one unlocked
//! vault; dropping it wipes its keys. Deliberately not here: how anything looks (the desktop's
//! views), and what is allowed (`strongroom-chain`).

mod acts;
mod create;
mod error;
mod evidence;
mod import;
mod kit;
mod log;
mod org;
mod sample;
mod session;
mod stage;
mod sync;
mod task;
mod unlock;
mod write;

pub use create::Creation;
pub use error::{Stop, StopKind, VaultError};
pub use evidence::Evidence;
pub use import::ImportRun;
pub use kit::{Kit, head_code};
pub use org::{EnvSummary, OpenOrg, Resolution};
pub use sample::{SAMPLE_PASSPHRASE, create_sample};
pub use session::{Host, Notice, Progress, Session, Standing, TaskKind};
pub use stage::generate_value;
pub use strongroom_core::log::Use;
pub use strongroom_crypto::safe::Profile as Cost;
pub use task::Task;
pub use unlock::{SecretKeySource, unlock};
pub use write::Committed;
