//! The operator's name and colours.

use crate::colour::Colour;

/// What the pages look like.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server builds it, and must not forget a new key")]
pub struct Brand {
    /// The name in the head of each page.
    pub name: String,
    /// The address of a picture beside the name: a path of this site, or an `https` address. Without one there is a
    /// plain picture in the accent colour.
    pub icon: Option<String>,
    /// The colour of buttons and links on a light ground.
    pub accent: Colour,
    /// The colour of buttons and links on a dark ground.
    pub accent_dark: Colour,
    /// A line of text below each page.
    pub line: Option<String>,
}

impl Brand {
    /// A name in the standard colours.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            icon: None,
            accent: Colour::rgb(0x3b, 0x4f, 0xc4),
            accent_dark: Colour::rgb(0xa5, 0xb4, 0xfc),
            line: None,
        }
    }
}
