//! Decimal numbers in stored strings.

/// Reads a decimal number without a sign or leading zeros, so that each number has one spelling.
pub(super) fn parse_decimal(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}
