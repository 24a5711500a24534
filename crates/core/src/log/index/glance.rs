//! The columns of a row that cost no text: for whoever reads the whole table.

use strongroom_format::event::EventKind;
use strongroom_format::id::{EnvId, Principal, SecretId};

use super::Index;
use crate::log::Verdict;

/// A row at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance<'a> {
    /// The server's clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    pub kind: EventKind,
    /// What checking it gave.
    pub verdict: Verdict,
    /// Who acted; `None` where nobody proved it.
    pub who: Option<Principal>,
    /// The environment; zero if it is about none.
    pub env: EnvId,
    /// The secret; zero if it is about none.
    pub secret: SecretId,
    /// HTTP status of the answer; 0 for what happened on a device.
    pub status: u16,
    /// Where the request came from, as the server saw it, without a port.
    pub address: &'a str,
}

impl Index {
    /// Every row, oldest first.
    pub fn glances(&self) -> impl Iterator<Item = Glance<'_>> {
        let columns = self.at_ms.iter().zip(&self.what).zip(&self.who).zip(&self.place);
        let columns = columns.zip(&self.status).zip(&self.peer);
        columns.filter_map(|(((((at_ms, what), who), place), status), peer)| {
            let (env, secret) = *self.places.get(*place)?;
            Some(Glance {
                at_ms: *at_ms,
                kind: what.kind()?,
                verdict: what.verdict()?,
                who: self.people.get(*who)?.who,
                env,
                secret,
                status: *status,
                address: &self.peers.get(*peer)?.address,
            })
        })
    }
}
