//! The language that a browser asks for.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each language has a table of texts")]
pub enum Language {
    /// English, also for whoever asks for a language that there is not.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// The language that `Accept-Language` weighs most; the first one of those that weigh the same.
    ///
    /// ```
    /// use auth_pages::Language;
    ///
    /// let mut headers = http::HeaderMap::new();
    /// headers.insert("accept-language", "fr, de-AT;q=0.8, en;q=0.5".parse().unwrap());
    /// assert_eq!(Language::of(&headers), Language::German);
    /// ```
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get_all(ACCEPT_LANGUAGE).into_iter().filter_map(|value| value.to_str().ok());
        let mut best = (0.0, Self::default());
        for range in sent.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
            let weight: f32 = weight.unwrap_or_default();
            let primary = tag.split('-').next().unwrap_or_default();
            let language = match primary.to_ascii_lowercase().as_str() {
                "en" | "*" => Self::English,
                "de" => Self::German,
                _ => continue,
            };
            if weight > best.0 && weight <= 1.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(value: &str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, value.parse().unwrap());
        Language::of(&headers)
    }

    #[test]
    fn heaviest_language_wins_and_english_is_the_rest() {
        for (value, language) in [
            ("", Language::English),
            ("de", Language::German),
            ("DE-at", Language::German),
            ("en-GB,en;q=0.9,de;q=0.8", Language::English),
            ("de,en", Language::German),
            ("en;q=0.2, de;q=0.9", Language::German),
            ("fr", Language::English),
            ("fr, de;q=0.1", Language::German),
            ("de;q=0", Language::English),
            ("de;q=x", Language::English),
            ("de;q=2", Language::English),
            ("de;q=NaN", Language::English),
            ("*", Language::English),
            ("den", Language::English),
            (",;,=", Language::English),
        ] {
            assert_eq!(of(value), language, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(value in "[ -~]{0,60}") {
            let _ = of(&value);
        }
    }
}
