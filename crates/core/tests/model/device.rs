//! A device of a person or a token: what it verified, and the order in which an honest client takes
//! in what a server shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_chain::CommitError;
use strongroom_chain::tree::{prove_consistency, verify_consistency};
use strongroom_core::env::EnvCopy;
use strongroom_core::replica::{Me, Replica};
use strongroom_crypto::safe::IdentityKey;
use strongroom_format::commit::{Op, SignedCommit};
use strongroom_format::hash::Digest;
use strongroom_format::id::{EnvId, OrgId, Principal, SecretId};
use strongroom_format::note::Checkpoint;
use strongroom_format::pins::Pins;
use strongroom_format::statement::Rights;
use strongroom_format::wire::{
    B64, CommitRecord, FieldEnvelope, ItemRecord, PreviousAnswer, WrapAnswer, WrapUpload,
};

use crate::server::Ledger;
use crate::truth::{Content, Place};

/// Why a device keeps nothing of a view.
pub(crate) type Refusal = String;

/// What a device accepted so far, kept beside the replica as raw as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) links: Vec<Digest>,
    pub(crate) commits: BTreeMap<EnvId, Vec<SignedCommit>>,
    pub(crate) audit: Vec<(u64, Digest)>,
    pub(crate) min_profile: u8,
}

#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) replica: Replica,
    pub(crate) pins: Pins,
    pub(crate) seen: Seen,
    /// Position and head that came with the invite code or stand in the kit.
    pub(crate) code: (u64, Digest),
    /// Which branch the server shows to it.
    pub(crate) branch: usize,
    /// It saw its own removal.
    pub(crate) gone: bool,
}

impl Device {
    pub(crate) fn of(replica: Replica, branch: usize) -> Self {
        let code = (replica.state().seq(), replica.state().head());
        let pins = replica.pins(1);
        Self { replica, pins, seen: Seen::default(), code, branch, gone: false }
    }

    /// A device that knows the organisation's id and one head from a person, and nothing else.
    pub(crate) fn fresh(
        me: Arc<Me>,
        org: OrgId,
        code: (u64, Digest),
        branch: usize,
        view: &Ledger,
        vkey: &IdentityKey,
        whole: bool,
    ) -> Result<Self, Refusal> {
        let genesis = view.links.first().ok_or("nothing")?;
        let mut replica = Replica::start(me, org, genesis).map_err(said)?;
        replica.take_links(&view.links).map_err(said)?;
        replica.state().require_pin(code.0, &code.1).map_err(said)?;
        replica.require_mine().map_err(said)?;
        take_keys(&mut replica, view);
        let mut seen = Seen::default();
        take_log(&mut replica, &mut seen, view, vkey)?;
        for env in readable(&replica) {
            let records = view.commits.get(&env).map_or(&[][..], Vec::as_slice);
            let commits = commits_of(records)?;
            let Some(head) = commits.last() else { continue };
            let copy = EnvCopy::from_items(replica.state(), env, head.as_bytes(), items(records)?);
            let mut copy = copy.map_err(said)?;
            let mut known = commits[commits.len() - 1..].to_vec();
            if whole {
                copy.take_history(replica.state(), &commits).map_err(said)?;
                // What follows the head is not looked at.
                let end = commits.iter().position(|c| c.commit.seq == head.commit.seq);
                known = commits[..=end.unwrap()].to_vec();
            }
            replica.put_env(env, copy);
            seen.commits.insert(env, known);
        }
        open_all(&mut replica)?;
        let mut device = Self::of(replica, branch);
        (device.seen, device.code) = (seen, code);
        Ok(device)
    }

    pub(crate) fn who(&self) -> Principal {
        self.replica.principal()
    }

