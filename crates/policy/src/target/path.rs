//! The path of a request, decoded once.

use thiserror::Error;

/// Path and query together.
const MAX_RAW: usize = 8 * 1024;
/// Segments of a path.
const MAX_SEGMENTS: usize = 64;
/// Characters that some servers fold into a slash, a backslash or a dot.
const LOOK_ALIKES: [char; 8] = [
    '\u{2024}', '\u{2044}', '\u{2215}', '\u{29f5}', '\u{29f8}', '\u{ff0e}', '\u{ff0f}', '\u{ff3c}',
];

/// A path whose every reader agrees on its segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    raw: Box<str>,
    /// Where the query begins (its `?`), or the length.
    query_at: usize,
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
    /// `.` or `..`, also encoded, or nothing but dots and blanks.
    #[error("the path has a segment that is . or .. (also when encoded)")]
    DotSegment,
    /// `%2f`, `%5c`, a backslash, or what some servers take for one.
    #[error("the path has an encoded slash or a backslash")]
    Separator,
    /// `//` before the end.
    #[error("the path has an empty segment")]
    EmptySegment,
    /// A raw blank, a control character, or something that is not UTF-8, raw or encoded.
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
        if raw.len() > MAX_RAW {
            return Err(PathError::Length);
        }
        if !raw.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PathError::Character);
        }
        if raw.contains('#') {
            return Err(PathError::Ambiguous);
        }
        let query_at = raw.find('?').unwrap_or(raw.len());
        let (path, query) = raw.split_at(query_at);
        check_percent(query)?;
        let inner = path.strip_prefix('/').ok_or(PathError::NotAbsolute)?;
        Ok(Self { raw: raw.into(), query_at, segments: segments(inner)? })
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
        self.raw.get(..self.query_at).unwrap_or("/")
    }

    /// What follows the `?`, still encoded; it takes no part in a decision.
    pub fn query(&self) -> Option<&str> {
        self.raw.get(self.query_at + 1..)
    }
}

fn segments(inner: &str) -> Result<Vec<String>, PathError> {
    if inner.is_empty() {
        return Ok(Vec::new());
    }
    let raw: Vec<&str> = inner.split('/').collect();
    if raw.len() > MAX_SEGMENTS {
        return Err(PathError::Length);
    }
    let last = raw.len() - 1;
    raw.iter()
        .enumerate()
        .map(|(place, segment)| match (segment.is_empty(), place == last) {
            (true, true) if last > 0 => Ok(String::new()),
            (true, _) => Err(PathError::EmptySegment),
            (false, _) => decode(segment),
        })
        .collect()
}

fn decode(segment: &str) -> Result<String, PathError> {
    check_percent(segment)?;
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(hex_digit).ok_or(PathError::Percent);
        bytes.push(digit(rest.next())? << 4 | digit(rest.next())?);
    }
    let text = String::from_utf8(bytes).map_err(|_| PathError::Character)?;
    check_decoded(&text)?;
    Ok(text)
}

/// What every reader takes for the same segment, and for one only.
pub(super) fn check_decoded(segment: &str) -> Result<(), PathError> {
    if segment.contains(['/', '\\']) || segment.contains(LOOK_ALIKES) {
        return Err(PathError::Separator);
    }
    if segment.chars().any(char::is_control) {
        return Err(PathError::Character);
    }
    if segment.contains(';') {
        return Err(PathError::Ambiguous);
    }
    if segment.trim_matches([' ', '.']).is_empty() {
        return Err(PathError::DotSegment);
    }
    if has_escape(segment) {
        return Err(PathError::EncodedTwice);
    }
    Ok(())
}

fn has_escape(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| {
        three[0] == b'%' && three[1].is_ascii_hexdigit() && three[2].is_ascii_hexdigit()
    })
}

