//! The status bar: what this computer verified, and how it stands to the server.

use std::{path::PathBuf, sync::Arc};

use strongroom_client::{
    profile::ServerPlace,
    vault::{Session, Standing, VaultError},
};

use super::{Desk, errors::stop_view, views};
use crate::{
    error::{Answer, CommandError},
    view::{StatusView, VerifyState},
};

impl Desk {
    pub(super) fn status_view(&self, session: &Session) -> Answer<StatusView> {
        let record = session.record();
        let clipboard = match self.0.clipboard.remaining() {
            Some(_) => self.state().copied.clone(),
            None => None,
        };
        Ok(session.with(|org| {
            let standing = org.standing.clone();
            let replica = org.replica();
            let commits: u64 = replica.envs().values().map(|copy| copy.history().seq()).sum();
            let (checked, to_check) = standing.checked;
            Ok(StatusView {
                server: place(&record.server),
                embedded: record.server == ServerPlace::Embedded,
                last_sync: standing.synced_ms.map(views::millis),
                state: verified(&standing),
                link: views::number(replica.state().seq()),
                commit: views::number(commits),
                audit: views::number(replica.audit().size),
                checked: views::number(checked),
                to_check: views::number(to_check),
                clipboard,
                locks_at: None,
                verified_at: standing.synced_ms.map(views::millis),
                stop: standing.stop.as_ref().map(|stop| {
                    stop_view(
                        stop,
                        standing.evidence.as_ref().map(|path| path.display().to_string()),
                    )
                }),
            })
        })?)
    }

    /// Asks the server for news. What went wrong is in the session's standing and in the status bar;
    /// here it is only logged.
    pub(super) async fn sync(&self, session: &Arc<Session>) {
        let done = match session.sync().await {
            Ok(()) => session.verify_history().await,
            Err(error) => Err(error),
        };
        match done {
            Ok(()) | Err(VaultError::Stopped(_)) => {}
            Err(error) => tracing::warn!(%error, "sync"),
        }
    }

    /// Copies the evidence to where the person wants it.
    pub(super) async fn save_evidence(&self, file: PathBuf) -> Answer<()> {
        self.work(move |_, session| {
            let evidence = session.with(|org| Ok(org.standing.evidence.clone()))?;
            let evidence = evidence.ok_or(CommandError::NotFound)?;
            std::fs::copy(evidence, file).map_err(|_| CommandError::FileUnreadable)?;
            Ok(())
        })
        .await
    }
}

fn verified(standing: &Standing) -> VerifyState {
    let (checked, to_check) = standing.checked;
    if standing.stop.is_some() {
        VerifyState::Stopped
    } else if checked < to_check {
        VerifyState::Checking
    } else if standing.offline_since_ms.is_some() {
        VerifyState::Behind
    } else {
        VerifyState::Verified
    }
}

/// A server's address as it is shown.
pub(super) fn place(place: &ServerPlace) -> String {
    match place {
        ServerPlace::Embedded => "127.0.0.1".to_owned(),
        ServerPlace::Origin(origin) => origin.clone(),
    }
}
