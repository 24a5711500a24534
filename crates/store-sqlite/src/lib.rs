//! The server's storage in one SQLite file.
//!
//! Invariants: write-ahead log with `synchronous = FULL`, so a commit that returned survives a
//! power cut; foreign keys on; memory mapping off; a SQLite older than 3.51.3 is refused, because
//! of the write-ahead-log reset defect of 3.7.0 to 3.51.2; the file belongs to its owner alone.
//! One connection writes, a few others read snapshots.

#![forbid(unsafe_code)]

mod error;
mod read;
mod write;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Row as _, Transaction};
use strongroom_store::{ReadTx, Store, StoreError, WriteTx};

use crate::error::failed;

/// The oldest SQLite that is safe here, as `SQLITE_VERSION` numbers.
const OLDEST: [u32; 3] = [3, 51, 3];
const READERS: u32 = 4;
const BUSY: Duration = Duration::from_secs(5);

/// One SQLite database.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    file: PathBuf,
}

/// A transaction of either kind; a reader's connection refuses to write.
struct SqliteTx {
    on: On,
    marked: bool,
}

/// The writer's transaction is begun and ended by plain statements: when the disk is full SQLite
/// itself takes the transaction back, and a library that counts transactions would lose count.
/// One that was dropped is taken back before the next begins.
enum On {
    Snapshot(Transaction<'static, Sqlite>),
    Writer(PoolConnection<Sqlite>),
}

impl SqliteTx {
    fn connection(&mut self) -> &mut SqliteConnection {
        match &mut self.on {
            On::Snapshot(tx) => tx,
            On::Writer(connection) => connection,
        }
    }
}

impl SqliteStore {
    /// Opens the database at `file`, or makes it, and brings its tables up to date.
    ///
    /// `max_bytes` bounds its size; a write beyond it is [`StoreError::Full`].
    pub async fn open(file: &Path, max_bytes: Option<u64>) -> Result<Self, StoreError> {
        make_private(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            // A large import would otherwise spill its pages to the log and read them back.
            .pragma("cache_size", "-16384")
            .pragma("mmap_size", "0")
            // What is retired or forgotten is overwritten, not only unlinked.
            .pragma("secure_delete", "ON")
            .pragma("temp_store", "MEMORY")
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        check(&writer).await?;
        sqlx::migrate!("./migrations")
            .run(&writer)
            .await
            .map_err(|e| StoreError::Failed(e.to_string()))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.read_only(true))
            .await
            .map_err(failed)?;
        let store = Self { writer, readers, file: file.to_owned() };
        store.limit_size(max_bytes).await?;
        Ok(store)
    }

    /// Bounds the size of the database file from now on, or lifts the bound.
    pub async fn limit_size(&self, max_bytes: Option<u64>) -> Result<(), StoreError> {
        let mut writer = self.idle_writer().await?;
        let page: i64 =
            sqlx::query_scalar("PRAGMA page_size").fetch_one(&mut *writer).await.map_err(failed)?;
        let pages = max_bytes.map_or(u64::from(u32::MAX - 1), |bytes| {
            // Zero would mean "as before", not "nothing more".
            (bytes / u64::try_from(page).unwrap_or(4096).max(512)).max(1)
        });
        // A pragma takes no bound parameter; the text is a number.
        let pragma = format!("PRAGMA max_page_count = {pages}");
        sqlx::query(sqlx::AssertSqlSafe(pragma)).execute(&mut *writer).await.map_err(failed)?;
        Ok(())
    }

    /// The writing connection, once nobody else has it, without a transaction.
    async fn idle_writer(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        let mut connection = self.writer.acquire().await.map_err(failed)?;
        // Fails where no transaction was left open, which is nearly always.
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        Ok(connection)
    }

    /// Where the database is.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn read(&self) -> Result<Box<dyn ReadTx>, StoreError> {
        let tx = self.readers.begin().await.map_err(failed)?;
        Ok(Box::new(SqliteTx { on: On::Snapshot(tx), marked: false }))
    }

    async fn write(&self) -> Result<Box<dyn WriteTx>, StoreError> {
        let mut connection = self.idle_writer().await?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.map_err(failed)?;
        Ok(Box::new(SqliteTx { on: On::Writer(connection), marked: false }))
    }

    async fn close(&self) {
        self.readers.close().await;
        let folded = match self.idle_writer().await {
            Ok(mut writer) => {
                let fold = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
                fold.execute(&mut *writer).await.map(|_| ()).map_err(failed)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = folded {
            tracing::warn!(%error, "the write-ahead log stays beside the database");
        }
        self.writer.close().await;
    }
}

/// Makes the file with mode 0600, or refuses one that others may read.
fn make_private(file: &Path) -> Result<(), StoreError> {
    let failed = |e: std::io::Error| StoreError::Failed(e.to_string());
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let open = options.mode(0o600).open(file).map_err(failed)?;
        let mode = open.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            let others = "the database is open to other users of this machine";
            return Err(StoreError::Failed(others.to_owned()));
        }
    }
    #[cfg(not(unix))]
    options.open(file).map_err(failed)?;
    Ok(())
}

/// Refuses to work on anything but the settings this crate promises.
async fn check(writer: &SqlitePool) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT sqlite_version() AS version, (SELECT journal_mode FROM pragma_journal_mode) AS mode, \
         (SELECT synchronous FROM pragma_synchronous) AS sync, \
         (SELECT foreign_keys FROM pragma_foreign_keys) AS keys",
    )
    .fetch_one(writer)
    .await
    .map_err(failed)?;
    let version: String = row.get("version");
    let (mode, sync, keys): (String, i64, i64) =
        (row.get("mode"), row.get("sync"), row.get("keys"));
    if !is_new_enough(&version) {
        return Err(StoreError::Failed(format!("SQLite {version} is too old")));
    }
    if mode != "wal" || sync != 2 || keys != 1 {
        let settings = format!("unsafe settings: {mode}, synchronous {sync}, foreign keys {keys}");
        return Err(StoreError::Failed(settings));
    }
    Ok(())
}

fn is_new_enough(version: &str) -> bool {
    let numbers: Vec<u32> = version.split('.').filter_map(|n| n.parse().ok()).collect();
    numbers.len() == 3 && numbers.as_slice() >= OLDEST.as_slice()
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn a_sqlite_with_the_log_reset_defect_is_refused() {
        for (version, safe) in [
            ("3.51.2", false),
            ("3.51.3", true),
            ("3.9.9", false),
            ("4.0.0", true),
            ("3.51", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), safe, "{version}");
        }
    }
}
