//! Every value that somebody could read, what it did with it, and whether that is settled.

use strongroom_chain::org::EnvState;
use strongroom_format::commit::Op;
use strongroom_format::id::{EnvId, Principal, SecretId};
use strongroom_format::statement::{EnvKind, EpochReason};

use super::{LostEnv, Offboarding};
use crate::env::{EnvCopy, VersionRecord};
use crate::log::{Facts, Replacement, Use};
use crate::replica::Replica;

/// A secret that a leaver could read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouldRead {
    /// Where.
    pub env: EnvId,
    /// Which.
    pub secret: SecretId,
    /// Whether it was deleted since; what it opens may live on.
    pub deleted: bool,
    /// The strongest use that the leaver's clients noted, and when it was last.
    pub strongest: Option<(Use, u64)>,
    /// When the leaver last fetched it sealed, as the server noted.
    pub fetched: Option<u64>,
    /// Who wrote its newest value.
    pub owner: Option<Principal>,
    /// When it got a value that the leaver cannot read.
    pub new_value: Option<u64>,
    /// Somebody's word, given since, that what it opens was replaced.
    pub replaced: Option<Replacement>,
}

/// How much a secret asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tab {
    /// It was opened: what it opens must be replaced where it was issued.
    Rotate,
    /// It was fetched sealed, and nobody noted that it was opened.
    Fetched,
    /// It was never fetched.
    Never,
}

impl CouldRead {
    /// How much it asks for.
    pub fn tab(&self) -> Tab {
        match (self.strongest, self.fetched) {
            (Some(_), _) => Tab::Rotate,
            (None, Some(_)) => Tab::Fetched,
            (None, None) => Tab::Never,
        }
    }

    /// Whether nothing is to be done about it any more.
    pub fn is_settled(&self) -> bool {
        self.new_value.is_some() || self.replaced.is_some()
    }
}

/// Every secret that the leaver could read, strongest use first. Environments that this device
/// cannot read, or whose past it has not verified, are told by `unseen`.
pub fn could_read(
    replica: &Replica,
    offboarding: &Offboarding,
    facts: Option<&Facts>,
    replaced: &dyn Fn(&EnvId, &SecretId) -> Option<Replacement>,
) -> (Vec<CouldRead>, Vec<EnvId>) {
    let (mut all, mut unseen) = (Vec::new(), Vec::new());
    for lost in offboarding.envs.iter().filter(|env| env.kind != EnvKind::Directory) {
        let copy = replica.env(&lost.env).filter(|copy| copy.history().is_complete());
        let (Some(copy), Some(env)) = (copy, replica.state().env(&lost.env)) else {
            unseen.push(lost.env);
            continue;
        };
        let began_ms = replica.state().time_at(lost.since).unwrap_or(0);
        for item in copy.history().items().iter() {
            let past = Past { env, versions: copy.versions(&item.change.secret) };
            let secret = item.change.secret;
            if let Some(mut found) = past.could_read(lost, secret, began_ms) {
                add_facts(&mut found, &offboarding.who, &past, facts);
                found.replaced = replaced(&lost.env, &secret)
                    .filter(|word| word.since().is_some_and(|since| since >= lost.loss.at_ms));
                all.push(found);
            }
        }
        note_unseen(copy, lost, &mut unseen);
    }
    let last = |found: &CouldRead| found.strongest.map_or(found.fetched, |(_, at)| Some(at));
    all.sort_by(|a, b| {
        let by = |found: &CouldRead| (found.strongest.map(|(what, _)| what), last(found));
        by(b).cmp(&by(a)).then_with(|| (a.env, a.secret).cmp(&(b.env, b.secret)))
    });
    (all, unseen)
}

/// A copy that ends before the data key that replaced the leaver's is not up to date.
fn note_unseen(copy: &EnvCopy, lost: &LostEnv, unseen: &mut Vec<EnvId>) {
    if lost.rotated.is_some_and(|rotated| copy.history().seq() < rotated.cut_seq) {
        unseen.push(lost.env);
    }
}

fn add_facts(found: &mut CouldRead, who: &Principal, past: &Past<'_>, facts: Option<&Facts>) {
    let Some(facts) = facts else { return };
    found.strongest = facts.uses(who, &found.env, &found.secret).strongest();
    let written = past.versions.first().map_or(0, |version| version.origin.time_ms);
    let fetched = facts.in_env(who, &found.env).and_then(|env| env.fetched.as_ref());
    found.fetched = fetched.map(|seen| seen.at_ms).filter(|at| *at >= written);
}

/// The versions that brought a value of their own, oldest first: sealing anew does not.
pub(crate) fn written_values<'a>(
    env: &EnvState,
    versions: &'a [VersionRecord],
) -> Vec<&'a VersionRecord> {
    let past = Past { env, versions };
    (0..versions.len()).filter(|at| past.is_new_value(*at)).map(|at| &versions[at]).collect()
}

/// The versions of one secret, oldest first.
struct Past<'a> {
    env: &'a EnvState,
    versions: &'a [VersionRecord],
}

impl Past<'_> {
    fn could_read(&self, lost: &LostEnv, secret: SecretId, began_ms: u64) -> Option<CouldRead> {
        let readable = |version: &&VersionRecord| {
            version.op == Op::Put && self.epoch(version.origin.commit) <= lost.held
        };
        self.versions.iter().find(readable)?;
        let newest = self.versions.last()?;
        let deleted = newest.op == Op::Delete;
        if deleted && newest.origin.time_ms < began_ms {
            return None; // it was gone before the leaver came
        }
        let values = || (0..self.versions.len()).filter(|at| self.is_new_value(*at));
        let new_value = values()
            .map(|at| &self.versions[at])
            .find(|version| self.epoch(version.origin.commit) > lost.held);
        Some(CouldRead {
            env: lost.env,
            secret,
            deleted,
            strongest: None,
            fetched: None,
            owner: values().next_back().map(|at| self.versions[at].origin.author),
            new_value: new_value.map(|version| version.origin.time_ms),
            replaced: None,
        })
    }

    /// The data key of a commit: each later one names the last commit before it.
    fn epoch(&self, commit: u64) -> u32 {
        let before = self.env.epochs.partition_point(|epoch| epoch.cut_seq < commit);
        u32::try_from(before).unwrap_or(u32::MAX)
    }

    /// Whether a version is a value of its own. The commit behind a rotation puts every value that
    /// lives once more, and nothing else (docs/protocol.md, section 9).
    fn is_new_value(&self, at: usize) -> bool {
        let version = &self.versions[at];
        let lived = at.checked_sub(1).is_some_and(|before| self.versions[before].op == Op::Put);
        let behind_rotation = self.env.epochs.iter().any(|epoch| {
            epoch.reason == EpochReason::Rotation && epoch.cut_seq + 1 == version.origin.commit
        });
        version.op == Op::Put && !(lived && behind_rotation)
    }
}
