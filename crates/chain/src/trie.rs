//! The items of an environment as a canonical binary Merkle trie (docs/protocol.md, section 9).
//!
//! The root depends on the set of items alone, never on the order in which they came. Nodes are
//! shared, so that a copy costs nothing and a change costs about log n hashes.

use std::sync::Arc;

use strongroom_format::commit::{Change, Op};
use strongroom_format::hash::{Digest, ZERO, sha256};
use strongroom_format::id::{Principal, SecretId};

/// A current item (or tombstone), with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What the last commit that touched it said.
    pub change: Change,
    /// The data-key epoch its fields are sealed under.
    pub epoch: u32,
    /// Who wrote it, in which commit and when; unknown until the history is verified.
    pub origin: Option<Origin>,
}

/// Where an item came from, as the signed history says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The author.
    pub author: Principal,
    /// The commit.
    pub commit: u64,
    /// The author's clock, in milliseconds since 1970.
    pub time_ms: u64,
}

impl Item {
    /// Whether it exists, as opposed to a tombstone.
    pub fn is_live(&self) -> bool {
        self.change.op == Op::Put
    }
}

/// All items of an environment.
#[derive(Debug, Clone, Default)]
pub struct Trie {
    root: Option<Arc<Node>>,
    len: usize,
    live: usize,
}

#[derive(Debug)]
enum Node {
    Leaf { item: Arc<Item>, hash: Digest },
    Branch { left: Option<Arc<Node>>, right: Option<Arc<Node>>, hash: Digest },
}

impl Trie {
    /// The state root.
    pub fn root(&self) -> Digest {
        hash_of(self.root.as_ref())
    }

    /// How many items there are, tombstones included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many items exist, tombstones left out.
    pub fn live(&self) -> usize {
        self.live
    }

    /// One item.
    pub fn lookup(&self, id: &SecretId) -> Option<&Item> {
        let mut node = self.root.as_deref()?;
        let mut depth = 0;
        loop {
            match node {
                Node::Leaf { item, .. } => return (item.change.secret == *id).then_some(item),
                Node::Branch { left, right, .. } => {
                    node = if bit(id, depth) { right } else { left }.as_deref()?;
                    depth += 1;
                }
            }
        }
    }

    /// Puts `items`, which rise strictly by id, in the place of their older versions.
    #[must_use]
    pub fn with(&self, items: Vec<Item>) -> Self {
        let (mut len, mut live) = (self.len, self.live);
        for item in &items {
            let old = self.lookup(&item.change.secret);
            len += usize::from(old.is_none());
            live += usize::from(item.is_live());
            live -= usize::from(old.is_some_and(Item::is_live));
        }
        let items: Vec<Arc<Item>> = items.into_iter().map(Arc::new).collect();
        Self { root: update(self.root.as_ref(), &items, 0), len, live }
    }

    /// Every item, rising by id.
    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        let mut stack: Vec<&Node> = self.root.as_deref().into_iter().collect();
        std::iter::from_fn(move || {
            loop {
                match stack.pop()? {
                    Node::Leaf { item, .. } => return Some(item.as_ref()),
                    Node::Branch { left, right, .. } => {
                        stack.extend(right.as_deref());
                        stack.extend(left.as_deref());
                    }
                }
            }
        })
    }
}

fn update(node: Option<&Arc<Node>>, items: &[Arc<Item>], depth: usize) -> Option<Arc<Node>> {
    if items.is_empty() {
        return node.cloned();
    }
    match node.map(Arc::as_ref) {
        None => build(items, depth),
        Some(Node::Leaf { item, .. }) => {
            match items.binary_search_by_key(&item.change.secret, |i| i.change.secret) {
                Ok(_) => build(items, depth),
                Err(at) => {
                    let mut all = items.to_vec();
                    all.insert(at, Arc::clone(item));
                    build(&all, depth)
                }
            }
        }
        Some(Node::Branch { left, right, .. }) => {
            let (zeros, ones) = split(items, depth);
            let left = update(left.as_ref(), zeros, depth + 1);
            Some(branch(left, update(right.as_ref(), ones, depth + 1)))
        }
    }
}

