//! The language that a browser asks for.

use auth_core::Language;
use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// The language that `Accept-Language` weighs most, of those that there are; the first one of those that weigh the same.
/// `None` where it names none of them.
///
/// ```
/// use auth_core::Language;
/// use auth_pages::asked_for;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("accept-language", "fr, de-AT;q=0.8, en;q=0.5".parse().unwrap());
/// assert_eq!(asked_for(&headers), Some(Language::German));
/// ```
#[must_use]
pub fn asked_for(headers: &HeaderMap) -> Option<Language> {
    let sent = headers.get_all(ACCEPT_LANGUAGE).into_iter().filter_map(|value| value.to_str().ok());
    let mut best = (0.0, None);
    for range in sent.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
        let weight: f32 = weight.unwrap_or_default();
        let language = if tag == "*" { Some(Language::default()) } else { Language::from_tag(tag) };
        if language.is_some() && weight > best.0 && weight <= 1.0 {
            best = (weight, language);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(value: &str) -> Option<Language> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, value.parse().unwrap());
        asked_for(&headers)
    }

    #[test]
    fn heaviest_language_wins() {
        for (value, language) in [
            ("", None),
            ("de", Some(Language::German)),
            ("DE-at", Some(Language::German)),
            ("en-GB,en;q=0.9,de;q=0.8", Some(Language::English)),
            ("de,en", Some(Language::German)),
            ("en;q=0.2, de;q=0.9", Some(Language::German)),
            ("fr", None),
            ("fr, de;q=0.1", Some(Language::German)),
            ("de;q=0", None),
            ("de;q=x", None),
            ("de;q=2", None),
            ("de;q=NaN", None),
            ("*", Some(Language::English)),
            ("den", None),
            (",;,=", None),
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
