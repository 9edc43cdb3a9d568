//! The texts of the pages: one table for each language. Those in English that the real server has are its own, to the letter.

mod english;
mod german;
mod table;

use auth_core::Language;

pub(crate) use table::Texts;

/// The texts in a language.
pub(crate) fn texts(language: Language) -> &'static Texts {
    match language {
        Language::English => &english::ENGLISH,
        Language::German => &german::GERMAN,
    }
}

#[cfg(test)]
mod tests {
    use super::english::ENGLISH;
    use super::german::GERMAN;

    #[test]
    fn every_text_is_there_in_both_languages_with_the_same_places() {
        let places = |text: &str| text.matches("{}").count();
        for ((name, english), (_, german)) in ENGLISH.all().into_iter().zip(GERMAN.all()) {
            assert!(!english.is_empty() && !german.is_empty(), "{name}");
            assert_eq!(places(english), places(german), "{name}");
            assert_eq!((english.trim(), german.trim()), (english, german), "{name}");
            assert_ne!(english, german, "{name}");
        }
    }
}
