//! Reading the whole audit log, page by page, and keeping what it says.

use std::sync::Arc;

use strongroom_core::log::{Against, AuditCopy, Facts, LogError};
use strongroom_core::replica::Replica;
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::id::OrgId;
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::AuditPin;
use strongroom_format::wire::EventsAnswer;

use super::error::{Stop, StopKind, VaultError};
use super::session::{Notice, Session, TaskKind, hold};
use super::sync::{Contradiction, short};
use crate::api::ApiError;
use crate::cache::CacheError;

/// After how many pages a long reading is kept, so that a crash does not begin it anew.
const KEEP_EVERY: usize = 64;

impl Session {
    /// Reads what is new in the audit log of the organisation in front; every entry is hashed, and
    /// the whole must be what the log's key signed. False for who may not read the log.
    pub async fn pull_log(&self) -> Result<bool, VaultError> {
        let org = self.current()?;
        let read = self.read_log(org).await?;
        self.tell(Notice::Status);
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
        let held = hold(&self.audits).get(&org).and_then(|audit| audit.log.clone());
        if held.is_some() {
            return Ok(held);
        }
        let kept = self.kept_log(org)?.map(Arc::new);
        hold(&self.audits).entry(org).or_default().log.clone_from(&kept);
        Ok(kept)
    }

