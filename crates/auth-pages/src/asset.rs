//! The files beside the pages: the style sheet and the picture, both in the operator's colours, and the scripts of the few
//! pages that can't do without. Their paths hold a hash of their content, so that browsers may keep them for ever.

use std::fmt::Write as _;

use bytes::Bytes;

use crate::brand::Brand;
use crate::colour::Colour;

/// The rules of the style sheet, which name no colour.
const RULES: &[u8] = include_bytes!("../assets/style.css");

/// The picture of whoever has none, with words in place of its colours.
const ICON: &str = include_str!("../assets/icon.svg");

/// A file with its path.
#[derive(Debug)]
#[non_exhaustive]
pub struct Asset {
    /// The path, which holds a hash of the content.
    pub path: String,
    /// The media type.
    pub content_type: &'static str,
    /// The content.
    pub content: Bytes,
}

impl Asset {
    fn new(beginning: &str, end: &str, content_type: &'static str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        let path = format!("{beginning}{:016x}{end}", hash(&content));
        Self { path, content_type, content }
    }

    /// The script of a page, which is sent with [headers](crate::Look::headers_with_script) that let it run.
    #[must_use]
    pub fn script(content: &'static str) -> Self {
        Self::new("/script-", ".js", "text/javascript; charset=utf-8", content)
    }

    /// The style sheet.
    pub(crate) fn style(brand: &Brand) -> Self {
        let mut sheet = String::new();
        // Writing to a string doesn't fail.
        let _ = write!(
            sheet,
            ":root {{ color-scheme: light dark; {} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {} }} }}\n",
            LIGHT.with(brand.accent),
            DARK.with(brand.accent_dark),
        );
        let mut content = sheet.into_bytes();
        content.extend_from_slice(RULES);
        Self::new("/style-", ".css", "text/css; charset=utf-8", content)
    }

    /// The picture of whoever has none.
    pub(crate) fn icon(brand: &Brand) -> Self {
        let accent = brand.accent.to_string();
        let picture = ICON.replace("ACCENT", &accent).replace("INK", &brand.accent.text_on().to_string());
        Self::new("/icon-", ".svg", "image/svg+xml", picture.into_bytes())
    }
}

/// The colours of a scheme.
struct Scheme {
    ground: Colour,
    card: Colour,
    field: Colour,
    text: Colour,
    quiet: Colour,
    /// Lines that part things; they tell nothing.
    line: Colour,
    /// The edges of fields and buttons.
    edge: Colour,
    bad: Colour,
    bad_ground: Colour,
    good: Colour,
    good_ground: Colour,
    shadow: &'static str,
    veil: &'static str,
}

const LIGHT: Scheme = Scheme {
    ground: Colour::rgb(0xf5, 0xf6, 0xf9),
    card: Colour::WHITE,
    field: Colour::WHITE,
    text: Colour::INK,
    quiet: Colour::rgb(0x56, 0x5e, 0x6b),
    line: Colour::rgb(0xe1, 0xe4, 0xea),
    edge: Colour::rgb(0x7c, 0x84, 0x91),
    bad: Colour::rgb(0xb0, 0x1f, 0x24),
    bad_ground: Colour::rgb(0xfd, 0xee, 0xee),
    good: Colour::rgb(0x0c, 0x69, 0x3d),
    good_ground: Colour::rgb(0xe8, 0xf6, 0xee),
    shadow: "0 1px 2px rgb(18 20 24 / .05), 0 8px 24px rgb(18 20 24 / .05)",
    veil: "rgb(0 0 0 / .1)",
};

const DARK: Scheme = Scheme {
    ground: Colour::rgb(0x11, 0x13, 0x18),
    card: Colour::rgb(0x1a, 0x1d, 0x24),
    field: Colour::rgb(0x12, 0x15, 0x1b),
    text: Colour::rgb(0xec, 0xee, 0xf2),
    quiet: Colour::rgb(0xa9, 0xb1, 0xbe),
    line: Colour::rgb(0x2c, 0x31, 0x3b),
    edge: Colour::rgb(0x78, 0x81, 0x90),
    bad: Colour::rgb(0xff, 0xa8, 0xa3),
    bad_ground: Colour::rgb(0x3a, 0x1a, 0x1c),
    good: Colour::rgb(0x8f, 0xdb, 0xac),
    good_ground: Colour::rgb(0x12, 0x2f, 0x20),
    shadow: "none",
    veil: "rgb(255 255 255 / .12)",
};

impl Scheme {
    /// The variables of the style sheet. An accent that can't be read as text on a card is no colour of links.
    fn with(&self, accent: Colour) -> String {
        let link = if accent.contrast(self.card) >= Colour::READABLE
            && accent.contrast(self.ground) >= Colour::READABLE
        {
            accent
        } else {
            self.text
        };
        let Self {
            ground,
            card,
            field,
            text,
            quiet,
            line,
            edge,
            bad,
            bad_ground,
            good,
            good_ground,
            shadow,
            veil,
        } = self;
        let on_accent = accent.text_on();
        format!(
            "--ground: {ground}; --card: {card}; --field: {field}; --text: {text}; --quiet: {quiet}; --line: {line}; \
             --edge: {edge}; --bad: {bad}; --bad-ground: {bad_ground}; --good: {good}; --good-ground: {good_ground}; \
             --accent: {accent}; --on-accent: {on_accent}; --link: {link}; --focus: {link}; --shadow: {shadow}; --veil: {veil};"
        )
    }
}

/// FNV-1a of 64 bits: tells contents apart, and keeps nothing secret.
fn hash(content: &[u8]) -> u64 {
    content
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_can_be_read_on_its_ground_in_both_schemes() {
        let brand = Brand::new("x");
        for (scheme, accent) in [(LIGHT, brand.accent), (DARK, brand.accent_dark)] {
            for ground in [scheme.ground, scheme.card, scheme.field] {
                for text in [scheme.text, scheme.quiet, scheme.bad, accent] {
                    assert!(text.contrast(ground) >= Colour::READABLE, "{text} on {ground}");
                }
                assert!(scheme.edge.contrast(ground) >= 3.0, "{ground}");
            }
            for (text, ground) in [
                (scheme.text, scheme.bad_ground),
                (scheme.text, scheme.good_ground),
                (scheme.good, scheme.good_ground),
                (scheme.bad, scheme.card),
                (accent.text_on(), accent),
            ] {
                assert!(text.contrast(ground) >= Colour::READABLE, "{text} on {ground}");
            }
        }
    }

    #[test]
    fn accent_that_can_not_be_read_is_no_colour_of_links() {
        let yellow = Colour::parse("#ffee00").unwrap();
        assert!(LIGHT.with(yellow).contains("--link: #121418;"));
        assert!(DARK.with(yellow).contains("--link: #ffee00;"));
    }

    #[test]
    fn path_changes_with_the_content() {
        let brand = Brand::new("x");
        let other = Brand { accent: Colour::INK, ..brand.clone() };
        assert_eq!(Asset::style(&brand).path, Asset::style(&brand).path);
        assert_ne!(Asset::style(&brand).path, Asset::style(&other).path);
        assert_ne!(Asset::icon(&brand).path, Asset::icon(&other).path);
        assert_ne!(Asset::script("one").path, Asset::script("two").path);
    }

    #[test]
    fn style_sheet_fetches_nothing() {
        let sheet = Asset::style(&Brand::new("x"));
        let text = std::str::from_utf8(&sheet.content).unwrap();
        for fetching in ["url(", "@import", "src:", "http"] {
            assert!(!text.contains(fetching), "{fetching}");
        }
    }
}
