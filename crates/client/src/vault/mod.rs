//! What the ports mean together: create, unlock, sync, write, lock.
//!
//! Order of work, always: verify, then pin, then open, then show. A [`Session`] is one unlocked
//! vault; dropping it wipes its keys. Deliberately not here: how anything looks (the desktop's
//! views), and what is allowed (`strongroom-chain`).

mod create;
mod error;
mod evidence;
mod import;
mod org;
mod sample;
mod session;
mod sync;
mod task;
mod unlock;
mod write;

pub use create::Creation;
pub use error::{Stop, StopKind, VaultError};
pub use evidence::Evidence;
pub use import::ImportRun;
pub use org::{EnvSummary, OpenOrg, Resolution};
pub use sample::{SAMPLE_PASSPHRASE, create_sample};
pub use session::{Notice, Progress, Session, Standing, TaskKind};
pub use task::Task;
pub use unlock::{SecretKeySource, unlock};
pub use write::Committed;
