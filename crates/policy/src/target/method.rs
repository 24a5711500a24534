//! The method of a request.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::text_form;

/// Longer than any registered method (the longest, `BASELINE-CONTROL`, has 16).
const MAX: usize = 20;

/// An upper-case method such as `GET`; `CONNECT` and `TRACE` are none, for the broker sends neither.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(Box<str>);

/// A text that is no method the broker would send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a method is 1 to 20 upper-case letters or hyphens, and neither CONNECT nor TRACE")]
pub struct MethodError;

impl Method {
    /// The method as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let known = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
        let sound = (1..=MAX).contains(&text.len())
            && text.bytes().all(known)
            && !matches!(text, "CONNECT" | "TRACE");
        if sound { Ok(Self(text.into())) } else { Err(MethodError) }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(Method);
