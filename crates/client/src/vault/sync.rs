//! Fetching: everything the server says is checked before it is kept, and kept before it is pinned.

use std::collections::BTreeSet;
use std::sync::Arc;

use strongroom_chain::CommitError;
use strongroom_chain::tree;
use strongroom_core::env::{EnvCopy, TakeError};
use strongroom_core::replica::{Replica, ReplicaError};
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::commit::SignedCommit;
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, OrgId};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::{AuditPin, Pins};
use strongroom_format::statement::Rights;
use strongroom_format::wire::{B64, SyncAnswer};

use super::audit_reset::new_log;
use super::error::{Stop, StopKind, VaultError};
use super::evidence;
use super::org::OpenOrg;
use super::session::{Notice, Session, hold};
use crate::api::ApiError;

/// A contradiction, with the two objects that show it.
pub(super) struct Contradiction {
    pub(super) stop: Stop,
    pub(super) env: Option<EnvId>,
    pub(super) verified: Vec<u8>,
    pub(super) shown: Vec<u8>,
}

pub(super) enum PullError {
    Contradiction(Box<Contradiction>),
    Other(VaultError),
}

/// What a sync brought.
pub(super) struct Pulled {
    /// The environments that changed.
    changed: BTreeSet<EnvId>,
    /// Up to which link all anchors of the audit log were checked.
    anchors_to: u64,
}

impl<E: Into<VaultError>> From<E> for PullError {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl Session {
    /// Fetches and checks what is new in every organisation of this vault.
    pub async fn sync(&self) -> Result<(), VaultError> {
        let all: Vec<OrgId> = hold(&self.orgs).all.keys().copied().collect();
        for org in all {
            let _gate = self.gate.lock().await;
            self.sync_org(org).await?;
        }
        Ok(())
    }

    /// Fetches and checks what is new in one organisation. The caller holds the gate.
    pub(super) async fn sync_org(&self, org: OrgId) -> Result<(), VaultError> {
        if let Some(stop) = self.stopped_by_log(org) {
            return self.look_for_new_log(org, stop).await;
        }
        let (mut replica, pins) = self.copy_to_change(org)?;
        match self.pull(&mut replica).await {
            Ok(pulled) => self.take_pulled(org, replica, &pins, &pulled)?,
            Err(PullError::Contradiction(found)) => return Err(self.stop(&replica, *found)),
            Err(PullError::Other(error)) => {
                if matches!(error, VaultError::Api(ApiError::Offline)) {
                    let now = self.now_ms();
                    self.change(org, |o| *o.standing.offline_since_ms.get_or_insert(now));
                    self.tell(Notice::Status);
                }
                return Err(error);
            }
        }
        self.check_receipts(org).await?;
        match self.send_acts(org).await {
            Err(VaultError::Stopped(stop)) => Err(VaultError::Stopped(stop)),
            // They wait for the next time.
            _ => Ok(()),
        }
    }

    /// Keeps, pins and takes in what was fetched and verified.
    pub(super) fn take_pulled(
        &self,
        org: OrgId,
        mut replica: Replica,
        pins: &Pins,
        pulled: &Pulled,
    ) -> Result<(), VaultError> {
        let (changed, now) = (&pulled.changed, self.now_ms());
        self.rebase_drafts(org, &mut replica)?;
        self.keep_copy(&replica, Some(changed))?;
        let new_log = self.with_org(org, |opened| new_log(opened.replica.audit(), &replica))?;
        self.count_anew(&replica)?;
        let pins = self.pins.save(replica.pins(pins.generation))?;
        self.change_watch(org, |watch| {
            watch.anchors_to = pulled.anchors_to;
            watch.new_logs.extend(new_log);
        })?;
        self.change(org, |opened| {
            opened.adopt(replica, pins);
            opened.standing.synced_ms = Some(now);
            opened.standing.offline_since_ms = None;
            for env in changed {
                opened.settle(*env, now);
            }
        });
        for env in changed {
            self.tell(Notice::Env(*env));
        }
        if !changed.is_empty() {
            self.tell(Notice::Org);
        }
        self.tell(Notice::Status);
        Ok(())
    }

