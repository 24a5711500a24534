//! Who else has seen the same audit log, as far as this computer can tell.

use std::collections::BTreeSet;

use strongroom_format::id::Principal;

use super::anchor::{AnchorSeen, anchors};
use super::error::VaultError;
use super::session::Session;
use super::witness::WitnessShown;

/// What others signed of the audit log that this computer pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OthersSaw {
    /// How many other people anchored a state of it that was held against the pinned one here.
    pub anchors: usize,
    /// The newest anchor that was held against it, whoever signed it.
    pub newest: Option<AnchorSeen>,
    /// How many anchors the next syncs will look at.
    pub open: usize,
    /// The witness that this computer asks.
    pub witness: Option<WitnessShown>,
}

impl Session {
    /// Who else has seen the audit log of the organisation in front.
    pub fn others_saw(&self) -> Result<OthersSaw, VaultError> {
        let org = self.current()?;
        let checked = self.look_at_watch(org, |watch| watch.anchors_to)?;
        let witness = self.witness()?;
        self.with_org(org, |opened| {
            let all = anchors(&opened.replica, 0);
            let open = all.iter().filter(|anchor| anchor.link > checked).count();
            let held = &all[..all.len() - open];
            let me = opened.replica.principal();
            let others: BTreeSet<Principal> =
                held.iter().map(|anchor| anchor.by).filter(|by| *by != me).collect();
            OthersSaw { anchors: others.len(), newest: held.last().copied(), open, witness }
        })
    }
}
