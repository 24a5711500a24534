//! What this computer watches of an audit log beside its pinned state: which anchors it has checked,
//! which entries the server promised, which new trees it was told of, and the witness it asks.
//!
//! Sealed beside the drafts, so that clearing the cache forgets none of it.

use std::collections::BTreeMap;

use strongroom_crypto::safe::OsEntropy;
use strongroom_format::encoding::{Codec as _, DecodeError, Reader, Writer};
use strongroom_format::id::OrgId;

use super::audit_reset::NewLogMark;
use super::error::VaultError;
use super::receipts::Promised;
use super::session::{Session, hold};
use super::witness::Witness;
use crate::cache::CacheError;

const VERSION: u8 = 1;

/// What is watched of one audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Watch {
    /// The link up to which every anchor was shown to lie on the pinned log.
    pub(super) anchors_to: u64,
    /// Entries that the server says it wrote and that nobody has seen yet, oldest first.
    pub(super) receipts: Vec<Promised>,
    /// New logs that took the place of one that this computer had verified.
    pub(super) new_logs: Vec<NewLogMark>,
    /// The witness that is asked.
    pub(super) witness: Option<Witness>,
}

impl Watch {
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(VERSION).u64(self.anchors_to);
        w.count(self.receipts.len());
        for promised in &self.receipts {
            promised.write(&mut w);
        }
        w.count(self.new_logs.len());
        for mark in &self.new_logs {
            mark.write(&mut w);
        }
        w.count(usize::from(self.witness.is_some()));
        if let Some(witness) = &self.witness {
            witness.write(&mut w);
        }
        w.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let anchors_to = r.u64()?;
        let receipts = (0..r.count(usize::MAX)?).map(|_| Promised::read(&mut r));
        let receipts = receipts.collect::<Result<_, _>>()?;
        let new_logs = (0..r.count(usize::MAX)?).map(|_| NewLogMark::read(&mut r));
        let new_logs = new_logs.collect::<Result<_, _>>()?;
        let witness = if r.count(1)? == 0 { None } else { Some(Witness::read(&mut r)?) };
        let watch = Self { anchors_to, receipts, new_logs, witness };
        r.finish()?;
        Ok(watch)
    }
}

/// What is watched, by organisation.
pub(super) type Watches = BTreeMap<OrgId, Watch>;

impl Session {
    pub(super) fn look_at_watch<R>(
        &self,
        org: OrgId,
        look: impl FnOnce(&Watch) -> R,
    ) -> Result<R, VaultError> {
        let mut watches = hold(&self.watches);
        Ok(look(self.watch(&mut watches, org)?))
    }

    /// Changes what is watched and keeps it, or changes nothing.
    pub(super) fn change_watch<R>(
        &self,
        org: OrgId,
        change: impl FnOnce(&mut Watch) -> R,
    ) -> Result<R, VaultError> {
        let mut watches = hold(&self.watches);
        let watch = self.watch(&mut watches, org)?;
        let mut next = watch.clone();
        let result = change(&mut next);
        if next != *watch {
            self.drafts.put(&name(org), &next.encode(), &mut OsEntropy)?;
            *watch = next;
        }
        Ok(result)
    }

    fn watch<'a>(&self, watches: &'a mut Watches, org: OrgId) -> Result<&'a mut Watch, VaultError> {
        if let std::collections::btree_map::Entry::Vacant(place) = watches.entry(org) {
            place.insert(match self.drafts.get(&name(org)) {
                // What cannot be read is begun anew: then every anchor is checked once more.
                Ok(bytes) => bytes.lend(Watch::decode).unwrap_or_default(),
                Err(CacheError::Missing | CacheError::Broken) => Watch::default(),
                Err(error) => return Err(error.into()),
            });
        }
        watches.get_mut(&org).ok_or(VaultError::NotFound)
    }
}

fn name(org: OrgId) -> String {
    format!("watch-{org}")
}
