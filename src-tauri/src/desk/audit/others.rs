//! Whoever else vouches for the log: its witness, and the owner who accepted a new one.

use strongroom_client::vault::{NewLogSeen, WitnessError, WitnessShown};

use super::super::people::People;
use crate::{
    desk::{Desk, translate},
    error::{Answer, CommandError},
    view::{NewLogView, WitnessSeen, WitnessView},
};

impl Desk {
    /// The witness that this computer asks.
    pub async fn witness(&self) -> Answer<Option<WitnessView>> {
        self.on_log(|session| Ok(session.witness()?.map(witness))).await
    }

    /// Asks this witness from now on, and at once.
    pub async fn witness_set(&self, url: String, vkey: String) -> Answer<WitnessView> {
        Ok(witness(self.session()?.set_witness(&url, &vkey).await?))
    }

    /// Asks no witness any more.
    pub async fn witness_remove(&self) -> Answer<()> {
        self.on_log(|session| Ok(session.remove_witness()?)).await
    }

    /// The new logs that took the place of one which this computer had verified, newest first.
    pub async fn new_logs(&self) -> Answer<Vec<NewLogView>> {
        self.on_log(|session| {
            let seen = session.new_logs()?;
            let mut people = People::seen_by(session);
            Ok(session.with(|org| {
                let view = |seen: &NewLogSeen| NewLogView {
                    link: seen.link,
                    by: people.principal(&seen.by, org),
                    at: translate::millis(seen.at_ms),
                    size: seen.size,
                    verified_here: seen.verified_here,
                    differs: seen.differs,
                    new_key: seen.new_key,
                    acknowledged: seen.acknowledged,
                };
                Ok(seen.iter().map(view).collect())
            })?)
        })
        .await
    }

    /// Remembers that a new log was seen.
    pub async fn new_log_acknowledge(&self, link: u64) -> Answer<()> {
        self.on_log(move |session| Ok(session.acknowledge_new_log(link)?)).await
    }
}

fn witness(shown: WitnessShown) -> WitnessView {
    let seen = |(at_ms, size)| WitnessSeen { at: translate::millis(at_ms), size };
    WitnessView {
        url: shown.url,
        name: shown.name,
        vkey: shown.vkey,
        last: shown.last.map(seen),
        problem: shown.problem.map(|problem| problem.to_string()),
    }
}

impl From<WitnessError> for CommandError {
    fn from(error: WitnessError) -> Self {
        match error {
            WitnessError::Url(error) => error.into(),
            WitnessError::Key(error) => Self::NotReady { missing: error.to_string() },
            WitnessError::Vault(error) => error.into(),
        }
    }
}
