//! Case folding that moves nothing, and what a person typed.

use unicode_normalization::UnicodeNormalization as _;

/// The longest query, in characters; what follows is ignored.
const MAX_QUERY: usize = 256;
/// The most words of a query.
const MAX_TERMS: usize = 8;

/// Lower case, one character for one of the same length, so that a position in the folded text is
/// a position in the text. The few characters whose lower case is longer or shorter stay.
pub(crate) fn fold(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(l), None) if l.len_utf8() == c.len_utf8() => l,
        _ => c,
    }
}

/// What a person typed: words that must all be found, in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<String>,
}

impl Query {
    /// The words of `text`, folded; longer texts are cut.
    pub fn new(text: &str) -> Self {
        let folded: String = text.chars().take(MAX_QUERY).nfc().map(fold).collect();
        let mut terms: Vec<String> = Vec::new();
        for term in folded.split(|c: char| c.is_whitespace() || c.is_control()) {
            if !term.is_empty() && terms.len() < MAX_TERMS && !terms.iter().any(|t| t == term) {
                terms.push(term.to_owned());
            }
        }
        Self { terms }
    }

    /// Whether nothing was typed that could be looked for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub(crate) fn terms(&self) -> &[String] {
        &self.terms
    }
}
