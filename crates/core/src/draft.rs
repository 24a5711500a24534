//! Staged edits: what a person changed and has not signed yet.
//!
//! A draft is a list of edits with a cursor, so that undo and redo are a step back or forth. What
//! is staged is the list up to the cursor, folded by secret. Values stay in wiped memory, and on
//! disk only sealed under this device's drafts key.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_format::encoding::{Codec, DecodeError, Reader, Writer};
use strongroom_format::id::SecretId;
use strongroom_secret::SecretBytes;

/// The most edits a draft remembers.
const MAX_EDITS: usize = 20_000;
const VERSION: u8 = 1;

/// One step that can be undone.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Adds or changes a secret; what is `None` stays as it is.
    Put {
        /// Which secret.
        secret: SecretId,
        /// The version it was made upon; 0 for a new secret.
        base: u64,
        /// A new name.
        name: Option<String>,
        /// A new value.
        value: Option<Arc<SecretBytes>>,
        /// A new note; empty takes the note away.
        note: Option<String>,
    },
    /// Deletes secrets.
    Delete {
        /// Which, and the versions this was decided upon.
        secrets: Vec<(SecretId, u64)>,
    },
    /// Takes back what is staged for some secrets.
    Drop {
        /// Which.
        secrets: Vec<SecretId>,
    },
    /// Takes back everything.
    DropAll,
}

/// What is staged for one secret.
#[derive(Debug, Clone)]
pub struct Staged {
    /// The version it was made upon; 0 for a new secret.
    pub base: u64,
    /// What is to happen.
    pub change: StagedChange,
    /// When it was staged last, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What is to happen to one secret.
#[derive(Debug, Clone)]
pub enum StagedChange {
    /// It gets new fields; what is `None` stays as it is.
    Put {
        /// A new name.
        name: Option<String>,
        /// A new value.
        value: Option<Arc<SecretBytes>>,
        /// A new note.
        note: Option<String>,
    },
    /// It goes.
    Delete,
}

/// The staged edits of one environment.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    edits: Vec<(u64, Edit)>,
    cursor: usize,
}

impl Draft {
    /// Adds a step; steps that were undone are forgotten.
    pub fn push(&mut self, edit: Edit, now_ms: u64) {
        self.edits.truncate(self.cursor);
        if self.edits.len() == MAX_EDITS {
            self.edits.remove(0);
        }
        self.edits.push((now_ms, edit));
        self.cursor = self.edits.len();
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
        self.cursor < self.edits.len()
    }

    /// Whether nothing at all is remembered.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Forgets everything, undo included: the staged changes are signed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Everything that is staged now, by secret.
    pub fn staged(&self) -> BTreeMap<SecretId, Staged> {
        let mut staged = BTreeMap::new();
        for (at_ms, edit) in &self.edits[..self.cursor] {
            fold(&mut staged, edit, *at_ms);
        }
        staged
    }

    /// Takes edits to a newer version of a secret that says the same as the one they were made upon;
    /// says whether there were any.
    pub fn rebase(&mut self, secret: &SecretId, from: u64, to: u64) -> bool {
        let mut moved = false;
        let mut take = |id: &SecretId, base: &mut u64| {
            if id == secret && *base == from {
                *base = to;
                moved = true;
            }
        };
        for (_, edit) in &mut self.edits {
            match edit {
                Edit::Put { secret, base, .. } => take(secret, base),
                Edit::Delete { secrets } => {
                    for (secret, base) in secrets {
                        take(secret, base);
                    }
                }
                Edit::Drop { .. } | Edit::DropAll => {}
            }
        }
        moved
    }

    /// The bytes to seal on this device. They hold values: the caller wipes them.
    pub fn encode(&self) -> SecretBytes {
        let mut w = Writer::new();
        w.u8(VERSION).count(self.cursor).count(self.edits.len());
        for (at_ms, edit) in &self.edits {
            w.u64(*at_ms);
            write_edit(&mut w, edit);
        }
        SecretBytes::from_vec(w.finish())
    }

    /// Reads what [`Draft::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.u8()? != VERSION {
            return Err(DecodeError::UnknownVersion);
        }
        let cursor = r.count(MAX_EDITS)?;
        let n = r.count(MAX_EDITS)?;
        let edits = (0..n).map(|_| Ok((r.u64()?, read_edit(&mut r)?)));
        let edits: Vec<_> = edits.collect::<Result<_, DecodeError>>()?;
        r.finish()?;
        if cursor > edits.len() {
            Err(DecodeError::NotCanonical)
        } else {
            Ok(Self { edits, cursor })
        }
    }
}

fn fold(staged: &mut BTreeMap<SecretId, Staged>, edit: &Edit, at_ms: u64) {
    match edit {
        Edit::Put { secret, base, name, value, note } => {
            let (mut n, mut v, mut t) = (None, None, None);
            if let Some(StagedChange::Put { name, value, note }) =
                staged.remove(secret).map(|old| old.change)
            {
                (n, v, t) = (name, value, note);
            }
            let change = StagedChange::Put {
                name: name.clone().or(n),
                value: value.clone().or(v),
                note: note.clone().or(t),
            };
            // The newest edit was made in sight of its own base.
            staged.insert(*secret, Staged { base: *base, change, at_ms });
        }
        Edit::Delete { secrets } => {
            for (secret, base) in secrets {
                // What was never signed has nothing to delete: it is simply no longer staged.
                if *base == 0 {
                    staged.remove(secret);
                } else {
                    let gone = Staged { base: *base, change: StagedChange::Delete, at_ms };
                    staged.insert(*secret, gone);
                }
            }
        }
        Edit::Drop { secrets } => {
            for secret in secrets {
                staged.remove(secret);
            }
        }
        Edit::DropAll => staged.clear(),
    }
}

