//! The languages of other systems' users.

use auth_core::Language;

/// The language of a user of another system, as import lines write it; `None` for one that mails are not written in here.
pub(crate) fn known_language(tag: &str) -> Option<String> {
    Language::from_tag(tag).map(|language| language.tag().to_owned())
}