fn build(items: &[Arc<Item>], depth: usize) -> Option<Arc<Node>> {
    match items {
        [] => None,
        // Of two items with one id, which no decoder lets pass, the last one counts.
        [.., item] if items.len() == 1 || depth == 8 * SecretId::LEN => {
            let hash = sha256(&[&[0], &item.change.state_leaf()]);
            Some(Arc::new(Node::Leaf { item: Arc::clone(item), hash }))
        }
        _ => {
            let (zeros, ones) = split(items, depth);
            Some(branch(build(zeros, depth + 1), build(ones, depth + 1)))
        }
    }
}

fn branch(left: Option<Arc<Node>>, right: Option<Arc<Node>>) -> Arc<Node> {
    let hash = sha256(&[&[1], &hash_of(left.as_ref()), &hash_of(right.as_ref())]);
    Arc::new(Node::Branch { left, right, hash })
}

fn split(items: &[Arc<Item>], depth: usize) -> (&[Arc<Item>], &[Arc<Item>]) {
    items.split_at(items.partition_point(|item| !bit(&item.change.secret, depth)))
}

fn hash_of(node: Option<&Arc<Node>>) -> Digest {
    match node.map(Arc::as_ref) {
        None => ZERO,
        Some(Node::Leaf { hash, .. } | Node::Branch { hash, .. }) => *hash,
    }
}

/// Bit `depth` of the id, the most significant of the first byte first. Ids are 128 bits, and two
/// different ones part before they end.
fn bit(id: &SecretId, depth: usize) -> bool {
    id.0.get(depth / 8).is_some_and(|byte| byte >> (7 - depth % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use strongroom_format::commit::{Field, FieldHash};

    use super::*;

    fn item(id: [u8; 16], version: u64) -> Item {
        let fields = vec![FieldHash { field: Field::Name, envelope: [7; 32] }];
        let change = Change { op: Op::Put, secret: SecretId(id), version, fields };
        Item { change, epoch: 1, origin: None }
    }

    /// The definition, word for word, as the second opinion.
    fn definition(leaves: &[(&[u8; 16], Vec<u8>)], depth: usize) -> Digest {
        match leaves {
            [] => ZERO,
            [(_, leaf)] => sha256(&[&[0], leaf]),
            _ => {
                let side = |one| {
                    let part: Vec<_> = leaves
                        .iter()
                        .filter(|(id, _)| (id[depth / 8] >> (7 - depth % 8) & 1 == 1) == one)
                        .cloned()
                        .collect();
                    definition(&part, depth + 1)
                };
                sha256(&[&[1], &side(false), &side(true)])
            }
        }
    }

    fn id() -> impl Strategy<Value = [u8; 16]> {
        // Few different bytes, so that ids share long prefixes.
        prop::array::uniform16(prop_oneof![Just(0u8), Just(1), Just(0x80), any::<u8>()])
    }

    proptest! {
        #[test]
        fn the_root_is_the_definition_and_forgets_the_order(
            batches in prop::collection::vec(prop::collection::btree_map(id(), 1u64..4, 0..12), 1..5),
        ) {
            let mut trie = Trie::default();
            let mut model = BTreeMap::new();
            for batch in batches {
                model.extend(batch.clone());
                trie = trie.with(batch.into_iter().map(|(id, v)| item(id, v)).collect());
            }
            let leaves: Vec<_> = model
                .iter()
                .map(|(id, v)| (id, item(*id, *v).change.state_leaf()))
                .collect();
            prop_assert_eq!(trie.root(), definition(&leaves, 0));
            prop_assert_eq!(trie.len(), model.len());
            prop_assert_eq!(trie.live(), model.len());
            let seen: Vec<_> = trie.iter().map(|item| item.change.secret.0).collect();
            prop_assert_eq!(seen, model.keys().copied().collect::<Vec<_>>());
            for (id, v) in &model {
                prop_assert_eq!(trie.lookup(&SecretId(*id)).map(|i| i.change.version), Some(*v));
            }
        }
    }
}
