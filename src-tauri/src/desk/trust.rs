//! What this computer verified, up to where, and what that does not cover.

use std::path::PathBuf;

use strongroom_client::vault::{HeadMatch, Session, TrustFacts};
use strongroom_core::drill::Holders;
use strongroom_format::id::EnvId;

use super::{
    Desk, access, device,
    people::{People, place},
    translate,
};
use crate::{
    error::{Answer, CommandError},
    view::{AuditTrust, CommitTrust, DrillRow, HeadsCompared, HolderRow, TrustView},
};

impl Desk {
    /// The trust page.
    pub async fn trust(&self) -> Answer<TrustView> {
        self.work(|session, _| {
            let facts = session.trust_facts()?;
            let mut people = People::seen_by(session);
            let holders = facts
                .holders
                .iter()
                .map(|(holders, place)| holder_row(session, &mut people, holders, place.clone()));
            let holders = holders.collect::<Answer<_>>()?;
            Ok(view(session, &facts, holders))
        })
        .await
    }

    /// Compares somebody else's code of a head with this computer's.
    pub async fn heads_compare(&self, link: u32, code: String) -> Answer<HeadsCompared> {
        self.work(move |session, _| {
            Ok(match session.heads_compare(u64::from(link), &code)? {
                HeadMatch::Same => HeadsCompared::Same,
                HeadMatch::Differs => HeadsCompared::Differs,
                HeadMatch::Unknown => HeadsCompared::Unknown,
            })
        })
        .await
    }

    /// Signs that this user can open the data keys of these environments today.
    pub async fn drill_run(&self, env_ids: &[String]) -> Answer<u32> {
        let envs: Vec<EnvId> = env_ids.iter().map(|id| id.parse()).collect::<Result<_, _>>()?;
        let proven = self.work(move |session, _| Ok(session.drill_run(&envs)?)).await?;
        self.sync_soon();
        Ok(translate::count(proven))
    }

    /// Writes `strongroom.lock` to where the person wants it.
    pub async fn lock_file_write(&self, file: PathBuf) -> Answer<()> {
        self.work(move |session, _| {
            let text = session.lock_file()?;
            std::fs::write(file, text).map_err(|_| CommandError::FileUnreadable)
        })
        .await
    }
}

fn view(session: &Session, facts: &TrustFacts, holders: Vec<HolderRow>) -> TrustView {
    TrustView {
        device: format!("{}, {}", device::name(), access::device(&facts.device)),
        verified_at: facts.verified_ms.map(translate::millis),
        server: super::status::place(&session.record().server),
        link: translate::count(facts.link),
        head_code: facts.head_code.clone(),
        commits: facts
            .commits
            .iter()
            .map(|commit| CommitTrust {
                env_id: commit.env.to_string(),
                place: commit.place.clone(),
                seq: translate::count(commit.seq),
                code: commit.code.clone(),
                complete: commit.complete,
            })
            .collect(),
        audit: AuditTrust {
            size: translate::count(facts.audit.size),
            code: facts.audit.code.clone(),
            complete: facts.audit.complete,
        },
        not_covered: facts.not_covered.clone(),
        stop: facts.stop.as_ref().map(|stop| translate::stop(stop, None)),
        holders,
    }
}

fn holder_row(
    session: &Session,
    people: &mut People,
    holders: &Holders,
    text: String,
) -> Answer<HolderRow> {
    Ok(session.with(|org| {
        // Whoever holds no key cannot tell whether a proof holds, and does not repeat it.
        let told = holders.drills.iter().filter_map(|(user, drill, holds)| {
            Some(DrillRow {
                person: people.of(user, org),
                at: translate::millis(drill.at_ms),
                valid: (*holds)?,
            })
        });
        let drills = told.collect();
        let here = place(&holders.env, org);
        Ok(HolderRow {
            env_id: holders.env.to_string(),
            place: text,
            cls: here.class,
            people: translate::count(holders.people.len()),
            drills,
            you: holders.people.contains(&session.user()),
        })
    })?)
}
