//! From the matrix, its reasons and its reviews to what the window shows.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_core::access::{
    self as core, Act, ActKind, Column, Explanation, Matrix, Party, Review, Row, Subject, TileCell,
    Who,
};
use strongroom_format::{
    id::{AppId, DeviceId, Principal, UserId},
    statement::Rights,
};

use crate::{
    desk::{intents, people::named, translate},
    error::{Answer, CommandError},
    view::{
        AccessCell, AccessChange, AccessColumn, AccessExplain, AccessReview, AccessRow, Because,
        CellState, DecryptedAt, ExplainState, FetchedAt, Millis, PersonView, ReviewAct, ReviewKind,
        ReviewLine, ReviewPerson, StagedCell, Trust, WhoRow, WhoSubject, WhoView,
    },
};

/// How the keys of people were checked, and who asks.
#[derive(Debug, Clone)]
pub(in crate::desk) struct Known {
    pub(in crate::desk) you: UserId,
    pub(in crate::desk) trust: BTreeMap<UserId, Trust>,
}

impl Known {
    pub(in crate::desk) fn trust(&self, who: &Principal) -> Option<Trust> {
        let user = translate::user_of(who)?;
        Some(self.trust.get(&user).copied().unwrap_or(Trust::Unverified))
    }
}

pub(super) fn rows(
    matrix: &Matrix,
    leaving: &BTreeSet<Principal>,
    known: &Known,
) -> Vec<AccessRow> {
    let row = |row: &Row| AccessRow {
        principal: named(&row.principal, row.name.clone(), &known.you),
        role: row.role.map(translate::role),
        trust: known.trust(&row.principal),
        leaving: leaving.contains(&row.principal),
    };
    matrix.rows().iter().map(row).collect()
}

pub(super) fn columns(matrix: &Matrix) -> Vec<AccessColumn> {
    let column = |column: &Column| AccessColumn {
        env_id: column.env.to_string(),
        name: column.name.clone(),
        cls: translate::class(column.class),
        app_id: AppId(column.place).to_string(),
        app: column.app.clone(),
        group: column.group,
        secrets: translate::count(column.secrets),
        people: translate::count(column.people),
        due: column.due,
        can_grant: column.can_grant,
    };
    matrix.columns().iter().map(column).collect()
}

pub(super) fn cell(cell: &TileCell) -> AccessCell {
    let signed = cell.cell;
    AccessCell {
        row: translate::count(cell.row),
        col: translate::count(cell.column),
        // Where something is staged for an empty cell, what it would become.
        state: signed.map_or(CellState::Key, |signed| state(signed.state)),
        rights: signed.map_or(0, |signed| signed.rights.bits()),
        ends_at: signed.and_then(|signed| end(signed.ends_ms)),
        last_decrypt: cell.decrypted_ms.map(translate::millis),
        staged: cell.staged.map(|change| StagedCell {
            rights: change.rights.bits(),
            ends_at: end(change.not_after),
        }),
    }
}

fn state(state: core::CellState) -> CellState {
    match state {
        core::CellState::Key => CellState::Key,
        core::CellState::Waits => CellState::Waits,
        core::CellState::Role => CellState::Role,
        core::CellState::Never => CellState::Never,
    }
}

fn end(ms: u64) -> Option<Millis> {
    Some(ms).filter(|end| *end != 0).map(translate::millis)
}

/// What the window wants staged.
pub(super) fn change(change: &AccessChange) -> Answer<core::CellChange> {
    let rights = intents::rights(change.rights)?;
    // Nothing that is taken away has an end.
    let not_after = if rights == Rights::NONE { 0 } else { intents::ms(change.ends_at)? };
    let (principal, env) = (change.principal_id.parse()?, change.env_id.parse()?);
    Ok(core::CellChange { principal, env, rights, not_after })
}

pub(super) fn explanation(
    found: &Explanation,
    by: Option<PersonView>,
    known: &Known,
) -> AccessExplain {
    AccessExplain {
        principal: named(&found.principal, found.name.clone(), &known.you),
        trust: known.trust(&found.principal),
        place: found.place.clone(),
        cls: translate::class(found.class),
        state: match found.state {
            Some(core::CellState::Key) => ExplainState::Key,
            Some(core::CellState::Waits) => ExplainState::Waits,
            Some(core::CellState::Role) => ExplainState::Role,
            Some(core::CellState::Never) => ExplainState::Never,
            None => ExplainState::None,
        },
        rights: found.rights.bits(),
        ends_at: end(found.ends_ms),
        epoch: found.epoch,
        holds_since: found.holds_since_ms.map(translate::millis),
        because: found.because.as_ref().zip(by).map(|(because, by)| Because {
            by,
            link: translate::count(because.link),
            at: translate::millis(because.at_ms),
        }),
        role: found.role.map(translate::role),
        last_fetched: found
            .fetched
            .as_ref()
            .map(|seen| FetchedAt { at: translate::millis(seen.at_ms), from: seen.peer.clone() }),
        last_decrypted: found
            .decrypted
            .map(|(at, on)| DecryptedAt { at: translate::millis(at), device: device(&on) }),
        could_read: translate::count(found.could_read),
        used: translate::count(found.used),
        sentence: found.sentence.clone(),
    }
}