    /// Checks the past of environments that are known from their head alone.
    pub async fn verify_history(&self) -> Result<(), VaultError> {
        let all: Vec<OrgId> = hold(&self.orgs).all.keys().copied().collect();
        for org in all {
            let _gate = self.gate.lock().await;
            let (mut replica, pins) = self.copy_to_change(org)?;
            let now_ms = self.now_ms();
            let open: Vec<(EnvId, u64)> = replica
                .envs()
                .iter()
                .filter(|(env, copy)| !copy.history().is_complete() && reads(&replica, env, now_ms))
                .map(|(env, copy)| (*env, copy.history().seq()))
                .collect();
            if open.is_empty() {
                continue;
            }
            let total = open.iter().map(|(_, seq)| *seq).sum();
            let mut done = 0;
            for (env, seq) in &open {
                let commits = self.past(org, *env, *seq, done, total).await?;
                done += seq;
                let (state, copy) = replica.env_mut(*env);
                if let Err(error) = copy.take_history(state, &commits) {
                    let shown = commits.last().map_or(&[][..], SignedCommit::as_bytes);
                    let found = contradiction_of_env(copy, *env, *seq, error, shown);
                    return Err(self.stop(&replica, found));
                }
            }
            let changed: BTreeSet<EnvId> = open.iter().map(|(env, _)| *env).collect();
            self.keep_copy(&replica, Some(&changed))?;
            self.change(org, |opened| {
                opened.adopt(replica, pins);
                opened.standing.checked = (total, total);
            });
            for env in changed {
                self.tell(Notice::Env(env));
            }
            self.tell(Notice::Status);
        }
        Ok(())
    }

    async fn past(
        &self,
        org: OrgId,
        env: EnvId,
        until: u64,
        done: u64,
        total: u64,
    ) -> Result<Vec<SignedCommit>, VaultError> {
        let mut commits = Vec::new();
        while (commits.len() as u64) < until {
            let from = commits.len() as u64 + 1;
            let page = self.api.commits(&org, &env, from, false).await?;
            if page.commits.is_empty() {
                break;
            }
            for record in page.commits {
                let commit = SignedCommit::parse(&record.commit).map_err(|_| ApiError::Garbage)?;
                commits.push(commit);
            }
            let checked = (done + commits.len() as u64, total);
            self.change(org, |opened| opened.standing.checked = checked);
            self.tell(Notice::Status);
        }
        Ok(commits)
    }

    /// Fetches an organisation from its genesis; its audit log must continue the pinned one.
    pub(super) async fn fetch_whole(
        &self,
        org: OrgId,
        pins: Option<&Pins>,
    ) -> Result<Replica, VaultError> {
        let answer = self.api.sync(&org, 0).await?;
        let genesis = answer.links.first().ok_or(ApiError::Garbage)?;
        let mut replica = Replica::start(Arc::clone(&self.me), org, &genesis.0)
            .map_err(|error| VaultError::Stopped(Box::new(stop_of(&error, "link", 0, &org.0))))?;
        if let Some(Pins { audit, .. }) = pins {
            let AuditPin { reset, size, root } = *audit;
            replica.set_audit(&Checkpoint { org, reset, size, root }, "");
        }
        match self.pull(&mut replica).await {
            Ok(_) => Ok(replica),
            Err(PullError::Contradiction(found)) => Err(VaultError::Stopped(Box::new(found.stop))),
            Err(PullError::Other(error)) => Err(error),
        }
    }

    /// Holds environments that were fetched as a whole against their pins: what has grown must have
    /// grown from the pinned commit. The hashes show it by themselves, because the newest commit is
    /// verified and each names the one before.
    pub(super) async fn require_descent(
        &self,
        replica: &Replica,
        pins: &Pins,
    ) -> Result<(), VaultError> {
        for pin in &pins.envs {
            let Some(copy) = replica.env(&pin.env) else { continue };
            let newest = copy.history().seq();
            let (mut next, mut head) = (pin.seq, pin.head);
            while next <= newest && newest > pin.seq {
                let page = self.api.commits(&pins.org, &pin.env, next, false).await?;
                if page.commits.is_empty() {
                    return Err(ApiError::Garbage.into());
                }
                for record in page.commits {
                    let signed =
                        SignedCommit::parse(&record.commit).map_err(|_| ApiError::Garbage)?;
                    let pinned = next == pin.seq;
                    let follows = if pinned { signed.head() } else { signed.commit.prev };
                    if signed.commit.seq != next || follows != head {
                        return Err(fork_at(next, &head, &signed.head()));
                    }
                    head = signed.head();
                    next += 1;
                    if next > newest {
                        break;
                    }
                }
            }
            if head != copy.history().head() {
                return Err(fork_at(newest, &head, &copy.history().head()));
            }
        }
        Ok(())
    }

