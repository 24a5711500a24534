//! The audit log behind its screen: what was found, one entry, what a check came to, and the
//! filters that this computer keeps.
//!
//! The log itself, its index and every proof are the client's. Here ids get the names that this
//! computer knows, and facts their words. Nothing here waits for a disk or counts rows on the
//! thread of the window.

mod answers;
mod entry;
mod export;
mod others;
mod query;
mod rows;
mod told;
mod verify;
mod views;
mod words;

use std::{sync::Arc, time::Duration};

use strongroom_client::vault::{self as client, Session};
use strongroom_core::log::index::{Facets, Found, Row, Timeline};
use strongroom_format::id::OrgId;

use super::{Desk, Notice, hold, translate, vaults::blocking};
use crate::{
    error::{Answer, CommandError},
    view::{
        AuditAnswer, AuditCompared, AuditQuery, AuditRow, AuditState, AuditVerified, HeadsCompared,
    },
};
use answers::{Answers, page};
pub use export::file_name;
use told::{Told, Wanted};

/// The most rows of one page.
const MOST_ROWS: u32 = 200;

/// What the screen of the audit log has open.
#[derive(Debug, Default)]
pub(super) struct Auditing {
    answers: Answers<(OrgId, Arc<client::Answer>)>,
    /// How far a reading that goes on is: entries read, and entries there are.
    reading: Option<(u32, u32)>,
    /// What the last full check came to.
    verified: Option<(OrgId, AuditVerified)>,
    /// What the window was told last.
    told: Option<AuditState>,
}

impl Auditing {
    /// Nothing of it outlives the keys, but the count of the answers.
    pub(super) fn forget(&mut self) {
        self.answers.clear();
        (self.reading, self.verified, self.told) = (None, None, None);
    }

    /// Whether the window does not know this yet. That the log was read again and nothing had come
    /// is no news.
    fn is_news(&mut self, state: &AuditState) -> bool {
        let told = AuditState { settled_at: state.settled_at.map(|_| 0), ..state.clone() };
        let news = self.told.as_ref() != Some(&told);
        self.told = Some(told);
        news
    }

    /// A reading of one step is over before anybody could see it.
    fn note_reading(&mut self, done: u32, total: u32) -> bool {
        let reading = (total > 1 && done < total).then_some((done, total));
        let news = self.reading != reading;
        self.reading = reading;
        news
    }
}

impl Desk {
    /// How far the log is read.
    pub async fn audit_state(&self) -> Answer<AuditState> {
        let reading = hold(&self.auditing).reading;
        self.on_log(move |session| state(session, reading)).await
    }

    /// Looks for entries.
    pub async fn audit_ask(&self, query: AuditQuery) -> Answer<AuditAnswer> {
        let asked = query::ask(&query)?;
        self.open_log().await?;
        let reading = hold(&self.auditing).reading;
        let now = self.now();
        let (org, found, mut view) = self
            .on_log(move |session| {
                let org = session.current()?;
                let state = state(session, reading)?;
                // Until it is read for the first time, and for who may not read it, nothing is
                // found; the state says why.
                let found = session.log_ask(&asked)?.unwrap_or_else(nothing);
                let view = answer(session, &found, state, now)?;
                Ok((org, found, view))
            })
            .await?;
        view.id = hold(&self.auditing).answers.keep((org, found));
        Ok(view)
    }

    /// A page of the rows that were found. An answer that is not kept any more has to be asked for
    /// again.
    pub async fn audit_rows(
        &self,
        id: u32,
        from: u32,
        count: u32,
        newest_first: bool,
    ) -> Answer<Vec<AuditRow>> {
        if count > MOST_ROWS {
            return Err(CommandError::TooLarge { limit: MOST_ROWS });
        }
        let (org, found) = hold(&self.auditing).answers.get(id).ok_or(CommandError::NotFound)?;
        let now = self.now();
        self.on_log(move |session| {
            if session.current()? != org {
                return Err(CommandError::NotFound);
            }
            let wanted = page(found.found.rows.len(), from, count, newest_first);
            let wanted: Vec<u32> = wanted.into_iter().map(|at| found.found.rows[at]).collect();
            let rows = session.with_log(|log| {
                // Rows of a log that was begun anew since are others.
                let same = log.index.base() == found.base && log.index.len() >= found.total;
                same.then(|| wanted.iter().filter_map(|row| log.index.row(*row)).collect())
            })?;
            let rows: Vec<Row> = rows.flatten().ok_or(CommandError::NotFound)?;
            let told = Told::gather(session, Wanted::of_rows(found.base, &rows), now)?;
            Ok(rows.iter().map(|row| rows::row(found.base, row, &told)).collect())
        })
        .await
    }

    /// A head of the log to compare with somebody: of this size, or the newest one.
    pub async fn audit_compare(&self, size: Option<u64>) -> Answer<AuditCompared> {
        self.on_log(move |session| {
            let shown = session.root_shown(size)?;
            let sentence = format!(
                "Whoever reads the same code for {} entries has read the same log up to there, \
                 entry by entry.",
                words::grouped(shown.size)
            );
            Ok(AuditCompared { size: shown.size, code: shown.code, sentence })
        })
        .await
    }

