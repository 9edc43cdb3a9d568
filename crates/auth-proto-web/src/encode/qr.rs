//! QR codes as the numbers of an SVG path.

use std::fmt::Write as _;

use qrcode::{Color, QrCode};

/// The light margin that readers need, in modules.
const MARGIN: usize = 4;

/// A QR code: a square of `size` units, and the path of its dark parts. A template puts both into an `svg` element, so that
/// no markup is made outside of templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) size: usize,
    pub(crate) path: String,
}

impl Picture {
    /// The code of a text; `None` for a text that is too long for one.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let code = QrCode::new(text).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|one, other| one == other) {
                if run.first() == Some(&Color::Dark) {
                    // Writing to a string doesn't fail.
                    let _ = write!(path, "M{} {}h{}v1h-{}z", x + MARGIN, y + MARGIN, run.len(), run.len());
                }
                x += run.len();
            }
        }
        Some(Self { size: width + 2 * MARGIN, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_covers_the_dark_modules_and_no_other() {
        let text = "otpauth://totp/Example:iago?secret=JBSWY3DPEHPK3PXP&issuer=Example";
        let Picture { size, path } = Picture::of(text).unwrap();
        let code = QrCode::new(text).unwrap();
        assert_eq!(size, code.width() + 8);
        let mut drawn = vec![Color::Light; code.width() * code.width()];
        for part in path.split('M').skip(1) {
            let (start, rest) = part.split_once('h').unwrap();
            let (x, y) = start.split_once(' ').unwrap();
            let length: usize = rest.split_once('v').unwrap().0.parse().unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            for module in 0..length {
                drawn[(y - 4) * code.width() + x - 4 + module] = Color::Dark;
            }
        }
        assert_eq!(drawn, code.to_colors());
    }

    #[test]
    fn text_that_is_too_long_has_no_code() {
        assert_eq!(Picture::of(&"x".repeat(3000)), None);
    }
}