    /// The newest state, checked and not kept: for whoever has to know a link before the next sync.
    pub(super) async fn look_ahead(&self, org: OrgId) -> Result<Replica, VaultError> {
        let (mut replica, _) = self.copy_to_change(org)?;
        match self.pull(&mut replica).await {
            Ok(_) => Ok(replica),
            Err(PullError::Contradiction(found)) => Err(self.stop(&replica, *found)),
            Err(PullError::Other(error)) => Err(error),
        }
    }

    /// Brings a copy up to date.
    pub(super) async fn pull(&self, replica: &mut Replica) -> Result<Pulled, PullError> {
        let org = replica.state().org();
        let answer = loop {
            let mut answer =
                self.api.sync(&org, replica.state().seq()).await.map_err(super::write::shut_out)?;
            let links: Vec<Vec<u8>> = answer.links.drain(..).map(|link| link.0).collect();
            // A page that brings nothing new and promises more would never end.
            if answer.more && links.len() < 2 {
                return Err(ApiError::Garbage.into());
            }
            take_links(replica, &links)?;
            let wraps = std::mem::take(&mut answer.wraps);
            replica.take_keys(wraps, std::mem::take(&mut answer.previous));
            if !answer.more {
                break answer;
            }
        };
        replica.require_mine().map_err(|error| contradiction_of_chain(replica, error, &[]))?;
        let mut changed = BTreeSet::new();
        for head in &answer.envs {
            if self.pull_env(replica, head).await? {
                changed.insert(head.env_id);
            }
        }
        require_all_shown(replica, &answer, self.now_ms())?;
        require_cuts(replica, self.now_ms())?;
        self.check_audit(replica, &answer.checkpoint).await.map_err(|error| match error {
            VaultError::Stopped(stop) => PullError::Contradiction(Box::new(Contradiction {
                stop: *stop,
                env: None,
                verified: replica.audit_note().as_bytes().to_vec(),
                shown: answer.checkpoint.clone().into_bytes(),
            })),
            other => PullError::Other(other),
        })?;
        let anchors_to = self.check_anchors(replica).await?;
        Ok(Pulled { changed, anchors_to })
    }

    /// Checks an audit checkpoint: its signature, its origin, and that it continues the newest one.
    pub(super) async fn check_audit(
        &self,
        replica: &mut Replica,
        note: &str,
    ) -> Result<(), VaultError> {
        let pin = *replica.audit();
        let stop = |kind, shown: &Digest| {
            VaultError::Stopped(Box::new(Stop {
                kind,
                place: format!("audit entry {}", pin.size),
                pinned: short(&pin.root),
                shown: short(shown),
            }))
        };
        let signed = replica.signed_checkpoint(note);
        let checkpoint = signed.map_err(|_| stop(StopKind::Invalid, &[0; 32]))?;
        let Checkpoint { reset, size, root, .. } = checkpoint;
        if replica.check_checkpoint(note).is_err() {
            let kind = if size < pin.size { StopKind::Rollback } else { StopKind::Fork };
            return Err(stop(kind, &root));
        }
        if reset == pin.reset && size > pin.size && pin.size > 0 {
            let org = replica.state().org();
            let answer = self.api.consistency(&org, pin.size, size).await?;
            let proof = nodes(&answer.proof);
            tree::verify_consistency(pin.size, &pin.root, size, &root, &proof)
                .map_err(|_| stop(StopKind::Fork, &root))?;
        }
        replica.set_audit(&checkpoint, note);
        Ok(())
    }

