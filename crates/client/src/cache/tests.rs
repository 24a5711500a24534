//! What was put in comes out, or nothing does.

use std::fs;

use proptest::prelude::*;
use strongroom_crypto::safe::{DraftsKey, EncryptionKey, OsEntropy};
use strongroom_format::id::Principal;

use super::*;

const USER: UserId = UserId([2; 16]);

fn iek() -> EncryptionKey {
    EncryptionKey::make(&mut OsEntropy).unwrap()
}

fn vault(text: &str) -> VaultId {
    format!("vlt_{}", text.repeat(26)).parse().unwrap()
}

fn cache_of(folder: &Path, iek: &EncryptionKey, vault: VaultId) -> Cache {
    let key = CacheKey::derive(iek, &Principal::User(USER));
    Cache::open(folder.to_owned(), "cache", vault, USER, key).unwrap()
}

fn cache() -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache_of(folder.path(), &iek(), vault("a"));
    (folder, cache)
}

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

#[test]
fn content_of_every_length_reads_back() {
    let (_folder, cache) = cache();
    for n in [0, 1, 60, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7] {
        cache.put("x", &bytes(n), &mut OsEntropy).unwrap();
        assert!(cache.get("x").unwrap().lend(|b| b == bytes(n)), "{n}");
    }
    assert_eq!(cache.names().unwrap(), ["x"]);
    cache.clear().unwrap();
    assert!(matches!(cache.get("x"), Err(CacheError::Missing)));
}

#[test]
fn no_plaintext_is_on_the_disk() {
    let (_folder, cache) = cache();
    cache.put("x", &b"DATABASE_URL".repeat(9_000), &mut OsEntropy).unwrap();
    let file = fs::read(cache.path("x").unwrap()).unwrap();
    assert!(!file.windows(8).any(|w| w == b"DATABASE"));
}

#[test]
fn a_file_opens_only_where_it_belongs() {
    let folder = tempfile::tempdir().unwrap();
    let iek = iek();
    let cache = cache_of(folder.path(), &iek, vault("a"));
    cache.put("one", b"content", &mut OsEntropy).unwrap();
    let file = cache.path("one").unwrap();
    fs::copy(&file, cache.path("two").unwrap()).unwrap();
    assert!(matches!(cache.get("two"), Err(CacheError::Broken)));

    let other_vault = cache_of(folder.path(), &iek, vault("q"));
    assert!(matches!(other_vault.get("one"), Err(CacheError::Broken)));
    let other_keys = cache_of(folder.path(), &self::iek(), vault("a"));
    assert!(matches!(other_keys.get("one"), Err(CacheError::Broken)));
    let drafts = Cache::open(
        folder.path().to_owned(),
        "drafts",
        vault("a"),
        USER,
        DraftsKey::derive(&iek, &Principal::User(USER)),
    )
    .unwrap();
    assert!(matches!(drafts.get("one"), Err(CacheError::Broken)));
    assert!(cache.get("one").is_ok());
}

/// The file's chunks, with their lengths.
fn chunks(file: &[u8]) -> Vec<Vec<u8>> {
    let mut r = Reader::new(&file[20..]);
    let mut chunks = Vec::new();
    while !r.rest().is_empty() {
        let mut w = Writer::new();
        w.lp(r.lp(MAX_ENVELOPE).unwrap());
        chunks.push(w.finish());
    }
    chunks
}

#[test]
fn chunks_cannot_be_left_out_reordered_or_taken_from_an_older_file() {
    let (_folder, cache) = cache();
    let path = cache.path("x").unwrap();
    cache.put("x", &bytes(3 * CHUNK), &mut OsEntropy).unwrap();
    let old = fs::read(&path).unwrap();
    cache.put("x", &bytes(3 * CHUNK), &mut OsEntropy).unwrap();
    let new = fs::read(&path).unwrap();
    let (o, n) = (chunks(&old), chunks(&new));
    assert_eq!(n.len(), 3);
    let forged = [
        vec![&n[0], &n[1]],
        vec![&n[1], &n[2]],
        vec![&n[0], &n[2]],
        vec![&n[1], &n[0], &n[2]],
        vec![&n[0], &n[1], &n[2], &n[2]],
        vec![&n[0], &o[1], &n[2]],
        vec![&o[0], &o[1], &o[2]],
        vec![],
    ];
    for order in forged {
        let mut file = new[..20].to_vec();
        file.extend(order.into_iter().flatten());
        fs::write(&path, &file).unwrap();
        assert!(matches!(cache.get("x"), Err(CacheError::Broken)));
    }
    fs::write(&path, &new).unwrap();
    assert!(cache.get("x").is_ok());
}

#[test]
fn a_name_cannot_leave_the_folder() {
    let (_folder, cache) = cache();
    for name in ["", "..", "a/b", "a.b", "A", "é", &"x".repeat(101)] {
        assert!(matches!(cache.get(name), Err(CacheError::BadName)), "{name}");
    }
    let longest_id = format!("items-{}", strongroom_format::id::OrgId([255; 32]));
    assert!(cache.put(&longest_id, b"", &mut OsEntropy).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_changed_byte_is_broken(place in 0usize..400, bit in 0u8..8) {
        let (_folder, cache) = cache();
        cache.put("x", &bytes(200), &mut OsEntropy).unwrap();
        let path = cache.path("x").unwrap();
        let mut file = fs::read(&path).unwrap();
        let place = place % file.len();
        file[place] ^= 1 << bit;
        fs::write(&path, &file).unwrap();
        prop_assert!(matches!(cache.get("x"), Err(CacheError::Broken)));
    }
}
