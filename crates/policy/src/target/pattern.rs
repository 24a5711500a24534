//! Patterns over the segments of a path.

use std::{
    fmt,
    str::{Chars, FromStr},
};

use thiserror::Error;

use super::path::{Path, check_decoded};
use super::text_form;

/// A pattern as text.
const MAX: usize = 512;

/// The segments that a path must have, as they read decoded: a literal, `*` for any one,
/// `*:verb` for any one with this ending, and a trailing `**` for the rest, also for none. No star
/// stands for an empty segment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern {
    parts: Vec<Part>,
    rest: bool,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    /// This segment.
    Literal(String),
    /// Any segment that is longer than this and ends in it; any at all for an empty text.
    Ending(String),
}

/// A text that is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PatternError {
    /// More than 512 bytes.
    #[error("a path pattern has at most 512 characters")]
    Length,
    /// No leading `/`.
    #[error("a path pattern begins with a slash")]
    NotAbsolute,
    /// A segment that no path has.
    #[error(
        "a path pattern has no empty, . or .. segments, and none that is encoded or has ? # ; or a backslash"
    )]
    Segment,
    /// A star where none has a meaning.
    #[error(
        "* stands for one whole segment or the beginning of one, ** only at the end for the rest"
    )]
    Star,
}

impl PathPattern {
    /// The pattern that only `path` matches; none for a path with characters that patterns give a
    /// meaning of their own.
    pub fn exactly(path: &Path) -> Option<Self> {
        let text = format!("/{}", path.segments().join("/"));
        let special = text.contains(['*', '?', '#', '%']);
        if special { None } else { text.parse().ok() }
    }

    /// Whether `path` has these segments.
    pub fn matches(&self, path: &Path) -> bool {
        self.fits(path.segments(), |part, segment| part.free(segment).is_some())
    }

    /// Whether some server might take `path` for one that matches: without regard to case and to a
    /// trailing slash. For what takes away, never for what allows.
    pub fn touches(&self, path: &Path) -> bool {
        let without_slash = |all: &[String]| all.last().is_some_and(String::is_empty);
        let segments = path.segments();
        let segments = &segments[..segments.len() - usize::from(without_slash(segments))];
        self.fits(segments, Part::touches)
            // A pattern that ends in a slash also stands for the same without it.
            || self.parts.last().is_some_and(|last| *last == Part::Literal(String::new()))
                && self.parts.len() == segments.len() + 1
                && self.parts.iter().zip(segments).all(|(part, segment)| part.touches(segment))
    }

    fn fits(&self, segments: &[String], fit: impl Fn(&Part, &str) -> bool) -> bool {
        let enough = if self.rest {
            segments.len() >= self.parts.len()
        } else {
            segments.len() == self.parts.len()
        };
        enough && self.parts.iter().zip(segments).all(|(part, segment)| fit(part, segment))
    }

    /// What each `*` stands for in `path`, and last what `**` does (joined by `/`); none if the
    /// path does not match.
    pub fn captures(&self, path: &Path) -> Option<Vec<String>> {
        if !self.matches(path) {
            return None;
        }
        let (fixed, rest) = path.segments().split_at_checked(self.parts.len())?;
        let stars = self.parts.iter().zip(fixed).filter(|(part, _)| part.is_free());
        let mut captures: Vec<String> =
            stars.filter_map(|(part, segment)| part.free(segment)).map(str::to_owned).collect();
        if self.rest {
            captures.push(rest.join("/"));
        }
        Some(captures)
    }

    /// How many captures it has.
    pub(crate) fn stars(&self) -> usize {
        let free = self.parts.iter().filter(|part| matches!(part, Part::Ending(_))).count();
        free + usize::from(self.rest)
    }
}

impl Part {
    fn is_free(&self) -> bool {
        matches!(self, Self::Ending(_))
    }

    /// What the star stands for in `segment`, nothing for a literal; none if it is another segment.
    fn free<'a>(&self, segment: &'a str) -> Option<&'a str> {
        match self {
            Self::Literal(text) => (text == segment).then_some(""),
            Self::Ending(end) => segment.strip_suffix(end.as_str()).filter(|free| !free.is_empty()),
        }
    }

    /// The same without regard to case.
    fn touches(&self, segment: &str) -> bool {
        match self {
            Self::Literal(text) => is_same_in_lower_case(text.chars(), segment.chars()),
            Self::Ending(end) => {
                let (end, segment) = (end.to_lowercase(), segment.to_lowercase());
                segment.len() > end.len() && segment.ends_with(&end)
            }
        }
    }
}

fn is_same_in_lower_case(one: Chars<'_>, other: Chars<'_>) -> bool {
    one.flat_map(char::to_lowercase).eq(other.flat_map(char::to_lowercase))
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.len() > MAX {
            return Err(PatternError::Length);
        }
        let inner = text.strip_prefix('/').ok_or(PatternError::NotAbsolute)?;
        let (inner, rest) = match inner.strip_suffix("**") {
            Some("") => return Ok(Self { parts: Vec::new(), rest: true }),
            Some(before) => (before.strip_suffix('/').ok_or(PatternError::Star)?, true),
            None => (inner, false),
        };
        if inner.is_empty() && !rest {
            return Ok(Self { parts: Vec::new(), rest: false });
        }
        let texts: Vec<&str> = inner.split('/').collect();
        let last = texts.len() - 1;
        let parts = texts
            .iter()
            .enumerate()
            .map(|(place, text)| {
                let slash_at_end = text.is_empty() && place == last && place > 0 && !rest;
                if slash_at_end { Ok(Part::Literal(String::new())) } else { part(text) }
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { parts, rest })
    }
}

