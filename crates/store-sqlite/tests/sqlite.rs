//! The conformance suite on SQLite, and what SQLite alone promises.
#![expect(clippy::unwrap_used, reason = "a broken fixture should fail loudly")]

use std::path::Path;
use std::sync::Arc;

use strongroom_format::id::OrgId;
use strongroom_store::{EventRow, Store, StoreError, WriteTx, conformance};
use strongroom_store_sqlite::SqliteStore;
use tempfile::TempDir;

const ORG: OrgId = OrgId([1; 32]);

async fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(&dir.join("test.db"), None).await.unwrap()
}

async fn append(store: &SqliteStore, index: u64, length: usize) -> Result<(), StoreError> {
    let mut tx: Box<dyn WriteTx> = store.write().await?;
    tx.insert_events(&ORG, &[EventRow { index, bytes: vec![7; length] }]).await?;
    tx.commit().await
}

async fn with_org(store: &SqliteStore) {
    let mut tx = store.write().await.unwrap();
    tx.insert_org(&ORG).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn sqlite_keeps_every_promise_of_the_traits() {
    let dir = TempDir::new().unwrap();
    let count = std::sync::atomic::AtomicU32::new(0);
    conformance::run(async || {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let file = dir.path().join(format!("{n}.db"));
        Arc::new(SqliteStore::open(&file, None).await.unwrap()) as Arc<dyn Store>
    })
    .await;
    let ran = usize::try_from(count.into_inner()).unwrap();
    assert_eq!(ran, conformance::CASES.len());
}

#[tokio::test]
async fn a_full_store_refuses_writes_reads_on_and_recovers() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    with_org(&store).await;
    append(&store, 0, 10).await.unwrap();
    store.limit_size(Some(1)).await.unwrap();
    assert_eq!(append(&store, 1, 4_000_000).await, Err(StoreError::Full));
    let kept = store.read().await.unwrap().log_size(&ORG).await.unwrap();
    assert_eq!(kept, 1, "reading goes on and nothing of the failed write is there");
    store.limit_size(None).await.unwrap();
    append(&store, 1, 4_000_000).await.unwrap();
    assert_eq!(store.read().await.unwrap().log_size(&ORG).await.unwrap(), 2);
}

#[tokio::test]
async fn what_was_committed_is_there_after_the_store_was_opened_again() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    with_org(&store).await;
    append(&store, 0, 10).await.unwrap();
    // As after a crash: nothing is closed, the log still stands beside the file.
    drop(store);
    let again = open(dir.path()).await;
    assert_eq!(again.read().await.unwrap().log_size(&ORG).await.unwrap(), 1);
    again.close().await;
    let wal = dir.path().join("test.db-wal");
    let left = std::fs::metadata(&wal).map_or(0, |file| file.len());
    assert_eq!(left, 0, "a store that was closed is one file");
}

#[tokio::test]
async fn what_was_signed_can_be_neither_changed_nor_removed() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    with_org(&store).await;
    let mut tx = store.write().await.unwrap();
    tx.insert_links(&ORG, &[strongroom_store::LinkRow { seq: 0, bytes: vec![1] }]).await.unwrap();
    tx.insert_events(&ORG, &[EventRow { index: 0, bytes: vec![1] }]).await.unwrap();
    let node = strongroom_store::NodeRow { level: 0, index: 0, hash: [1; 32] };
    tx.insert_nodes(&ORG, &[node]).await.unwrap();
    tx.insert_checkpoint(&ORG, 1, "note").await.unwrap();
    let more: Vec<_> = (1..4).map(|index| EventRow { index, bytes: vec![1] }).collect();
    tx.insert_events(&ORG, &more).await.unwrap();
    tx.retire_events(&ORG, 2).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;

    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("test.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for statement in [
        "DELETE FROM link",
        "UPDATE link SET bytes = x'00'",
        "DELETE FROM event",
        "UPDATE event SET bytes = x'00'",
        "DELETE FROM tree_node",
        "UPDATE tree_node SET hash = zeroblob(32)",
        "DELETE FROM checkpoint",
        "UPDATE checkpoint SET note = ''",
        "DELETE FROM event WHERE idx = 2",
        "UPDATE retired SET size = 1",
        "UPDATE retired SET org_id = zeroblob(32)",
        "DELETE FROM retired",
    ] {
        let refused = sqlx::query(statement).execute(&pool).await;
        let message = refused.expect_err(statement).to_string();
        assert!(message.contains("append only"), "{statement}: {message}");
    }
}

#[tokio::test]
async fn of_a_retired_entry_nothing_is_left_in_the_file() {
    const MARK: &[u8] = b"an address of somebody";
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    with_org(&store).await;
    let file = async || {
        let again = std::fs::read(dir.path().join("test.db")).unwrap();
        again.windows(MARK.len()).filter(|bytes| *bytes == MARK).count()
    };
    let rows: Vec<_> = (0..500)
        .map(|index| EventRow { index, bytes: [&[7; 250], MARK].concat() })
        .chain([EventRow { index: 500, bytes: vec![8; 300] }])
        .collect();
    let mut tx = store.write().await.unwrap();
    tx.insert_events(&ORG, &rows).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    assert_eq!(file().await, 500);
    let store = open(dir.path()).await;
    let mut tx = store.write().await.unwrap();
    tx.retire_events(&ORG, 500).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    assert_eq!(file().await, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_belong_to_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    with_org(&store).await;
    for name in ["test.db", "test.db-wal", "test.db-shm"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    store.close().await;
    let file = dir.path().join("test.db");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = SqliteStore::open(&file, None).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("test.db");
    open(dir.path()).await.close().await;
    std::fs::write(&file, vec![b'x'; 8_192]).unwrap();
    let refused = SqliteStore::open(&file, None).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    assert_eq!(std::fs::read(&file).unwrap(), vec![b'x'; 8_192]);
}
