//! Undoes percent, backslash and HTML escapes, whatever their mixture and depth, and remembers
//! where each byte came from.
//!
//! One stack: every byte is put on it, and as soon as its top spells an escape, that becomes the one
//! character it stands for, which may in turn complete an escape begun before (`%2541` is `%41` is
//! `A`). So encoders need not be known by their order, and a chunk may end anywhere.
//!
//! Invariant: the result is a function of the bytes alone. A space is `+` in it, so that both
//! spellings of a space are one, and a backslash that begins no escape is left out, so that a
//! character is the same behind any number of them. A credential that has escapes, spaces or
//! backslashes of its own is brought into the same form by the same code ([`normal`]).

use zeroize::{Zeroize as _, Zeroizing};

use crate::entities;

/// The most bytes of the stream that one character may take; longer nesting is left as it stands.
pub(crate) const MAX_SPAN: usize = 256;
/// The most escapes begun within one another.
const MAX_OPEN: usize = 16;

/// Whether an escape may begin with this byte.
pub(crate) fn begins_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&')
}

/// The bytes with all escapes undone and spaces as `+`.
pub(crate) fn normal(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut lane = Unescape::default();
    let mut at = 0;
    while at < bytes.len() {
        at += lane.take(bytes, at, usize::MAX).0;
    }
    Zeroizing::new(std::mem::take(&mut lane.bytes))
}

/// What was decoded so far, and which escapes are begun.
#[derive(Default)]
pub(crate) struct Unescape {
    bytes: Vec<u8>,
    /// For each decoded byte, the range of the stream that spells it.
    places: Vec<(usize, usize)>,
    /// The beginnings that may still become escapes.
    open: Vec<Open>,
    /// Where the next byte of the stream is.
    next: usize,
}

/// The first byte of what may become an escape.
#[derive(Clone, Copy)]
struct Open {
    at: usize,
    /// How many escapes had to be undone to see it. Only backslashes of one level make pairs: in
    /// `%5C\u0041` the first was written before the second.
    level: u8,
}

