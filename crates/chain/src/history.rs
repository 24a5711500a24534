//! The history of one environment: what a verified pass over its commits says (docs/protocol.md,
//! section 9).
//!
//! Pure, like the organisation chain it leans on. A history built from its head alone
//! ([`EnvHistory::from_head`]) is sound for what the environment holds *now*; whether its past is
//! whole is known only after [`EnvHistory::confirm`].

use strongroom_format::check::require;
use strongroom_format::commit::{Change, Commit, MAX_ITEMS, Op, SignedCommit};
use strongroom_format::hash::{Digest, ZERO};
use strongroom_format::id::{EnvId, OrgId, Principal, SecretId};
use strongroom_format::pins::EnvPin;
use strongroom_format::statement::{EnvKind, EpochReason, Rights};
use thiserror::Error;

use crate::org::{EnvState, Epoch, OrgState};
use crate::signature::verifies_labelled;
use crate::trie::{Item, Origin, Trie};

/// The most items of the directory, which names those of all environments.
pub const MAX_DIRECTORY_ITEMS: usize = 100_000;
/// How long after its end a branch still takes commits of slow clocks, in milliseconds (one day).
const BRANCH_GRACE_MS: u64 = 24 * 60 * 60 * 1000;

/// Why a commit does not continue the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The commit belongs to another organisation or environment.
    #[error("the commit belongs to another environment")]
    WrongEnv,
    /// The position is not the next one.
    #[error("the commit is out of order")]
    WrongSeq,
    /// The predecessor is another one: the history forks here.
    #[error("the commit continues another history")]
    WrongPrev,
    /// The chain does not know the environment.
    #[error("the environment is not on the chain")]
    UnknownEnv,
    /// The head that the author saw is not on the verified chain.
    #[error("the commit names a head that is not on the chain")]
    OrgHead,
    /// The head that the author saw lies before that of the commit before.
    #[error("the commit goes back on the chain")]
    OrgHeadWentBack,
    /// The time lies before the commit before.
    #[error("the commit's time goes back")]
    TimeWentBack,
    /// The author was not part of the organisation.
    #[error("the author is not part of the organisation")]
    UnknownAuthor,
    /// The signature is not the author's.
    #[error("the signature does not verify")]
    BadSignature,
    /// The author may not write here, or not these items.
    #[error("the author may not write this")]
    NoRight,
    /// The author was removed or the data key replaced, and this commit lies behind the cut.
    #[error("the author was removed or the data key replaced before this commit")]
    Cut,
    /// A removal or a new data key names another commit at this place.
    #[error("the commit is not the one that the chain names")]
    CutForked,
    /// The history ends before a commit that a removal or a new data key names.
    #[error("the history ends before a commit that the chain names")]
    BeforeCut,
    /// The branch has ended.
    #[error("the branch has ended")]
    Ended,
    /// The data key is not the current one.
    #[error("the data key is not the current one")]
    WrongEpoch,
    /// A reader left: the data key must be replaced first.
    #[error("the data key must be replaced first")]
    Due,
    /// After a rotation every current value must be sealed anew, in one commit.
    #[error("not every value was sealed under the new data key")]
    NotResealed,
    /// Nothing changes.
    #[error("the commit changes nothing")]
    Empty,
    /// A version is not the one before plus one.
    #[error("a version is out of order")]
    Version,
    /// What is deleted does not exist.
    #[error("a deleted item does not exist")]
    NothingToDelete,
    /// The environment would hold too much.
    #[error("the environment is full")]
    TooManyItems,
    /// The state after the commit is not the one it states.
    #[error("the items are not those that were signed")]
    StateRoot,
    /// The history ends below what was verified before.
    #[error("the history is older than what was verified before")]
    BelowPin,
    /// The history differs from what was verified before.
    #[error("the history differs from what was verified before")]
    Fork,
}

/// The verified state of one environment. Copying it costs nothing.
#[derive(Debug, Clone)]
pub struct EnvHistory {
    org: OrgId,
    env: EnvId,
    seq: u64,
    head: Digest,
    org_seq: u64,
    time_ms: u64,
    epoch: u32,
    items: Trie,
    /// Live items that a rotation still has to seal anew.
    stale: usize,
    complete: bool,
}

