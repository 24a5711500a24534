//! Insights: what of the chain, the histories and the log deserves a look, and what this computer
//! alone knows about it: which secrets are decoys, and what was dismissed.
//!
//! Decoys and dismissals are sealed beside the drafts and never sent. A decoy that another reader
//! could recognise would be none.

use std::collections::BTreeMap;

use strongroom_core::details::EnvClass;
use strongroom_core::insights::{Insights, Key, Known, KnownSecrets, Queue, Zone, look};
use strongroom_crypto::safe::OsEntropy;
use strongroom_format::encoding::{Codec as _, DecodeError, Reader, Writer};
use strongroom_format::id::{EnvId, OrgId, SecretId};

use super::error::VaultError;
use super::offboard::OffboardState;
use super::org::OpenOrg;
use super::session::{Session, hold};
use crate::cache::CacheError;

/// The most decoys of one organisation.
const MAX_DECOYS: usize = 1_000;
/// The most dismissals that are kept; those that end first go first.
const MAX_DISMISSED: usize = 100_000;
const VERSION: u8 = 1;

/// What this computer keeps beside the insights of one organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Notes {
    /// Since when each is a decoy.
    decoys: BTreeMap<(EnvId, SecretId), u64>,
    /// Until when each is dismissed.
    dismissed: BTreeMap<Key, u64>,
}

/// What was found, and on what it rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsightsShown {
    /// What was found.
    pub insights: Insights,
    /// Whether the log was read to its end. Without it nothing is said that rests on it.
    pub log_read: bool,
    /// Whether this person may read the log.
    pub log_readable: bool,
}

impl Session {
    /// What deserves a look in the organisation in front, at `now_ms` and by a clock in `zone`.
    /// Reads the whole index: on a blocking thread only.
    pub fn insights(&self, now_ms: u64, zone: Zone) -> Result<InsightsShown, VaultError> {
        let org = self.current()?;
        let notes = self.notes(org)?;
        let queues = self.queues()?;
        let (state, secrets, classes) = self.with(|org| {
            let secrets = KnownSecrets::of(org.replica());
            Ok((org.replica.state().clone(), secrets, classes(org)))
        })?;
        let known = Known {
            state: &state,
            secrets: &secrets,
            classes: &classes,
            decoys: &notes.decoys,
            queues: &queues,
            facts: None,
            dismissed: &notes.dismissed,
            now_ms: now_ms.max(state.time_ms()),
            zone,
        };
        let read = self.with_log(|log| {
            let facts = log.copy.facts();
            look(&Known { facts, ..known }, log.index.glances())
        })?;
        Ok(InsightsShown {
            log_read: read.is_some(),
            log_readable: self.log_standing()?.readable,
            insights: read.unwrap_or_else(|| look(&known, [])),
        })
    }

    /// Marks a living secret as a decoy on this computer, or ends that. [`VaultError::TooLarge`] for
    /// one more than [`MAX_DECOYS`].
    pub fn set_decoy(&self, env: EnvId, secret: SecretId, on: bool) -> Result<(), VaultError> {
        let now = self.now_ms();
        self.with(|org| {
            let copy = org.replica.env(&env).ok_or(VaultError::NotFound)?;
            copy.lookup(&secret).map(|_| ()).ok_or(VaultError::NotFound)
        })?;
        self.change_notes(|notes| {
            if !on {
                notes.decoys.remove(&(env, secret));
            } else if notes.decoys.len() < MAX_DECOYS {
                notes.decoys.entry((env, secret)).or_insert(now);
            } else {
                return Err(VaultError::TooLarge(MAX_DECOYS));
            }
            Ok(())
        })
    }

    /// The decoys of the organisation in front, and since when each is one, in milliseconds since
    /// 1970.
    pub fn decoys(&self) -> Result<BTreeMap<(EnvId, SecretId), u64>, VaultError> {
        Ok(self.notes(self.current()?)?.decoys)
    }

