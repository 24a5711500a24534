//! A new audit log in place of one that went back or differs, after a restore from a backup for
//! instance.
//!
//! A client cannot tell a restored log from a forged one. So it stops, and goes on only by the word
//! of an owner, which stands in the chain, names what the owner's computer had verified, and is shown
//! to everybody until they acknowledge it. The chain itself and the environments are never given up
//! like that: where they went back as well, there is nothing to sign.

use strongroom_chain::signature::verifies;
use strongroom_core::replica::Replica;
use strongroom_core::team::{Intent, NewLog};
use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::hash::Digest;
use strongroom_format::id::{OrgId, Principal};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::{AuditPin, Pins};
use strongroom_format::statement::{Body, PublicKey, Role};

use super::error::{Stop, VaultError};
use super::propose::{Note, Proposal};
use super::session::{Notice, Session};
use super::sync::PullError;
use crate::api::ApiError;

/// That a new log took the place of one that this computer had verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NewLogMark {
    /// The link that says so.
    link: u64,
    /// What this computer had verified of the old log.
    size: u64,
    root: Digest,
    /// Whether somebody has seen this here.
    acknowledged: bool,
}

impl Codec for NewLogMark {
    fn write(&self, w: &mut Writer) {
        w.u64(self.link).u64(self.size).fixed(&self.root).u8(u8::from(self.acknowledged));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (link, size, root) = (r.u64()?, r.u64()?, r.array()?);
        Ok(Self { link, size, root, acknowledged: r.u8()? == 1 })
    }
}

/// A new audit log that an owner accepted, as it concerns this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogSeen {
    /// The link that says so.
    pub link: u64,
    /// The owner who signed it.
    pub by: Principal,
    /// When, by the owner's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// How many entries of the old log the owner's computer had verified.
    pub size: u64,
    /// How many this computer had verified.
    pub verified_here: u64,
    /// The two computers had verified two logs of this same size: somebody was shown another one.
    pub differs: bool,
    /// Whether the new log is signed with another key.
    pub new_key: bool,
    /// Whether it was acknowledged on this computer.
    pub acknowledged: bool,
}

impl Session {
    /// Plans that the organisation in front accepts the audit log that its server has now.
    /// [`VaultError::NothingToSign`] unless the audit log stopped the vault,
    /// [`VaultError::NotOnlyTheLog`] where the chain or an environment contradicts too.
    pub async fn propose_new_log(&self) -> Result<Proposal, VaultError> {
        let org = self.current()?;
        let (replica, audit_vkey) = {
            let _gate = self.gate.lock().await;
            let stop = self.stopped_by_log(org).ok_or_else(|| self.why_nothing(org))?;
            match self.look_for_new_log(org, stop).await {
                Ok(()) => return Err(VaultError::NothingToSign),
                Err(VaultError::Stopped(stop)) if stop.is_of_the_log() => {}
                Err(VaultError::Stopped(_)) => return Err(VaultError::NotOnlyTheLog),
                Err(error) => return Err(error),
            }
            let (replica, _) = self.copy_to_write(org, true)?;
            if replica.state().role(&self.user()) != Some(Role::Owner) {
                return Err(VaultError::NotAllowed);
            }
            let key = self.key_of_new_log(&replica).await?;
            (replica, key)
        };
        let intent = Intent::AuditReset(NewLog { old: *replica.audit(), audit_vkey });
        self.propose_upon(org, replica, intent, Note::default()).await
    }

    fn why_nothing(&self, org: OrgId) -> VaultError {
        let stop = self.with_org(org, |opened| opened.standing.stop.is_some());
        if matches!(stop, Ok(true)) { VaultError::NotOnlyTheLog } else { VaultError::NothingToSign }
    }

    /// The audit key of the server, which has to sign with it right now.
    async fn key_of_new_log(&self, replica: &Replica) -> Result<PublicKey, VaultError> {
        let state = replica.state();
        let info = self.api.server_info().await?;
        let vkey: PublicKey = info.audit_vkey.0.try_into().map_err(|_| ApiError::Garbage)?;
        let answer = self.api.sync(&state.org(), state.seq()).await?;
        let note = answer.checkpoint;
        let (checkpoint, signature) =
            Checkpoint::parse(&note, &state.org(), state.audit_reset(), &vkey)
                .map_err(|_| ApiError::Garbage)?;
        let signed = verifies(&vkey, checkpoint.text().as_bytes(), &signature);
        if signed { Ok(vkey) } else { Err(ApiError::Garbage.into()) }
    }