/// Checks a whole history against a verified chain.
pub fn verify(
    org: &OrgState,
    env: EnvId,
    commits: &[SignedCommit],
    pin: Option<&EnvPin>,
) -> Result<EnvHistory, CommitError> {
    let mut history = EnvHistory::new(org.org(), env);
    for commit in commits {
        history.apply(org, commit)?;
        if let Some(pin) = pin.filter(|pin| pin.seq == history.seq) {
            require(pin.head == history.head, CommitError::Fork)?;
        }
    }
    require(pin.is_none_or(|pin| pin.seq <= history.seq), CommitError::BelowPin)?;
    history.require_cuts(org)?;
    Ok(history)
}

impl EnvHistory {
    /// An environment without commits.
    pub fn new(org: OrgId, env: EnvId) -> Self {
        Self {
            org,
            env,
            seq: 0,
            head: ZERO,
            org_seq: 0,
            time_ms: 0,
            epoch: 0,
            items: Trie::default(),
            stale: 0,
            complete: true,
        }
    }

    /// An environment from its newest commit and its current items, which must give the signed
    /// root. The past is not known yet; neither are epochs and origins of the items part of the
    /// root, so what a server says of them can only make an item fail to open: an epoch before the
    /// last rotation is refused, except in a large environment between two parts of its rotation.
    pub fn from_head(
        org: &OrgState,
        env: EnvId,
        head: &SignedCommit,
        items: Vec<Item>,
    ) -> Result<Self, CommitError> {
        let history = Self::restore(org, env, head, items, false)?;
        history.require_cuts(org)?;
        Ok(history)
    }

    /// As [`EnvHistory::from_head`], for items that this device itself verified and kept under
    /// authenticated encryption: the completeness of the past is taken over, and the chain may
    /// have gone on since, so that the history may end before a cut.
    pub fn restore(
        org: &OrgState,
        env: EnvId,
        head: &SignedCommit,
        items: Vec<Item>,
        complete: bool,
    ) -> Result<Self, CommitError> {
        let commit = &head.commit;
        check_place(org, env, commit)?;
        check_author(org, head)?;
        check_epoch(org, head)?;
        let rotation = last_rotation(org, commit);
        let stale = items.iter().filter(|i| i.is_live() && i.epoch < rotation).count();
        // Both rise by id, so one pass over the items meets every change. (Items in another order
        // do not give the root.)
        let mut rest = items.iter();
        let written = |c: &Change| rest.any(|item| item.change == *c);
        require(commit.changes.iter().all(written), CommitError::StateRoot)?;
        let items = Trie::default().with(items);
        require(items.root() == commit.state_root, CommitError::StateRoot)?;
        require(items.len() <= cap(org, env), CommitError::TooManyItems)?;
        require(stale == 0 || stale + MAX_ITEMS <= items.live(), CommitError::NotResealed)?;
        Ok(Self {
            org: org.org(),
            env,
            seq: commit.seq,
            head: head.head(),
            org_seq: commit.org_seq,
            time_ms: commit.time_ms,
            epoch: commit.dek_epoch,
            items,
            stale,
            complete,
        })
    }

    /// Checks the next commit and takes it in. After an error the history is what it was.
    pub fn apply(&mut self, org: &OrgState, signed: &SignedCommit) -> Result<(), CommitError> {
        let commit = &signed.commit;
        check_place(org, self.env, commit)?;
        require(Some(commit.seq) == self.seq.checked_add(1), CommitError::WrongSeq)?;
        require(commit.prev == self.head, CommitError::WrongPrev)?;
        require(commit.org_seq >= self.org_seq, CommitError::OrgHeadWentBack)?;
        require(commit.time_ms >= self.time_ms, CommitError::TimeWentBack)?;
        check_author(org, signed)?;
        check_epoch(org, signed)?;
        let stale = self.check_reseal(org, commit)?;
        let items = self.items.with(self.next_items(commit)?);
        require(items.len() <= cap(org, self.env), CommitError::TooManyItems)?;
        require(items.root() == commit.state_root, CommitError::StateRoot)?;
        self.seq = commit.seq;
        self.head = signed.head();
        self.org_seq = commit.org_seq;
        self.time_ms = commit.time_ms;
        self.epoch = commit.dek_epoch;
        self.items = items;
        self.stale = stale;
        Ok(())
    }

