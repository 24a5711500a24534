//! What is left of a contradiction, as a file beside the vault.

use strongroom_core::replica::Replica;
use strongroom_format::wire::B64;

use super::sync::Contradiction;

pub use strongroom_core::evidence::Evidence;

/// Evidence of `found`, with the chain by which anybody can judge it.
pub(super) fn of(replica: &Replica, found: &Contradiction, noticed_ms: u64) -> Evidence {
    let Contradiction { stop, env, verified, shown } = found;
    let links = (0..=replica.state().seq()).filter_map(|seq| replica.link(seq));
    Evidence {
        version: strongroom_core::evidence::VERSION,
        org: replica.state().org(),
        env: *env,
        what: format!("{:?} at {}", stop.kind, stop.place),
        noticed_ms,
        verified: B64(verified.clone()),
        shown: B64(shown.clone()),
        chain: links.map(|link| B64(link.as_bytes().to_vec())).collect(),
    }
}