    /// What stopped an organisation, if that is its audit log.
    pub(super) fn stopped_by_log(&self, org: OrgId) -> Option<Stop> {
        let stop = self.with_org(org, |opened| opened.standing.stop.clone()).ok().flatten();
        stop.filter(Stop::is_of_the_log)
    }

    /// As [`Session::copy_to_change`], and where the audit log stopped it, for what gives that up.
    pub(super) fn copy_to_write(
        &self,
        org: OrgId,
        gives_up: bool,
    ) -> Result<(Replica, Pins), VaultError> {
        if gives_up && self.stopped_by_log(org).is_some() {
            return self.with_org(org, |opened| (opened.replica.clone(), opened.pins.clone()));
        }
        self.copy_to_change(org)
    }

    /// Fetches the chain of an organisation that its audit log has stopped. Where an owner accepted
    /// a new log, and all of it verifies, everything goes on; else what was stopped stays stopped.
    pub(super) async fn look_for_new_log(&self, org: OrgId, stop: Stop) -> Result<(), VaultError> {
        let (mut replica, pins) = self.copy_to_write(org, true)?;
        let before = *replica.audit();
        match self.pull(&mut replica).await {
            Ok(pulled) if replica.audit().reset > before.reset => {
                self.take_pulled(org, replica, &pins, &pulled)?;
                self.change(org, |opened| opened.standing.stop = None);
                self.tell(Notice::Status);
                return Ok(());
            }
            Err(PullError::Contradiction(found)) if !found.stop.is_of_the_log() => {
                return Err(self.stop(&replica, *found));
            }
            // The chain verified up to here, and whoever gives up the log signs upon its newest link.
            Err(PullError::Contradiction(_)) if *replica.audit() == before => {
                self.keep_copy(&replica, None)?;
                let pins = self.pins.save(replica.pins(pins.generation))?;
                self.change(org, |opened| opened.adopt(replica, pins));
            }
            _ => {}
        }
        Err(VaultError::Stopped(Box::new(stop)))
    }

    /// The new logs that took the place of one that this computer had verified, newest first. One
    /// that is not acknowledged is to be shown wherever somebody looks.
    pub fn new_logs(&self) -> Result<Vec<NewLogSeen>, VaultError> {
        let org = self.current()?;
        let marks = self.look_at_watch(org, |watch| watch.new_logs.clone())?;
        self.with_org(org, |opened| {
            let seen = marks.iter().rev().filter_map(|mark| seen(&opened.replica, mark));
            seen.collect()
        })
    }

    /// Remembers that a new log was seen.
    pub fn acknowledge_new_log(&self, link: u64) -> Result<(), VaultError> {
        self.change_watch(self.current()?, |watch| {
            for mark in watch.new_logs.iter_mut().filter(|mark| mark.link == link) {
                mark.acknowledged = true;
            }
        })?;
        self.tell(Notice::Status);
        Ok(())
    }
}

/// What is remembered when `replica` takes the place of a copy whose audit state was `before`: the
/// links that gave up what this computer had verified. Whoever signs one knows of it.
pub(super) fn new_log(before: &AuditPin, replica: &Replica) -> Vec<NewLogMark> {
    let state = replica.state();
    if before.size == 0 || state.audit_reset() == before.reset {
        return Vec::new();
    }
    let own = replica.principal();
    (0..=state.seq())
        .filter_map(|seq| Some((seq, &replica.link(seq)?.statement)))
        .filter_map(|(link, statement)| match statement.body {
            Body::AuditReset { old_reset, .. } if old_reset >= before.reset => Some(NewLogMark {
                link,
                size: before.size,
                root: before.root,
                acknowledged: statement.author == own,
            }),
            _ => None,
        })
        .collect()
}

fn seen(replica: &Replica, mark: &NewLogMark) -> Option<NewLogSeen> {
    let statement = &replica.link(mark.link)?.statement;
    let Body::AuditReset { size, root, audit_vkey, .. } = statement.body else { return None };
    let before = (0..mark.link).rev().find_map(|seq| match replica.link(seq)?.statement.body {
        Body::AuditReset { audit_vkey, .. } | Body::Genesis { audit_vkey, .. } => Some(audit_vkey),
        _ => None,
    });
    Some(NewLogSeen {
        link: mark.link,
        by: statement.author,
        at_ms: statement.time_ms,
        size,
        verified_here: mark.size,
        differs: size == mark.size && root != mark.root,
        new_key: before.is_some_and(|before| before != audit_vkey),
        acknowledged: mark.acknowledged,
    })
}