    /// Compares the size and code that somebody else's computer shows with this one's.
    pub async fn audit_compare_with(&self, line: String) -> Answer<HeadsCompared> {
        self.on_log(move |session| {
            Ok(match session.root_compare(&line)? {
                client::RootMatch::Same => HeadsCompared::Same,
                client::RootMatch::Differs => HeadsCompared::Differs,
                client::RootMatch::Unknown => HeadsCompared::Unknown,
            })
        })
        .await
    }

    /// Opens what this computer keeps of the log, if that was not done since the vault was opened.
    pub(super) async fn open_log(&self) -> Answer<()> {
        let session = self.session()?;
        let asked = Arc::clone(&session);
        let standing = blocking(move || Ok(asked.log_standing()?)).await?;
        if standing.size > 0 && standing.index_bytes == 0 {
            session.open_log().await?;
        }
        Ok(())
    }

    /// Asks for new entries, for a window that follows the log. Says whether the server answered.
    pub async fn audit_news(&self) -> bool {
        let Ok(session) = self.session() else { return false };
        // Whoever waits to be let in has no log.
        if !self.has_organisation() {
            return false;
        }
        match session.pull_log().await {
            Ok(_) => true,
            Err(error) => {
                tracing::info!(%error, "the audit log was not followed");
                false
            }
        }
    }

    /// Tells the window how far the log is read, if that is news.
    pub(super) async fn tell_audit(&self) {
        let Ok(state) = self.audit_state().await else { return };
        let news = hold(&self.auditing).is_news(&state);
        if news {
            self.tell(Notice::Audit(state));
        }
    }

    /// Notes how far a reading is, for [`Desk::audit_state`]. Says whether that is news.
    pub(super) fn note_reading(&self, done: u32, total: u32) -> bool {
        hold(&self.auditing).note_reading(done, total)
    }

    /// Looks at the open vault on a thread that may take its time.
    async fn on_log<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Session) -> Answer<R> + Send + 'static,
    ) -> Answer<R> {
        let session = self.session()?;
        blocking(move || look(&session)).await
    }
}

fn state(session: &Session, reading: Option<(u32, u32)>) -> Answer<AuditState> {
    let standing = session.log_standing()?;
    let (read_so_far, to_read) = reading.unwrap_or_default();
    Ok(AuditState {
        readable: standing.readable,
        size: standing.size,
        reading: reading.is_some(),
        read_so_far: u64::from(read_so_far),
        to_read: u64::from(to_read),
        settled_at: standing.settled_ms.map(translate::millis),
        base: standing.base,
        index_bytes: u64::try_from(standing.index_bytes).unwrap_or(u64::MAX),
    })
}

fn nothing() -> Arc<client::Answer> {
    let found =
        Found { rows: Vec::new(), facets: Facets::default(), timeline: Timeline::default() };
    Arc::new(client::Answer { found, took: Duration::ZERO, total: 0, base: 0 })
}

fn answer(
    session: &Session,
    answer: &client::Answer,
    state: AuditState,
    now: u64,
) -> Answer<AuditAnswer> {
    let found = &answer.found;
    let told = Told::gather(session, Wanted::of_facets(&found.facets), now)?;
    Ok(AuditAnswer {
        // Given when it is kept.
        id: 0,
        total: answer.total,
        matched: translate::count(found.rows.len()),
        took_micros: translate::count(answer.took.as_micros()),
        facets: rows::facets(&found.facets, &told),
        timeline: rows::timeline(&found.timeline),
        state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(size: u64, settled_at: Option<i64>) -> AuditState {
        AuditState {
            readable: true,
            size,
            reading: false,
            read_so_far: 0,
            to_read: 0,
            settled_at,
            base: 0,
            index_bytes: 40,
        }
    }

    #[test]
    fn a_log_that_was_read_again_without_news_is_not_told_again() {
        let mut auditing = Auditing::default();
        assert!(auditing.is_news(&at(0, None)));
        assert!(auditing.is_news(&at(0, Some(5))), "an empty log was read for the first time");
        assert!(!auditing.is_news(&at(0, Some(7))));
        assert!(auditing.is_news(&at(1, Some(7))));
        auditing.forget();
        assert!(auditing.is_news(&at(1, Some(7))), "the window was locked meanwhile");
    }

    #[test]
    fn only_a_reading_that_takes_its_time_is_shown() {
        let mut auditing = Auditing::default();
        assert!(!auditing.note_reading(0, 1) && !auditing.note_reading(1, 1));
        assert!(auditing.note_reading(1_024, 2_048));
        assert_eq!(auditing.reading, Some((1_024, 2_048)));
        assert!(auditing.note_reading(1, 1), "it ended");
        assert_eq!(auditing.reading, None);
    }
}
