//! Pins survive every crash, and nothing older or changed passes for them (rows B and G18).

use std::fs;
use std::sync::Arc;

use strongroom_crypto::safe::OsEntropy;
use strongroom_format::pins::{AuditPin, EnvPin};

use super::*;
use crate::keyring::MemoryKeyring;

const ORG: OrgId = OrgId([7; 32]);

struct Device {
    _folder: tempfile::TempDir,
    keyring: Arc<MemoryKeyring>,
    store: PinStore,
}

fn device() -> Device {
    let folder = tempfile::tempdir().unwrap();
    let keyring = Arc::new(MemoryKeyring::new());
    let vault = "vlt_aaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap();
    let keys = VaultKeys::new(Arc::clone(&keyring) as _, vault);
    let store = PinStore::anchored(folder.path().join("pins"), keys);
    Device { _folder: folder, keyring, store }
}

fn pins(org_seq: u64) -> Pins {
    Pins {
        org: ORG,
        generation: 0,
        org_seq,
        org_head: [1; 32],
        newest_ms: 5,
        suite: 1,
        audit: AuditPin { reset: 0, size: 3, root: [2; 32] },
        envs: vec![EnvPin {
            env: strongroom_format::id::EnvId([4; 16]),
            seq: 1,
            head: [3; 32],
            epoch: 1,
        }],
    }
}

impl Device {
    fn first(&self) -> Pins {
        self.store.first(pins(0), &mut OsEntropy).unwrap()
    }

    fn file(&self) -> Vec<u8> {
        fs::read(self.store.current(&ORG)).unwrap()
    }

    fn put_back(&self, file: &[u8]) {
        fs::write(self.store.current(&ORG), file).unwrap();
    }

    fn keys(&self) -> &VaultKeys {
        match &self.store.home {
            Home::Anchored(keys) => keys,
            Home::Alone(_) => panic!("this device has a keyring"),
        }
    }
}

fn advance(mut from: Pins) -> Pins {
    from.org_seq += 1;
    from
}

#[test]
fn pins_read_back_and_count_their_generations() {
    let d = device();
    let one = d.first();
    assert_eq!(one.generation, 1);
    let two = d.store.save(advance(one)).unwrap();
    assert_eq!((two.generation, two.org_seq), (2, 1));
    assert_eq!(d.store.load(&ORG).unwrap(), two);
}

#[test]
fn a_device_without_pins_never_gets_them_silently() {
    let d = device();
    assert!(matches!(d.store.load(&ORG), Err(PinsError::Missing)));
    assert!(matches!(d.store.save(pins(0)), Err(PinsError::Missing)));
    d.first();
    let again = d.store.first(pins(0), &mut OsEntropy);
    assert!(matches!(again, Err(PinsError::Exists)));
}

#[test]
fn an_old_file_is_a_rollback() {
    let d = device();
    let one = d.first();
    let old = d.file();
    let two = d.store.save(advance(one)).unwrap();
    d.put_back(&old);
    for result in [d.store.load(&ORG), d.store.save(advance(two))] {
        assert!(matches!(result, Err(PinsError::RolledBack(RolledBack::File))));
    }
}

#[test]
fn an_old_keyring_is_a_rollback() {
    let d = device();
    let one = d.first();
    let old = d.keyring.snapshot();
    d.store.save(advance(one)).unwrap();
    d.keyring.restore(old);
    assert!(matches!(d.store.load(&ORG), Err(PinsError::RolledBack(RolledBack::Anchor))));
}

#[test]
fn an_old_file_with_its_old_keyring_holds_as_the_older_pins() {
    let d = device();
    let one = d.first();
    let (file, keyring) = (d.file(), d.keyring.snapshot());
    d.store.save(advance(one.clone())).unwrap();
    d.put_back(&file);
    d.keyring.restore(keyring);
    // Nothing on this computer can tell; but nothing below these pins is accepted either.
    assert_eq!(d.store.load(&ORG).unwrap(), one);
}

#[test]
fn a_deleted_file_or_entry_is_a_rollback_and_not_a_fresh_start() {
    let d = device();
    d.first();
    let (file, keyring) = (d.file(), d.keyring.snapshot());
    fs::remove_file(d.store.current(&ORG)).unwrap();
    assert!(matches!(d.store.load(&ORG), Err(PinsError::RolledBack(RolledBack::File))));
    d.put_back(&file);
    d.keyring.restore(crate::keyring::Snapshot::default());
    assert!(matches!(d.store.load(&ORG), Err(PinsError::RolledBack(RolledBack::Anchor))));
    let again = d.store.first(pins(0), &mut OsEntropy);
    assert!(matches!(again, Err(PinsError::Exists)));
    d.keyring.restore(keyring);
    assert!(d.store.load(&ORG).is_ok());
}

