//! The languages of pages and mails.

/// A language in which pages and mails are written.
///
/// ```
/// use auth_core::Language;
///
/// assert_eq!(Language::from_tag("de-AT"), Some(Language::German));
/// assert_eq!(Language::from_tag("tlh"), None);
/// assert_eq!(Language::German.tag(), "de");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each language has a table of texts")]
pub enum Language {
    /// English, also for readers of languages that are not here.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language's tag (BCP 47), as stores and `lang` attributes have it.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The language of a tag, by its first subtag in any case; `None` where it is not one of these.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_found_by_the_first_subtag_of_their_tags() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
        for (tag, language) in [
            ("DE", Some(Language::German)),
            ("de-CH-1901", Some(Language::German)),
            ("de_DE", Some(Language::German)),
            ("en-GB", Some(Language::English)),
            ("deu", None),
            ("d", None),
            ("", None),
            ("-de", None),
        ] {
            assert_eq!(Language::from_tag(tag), language, "{tag:?}");
        }
    }
}
