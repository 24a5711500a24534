//! Acts: what a person did with values on this computer, signed at once and sent at the next sync.
//!
//! They wait sealed beside the drafts, so that they outlive a lock, a crash and a plane. What cannot
//! be noted is not shown: a full disk must not be a way around the audit log.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_core::draft::StagedChange;
use strongroom_core::log::{Acts, AuditCopy, Use};
use strongroom_core::replica::Replica;
use strongroom_crypto::safe::{OsEntropy, entropy};
use strongroom_format::event::{Detail, EventKind};
use strongroom_format::id::{DeviceId, EnvId, OrgId, SecretId};
use strongroom_format::wire::ActPage;
use strongroom_secret::SecretBytes;

use super::error::VaultError;
use super::log::Kept;
use super::org::OpenOrg;
use super::session::{Session, hold};
use crate::cache::CacheError;

/// What this computer keeps of the audit logs of one vault, by organisation.
pub(super) type Audits = BTreeMap<OrgId, Audit>;

/// What this computer keeps of one audit log.
#[derive(Debug, Default)]
pub(super) struct Audit {
    pub(super) acts: Option<Acts>,
    /// Everything read of the log; `None` until it is asked for.
    pub(super) log: Option<Arc<AuditCopy>>,
    /// What is searched of it.
    pub(super) kept: Kept,
}

impl Session {
    /// Opens one value for a use, which is noted first.
    pub fn open_value(
        &self,
        env: EnvId,
        secret: &SecretId,
        what: Use,
    ) -> Result<Arc<SecretBytes>, VaultError> {
        self.note(what, env, &[*secret])?;
        self.with(|org| org.value(env, secret))
    }

    /// Notes what this person does with values of the organisation in front. That a version is
    /// opened is noted once on this computer; the use itself every time. What is only staged belongs
    /// to nobody else yet, and is not noted.
    pub fn note(&self, what: Use, env: EnvId, secrets: &[SecretId]) -> Result<(), VaultError> {
        self.with(|org| {
            let versions = signed_versions(org, env, secrets);
            if versions.is_empty() {
                return Ok(());
            }
            let me = Arc::clone(org.replica.me());
            let state = org.replica.state();
            self.change_acts(state.org(), |acts| {
                for (secret, version) in &versions {
                    let detail = Detail { env, secret: *secret, version: *version, ..NOTHING };
                    acts.push_opened(&me, state, env, *secret, *version);
                    if what != Use::Decrypted {
                        acts.push(&me, state, what.kind(), detail);
                    }
                }
            })
        })
    }

    /// Signs acts about secrets of the organisation in front that are not uses of a value.
    pub(super) fn note_acts(&self, kind: EventKind, details: &[Detail]) -> Result<(), VaultError> {
        self.with(|org| {
            let me = Arc::clone(org.replica.me());
            let state = org.replica.state();
            self.change_acts(state.org(), |acts| {
                for detail in details {
                    acts.push(&me, state, kind, *detail);
                }
            })
        })
    }

    /// How many acts of the organisation in front the server has not written down yet.
    pub fn acts_waiting(&self) -> Result<usize, VaultError> {
        let org = self.current()?;
        self.look_at_acts(org, |acts| acts.waiting().len())
    }