    /// Takes in a view: verify, then pin, then open. After a refusal the device is what it was.
    pub(crate) fn sync(&mut self, view: &Ledger, vkey: &IdentityKey) -> Result<(), Refusal> {
        let mut next = self.clone();
        let from = usize::try_from(next.replica.state().seq()).unwrap();
        next.replica.take_links(view.links.get(from..).unwrap_or_default()).map_err(said)?;
        if next.replica.require_mine().is_err() {
            self.gone = true;
            return Err("gone".to_owned());
        }
        take_keys(&mut next.replica, view);
        take_log(&mut next.replica, &mut next.seen, view, vkey)?;
        for env in readable(&next.replica) {
            let records = view.commits.get(&env).map_or(&[][..], Vec::as_slice);
            next.take_env(env, records)?;
        }
        next.require_cuts()?;
        next.replica.require_pins(&self.pins).map_err(said)?;
        next.pins = next.replica.pins(self.pins.generation + 1);
        open_all(&mut next.replica)?;
        *self = next;
        Ok(())
    }

    fn take_env(&mut self, env: EnvId, records: &[CommitRecord]) -> Result<(), Refusal> {
        let (state, copy) = self.replica.env_mut(env);
        let have = usize::try_from(copy.history().seq()).unwrap();
        let new = records.get(have..).ok_or("the environment is older")?;
        if new.is_empty() && have > 0 {
            let head = SignedCommit::parse(&records[have - 1].commit).map_err(said)?.head();
            (head == copy.history().head()).then_some(()).ok_or("another commit here")?;
        }
        for record in new {
            copy.take_commit(state, record.clone()).map_err(said)?;
        }
        self.seen.commits.entry(env).or_default().extend(commits_of(new)?);
        Ok(())
    }

    /// No history may contradict the chain, and those that are still served are as long as it says.
    fn require_cuts(&self) -> Result<(), Refusal> {
        let served = readable(&self.replica);
        for (env, copy) in self.replica.envs() {
            match copy.history().require_cuts(self.replica.state()) {
                Err(CommitError::BeforeCut) if !served.contains(env) => {}
                outcome => outcome.map_err(said)?,
            }
        }
        Ok(())
    }

    /// A copy that took in the chain and one environment of a view without opening it; `None` if it
    /// refused.
    pub(crate) fn take_unopened(&self, view: &Ledger, env: EnvId) -> Option<Self> {
        let mut next = self.clone();
        let from = usize::try_from(next.replica.state().seq()).unwrap();
        next.replica.take_links(view.links.get(from..)?).ok()?;
        next.replica.require_mine().ok()?;
        next.take_env(env, view.commits.get(&env)?).ok()?;
        let state = next.replica.state();
        next.replica.env(&env)?.history().require_cuts(state).ok()?;
        Some(next)
    }

    /// What this device's keys and all that a server has give together.
    pub(crate) fn collude(&self, ledger: &Ledger) -> Replica {
        let (me, org) = (Arc::clone(self.replica.me()), self.replica.state().org());
        let mut spy = Replica::start(me, org, &ledger.links[0]).unwrap();
        spy.take_links(&ledger.links).unwrap();
        let wrap = |wrap: &WrapUpload| WrapAnswer {
            env_id: wrap.env,
            epoch: wrap.epoch,
            wrap: B64(wrap.wrap.to_vec()),
        };
        spy.take_keys(ledger.wraps.iter().map(wrap).collect(), Vec::new());
        take_keys(&mut spy, ledger);
        spy
    }

    /// Everything the device shows.
    pub(crate) fn shown(&mut self) -> Vec<(Place, Content)> {
        let mut shown = Vec::new();
        let directory = self.replica.state().directory();
        for env in readable(&self.replica) {
            let Some(copy) = self.replica.env(&env) else { continue };
            let live: Vec<(SecretId, u64)> =
                copy.live().map(|(item, _)| (item.change.secret, item.change.version)).collect();
            for (secret, version) in live {
                let named = self.replica.open_named(env, &secret).unwrap();
                let value = (directory != Some(env)).then(|| {
                    let field = strongroom_format::commit::Field::Value;
                    self.replica.open_field(env, &secret, field).unwrap().lend(<[u8]>::to_vec)
                });
                shown.push(((env, secret, version), (named.name, value)));
            }
        }
        shown
    }
}

