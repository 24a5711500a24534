//! The keyring of the operating system: Secret Service, Keychain, Credential Manager.
//!
//! The stores block, some without end while they wait for a person who is not there. So every call
//! runs on a thread of its own under a time limit, and what could show a prompt is kept apart in
//! [`Keyring::unlock`]: a read or a write of a locked keyring says so at once instead of waiting.
//! After any failure the connection is dropped, so that the next call starts afresh.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use strongroom_secret::{SecretBytes, SecretText};
use zeroize::Zeroize as _;

use super::{EntryKind, EntryName, Keyring, KeyringError, KeyringState};

/// What other programs see as the owner of the entries.
const SERVICE: &str = "strongroom";

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// Reading, writing, asking for the state.
    pub call: Duration,
    /// Waiting for a person to unlock the keyring.
    pub unlock: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { call: Duration::from_secs(10), unlock: Duration::from_mins(2) }
    }
}

/// The keyring of the operating system.
#[derive(Debug, Default)]
pub struct OsKeyring {
    limits: TimeLimits,
    connection: Arc<Connection>,
}

#[derive(Debug, Default)]
struct Connection {
    store: Mutex<Option<Arc<CredentialStore>>>,
    /// Held by a write until it is over, also by one that nobody waits for any more: a later write
    /// must never be overtaken by an earlier one.
    writing: Mutex<()>,
}

impl OsKeyring {
    /// The keyring with the default time limits. Connects on first use.
    pub fn new() -> Self {
        Self::default()
    }

    /// The keyring with other time limits.
    pub fn with_limits(limits: TimeLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&CredentialStore) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let connection = Arc::clone(&self.connection);
        let answer = within(self.limits.call, move || {
            platform::refuse_if_locked()?;
            connection.run(work)
        });
        if matches!(answer, Err(KeyringError::Busy | KeyringError::Missing)) {
            self.connection.forget();
        }
        answer
    }

    fn write(
        &self,
        work: impl Fn(&CredentialStore) -> Result<(), KeyringError> + Send + 'static,
    ) -> Result<(), KeyringError> {
        let connection = Arc::clone(&self.connection);
        self.call(move |store| {
            let _turn = connection.writing.try_lock().or_else(|e| match e {
                std::sync::TryLockError::Poisoned(p) => Ok(p.into_inner()),
                std::sync::TryLockError::WouldBlock => Err(KeyringError::Busy),
            })?;
            work(store)
        })
    }
}

impl Connection {
    /// Does `work` on the open store; if that was open for some time and fails, once more on a new
    /// one, because the keyring's process may have been started anew.
    fn run<T>(
        &self,
        work: impl Fn(&CredentialStore) -> Result<T, KeyringError>,
    ) -> Result<T, KeyringError> {
        let known = self.lock().clone();
        if let Some(store) = known {
            match work(&*store) {
                Err(KeyringError::Failed | KeyringError::Locked) => self.forget(),
                answer => return answer,
            }
        }
        let store = platform::open()?;
        let answer = work(&*store);
        if matches!(answer, Ok(_) | Err(KeyringError::Absent)) {
            *self.lock() = Some(store);
        }
        answer
    }

    fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<CredentialStore>>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keyring for OsKeyring {
    fn state(&self) -> KeyringState {
        match within(self.limits.call, platform::state) {
            Ok(state) => state,
            Err(KeyringError::Busy) => KeyringState::Busy,
            Err(_) => KeyringState::Missing,
        }
    }

    fn unlock(&self) -> Result<(), KeyringError> {
        let answer = within(self.limits.unlock, platform::unlock);
        self.connection.forget();
        answer
    }

    fn get(&self, name: &EntryName) -> Result<SecretText, KeyringError> {
        let name = *name;
        self.call(move |store| {
            let bytes = entry(store, &name)?.get_secret().map_err(error)?;
            SecretBytes::from_vec(bytes).into_text().map_err(|_| KeyringError::Broken)
        })
    }

    fn set(&self, name: &EntryName, value: &SecretText) -> Result<(), KeyringError> {
        let name = *name;
        let value = value.lend(|text| SecretText::from_string(text.to_owned()));
        self.write(move |store| {
            let entry = entry(store, &name)?;
            value.lend(|text| entry.set_secret(text.as_bytes()).map_err(error))?;
            // Some keyrings accept what they do not keep.
            let mut kept = entry.get_secret().map_err(error)?;
            let same = value.lend(|text| kept == text.as_bytes());
            kept.zeroize();
            if same { Ok(()) } else { Err(KeyringError::Failed) }
        })
    }

    fn delete(&self, name: &EntryName) -> Result<(), KeyringError> {
        let name = *name;
        self.write(move |store| match entry(store, &name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(e) => Err(error(e)),
        })
    }
}

/// Runs `work` on a thread and waits at most `limit`. A thread that is late is left behind: its
/// answer, if it ever comes, is dropped (and wiped).
fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let (answer, wait) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("keyring".into())
        .spawn(move || {
            let _ = answer.send(work()); // nobody listens any more when it is late
        })
        .map_err(|_| KeyringError::Failed)?;
    wait.recv_timeout(limit).map_err(|e| match e {
        mpsc::RecvTimeoutError::Timeout => KeyringError::Busy,
        mpsc::RecvTimeoutError::Disconnected => KeyringError::Failed, // the store panicked
    })?
}

fn entry(store: &CredentialStore, name: &EntryName) -> Result<Entry, KeyringError> {
    let label = match name.kind {
        EntryKind::SecretKey => "Strongroom: Secret Key",
        EntryKind::Pins(_) => "Strongroom: verified state",
        EntryKind::Words => "Strongroom: words of secure windows",
    };
    platform::build(store, SERVICE, &name.to_string(), label).map_err(error)
}

