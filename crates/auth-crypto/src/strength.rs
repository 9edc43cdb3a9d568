//! Checks whether a new password is strong enough, by Zulip's rules: a minimum length, and a minimum number of guesses
//! by zxcvbn's estimate.
//!
//! A password is checked when it is set, not when it is used. The exception is Zulip's: a weak password is not hashed
//! again when its record is out of date.
//!
//! # Examples
//!
//! ```
//! use auth_core::{Password, StrengthRule};
//! use auth_crypto::strength::{self, TooWeak};
//!
//! let rule = StrengthRule { min_length: 6, min_guesses: 10_000 };
//! let check = |password| strength::check(rule, &Password::new(password), &["iago"]);
//! assert_eq!(check("iago"), Err(TooWeak::TooShort(6)));
//! assert_eq!(check("password"), Err(TooWeak::TooGuessable));
//! assert_eq!(check("correct-horse-battery"), Ok(()));
//! ```

use auth_core::{Password, StrengthRule};
use zxcvbn::zxcvbn;

/// Why a password is too weak to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TooWeak {
    /// The password has fewer than this number of characters, which is at least 1.
    #[error("the password has fewer than {0} characters")]
    TooShort(u32),
    /// By zxcvbn's estimate, the password is guessed in fewer attempts than the rule demands.
    #[error("the password is too easy to guess")]
    TooGuessable,
}

/// Checks a password against a rule.
///
/// The length is counted in characters. zxcvbn estimates the guesses for the first 100 characters. `inputs` are words
/// that an attacker would try first, such as the user's name and address. The caller refuses passwords that are longer
/// than [`Password::MAX_BYTES`].
///
/// # Errors
/// [`TooWeak`] with the first requirement that the password doesn't meet.
pub fn check(rule: StrengthRule, password: &Password, inputs: &[&str]) -> Result<(), TooWeak> {
    let text = password.expose();
    let min_length = rule.min_length.max(1);
    if text.chars().count() < usize::try_from(min_length).unwrap_or(usize::MAX) {
        return Err(TooWeak::TooShort(min_length));
    }
    if rule.min_guesses > 0 && zxcvbn(text, inputs).guesses() < rule.min_guesses {
        return Err(TooWeak::TooGuessable);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(min_length: u32, min_guesses: u64, text: &str, expected: Result<(), TooWeak>) {
        let rule = StrengthRule { min_length, min_guesses };
        assert_eq!(check(rule, &Password::new(text), &[]), expected, "{text:?} {rule:?}");
    }

    #[test]
    fn zulips_rule_refuses_the_passwords_that_zulip_refuses() {
        let weak = Err(TooWeak::TooGuessable);
        for (text, expected) in [
            ("", Err(TooWeak::TooShort(6))),
            ("short", Err(TooWeak::TooShort(6))),
            ("pässw", Err(TooWeak::TooShort(6))),
            ("password", weak),
            ("abcd1234", weak),
            ("longer", weak),
            ("Pa$$w0rd!", Ok(())),
            ("testpassword", Ok(())),
            ("f657gdGGk9", Ok(())),
            ("correct-horse-battery-9876", Ok(())),
        ] {
            check_one(6, 10_000, text, expected);
        }
    }

    #[test]
    fn a_rule_of_zeros_still_refuses_empty_passwords() {
        check_one(0, 0, "a", Ok(()));
        check_one(0, 0, "", Err(TooWeak::TooShort(1)));
    }

    #[test]
    fn words_of_the_user_are_easy_to_guess() {
        let rule = StrengthRule { min_length: 6, min_guesses: 10_000 };
        let password = Password::new("prospero.mixed");
        assert_eq!(check(rule, &password, &[]), Ok(()));
        assert_eq!(check(rule, &password, &["prospero.mixed"]), Err(TooWeak::TooGuessable));
    }

    #[test]
    fn length_counts_characters_and_not_bytes() {
        check_one(4, 0, "日本語", Err(TooWeak::TooShort(4)));
        check_one(3, 0, "日本語", Ok(()));
    }
}
