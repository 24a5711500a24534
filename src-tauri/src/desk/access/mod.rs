//! Who may read what: the matrix, what is staged on it, and the reasons. Nothing here signs; the
//! sign window takes what is staged from the vault, not from the main window.

mod words;

use strongroom_client::vault::{self as client, Session};
use strongroom_core::{
    access::{CellChange, Explanation},
    log::Facts,
    team::Intent,
};
use strongroom_format::id::{EnvId, Principal};

use super::{Desk, members::trust, people::People, translate};
use crate::{
    error::{Answer, CommandError},
    view::{
        AccessAxes, AccessChange, AccessExplain, AccessReview, AccessStaged, AccessTile,
        PersonView, WhoSubject, WhoView,
    },
};

pub(super) use words::{Known, device};

/// The most cells of one step.
const MOST_CHANGES: usize = 250_000;

impl Desk {
    /// Rows and columns of the matrix.
    pub async fn access_axes(&self) -> Answer<AccessAxes> {
        let known = self.known().await?;
        self.work(move |session, _| {
            let axes = session.access_axes()?;
            Ok(AccessAxes {
                version: axes.version,
                rows: words::rows(&axes.matrix, &axes.leaving, &known),
                columns: words::columns(&axes.matrix),
                staged: staged(&axes.staged),
            })
        })
        .await
    }

    /// One square of cells.
    pub async fn access_tile(&self, row: u32, col: u32) -> Answer<AccessTile> {
        self.work(move |session, _| {
            let tile = session.access_tile(row as usize, col as usize)?;
            let cells = tile.cells.iter().map(words::cell).collect();
            Ok(AccessTile { version: tile.version, cells })
        })
        .await
    }

    /// Stages changes as one step.
    pub async fn access_stage(&self, changes: Vec<AccessChange>) -> Answer<AccessStaged> {
        if changes.len() > MOST_CHANGES {
            return Err(CommandError::TooLarge { limit: translate::count(MOST_CHANGES) });
        }
        let changes: Vec<CellChange> = changes.iter().map(words::change).collect::<Answer<_>>()?;
        self.work(move |session, _| Ok(staged(&session.access_stage(&changes)?))).await
    }

    /// Takes the last step back.
    pub async fn access_undo(&self) -> Answer<AccessStaged> {
        self.work(|session, _| Ok(staged(&session.access_undo()?))).await
    }

    /// Takes it again.
    pub async fn access_redo(&self) -> Answer<AccessStaged> {
        self.work(|session, _| Ok(staged(&session.access_redo()?))).await
    }

    /// Drops everything staged.
    pub async fn access_discard(&self) -> Answer<AccessStaged> {
        self.work(|session, _| Ok(staged(&session.access_discard()?))).await
    }

    /// Why a cell is as it is.
    pub async fn access_explain(&self, principal_id: &str, env_id: &str) -> Answer<AccessExplain> {
        let (who, env): (Principal, EnvId) = (principal_id.parse()?, env_id.parse()?);
        let known = self.known().await?;
        self.work(move |session, _| {
            let found = session.access_explain(&who, &env)?;
            let by = signer(session, &found)?;
            Ok(words::explanation(&found, by, &known))
        })
        .await
    }

    /// What signing the staged changes would do.
    pub async fn access_review(&self) -> Answer<AccessReview> {
        let known = self.known().await?;
        self.work(move |session, _| Ok(words::review(&session.access_review()?, &known))).await
    }

    /// Exactly what is staged, for the sign window.
    pub async fn access_intent(&self) -> Answer<Intent> {
        let changes = self.work(|session, _| Ok(session.access_changes()?)).await?;
        if changes.is_empty() { Err(CommandError::NotFound) } else { Ok(Intent::Access(changes)) }
    }

    /// Who can read something, by which rule, and who did.
    pub async fn who(&self, subject: &WhoSubject) -> Answer<WhoView> {
        let subject = words::subject(subject)?;
        let known = self.known().await?;
        self.work(move |session, _| Ok(words::who(&session.who(&subject)?, &known))).await
    }

    /// How the keys of people were checked.
    pub(super) async fn known(&self) -> Answer<Known> {
        let you = self.user()?;
        self.work(move |session, _| {
            let checked = session.trust()?.into_iter();
            Ok(Known { you, trust: checked.map(|(user, how)| (user, trust(how))).collect() })
        })
        .await
    }

    /// Works with the session and the audit log, as far as it was read, on a thread that may take
    /// its time.
    pub(super) async fn work<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Session, &Facts) -> Answer<R> + Send + 'static,
    ) -> Answer<R> {
        let session = self.session()?;
        let worked = tokio::task::spawn_blocking(move || {
            let log = session.audit_copy()?;
            let nothing = Facts::default();
            let facts = log.as_deref().and_then(strongroom_core::log::AuditCopy::facts);
            work(&session, facts.unwrap_or(&nothing))
        });
        worked.await.map_err(|error| CommandError::internal(&error))?
    }
}

/// Whoever signed the link that a right comes from.
fn signer(session: &Session, found: &Explanation) -> Answer<Option<PersonView>> {
    let Some(because) = &found.because else { return Ok(None) };
    let mut people = People::seen_by(session);
    Ok(Some(session.with(|org| Ok(people.author(&because.by, org)))?))
}

fn staged(staged: &client::AccessStaged) -> AccessStaged {
    AccessStaged {
        count: translate::count(staged.count),
        gains: translate::count(staged.gains),
        loses: translate::count(staged.loses),
        keys_replaced: translate::count(staged.keys_replaced),
        can_undo: staged.can_undo,
        can_redo: staged.can_redo,
    }
}
