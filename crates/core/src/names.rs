//! What people may call things: secrets, applications, environments, organisations, themselves.
//!
//! A secret's name becomes an environment variable, so it has that alphabet and no other. A label
//! is free text that other people will read beside names they trust; characters that hide, reorder
//! or imitate are refused, not removed, so that nobody signs a text other than the one they saw.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

/// The longest name of a secret, in bytes (all of them are ASCII).
pub const MAX_SECRET_NAME: usize = 128;
/// The longest label, in characters after normalisation.
pub const MAX_LABEL: usize = 80;
/// The longest label, in bytes after normalisation.
pub const MAX_LABEL_BYTES: usize = 256;
/// The longest note, in bytes after normalisation.
pub const MAX_NOTE: usize = 4 * 1024;

/// Why a text cannot be a name. The message is a sentence for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing but white space.
    #[error("A name is needed.")]
    Empty,
    /// Above the cap.
    #[error("The text is too long: at most {limit} {}.", unit.words())]
    TooLong {
        /// The cap.
        limit: usize,
        /// What the cap counts.
        unit: Unit,
    },
    /// `2FA_SEED`
    #[error("A name cannot begin with a digit.")]
    BeginsWithDigit,
    /// A character that a secret's name cannot have, safe to show.
    #[error("A secret's name has letters A to Z, digits and _, not \"{0}\".")]
    Character(char),
    /// A space, tab or other blank inside a secret's name.
    #[error("A secret's name has no spaces.")]
    Space,
    /// A control, direction or invisible character, by its code point: showing it would do what it
    /// is refused for.
    #[error("The text has an invisible or control character (U+{0:04X}).")]
    Hidden(u32),
}

/// What a length is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Characters as Unicode counts them.
    Characters,
    /// Bytes of UTF-8.
    Bytes,
}

impl Unit {
    fn words(self) -> &'static str {
        match self {
            Self::Characters => "characters",
            Self::Bytes => "bytes",
        }
    }
}

impl NameError {
    /// A short word for the reason, stable across versions, for the window to choose its text by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "tooLong",
            Self::BeginsWithDigit => "beginsWithDigit",
            Self::Character(_) => "character",
            Self::Space => "space",
            Self::Hidden(_) => "hidden",
        }
    }
}

/// A secret's name in the form that is sealed: `[A-Za-z_][A-Za-z0-9_]*`, at most
/// [`MAX_SECRET_NAME`] bytes. White space around it is dropped.
pub fn secret_name(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    let first = name.chars().next().ok_or(NameError::Empty)?;
    if let Some(bad) = name.chars().find(|c| !is_name_char(*c)) {
        return Err(if bad == ' ' {
            NameError::Space
        } else if is_hidden(bad) || bad.is_whitespace() {
            NameError::Hidden(u32::from(bad))
        } else {
            NameError::Character(bad)
        });
    }
    if first.is_ascii_digit() {
        return Err(NameError::BeginsWithDigit);
    }
    if name.len() > MAX_SECRET_NAME {
        return Err(NameError::TooLong { limit: MAX_SECRET_NAME, unit: Unit::Characters });
    }
    Ok(name.to_owned())
}

