//! The real keyring of a desktop: open, locked, and not there at all.
//!
//! These tests lock the keyring of the session they run in, so they run only inside
//! `scripts/with-desktop`, which starts one for them: `cargo nextest run --run-ignored only`.
#![cfg(all(unix, not(target_os = "macos")))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secret_service::EncryptionType;
use secret_service::blocking::SecretService;
use strongroom_client::keyring::{
    Keyring, KeyringError, KeyringState, OsKeyring, PinAnchor, TimeLimits, VaultKeys,
};
use strongroom_client::pins::PinStore;
use strongroom_client::profile::VaultId;
use strongroom_crypto::safe::{OsEntropy, PinKey, SecretKey};
use strongroom_format::id::{EnvId, OrgId};
use strongroom_format::pins::{AuditPin, EnvPin, Pins};

const ORG: OrgId = OrgId([3; 32]);

fn limits() -> TimeLimits {
    TimeLimits { call: Duration::from_secs(5), unlock: Duration::from_secs(2) }
}

fn keyring() -> Arc<OsKeyring> {
    Arc::new(OsKeyring::with_limits(limits()))
}

fn vault(letter: &str) -> VaultId {
    format!("vlt_{}", letter.repeat(26)).parse().unwrap()
}

fn keys(keyring: &Arc<OsKeyring>) -> VaultKeys {
    VaultKeys::new(Arc::clone(keyring) as _, vault("a"))
}

/// Locks the session's keyring, as its owner can at any time.
fn lock() {
    let service = SecretService::connect(EncryptionType::Plain).unwrap();
    service.get_default_collection().unwrap().lock().unwrap();
}

/// One story, because the keyring of a session is one: what is locked is locked for every test.
#[test]
#[ignore = "locks the keyring of the session; run by scripts/with-desktop"]
fn a_keyring_keeps_the_entries_of_a_vault_until_it_is_locked() {
    let keyring = keyring();
    assert_eq!(keyring.state(), KeyringState::Available);
    let keys = keys(&keyring);
    assert!(matches!(keys.secret_key(), Err(KeyringError::Absent)));

    let secret_key = SecretKey::make(&mut OsEntropy).unwrap();
    keys.keep_secret_key(&secret_key).unwrap();
    keys.keep_words(("copper", "heron")).unwrap();
    keys.keep_words(("amber", "otter")).unwrap();
    let anchor =
        PinAnchor { key: PinKey::make(&mut OsEntropy).unwrap(), generation: 7, digest: [9; 32] };
    keys.keep_pin_anchor(&ORG, &anchor).unwrap();

    // Another connection, as after a restart.
    let again = self::keys(&self::keyring());
    let text = secret_key.to_text();
    let kept = again.secret_key().unwrap().to_text();
    assert!(text.lend(|a| kept.lend(|b| a == b)));
    assert_eq!(again.words(), Ok(("amber".into(), "otter".into())));
    let kept = again.pin_anchor(&ORG).unwrap();
    assert_eq!((kept.generation, kept.digest), (7, [9; 32]));
    let other = VaultKeys::new(Arc::clone(&keyring) as _, vault("q"));
    assert_eq!(other.words(), Err(KeyringError::Absent));

    pins_are_anchored(&keys);

    // Locked: said at once, whatever was asked, and never "there is no such entry".
    lock();
    let begun = Instant::now();
    assert_eq!(keyring.state(), KeyringState::Locked);
    assert!(matches!(keys.secret_key(), Err(KeyringError::Locked)));
    assert_eq!(other.words(), Err(KeyringError::Locked));
    assert_eq!(keys.keep_words(("copper", "heron")), Err(KeyringError::Locked));
    assert_eq!(keys.forget_all(&[ORG]), Err(KeyringError::Locked));
    assert!(begun.elapsed() < limits().call);

    // Unlocking waits for its owner, who is not here, and not for ever.
    let begun = Instant::now();
    let answer = keyring.unlock();
    assert!(
        matches!(answer, Err(KeyringError::Busy | KeyringError::Locked | KeyringError::Failed)),
        "{answer:?}"
    );
    assert!(begun.elapsed() < limits().unlock + Duration::from_secs(1));
    // And the keyring still answers afterwards.
    assert_eq!(keyring.state(), KeyringState::Locked);
}

fn pins_are_anchored(keys: &VaultKeys) {
    let folder = tempfile::tempdir().unwrap();
    let org = OrgId([5; 32]);
    let store = PinStore::anchored(folder.path().join("pins"), keys.clone());
    let pins = Pins {
        org,
        generation: 0,
        org_seq: 1,
        org_head: [1; 32],
        newest_ms: 5,
        suite: 1,
        audit: AuditPin { reset: 0, size: 1, root: [2; 32] },
        envs: vec![EnvPin { env: EnvId([4; 16]), seq: 1, head: [3; 32], epoch: 1 }],
    };
    let one = store.first(pins, &mut OsEntropy).unwrap();
    let two = store.save(one).unwrap();
    assert_eq!(store.load(&org).unwrap(), two);
    store.forget(&org).unwrap();
    keys.forget_all(&[org]).unwrap();
    assert!(matches!(keys.secret_key(), Err(KeyringError::Absent)));
}

/// Runs itself a second time on a bus that is not there.
#[test]
fn without_a_session_bus_the_keyring_is_missing_and_says_so() {
    if std::env::var_os("STRONGROOM_TEST_NO_BUS").is_none() {
        let nowhere = tempfile::tempdir().unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "without_a_session_bus_the_keyring_is_missing_and_says_so"])
            .env("STRONGROOM_TEST_NO_BUS", "1")
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
            .env("XDG_RUNTIME_DIR", nowhere.path())
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let keyring = keyring();
    assert_eq!(keyring.state(), KeyringState::Missing);
    assert_eq!(keyring.unlock(), Err(KeyringError::Missing));
    let keys = keys(&keyring);
    assert_eq!(keys.words(), Err(KeyringError::Missing));
    assert_eq!(keys.keep_words(("copper", "heron")), Err(KeyringError::Missing));
}
