//! Replacing the data key of an environment after somebody who holds it lost the right.
//!
//! What is due follows from the chain and from nothing on this device, and the new key comes with
//! every value sealed under it in one write that the server takes as a whole or not at all. So an
//! interrupted rotation has not happened, and resuming it is to begin again. Only a directory of
//! more than [`PARTS`] full commits takes several writes; then what is left is due as well.

mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_chain::org::{EnvState, OrgState};
use strongroom_chain::trie::Item;
use strongroom_crypto::safe::{Dek, open, seal};
use strongroom_format::commit::{Change, Field, FieldHash, MAX_ITEMS, Op};
use strongroom_format::id::{EnvId, Principal, SecretId, UserId};
use strongroom_format::statement::{EpochReason, Rights};
use strongroom_format::wire::{FieldEnvelope, content_hash};
use strongroom_secret::SecretBytes;
use subtle::ConstantTimeEq as _;

use crate::access::day;
use crate::details::{Details, EnvClass};
use crate::draft::Draft;
use crate::env::EnvCopy;
use crate::pen::{Pen, WriteError};
use crate::replica::{ReadError, Replica};
use crate::team::place;

pub use crate::team::lacking;
use why::{suspects, why};

/// How many full commits of sealing anew one write holds: together they stay below the cap of a
/// page.
pub const PARTS: usize = 4;
/// After how many secrets progress is told.
const STEP: usize = 64;

/// An environment whose data key must be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueEnv {
    /// Which.
    pub env: EnvId,
    /// Application and environment in words.
    pub place: String,
    /// What it is for.
    pub class: EnvClass,
    /// How many secrets are sealed anew.
    pub secrets: usize,
    /// The epoch of the data key to be replaced.
    pub epoch: u32,
    /// Why, in words.
    pub why: String,
    /// Living people who hold the data key and may replace it.
    pub holders: Vec<UserId>,
    /// Whether this person is one of them.
    pub mine: bool,
    /// The new key is there already, and values are still under the old one.
    pub begun: bool,
}

/// Every environment whose data key must be replaced at `now_ms`, by place.
pub fn due(replica: &mut Replica, now_ms: u64) -> Vec<DueEnv> {
    let envs: Vec<(EnvId, bool)> = due_envs(replica, now_ms).into_iter().collect();
    let counts = crate::access::secret_counts(replica);
    let suspects = suspects(replica);
    let mut due: Vec<DueEnv> = envs
        .into_iter()
        .map(|(env, begun)| DueEnv {
            env,
            place: place(replica, &env),
            class: crate::access::class(replica, &env),
            secrets: counts.get(&env).copied().unwrap_or(0),
            epoch: newest_epoch(replica.state(), &env),
            why: why(replica, &env, begun, &suspects, now_ms),
            holders: holders(replica, &env, now_ms),
            mine: may_rotate(replica, &env, now_ms),
            begun,
        })
        .collect();
    due.sort_by_cached_key(|due| (due.place.to_lowercase(), due.env));
    due
}

/// The same without words: each environment, and whether its rotation has begun.
pub fn due_envs(replica: &Replica, now_ms: u64) -> BTreeMap<EnvId, bool> {
    let state = replica.state();
    let time_ms = now_ms.max(state.time_ms());
    let envs = state.envs().keys().map(|env| (*env, has_begun(replica, env, time_ms)));
    envs.filter(|(env, begun)| *begun || state.is_due(env, time_ms)).collect()
}

/// Whether the person on this device can replace the data key of `env`: it holds the newest one,
/// still reads, and may sign the values anew.
pub fn may_rotate(replica: &Replica, env: &EnvId, now_ms: u64) -> bool {
    may(replica.state(), env, &replica.principal(), now_ms)
}

fn may(state: &OrgState, env: &EnvId, who: &Principal, now_ms: u64) -> bool {
    let rights = state.rights(env, who, now_ms.max(state.time_ms()));
    let newest = state.env(env).and_then(|env| env.epochs.last());
    let holds = newest.is_some_and(|epoch| epoch.wraps.iter().any(|wrap| wrap.recipient == *who));
    holds && rights.includes(Rights::READ.with(Rights::WRITE))
}

fn holders(replica: &Replica, env: &EnvId, now_ms: u64) -> Vec<UserId> {
    let state = replica.state();
    let people = state.members().keys().copied();
    people.filter(|user| may(state, env, &Principal::User(*user), now_ms)).collect()
}

fn newest_epoch(state: &OrgState, env: &EnvId) -> u32 {
    state.env(env).map_or(0, |env| env.epoch_at(state.seq()))
}

/// The newest epoch that seals everything anew; 0 if there is none.
fn last_rotation(found: &EnvState) -> u32 {
    let rotated = found.epochs.iter().rposition(|e| e.reason == EpochReason::Rotation);
    rotated.and_then(|n| u32::try_from(n + 1).ok()).unwrap_or(0)
}

