//! The path of a request, decoded once, and patterns over its segments.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::text_form;

/// Path and query together.
const MAX_RAW: usize = 8 * 1024;
/// Segments of a path.
const MAX_SEGMENTS: usize = 64;
/// A pattern as text.
const MAX_PATTERN: usize = 512;

/// A path whose every reader agrees on its segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    raw: Box<str>,
    /// Where the query begins (its `?`), or the length.
    path_end: usize,
    segments: Vec<String>,
}

/// A path that two servers could read differently, or that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathError {
    /// More than 8 KiB, or more than 64 segments.
    #[error("the path is longer than 8 KiB or 64 segments")]
    Length,
    /// No leading `/`.
    #[error("a path begins with a slash")]
    NotAbsolute,
    /// `.` or `..`, also encoded.
    #[error("the path has a segment that is . or .. (also when encoded)")]
    DotSegment,
    /// `%2f`, `%5c` or a backslash.
    #[error("the path has an encoded slash or a backslash")]
    Separator,
    /// `//` before the end.
    #[error("the path has an empty segment")]
    EmptySegment,
    /// A control character, white space or something that is not UTF-8, raw or encoded.
    #[error("the path has a control character, a blank, or bytes that are no text")]
    Character,
    /// A `%` without two hexadecimal digits.
    #[error("the path has a % without two hexadecimal digits")]
    Percent,
    /// A `%` that is still there after decoding would be decoded again by some server.
    #[error("the path is encoded twice")]
    EncodedTwice,
    /// A `#` belongs to the browser, a `;` means different things to different servers.
    #[error("the path has a # or a ;")]
    Ambiguous,
}

impl Path {
    /// Parses `raw`, the request target as it arrived: a path and, after `?`, a query.
    pub fn parse(raw: &str) -> Result<Self, PathError> {
        let _ = (raw, MAX_RAW, MAX_SEGMENTS);
        Err(PathError::Length)
    }

    /// The decoded segments; a trailing slash is a last, empty one, and `/` has none.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Path and query as they arrived: what is sent on.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The path alone, still encoded.
    pub fn raw_path(&self) -> &str {
        self.raw.get(..self.path_end).unwrap_or("/")
    }

    /// What follows the `?`, still encoded; it takes no part in a decision.
    pub fn query(&self) -> Option<&str> {
        self.raw.get(self.path_end + 1..)
    }
}

/// Segments that a path must have: a literal, `*` for any one, and a trailing `**` for the rest,
/// also for none. `*` never stands for an empty segment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern {
    parts: Vec<Part>,
    rest: bool,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Literal(String),
    Any,
}

impl PathPattern {
    /// Whether `path` has these segments.
    pub fn matches(&self, path: &Path) -> bool {
        self.captures(path).is_some()
    }

    /// What each `*` stands for in `path`, and last what `**` does (joined by `/`); none if the
    /// path does not match.
    pub fn captures(&self, path: &Path) -> Option<Vec<String>> {
        let _ = (path, self.rest);
        None
    }
}

impl FromStr for PathPattern {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let _ = (text, MAX_PATTERN);
        Err(PathError::Length)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => write!(f, "/{text}")?,
                Part::Any => f.write_str("/*")?,
            }
        }
        if self.rest {
            f.write_str("/**")?;
        }
        Ok(())
    }
}

impl fmt::Debug for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

text_form!(PathPattern);