    /// Takes the place of a history known from its head alone, once the whole past was checked and
    /// led to that very head. A longer past shows nothing: it may have forked before this head.
    pub fn confirm(&mut self, whole: Self) -> Result<(), CommitError> {
        require(whole.env == self.env, CommitError::WrongEnv)?;
        require(whole.complete, CommitError::WrongEnv)?;
        require(whole.seq >= self.seq, CommitError::BelowPin)?;
        require(whole.head == self.head, CommitError::Fork)?;
        *self = whole;
        Ok(())
    }

    /// Checks that the history is as long as the chain says, and that its newest commit is none
    /// that the chain cut off since: for a history that is up to date with what the server shows.
    pub fn require_cuts(&self, org: &OrgState) -> Result<(), CommitError> {
        let state = org.env(&self.env).ok_or(CommitError::UnknownEnv)?;
        check_epoch_cuts(state, self.epoch, self.seq, &self.head)?;
        let removals = org.members().values().filter_map(|member| member.removed.as_ref());
        let removals = removals.flat_map(|(_, cuts)| cuts).filter(|cut| cut.env == self.env);
        let last = state.epochs.last().map_or(0, |epoch| epoch.cut_seq);
        let last = removals.map(|cut| cut.seq).fold(last, u64::max);
        require(last <= self.seq, CommitError::BeforeCut)
    }

    /// The root that a commit with `changes` by `author` has to state.
    pub fn root_after(&self, changes: &[Change]) -> Digest {
        let item = |change: &Change| Item { change: change.clone(), epoch: 0, origin: None };
        self.items.with(changes.iter().map(item).collect()).root()
    }

    /// Which organisation.
    pub fn org(&self) -> OrgId {
        self.org
    }

    /// Which environment.
    pub fn env(&self) -> EnvId {
        self.env
    }

    /// Position of the newest commit; 0 if there is none.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Head of the newest commit.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// The newest commit's data-key epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The newest commit's time, in milliseconds since 1970.
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// The newest commit's place on the organisation chain.
    pub fn org_seq(&self) -> u64 {
        self.org_seq
    }

    /// All items.
    pub fn items(&self) -> &Trie {
        &self.items
    }

    /// How many live items a rotation that has begun still has to seal anew.
    pub fn stale(&self) -> usize {
        self.stale
    }

    /// Whether every commit from the first was checked.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// What to remember of it.
    pub fn pin(&self) -> EnvPin {
        EnvPin { env: self.env, seq: self.seq, head: self.head, epoch: self.epoch }
    }

    /// After a rotation nothing but sealing anew is accepted until every live value is under the
    /// new data key: in one commit, or in full ones where the directory holds more than a commit
    /// can. Gives the number of values that are then still to do.
    fn check_reseal(&self, org: &OrgState, commit: &Commit) -> Result<usize, CommitError> {
        let rotation = last_rotation(org, commit);
        let stale = if rotation > self.epoch { self.items.live() } else { self.stale };
        if stale == 0 {
            return require(!commit.changes.is_empty(), CommitError::Empty).map(|()| 0);
        }
        let is_stale = |item: &Item| item.is_live() && item.epoch < rotation;
        let resealed =
            |c: &Change| c.op == Op::Put && self.items.lookup(&c.secret).is_some_and(is_stale);
        let part = stale.min(MAX_ITEMS);
        let whole = commit.changes.len() == part && commit.changes.iter().all(resealed);
        require(whole, CommitError::NotResealed).map(|()| stale - part)
    }

    fn next_items(&self, commit: &Commit) -> Result<Vec<Item>, CommitError> {
        let origin = Origin { author: commit.author, commit: commit.seq, time_ms: commit.time_ms };
        commit
            .changes
            .iter()
            .map(|change| {
                let old = self.items.lookup(&change.secret);
                let next = old.map_or(0, |item| item.change.version).checked_add(1);
                require(next == Some(change.version), CommitError::Version)?;
                let deletable = change.op == Op::Put || old.is_some_and(Item::is_live);
                require(deletable, CommitError::NothingToDelete)?;
                Ok(Item { change: change.clone(), epoch: commit.dek_epoch, origin: Some(origin) })
            })
            .collect()
    }
}

fn cap(org: &OrgState, env: EnvId) -> usize {
    if org.directory() == Some(env) { MAX_DIRECTORY_ITEMS } else { MAX_ITEMS }
}