    /// Seals a copy into this computer's cache: the chain always, environments as named.
    pub(super) fn keep_copy(
        &self,
        replica: &Replica,
        envs: Option<&BTreeSet<EnvId>>,
    ) -> Result<(), VaultError> {
        // The chain first: a commit in the cache never names a link that is not.
        let name = replica.state().org().to_string();
        self.cache.put(&name, &replica.encode(), &mut OsEntropy)?;
        for (env, copy) in replica.envs() {
            if envs.is_none_or(|envs| envs.contains(env)) {
                self.cache.put(&env.to_string(), &copy.encode(), &mut OsEntropy)?;
            }
        }
        Ok(())
    }

    /// A copy of the verified copy to work on; an error if nothing may be written any more.
    pub(super) fn copy_to_change(&self, org: OrgId) -> Result<(Replica, Pins), VaultError> {
        let orgs = hold(&self.orgs);
        let opened = orgs.all.get(&org).ok_or(VaultError::NotFound)?;
        match &opened.standing.stop {
            Some(stop) => Err(VaultError::Stopped(Box::new(stop.clone()))),
            None => Ok((opened.replica.clone(), opened.pins.clone())),
        }
    }

    pub(super) fn with_org<R>(
        &self,
        org: OrgId,
        look: impl FnOnce(&OpenOrg) -> R,
    ) -> Result<R, VaultError> {
        hold(&self.orgs).all.get(&org).map(look).ok_or(VaultError::NotFound)
    }

    pub(super) fn change<R>(
        &self,
        org: OrgId,
        change: impl FnOnce(&mut OpenOrg) -> R,
    ) -> Option<R> {
        hold(&self.orgs).all.get_mut(&org).map(change)
    }