#[test]
fn every_changed_byte_is_found() {
    let d = device();
    d.first();
    let good = d.file();
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        d.put_back(&bad);
        assert!(matches!(d.store.load(&ORG), Err(PinsError::Broken)), "{place}");
    }
    d.put_back(&vec![0; MAX_FILE + 1]);
    assert!(matches!(d.store.load(&ORG), Err(PinsError::Broken)));
    d.put_back(&good[..good.len() - 1]);
    assert!(matches!(d.store.load(&ORG), Err(PinsError::Broken)));
}

#[test]
fn the_pins_of_another_organisation_are_not_these() {
    let d = device();
    d.first();
    let other = OrgId([8; 32]);
    let mut foreign = pins(0);
    foreign.org = other;
    d.store.first(foreign, &mut OsEntropy).unwrap();
    fs::copy(d.store.current(&other), d.store.current(&ORG)).unwrap();
    assert!(matches!(d.store.load(&ORG), Err(PinsError::Broken)));
    assert!(d.store.load(&other).is_ok());
}

#[test]
fn a_crash_before_the_keyring_leaves_the_old_pins() {
    let d = device();
    let one = d.first();
    let anchor_key = d.keys().pin_anchor(&ORG).unwrap().key;
    let _ = d.store.stage(&anchor_key, advance(one.clone()), 2).unwrap();
    assert_eq!(d.store.load(&ORG).unwrap(), one);
    assert_eq!(d.store.save(advance(one)).unwrap().generation, 2);
}

#[test]
fn a_crash_after_the_keyring_leaves_the_new_pins() {
    let d = device();
    let one = d.first();
    let key = d.keys().pin_anchor(&ORG).unwrap().key;
    let staged = d.store.stage(&key, advance(one), 2).unwrap();
    anchor(d.keys(), key, &staged).unwrap();
    assert_eq!(d.store.load(&ORG).unwrap(), staged.pins);
    assert!(!d.store.next(&ORG).exists());
    assert_eq!(d.store.load(&ORG).unwrap(), staged.pins);
}

#[test]
fn a_crash_in_the_first_save_leaves_nothing_or_the_pins() {
    let d = device();
    disk::private_folder(&d.store.folder).unwrap();
    let key = PinKey::make(&mut OsEntropy).unwrap();
    let staged = d.store.stage(&key, pins(0), 1).unwrap();
    assert!(matches!(d.store.load(&ORG), Err(PinsError::Missing)));
    anchor(d.keys(), key, &staged).unwrap();
    assert_eq!(d.store.load(&ORG).unwrap().generation, 1);
}

#[test]
fn a_keyring_that_fails_loses_nothing_even_when_it_kept_the_anchor() {
    let d = device();
    let one = d.first();
    d.keyring.fail_with(Some(KeyringError::Busy));
    assert!(matches!(
        d.store.save(advance(one.clone())),
        Err(PinsError::Keyring(KeyringError::Busy))
    ));
    assert!(matches!(d.store.load(&ORG), Err(PinsError::Keyring(KeyringError::Busy))));
    d.keyring.fail_with(None);
    assert_eq!(d.store.load(&ORG).unwrap(), one);
    // Reported as failed, and kept all the same: the staged file is still there to match.
    let key = d.keys().pin_anchor(&ORG).unwrap().key;
    let staged = d.store.stage(&key, advance(one.clone()), 2).unwrap();
    assert_eq!(d.store.load(&ORG).unwrap(), one);
    anchor(d.keys(), key, &staged).unwrap();
    assert_eq!(d.store.load(&ORG).unwrap().generation, 2);
}

#[test]
fn pins_that_do_not_follow_the_newest_are_not_saved() {
    let d = device();
    let one = d.first();
    let two = d.store.save(advance(one.clone())).unwrap();
    assert!(matches!(d.store.save(advance(one)), Err(PinsError::Stale)));
    assert_eq!(d.store.load(&ORG).unwrap(), two);
}

#[test]
fn without_a_keyring_a_change_is_seen_and_another_vault_s_key_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let alone =
        |byte| PinStore::alone(folder.path().join("pins"), PinKey::from_keyring(&[byte; 32]));
    let store = alone(1);
    assert!(matches!(store.load(&ORG), Err(PinsError::Missing)));
    let one = store.first(pins(0), &mut OsEntropy).unwrap();
    let two = store.save(advance(one.clone())).unwrap();
    assert_eq!(store.load(&ORG).unwrap(), two);
    assert!(matches!(store.save(advance(one)), Err(PinsError::Stale)));
    assert!(matches!(alone(2).load(&ORG), Err(PinsError::Broken)));
    let mut file = fs::read(store.current(&ORG)).unwrap();
    file[50] ^= 1;
    fs::write(store.current(&ORG), file).unwrap();
    assert!(matches!(store.load(&ORG), Err(PinsError::Broken)));
}

#[test]
fn an_organisation_that_was_left_is_forgotten_on_both_sides() {
    let d = device();
    d.first();
    d.store.forget(&ORG).unwrap();
    assert!(matches!(d.store.load(&ORG), Err(PinsError::Missing)));
    assert_eq!(d.first().generation, 1);
}
