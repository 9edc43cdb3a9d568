//! Colours, and how well one can be read on another.

use std::fmt;

/// A colour of the sRGB space.
///
/// ```
/// use auth_pages::Colour;
///
/// let navy = Colour::parse("#000080").unwrap();
/// assert_eq!(navy.to_string(), "#000080");
/// assert!(navy.contrast(Colour::WHITE) > 15.0);
/// assert_eq!(Colour::parse("red"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl Colour {
    /// White.
    pub const WHITE: Self = Self::rgb(0xff, 0xff, 0xff);
    /// The black that texts have.
    pub const INK: Self = Self::rgb(0x12, 0x14, 0x18);

    /// The contrast that text needs (WCAG 2.2, 1.4.3).
    pub const READABLE: f64 = 4.5;

    /// Makes a colour from its three parts.
    #[must_use]
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#rrggbb`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |range| u8::from_str_radix(digits.get(range)?, 16).ok();
        Some(Self::rgb(part(0..2)?, part(2..4)?, part(4..6)?))
    }

    /// The contrast of two colours by WCAG 2.2, from 1 to 21.
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance() + 0.05, other.luminance() + 0.05);
        one.max(two) / one.min(two)
    }

    /// White or black, whichever can be read better on this colour. One of them always can.
    #[must_use]
    pub fn text_on(self) -> Self {
        const BLACK: Colour = Colour::rgb(0, 0, 0);
        if self.contrast(Self::WHITE) >= self.contrast(BLACK) { Self::WHITE } else { BLACK }
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_six_hexadecimal_digits_are_a_colour() {
        for bad in ["", "#", "#fff", "ffffff", "#ggg000", "#ffffff;", "#fffff", "#+fffff", "#ÿÿÿ", "red"] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
        assert_eq!(Colour::parse("#12AbFf"), Some(Colour::rgb(0x12, 0xab, 0xff)));
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        let grey = Colour::parse("#767676").unwrap();
        for (one, two, contrast) in
            [(Colour::WHITE, Colour::rgb(0, 0, 0), 21.0), (Colour::WHITE, grey, 4.54), (grey, grey, 1.0)]
        {
            assert!((one.contrast(two) - contrast).abs() < 0.01, "{one} {two}");
            assert!((two.contrast(one) - contrast).abs() < 0.01, "{two} {one}");
        }
    }

    proptest! {
        #[test]
        fn text_can_be_read_on_any_colour(red: u8, green: u8, blue: u8) {
            let colour = Colour::rgb(red, green, blue);
            prop_assert!(colour.contrast(colour.text_on()) >= Colour::READABLE);
            prop_assert_eq!(Colour::parse(&colour.to_string()), Some(colour));
        }
    }
}