/// Every `%` has its two digits.
fn check_percent(text: &str) -> Result<(), PathError> {
    let sound = text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    });
    if sound { Ok(()) } else { Err(PathError::Percent) }
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A path and what it must be refused for.
    const REFUSED: [(&str, PathError); 62] = [
        ("", PathError::NotAbsolute),
        ("v1/chat", PathError::NotAbsolute),
        ("?a=/", PathError::NotAbsolute),
        ("*", PathError::NotAbsolute),
        ("http://evil.example/", PathError::NotAbsolute),
        ("//evil.example/v1", PathError::EmptySegment),
        ("//", PathError::EmptySegment),
        ("/v1//chat", PathError::EmptySegment),
        ("/v1/chat//", PathError::EmptySegment),
        ("/v1/../admin", PathError::DotSegment),
        ("/..", PathError::DotSegment),
        ("/../", PathError::DotSegment),
        ("/v1/..", PathError::DotSegment),
        ("/v1/.", PathError::DotSegment),
        ("/./v1", PathError::DotSegment),
        ("/v1/%2e%2e/admin", PathError::DotSegment),
        ("/v1/%2E%2e/admin", PathError::DotSegment),
        ("/v1/.%2e/admin", PathError::DotSegment),
        ("/v1/%2e./admin", PathError::DotSegment),
        ("/v1/%2e/admin", PathError::DotSegment),
        ("/v1/.../admin", PathError::DotSegment),
        ("/v1/..%20/admin", PathError::DotSegment),
        ("/v1/%20/admin", PathError::DotSegment),
        ("/v1/..%2fadmin", PathError::Separator),
        ("/v1%2fadmin", PathError::Separator),
        ("/v1%2Fadmin", PathError::Separator),
        ("/%2f%2fevil.example", PathError::Separator),
        ("/v1\\admin", PathError::Separator),
        ("/v1/..\\admin", PathError::Separator),
        ("/v1%5cadmin", PathError::Separator),
        ("/v1/%5C..%5Cadmin", PathError::Separator),
        ("/v1/..%ef%bc%8fadmin", PathError::Separator),
        ("/v1/%e2%88%95admin", PathError::Separator),
        ("/v1/%ef%bc%8e%ef%bc%8e/admin", PathError::Separator),
        ("/v1/%e2%80%a4%e2%80%a4/admin", PathError::Separator),
        ("/v1/%ef%bc%bcadmin", PathError::Separator),
        ("/v1/%c0%ae%c0%ae/admin", PathError::Character),
        ("/v1/%c0%afadmin", PathError::Character),
        ("/v1/%e0%80%afadmin", PathError::Character),
        ("/v1/%ff", PathError::Character),
        ("/v1/%80", PathError::Character),
        ("/v1/%00", PathError::Character),
        ("/v1/chat%0d%0aHost:%20evil", PathError::Character),
        ("/v1/%0a", PathError::Character),
        ("/v1/%7f", PathError::Character),
        ("/v1/%c2%85", PathError::Character),
        ("/v1/a b", PathError::Character),
        ("/v1/a\tb", PathError::Character),
        ("/v1\r\nHost: evil", PathError::Character),
        ("/v1/\u{fffd}", PathError::Character),
        ("/v1/caf\u{e9}", PathError::Character),
        ("/v1?a=b c", PathError::Character),
        ("/v1/%", PathError::Percent),
        ("/v1/%2", PathError::Percent),
        ("/v1/%zz", PathError::Percent),
        ("/v1/%u002e%u002e/admin", PathError::Percent),
        ("/v1/%%32%65", PathError::Percent),
        ("/v1?a=%0", PathError::Percent),
        ("/v1/%252e%252e/admin", PathError::EncodedTwice),
        ("/v1/%252fadmin", PathError::EncodedTwice),
        ("/v1/..;/admin", PathError::Ambiguous),
        ("/v1/#/admin", PathError::Ambiguous),
    ];

    #[test]
    fn paths_with_more_than_one_reading_are_refused() {
        for (raw, why) in REFUSED {
            assert_eq!(Path::parse(raw).err(), Some(why), "{raw:?}");
        }
    }

    #[test]
    fn a_path_is_decoded_once_and_sent_as_it_came() {
        let cases: [(&str, &[&str]); 9] = [
            ("/", &[]),
            ("/v1", &["v1"]),
            ("/v1/", &["v1", ""]),
            ("/v1/chat/completions", &["v1", "chat", "completions"]),
            ("/%76%31/ch%61t", &["v1", "chat"]),
            (
                "/v1beta/models/gemini-2.5-pro:generateContent",
                &["v1beta", "models", "gemini-2.5-pro:generateContent"],
            ),
            ("/bucket/a%20b%2B100%25", &["bucket", "a b+100%"]),
            (
                "/repos/acme/docs/contents/.github/..a/a..",
                &["repos", "acme", "docs", "contents", ".github", "..a", "a.."],
            ),
            ("/caf%C3%A9", &["café"]),
        ];
        for (raw, segments) in cases {
            let with_query = format!("{raw}?x=%2e%2e/../y");
            for text in [raw, with_query.as_str()] {
                let path = Path::parse(text).unwrap();
                assert_eq!(path.segments(), segments, "{text:?}");
                assert_eq!((path.raw(), path.raw_path()), (text, raw));
            }
            assert_eq!(Path::parse(raw).unwrap().query(), None);
            assert_eq!(Path::parse(&with_query).unwrap().query(), Some("x=%2e%2e/../y"));
        }
    }

    #[test]
    fn long_paths_are_refused() {
        let deep = "/a".repeat(MAX_SEGMENTS);
        assert!(Path::parse(&deep).is_ok());
        assert_eq!(Path::parse(&format!("{deep}/a")).err(), Some(PathError::Length));
        let wide = format!("/{}", "a".repeat(MAX_RAW - 1));
        assert!(Path::parse(&wide).is_ok());
        assert_eq!(Path::parse(&format!("{wide}a")).err(), Some(PathError::Length));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_accepted_path_means_another_to_a_server_that_resolves_dots_or_decodes_again(
            raw in "/([a-z.%/\\\\;]|%2e|%2f|%5c|%25|\\.\\.){0,12}",
        ) {
            let Ok(path) = Path::parse(&raw) else { return Ok(()) };
            for segment in path.segments() {
                prop_assert!(segment != "." && segment != "..");
                prop_assert!(!segment.contains(['/', '\\', ';']));
                prop_assert!(!has_escape(segment));
            }
            let inner = path.segments().len().saturating_sub(1);
            prop_assert!(path.segments()[..inner].iter().all(|segment| !segment.is_empty()));
        }

        #[test]
        fn any_text_is_parsed_or_refused(raw in ".{0,40}") {
            if let Ok(path) = Path::parse(&raw) {
                prop_assert_eq!(path.raw(), raw);
            }
        }
    }
}