    /// Ends writing and leaves the evidence.
    pub(super) fn stop(&self, replica: &Replica, found: Contradiction) -> VaultError {
        let (org, now) = (replica.state().org(), self.now_ms());
        let evidence = evidence::of(replica, &found, now);
        let stop = found.stop;
        let folder = self.profile.vault_folder(&self.lock.id());
        let path = folder.join(format!("evidence-{now}.json"));
        let written = serde_json::to_vec_pretty(&evidence)
            .ok()
            .and_then(|bytes| crate::disk::replace(&path, &bytes).ok());
        self.change(org, |opened| {
            opened.standing.stop = Some(stop.clone());
            opened.standing.evidence = written.map(|()| path);
        });
        self.tell(Notice::Status);
        VaultError::Stopped(Box::new(stop))
    }
}

fn fork_at(seq: u64, pinned: &Digest, shown: &Digest) -> VaultError {
    VaultError::Stopped(Box::new(Stop {
        kind: StopKind::Fork,
        place: format!("commit {seq}"),
        pinned: short(pinned),
        shown: short(shown),
    }))
}

/// Environments this person reads must be shown, or the server hides what this device has seen.
fn require_all_shown(replica: &Replica, answer: &SyncAnswer, now_ms: u64) -> Result<(), PullError> {
    let shown: BTreeSet<EnvId> = answer.envs.iter().map(|head| head.env_id).collect();
    let state = replica.state();
    for (env, copy) in replica.envs() {
        let rights = state.rights(env, &replica.principal(), now_ms.max(state.time_ms()));
        if copy.history().seq() > 0 && rights.includes(Rights::READ) && !shown.contains(env) {
            // A right that ends has ended by the server's clock; whose is wrong, nobody can say
            // here. Nothing is taken in, and nobody is accused.
            if state.end_of_rights(env, &replica.principal()) != 0 {
                return Err(VaultError::ClockBehind.into());
            }
            let seq = copy.history().seq();
            return Err(contradiction(copy, *env, StopKind::Rollback, seq, &[0; 32], &[]));
        }
    }
    Ok(())
}

/// No copy may contradict a cut that the chain names since, and one that is still served reaches it.
fn require_cuts(replica: &Replica, now_ms: u64) -> Result<(), PullError> {
    for (env, copy) in replica.envs() {
        match copy.history().require_cuts(replica.state()) {
            Ok(()) => {}
            Err(CommitError::BeforeCut) if !reads(replica, env, now_ms) => {}
            Err(error) => {
                let seq = copy.history().seq();
                let found = contradiction_of_env(copy, *env, seq, error.into(), &[]);
                return Err(PullError::Contradiction(Box::new(found)));
            }
        }
    }
    Ok(())
}

fn take_links(replica: &mut Replica, links: &[Vec<u8>]) -> Result<(), PullError> {
    let before = replica.state().seq();
    replica.take_links(links).map_err(|error| {
        let taken = usize::try_from(replica.state().seq() - before).unwrap_or(0);
        let at = if error == ReplicaError::Forked { 0 } else { taken + 1 };
        let shown = links.get(at).map_or(&[][..], Vec::as_slice);
        contradiction_of_chain(replica, error, shown)
    })
}

fn contradiction_of_chain(replica: &Replica, error: ReplicaError, shown: &[u8]) -> PullError {
    if matches!(error, ReplicaError::Decode(_)) {
        return ApiError::Garbage.into();
    }
    let seq = replica.state().seq();
    let mut stop = stop_of(&error, "link", seq, &replica.state().head());
    if let Ok(link) = strongroom_format::statement::Link::parse(shown) {
        stop.shown = short(&link.head());
    }
    let verified = replica.newest_link().map_or_else(Vec::new, |link| link.as_bytes().to_vec());
    PullError::Contradiction(Box::new(Contradiction {
        stop,
        env: None,
        verified,
        shown: shown.to_vec(),
    }))
}

pub(super) fn contradiction(
    copy: &EnvCopy,
    env: EnvId,
    kind: StopKind,
    seq: u64,
    stated: &Digest,
    shown: &[u8],
) -> PullError {
    let stop = Stop {
        kind,
        place: format!("commit {seq}"),
        pinned: short(&copy.history().head()),
        shown: short(stated),
    };
    let verified = copy.head().map_or_else(Vec::new, |head| head.as_bytes().to_vec());
    PullError::Contradiction(Box::new(Contradiction {
        stop,
        env: Some(env),
        verified,
        shown: shown.to_vec(),
    }))
}

pub(super) fn contradiction_of_env(
    copy: &EnvCopy,
    env: EnvId,
    seq: u64,
    error: TakeError,
    shown: &[u8],
) -> Contradiction {
    let fork = matches!(
        error,
        TakeError::Commit(CommitError::WrongPrev | CommitError::Fork | CommitError::CutForked)
    );
    let rollback =
        matches!(error, TakeError::Commit(CommitError::BelowPin | CommitError::BeforeCut));
    let kind = match (fork, rollback) {
        (true, _) => StopKind::Fork,
        (_, true) => StopKind::Rollback,
        _ => StopKind::Invalid,
    };
    let head = SignedCommit::parse(shown).map_or([0; 32], |commit| commit.head());
    Contradiction {
        stop: Stop {
            kind,
            place: format!("commit {}", seq + 1),
            pinned: short(&copy.history().head()),
            shown: short(&head),
        },
        env: Some(env),
        verified: copy.head().map_or_else(Vec::new, |head| head.as_bytes().to_vec()),
        shown: shown.to_vec(),
    }
}

/// What a person is told of a chain that does not fit.
pub(super) fn stop_of(error: &ReplicaError, what: &str, seq: u64, head: &Digest) -> Stop {
    let kind = match error {
        ReplicaError::Forked => StopKind::Fork,
        ReplicaError::RolledBack => StopKind::Rollback,
        _ => StopKind::Invalid,
    };
    let seq = match error {
        ReplicaError::Chain { seq, .. } => *seq,
        _ => seq,
    };
    Stop { kind, place: format!("{what} {seq}"), pinned: short(head), shown: "nothing".to_owned() }
}

/// The nodes of a proof.
pub(super) fn nodes(proof: &[B64]) -> Vec<Digest> {
    proof.iter().filter_map(|node| node.0.as_slice().try_into().ok()).collect()
}

/// The beginning and the end of a hash, as two people compare it: `6be1 0c9f … a2d7`.
pub(super) fn short(digest: &Digest) -> String {
    if *digest == [0; 32] {
        return "nothing".to_owned();
    }
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    format!("{} {} … {}", hex(&digest[..2]), hex(&digest[2..4]), hex(&digest[30..]))
}

/// Whether this person may still fetch an environment: what was read before the right was lost
/// stays on this computer, and its past is not shown to it any more.
fn reads(replica: &Replica, env: &EnvId, now_ms: u64) -> bool {
    let state = replica.state();
    let rights = state.rights(env, &replica.principal(), now_ms.max(state.time_ms()));
    rights.includes(Rights::READ)
}
