//! Appends a transaction's audit entries: events, tree nodes, where the actors' own counts stand, and
//! one checkpoint per organisation.
//!
//! The root that is signed is computed from the bytes read back, and must be the one computed from
//! the bytes written, so that a flipped bit never gets a signature and no size ever gets two roots
//! (the `(organisation, size)` of a checkpoint is unique).

use std::sync::Arc;

use strongroom_chain::tree::leaf_hash;
use strongroom_format::note::Checkpoint;
use strongroom_store::{EventRow, NodeRow, StoreError, WriteTx};

use super::Batch;
use super::vault::{Vault, damaged, load_frontier};
use crate::keys::AuditKey;

impl Batch<'_> {
    /// Appends all entries; gives how many there were.
    pub(super) async fn seal(&mut self, key: &AuditKey) -> Result<u64, StoreError> {
        let mut count = 0;
        for vault in self.changed.values_mut() {
            if !vault.entries.is_empty() {
                count += vault.entries.len() as u64;
                seal_one(self.tx.as_mut(), vault, key).await?;
            }
        }
        Ok(count)
    }
}

async fn seal_one(
    tx: &mut dyn WriteTx,
    vault: &mut Vault,
    key: &AuditKey,
) -> Result<(), StoreError> {
    let org = vault.state.org();
    let before = vault.frontier.clone();
    let mut nodes = Vec::new();
    let mut rows = Vec::with_capacity(vault.entries.len());
    for bytes in std::mem::take(&mut vault.entries) {
        let index = vault.frontier.size();
        for node in vault.frontier.append(leaf_hash(&bytes)) {
            nodes.push(NodeRow { level: node.level, index: node.index, hash: node.hash });
        }
        rows.push(EventRow { index, bytes });
    }
    tx.insert_events(&org, &rows).await?;
    tx.insert_nodes(&org, &nodes).await?;
    let moved = vault.take_moved();
    tx.put_actor_heads(&org, &moved).await?;

    let mut again = before;
    let stored = tx.events(&org, again.size(), rows.len() + 1, usize::MAX).await?;
    for row in &stored {
        again.append(leaf_hash(&row.bytes));
    }
    let root = vault.frontier.root();
    let from_nodes = load_frontier(tx, &org, vault.frontier.size()).await?;
    if again != vault.frontier || from_nodes != vault.frontier {
        return Err(damaged("audit log"));
    }
    let checkpoint =
        Checkpoint { org, reset: vault.state.audit_reset(), size: vault.frontier.size(), root };
    let note = key.sign(&checkpoint);
    tx.insert_checkpoint(&org, checkpoint.size, &note).await?;
    vault.checkpoint = Arc::from(note);
    Ok(())
}
