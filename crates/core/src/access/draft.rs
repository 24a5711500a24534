//! Staged changes of access: what somebody wants and has not signed yet.
//!
//! As with edits of secrets (`draft`), a list of steps with a cursor. It holds what is wanted, not
//! differences: what somebody else signed in the meantime drops out by itself, and what it made
//! impossible stays and says so.

use std::collections::BTreeMap;

use strongroom_chain::org::OrgState;
use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::id::{EnvId, Principal};
use strongroom_format::statement::Rights;

use super::changes::{RefusedChanges, bodies};
use super::{CellChange, Refusal};

/// The most steps that can be undone.
const MAX_STEPS: usize = 10_000;
/// The most cells of one step.
const MAX_CELLS: usize = 250_000;
const VERSION: u8 = 1;

/// Changes of access that wait to be signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessDraft {
    /// A step without changes takes back everything before it.
    steps: Vec<Vec<CellChange>>,
    cursor: usize,
}

/// A staged change as it stands to what is signed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedCell {
    /// What is wanted.
    pub change: CellChange,
    /// Why it cannot be signed any more, or never could.
    pub refusal: Option<Refusal>,
}

impl AccessDraft {
    /// Stages changes as one step; steps that were undone are forgotten.
    pub fn stage(&mut self, changes: &[CellChange]) {
        if !changes.is_empty() {
            self.push(changes[..changes.len().min(MAX_CELLS)].to_vec());
        }
    }

    /// Takes back everything, as one step that can be undone.
    pub fn discard(&mut self) {
        if self.cursor > 0 {
            self.push(Vec::new());
        }
    }

    fn push(&mut self, step: Vec<CellChange>) {
        self.steps.truncate(self.cursor);
        if self.steps.len() == MAX_STEPS {
            // The two oldest become one, so that nothing staged is lost.
            let first = self.steps.remove(0);
            match self.steps.first_mut() {
                Some(next) if !next.is_empty() => *next = [first, std::mem::take(next)].concat(),
                _ => {}
            }
        }
        self.steps.push(step);
        self.cursor = self.steps.len();
    }

    /// Takes back the last step; says whether there was one.
    pub fn undo(&mut self) -> bool {
        let can = self.can_undo();
        self.cursor -= usize::from(can);
        can
    }

    /// Repeats the step that was undone last; says whether there was one.
    pub fn redo(&mut self) -> bool {
        let can = self.can_redo();
        self.cursor += usize::from(can);
        can
    }

    /// Whether there is a step to take back.
    pub fn can_undo(&self) -> bool {
        self.cursor > 0
    }

    /// Whether there is a step to repeat.
    pub fn can_redo(&self) -> bool {
        self.cursor < self.steps.len()
    }

    /// Whether nothing at all is remembered.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Forgets everything, undo included: it is signed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn wanted(&self) -> BTreeMap<(EnvId, Principal), CellChange> {
        let mut wanted = BTreeMap::new();
        for step in &self.steps[..self.cursor] {
            if step.is_empty() {
                wanted.clear();
            }
            wanted.extend(step.iter().map(|change| ((change.env, change.principal), *change)));
        }
        wanted
    }

    /// What is staged upon `state` by `author`, by environment and principal: what is already so is
    /// left out, and what has become impossible says why.
    pub fn staged(&self, state: &OrgState, author: &Principal, now_ms: u64) -> Vec<StagedCell> {
        let ahead = super::changes::Ahead::new(state, author, now_ms);
        let open: Vec<CellChange> =
            self.wanted().into_values().filter(|change| !ahead.is_so(change)).collect();
        let refused = match bodies(state, author, &open, now_ms) {
            Ok(_) => Vec::new(),
            Err(RefusedChanges(refused)) => refused,
        };
        let mut refusals: BTreeMap<(EnvId, Principal), Refusal> =
            refused.into_iter().map(|r| ((r.change.env, r.change.principal), r.why)).collect();
        let cell = |change: CellChange| {
            let refusal = refusals.remove(&(change.env, change.principal));
            StagedCell { change, refusal }
        };
        open.into_iter().map(cell).collect()
    }

    /// The bytes to seal on this device.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(VERSION).count(self.cursor).count(self.steps.len());
        for step in &self.steps {
            w.count(step.len());
            for change in step {
                change.principal.write(&mut w);
                change.env.write(&mut w);
                w.u8(change.rights.bits()).u64(change.not_after);
            }
        }
        w.finish()
    }

    /// Reads what [`AccessDraft::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let cursor = r.count(MAX_STEPS)?;
        let n = r.count(MAX_STEPS)?;
        let steps: Vec<_> = (0..n).map(|_| read_step(&mut r)).collect::<Result<_, _>>()?;
        r.finish()?;
        if cursor > steps.len() {
            return Err(DecodeError::NotCanonical);
        }
        Ok(Self { steps, cursor })
    }
}