/// The store's error without what it carries: some variants hold the entry's bytes.
fn error(e: Error) -> KeyringError {
    match e {
        Error::NoEntry => KeyringError::Absent,
        Error::NoStorageAccess(_) => KeyringError::Locked,
        Error::NoDefaultStore => KeyringError::Missing,
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            KeyringError::Broken
        }
        Error::Ambiguous(_) | Error::BadStoreFormat(_) => KeyringError::Broken,
        _ => KeyringError::Failed,
    }
}

/// Secret Service (of GNOME, KDE and others) over D-Bus.
#[cfg(all(unix, not(target_os = "macos")))]
mod platform {
    use std::collections::HashMap;
    use std::sync::Arc;

    use keyring_core::api::CredentialStore;
    use keyring_core::{Entry, Error};
    use secret_service::blocking::SecretService;
    use secret_service::{EncryptionType, Error as ServiceError};

    use super::super::{KeyringError, KeyringState};
    use super::SERVICE;

    pub(super) fn open() -> Result<Arc<CredentialStore>, KeyringError> {
        match zbus_secret_service_keyring_store::Store::new() {
            Ok(store) => Ok(store),
            Err(_) => Err(KeyringError::Missing),
        }
    }

    pub(super) fn build(
        store: &CredentialStore,
        service: &str,
        name: &str,
        label: &str,
    ) -> Result<Entry, Error> {
        store.build(service, name, Some(&HashMap::from([("label", label)])))
    }

    /// A connection that carries no secret: it asks for states and prompts.
    fn inspect() -> Result<SecretService<'static>, KeyringError> {
        SecretService::connect(EncryptionType::Plain).map_err(|_| KeyringError::Missing)
    }

    fn failed(e: &ServiceError) -> KeyringError {
        match e {
            ServiceError::Locked | ServiceError::NoResult | ServiceError::Prompt => {
                KeyringError::Locked
            }
            _ => KeyringError::Failed,
        }
    }

    /// A keyring that is locked would wait for a person, or say that it has no entries.
    pub(super) fn refuse_if_locked() -> Result<(), KeyringError> {
        match state()? {
            KeyringState::Locked => Err(KeyringError::Locked),
            _ => Ok(()),
        }
    }

    pub(super) fn state() -> Result<KeyringState, KeyringError> {
        let service = inspect()?;
        let locked = match service.get_default_collection() {
            // Without a default collection the owner has to set one up first.
            Err(ServiceError::NoResult) => true,
            Err(e) => return Err(failed(&e)),
            Ok(default) => default.is_locked().map_err(|e| failed(&e))?,
        };
        // Entries may also lie in another collection than today's default.
        let ours = HashMap::from([("service", SERVICE)]);
        Ok(if locked || !service.search_items(ours).map_err(|e| failed(&e))?.locked.is_empty() {
            KeyringState::Locked
        } else {
            KeyringState::Available
        })
    }

    pub(super) fn unlock() -> Result<(), KeyringError> {
        let service = inspect()?;
        match service.get_default_collection() {
            Err(ServiceError::NoResult) => {
                service.create_collection("Login", "default").map_err(|e| failed(&e))?;
            }
            Err(e) => return Err(failed(&e)),
            Ok(default) => {
                if default.is_locked().map_err(|e| failed(&e))? {
                    default.unlock().map_err(|e| failed(&e))?;
                }
            }
        }
        let ours = HashMap::from([("service", SERVICE)]);
        let found = service.search_items(ours).map_err(|e| failed(&e))?;
        if !found.locked.is_empty() {
            let locked: Vec<_> = found.locked.iter().collect();
            service.unlock_all(&locked).map_err(|e| failed(&e))?;
        }
        refuse_if_locked()
    }
}

/// Keychain and Credential Manager: the session of the user is their lock.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod platform {
    use std::sync::Arc;

    use keyring_core::api::CredentialStore;
    use keyring_core::{Entry, Error};

    use super::super::{KeyringError, KeyringState};

    pub(super) fn open() -> Result<Arc<CredentialStore>, KeyringError> {
        #[cfg(target_os = "macos")]
        let store = apple_native_keyring_store::keychain::Store::new();
        #[cfg(windows)]
        let store = windows_native_keyring_store::Store::new();
        match store {
            Ok(store) => Ok(store),
            Err(_) => Err(KeyringError::Missing),
        }
    }

    pub(super) fn build(
        store: &CredentialStore,
        service: &str,
        name: &str,
        _label: &str,
    ) -> Result<Entry, Error> {
        store.build(service, name, None)
    }

    #[expect(clippy::unnecessary_wraps, reason = "the same signature on every system")]
    pub(super) fn refuse_if_locked() -> Result<(), KeyringError> {
        Ok(())
    }

    pub(super) fn state() -> Result<KeyringState, KeyringError> {
        open().map(|_| KeyringState::Available)
    }

    pub(super) fn unlock() -> Result<(), KeyringError> {
        open().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_never_ends_is_busy() {
        let answer: Result<(), _> = within(Duration::from_millis(20), || {
            loop {
                thread::park();
            }
        });
        assert_eq!(answer, Err(KeyringError::Busy));
    }

    #[test]
    fn a_store_that_panics_is_a_failure_and_not_the_end() {
        let answer: Result<(), _> = within(Duration::from_secs(5), || panic!("store"));
        assert_eq!(answer, Err(KeyringError::Failed));
    }

    #[test]
    fn an_error_never_carries_the_bytes_of_an_entry() {
        for e in [
            Error::BadEncoding(b"hunter2".to_vec()),
            Error::BadDataFormat(b"hunter2".to_vec(), "hunter2".into()),
        ] {
            assert!(!format!("{:?}", error(e)).contains("hunter2"));
        }
    }
}
