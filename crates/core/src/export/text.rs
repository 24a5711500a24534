//! Text that somebody else chose, written so that it neither hides nor runs.
//!
//! Characters that cannot be seen or that reorder others are written as `\uXXXX`, as JSON does,
//! with two of them for what lies beyond U+FFFF. In JSON they stand for the character itself. In
//! the other formats a text that contains `\u` is written so throughout, with `\\` for a backslash;
//! every other text stands there as it is. So each can be read back.

use std::fmt::Write as _;

/// Characters of category Cf, line and paragraph separators, and private ends of a string: ranges.
const HIDDEN: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a character cannot be seen, or changes how others are shown.
pub fn is_hidden(c: char) -> bool {
    c.is_control() || HIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// A text that shows everything it holds.
pub fn shown(text: &str) -> String {
    if !text.contains(is_hidden) && !text.contains("\\u") {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            c if is_hidden(c) => push_escape(&mut shown, c),
            c => shown.push(c),
        }
    }
    shown
}

/// The text that [`shown`] wrote; `None` for what it never writes.
pub fn read_shown(text: &str) -> Option<String> {
    if !text.contains("\\u") {
        return Some(text.to_owned());
    }
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        if c != '\\' {
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
            continue;
        }
        match letters.next()? {
            '\\' => units.push(u16::from(b'\\')),
            'u' => {
                let digits: String = letters.by_ref().take(4).collect();
                units.push(u16::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4)?);
            }
            _ => return None,
        }
    }
    String::from_utf16(&units).ok()
}

/// A text as a JSON string, with its quotation marks.
pub(super) fn json(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if is_hidden(c) => push_escape(&mut json, c),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

fn push_escape(text: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing into a string cannot fail.
        let _ = write!(text, "\\u{unit:04x}");
    }
}

/// A cell that no spreadsheet takes for a formula: one that would begin like one, or with the
/// apostrophe that says so, begins with an apostrophe.
pub(super) fn guarded(text: String) -> String {
    const FORMULA: [char; 9] =
        ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\''];
    if text.starts_with(FORMULA) { format!("'{text}") } else { text }
}

/// The cell that [`guarded`] wrote.
pub fn read_guarded(cell: &str) -> &str {
    cell.strip_prefix('\'').unwrap_or(cell)
}
