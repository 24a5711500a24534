//! One organisation as the journal knows it: verified states, and where its audit log stands.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use strongroom_chain::tree::{Frontier, TreeError};
use strongroom_chain::trie::Item;
use strongroom_chain::{EnvHistory, OrgState};
use strongroom_format::commit::SignedCommit;
use strongroom_format::hash::Digest;
use strongroom_format::id::{DeviceId, EnvId, OrgId, Principal};
use strongroom_format::statement::Link;
use strongroom_store::{ActorHead, ReadTx, StoreError, WriteTx};

use crate::limits::PerMinute;

/// How much of a chain or a list of items is read at once.
const PAGE: usize = 10_000;
const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// How many devices' acts are remembered before those that were not needed lately are forgotten.
const MAX_HEADS: usize = 1_024;

#[derive(Debug, Clone)]
pub(crate) struct Vault {
    pub(crate) state: Arc<OrgState>,
    /// Histories that were needed so far; a copy shares its items.
    pub(crate) histories: HashMap<EnvId, EnvHistory>,
    pub(super) frontier: Frontier,
    pub(super) checkpoint: Arc<str>,
    /// Refusals of this minute whose sender is nobody here.
    pub(super) strangers: PerMinute,
    /// Audit entries of the present transaction.
    pub(super) entries: Vec<Vec<u8>>,
    /// Where the acts of actors stand, as far as it was needed lately.
    pub(super) heads: Arc<BTreeMap<(Principal, DeviceId), ActorHead>>,
    /// Where the present transaction moved them to.
    pub(super) moved: BTreeMap<(Principal, DeviceId), ActorHead>,
}

impl Vault {
    pub(crate) fn new(state: OrgState) -> Self {
        Self {
            state: Arc::new(state),
            histories: HashMap::new(),
            frontier: Frontier::new(),
            checkpoint: Arc::from(""),
            strangers: PerMinute::default(),
            entries: Vec::new(),
            heads: Arc::default(),
            moved: BTreeMap::new(),
        }
    }

    /// The place that the next audit entry will have.
    pub(crate) fn next_entry(&self) -> u64 {
        self.frontier.size().saturating_add(self.entries.len() as u64)
    }

    /// The newest durable checkpoint, as a signed note.
    pub(crate) fn checkpoint(&self) -> Arc<str> {
        Arc::clone(&self.checkpoint)
    }

    /// Ends a transaction: gives where it moved the acts of actors to, and remembers it.
    pub(super) fn take_moved(&mut self) -> Vec<ActorHead> {
        let moved = std::mem::take(&mut self.moved);
        let rows = moved.values().copied().collect();
        if !moved.is_empty() {
            let heads = Arc::make_mut(&mut self.heads);
            if heads.len() > MAX_HEADS {
                heads.clear();
            }
            heads.extend(moved);
        }
        rows
    }

    /// Reads and verifies an organisation, exactly as a client would.
    pub(super) async fn load(
        tx: &mut dyn WriteTx,
        org: &OrgId,
    ) -> Result<Option<Self>, StoreError> {
        let mut state: Option<OrgState> = None;
        let mut next = 0;
        loop {
            let page = tx.links(org, next, PAGE, PAGE_BYTES).await?;
            let Some(last) = page.last() else { break };
            next = last.seq + 1;
            for row in &page {
                let link = Link::parse(&row.bytes).map_err(|_| damaged("link"))?;
                match &mut state {
                    None => {
                        state = Some(OrgState::found(&link).map_err(|_| damaged("genesis"))?);
                    }
                    Some(state) => state.apply(&link).map_err(|_| damaged("chain"))?,
                }
            }
        }
        let Some(state) = state else { return Ok(None) };
        if state.org() != *org {
            return Err(damaged("organisation"));
        }
        let mut vault = Self::new(state);
        let size = tx.log_size(org).await?;
        vault.frontier = load_frontier(tx, org, size).await?;
        if let Some((at, note)) = tx.checkpoint(org, None).await? {
            if at != size {
                return Err(damaged("checkpoint"));
            }
            vault.checkpoint = Arc::from(note);
        }
        Ok(Some(vault))
    }
}

/// The verified history of an environment, from its newest commit and its current items.
pub(crate) async fn load_history(
    tx: &mut dyn ReadTx,
    state: &OrgState,
    env: EnvId,
) -> Result<EnvHistory, StoreError> {
    let org = state.org();
    let Some(head) = tx.head_commit(&org, &env).await? else {
        return Ok(EnvHistory::new(org, env));
    };
    let head = SignedCommit::parse(&head.bytes).map_err(|_| damaged("commit"))?;
    let mut items = Vec::new();
    loop {
        let after = items.last().map(|item: &Item| item.change.secret);
        let page = tx.items(&org, &env, after.as_ref(), PAGE).await?;
        if page.is_empty() {
            break;
        }
        items.extend(page.into_iter().map(|item| Item {
            change: item.change,
            epoch: item.epoch,
            origin: None,
        }));
    }
    EnvHistory::from_head(state, env, &head, items).map_err(|_| damaged("history"))
}

/// The frontier of the first `size` entries, from the stored nodes.
pub(crate) async fn load_frontier<T: ReadTx + ?Sized>(
    tx: &mut T,
    org: &OrgId,
    size: u64,
) -> Result<Frontier, StoreError> {
    let nodes = nodes_for(tx, org, |lookup| Frontier::load(size, lookup)).await?;
    nodes.map_err(|_| damaged("audit tree"))
}

/// Runs a computation over tree nodes whose places do not depend on their hashes: once to learn
/// the places, once with the nodes.
pub(crate) async fn nodes_for<T: ReadTx + ?Sized, R>(
    tx: &mut T,
    org: &OrgId,
    compute: impl Fn(&mut dyn FnMut(u8, u64) -> Option<Digest>) -> Result<R, TreeError>,
) -> Result<Result<R, TreeError>, StoreError> {
    let mut places = Vec::new();
    let dry = compute(&mut |level, index| {
        places.push((level, index));
        Some([0; 32])
    });
    if let Err(error) = dry {
        return Ok(Err(error));
    }
    let nodes = tx.nodes(org, &places).await?;
    Ok(compute(&mut |level, index| nodes.get(&(level, index)).copied()))
}

pub(super) fn damaged(what: &str) -> StoreError {
    StoreError::Failed(format!("the stored {what} does not verify"))
}
