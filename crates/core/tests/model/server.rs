//! The server as plain lists, and everything it can do to what it shows.

use std::collections::BTreeMap;

use strongroom_chain::tree::{Frontier, leaf_hash};
use strongroom_format::commit::SignedCommit;
use strongroom_format::hash::{Digest, ZERO};
use strongroom_format::id::EnvId;
use strongroom_format::statement::{Body, Link};
use strongroom_format::wire::{CommitRecord, PreviousUpload, WrapUpload, WriteBatch};

/// One history of everything, as the server stores or shows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) links: Vec<Vec<u8>>,
    pub(crate) wraps: Vec<WrapUpload>,
    pub(crate) previous: Vec<PreviousUpload>,
    pub(crate) commits: BTreeMap<EnvId, Vec<CommitRecord>>,
    /// Leaves of the audit log: one for each link and commit, in the order of arrival.
    pub(crate) log: Vec<Digest>,
}

impl Ledger {
    /// Where an environment stands.
    pub(crate) fn standing(&self, env: &EnvId) -> (u64, Digest) {
        let last = self.commits.get(env).and_then(|records| records.last());
        last.map_or((0, ZERO), |record| {
            let signed = SignedCommit::parse(&record.commit).unwrap();
            (signed.commit.seq, signed.head())
        })
    }

    /// Compare and set, as the real server does it; `honest` says whether cuts are looked at.
    pub(crate) fn accept(&mut self, batch: &WriteBatch, honest: bool) -> bool {
        let mut next = self.clone();
        for bytes in &batch.links {
            let link = Link::parse(bytes).unwrap();
            let last = next.links.last().map(|bytes| Link::parse(bytes).unwrap().head());
            let fits = link.statement.seq == next.links.len() as u64
                && last.is_none_or(|last| last == link.statement.prev);
            let cuts = match &link.statement.body {
                Body::DekEpoch { env, cut_seq, cut_head, .. } => vec![(*env, *cut_seq, *cut_head)],
                Body::MemberRemove { cuts, .. } => {
                    cuts.iter().map(|cut| (cut.env, cut.seq, cut.head)).collect()
                }
                _ => Vec::new(),
            };
            let cut = cuts.iter().all(|(env, seq, head)| self.standing(env) == (*seq, *head));
            if !fits || (honest && !cut) {
                return false;
            }
            next.log.push(leaf_hash(bytes));
            next.links.push(bytes.clone());
        }
        let newest = self.links.len() as u64;
        let mut envelopes = batch.envelopes.iter().cloned();
        for bytes in &batch.commits {
            let signed = SignedCommit::parse(bytes).unwrap();
            let commit = &signed.commit;
            let at = next.standing(&commit.env);
            if at != (commit.seq - 1, commit.prev) || (honest && commit.org_seq + 1 < newest) {
                return false;
            }
            let fields = commit.changes.iter().map(|change| change.fields.len()).sum();
            let own = envelopes.by_ref().take(fields).collect();
            next.log.push(leaf_hash(bytes));
            let record = CommitRecord { commit: bytes.clone(), envelopes: own };
            next.commits.entry(commit.env).or_default().push(record);
        }
        next.wraps.extend(batch.wraps.iter().cloned());
        next.previous.extend(batch.previous.iter().cloned());
        *self = next;
        true
    }

    pub(crate) fn frontier(&self, size: usize) -> Frontier {
        let mut frontier = Frontier::new();
        for leaf in &self.log[..size] {
            frontier.append(*leaf);
        }
        frontier
    }

    /// A node of the audit tree.
    pub(crate) fn node(&self, level: u8, index: u64) -> Option<Digest> {
        let from = usize::try_from(index << level).ok()?;
        let leaves = self.log.get(from..from + (1 << level))?;
        let part = Self { log: leaves.to_vec(), ..Self::default() };
        Some(part.frontier(leaves.len()).root())
    }

    /// Every byte that was ever handed in.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        let commits = self.commits.values().flatten();
        let commits = commits.flat_map(|record| {
            std::iter::once(record.commit.as_slice())
                .chain(record.envelopes.iter().map(Vec::as_slice))
        });
        let wraps = self.wraps.iter().map(|wrap| wrap.wrap.as_slice());
        let previous = self.previous.iter().map(|previous| previous.sealed.as_slice());
        self.links.iter().map(Vec::as_slice).chain(commits).chain(wraps).chain(previous)
    }
}

