//! Data keys that must be replaced, and replacing them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use strongroom_client::vault::Session;
use strongroom_core::rotation::DueEnv;
use strongroom_format::id::{EnvId, UserId};

use super::{Desk, hold, people::People, translate};
use crate::{
    error::Answer,
    view::{PersonView, RotationRow, RotationState, RotationsView},
};

/// The environments whose data key is being replaced by this program.
#[derive(Debug, Clone, Default)]
pub(super) struct Running(Arc<Mutex<BTreeSet<EnvId>>>);

impl Running {
    pub(super) fn holds(&self, env: &EnvId) -> bool {
        hold(&self.0).contains(env)
    }

    /// Claims those that nobody works on; they are given back when the claim is dropped.
    fn claim(&self, envs: &[EnvId]) -> Claim {
        let mut running = hold(&self.0);
        let mine = envs.iter().copied().filter(|env| running.insert(*env)).collect();
        Claim { running: self.clone(), mine }
    }
}

struct Claim {
    running: Running,
    mine: Vec<EnvId>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut running = hold(&self.running.0);
        for env in &self.mine {
            running.remove(env);
        }
    }
}

impl Desk {
    /// The queue of data keys.
    pub async fn rotations(&self) -> Answer<RotationsView> {
        let running = self.rotating.clone();
        self.work(move |session, _| {
            let mut rows = Vec::new();
            for due in session.rotations()? {
                let holders = people(session, &due.holders)?;
                rows.push(due_row(&due, running.holds(&due.env), holders));
            }
            Ok(RotationsView { rows })
        })
        .await
    }

    /// Replaces data keys; answers when all are replaced, or with the first reason why one is not.
    pub async fn rotate(&self, env_ids: &[String]) -> Answer<()> {
        let envs: Vec<EnvId> = env_ids.iter().map(|id| id.parse()).collect::<Result<_, _>>()?;
        let session = self.session()?;
        rotate(&session, &self.rotating, &envs).await
    }

    /// Replaces in the background what this person has just made due. What fails stays due, and the
    /// window says so.
    pub fn rotate_soon(&self) {
        let Ok(session) = self.session() else { return };
        let running = self.rotating.clone();
        tokio::spawn(async move {
            let due = match session.rotations() {
                Ok(due) => due,
                Err(error) => return tracing::warn!(%error, "rotations"),
            };
            let mine: Vec<EnvId> =
                due.into_iter().filter(|due| due.mine).map(|due| due.env).collect();
            if mine.is_empty() {
                return;
            }
            if let Err(error) = rotate(&session, &running, &mine).await {
                tracing::warn!(%error, "a data key is not replaced yet");
            }
        });
    }
}

async fn rotate(session: &Session, running: &Running, envs: &[EnvId]) -> Answer<()> {
    let claim = running.claim(envs);
    let all = session.rotate(&claim.mine).await?;
    drop(claim);
    for one in all {
        let closed = one.result?;
        if !closed.is_empty() {
            tracing::warn!(env = %one.env, secrets = closed.len(), "something opens for nobody");
        }
    }
    Ok(())
}

/// One row of the queue.
pub(super) fn due_row(due: &DueEnv, running: bool, holders: Vec<PersonView>) -> RotationRow {
    RotationRow {
        env_id: due.env.to_string(),
        place: due.place.clone(),
        cls: translate::class(due.class),
        secrets: translate::count(due.secrets),
        epoch: due.epoch,
        state: match (running, due.mine) {
            (true, _) => RotationState::Running,
            (false, true) => RotationState::Due,
            (false, false) => RotationState::NoKey,
        },
        why: due.why.clone(),
        holders,
    }
}

/// People with their names.
pub(super) fn people(session: &Session, users: &[UserId]) -> Answer<Vec<PersonView>> {
    let mut people = People::seen_by(session);
    let named = |org: &mut _| Ok(users.iter().map(|user| people.of(user, org)).collect());
    Ok(session.with(named)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_environment_is_replaced_by_one_task_at_a_time() {
        let running = Running::default();
        let (one, two) = (EnvId([1; 16]), EnvId([2; 16]));
        let first = running.claim(&[one]);
        let second = running.claim(&[one, two]);
        assert_eq!((first.mine.as_slice(), second.mine.as_slice()), (&[one][..], &[two][..]));
        drop(first);
        assert!(!running.holds(&one) && running.holds(&two));
        drop(second);
        assert!(!running.holds(&two));
    }
}
