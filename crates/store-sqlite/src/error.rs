//! SQLite's result codes in the words of the store.

use strongroom_store::StoreError;

/// Primary result codes (<https://www.sqlite.org/rescode.html>).
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const FULL: u32 = 13;
const CONSTRAINT: u32 = 19;

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    if let sqlx::Error::PoolTimedOut = error {
        return StoreError::Busy;
    }
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<u32>().ok());
    // The low byte is the primary code, the rest says which kind of it.
    match code.map(|code| code & 0xff) {
        Some(FULL) => StoreError::Full,
        Some(BUSY | LOCKED) => StoreError::Busy,
        Some(CONSTRAINT) => StoreError::Taken,
        _ => StoreError::Failed(error.to_string()),
    }
}

/// A stored value that this program did not write so.
pub(crate) fn damaged(what: &str) -> StoreError {
    StoreError::Failed(format!("a stored {what} is damaged"))
}
