//! Finding the ends of lines, quotes and unquoted values. Only positions; nothing is copied.

use std::ops::Range;

use memchr::{memchr, memchr2};

/// The end of the line that `from` lies on: the position of its terminator, or of the end.
pub(super) fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr2(b'\n', b'\r', &bytes[from..]).map_or(bytes.len(), |n| from + n)
}

/// The first byte of the line after the terminator at `end`.
pub(super) fn next_line(bytes: &[u8], end: usize) -> usize {
    match bytes[end..] {
        [b'\r', b'\n', ..] => end + 2,
        [_, ..] => end + 1,
        [] => end,
    }
}

/// How many line terminators `bytes` has; CRLF is one.
pub(super) fn terminators(bytes: &[u8]) -> u32 {
    let mut count = 0;
    let mut at = 0;
    while let Some(n) = memchr2(b'\n', b'\r', &bytes[at..]) {
        at = next_line(bytes, at + n);
        count += 1;
    }
    count
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)
}

/// `bytes` without blanks at both ends.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().take_while(|b| is_blank(**b)).count();
    let rest = &bytes[start..];
    let end = rest.iter().rev().take_while(|b| is_blank(**b)).count();
    &rest[..rest.len() - end]
}

/// Where a value lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// On this line, comment and blanks cut off.
    Unquoted(Range<usize>),
    /// Between quotes; `end` is where the line of the closing quote ends.
    Quoted { quote: u8, inner: Range<usize>, end: usize },
    /// Begins and does not end where it should.
    Unterminated,
}

/// Finds the value that begins at `from`, just after `=`, on a line that ends at `end`.
///
/// A search for a closing quote may run to the end of the file and be in vain, and the search goes
/// on in the next line. That is still linear: inside the range it ran over, no line can begin a
/// value with the same quote, or the search would have ended there (such a quote follows `=` or a
/// blank, so it is not escaped). The same holds for a PEM block.
pub(super) fn find_value(bytes: &[u8], from: usize, end: usize) -> Place {
    let start = from + bytes[from..end].iter().take_while(|b| is_blank(**b)).count();
    match bytes[start..end] {
        [quote @ (b'"' | b'\'' | b'`'), ..] => find_quoted(bytes, start + 1, quote),
        [b'#', ..] if start > from => Place::Unquoted(start..start),
        _ if opens_pem(&bytes[start..end]) => find_pem(bytes, start, end),
        _ => Place::Unquoted(start..start + unquoted(&bytes[start..end])),
    }
}

/// Length of an unquoted value: up to a comment (`#` after a blank), trailing blanks dropped.
fn unquoted(rest: &[u8]) -> usize {
    let comment = (1..rest.len()).find(|n| rest[*n] == b'#' && is_blank(rest[*n - 1]));
    let value = &rest[..comment.unwrap_or(rest.len())];
    value.len() - value.iter().rev().take_while(|b| is_blank(**b)).count()
}

fn find_quoted(bytes: &[u8], start: usize, quote: u8) -> Place {
    let Some(close) = closing_quote(bytes, start, quote) else {
        return Place::Unterminated;
    };
    let rest = &bytes[close + 1..];
    let blanks = rest.iter().take_while(|b| is_blank(**b)).count();
    match rest.get(blanks) {
        None | Some(b'\n' | b'\r' | b'#') => {
            Place::Quoted { quote, inner: start..close, end: line_end(bytes, close + 1) }
        }
        Some(_) => Place::Unterminated,
    }
}

fn closing_quote(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    if quote != b'"' {
        return memchr(quote, &bytes[start..]).map(|n| start + n);
    }
    let mut at = start;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2; // the backslash and whatever it escapes
    }
}

const PEM_BEGIN: &[u8] = b"-----BEGIN ";
const PEM_END: &[u8] = b"-----END ";

/// Whether `rest` is the first line of a PEM block and not the whole block on one line.
fn opens_pem(rest: &[u8]) -> bool {
    rest.starts_with(PEM_BEGIN) && memchr::memmem::find(rest, PEM_END).is_none()
}

/// A PEM block that somebody pasted without quotes. Reading on keeps the key whole, and keeps its
/// lines from being taken for names.
fn find_pem(bytes: &[u8], start: usize, end: usize) -> Place {
    let mut at = next_line(bytes, end);
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let line = trim(&bytes[at..end]);
        if line.starts_with(PEM_END) {
            let trailing = bytes[at..end].iter().rev().take_while(|b| is_blank(**b));
            return Place::Quoted { quote: 0, inner: start..end - trailing.count(), end };
        }
        // Base64 has `=` at its end alone; anything else is the next assignment.
        let text = line.iter().rev().skip_while(|b| **b == b'=');
        if line.starts_with(PEM_BEGIN) || text.into_iter().any(|b| *b == b'=') {
            break;
        }
        at = next_line(bytes, end);
    }
    Place::Unterminated
}