    /// Sends what waits. The caller holds the gate.
    pub(super) async fn send_acts(&self, org: OrgId) -> Result<(), VaultError> {
        let mut realigned = false;
        loop {
            let acts = self.look_at_acts(org, |acts| acts.page().to_vec())?;
            let count = acts.len();
            if count == 0 {
                return Ok(());
            }
            match self.api.report_acts(&org, &ActPage { acts: acts.clone() }).await {
                Ok(receipt) => {
                    // First what was promised: if this computer ends here, the acts go again, and
                    // the log knows them already.
                    self.keep_receipt(org, acts, &receipt)?;
                    self.change_acts(org, |acts| acts.sent(count))?;
                }
                Err(error) if does_not_fit(&error) && !realigned => {
                    realigned = true;
                    self.realign_acts(org).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The server refused where this computer would go on: an answer was lost, a disk restored, or
    /// keys were replaced. The log says where it stands.
    async fn realign_acts(&self, org: OrgId) -> Result<(), VaultError> {
        self.read_log(org).await?;
        let log = hold(&self.audits).get(&org).and_then(|audit| audit.log.clone());
        let orgs = hold(&self.orgs);
        let opened = orgs.all.get(&org).ok_or(VaultError::NotFound)?;
        let (me, state) = (opened.replica.me(), opened.replica.state());
        let fresh = new_device()?;
        self.change_acts(org, |acts| {
            let logged = log.and_then(|log| log.actor(me.principal, acts.device()).copied());
            acts.realign(me, state, logged.as_ref(), fresh);
        })
    }

    /// Where an owner gave up the log that this computer's acts were counted in, they are counted
    /// anew: the new log need not have what the old one had.
    pub(super) fn count_anew(&self, next: &Replica) -> Result<(), VaultError> {
        let org = next.state().org();
        let before = self.with_org(org, |opened| opened.replica.audit().reset)?;
        if next.audit().reset == before {
            return Ok(());
        }
        let fresh = new_device()?;
        self.change_acts(org, |acts| acts.begin_anew(next.me(), next.state(), fresh))
    }

    pub(super) fn look_at_acts<R>(
        &self,
        org: OrgId,
        look: impl FnOnce(&Acts) -> R,
    ) -> Result<R, VaultError> {
        let mut audits = hold(&self.audits);
        Ok(look(self.loaded(&mut audits, org)?))
    }

    fn loaded<'a>(&self, audits: &'a mut Audits, org: OrgId) -> Result<&'a mut Acts, VaultError> {
        let audit = audits.entry(org).or_default();
        if audit.acts.is_none() {
            audit.acts = Some(self.load_acts(org)?);
        }
        audit.acts.as_mut().ok_or(VaultError::NotFound)
    }

    /// Changes the queue and keeps it, or changes nothing.
    pub(super) fn change_acts(
        &self,
        org: OrgId,
        change: impl FnOnce(&mut Acts),
    ) -> Result<(), VaultError> {
        // Held all the while: a sync that forgets what was sent must not forget what is noted now.
        let mut audits = hold(&self.audits);
        let acts = self.loaded(&mut audits, org)?;
        let mut next = acts.clone();
        change(&mut next);
        self.drafts.put(&acts_name(org), &next.encode(), &mut OsEntropy)?;
        *acts = next;
        Ok(())
    }

    fn load_acts(&self, org: OrgId) -> Result<Acts, VaultError> {
        let kept = match self.drafts.get(&acts_name(org)) {
            Ok(bytes) => bytes.lend(Acts::decode).ok(),
            Err(CacheError::Missing | CacheError::Broken) => None,
            Err(error) => return Err(error.into()),
        };
        // A queue that cannot be read is begun anew, under a name that the log does not know.
        kept.map_or_else(|| Ok(Acts::new(new_device()?)), Ok)
    }
}

const NOTHING: Detail =
    Detail { env: EnvId::ZERO, secret: SecretId::ZERO, version: 0, number: 0, status: 0 };

/// Which of the secrets would be opened from what is signed, and at which version.
fn signed_versions(org: &OpenOrg, env: EnvId, secrets: &[SecretId]) -> Vec<(SecretId, u64)> {
    let staged = org.staged(env);
    let only_staged = |secret: &SecretId| {
        let change = staged.get(secret).map(|staged| &staged.change);
        matches!(change, Some(StagedChange::Put { value: Some(_), .. }))
    };
    let copy = org.replica.env(&env);
    let version = |secret: &SecretId| Some(copy?.lookup(secret)?.change.version);
    let signed = secrets.iter().filter(|secret| !only_staged(secret));
    signed.filter_map(|secret| Some((*secret, version(secret)?))).collect()
}

fn does_not_fit(error: &crate::api::ApiError) -> bool {
    error.is("act-gap") || error.is("act-signature")
}

fn new_device() -> Result<DeviceId, VaultError> {
    Ok(DeviceId(entropy::array(&mut OsEntropy)?))
}

fn acts_name(org: OrgId) -> String {
    format!("acts-{org}")
}
