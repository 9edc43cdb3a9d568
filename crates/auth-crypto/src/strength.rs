//! Whether a new password is strong enough (zulip.md 6.2). Asked when a password is set, never when it is used,
//! save for the re-hash of an out-of-date record.

use auth_core::{Password, StrengthRule};
use zxcvbn::zxcvbn;

/// Why a password can't be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TooWeak {
    /// It is empty or has fewer characters than this.
    #[error("the password has fewer than {0} characters")]
    TooShort(u32),
    /// It has more than [`Password::MAX_BYTES`].
    #[error("the password has more than {} bytes", Password::MAX_BYTES)]
    TooLong,
    /// By zxcvbn's estimate it is guessed in fewer tries than the rule wants.
    #[error("the password is too easy to guess")]
    TooGuessable,
}

/// Checks a password against a rule. Length counts characters; zxcvbn estimates the guesses of the first 100 of
/// them. `inputs` are words an attacker would try first: name, address.
///
/// # Errors
/// What the password lacks.
pub fn check(rule: StrengthRule, password: &Password, inputs: &[&str]) -> Result<(), TooWeak> {
    let text = password.expose();
    if password.is_too_long() {
        return Err(TooWeak::TooLong);
    }
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
    fn zulips_rule_refuses_what_zulip_refuses() {
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
    fn a_rule_of_zeros_still_wants_a_password_of_sane_length() {
        check_one(0, 0, "a", Ok(()));
        check_one(0, 0, "", Err(TooWeak::TooShort(1)));
        check_one(0, 0, &"x".repeat(Password::MAX_BYTES), Ok(()));
        check_one(0, 0, &"x".repeat(Password::MAX_BYTES + 1), Err(TooWeak::TooLong));
    }

    #[test]
    fn words_of_the_user_count_as_guessed() {
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