    /// Dismisses a finding until a time, or shows it again where that time is over.
    /// [`VaultError::NotFound`] for one that is not found any more.
    pub fn dismiss_insight(
        &self,
        key: Key,
        until_ms: u64,
        now_ms: u64,
        zone: Zone,
    ) -> Result<(), VaultError> {
        let Insights { findings, dismissed, .. } = self.insights(now_ms, zone)?.insights;
        let found = findings.into_iter().chain(dismissed).find(|finding| finding.key == key);
        let covers = found.ok_or(VaultError::NotFound)?.covers;
        self.change_notes(|notes| {
            notes.dismissed.retain(|_, until| *until > now_ms);
            for key in covers {
                if until_ms > now_ms {
                    notes.dismissed.insert(key, until_ms);
                } else {
                    notes.dismissed.remove(&key);
                }
            }
            notes.forget_dismissals();
            Ok(())
        })
    }

    /// Offboardings that are not finished.
    fn queues(&self) -> Result<Vec<Queue>, VaultError> {
        let open = self.offboard_list()?.into_iter();
        let open = open.filter(|info| info.state != OffboardState::Done);
        Ok(open
            .map(|info| Queue {
                who: info.offboarding.who,
                began_ms: info.offboarding.began_ms(),
                keys: info.offboarding.envs.iter().filter(|env| env.is_open()).count(),
                values: info.rotate - info.settled,
            })
            .collect())
    }

    /// Changes the notes and keeps them, or changes nothing.
    fn change_notes(
        &self,
        change: impl FnOnce(&mut Notes) -> Result<(), VaultError>,
    ) -> Result<(), VaultError> {
        let org = self.current()?;
        // One change at a time, of anything that is kept of the audit logs.
        let _audits = hold(&self.audits);
        let mut notes = self.notes(org)?;
        change(&mut notes)?;
        Ok(self.drafts.put(&notes_name(org), &notes.encode(), &mut OsEntropy)?)
    }

    fn notes(&self, org: OrgId) -> Result<Notes, VaultError> {
        match self.drafts.get(&notes_name(org)) {
            // Notes that cannot be read are begun anew: what was dismissed shows again.
            Ok(bytes) => Ok(bytes.lend(Notes::decode).unwrap_or_default()),
            Err(CacheError::Missing | CacheError::Broken) => Ok(Notes::default()),
            Err(error) => Err(error.into()),
        }
    }
}

fn classes(org: &mut OpenOrg) -> BTreeMap<EnvId, EnvClass> {
    let envs: Vec<EnvId> = org.replica.state().envs().keys().copied().collect();
    let class = |env: EnvId| {
        let named = org.replica.directory_name(env.directory_item())?;
        Some((env, named.details.class?))
    };
    envs.into_iter().filter_map(class).collect()
}

impl Notes {
    fn forget_dismissals(&mut self) {
        let mut ends: Vec<u64> = self.dismissed.values().copied().collect();
        let Some(surplus) = ends.len().checked_sub(MAX_DISMISSED) else { return };
        ends.sort_unstable();
        let Some(last) = surplus.checked_sub(1).and_then(|at| ends.get(at).copied()) else {
            return;
        };
        self.dismissed.retain(|_, until| *until > last);
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(VERSION).count(self.decoys.len());
        for ((env, secret), since) in &self.decoys {
            env.write(&mut w);
            secret.write(&mut w);
            w.u64(*since);
        }
        w.count(self.dismissed.len());
        for (key, until) in &self.dismissed {
            w.fixed(&key.0).u64(*until);
        }
        w.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let mut notes = Self::default();
        for _ in 0..r.count(MAX_DECOYS)? {
            notes.decoys.insert((EnvId::read(&mut r)?, SecretId::read(&mut r)?), r.u64()?);
        }
        for _ in 0..r.count(MAX_DISMISSED)? {
            notes.dismissed.insert(Key(r.array()?), r.u64()?);
        }
        r.finish()?;
        Ok(notes)
    }
}

fn notes_name(org: OrgId) -> String {
    format!("insights-{org}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_read_back_and_the_dismissals_that_end_first_go_first() {
        let mut notes = Notes::default();
        notes.decoys.insert((EnvId([1; 16]), SecretId([2; 16])), 3);
        for n in 0..=MAX_DISMISSED as u64 {
            let mut key = [0; 16];
            key[..8].copy_from_slice(&n.to_be_bytes());
            notes.dismissed.insert(Key(key), n);
        }
        notes.forget_dismissals();
        assert_eq!(notes.dismissed.len(), MAX_DISMISSED);
        assert_eq!(notes.dismissed.values().min(), Some(&1));
        assert_eq!(Notes::decode(&notes.encode()), Ok(notes));
    }
}