fn read_step(r: &mut Reader<'_>) -> Result<Vec<CellChange>, DecodeError> {
    // Steps that grew together may hold more cells than one may be staged with.
    let n = r.count(usize::MAX)?;
    let change = |r: &mut Reader<'_>| {
        Ok(CellChange {
            principal: Principal::read(r)?,
            env: EnvId::read(r)?,
            rights: read_rights(r)?,
            not_after: r.u64()?,
        })
    };
    (0..n).map(|_| change(r)).collect()
}

/// As on the chain, and none besides, which a link never says.
fn read_rights(r: &mut Reader<'_>) -> Result<Rights, DecodeError> {
    let bits = r.u8()?;
    if bits == 0 { Ok(Rights::NONE) } else { Rights::read(&mut Reader::new(&[bits])) }
}

#[cfg(test)]
mod tests {
    use strongroom_format::id::UserId;

    use super::*;

    fn change(who: u8, env: u8, rights: Rights) -> CellChange {
        let principal = Principal::User(UserId([who; 16]));
        CellChange { principal, env: EnvId([env; 16]), rights, not_after: 7 }
    }

    fn count(draft: &AccessDraft) -> usize {
        draft.wanted().len()
    }

    #[test]
    fn the_last_step_of_a_cell_counts_and_undo_takes_whole_steps_back() {
        let mut draft = AccessDraft::default();
        draft.stage(&[change(1, 1, Rights::READ), change(2, 1, Rights::READ)]);
        draft.stage(&[change(1, 1, Rights::NONE)]);
        assert_eq!(count(&draft), 2);
        assert!(draft.undo());
        assert!(draft.wanted().values().all(|c| c.rights == Rights::READ));
        assert!(draft.redo() && !draft.redo());
        draft.discard();
        assert_eq!(count(&draft), 0);
        assert!(draft.undo());
        assert_eq!(count(&draft), 2);
    }

    #[test]
    fn nothing_is_no_step_and_discarding_nothing_is_none_either() {
        let mut draft = AccessDraft::default();
        draft.stage(&[]);
        draft.discard();
        assert!(draft.is_empty() && !draft.can_undo());
    }

    #[test]
    fn the_oldest_steps_grow_together_and_lose_nothing() {
        let mut draft = AccessDraft::default();
        for n in 0..=MAX_STEPS {
            let env = EnvId(u128::to_be_bytes(n as u128));
            draft.stage(&[CellChange { env, ..change(1, 0, Rights::READ) }]);
        }
        assert_eq!(count(&draft), MAX_STEPS + 1);
        assert_eq!(draft.steps.len(), MAX_STEPS);
    }

    #[test]
    fn a_draft_reads_back_with_its_cursor_and_refuses_other_bytes() {
        let mut draft = AccessDraft::default();
        draft.stage(&[change(1, 1, Rights::ALL), change(2, 1, Rights::NONE)]);
        draft.discard();
        draft.undo();
        let bytes = draft.encode();
        assert_eq!(AccessDraft::decode(&bytes), Ok(draft));
        assert_eq!(AccessDraft::decode(&bytes[..bytes.len() - 1]), Err(DecodeError::Truncated));
        let mut wrong = bytes.clone();
        wrong[1..5].copy_from_slice(&9u32.to_be_bytes());
        assert_eq!(AccessDraft::decode(&wrong), Err(DecodeError::NotCanonical));
    }
}
