//! A vault in memory, at the other end of the port.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use strongroom_broker::owner::{Lending, Lent, Owner};
use strongroom_control::link::{NoLease, ToOwner};
use strongroom_format::id::AgentId;
use strongroom_policy::SecretAt;
use strongroom_secret::SecretBytes;
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub struct Vault {
    values: Mutex<BTreeMap<SecretAt, (u64, String)>>,
    pub lent: AtomicU64,
    pub refuse: Mutex<Option<NoLease>>,
    told: Mutex<Vec<ToOwner>>,
    pub news: Notify,
    pub captured: Mutex<Vec<(SecretAt, String)>>,
}

impl Vault {
    pub fn put(&self, at: SecretAt, value: &str) {
        let mut values = self.values.lock().unwrap();
        let version = values.get(&at).map_or(1, |(version, _)| version + 1);
        values.insert(at, (version, value.to_owned()));
    }

    /// Everything that was told so far.
    pub fn told(&self) -> Vec<ToOwner> {
        self.told.lock().unwrap().clone()
    }

    /// Waits until something that `pick` wants is told, and takes it out.
    pub async fn wait_for<T>(&self, pick: impl Fn(&ToOwner) -> Option<T>) -> T {
        loop {
            let news = self.news.notified();
            {
                let mut told = self.told.lock().unwrap();
                if let Some(at) = told.iter().position(|one| pick(one).is_some()) {
                    return pick(&told.remove(at)).unwrap();
                }
            }
            news.await;
        }
    }
}

impl Owner for Vault {
    fn lend(&self, _: AgentId, secret: SecretAt, _: u64) -> Lending<'_> {
        Box::pin(async move {
            if let Some(refused) = self.refuse.lock().unwrap().clone() {
                return Err(refused);
            }
            self.lent.fetch_add(1, Ordering::Relaxed);
            let values = self.values.lock().unwrap();
            let (version, value) = values.get(&secret).ok_or(NoLease::Gone)?;
            Ok(Lent { version: *version, value: SecretBytes::copy_of(value.as_bytes()) })
        })
    }

    fn captured(&self, secret: SecretAt, _: u64, value: SecretBytes) {
        let text = value.lend(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        self.captured.lock().unwrap().push((secret, text));
    }

    fn tell(&self, what: ToOwner) {
        self.told.lock().unwrap().push(what);
        self.news.notify_waiters();
    }
}
