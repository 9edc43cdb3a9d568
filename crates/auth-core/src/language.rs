//! The languages in which people are addressed.

/// A language of pages and mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Language {
    /// English, also where nobody says which.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language's tag (BCP 47): its primary subtag alone.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The language of a tag, by its primary subtag in upper or lower case; `None` for one that there is not.
    ///
    /// ```
    /// use auth_core::Language;
    ///
    /// assert_eq!(Language::from_tag("de-AT"), Some(Language::German));
    /// assert_eq!(Language::from_tag("fr"), None);
    /// ```
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
    fn tags_read_back_and_others_are_none() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
        for (tag, language) in [
            ("EN", Some(Language::English)),
            ("en-GB", Some(Language::English)),
            ("en_US", Some(Language::English)),
            ("de-formal", Some(Language::German)),
            ("De-Latn-CH", Some(Language::German)),
            ("", None),
            ("-de", None),
            ("deu", None),
            ("den", None),
            ("d", None),
            ("x-de", None),
            ("zh-Hans", None),
        ] {
            assert_eq!(Language::from_tag(tag), language, "{tag:?}");
        }
    }
}