/// The epoch of the last rotation that `commit` stands behind; 0 for none.
fn last_rotation(org: &OrgState, commit: &Commit) -> u32 {
    let rotated = |e: &u32| {
        let epoch = org.env(&commit.env).and_then(|env| env.epoch(*e));
        epoch.is_some_and(|epoch| epoch.reason == EpochReason::Rotation)
    };
    (1..=commit.dek_epoch).rev().find(rotated).unwrap_or(0)
}

fn check_place(org: &OrgState, env: EnvId, commit: &Commit) -> Result<(), CommitError> {
    require(commit.org == org.org(), CommitError::WrongEnv)?;
    require(commit.env == env, CommitError::WrongEnv)?;
    let state = org.env(&env).ok_or(CommitError::UnknownEnv)?;
    require(org.head_at(commit.org_seq) == Some(commit.org_head), CommitError::OrgHead)?;
    require(state.created <= commit.org_seq, CommitError::UnknownEnv)?;
    // Whoever saw a link writes after it: an author whose rights ended cannot date back behind it.
    require(org.time_at(commit.org_seq) <= Some(commit.time_ms), CommitError::TimeWentBack)?;
    let ends = state.expires.saturating_add(BRANCH_GRACE_MS);
    require(state.expires == 0 || commit.time_ms <= ends, CommitError::Ended)
}

fn check_author(org: &OrgState, signed: &SignedCommit) -> Result<(), CommitError> {
    let commit = &signed.commit;
    let key = org
        .signing_key(&commit.author, commit.org_seq, commit.time_ms)
        .ok_or(CommitError::UnknownAuthor)?;
    let verified = verifies_labelled("commit", &key, signed.signed_bytes(), &signed.signature());
    require(verified, CommitError::BadSignature)?;
    let rights = org.rights_at(&commit.env, &commit.author, commit.org_seq, commit.time_ms);
    let state = org.env(&commit.env).ok_or(CommitError::UnknownEnv)?;
    let may_write = rights.includes(Rights::WRITE)
        || (state.kind == EnvKind::Directory
            && rights.includes(Rights::READ)
            && writes_only_own_names(org, commit));
    require(may_write, CommitError::NoRight)?;
    check_cuts(org, signed)
}

/// In the directory a member who manages nothing names itself and secrets, and nothing else that
/// the chain knew by its id when the member wrote. (What is created later must not undo a commit.)
fn writes_only_own_names(org: &OrgState, commit: &Commit) -> bool {
    let own = SecretId(commit.author.id());
    let free = |item: &SecretId| *item == own || !org.is_named_at(item, commit.org_seq);
    commit.changes.iter().all(|change| free(&change.secret))
}

fn check_cuts(org: &OrgState, signed: &SignedCommit) -> Result<(), CommitError> {
    let commit = &signed.commit;
    for (user, member) in org.members() {
        let Some((_, cuts)) = &member.removed else {
            continue;
        };
        let cut = cuts.iter().find(|cut| cut.env == commit.env);
        let last = cut.map_or(0, |cut| cut.seq);
        let own = commit.author == Principal::User(*user);
        require(!own || commit.seq <= last, CommitError::Cut)?;
        let here = cut.is_some_and(|cut| cut.seq == commit.seq && cut.head != signed.head());
        require(!here, CommitError::CutForked)?;
    }
    Ok(())
}

/// Whoever holds an old data key writes nothing behind the next one's cut, whatever head of the
/// chain it claims to have seen. (Cuts never go back, so the next one's is the lowest.)
fn check_epoch_cuts(
    state: &EnvState,
    epoch: u32,
    seq: u64,
    head: &Digest,
) -> Result<(), CommitError> {
    let next = epoch.checked_add(1).and_then(|next| state.epoch(next));
    require(next.is_none_or(|next| seq <= next.cut_seq), CommitError::Cut)?;
    let forked = |cut: &Epoch| cut.cut_seq == seq && cut.cut_head != *head;
    require(!state.epochs.iter().any(forked), CommitError::CutForked)
}

fn check_epoch(org: &OrgState, signed: &SignedCommit) -> Result<(), CommitError> {
    let commit = &signed.commit;
    let state = org.env(&commit.env).ok_or(CommitError::UnknownEnv)?;
    let current = state.epoch_at(commit.org_seq);
    require(current != 0, CommitError::WrongEpoch)?;
    require(commit.dek_epoch == current, CommitError::WrongEpoch)?;
    require(!state.is_due_at(commit.org_seq), CommitError::Due)?;
    check_epoch_cuts(state, commit.dek_epoch, commit.seq, &signed.head())
}