impl Unescape {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
        self.open.clear();
    }

    /// Takes what stands at `at` in `bytes`: an escape of a common kind, plain bytes up to the next
    /// escape but no more than `reach`, or one byte. Says how many bytes were taken, and whether they
    /// have to do with escapes.
    pub(crate) fn take(&mut self, bytes: &[u8], at: usize, reach: usize) -> (usize, bool) {
        let rest = &bytes[at..];
        if !self.open.is_empty() {
            let marked = rest.first().is_some_and(|byte| begins_escape(*byte));
            return (1, rest.first().is_some_and(|byte| self.put(*byte, at)) || marked);
        }
        if let Some((byte, length)) = common(rest) {
            self.next = at + length;
            self.push(byte, (at, at + length), 0);
            return (length, true);
        }
        let plain = rest.iter().take(reach).take_while(|byte| !begins_escape(**byte)).count();
        if plain == 0 {
            return (1, rest.first().is_some_and(|byte| self.put(*byte, at)) || !rest.is_empty());
        }
        self.next = at + plain;
        let folded = |byte: &u8| if *byte == b' ' { b'+' } else { *byte };
        self.bytes.extend(rest[..plain].iter().map(folded));
        self.places.extend((at..at + plain).map(|at| (at, at + 1)));
        (plain, false)
    }

    /// Takes the byte at `at` of the stream. Says whether an escape was undone by it.
    pub(crate) fn put(&mut self, byte: u8, at: usize) -> bool {
        self.next = at + 1;
        self.push(byte, (at, at + 1), 0);
        !self.open.is_empty() && self.reduce()
    }

    /// All that was decoded.
    pub(crate) fn decoded(&self) -> &[u8] {
        &self.bytes
    }

    /// What was decoded before the first escape that is begun and not ended.
    pub(crate) fn settled(&self) -> &[u8] {
        &self.bytes[..self.open.first().map_or(self.bytes.len(), |open| open.at)]
    }

    /// Whether an escape is begun and not ended.
    pub(crate) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Where in the stream the spelling of decoded byte `index` begins; past the last: where the
    /// stream goes on.
    pub(crate) fn source(&self, index: usize) -> usize {
        self.places.get(index).map_or(self.next, |place| place.0)
    }

    /// The range of the stream that spells the decoded bytes `start..end`, whole escapes only.
    pub(crate) fn source_range(&self, start: usize, end: usize) -> (usize, usize) {
        let last = end.checked_sub(1).and_then(|last| self.places.get(last));
        (self.source(start), last.map_or(self.next, |place| place.1))
    }

    /// `at`, or the beginning of the escape that it would cut.
    pub(crate) fn uncut(&self, at: usize) -> usize {
        let after = self.places.partition_point(|(from, _)| *from <= at);
        match after.checked_sub(1).and_then(|before| self.places.get(before)) {
            Some((from, to)) if at < *to => *from,
            _ => at,
        }
    }

    fn push(&mut self, byte: u8, place: (usize, usize), level: u8) {
        if begins_escape(byte) {
            if self.open.len() == MAX_OPEN {
                self.give_up(0);
            }
            self.open.push(Open { at: self.bytes.len(), level });
        }
        self.bytes.push(if byte == b' ' { b'+' } else { byte });
        self.places.push(place);
    }

    /// Undoes what the top of the stack completes.
    fn reduce(&mut self) -> bool {
        let mut undone = false;
        while let Some(open) = self.open.last().copied() {
            let read = read(&self.bytes[open.at..]);
            let fits = self.next - self.source(open.at) <= MAX_SPAN;
            match read {
                Read::More => break,
                Read::Byte(byte) if fits => self.replace_top(&[byte]),
                Read::Char(character) if fits => {
                    self.replace_top(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Read::Low if fits => {
                    self.pair_backslashes();
                    self.open.pop();
                }
                _ => {
                    self.give_up(self.open.len() - 1);
                    continue;
                }
            }
            undone = true;
        }
        undone
    }

    /// Puts what the innermost escape stands for in its place.
    fn replace_top(&mut self, with: &[u8]) {
        self.pair_backslashes();
        let Some(Open { at, level }) = self.open.pop() else { return };
        let place = (self.source(at), self.next);
        self.bytes.truncate(at);
        self.places.truncate(at);
        for byte in with {
            self.push(*byte, place, level.saturating_add(1));
        }
    }

    /// Of the backslashes in a row that end with the innermost escape's own, every two are one of
    /// the next level, until that escape has one for itself: `\\u0041` is `\u0041`, and of
    /// `\\\u0041` remains one before the `A`.
    fn pair_backslashes(&mut self) {
        loop {
            let run = self.backslashes_on_top();
            let pairs = run / 2;
            let Some(first) = self.open.len().checked_sub(run) else { return };
            let Some(Open { at, level }) = self.open.get(first).copied() else { return };
            for pair in 0..pairs {
                let (from, to) = (self.places[at + 2 * pair].0, self.places[at + 2 * pair + 1].1);
                self.places[at + pair] = (from, to);
            }
            self.places.drain(at + pairs..at + 2 * pairs);
            self.bytes.drain(at..at + pairs);
            self.open.truncate(first);
            let next = level.saturating_add(1);
            self.open.extend((at..at + pairs).map(|at| Open { at, level: next }));
            if run % 2 == 1 {
                self.open.push(Open { at: at + pairs, level });
                return;
            }
            if run == 0 {
                return;
            }
        }
    }

    fn backslashes_on_top(&self) -> usize {
        let Some(last) = self.open.last() else { return 0 };
        let in_a_row = self.open.iter().rev().zip(0..).take_while(|(open, back)| {
            open.at + back == last.at && open.level == last.level && self.bytes[open.at] == b'\\'
        });
        in_a_row.count()
    }

    /// What was taken for the beginning of an escape is none.
    fn give_up(&mut self, which: usize) {
        let Open { at, .. } = self.open.remove(which);
        if self.bytes[at] == b'\\' {
            self.bytes.remove(at);
            self.places.remove(at);
            for later in &mut self.open[which..] {
                later.at -= 1;
            }
        }
    }
}

impl Drop for Unescape {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The character of a common escape that `bytes` begin with, if it begins no other escape, and the
/// length of the escape. What [`Unescape::put`] would make of it byte by byte, only sooner.
pub(crate) fn common(bytes: &[u8]) -> Option<(u8, usize)> {
    let (byte, length) = match bytes {
        [b'%', high, low, ..] => (digit(*high)? << 4 | digit(*low)?, 3),
        [b'\\', b'n', ..] => (b'\n', 2),
        [b'\\', b't', ..] => (b'\t', 2),
        [b'\\', b'r', ..] => (b'\r', 2),
        [b'\\', quoted @ (b'"' | b'/' | b'\''), ..] => (*quoted, 2),
        [b'\\', b'u', b'0', b'0', high @ b'0'..=b'7', low, ..] => {
            (digit(*high)? << 4 | digit(*low)?, 6)
        }
        _ => return None,
    };
    (!begins_escape(byte)).then_some((byte, length))
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// What bytes that begin like an escape are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// A beginning.
    More,
    /// No escape.
    Nothing,
    Byte(u8),
    Char(char),
    /// `\\uDC00` to `\\uDFFF`: the second half of a character, if the first stands before it.
    Low,
}

fn read(bytes: &[u8]) -> Read {
    match bytes {
        [b'%' | b'\\' | b'&'] => Read::More,
        [b'%', digits @ ..] | [b'\\', b'x', digits @ ..] => hex_byte(digits),
        [b'\\', b'u', b'{', digits @ ..] => braced(digits),
        [b'\\', b'u', digits @ ..] => utf16(digits),
        [b'\\', letter] => backslash(*letter),
        [b'&', b'#', b'x' | b'X', digits @ ..] => numeric(digits, 16),
        [b'&', b'#', digits @ ..] => numeric(digits, 10),
        [b'&', name @ ..] => named(name),
        _ => Read::Nothing,
    }
}

/// Two digits: RFC 3986 section 2.1, and the `\xHH` of many languages.
fn hex_byte(digits: &[u8]) -> Read {
    match digits {
        [] => Read::More,
        [high] if high.is_ascii_hexdigit() => Read::More,
        [_, _] => {
            number(digits, 16).and_then(|n| u8::try_from(n).ok()).map_or(Read::Nothing, Read::Byte)
        }
        _ => Read::Nothing,
    }
}

/// `\uHHHH`, or two of them for one character beyond the basic plane (RFC 8259 section 7).
fn utf16(digits: &[u8]) -> Read {
    let unit = |digits: &[u8]| number(digits, 16);
    match digits.len() {
        0 => Read::More,
        1..4 if digits.iter().all(u8::is_ascii_hexdigit) => Read::More,
        4 => match unit(digits) {
            Some(0xd800..0xdc00) => Read::More,
            Some(0xdc00..0xe000) => Read::Low,
            Some(code) => character(code),
            None => Read::Nothing,
        },
        5..10 if b"\\u".starts_with(&digits[4..digits.len().min(6)]) => {
            let low = &digits[digits.len().min(6)..];
            if low.iter().all(u8::is_ascii_hexdigit) { Read::More } else { Read::Nothing }
        }
        10 if &digits[4..6] == b"\\u" => match (unit(&digits[..4]), unit(&digits[6..])) {
            (Some(high @ 0xd800..0xdc00), Some(low @ 0xdc00..0xe000)) => {
                character(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            }
            _ => Read::Nothing,
        },
        _ => Read::Nothing,
    }
}

/// `\u{H…}` of JavaScript and Rust.
fn braced(digits: &[u8]) -> Read {
    match digits {
        [digits @ .., b'}'] => number(digits, 16).map_or(Read::Nothing, character),
        _ if digits.len() <= 6 && digits.iter().all(u8::is_ascii_hexdigit) => Read::More,
        _ => Read::Nothing,
    }
}

/// One character after a backslash: the letters of JSON, and any punctuation for itself, as shells,
/// Markdown and regular expressions write it.
fn backslash(letter: u8) -> Read {
    match letter {
        b'b' => Read::Byte(8),
        b't' => Read::Byte(b'\t'),
        b'n' => Read::Byte(b'\n'),
        b'f' => Read::Byte(12),
        b'r' => Read::Byte(b'\r'),
        b'u' | b'x' => Read::More,
        other if other.is_ascii_punctuation() => Read::Byte(other),
        _ => Read::Nothing,
    }
}

fn numeric(digits: &[u8], radix: u32) -> Read {
    match digits {
        [digits @ .., b';'] => number(digits, radix).map_or(Read::Nothing, character),
        _ if digits.len() <= 8 && digits.iter().all(u8::is_ascii_hexdigit) => Read::More,
        _ => Read::Nothing,
    }
}

fn named(name: &[u8]) -> Read {
    match name {
        [name @ .., b';'] => entities::character(name).map_or(Read::Nothing, Read::Char),
        _ if name == b"#" => Read::More,
        _ if name.len() <= entities::MAX_NAME && name.iter().all(u8::is_ascii_alphanumeric) => {
            Read::More
        }
        _ => Read::Nothing,
    }
}

fn character(code: u32) -> Read {
    char::from_u32(code).map_or(Read::Nothing, Read::Char)
}

/// The digits as a number; `None` without any, and beyond 32 bits.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let add = |sum: u32, byte: &u8| {
        let digit = u32::from(digit(*byte)?);
        if digit < radix { sum.checked_mul(radix)?.checked_add(digit) } else { None }
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(text: &str) -> String {
        String::from_utf8(normal(text.as_bytes()).to_vec()).unwrap()
    }

    #[test]
    fn every_kind_of_escape_becomes_its_character() {
        for (text, plain) in [
            ("a%2Fb%2fc", "a/b/c"),
            (r"a\/b\u002Fc\u002fd", "a/b/c/d"),
            (r#"\"\n\t\r\b\f\'"#, "\"\n\t\r\u{8}\u{c}'"),
            (r"\x41\u{41}\u{1F600}\uD83D\uDE00", "AA\u{1F600}\u{1F600}"),
            ("&amp;&#65;&#x41;&#X41;&sol;&eacute;", "&AAA/é"),
            (r"sk\_live\-key", "sk_live-key"),
            ("a b+c%20d", "a+b+c+d"),
            (r"\q\u12g4\uD83Dx\uDE00", r"qu12g4uD83Dx\uDE00"),
            (r"a\b a\\b a\\\\b", "a\u{8}+a\u{8}+a\u{8}"),
            (r#"\\\\\\\\\\\\\\\""#, "\""),
            (r"\u005c\u0075\u0030\u003041 \\\u00750041 \\uD83D\\uDE00", "A+A+\u{1F600}"),
            (r"\\u0074 \\\u0074 \\\\u0074", "t+\t+t"),
        ] {
            assert_eq!(undone(text), plain, "{text}");
        }
    }

    #[test]
    fn escapes_within_escapes_are_undone_to_the_last() {
        for text in [
            "%2541",
            r"\u002541",
            "%5Cu0041",
            "&#37;41",
            "%26%2365%3B",
            r"\\u0041",
            r"\\\\u0041",
            "%&#x34;1",
            "%25252541",
            r"\u005cu0041",
            "&amp;#65;",
            r"\&#117;0041",
        ] {
            assert_eq!(undone(text), "A", "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_an_escape_stays() {
        for text in [
            "100%",
            "%zz",
            "%4",
            "%%",
            r"q\",
            "&&",
            "&unknown;",
            "&#;",
            "&#x;",
            "&#xD800;",
            "a&b=c",
            "%+1",
            "%4%zz",
        ] {
            assert_eq!(undone(text), text, "{text}");
        }
    }

    #[test]
    fn common_escapes_are_the_same_byte_by_byte() {
        for text in
            ["%41%", r"\u0041\u0025", r"a\n\\n\\\n", "%5c%5Cn", r"\/\'", "a b %20", r"%4%41\u00"]
        {
            let mut lane = Unescape::default();
            for (at, byte) in text.bytes().enumerate() {
                lane.put(byte, at);
            }
            assert_eq!(undone(text), String::from_utf8_lossy(lane.decoded()), "{text}");
        }
    }

    #[test]
    fn no_input_makes_more_than_a_few_beginnings() {
        for byte in [b'%', b'\\', b'&'] {
            let mut lane = Unescape::default();
            for at in 0..10_000 {
                lane.put(byte, at);
            }
            assert!(lane.open.len() <= MAX_OPEN);
        }
    }

    #[test]
    fn a_character_of_two_bytes_keeps_the_whole_of_its_spelling() {
        let mut lane = Unescape::default();
        for (at, byte) in b"x\\u00e9y".iter().enumerate() {
            lane.put(*byte, at);
        }
        assert_eq!(lane.decoded(), "xéy".as_bytes());
        assert_eq!(lane.source_range(1, 2), (1, 7));
        assert_eq!(lane.source_range(2, 4), (1, 8));
        assert_eq!((lane.uncut(4), lane.uncut(7), lane.uncut(8)), (1, 7, 8));
    }
}
