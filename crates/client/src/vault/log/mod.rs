//! The audit log on this computer: read page by page, checked, kept sealed, and searched.

mod calls;
mod export;
mod keep;
mod look;
mod names;
mod read;
mod verify;

pub use export::ExportFormat;
pub use look::{Answer, EntryShown, LogStanding, LogView, RootMatch, RootShown};
pub use names::LogNames;
pub use verify::{BadEntry, LogVerified, Step, StepKind};

use std::sync::Arc;

use strongroom_core::log::{AuditCopy, Facts, LogError};
use strongroom_format::id::OrgId;

use super::error::{Stop, StopKind, VaultError};
use super::session::{Notice, Session, hold};
use super::sync::{Contradiction, short};
use read::Reading;

pub(super) use keep::Kept;

impl Session {
    /// Reads what is new in the audit log of the organisation in front; every entry is hashed, and
    /// the whole must be what the log's key signed. False for who may not read the log.
    pub async fn pull_log(&self) -> Result<bool, VaultError> {
        let org = self.current()?;
        let before = self.audit_copy()?.map(|copy| copy.size());
        let read = self.read_log(org).await?;
        let after = self.audit_copy()?.map(|copy| copy.size());
        hold(&self.audits).entry(org).or_default().kept.refused = !read;
        if before != after {
            self.tell(Notice::Log);
            self.tell(Notice::Status);
        }
        Ok(read)
    }

    /// What the audit log says, as far as it was read; `None` before the first reading, or for who
    /// may not read it.
    pub fn facts<R>(&self, look: impl FnOnce(&Facts) -> R) -> Result<Option<R>, VaultError> {
        let copy = self.audit_copy()?;
        Ok(copy.as_deref().and_then(AuditCopy::facts).map(look))
    }

    /// The copy of the audit log of the organisation in front.
    pub fn audit_copy(&self) -> Result<Option<Arc<AuditCopy>>, VaultError> {
        let org = self.current()?;
        self.copy_of_log(org)
    }

    fn copy_of_log(&self, org: OrgId) -> Result<Option<Arc<AuditCopy>>, VaultError> {
        let held = hold(&self.audits).get(&org).and_then(|audit| audit.log.clone());
        if held.is_some() {
            return Ok(held);
        }
        let kept = self.kept_log(org)?.map(Arc::new);
        hold(&self.audits).entry(org).or_default().log.clone_from(&kept);
        Ok(kept)
    }

    /// The log is not the one that was signed: what was read of it since it was last settled is
    /// dropped, and nothing more is written.
    async fn contradicted(
        &self,
        org: OrgId,
        reading: &Reading,
        error: &LogError,
        note: &str,
    ) -> VaultError {
        let size = reading.copy.size();
        let entry = match error {
            LogError::Forked { size } => self.first_bad(org, reading, *size).await,
            LogError::Decode(_) | LogError::Foreign => Some(size),
            LogError::Shorter | LogError::Lost | LogError::Ahead => None,
        };
        let place = match entry {
            Some(entry) => format!("audit entry {entry}"),
            None => format!("audit log of {size} entries"),
        };
        let bad = BadEntry { entry, why: error.to_string() };
        hold(&self.audits).entry(org).or_default().kept.bad = Some(bad);
        let replica = match self.copy_to_change(org) {
            Ok((replica, _)) => replica,
            Err(error) => return error,
        };
        let (pinned, verified) = (short(&replica.audit().root), replica.audit_note().to_owned());
        let kind = match error {
            LogError::Forked { .. } => StopKind::Fork,
            LogError::Shorter => StopKind::Rollback,
            LogError::Decode(_) | LogError::Foreign | LogError::Lost | LogError::Ahead => {
                StopKind::Invalid
            }
        };
        let stop = Stop { kind, place, pinned, shown: short(&reading.copy.root()) };
        let (verified, shown) = (verified.into_bytes(), note.as_bytes().to_vec());
        self.go_back_to_settled(org);
        self.stop(&replica, Contradiction { stop, env: None, verified, shown })
    }
}