fn part(text: &str) -> Result<Part, PatternError> {
    let (free, fixed) = match text.strip_prefix('*') {
        Some(end) => (true, end),
        None => (false, text),
    };
    if fixed.contains('*') {
        return Err(PatternError::Star);
    }
    if fixed.contains(['?', '#', '%']) {
        return Err(PatternError::Segment);
    }
    if !(free && fixed.is_empty()) && check_decoded(fixed).is_err() {
        return Err(PatternError::Segment);
    }
    let fixed = fixed.to_owned();
    Ok(if free { Part::Ending(fixed) } else { Part::Literal(fixed) })
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => write!(f, "/{text}")?,
                Part::Ending(end) => write!(f, "/*{end}")?,
            }
        }
        match (self.rest, self.parts.is_empty()) {
            (true, _) => f.write_str("/**"),
            (false, true) => f.write_str("/"),
            (false, false) => Ok(()),
        }
    }
}

impl fmt::Debug for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

text_form!(PathPattern);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> PathPattern {
        text.parse().unwrap()
    }

    fn path(raw: &str) -> Path {
        Path::parse(raw).unwrap()
    }

    #[test]
    fn a_pattern_matches_whole_segments_and_nothing_else() {
        let cases = [
            ("/v1/chat", "/v1/chat", true),
            ("/v1/chat", "/v1/ch%61t", true),
            ("/v1/chat", "/v1/chat/", false),
            ("/v1/chat", "/v1/chats", false),
            ("/v1/chat", "/v1/chat/x", false),
            ("/v1/chat", "/V1/chat", false),
            ("/v1/*", "/v1/chat", true),
            ("/v1/*", "/v1", false),
            ("/v1/*", "/v1/", false),
            ("/v1/*", "/v1/a/b", false),
            ("/v1/**", "/v1", true),
            ("/v1/**", "/v1/", true),
            ("/v1/**", "/v1/a/b/", true),
            ("/v1/**", "/v12/a", false),
            ("/**", "/", true),
            ("/**", "/a/b", true),
            ("/", "/", true),
            ("/", "/a", false),
            ("/a/", "/a/", true),
            ("/a/", "/a", false),
            ("/*/*.git/info/refs", "/acme/docs.git/info/refs?service=git-upload-pack", true),
            ("/*/*.git/info/refs", "/acme/.git/info/refs", false),
            ("/v1beta/models/*:generateContent", "/v1beta/models/gemini:generateContent", true),
            ("/v1beta/models/*:generateContent", "/v1beta/models/gemini:countTokens", false),
        ];
        for (text, raw, matches) in cases {
            assert_eq!(pattern(text).matches(&path(raw)), matches, "{text} {raw}");
        }
    }

    #[test]
    fn what_takes_away_also_takes_away_other_spellings_of_the_same_path() {
        for raw in ["/v1/keys", "/V1/Keys", "/v1/keys/", "/v1/k%65ys"] {
            assert!(pattern("/v1/keys").touches(&path(raw)), "{raw}");
            assert!(pattern("/v1/keys/").touches(&path(raw)), "{raw}");
        }
        assert!(!pattern("/v1/keys").touches(&path("/v1/keys/1")));
    }

    #[test]
    fn texts_that_are_no_patterns_are_refused() {
        let cases = [
            ("", PatternError::NotAbsolute),
            ("v1", PatternError::NotAbsolute),
            ("/v1//x", PatternError::Segment),
            ("//", PatternError::Segment),
            ("/v1/../x", PatternError::Segment),
            ("/v1/a%20b", PatternError::Segment),
            ("/v1?x", PatternError::Segment),
            ("/v1\\x", PatternError::Segment),
            ("/**/x", PatternError::Star),
            ("/v1**", PatternError::Star),
            ("/v*", PatternError::Star),
            ("/v1//**", PatternError::Segment),
            ("/***", PatternError::Star),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<PathPattern>(), Err(why), "{text:?}");
        }
        let long = format!("/{}", "a".repeat(MAX));
        assert_eq!(long.parse::<PathPattern>(), Err(PatternError::Length));
    }

    #[test]
    fn what_stars_stand_for_is_told_in_order() {
        let found =
            pattern("/repos/*/*/contents/**").captures(&path("/repos/acme/docs/contents/a/b%20c"));
        assert_eq!(found.unwrap(), ["acme", "docs", "a/b c"]);
        let found = pattern("/models/*:run").captures(&path("/models/x:run"));
        assert_eq!(found.unwrap(), ["x"]);
    }

    #[test]
    fn an_exact_pattern_matches_its_path_alone() {
        let one = path("/v1/a%20b/c/");
        let exact = PathPattern::exactly(&one).unwrap();
        assert!(exact.matches(&one));
        assert!(!exact.matches(&path("/v1/a%20b/c")));
        assert!(PathPattern::exactly(&path("/v1/*")).is_none(), "a star in a path is no wildcard");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn a_pattern_has_one_text(text in "(/([a-z:.]{1,3}|\\*|\\*[a-z.]{1,2})){0,4}(/|/\\*\\*)?") {
            if let Ok(pattern) = text.parse::<PathPattern>() {
                prop_assert_eq!(pattern.to_string(), text);
            }
        }

        #[test]
        fn what_matches_also_touches(
            text in "(/([ab]|\\*|\\*b)){0,3}(/|/\\*\\*)?", raw in "(/[abAB]{1,2}){0,4}/?",
        ) {
            let (Ok(pattern), Ok(path)) = (text.parse::<PathPattern>(), Path::parse(&raw)) else {
                return Ok(());
            };
            prop_assert!(!pattern.matches(&path) || pattern.touches(&path));
        }
    }
}
