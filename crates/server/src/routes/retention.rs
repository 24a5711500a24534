//! What links say about the audit log: what its root was, and how much of it is kept.

use strongroom_chain::OrgState;
use strongroom_chain::tree::Frontier;
use strongroom_format::id::OrgId;
use strongroom_format::statement::{Body, Link};
use strongroom_store::{StoreError, WriteTx};

use crate::error::ApiError;
use crate::journal::{Stop, nodes_for};

/// Whether every anchor and retention among `links` names the root of this very log: one member's
/// false one would stop everybody else. `before` is the state that the links change; none where they
/// found the organisation.
pub(super) async fn check(
    tx: &mut dyn WriteTx,
    before: Option<&OrgState>,
    after: &OrgState,
    links: &[Link],
) -> Result<(), Stop> {
    for link in links {
        let (Body::AuditAnchor { size, root, .. } | Body::AuditRetention { size, root, .. }) =
            &link.statement.body
        else {
            continue;
        };
        let kept = nodes_for(tx, &after.org(), |lookup| Frontier::load(*size, lookup)).await?;
        if kept.map(|frontier| frontier.root()) != Ok(*root) {
            let message = "the audit log had another root at this size, or is not that long";
            return Err(Stop::Refused(ApiError::unprocessable("wrong-root", message)));
        }
    }
    // What is gone stays gone in the tree that goes on after a reset, and a new reader begins
    // with a root that an owner signed.
    let gone = before.map_or(0, |before| before.audit_retained().size);
    if after.audit_retained().size < gone {
        let message = "say with the reset how much of the log is kept";
        return Err(Stop::Refused(ApiError::unprocessable("retention-lost", message)));
    }
    Ok(())
}

/// Removes the entries that need not be kept any more; their nodes stay.
pub(super) async fn retire(
    tx: &mut dyn WriteTx,
    org: &OrgId,
    after: &OrgState,
    links: &[Link],
) -> Result<(), StoreError> {
    let retires = |link: &Link| matches!(link.statement.body, Body::AuditRetention { .. });
    if links.iter().any(retires) {
        tx.retire_events(org, after.audit_retained().size).await?;
    }
    Ok(())
}