/// A name like `written` that [`secret_name`] accepts: every other character becomes `_`, and a
/// leading digit gets a `_` before it. `None` if nothing of it would be left.
pub fn suggest_secret_name(written: &str) -> Option<String> {
    let mut name: String =
        written.trim().chars().map(|c| if is_name_char(c) { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    let says_something = name.contains(|c: char| c.is_ascii_alphanumeric());
    (says_something && name.len() <= MAX_SECRET_NAME).then_some(name)
}

/// The name of an organisation, application, environment or person in the form that is sealed:
/// NFC, no white space around it, one line, at most [`MAX_LABEL`] characters and
/// [`MAX_LABEL_BYTES`] bytes.
pub fn label(text: &str) -> Result<String, NameError> {
    let label: String = text.trim().nfc().collect();
    if label.is_empty() {
        return Err(NameError::Empty);
    }
    refuse_hidden(&label, |_| false)?;
    // A combining mark without a letter would sit on whatever is drawn before the label.
    if let Some(mark) =
        label.chars().next().filter(|c| unicode_normalization::char::is_combining_mark(*c))
    {
        return Err(NameError::Hidden(u32::from(mark)));
    }
    if label.chars().count() > MAX_LABEL {
        return Err(NameError::TooLong { limit: MAX_LABEL, unit: Unit::Characters });
    }
    if label.len() > MAX_LABEL_BYTES {
        return Err(NameError::TooLong { limit: MAX_LABEL_BYTES, unit: Unit::Bytes });
    }
    Ok(label)
}

/// What two labels have in common if a person would take them for the same: compatibility forms
/// and case are folded away. For asking whether a name is taken, never for showing.
pub fn label_key(label: &str) -> String {
    label.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// A note in the form that is sealed: NFC, lines ended by `\n`, blank ends dropped, at most
/// [`MAX_NOTE`] bytes. It may be empty and have lines and tabs.
pub fn note(text: &str) -> Result<String, NameError> {
    let note: String = text.replace("\r\n", "\n").replace('\r', "\n").trim().nfc().collect();
    refuse_hidden(&note, |c| matches!(c, '\n' | '\t'))?;
    if note.len() > MAX_NOTE {
        return Err(NameError::TooLong { limit: MAX_NOTE, unit: Unit::Bytes });
    }
    Ok(note)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn refuse_hidden(text: &str, allowed: impl Fn(char) -> bool) -> Result<(), NameError> {
    match text.chars().find(|c| is_hidden(*c) && !allowed(*c)) {
        Some(c) => Err(NameError::Hidden(u32::from(c))),
        None => Ok(()),
    }
}

/// Whether drawing `c` changes how its neighbours are read: controls, line separators, direction
/// marks and overrides, invisible operators and fillers, tags, non-characters, and every blank
/// that is not the plain space. The joiners U+200C and U+200D stay: scripts and emoji need them.
pub fn is_hidden(c: char) -> bool {
    if c != ' ' && c.is_whitespace() {
        return true;
    }
    let point = u32::from(c);
    c.is_control()
        || point & 0xfffe == 0xfffe
        || matches!(point,
            0x00ad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180e
            | 0x200b | 0x200e | 0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x2800 | 0x3164
            | 0xfdd0..=0xfdef | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3
            | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_name_is_what_a_shell_can_export() {
        for good in ["A", "_", "DATABASE_URL", "lower_case9", " TRIMMED "] {
            assert_eq!(secret_name(good), Ok(good.trim().to_owned()));
        }
        for (bad, why) in [
            ("", NameError::Empty),
            (" \t", NameError::Empty),
            ("2FA_SEED", NameError::BeginsWithDigit),
            ("A B", NameError::Space),
            ("A-B", NameError::Character('-')),
            ("A.B", NameError::Character('.')),
            ("Ä", NameError::Character('Ä')),
            ("A\nB", NameError::Hidden(0x0a)),
            ("A\u{202e}B", NameError::Hidden(0x202e)),
            ("A\u{a0}B", NameError::Hidden(0xa0)),
        ] {
            assert_eq!(secret_name(bad), Err(why), "{bad:?}");
        }
        assert!(secret_name(&"A".repeat(MAX_SECRET_NAME)).is_ok());
        assert!(secret_name(&"A".repeat(MAX_SECRET_NAME + 1)).is_err());
    }

    #[test]
    fn the_reason_is_a_sentence_and_never_shows_what_it_refuses_to_show() {
        assert_eq!(NameError::BeginsWithDigit.to_string(), "A name cannot begin with a digit.");
        let said = label("pay\u{202e}lla").unwrap_err().to_string();
        assert_eq!(said, "The text has an invisible or control character (U+202E).");
        assert_eq!(
            label(&"x".repeat(99)).unwrap_err().to_string(),
            "The text is too long: at most 80 characters."
        );
    }

    #[test]
    fn a_suggestion_keeps_what_it_can() {
        assert_eq!(suggest_secret_name("2FA_SEED").as_deref(), Some("_2FA_SEED"));
        assert_eq!(suggest_secret_name("my-key.x").as_deref(), Some("my_key_x"));
        assert_eq!(suggest_secret_name("ÄÖ"), None);
        assert_eq!(suggest_secret_name(""), None);
    }

    #[test]
    fn a_label_is_one_visible_line() {
        assert_eq!(label("  Storefront  "), Ok("Storefront".to_owned()));
        assert_eq!(label("Cafe\u{301}"), Ok("Caf\u{e9}".to_owned()));
        assert_eq!(label("日本 運用"), Ok("日本 運用".to_owned()));
        assert!(label("👩\u{200d}💻 desk").is_ok());
        assert_eq!(label("\u{3000} "), Err(NameError::Empty));
        for hidden in [
            '\0',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{200b}',
            '\u{200f}',
            '\u{2028}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
            '\u{fffe}',
            '\u{a0}',
        ] {
            assert_eq!(label(&format!("a{hidden}b")), Err(NameError::Hidden(u32::from(hidden))));
        }
        assert!(label("\u{301}abc").is_err());
        assert!(label(&"ä".repeat(80)).is_ok());
        assert!(label(&"👩".repeat(80)).is_err());
    }

    #[test]
    fn labels_that_look_the_same_have_one_key() {
        assert_eq!(label_key("Production"), label_key("ｐroduction"));
        assert_ne!(label_key("Production"), label_key("Production 2"));
    }

    #[test]
    fn a_note_keeps_its_lines() {
        assert_eq!(note("one\r\ntwo\rthree\n"), Ok("one\ntwo\nthree".to_owned()));
        assert_eq!(note(""), Ok(String::new()));
        assert!(note("a\u{202e}b").is_err());
        assert!(note(&"x".repeat(MAX_NOTE + 1)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_accepted_again_unchanged(text in any::<String>()) {
            for rule in [secret_name, label, note] {
                if let Ok(once) = rule(&text) {
                    prop_assert_eq!(rule(&once), Ok(once));
                }
            }
        }

        #[test]
        fn every_suggestion_is_a_name(text in ".{0,40}") {
            if let Some(name) = suggest_secret_name(&text) {
                prop_assert_eq!(secret_name(&name), Ok(name));
            }
        }
    }
}
