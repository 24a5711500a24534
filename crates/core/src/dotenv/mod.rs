//! Reads and writes `.env` files.
//!
//! There is no standard. What is read here is the common part of the two readers that most files
//! are written for, the Node package `dotenv` and `python-dotenv`; where they disagree:
//!
//! | text | here | Node `dotenv` | `python-dotenv` |
//! |---|---|---|---|
//! | `A=b#c` | `b#c` | `b` | `b#c` |
//! | `A= #c`, `A=#c` | empty, `#c` | empty | `#c` |
//! | `A="\t \\ \" \$"` | tab, `\`, `"`, `$` | kept as written | all but `\$` |
//! | `A="\q"` | kept as written | same | same |
//! | `A='it\'s'` | reported (single quotes have no escapes) | `it\'s` | `it's` |
//! | `` A=`b` `` | `b` | `b` | with its backticks |
//! | `A: b` | reported | `b` | skipped |
//! | `A-B=c`, `1A=c` | reported, can be renamed | accepted | accepted |
//! | `A` | reported | skipped | no value |
//! | `A="b"c`, `A="b` | reported | `"b"c`, `"b` with quotes | skipped |
//! | byte order mark | skipped | skipped | part of the name |
//! | `A=-----BEGIN …` over several lines, no quotes | one value | first line | first line |
//! | `${X}` | kept as written | kept | expanded if asked |
//!
//! `docker run --env-file` differs more: quotes and blanks around `=` are part of what it reads.
//!
//! A file is UTF-8, with or without a byte order mark, or UTF-16 *with* one (some editors and
//! shells write that without asking); a NUL makes it no `.env` file at all. Lines end with LF,
//! CRLF or CR, and inside a quoted value each of them reads as LF.
//!
//! Time is linear in the file. No issue holds what stands after a `=`; what stands before it is
//! shown only if it looks like a name, because a line of a value broken in two can have a `=` too.

mod line;
mod read;
mod write;

#[cfg(test)]
mod tests;

use strongroom_secret::SecretBytes;
use thiserror::Error;

pub use read::parse;
pub use write::{WriteError, to_dotenv};

/// The longest file that is read, in bytes.
pub const MAX_FILE: usize = 16 * 1024 * 1024;
/// The most assignments in one file: as many as an environment can hold.
pub const MAX_ENTRIES: usize = strongroom_format::commit::MAX_ITEMS;
/// The longest value, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;
/// A file with more complaints than this is something else.
const MAX_ISSUES: usize = MAX_ENTRIES;

/// What a file says: every assignment in its order, duplicates too, and what could not be read.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Rising by line; no two begin on the same line.
    pub entries: Vec<Entry>,
    /// Rising by line.
    pub issues: Vec<Issue>,
}

/// One assignment.
#[derive(Debug)]
pub struct Entry {
    /// Where it begins, from 1.
    pub line: u32,
    /// Its name; `None` if what stands there is no name (an issue of the same line says so).
    pub name: Option<String>,
    /// Its value, without quotes and escapes.
    pub value: SecretBytes,
}

/// One thing about the file that a person should know. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Where, from 1.
    pub line: u32,
    /// The line it is about as well: of a duplicate, the occurrence that counts.
    pub other_line: Option<u32>,
    /// The name, or what looks like one.
    pub name: Option<String>,
    /// What is wrong.
    pub kind: IssueKind,
    /// For a bad name, a good one like it.
    pub suggestion: Option<String>,
}

impl Issue {
    /// Whether another name would mend it.
    pub fn can_rename(&self) -> bool {
        self.kind == IssueKind::BadName
    }

    /// Whether a person may say which occurrence counts.
    pub fn can_choose(&self) -> bool {
        self.kind == IssueKind::Duplicate
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssueKind {
    /// The text before `=` is not a name.
    BadName,
    /// The name stands on another line too, and that line counts.
    Duplicate,
    /// A quote begins here and does not end, or something other than a comment follows its end.
    UnterminatedQuote,
    /// Neither blank nor comment nor assignment.
    NoEquals,
    /// The value is longer than [`MAX_VALUE`].
    TooLong,
    /// The bytes are not UTF-8.
    NotText,
}

/// Why a file was refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DotenvError {
    /// Binary, or more complaints than assignments could explain.
    #[error("not a .env file")]
    NotAnEnvFile,
    /// Longer than [`MAX_FILE`].
    #[error("the file is longer than {MAX_FILE} bytes")]
    FileTooLong,
    /// More than [`MAX_ENTRIES`] assignments.
    #[error("the file has more than {MAX_ENTRIES} entries")]
    TooManyEntries,
}
