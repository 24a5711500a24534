//! Offboarding: what somebody who left could read, what is still to be done, and the proof.

use std::{collections::BTreeMap, path::PathBuf};

use strongroom_client::vault::{self as client, OffboardInfo, OffboardValue, Session};
use strongroom_core::{
    log::Use,
    offboard::{EnvProgress, LostEnv, Tab},
    rotation::DueEnv,
};
use strongroom_format::{
    id::{EnvId, Principal, SecretId},
    statement::EnvKind,
};

use super::{
    Desk, Notice,
    people::{People, place},
    rotation::{Running, due_row, people},
    translate,
};
use crate::{
    error::{Answer, CommandError},
    view::{
        CertificateState, OffboardCounts, OffboardRevoke, OffboardRow, OffboardRows,
        OffboardSecret, OffboardState, OffboardTab, OffboardView, RotationRow, RotationState,
        SecretRef, UseKind,
    },
};

/// The most rows of one answer.
const MOST_ROWS: usize = 500;
/// The most secrets ticked at once.
const MOST_TICKS: usize = 10_000;

impl Desk {
    /// Every offboarding, newest first.
    pub async fn offboard_list(&self) -> Answer<Vec<OffboardRow>> {
        self.work(|session, _| {
            let all = session.offboard_list()?;
            let mut people = People::seen_by(session);
            let row = |info: &OffboardInfo, people: &mut People| -> Answer<OffboardRow> {
                let who = info.offboarding.who;
                Ok(OffboardRow {
                    principal: session.with(|org| Ok(people.principal(&who, org)))?,
                    started_at: translate::millis(info.offboarding.began_ms()),
                    state: state(info.state),
                    to_rotate: translate::count(info.rotate),
                    rotated: translate::count(info.settled),
                })
            };
            all.iter().map(|info| row(info, &mut people)).collect()
        })
        .await
    }

    /// One offboarding.
    pub async fn offboard(&self, principal_id: &str) -> Answer<OffboardView> {
        let who: Principal = principal_id.parse()?;
        let running = self.rotating.clone();
        self.work(move |session, _| {
            let info = session.offboard_view(who)?;
            let rotations = rotations(session, &info, &running)?;
            view(session, &info, rotations)
        })
        .await
    }

    /// A window onto one of its lists.
    pub async fn offboard_rows(
        &self,
        principal_id: &str,
        tab: OffboardTab,
        offset: u32,
        limit: u32,
    ) -> Answer<OffboardRows> {
        let who: Principal = principal_id.parse()?;
        let tab = match tab {
            OffboardTab::Rotate => Tab::Rotate,
            OffboardTab::Fetched => Tab::Fetched,
            OffboardTab::Never => Tab::Never,
        };
        self.work(move |session, _| {
            let limit = (limit as usize).min(MOST_ROWS);
            let (total, values) = session.offboard_rows(who, tab, offset as usize, limit)?;
            let mut people = People::seen_by(session);
            let rows = values.iter().map(|value| secret_row(session, value, &mut people));
            let rows = rows.collect::<Answer<_>>()?;
            Ok(OffboardRows { total: translate::count(total), offset, rows })
        })
        .await
    }

    /// Signs that values were replaced where they were issued, or takes that back.
    pub async fn offboard_tick(
        &self,
        principal_id: &str,
        secrets: &[SecretRef],
        done: bool,
    ) -> Answer<()> {
        let who: Principal = principal_id.parse()?;
        if secrets.len() > MOST_TICKS {
            return Err(CommandError::TooLarge { limit: translate::count(MOST_TICKS) });
        }
        let parse = |at: &SecretRef| -> Answer<(EnvId, SecretId)> {
            Ok((at.env_id.parse()?, at.secret_id.parse()?))
        };
        let secrets: Vec<_> = secrets.iter().map(parse).collect::<Answer<_>>()?;
        self.work(move |session, _| {
            // Whose offboarding it is about must be one.
            session.offboard_view(who)?;
            Ok(session.offboard_tick(&secrets, done)?)
        })
        .await?;
        self.tell(Notice::Team);
        self.sync_soon();
        Ok(())
    }

    /// Writes the whole list as comma-separated values to where the person wants it.
    pub async fn offboard_export(&self, principal_id: &str, file: PathBuf) -> Answer<()> {
        let who: Principal = principal_id.parse()?;
        self.work(move |session, _| {
            let csv = session.offboard_csv(who)?;
            std::fs::write(file, csv).map_err(|_| CommandError::FileUnreadable)
        })
        .await
    }

    /// Signs the certificate and writes it, with a page to print beside it.
    pub async fn offboard_certificate(&self, principal_id: &str, file: PathBuf) -> Answer<()> {
        let who: Principal = principal_id.parse()?;
        let written = self.session()?.offboard_certificate(who).await?;
        let page = file.with_extension("html");
        std::fs::write(&file, written.file)
            .and_then(|()| std::fs::write(page, written.page))
            .map_err(|_| CommandError::FileUnreadable)
    }
}

