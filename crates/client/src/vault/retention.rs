//! Letting old entries of the audit log go, by an owner's word in the chain.

use strongroom_core::log::index::Index;
use strongroom_core::team::{Intent, OldEntries};
use strongroom_format::statement::{RETENTION_STEP, Role};

use super::error::VaultError;
use super::propose::{Note, Proposal};
use super::session::Session;

impl Session {
    /// Plans to let the entries go that are all older than `before_ms`, in whole steps of 1,024.
    /// Their hashes stay, so that everything behind them can still be proven. The log is read first.
    /// [`VaultError::NothingToSign`] where there is no whole step to let go.
    pub async fn propose_retention(&self, before_ms: u64) -> Result<Proposal, VaultError> {
        let org = self.current()?;
        let (replica, _) = self.copy_to_change(org)?;
        if replica.state().role(&self.user()) != Some(Role::Owner) {
            return Err(VaultError::NotAllowed);
        }
        self.pull_log().await?;
        let state = replica.state();
        let found = self.with_log(|log| old_entries(log.index, before_ms))?.flatten();
        let (size, newest_ms) = found
            .filter(|(size, _)| *size > state.audit_retained().size)
            .ok_or(VaultError::NothingToSign)?;
        let root = self.root_read(org, state.audit_reset(), size).ok_or(VaultError::NotFound)?;
        let intent = Intent::AuditRetention(OldEntries { size, root, newest_ms });
        self.propose_upon(org, replica, intent, Note::default()).await
    }
}

/// The largest whole number of steps whose entries are all older than `before_ms`, and the time of
/// the newest of them. Clocks of servers are set back at times, so the first younger entry counts.
fn old_entries(index: &Index, before_ms: u64) -> Option<(u64, u64)> {
    let times = (0..index.len()).map_while(|row| Some(index.row(row)?.at_ms));
    let old = times.take_while(|at_ms| *at_ms < before_ms).count() as u64;
    let size = (index.base() + old) / RETENTION_STEP * RETENTION_STEP;
    let rows = u32::try_from(size.checked_sub(index.base())?).ok()?;
    let newest = (0..rows).filter_map(|row| Some(index.row(row)?.at_ms)).max()?;
    Some((size, newest))
}