/// What a server does to a view before it shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lie {
    DropLink,
    DropCommit,
    DropEnvelope,
    ReplayLink,
    ReplayCommit,
    ReorderLinks,
    ReorderCommits,
    CutLinksShort,
    CutCommitsShort,
    SwapEnvelopes,
    SwapVersions,
    SwapEnvironments,
    SwapWraps,
    SwapPrevious,
    SpliceLinks,
    SpliceCommits,
    FlipLink,
    FlipCommit,
    FlipEnvelope,
    RewriteLog,
    CutLogShort,
}

impl Lie {
    pub(crate) const ALL: [Self; 21] = [
        Self::DropLink,
        Self::DropCommit,
        Self::DropEnvelope,
        Self::ReplayLink,
        Self::ReplayCommit,
        Self::ReorderLinks,
        Self::ReorderCommits,
        Self::CutLinksShort,
        Self::CutCommitsShort,
        Self::SwapEnvelopes,
        Self::SwapVersions,
        Self::SwapEnvironments,
        Self::SwapWraps,
        Self::SwapPrevious,
        Self::SpliceLinks,
        Self::SpliceCommits,
        Self::FlipLink,
        Self::FlipCommit,
        Self::FlipEnvelope,
        Self::RewriteLog,
        Self::CutLogShort,
    ];

    /// Changes `view`; `x` and `y` choose where, counted from the newest, `other` is another branch.
    #[expect(clippy::many_single_char_names, reason = "two places, one count")]
    pub(crate) fn tell(self, view: &mut Ledger, other: &Ledger, x: usize, y: usize) {
        let Some(env) = view.commits.keys().nth(x % view.commits.len().max(1)).copied() else {
            return;
        };
        let from_end = |len: usize| len.saturating_sub(1 + y % 5);
        let links = view.links.len();
        let log = view.log.len();
        let records = view.commits.entry(env).or_default();
        let (n, at) = (records.len(), from_end(records.len()));
        match self {
            Self::DropLink => drop(view.links.remove(from_end(links))),
            Self::DropCommit => drop(records.remove(at)),
            Self::DropEnvelope => drop(records[at].envelopes.pop()),
            Self::ReplayLink => view.links.push(view.links[from_end(links)].clone()),
            Self::ReplayCommit => records.push(records[at].clone()),
            Self::ReorderLinks => view.links.swap(from_end(links), links - 1),
            Self::ReorderCommits => records.swap(at, n - 1),
            Self::CutLinksShort => view.links.truncate(from_end(links).max(1)),
            Self::CutCommitsShort => records.truncate(at),
            Self::SwapEnvelopes => {
                let envelopes = &mut records[at].envelopes;
                if let Some(last) = envelopes.len().checked_sub(1) {
                    envelopes.swap(x % (last + 1), last);
                }
            }
            Self::SwapVersions => {
                let (old, new) = (records[at].envelopes.clone(), n - 1);
                records[new].envelopes = old;
            }
            Self::SwapEnvironments => {
                let other = view.commits.keys().nth(y % view.commits.len()).copied().unwrap_or(env);
                let theirs = view.commits.get(&other).cloned().unwrap_or_default();
                let own = view.commits.insert(env, theirs).unwrap_or_default();
                view.commits.insert(other, own);
            }
            Self::SwapWraps => {
                let n = view.wraps.len();
                let (a, b) = (x % n, n - 1 - y % n.min(4));
                let wrap = view.wraps[a].wrap;
                view.wraps[a].wrap = view.wraps[b].wrap;
                view.wraps[b].wrap = wrap;
            }
            Self::SwapPrevious => {
                if let Some(last) = view.previous.len().checked_sub(1) {
                    let sealed = view.previous[x % (last + 1)].sealed.clone();
                    view.previous[last].sealed = sealed;
                }
            }
            Self::SpliceLinks => {
                let at = from_end(links);
                view.links.truncate(at);
                view.links.extend(other.links.iter().skip(at).cloned());
            }
            Self::SpliceCommits => {
                records.truncate(at);
                let theirs = other.commits.get(&env).into_iter().flatten();
                records.extend(theirs.skip(at).cloned());
            }
            Self::FlipLink => flip(&mut view.links[from_end(links)], x),
            Self::FlipCommit => flip(&mut records[at].commit, x),
            Self::FlipEnvelope => {
                if let Some(envelope) = records[at].envelopes.last_mut() {
                    flip(envelope, x);
                }
            }
            Self::RewriteLog => view.log[from_end(log)][0] ^= 1,
            Self::CutLogShort => view.log.truncate(from_end(log)),
        }
    }
}

fn flip(bytes: &mut [u8], at: usize) {
    let at = at * 37 % bytes.len();
    bytes[at] ^= 1 << (at % 8);
}
