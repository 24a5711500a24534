//! The status bar: what this computer verified, and how it stands to the server.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use strongroom_client::{
    api::ApiError,
    profile::{ServerPlace, VaultRecord},
    vault::{OpenOrg, Session, Standing, VaultError},
};
use strongroom_format::statement::Role;

use super::{Desk, device, hold, translate};
use crate::{
    error::{Answer, CommandError},
    view::{CopyView, Millis, StatusView, StopView, VerifyState},
};

/// A value of ours on the clipboard: its name, and when it is cleared.
#[derive(Debug, Clone)]
pub(super) struct Copied {
    pub(super) name: String,
    pub(super) clears_at: Millis,
}

impl Desk {
    /// The status bar.
    pub async fn status(&self) -> Answer<StatusView> {
        let copied = hold(&self.copied).clone();
        if !self.has_organisation() {
            return Ok(waiting_view(&self.session()?.record(), copied));
        }
        let shut_out = self.shut_out.load(Ordering::Relaxed);
        self.look(move |session, org| {
            let view = status_view(session, org, copied);
            // What was verified stays so, and is not the newest any more.
            let stale = shut_out && view.state == VerifyState::Verified;
            Ok(if stale { StatusView { state: VerifyState::Behind, ..view } } else { view })
        })
        .await
    }

    /// Asks the server now.
    pub async fn sync_now(&self) -> Answer<StatusView> {
        let session = self.session()?;
        let reached = self.ask(&session).await;
        if reached == Reached::ShutOut {
            return Err(CommandError::Removed);
        }
        self.status().await
    }

    /// Asks the server in the background, as long as this vault is open.
    pub async fn sync_if_open(&self) {
        if let Ok(session) = self.session() {
            self.ask(&session).await;
        }
    }

    async fn ask(&self, session: &Arc<Session>) -> Reached {
        let reached = sync(session).await;
        let shut_out = reached == Reached::ShutOut;
        if self.shut_out.swap(shut_out, Ordering::Relaxed) != shut_out {
            self.tell_status().await;
        }
        reached
    }

    /// Asks the server in the background, right after something was written here.
    pub fn sync_soon(&self) {
        if let Ok(session) = self.session() {
            tokio::spawn(async move {
                sync(&session).await;
            });
        }
    }

    /// Copies the evidence of a differing history to where the person wants it.
    pub async fn evidence_save(&self, file: PathBuf) -> Answer<()> {
        self.look(move |_, org| {
            let evidence = org.standing.evidence.as_ref().ok_or(CommandError::NotFound)?;
            std::fs::copy(evidence, file).map_err(|_| CommandError::FileUnreadable)?;
            Ok(())
        })
        .await
    }

    /// Cancels work; work that ended already is let be.
    pub fn task_cancel(&self, task: &str) -> Answer<()> {
        if let Some((_, switch)) = hold(&self.signing_in).as_ref().filter(|(id, _)| id == task) {
            switch.store(true, Ordering::Relaxed);
            return Ok(());
        }
        self.session()?.cancel(task);
        Ok(())
    }
}

/// Asks the server for news and checks what is still unchecked. What goes wrong is part of the
/// session's standing, which the status bar shows; here it is only logged.
pub(super) async fn sync(session: &Arc<Session>) -> Reached {
    match ask(session).await {
        Ok(()) | Err(VaultError::Stopped(_)) => Reached::Asked,
        Err(error) => {
            tracing::warn!(%error, "sync");
            let gone = matches!(
                error,
                VaultError::ShutOut | VaultError::Api(ApiError::Refused { status: 403 | 404, .. })
            );
            if gone { Reached::ShutOut } else { Reached::Asked }
        }
    }
}

/// What asking the server came to, beside what the standing says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// It was asked; how that ended, the standing says.
    Asked,
    /// It knows the organisation no more, to this user. Nobody can prove a removal to whoever was
    /// removed, so this is only told.
    ShutOut,
}

async fn ask(session: &Session) -> Result<(), VaultError> {
    session.follow_up().await?;
    if session.current().is_err() {
        // Nobody has let this vault in yet.
        return Ok(());
    }
    session.verify_history().await?;
    // Whoever may not read the log does without.
    if session.log_is_due()? { session.pull_log().await.map(|_| ()) } else { Ok(()) }
}

fn status_view(session: &Session, org: &mut OpenOrg, copied: Option<Copied>) -> StatusView {
    let record = session.record();
    let standing = org.standing.clone();
    let replica = org.replica();
    let commits: u64 = replica.envs().values().map(|copy| copy.history().seq()).sum();
    let (checked, to_check) = standing.checked;
    let evidence = standing.evidence.as_ref().map(|path| path.display().to_string());
    let is_owner = replica.state().role(&session.user()) == Some(Role::Owner);
    let stop = standing.stop.as_ref().map(|stop| StopView {
        can_reset: is_owner && stop.is_of_the_log(),
        ..translate::stop(stop, evidence)
    });
    StatusView {
        server: place(&record.server),
        embedded: record.server == ServerPlace::Embedded,
        last_sync: standing.synced_ms.map(translate::millis),
        state: verified(&standing),
        link: translate::count(replica.state().seq()),
        commit: translate::count(commits),
        audit: translate::count(replica.audit().size),
        checked: translate::count(checked),
        to_check: translate::count(to_check),
        clipboard: copied.map(|copied| CopyView { name: copied.name, clears_at: copied.clears_at }),
        // The shell knows when nobody has been there for long enough.
        locks_at: None,
        verified_at: standing.synced_ms.map(translate::millis),
        stop,
        device: device::name(),
    }
}

/// The status bar of a vault that nobody has let in yet: nothing is verified.
fn waiting_view(record: &VaultRecord, copied: Option<Copied>) -> StatusView {
    StatusView {
        server: place(&record.server),
        embedded: record.server == ServerPlace::Embedded,
        last_sync: None,
        state: VerifyState::Behind,
        link: 0,
        commit: 0,
        audit: 0,
        checked: 0,
        to_check: 0,
        clipboard: copied.map(|copied| CopyView { name: copied.name, clears_at: copied.clears_at }),
        locks_at: None,
        verified_at: None,
        stop: None,
        device: device::name(),
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
        ServerPlace::Embedded => "On this computer".to_owned(),
        ServerPlace::Origin(origin) => origin.clone(),
    }
}
