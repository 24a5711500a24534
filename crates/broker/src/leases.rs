//! Values that are in use.
//!
//! Invariants: a value is asked for when a request needs it, shared by the requests of one session,
//! and wiped when nobody used it for [`IDLE`], when the session ends, when the vault locks and when
//! everything is stopped. Requests on their way hold it to their own end at most.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use strongroom_control::link::NoLease;
use strongroom_format::id::AgentId;
use strongroom_policy::SecretAt;
use strongroom_scrub::Scrubber;
use strongroom_secret::SecretBytes;
use tokio::sync::OnceCell;

use crate::owner::Owner;

/// How long a value stays after its last use.
pub const IDLE: Duration = Duration::from_mins(1);

/// A value of a session.
#[derive(Debug)]
pub struct Lease {
    /// Which credential.
    pub at: SecretAt,
    /// Which version of it.
    pub version: u64,
    /// The value.
    pub value: SecretBytes,
    /// What finds it in answers, with the fake token that it was asked for with.
    pub scrubbers: Mutex<BTreeMap<[u8; 32], Arc<Scrubber>>>,
}

type Key = (u64, SecretAt, u64);

#[derive(Debug, Clone)]
struct Slot {
    cell: Arc<OnceCell<Arc<Lease>>>,
    used: Instant,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Leases {
    all: Mutex<BTreeMap<Key, Slot>>,
}

impl Leases {
    /// The value of `at` in `version` for a session; asks the owner once, however many requests ask.
    pub async fn get(
        &self,
        owner: &dyn Owner,
        session: u64,
        agent: AgentId,
        at: SecretAt,
        version: u64,
    ) -> Result<Arc<Lease>, NoLease> {
        let cell = {
            let mut all = self.hold();
            let slot = all
                .entry((session, at, version))
                .or_insert_with(|| Slot { cell: Arc::default(), used: Instant::now() });
            slot.used = Instant::now();
            Arc::clone(&slot.cell)
        };
        let lent = cell
            .get_or_try_init(|| async {
                let lent = owner.lend(agent, at, version).await?;
                if lent.version != version {
                    return Err(NoLease::Gone);
                }
                let scrubbers = Mutex::default();
                Ok(Arc::new(Lease { at, version, value: lent.value, scrubbers }))
            })
            .await;
        lent.cloned()
    }

    /// The values of a session go.
    pub fn end_session(&self, session: u64) {
        self.hold().retain(|(of, ..), _| *of != session);
    }

    /// All values go.
    pub fn end_all(&self) {
        self.hold().clear();
    }

    /// Values that nobody used for [`IDLE`] go. To be called now and then.
    pub fn sweep(&self, now: Instant) {
        self.hold().retain(|_, slot| now.saturating_duration_since(slot.used) < IDLE);
    }

    /// How many values are held.
    pub fn len(&self) -> usize {
        self.hold().values().filter(|slot| slot.cell.initialized()).count()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn hold(&self) -> MutexGuard<'_, BTreeMap<Key, Slot>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use strongroom_control::link::ToOwner;
    use strongroom_format::id::{EnvId, SecretId};

    use super::*;
    use crate::owner::{Lending, Lent};

    #[derive(Default)]
    struct Vault {
        asked: AtomicU64,
        version: u64,
    }

    impl Owner for Vault {
        fn lend(&self, _: AgentId, _: SecretAt, _: u64) -> Lending<'_> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let version = self.version;
            Box::pin(async move {
                tokio::task::yield_now().await;
                Ok(Lent { version, value: SecretBytes::copy_of(b"sk-real-value") })
            })
        }

        fn captured(&self, _: SecretAt, _: u64, _: SecretBytes) {}

        fn tell(&self, _: ToOwner) {}
    }

    const AT: SecretAt = SecretAt { env: EnvId([1; 16]), secret: SecretId([2; 16]) };
    const AGENT: AgentId = AgentId([3; 16]);

    #[tokio::test]
    async fn many_requests_ask_the_owner_once() {
        let (vault, leases) = (Vault { version: 4, ..Vault::default() }, Leases::default());
        let one = leases.get(&vault, 1, AGENT, AT, 4);
        let two = leases.get(&vault, 1, AGENT, AT, 4);
        let (one, two) = tokio::join!(one, two);
        assert!(Arc::ptr_eq(&one.unwrap(), &two.unwrap()));
        assert_eq!(vault.asked.load(Ordering::Relaxed), 1);
        leases.get(&vault, 2, AGENT, AT, 4).await.unwrap();
        assert_eq!(vault.asked.load(Ordering::Relaxed), 2, "sessions share nothing");
    }

    #[tokio::test]
    async fn another_version_than_the_policy_is_of_is_not_used() {
        let (vault, leases) = (Vault { version: 5, ..Vault::default() }, Leases::default());
        assert_eq!(leases.get(&vault, 1, AGENT, AT, 4).await.unwrap_err(), NoLease::Gone);
        assert!(leases.is_empty());
    }

    #[tokio::test]
    async fn values_go_with_their_session_with_the_lock_and_when_nobody_uses_them() {
        let (vault, leases) = (Vault::default(), Leases::default());
        for session in 1..=3 {
            leases.get(&vault, session, AGENT, AT, 0).await.unwrap();
        }
        leases.end_session(2);
        assert_eq!(leases.len(), 2);
        leases.sweep(Instant::now());
        assert_eq!(leases.len(), 2);
        leases.sweep(Instant::now() + IDLE);
        assert_eq!(leases.len(), 0);
        leases.get(&vault, 1, AGENT, AT, 0).await.unwrap();
        leases.end_all();
        assert!(leases.is_empty());
    }
}
