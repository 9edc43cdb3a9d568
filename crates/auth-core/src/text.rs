//! Characters that are not part of a text: those that act on what is shown, and the mark before it.

/// Tells whether a character acts on a terminal, or on the direction of the text around it, in place of being shown: a
/// control character (C0 with tab and line feed, delete, or C1), or one of Unicode's bidirectional controls (UAX #9,
/// section 2).
///
/// ```
/// assert!("\u{1b}[2J".contains(auth_core::is_control));
/// assert!("\u{202e}".contains(auth_core::is_control));
/// assert!(!"Désirée אבג".contains(auth_core::is_control));
/// ```
#[must_use]
pub fn is_control(character: char) -> bool {
    let is_bidi_control = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    character.is_control() || is_bidi_control
}

/// The text behind a byte order mark of UTF-8, which some programs write first; the whole text where there is none.
///
/// ```
/// assert_eq!(auth_core::without_byte_order_mark(b"\xEF\xBB\xBF{}"), b"{}");
/// assert_eq!(auth_core::without_byte_order_mark(b"{}"), b"{}");
/// ```
#[must_use]
pub fn without_byte_order_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_of_terminals_and_of_direction_are_told_from_text() {
        for control in ['\0', '\t', '\n', '\r', '\u{1b}', '\u{7f}', '\u{80}', '\u{9b}', '\u{9f}'] {
            assert!(is_control(control), "{control:?}");
        }
        for control in ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            assert!(is_control(control), "{control:?}");
        }
        for shown in [' ', '~', '\u{a0}', 'é', 'א', '日', '\u{200d}', '\u{2029}', '\u{202f}', '🔑'] {
            assert!(!is_control(shown), "{shown:?}");
        }
    }
}
