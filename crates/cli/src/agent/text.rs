//! What others wrote, as text that does nothing to a terminal.

/// Without control characters and without those that turn the direction of writing.
pub(super) fn inert(text: &str) -> String {
    let is_bidi = |c: char| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    text.chars().map(|c| if c.is_control() || is_bidi(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agents_words_do_not_move_the_cursor() {
        assert_eq!(inert("a\u{1b}[2Jb\r\nc\u{202e}d"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\u{fffd}d");
        assert_eq!(inert("Grüße, 世界"), "Grüße, 世界");
    }
}