    pub(super) async fn read_log(&self, org: OrgId) -> Result<bool, VaultError> {
        let _reading = self.reading.lock().await;
        let task = self.begin(TaskKind::Verify, 1);
        let (replica, _) = self.copy_to_change(org)?;
        let mut copy = self.log_to_continue(org, &replica)?;
        let me = replica.principal();
        let (device, told) = self.look_at_acts(org, |acts| (acts.device(), acts.acknowledged()))?;
        for pages in 1.. {
            let pinned = self.copy_to_change(org)?.0.audit().size;
            let page = match self.api.audit_events(&org, copy.size()).await {
                Ok(page) => page,
                Err(ApiError::Refused { status: 403, .. }) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            // Links may have come since; an act of their authors is judged by them.
            let (replica, _) = self.copy_to_change(org)?;
            let pin = *replica.audit();
            let stated = stated(&replica, &page)?;
            let read_before = copy.size();
            let note = page.checkpoint.clone();
            if stated.size < pinned {
                return Err(self.contradicted(org, &copy, &LogError::Shorter, &note));
            }
            let (done, result) = read_page(copy, replica, pin, stated, page).await?;
            copy = done;
            if let Err(error) = result {
                return Err(self.contradicted(org, &copy, &error, &note));
            }
            if copy.size() == stated.size && stated.size >= pin.size {
                let written = copy.actor(me, device).map_or(0, |head| head.seq);
                if written < told {
                    return Err(self.contradicted(org, &copy, &LogError::Lost, &note));
                }
                return self.settle_log(org, copy, stated, &note).await.map(|()| true);
            }
            if copy.size() == read_before {
                return Err(ApiError::Garbage.into());
            }
            let share = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            task.part(share(copy.size()), share(stated.size))?;
            if pages % KEEP_EVERY == 0 {
                self.keep_log(org, &copy)?;
            }
        }
        Ok(false)
    }

    /// Takes a copy in whose root is the one that was signed, if that continues the pinned state.
    async fn settle_log(
        &self,
        org: OrgId,
        mut copy: AuditCopy,
        checkpoint: Checkpoint,
        note: &str,
    ) -> Result<(), VaultError> {
        let (mut replica, _) = self.copy_to_change(org)?;
        // Signature, origin, and that it continues what was pinned meanwhile.
        let pinned = replica.audit_note().as_bytes().to_vec();
        match self.check_audit(&mut replica, note).await {
            Err(VaultError::Stopped(stop)) => {
                let (stop, shown) = (*stop, note.as_bytes().to_vec());
                let found = Contradiction { stop, env: None, verified: pinned, shown };
                return Err(self.stop(&replica, found));
            }
            checked => checked?,
        }
        if let Err(error) = copy.settle(checkpoint, note) {
            return Err(self.contradicted(org, &copy, &error, note));
        }
        self.keep_log(org, &copy)?;
        hold(&self.audits).entry(org).or_default().log = Some(Arc::new(copy));
        Ok(())
    }

    /// The log is not the one that was signed: nothing of it is kept, and nothing more is written.
    fn contradicted(
        &self,
        org: OrgId,
        copy: &AuditCopy,
        error: &LogError,
        note: &str,
    ) -> VaultError {
        let size = copy.size();
        let place = format!("audit entry {size}");
        let replica = match self.copy_to_change(org) {
            Ok((replica, _)) => replica,
            Err(error) => return error,
        };
        let (pinned, verified) = (short(&replica.audit().root), replica.audit_note().to_owned());
        let kind = match error {
            LogError::Forked { .. } => StopKind::Fork,
            LogError::Shorter => StopKind::Rollback,
            LogError::Decode(_) | LogError::Foreign | LogError::Lost => StopKind::Invalid,
        };
        let stop = Stop { kind, place, pinned, shown: short(&copy.root()) };
        let (verified, shown) = (verified.into_bytes(), note.as_bytes().to_vec());
        // The next reading begins at entry 0. What cannot be removed now is refused again then.
        let _ = self.cache.remove(&log_name(org));
        hold(&self.audits).entry(org).or_default().log = None;
        self.stop(&replica, Contradiction { stop, env: None, verified, shown })
    }

    /// The copy to go on with: the kept one, unless an owner accepted a new tree since.
    fn log_to_continue(&self, org: OrgId, replica: &Replica) -> Result<AuditCopy, VaultError> {
        let reset = replica.state().audit_reset();
        let held = hold(&self.audits).get(&org).and_then(|audit| audit.log.clone());
        let kept = match held {
            Some(copy) => Some(AuditCopy::clone(&copy)),
            None => self.kept_log(org)?,
        };
        let fits = |copy: &AuditCopy| copy.reset() == reset;
        Ok(kept.filter(fits).unwrap_or_else(|| AuditCopy::new(reset)))
    }

    fn kept_log(&self, org: OrgId) -> Result<Option<AuditCopy>, VaultError> {
        let bytes = match self.cache.get(&log_name(org)) {
            Ok(bytes) => bytes,
            Err(CacheError::Missing | CacheError::Broken) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (replica, _) = self.copy_to_change(org)?;
        let vkey = *replica.state().audit_vkey();
        Ok(bytes.lend(|bytes| AuditCopy::decode(org, &vkey, bytes)).ok())
    }

    fn keep_log(&self, org: OrgId, copy: &AuditCopy) -> Result<(), VaultError> {
        Ok(self.cache.put(&log_name(org), &copy.encode(), &mut OsEntropy)?)
    }
}

/// The size and root that an answer states; its signature is checked before anything is settled.
fn stated(replica: &Replica, page: &EventsAnswer) -> Result<Checkpoint, ApiError> {
    let state = replica.state();
    let (org, reset, vkey) = (state.org(), state.audit_reset(), state.audit_vkey());
    let parsed = Checkpoint::parse(&page.checkpoint, &org, reset, vkey);
    parsed.map(|(checkpoint, _)| checkpoint).map_err(|_| ApiError::Garbage)
}

/// Hashes a page, up to the checkpoint that came with it: what lies behind comes again.
async fn read_page(
    mut copy: AuditCopy,
    replica: Replica,
    pin: AuditPin,
    stated: Checkpoint,
    page: EventsAnswer,
) -> Result<(AuditCopy, Result<(), LogError>), VaultError> {
    let read = move || {
        let against = Against::new(replica.state(), &pin);
        for event in &page.events {
            if copy.size() >= stated.size {
                break;
            }
            if let Err(error) = copy.read(&against, &event.0) {
                return (copy, Err(error));
            }
        }
        (copy, Ok(()))
    };
    Ok(tokio::task::spawn_blocking(read).await?)
}

fn log_name(org: OrgId) -> String {
    format!("log-{org}")
}
