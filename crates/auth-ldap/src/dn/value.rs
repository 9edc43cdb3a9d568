//! Values in distinguished names, prepared for `caseIgnoreMatch` (RFC 4518).

use unicode_normalization::UnicodeNormalization;

/// A value in a form that is equal for all values that `caseIgnoreMatch` takes for equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum AttributeValue {
    Text(String),
    /// A value that is no text is compared byte by byte.
    Bytes(Vec<u8>),
}

impl AttributeValue {
    pub(super) fn of_bytes(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes)
            .map_or_else(|error| Self::Bytes(error.into_bytes()), |text| Self::Text(prepared(&text)))
    }

    /// The value of an encoding in BER (RFC 4514, section 2.4): its content, where it is a string.
    pub(super) fn of_ber(encoded: Vec<u8>) -> Self {
        match ber_string(&encoded) {
            Some(content) => Self::of_bytes(content.to_vec()),
            None => Self::Bytes(encoded),
        }
    }
}

/// The content of a string whose letters are UTF-8 or ASCII; `None` for any other encoding.
fn ber_string(encoded: &[u8]) -> Option<&[u8]> {
    /// The tags of OctetString, UTF8String, NumericString, PrintableString, and IA5String.
    const STRINGS: [u8; 5] = [0x04, 0x0C, 0x12, 0x13, 0x16];
    let (tag, rest) = encoded.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, content) = match first {
        0..=0x7F => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (bytes, content) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), content)
        }
        _ => return None,
    };
    (STRINGS.contains(tag) && content.len() == length).then_some(content)
}

/// Prepares a text as RFC 4518, section 2 says: letters without meaning are dropped, white space becomes a space, letters
/// lose their case and are decomposed and composed again (NFKC); then spaces at the ends go, and several become one.
fn prepared(text: &str) -> String {
    let mapped = text
        .chars()
        .filter(|letter| !is_ignored(*letter))
        .map(|letter| if is_space(letter) { ' ' } else { letter });
    let folded: String = mapped.flat_map(folded).nfkc().collect();
    // What was decomposed may have a case again, such as the sign for telephone.
    let folded: String = folded.chars().flat_map(self::folded).nfkc().collect();
    folded.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A letter without its case: the lower case of its upper case, so that ß is ss and both sigmas are one.
fn folded(letter: char) -> impl Iterator<Item = char> {
    // The dotless i is a letter of its own, although its upper case is that of another.
    let upper = (letter != 'ı').then(|| letter.to_uppercase().flat_map(char::to_lowercase));
    let same = (letter == 'ı').then_some(letter);
    upper.into_iter().flatten().chain(same)
}

fn is_space(letter: char) -> bool {
    matches!(letter, '\t'..='\r' | '\u{85}') || letter.is_whitespace()
}

/// The letters that are mapped to nothing (RFC 4518, section 2.2).
fn is_ignored(letter: char) -> bool {
    matches!(
        letter,
        '\0'..='\u{8}'
            | '\u{E}'..='\u{1F}'
            | '\u{7F}'..='\u{84}'
            | '\u{86}'..='\u{9F}'
            | '\u{AD}'
            | '\u{34F}'
            | '\u{6DD}'
            | '\u{70F}'
            | '\u{1806}'
            | '\u{180B}'..='\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2063}'
            | '\u{206A}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFC}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0001}'
            | '\u{E0020}'..='\u{E007F}'
    )
}