fn stale(copy: &EnvCopy, rotation: u32) -> impl Iterator<Item = (&Item, &[FieldEnvelope])> {
    copy.live().filter(move |(item, _)| item.epoch < rotation)
}

/// Only for who still reads: the copy of anybody else stays behind for good.
fn has_begun(replica: &Replica, env: &EnvId, time_ms: u64) -> bool {
    let rights = replica.state().rights(env, &replica.principal(), time_ms);
    if !rights.includes(Rights::READ) {
        return false;
    }
    let Some((state, copy)) = replica.state().env(env).zip(replica.env(env)) else { return false };
    let history = copy.history();
    // The key alone may have come without the commit that has to follow it.
    history.stale() > 0 || (history.epoch() < last_rotation(state) && history.items().live() > 0)
}

impl Pen<'_> {
    /// Replaces the data key of `env` and seals every value anew, or goes on with it. `progress` is
    /// told how many secrets of how many are done, and says whether to go on. Every value is opened
    /// again under the new key and compared before anything is signed.
    ///
    /// Gives the secrets of which something did not open: whoever may write can sign bytes that open
    /// for nobody, and must not keep a key from being replaced by it. What does open of them is kept
    /// and the rest is marked. But only where the whole history was checked: before that it is the
    /// server's word under which key an item stands, and nothing is given up for that.
    pub fn rotate(
        &mut self,
        env: EnvId,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<SecretId>, WriteError> {
        let time_ms = self.now_ms.max(self.replica.state().time_ms());
        if self.replica.state().is_due(&env, time_ms) || !has_begun(&self.replica, &env, time_ms) {
            self.new_epoch(env, EpochReason::Rotation)?;
            self.require_previous(env)?;
        }
        let epoch = newest_epoch(self.replica.state(), &env);
        // From the wrap that goes to the server, not from memory: it opens for its reader.
        let dek = self.replica.dek(env, epoch)?;
        let total = self.stale(env).len();
        let (mut done, mut unreadable) = (0, Vec::new());
        for _ in 0..PARTS {
            let part: Vec<Stale> = self.stale(env).into_iter().take(MAX_ITEMS).collect();
            if part.is_empty() {
                break;
            }
            let keys = self.keys_of(env, &part)?;
            let mut changes = Vec::with_capacity(part.len());
            let mut envelopes = Vec::with_capacity(part.len() * 3);
            for item in part {
                if done % STEP == 0 && !progress(done, total) {
                    return Err(WriteError::Cancelled);
                }
                done += 1;
                let opened = self.open_all(env, &item, &keys)?;
                if opened.iter().any(|(_, value)| value.is_none()) {
                    unreadable.push(item.secret);
                }
                let to = Under { dek: &dek, epoch };
                changes.push(self.again(env, &item, opened, to, &mut envelopes)?);
            }
            let whole = self.replica.env(&env).is_some_and(|copy| copy.history().is_complete());
            if !unreadable.is_empty() && !whole {
                return Err(WriteError::Unreadable(unreadable));
            }
            self.sign(env, changes, envelopes)?;
        }
        progress(done, total);
        Ok(unreadable)
    }

    /// The key before opens from under the new one, so that history stays readable.
    fn require_previous(&mut self, env: EnvId) -> Result<(), WriteError> {
        let state = self.replica.state();
        let found = state.env(&env).ok_or(ReadError::Missing)?;
        let epoch = found.epoch_at(state.seq());
        let (org, before) = (state.org(), epoch.saturating_sub(1));
        let commit = found.epoch(before).map(|epoch| epoch.dek_commit).ok_or(ReadError::Missing)?;
        let dek = self.replica.dek(env, epoch)?;
        let sealed = self.batch.previous.last().filter(|sent| sent.env == env);
        let sealed = &sealed.ok_or(ReadError::Missing)?.sealed;
        dek.open_previous(&org, &env, before, &commit, sealed).map_err(ReadError::from)?;
        Ok(())
    }

    fn stale(&self, env: EnvId) -> Vec<Stale> {
        let Some((state, copy)) = self.replica.state().env(&env).zip(self.replica.env(&env)) else {
            return Vec::new();
        };
        let item = |(item, _): (&Item, &[FieldEnvelope])| Stale {
            secret: item.change.secret,
            version: item.change.version,
            epoch: item.epoch,
        };
        stale(copy, last_rotation(state)).map(item).collect()
    }

    fn keys_of(
        &mut self,
        env: EnvId,
        part: &[Stale],
    ) -> Result<BTreeMap<u32, Arc<Dek>>, ReadError> {
        let epochs: BTreeSet<u32> = part.iter().map(|item| item.epoch).collect();
        epochs.into_iter().map(|epoch| Ok((epoch, self.replica.dek(env, epoch)?))).collect()
    }

    /// The fields of one item under the old key; `None` for one that does not open.
    fn open_all(
        &self,
        env: EnvId,
        item: &Stale,
        keys: &BTreeMap<u32, Arc<Dek>>,
    ) -> Result<Vec<(Field, Option<SecretBytes>)>, ReadError> {
        let dek = keys.get(&item.epoch).ok_or(ReadError::NoKey)?;
        let copy = self.replica.env(&env).ok_or(ReadError::Missing)?;
        let sealed = copy.fields(&item.secret).ok_or(ReadError::Missing)?;
        let open_field = |FieldEnvelope { field, envelope }: &FieldEnvelope| {
            let Stale { secret, version, epoch } = *item;
            let context = self.replica.item_context(env, epoch, secret, version, *field);
            (*field, open(&**dek, &context.context(), envelope).ok())
        };
        Ok(sealed.iter().map(open_field).collect())
    }

    /// Seals one item under the new key.
    fn again(
        &mut self,
        env: EnvId,
        item: &Stale,
        opened: Vec<(Field, Option<SecretBytes>)>,
        to: Under<'_>,
        envelopes: &mut Vec<Vec<u8>>,
    ) -> Result<Change, WriteError> {
        let (secret, version) = (item.secret, item.version + 1);
        let mut fields = Vec::with_capacity(opened.len());
        for (field, value) in opened {
            let Some(value) = value.or_else(|| self.in_place_of(env, field, &secret)) else {
                continue;
            };
            let context = self.replica.item_context(env, to.epoch, secret, version, field);
            let context = context.context();
            let anew = value.lend(|bytes| seal(to.dek, &context, bytes, self.entropy))?;
            let back = open(to.dek, &context, &anew).map_err(ReadError::from)?;
            if !bool::from(back.ct_eq(&value)) {
                return Err(WriteError::Unreadable(vec![secret]));
            }
            fields.push(FieldHash { field, envelope: content_hash(&anew) });
            envelopes.push(anew);
        }
        Ok(Change { op: Op::Put, secret, version, fields })
    }

    /// What stands for a field that opens for nobody.
    fn in_place_of(&mut self, env: EnvId, field: Field, secret: &SecretId) -> Option<SecretBytes> {
        let bytes = match field {
            Field::Name => {
                let label = self.replica.directory_name(*secret);
                let label = label.filter(|label| label.details.env == Some(env));
                let unnamed = || format!("UNREADABLE_{:02X}{:02X}", secret.0[0], secret.0[1]);
                label.map_or_else(unnamed, |label| label.name.clone()).into_bytes()
            }
            Field::Value => Vec::new(),
            Field::Note if self.replica.state().directory() != Some(env) => {
                let at = day(self.now_ms);
                let note =
                    format!("Something of it did not open when the key was replaced on {at}.");
                Details { note: Some(note), ..Details::default() }.encode()?
            }
            Field::Note | Field::Policy => return None,
        };
        Some(SecretBytes::from_vec(bytes))
    }
}