fn write_edit(w: &mut Writer, edit: &Edit) {
    match edit {
        Edit::Put { secret, base, name, value, note } => {
            w.u8(1);
            secret.write(w);
            w.u64(*base);
            write_text(w, name.as_deref());
            w.u8(u8::from(value.is_some()));
            if let Some(value) = value {
                value.lend(|bytes| {
                    w.lp(bytes);
                });
            }
            write_text(w, note.as_deref());
        }
        Edit::Delete { secrets } => {
            w.u8(2).count(secrets.len());
            for (secret, base) in secrets {
                secret.write(w);
                w.u64(*base);
            }
        }
        Edit::Drop { secrets } => {
            w.u8(3).count(secrets.len());
            for secret in secrets {
                secret.write(w);
            }
        }
        Edit::DropAll => {
            w.u8(4);
        }
    }
}

fn read_edit(r: &mut Reader<'_>) -> Result<Edit, DecodeError> {
    Ok(match r.u8()? {
        1 => Edit::Put {
            secret: SecretId::read(r)?,
            base: r.u64()?,
            name: read_text(r)?,
            value: match r.u8()? {
                0 => None,
                _ => Some(Arc::new(SecretBytes::copy_of(r.lp(usize::MAX)?))),
            },
            note: read_text(r)?,
        },
        2 => {
            let n = r.count(MAX_EDITS)?;
            let secrets = (0..n).map(|_| Ok((SecretId::read(r)?, r.u64()?)));
            Edit::Delete { secrets: secrets.collect::<Result<_, DecodeError>>()? }
        }
        3 => {
            let n = r.count(MAX_EDITS)?;
            Edit::Drop { secrets: (0..n).map(|_| SecretId::read(r)).collect::<Result<_, _>>()? }
        }
        4 => Edit::DropAll,
        _ => return Err(DecodeError::UnknownTag),
    })
}

fn write_text(w: &mut Writer, text: Option<&str>) {
    w.u8(u8::from(text.is_some()));
    if let Some(text) = text {
        w.lp(text.as_bytes());
    }
}

fn read_text(r: &mut Reader<'_>) -> Result<Option<String>, DecodeError> {
    match r.u8()? {
        0 => Ok(None),
        _ => r.text(usize::MAX).map(|text| Some(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SecretId = SecretId([1; 16]);
    const B: SecretId = SecretId([2; 16]);

    fn put(secret: SecretId, base: u64, name: Option<&str>, value: Option<&[u8]>) -> Edit {
        Edit::Put {
            secret,
            base,
            name: name.map(str::to_owned),
            value: value.map(|v| Arc::new(SecretBytes::copy_of(v))),
            note: None,
        }
    }

    fn value_of(staged: &Staged) -> Option<Vec<u8>> {
        match &staged.change {
            StagedChange::Put { value: Some(value), .. } => Some(value.lend(<[u8]>::to_vec)),
            _ => None,
        }
    }

    #[test]
    fn later_edits_of_one_secret_add_up_and_undo_takes_them_back_one_by_one() {
        let mut draft = Draft::default();
        draft.push(put(A, 0, Some("A"), Some(b"1")), 10);
        draft.push(put(A, 0, None, Some(b"2")), 20);
        let staged = draft.staged();
        assert_eq!(value_of(&staged[&A]), Some(b"2".to_vec()));
        assert!(matches!(&staged[&A].change, StagedChange::Put { name: Some(n), .. } if n == "A"));
        assert!(draft.undo());
        assert_eq!(value_of(&draft.staged()[&A]), Some(b"1".to_vec()));
        assert!(draft.undo() && !draft.undo());
        assert!(draft.staged().is_empty());
        assert!(draft.redo() && draft.redo() && !draft.redo());
        assert_eq!(value_of(&draft.staged()[&A]), Some(b"2".to_vec()));
    }

    #[test]
    fn discarding_everything_can_be_undone() {
        let mut draft = Draft::default();
        draft.push(put(A, 3, None, Some(b"x")), 1);
        draft.push(Edit::Delete { secrets: vec![(B, 2)] }, 2);
        draft.push(Edit::DropAll, 3);
        assert!(draft.staged().is_empty());
        draft.undo();
        assert_eq!(draft.staged().len(), 2);
    }

    #[test]
    fn deleting_what_was_never_signed_only_takes_it_back() {
        let mut draft = Draft::default();
        draft.push(put(A, 0, Some("A"), Some(b"1")), 1);
        draft.push(Edit::Delete { secrets: vec![(A, 0), (B, 4)] }, 2);
        let staged = draft.staged();
        assert!(!staged.contains_key(&A));
        assert!(matches!(staged[&B].change, StagedChange::Delete));
    }

    #[test]
    fn a_draft_reads_back_with_its_cursor() {
        let mut draft = Draft::default();
        draft.push(put(A, 1, Some("N"), Some(b"v")), 1);
        draft.push(Edit::Drop { secrets: vec![A] }, 2);
        draft.push(Edit::Delete { secrets: vec![(B, 1)] }, 3);
        draft.undo();
        let read = draft.encode().lend(Draft::decode).unwrap();
        assert!(read.can_redo());
        assert!(read.staged().is_empty());
        assert_eq!(read.encode().lend(<[u8]>::to_vec), draft.encode().lend(<[u8]>::to_vec));
        let cut = draft.encode().lend(|b| Draft::decode(&b[..b.len() - 1]).map(|_| ()));
        assert_eq!(cut, Err(DecodeError::Truncated));
    }
}
