//! Vaults come, stay and go, also when the power does.

use strongroom_crypto::safe::OsEntropy;
use strongroom_format::id::UserId;
use strongroom_format::wire::Keyset;

use super::*;

fn new_vault(label: &str) -> NewVault {
    NewVault {
        label: label.into(),
        server: ServerPlace::Embedded,
        user: UserId([1; 16]),
        keyset: Keyset {
            epoch: 1,
            profile: 1,
            salt: vec![0; 16].into(),
            login_pub: vec![0; 32].into(),
            isk: vec![0; 32].into(),
            iek: vec![0; 32].into(),
            blob: vec![0; 200].into(),
        },
        keep: KeepSecretKey::Keyring,
        sample: false,
        created_ms: 5,
    }
}

fn profile() -> (tempfile::TempDir, Profile) {
    let folder = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(folder.path().join("strongroom"))).unwrap();
    (folder, profile)
}

fn create(profile: &Profile, label: &str) -> (VaultRecord, VaultLock) {
    profile.create(new_vault(label), &mut OsEntropy).unwrap()
}

#[test]
fn a_vault_is_listed_read_back_and_removed() {
    let (_folder, profile) = profile();
    assert!(profile.list().unwrap().vaults.is_empty());
    let (record, lock) = create(&profile, "Home");
    profile.select(record.id).unwrap();
    assert_eq!(profile.load(&record.id).unwrap(), record);
    assert_eq!(profile.list().unwrap().vaults, std::slice::from_ref(&record));
    assert_eq!(profile.selected().unwrap(), Some(record.id));
    profile.remove(lock).unwrap();
    assert!(profile.list().unwrap().vaults.is_empty());
    assert_eq!(profile.selected().unwrap(), None);
    assert!(matches!(profile.lock(&record.id), Err(ProfileError::Missing)));
    assert_eq!(fs::read_dir(profile.vaults()).unwrap().count(), 0);
}

#[test]
fn a_vault_is_written_by_one_holder_at_a_time() {
    let (_folder, profile) = profile();
    let (mut record, lock) = create(&profile, "Home");
    assert!(matches!(profile.lock(&record.id), Err(ProfileError::InUse)));
    record.last_opened_ms = Some(9);
    profile.save(&lock, &record).unwrap();
    drop(lock);
    let lock = profile.lock(&record.id).unwrap();
    assert_eq!(profile.load(&lock.id()).unwrap().last_opened_ms, Some(9));
}

#[test]
fn a_lock_of_another_vault_does_not_open_this_one() {
    let (_folder, profile) = profile();
    let (_, lock) = create(&profile, "A");
    let (other, _other_lock) = create(&profile, "B");
    assert!(profile.save(&lock, &other).is_err());
}

#[test]
fn a_damaged_vault_does_not_hide_the_others() {
    let (_folder, profile) = profile();
    let (good, _l1) = create(&profile, "Good");
    let (bad, _l2) = create(&profile, "Bad");
    let text = fs::read_to_string(profile.record_file(&bad.id)).unwrap();
    for damaged in [
        text.replace("\"version\": 1", "\"version\": 2"),
        text.replace("\"label\"", "\"lable\""),
        text.replace(&bad.id.to_string(), &good.id.to_string()),
        text[..text.len() / 2].to_owned(),
        format!("{text}{}", " ".repeat(MAX_RECORD)),
    ] {
        assert_ne!(damaged, text);
        fs::write(profile.record_file(&bad.id), damaged).unwrap();
        let listing = profile.list().unwrap();
        assert_eq!(listing.vaults, std::slice::from_ref(&good));
        assert_eq!(listing.broken, [bad.id]);
    }
}

#[test]
fn a_crash_while_a_vault_is_made_or_removed_leaves_none() {
    let (_folder, profile) = profile();
    let (record, lock) = create(&profile, "Home");
    drop(lock);
    // Made: the folder is there, its description is not.
    fs::create_dir(profile.vault_folder(&"vlt_aaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap()))
        .unwrap();
    assert_eq!(profile.list().unwrap().vaults.len(), 1);
    // Removed: renamed, not yet deleted.
    let grave = profile.vaults().join(format!("{REMOVED}{}", record.id));
    fs::rename(profile.vault_folder(&record.id), &grave).unwrap();
    assert!(profile.list().unwrap().vaults.is_empty());
    let again = Profile::open(Some(profile.root().to_owned())).unwrap();
    assert!(again.list().unwrap().vaults.is_empty() && !grave.exists());
}

#[test]
fn a_label_is_one_short_line() {
    let (_folder, profile) = profile();
    for label in ["", "  ", "two\nlines", &"x".repeat(MAX_LABEL + 1)] {
        assert!(matches!(
            profile.create(new_vault(label), &mut OsEntropy),
            Err(ProfileError::BadLabel)
        ));
    }
    assert!(profile.create(new_vault("Zürich"), &mut OsEntropy).is_ok());
}

#[cfg(unix)]
#[test]
fn nobody_else_may_look_in() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, profile) = profile();
    let (record, _lock) = create(&profile, "Home");
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    for folder in [
        profile.root().to_owned(),
        profile.vaults(),
        profile.vault_folder(&record.id),
        profile.server_folder().unwrap(),
    ] {
        assert_eq!(mode(&folder), 0o700, "{folder:?}");
    }
    for file in ["vault.json", "lock"] {
        assert_eq!(mode(&profile.vault_folder(&record.id).join(file)), 0o600);
    }
}
