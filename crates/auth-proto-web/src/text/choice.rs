//! The choice of a table.

use auth_pages::Language;

use super::english::ENGLISH;
use super::german::GERMAN;
use super::table::Texts;

/// The texts in a language.
pub(crate) fn texts(language: Language) -> &'static Texts {
    match language {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_both_languages_with_the_same_places() {
        let places = |text: &str| text.matches("{}").count();
        for ((name, english), (_, german)) in ENGLISH.all().into_iter().zip(GERMAN.all()) {
            assert!(!english.is_empty() && !german.is_empty(), "{name}");
            assert_eq!(places(english), places(german), "{name}");
            assert_eq!(english.trim(), english, "{name}");
            assert_eq!(german.trim(), german, "{name}");
        }
    }

    #[test]
    fn german_texts_are_no_copies_of_the_english_ones() {
        let same = |((name, english), (_, german)): ((&'static str, &str), (_, &str))| {
            (english == german).then_some(name)
        };
        let same: Vec<_> = ENGLISH.all().into_iter().zip(GERMAN.all()).filter_map(same).collect();
        // Names, and words that both languages have.
        assert_eq!(same, ["Front.title", "Front.name", "Account.apps", "Kinds.other", "Zulip.title"]);
    }
}
