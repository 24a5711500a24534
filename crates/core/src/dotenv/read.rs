//! From bytes to assignments.

use strongroom_secret::SecretBytes;
use zeroize::Zeroizing;

use super::line::{Place, find_value, is_blank, line_end, next_line, terminators, trim};
use super::{
    DotenvError, Entry, Issue, IssueKind, MAX_ENTRIES, MAX_FILE, MAX_ISSUES, MAX_VALUE, Parsed,
};
use crate::names::{secret_name, suggest_secret_name};

/// The longest text before `=` that an issue repeats, in bytes.
const MAX_SHOWN: usize = 120;

/// Reads a whole file. The caller wipes `bytes`; what is copied here wipes itself.
pub fn parse(bytes: &[u8]) -> Result<Parsed, DotenvError> {
    if bytes.len() > MAX_FILE {
        return Err(DotenvError::FileTooLong);
    }
    match bytes {
        [0xff, 0xfe, units @ ..] => parse_utf8(&from_utf16(units, u16::from_le_bytes)?),
        [0xfe, 0xff, units @ ..] => parse_utf8(&from_utf16(units, u16::from_be_bytes)?),
        text => parse_utf8(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)),
    }
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Zeroizing<Vec<u8>>, DotenvError> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return Err(DotenvError::NotAnEnvFile);
    };
    // A unit becomes at most three bytes, so the buffer never moves and leaves no copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(pairs.len() * 3));
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let character = character.map_err(|_| DotenvError::NotAnEnvFile)?;
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(text)
}

fn parse_utf8(bytes: &[u8]) -> Result<Parsed, DotenvError> {
    if memchr::memchr(0, bytes).is_some() {
        return Err(DotenvError::NotAnEnvFile);
    }
    let mut parsed = Parsed::default();
    let mut line = 1;
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let after = read_line(bytes, at, end, line, &mut parsed);
        line += terminators(&bytes[end..after]) + u32::from(after < bytes.len());
        at = next_line(bytes, after);
        if parsed.entries.len() > MAX_ENTRIES {
            return Err(DotenvError::TooManyEntries);
        }
        if parsed.issues.len() > MAX_ISSUES {
            return Err(DotenvError::NotAnEnvFile);
        }
    }
    let not_text = |issue: &&Issue| issue.kind == IssueKind::NotText;
    if parsed.issues.iter().filter(not_text).count() > parsed.entries.len() {
        return Err(DotenvError::NotAnEnvFile);
    }
    Ok(parsed)
}

/// Reads the line `bytes[at..end]`, and the lines its value goes on to. Returns where the last of
/// them ends.
fn read_line(bytes: &[u8], at: usize, end: usize, line: u32, parsed: &mut Parsed) -> usize {
    let text = &bytes[at..end];
    if matches!(trim(text), [] | [b'#', ..]) {
        return end;
    }
    let mut report = |kind, written: Option<&str>| {
        parsed.issues.push(Issue {
            line,
            other_line: None,
            name: written.filter(|w| looks_like_a_name(w)).map(str::to_owned),
            kind,
            suggestion: None,
        });
    };
    let equals = memchr::memchr(b'=', text).filter(|n| !has_comment(&text[..*n]));
    let Some(equals) = equals else {
        report(
            match str::from_utf8(text) {
                Ok(_) => IssueKind::NoEquals,
                Err(_) => IssueKind::NotText,
            },
            None,
        );
        return end;
    };
    let Ok(written) = str::from_utf8(without_export(trim(&text[..equals]))) else {
        report(IssueKind::NotText, None);
        return end;
    };
    let place = find_value(bytes, at + equals + 1, end);
    let (raw, quote, end) = match place {
        Place::Unquoted(range) => (&bytes[range], 0, end),
        Place::Quoted { quote, inner, end } => (&bytes[inner], quote, end),
        Place::Unterminated => {
            report(IssueKind::UnterminatedQuote, Some(written));
            return end;
        }
    };
    if str::from_utf8(raw).is_err() {
        report(IssueKind::NotText, Some(written));
        return end;
    }
    // Measured before escapes are resolved: a copy of the whole file is never made.
    if raw.len() > 2 * MAX_VALUE {
        report(IssueKind::TooLong, Some(written));
        return end;
    }
    let value = unescape(raw, quote);
    if value.len() > MAX_VALUE {
        report(IssueKind::TooLong, Some(written));
        return end;
    }
    let name = secret_name(written).ok();
    if name.is_none() {
        report(IssueKind::BadName, Some(written));
        if let Some(issue) = parsed.issues.last_mut() {
            issue.suggestion = issue.name.as_deref().and_then(suggest_secret_name);
        }
    }
    parsed.entries.push(Entry { line, name, value });
    end
}

/// Whether a comment begins in `text`.
fn has_comment(text: &[u8]) -> bool {
    text.windows(2).any(|w| is_blank(w[0]) && w[1] == b'#')
}

fn without_export(name: &[u8]) -> &[u8] {
    match name.strip_prefix(b"export") {
        Some(rest) if rest.first().is_some_and(|b| is_blank(*b)) => trim(rest),
        _ => name,
    }
}

/// Whether `written` may be shown. A line of a value that was broken in two can come here, so only
/// what people use in names passes; `+`, `/`, blanks and quotes are the marks of something else.
fn looks_like_a_name(written: &str) -> bool {
    !written.is_empty()
        && written.len() <= MAX_SHOWN
        && written.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The value between `quote`s, or without any if it is 0: escapes of double quotes resolved, line
/// ends made LF. Never longer than `raw`, so the buffer does not move.
fn unescape(raw: &[u8], quote: u8) -> SecretBytes {
    let mut value = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, tail)) = rest.split_first() {
        let escaped = match (quote, first) {
            (b'"', b'\\') => tail.first().copied().and_then(escape),
            _ => None,
        };
        let byte;
        (byte, rest) = match (escaped, first) {
            (Some(escaped), _) => (escaped, &tail[1..]),
            (None, b'\r') => (b'\n', tail.strip_prefix(b"\n").unwrap_or(tail)),
            (None, plain) => (*plain, tail),
        };
        value.push(byte);
    }
    SecretBytes::from_vec(value)
}

fn escape(byte: u8) -> Option<u8> {
    match byte {
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'\\' | b'"' | b'$' => Some(byte),
        _ => None,
    }
}