/// An item that a rotation still has to seal anew.
struct Stale {
    secret: SecretId,
    version: u64,
    epoch: u32,
}

#[derive(Clone, Copy)]
struct Under<'a> {
    dek: &'a Dek,
    epoch: u32,
}

/// Takes staged edits of `env` from the versions in `old` to those in `new` where both say the
/// same: whoever sealed a secret anew has not changed it, and whoever said where it may go has not
/// changed what an edit speaks of. Says whether any edit moved.
pub fn rebase(old: &mut Replica, new: &mut Replica, env: EnvId, draft: &mut Draft) -> bool {
    let mut moved = false;
    for (secret, staged) in draft.staged() {
        let version = |replica: &Replica| {
            replica.env(&env).and_then(|copy| copy.lookup(&secret)).map(|i| i.change.version)
        };
        let (from, to) = (version(old), version(new));
        let (Some(from), Some(to)) = (from, to) else { continue };
        if staged.base == from && from < to && same(old, new, env, &secret).unwrap_or(false) {
            moved |= draft.rebase(&secret, from, to);
        }
    }
    moved
}

fn same(
    old: &mut Replica,
    new: &mut Replica,
    env: EnvId,
    secret: &SecretId,
) -> Result<bool, ReadError> {
    let fields = |replica: &Replica| -> Vec<_> {
        let fields = replica.env(&env).and_then(|copy| copy.fields(secret));
        let edited = |fields: &[FieldEnvelope]| -> Vec<_> {
            fields.iter().map(|f| f.field).filter(|field| *field != Field::Policy).collect()
        };
        fields.map(edited).unwrap_or_default()
    };
    let both = fields(old);
    if both != fields(new) {
        return Ok(false);
    }
    for field in both {
        let (before, after) =
            (old.open_field(env, secret, field)?, new.open_field(env, secret, field)?);
        if !bool::from(before.ct_eq(&after)) {
            return Ok(false);
        }
    }
    Ok(true)
}