fn said(error: impl std::fmt::Debug) -> Refusal {
    format!("{error:?}")
}

fn commits_of(records: &[CommitRecord]) -> Result<Vec<SignedCommit>, Refusal> {
    records.iter().map(|record| SignedCommit::parse(&record.commit).map_err(said)).collect()
}

/// The environments that a device fetches.
pub(crate) fn readable(replica: &Replica) -> Vec<EnvId> {
    let state = replica.state();
    let reads = |env: &EnvId| {
        state.rights(env, &replica.principal(), state.time_ms()).includes(Rights::READ)
    };
    state.envs().keys().copied().filter(reads).collect()
}

fn take_keys(replica: &mut Replica, view: &Ledger) {
    let me = replica.principal();
    let wraps = view.wraps.iter().filter(|wrap| wrap.recipient == me).map(|wrap| WrapAnswer {
        env_id: wrap.env,
        epoch: wrap.epoch,
        wrap: B64(wrap.wrap.to_vec()),
    });
    let previous = view.previous.iter().map(|previous| PreviousAnswer {
        env_id: previous.env,
        epoch: previous.epoch,
        sealed: B64(previous.sealed.clone()),
    });
    replica.take_keys(wraps.collect(), previous.collect());
}

/// The audit log: the note, and the proof from what was seen before.
fn take_log(
    replica: &mut Replica,
    seen: &mut Seen,
    view: &Ledger,
    vkey: &IdentityKey,
) -> Result<(), Refusal> {
    let (org, size) = (replica.state().org(), view.log.len() as u64);
    let root = view.frontier(view.log.len()).root();
    let checkpoint = Checkpoint { org, reset: 0, size, root };
    let note = checkpoint.note(&vkey.public(), &vkey.sign(checkpoint.text().as_bytes()));
    let pin = *replica.audit();
    let checked = replica.check_checkpoint(&note).map_err(said)?;
    let proof = prove_consistency(pin.size, size, |level, index| view.node(level, index));
    let proof = proof.map_err(said)?;
    verify_consistency(pin.size, &pin.root, size, &root, &proof).map_err(said)?;
    replica.set_audit(&checked, &note);
    seen.audit.push((size, root));
    Ok(())
}

/// The current items as the server would store them: the newest version of each.
fn items(records: &[CommitRecord]) -> Result<Vec<ItemRecord>, Refusal> {
    let mut items = BTreeMap::new();
    for record in records {
        let signed = SignedCommit::parse(&record.commit).map_err(said)?;
        let mut envelopes = record.envelopes.iter().cloned();
        for change in &signed.commit.changes {
            let mut fields = Vec::new();
            for field in &change.fields {
                let envelope = envelopes.next().ok_or("an envelope is missing")?;
                fields.push(FieldEnvelope { field: field.field, envelope });
            }
            if change.op == Op::Delete {
                fields.clear();
            }
            let (op, epoch) = (change.op, signed.commit.dek_epoch);
            let (secret, version) = (change.secret, change.version);
            items.insert(secret, ItemRecord { secret, version, op, epoch, fields });
        }
    }
    Ok(items.into_values().collect())
}

fn open_all(replica: &mut Replica) -> Result<(), Refusal> {
    let directory = replica.state().directory();
    for env in readable(replica) {
        let Some(copy) = replica.env(&env) else { continue };
        let live: Vec<SecretId> = copy.live().map(|(item, _)| item.change.secret).collect();
        for secret in live {
            replica.open_named(env, &secret).map_err(said)?;
            if directory != Some(env) {
                let field = strongroom_format::commit::Field::Value;
                replica.open_field(env, &secret, field).map_err(said)?;
            }
        }
    }
    Ok(())
}
