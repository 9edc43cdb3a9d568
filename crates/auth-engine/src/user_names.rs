//! User names that are chosen here: which texts can be one, and which would suit a person.

use unicode_normalization::UnicodeNormalization;

/// The longest name that is suggested, in characters.
const LONGEST: usize = 40;

/// The names by which Rocket.Chat mentions everybody in a room, or everybody who is there.
const MENTIONS: [&str; 2] = ["all", "here"];

/// The name of a person of whom nothing gives a better one.
const LAST_RESORT: &str = "user";

/// Whether a text can be a user name by Rocket.Chat's rule: letters and digits of ASCII, dots, hyphens and low lines, and
/// no name that means everybody.
#[must_use]
pub fn is_user_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=LONGEST * 2).contains(&name.len())
        && name.bytes().all(is_plain)
        && !MENTIONS.iter().any(|mention| name.eq_ignore_ascii_case(mention))
}

/// User names for a person, the best first, without end: made of the full name, then of the address, then numbered.
///
/// ```
/// let names = auth_engine::user_names("Désirée Roe", Some("roe@example.org"));
/// assert!(names.take(5).eq(["desiree.roe", "droe", "desireer", "roe", "desiree.roe-1"]));
/// ```
pub fn user_names(full_name: &str, address: Option<&str>) -> impl Iterator<Item = String> + use<> {
    let words: Vec<String> =
        full_name.split_whitespace().map(plain).filter(|word| !word.is_empty()).collect();
    let mut names = vec![words.join(".")];
    if let [first, .., last] = &words[..] {
        let initial = |word: &str| word.chars().take(1).collect::<String>();
        names.push(initial(first) + last);
        names.push(format!("{first}{}", initial(last)));
    }
    names.extend(address.and_then(|address| address.rsplit_once('@')).map(|(local, _)| plain(local)));
    for name in &mut names {
        name.truncate(LONGEST);
    }
    names.retain(|name| is_user_name(name));
    let numbered = names.first().cloned().unwrap_or_else(|| LAST_RESORT.to_owned());
    names.into_iter().chain((1_u64..).map(move |number| format!("{numbered}-{number}")))
}

/// A text without what no user name has: in lower case, and accents apart from their letters.
fn plain(text: &str) -> String {
    let letters = text.nfkd().filter(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(*letter));
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_made_of_what_is_known_of_a_person() {
        for (full_name, address, expected) in [
            ("Ada Lovelace", None, ["ada.lovelace", "alovelace", "adal"]),
            ("Ada", Some("countess@example.org"), ["ada", "countess", "ada-1"]),
            ("", Some("a+b.c@example.org"), ["ab.c", "ab.c-1", "ab.c-2"]),
            ("阿达", None, ["user-1", "user-2", "user-3"]),
            ("All", Some("here@example.org"), ["user-1", "user-2", "user-3"]),
            ("  ", Some("no address"), ["user-1", "user-2", "user-3"]),
        ] {
            assert!(user_names(full_name, address).take(3).eq(expected), "{full_name} {address:?}");
        }
    }

    #[test]
    fn only_rocketchats_letters_make_a_user_name() {
        for name in ["ada", "Ada-1", "a_b.c", "7", &"x".repeat(80)] {
            assert!(is_user_name(name), "{name}");
        }
        for name in ["", "a b", "ada@example.org", "adä", "a\u{200b}", "all", "HERE", &"x".repeat(81)] {
            assert!(!is_user_name(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_suggestion_can_be_a_user_name(full_name in ".{0,60}", address in ".{0,60}") {
            for name in user_names(&full_name, Some(&address)).take(8) {
                prop_assert!(is_user_name(&name), "{name}");
            }
        }
    }
}