/// A device by the first letters of its id: nobody gave it a name that others could check.
pub(in crate::desk) fn device(device: &DeviceId) -> String {
    device.to_string().chars().take(12).collect()
}

pub(super) fn review(found: &Review, known: &Known) -> AccessReview {
    let person = |party: &Party| ReviewPerson {
        principal: named(&party.principal, party.name.clone(), &known.you),
        trust: known.trust(&party.principal),
        note: party.note.clone(),
        lines: party
            .lines
            .iter()
            .map(|line| ReviewLine {
                text: line.text.clone(),
                secrets: translate::count(line.secrets),
            })
            .collect(),
    };
    let act = |act: &Act| ReviewAct {
        kind: match act.kind {
            ActKind::Sign => ReviewKind::Sign,
            ActKind::Rotate => ReviewKind::Rotate,
            ActKind::Warn => ReviewKind::Warn,
        },
        text: act.text.clone(),
        compare_with: act.compare_with.map(|user| user.to_string()),
    };
    AccessReview {
        gains: found.gains.iter().map(person).collect(),
        loses: found.loses.iter().map(person).collect(),
        what: found.acts.iter().map(act).collect(),
        check: found.check.clone(),
        blocked: found.blocked.clone(),
        links: translate::count(found.links),
        keys_replaced: translate::count(found.replaced.len()),
        secrets_resealed: translate::count(found.resealed),
    }
}

pub(super) fn subject(subject: &WhoSubject) -> Answer<Subject> {
    Ok(match subject {
        WhoSubject::Environment { id } => Subject::Environment(id.parse()?),
        WhoSubject::Secret { env_id, id } => Subject::Secret(env_id.parse()?, id.parse()?),
        WhoSubject::Principal { id } => {
            Subject::Principal(id.parse().map_err(|_| CommandError::NotFound)?)
        }
    })
}

pub(super) fn who(found: &Who, known: &Known) -> WhoView {
    let row = |row: &core::WhoRow| WhoRow {
        principal: named(&row.principal, row.name.clone(), &known.you),
        trust: known.trust(&row.principal),
        place: row.place.clone(),
        env_id: row.env.to_string(),
        rights: row.rights.bits(),
        ends_at: end(row.ends_ms),
        rule: row.rule.clone(),
        link: translate::count(row.link),
        fetched: row.fetched_ms.map(translate::millis),
        decrypted: row.decrypted_ms.map(translate::millis),
        revealed: row.revealed_ms.map(translate::millis),
        copied: row.copied_ms.map(translate::millis),
    };
    WhoView {
        title: found.title.clone(),
        subtitle: found.subtitle.clone(),
        rows: found.rows.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use strongroom_core::access::{Cell, CellChange};
    use strongroom_format::id::EnvId;

    use super::*;

    fn teo() -> Principal {
        Principal::User(UserId([7; 16]))
    }

    fn wanted(rights: u8, ends_at: Option<Millis>) -> AccessChange {
        let env_id = EnvId([1; 16]).to_string();
        AccessChange { principal_id: teo().to_string(), env_id, rights, ends_at }
    }

    #[test]
    fn a_revocation_has_no_end_whatever_the_window_says() {
        let taken = change(&wanted(0, Some(99))).unwrap();
        assert_eq!((taken.rights, taken.not_after), (Rights::NONE, 0));
        assert_eq!(change(&wanted(1, Some(99))).unwrap().not_after, 99);
    }

    #[test]
    fn rights_and_ends_that_do_not_exist_are_refused() {
        assert!(change(&wanted(9, None)).is_err());
        assert!(change(&wanted(1, Some(-5))).is_err());
        assert!(change(&AccessChange { env_id: "env_".to_owned(), ..wanted(1, None) }).is_err());
    }

    #[test]
    fn a_staged_cell_that_is_empty_yet_has_no_rights() {
        let env = EnvId([1; 16]);
        let staged = CellChange { principal: teo(), env, rights: Rights::READ, not_after: 0 };
        let tile =
            TileCell { row: 3, column: 40, cell: None, decrypted_ms: None, staged: Some(staged) };
        let shown = cell(&tile);
        assert_eq!((shown.row, shown.col, shown.rights), (3, 40, 0));
        assert_eq!(shown.staged, Some(StagedCell { rights: 1, ends_at: None }));
    }

    #[test]
    fn an_end_of_zero_is_no_end() {
        let signed = Cell { state: core::CellState::Key, rights: Rights::READ, ends_ms: 0 };
        let tile =
            TileCell { row: 0, column: 0, cell: Some(signed), decrypted_ms: None, staged: None };
        assert_eq!(cell(&tile).ends_at, None);
    }

    #[test]
    fn whom_nobody_checked_is_unverified_and_a_token_needs_no_check() {
        let known = Known { you: UserId([1; 16]), trust: BTreeMap::new() };
        assert_eq!(known.trust(&teo()), Some(Trust::Unverified));
        let token = Principal::Token(strongroom_format::id::TokenId([3; 16]));
        assert_eq!(known.trust(&token), None);
    }
}
