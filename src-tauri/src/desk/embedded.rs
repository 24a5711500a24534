//! The embedded server: started on first use, on a loopback port that the system chooses.

use std::sync::Arc;

use strongroom_client::{
    api::{Api, TimeLimits},
    profile::{Profile, ServerPlace},
};
use strongroom_server::{Config, Running};
use tokio::sync::Mutex;

use crate::error::{Answer, CommandError};

/// The embedded server of this computer.
pub(super) struct Embedded {
    profile: Profile,
    running: Mutex<Option<Arc<Running>>>,
}

impl Embedded {
    pub(super) fn new(profile: Profile) -> Self {
        Self { profile, running: Mutex::default() }
    }

    /// The way to the server of a vault.
    pub(super) async fn api(&self, place: &ServerPlace) -> Answer<Api> {
        let origin = match place {
            ServerPlace::Embedded => self.origin().await?,
            ServerPlace::Origin(origin) => origin.clone(),
        };
        let origin = origin.parse().map_err(|error| CommandError::internal(&error))?;
        Api::new(origin, TimeLimits::default()).map_err(|error| CommandError::internal(&error))
    }

    async fn origin(&self) -> Answer<String> {
        let mut running = self.running.lock().await;
        if let Some(server) = running.as_ref().filter(|server| !server.has_failed()) {
            return Ok(server.origin().to_owned());
        }
        // A server whose storage failed writes nothing more; the next unlocking starts it afresh
        // from what is on the disk.
        if let Some(failed) = running.take().and_then(Arc::into_inner) {
            failed.shut_down().await;
        }
        let folder =
            self.profile.server_folder().map_err(|error| CommandError::internal(&error))?;
        let server = strongroom_server::start(Config::embedded(folder))
            .await
            .map_err(|error| CommandError::internal(&error))?;
        let origin = server.origin().to_owned();
        *running = Some(Arc::new(server));
        Ok(origin)
    }

    /// Ends the server; what it has accepted is on the disk.
    pub(super) async fn shut_down(&self) {
        if let Some(server) = self.running.lock().await.take().and_then(Arc::into_inner) {
            server.shut_down().await;
        }
    }
}
