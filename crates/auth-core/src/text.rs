//! Characters that act on what is shown or can't be seen, the mark before a text, and texts with places to fill.

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

/// Tells whether a character can't be seen, or can't be told from a plain space: a [control](is_control), a character
/// that is not shown by default (`Default_Ignorable_Code_Point` of Unicode 16), a space or line end other than U+0020,
/// and what stands for no character at all.
///
/// ```
/// assert!("a\u{200b}da".contains(auth_core::is_invisible));
/// assert!(!"Ada Désirée אבג".contains(auth_core::is_invisible));
/// ```
#[must_use]
pub fn is_invisible(character: char) -> bool {
    let is_ignorable = matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    // Braille's empty cell is no space by its properties, and looks like one.
    let is_space = character != ' ' && (character.is_whitespace() || character == '\u{2800}');
    let is_none = matches!(character, '\u{fdd0}'..='\u{fdef}' | '\u{fff9}'..='\u{fffd}')
        || u32::from(character) & 0xfffe == 0xfffe;
    is_control(character) || is_ignorable || is_space || is_none
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

/// A text with its places filled, in order. A place is `{}`; what fills it is never read for places.
///
/// ```
/// assert_eq!(auth_core::fill("a {} b {} c", &["{}", "2"]), "a {} b 2 c");
/// ```
#[must_use]
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut values = values.iter();
    for part in parts {
        filled.push_str(values.next().copied().unwrap_or_default());
        filled.push_str(part);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once() {
        assert_eq!(fill("a {} b {} c", &["{}", "2"]), "a {} b 2 c");
        assert_eq!(fill("{}{}", &["1"]), "1");
        assert_eq!(fill("none", &["1"]), "none");
    }

    #[test]
    fn what_can_not_be_seen_is_told_from_text() {
        let unseen = "\0\u{1b}\u{9b}\u{a0}\u{ad}\u{34f}\u{115f}\u{180e}\u{2000}\u{200a}\u{200b}\u{200c}\u{200d}\u{200e}\
                      \u{2028}\u{202e}\u{202f}\u{2060}\u{2066}\u{2800}\u{3000}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{fffd}\u{ffff}\
                      \u{e0001}\u{e0100}";
        for character in unseen.chars() {
            assert!(is_invisible(character), "{character:?}");
        }
        for shown in " ~éאبক한日ſ\u{301}🔑-_.@".chars() {
            assert!(!is_invisible(shown), "{shown:?}");
        }
    }

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