pub(super) fn state(state: client::OffboardState) -> OffboardState {
    match state {
        client::OffboardState::Running => OffboardState::Running,
        client::OffboardState::Queue => OffboardState::Queue,
        client::OffboardState::Done => OffboardState::Done,
    }
}

fn view(
    session: &Session,
    info: &OffboardInfo,
    rotations: Vec<RotationRow>,
) -> Answer<OffboardView> {
    let offboarding = &info.offboarding;
    let (first, last) = offboarding.links().unwrap_or((0, 0));
    let mut people = People::seen_by(session);
    let (principal, by) = session.with(|org| {
        let by = info.by.map(|by| people.author(&by, org));
        Ok((people.principal(&offboarding.who, org), by))
    })?;
    let environments = offboarding.envs.iter().filter(|env| env.kind != EnvKind::Directory);
    Ok(OffboardView {
        principal,
        started_at: translate::millis(offboarding.began_ms()),
        by: by.unwrap_or_else(translate::nobody),
        revoke: OffboardRevoke {
            grants: translate::count(environments.count()),
            first_link: translate::count(first),
            last_link: translate::count(last),
        },
        rotations,
        could_read: translate::count(info.could_read),
        counts: OffboardCounts {
            rotate: translate::count(info.rotate),
            fetched: translate::count(info.fetched),
            never: translate::count(info.never),
        },
        ticked: translate::count(info.settled),
        certificate: CertificateState {
            ready: info.missing.is_empty(),
            missing: info.missing.iter().map(ToString::to_string).collect(),
        },
        log_complete: info.log_complete,
    })
}

/// The data keys that were held, and how far each is.
fn rotations(
    session: &Session,
    info: &OffboardInfo,
    running: &Running,
) -> Answer<Vec<RotationRow>> {
    let due: BTreeMap<EnvId, DueEnv> =
        session.rotations()?.into_iter().map(|due| (due.env, due)).collect();
    let mut rows = Vec::with_capacity(info.offboarding.envs.len());
    for lost in &info.offboarding.envs {
        match due.get(&lost.env) {
            Some(due) => {
                let holders = people(session, &due.holders)?;
                rows.push(due_row(due, running.holds(&due.env), holders));
            }
            None => rows.push(session.with(|org| Ok(replaced_row(lost, org)))?),
        }
    }
    rows.sort_by_cached_key(|row| row.place.to_lowercase());
    Ok(rows)
}

/// An environment that is not due any more.
fn replaced_row(lost: &LostEnv, org: &mut client::OpenOrg) -> RotationRow {
    let place = place(&lost.env, org);
    let secrets = org.replica().env(&lost.env).map_or(0, |copy| copy.history().items().live());
    let (state, why) = match lost.progress {
        EnvProgress::Done => (RotationState::Done, ""),
        EnvProgress::Due | EnvProgress::Sealing => {
            (RotationState::NoKey, "Values are still sealed under the old data key")
        }
        EnvProgress::Unseen => (RotationState::NoKey, "This computer cannot read it"),
    };
    RotationRow {
        env_id: lost.env.to_string(),
        place: place.text,
        cls: place.class,
        secrets: translate::count(secrets),
        epoch: lost.rotated.map_or(lost.held, |rotated| rotated.epoch),
        state,
        why: why.to_owned(),
        holders: Vec::new(),
    }
}

fn secret_row(
    session: &Session,
    row: &OffboardValue,
    people: &mut People,
) -> Answer<OffboardSecret> {
    let value = &row.value;
    let (strongest, last) = match (value.strongest, value.fetched) {
        (Some((what, at)), _) => (Some(kind(what)), Some(at)),
        (None, Some(at)) => (Some(UseKind::Fetched), Some(at)),
        (None, None) => (None, None),
    };
    let owner = value.owner.map(|owner| session.with(|org| Ok(people.author(&owner, org))));
    let ticked = value.replaced.as_ref().and_then(strongroom_core::log::Replacement::since);
    Ok(OffboardSecret {
        env_id: value.env.to_string(),
        secret_id: value.secret.to_string(),
        name: row.name.clone(),
        place: row.place.clone(),
        strongest,
        last: last.map(translate::millis),
        owner: owner.transpose()?,
        new_value_since: value.new_value.map(translate::millis),
        ticked: ticked.map(translate::millis),
    })
}

fn kind(what: Use) -> UseKind {
    match what {
        Use::Decrypted => UseKind::Decrypted,
        Use::Exported => UseKind::Exported,
        Use::Brokered => UseKind::Brokered,
        Use::Injected => UseKind::Injected,
        Use::Copied => UseKind::Copied,
        Use::Revealed => UseKind::Revealed,
    }
}
