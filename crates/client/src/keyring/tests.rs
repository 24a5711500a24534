//! Every home keeps the entries of a vault, and says what it cannot do.

use std::collections::BTreeSet;

use strongroom_crypto::safe::OsEntropy;

use super::*;

fn vault(n: u8) -> VaultId {
    format!("vlt_{}", strongroom_format::id::base32().encode(&[n; 16])).parse().unwrap()
}

fn keeps_everything(keyring: &Arc<impl Keyring + 'static>) {
    let keys = VaultKeys::new(Arc::clone(keyring) as _, vault(1));
    let org = OrgId([3; 32]);
    assert!(matches!(keys.secret_key(), Err(KeyringError::Absent)));
    assert!(matches!(keys.words(), Err(KeyringError::Absent)));
    assert!(matches!(keys.pin_anchor(&org), Err(KeyringError::Absent)));

    let secret_key = SecretKey::make(&mut OsEntropy).unwrap();
    keys.keep_secret_key(&secret_key).unwrap();
    let text = secret_key.to_text();
    let kept = keys.secret_key().unwrap().to_text();
    assert!(text.lend(|a| kept.lend(|b| a == b)));

    keys.keep_words(("copper", "heron")).unwrap();
    assert_eq!(keys.words(), Ok(("copper".into(), "heron".into())));

    let anchor =
        PinAnchor { key: PinKey::make(&mut OsEntropy).unwrap(), generation: 7, digest: [9; 32] };
    keys.keep_pin_anchor(&org, &anchor).unwrap();
    let kept = keys.pin_anchor(&org).unwrap();
    assert_eq!((kept.generation, kept.digest), (7, [9; 32]));
    assert_eq!(kept.key.tag(b"x"), anchor.key.tag(b"x"));

    keys.forget_all(&[org]).unwrap();
    assert!(matches!(keys.secret_key(), Err(KeyringError::Absent)));
    assert!(matches!(keys.pin_anchor(&org), Err(KeyringError::Absent)));
    keys.forget_all(&[org]).unwrap();
}

#[test]
fn a_private_file_keeps_everything_and_only_for_its_vault() {
    let folder = tempfile::tempdir().unwrap();
    let files = Arc::new(FileKeys::new(vault(1), folder.path()));
    keeps_everything(&files);
    let words = SecretText::from_string("copper heron".into());
    let name = |vault| EntryName { vault, kind: EntryKind::Words };
    files.set(&name(vault(1)), &words).unwrap();
    assert!(matches!(files.get(&name(vault(2))), Err(KeyringError::Absent)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |p| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path().join("keys")), 0o700);
        assert_eq!(mode(folder.path().join("keys/words")), 0o600);
    }
}

#[test]
fn the_keyring_of_the_tests_keeps_everything_and_fails_on_request() {
    let memory = Arc::new(MemoryKeyring::new());
    keeps_everything(&memory);
    memory.fail_with(Some(KeyringError::Locked));
    assert_eq!(memory.state(), KeyringState::Locked);
    let keys = VaultKeys::new(Arc::clone(&memory) as _, vault(1));
    assert_eq!(keys.words(), Err(KeyringError::Locked));
}

#[test]
fn asking_every_time_keeps_nothing() {
    let keys = VaultKeys::new(Arc::new(Ask), vault(1));
    assert_eq!(Ask.state(), KeyringState::Missing);
    assert_eq!(keys.keep_words(("copper", "heron")), Err(KeyringError::Missing));
    assert_eq!(keys.words(), Err(KeyringError::Missing));
}

#[test]
fn every_entry_is_one_line_under_the_limit_with_a_name_of_its_own() {
    let memory = Arc::new(MemoryKeyring::new());
    let keys = VaultKeys::new(Arc::clone(&memory) as _, vault(1));
    keys.keep_secret_key(&SecretKey::make(&mut OsEntropy).unwrap()).unwrap();
    keys.keep_words(("crimson", "albatross")).unwrap();
    let anchor = PinAnchor {
        key: PinKey::make(&mut OsEntropy).unwrap(),
        generation: u64::MAX,
        digest: [255; 32],
    };
    keys.keep_pin_anchor(&OrgId([3; 32]), &anchor).unwrap();
    let kinds = [EntryKind::SecretKey, EntryKind::Words, EntryKind::Pins(OrgId([3; 32]))];
    let mut names = BTreeSet::new();
    for kind in kinds {
        let name = EntryName { vault: vault(1), kind };
        let value = memory.get(&name).unwrap();
        assert!(value.len() <= MAX_VALUE);
        assert!(value.lend(|text| text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')));
        names.insert(name.to_string());
    }
    assert_eq!(names.len(), 3);
}

#[test]
fn a_damaged_entry_is_broken_and_not_absent() {
    let memory = Arc::new(MemoryKeyring::new());
    let keys = VaultKeys::new(Arc::clone(&memory) as _, vault(1));
    for kind in [EntryKind::SecretKey, EntryKind::Words, EntryKind::Pins(OrgId([3; 32]))] {
        let name = EntryName { vault: vault(1), kind };
        let value = SecretText::from_string("Nonsense".into());
        memory.set(&name, &value).unwrap();
    }
    assert!(matches!(keys.secret_key(), Err(KeyringError::Broken)));
    assert_eq!(keys.words(), Err(KeyringError::Broken));
    let anchor = keys.pin_anchor(&OrgId([3; 32]));
    assert!(matches!(anchor, Err(KeyringError::Broken)));
}
