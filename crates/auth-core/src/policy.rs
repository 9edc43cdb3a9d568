//! Rocket.Chat's password policy.

use std::fmt;

use crate::Password;

/// The rules that a new password must keep. A stored password is never judged by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "plain settings that the server fills in from its configuration"
)]
pub struct PasswordPolicy {
    /// Fewest characters.
    pub min_length: Option<u32>,
    /// Most characters.
    pub max_length: Option<u32>,
    /// How often a character may be repeated in a row.
    pub max_repeats: Option<u32>,
    /// Whether a lower-case letter is required.
    pub lowercase: bool,
    /// Whether an upper-case letter is required.
    pub uppercase: bool,
    /// Whether a digit is required.
    pub number: bool,
    /// Whether a password needs a character other than lower-case letters, upper-case letters and digits.
    pub special: bool,
}

impl Default for PasswordPolicy {
    /// Rocket.Chat's own.
    fn default() -> Self {
        Self {
            min_length: Some(14),
            max_length: None,
            max_repeats: Some(3),
            lowercase: true,
            uppercase: true,
            number: true,
            special: true,
        }
    }
}

/// A rule of a policy that a password breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a rule for each setting of the policy")]
pub enum PolicyRule {
    /// The password has fewer characters than this.
    MinLength(u32),
    /// The password has more characters than this.
    MaxLength(u32),
    /// A character is repeated in a row more often than this.
    MaxRepeats(u32),
    /// The password has no lower-case letter.
    Lowercase,
    /// The password has no upper-case letter.
    Uppercase,
    /// The password has no digit.
    Number,
    /// The password has only lower-case letters, upper-case letters and digits.
    Special,
}

impl fmt::Display for PolicyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinLength(least) => write!(f, "fewer than {least} characters"),
            Self::MaxLength(most) => write!(f, "more than {most} characters"),
            Self::MaxRepeats(most) => write!(f, "a character more than {most} times in a row"),
            Self::Lowercase => f.write_str("no lower-case letter"),
            Self::Uppercase => f.write_str("no upper-case letter"),
            Self::Number => f.write_str("no digit"),
            Self::Special => f.write_str("no special character"),
        }
    }
}

impl PasswordPolicy {
    /// The rules that a password breaks, in the order of the settings.
    ///
    /// ```
    /// use auth_core::{Password, PasswordPolicy, PolicyRule};
    /// let broken = PasswordPolicy::default().broken_by(&Password::new("Aaaaa1"));
    /// assert_eq!(broken, [PolicyRule::MinLength(14), PolicyRule::MaxRepeats(3), PolicyRule::Special]);
    /// ```
    #[must_use]
    pub fn broken_by(&self, password: &Password) -> Vec<PolicyRule> {
        let text = password.expose();
        let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let has = |is: fn(char) -> bool| text.chars().any(is);
        let is_special = |c: char| !(c.is_lowercase() || c.is_uppercase() || c.is_numeric());
        let asked = |asked: bool, kept: bool, rule| (asked && !kept).then_some(rule);
        [
            self.min_length.filter(|least| length < *least).map(PolicyRule::MinLength),
            self.max_length.filter(|most| length > *most).map(PolicyRule::MaxLength),
            self.max_repeats.filter(|most| longest_run(text) > *most).map(PolicyRule::MaxRepeats),
            asked(self.lowercase, has(char::is_lowercase), PolicyRule::Lowercase),
            asked(self.uppercase, has(char::is_uppercase), PolicyRule::Uppercase),
            asked(self.number, has(char::is_numeric), PolicyRule::Number),
            asked(self.special, has(is_special), PolicyRule::Special),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The length of the longest run of one character.
fn longest_run(text: &str) -> u32 {
    let (mut longest, mut row, mut before) = (0, 0, None);
    for character in text.chars() {
        row = if before == Some(character) { row + 1 } else { 1 };
        (longest, before) = (longest.max(row), Some(character));
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_named_when_it_is_broken() {
        use PolicyRule::{Lowercase, MaxLength, MaxRepeats, MinLength, Number, Special, Uppercase};
        let policy = PasswordPolicy { min_length: Some(6), max_length: Some(8), ..PasswordPolicy::default() };
        for (password, broken) in [
            ("Abcd1-", &[][..]),
            ("Äbçd1 ", &[]),
            ("aaa1-A", &[]),
            ("aaaa1-A", &[MaxRepeats(3)]),
            ("Ab1-", &[MinLength(6)]),
            ("Abcdefg1-", &[MaxLength(8)]),
            ("ABCD1-", &[Lowercase]),
            ("abcd1-", &[Uppercase]),
            ("Abcde-", &[Number]),
            ("Abcde1", &[Special]),
            ("", &[MinLength(6), Lowercase, Uppercase, Number, Special]),
        ] {
            assert_eq!(policy.broken_by(&Password::new(password)), broken, "{password:?}");
        }
        let none = PasswordPolicy {
            min_length: None,
            max_length: None,
            max_repeats: None,
            lowercase: false,
            uppercase: false,
            number: false,
            special: false,
        };
        assert_eq!(none.broken_by(&Password::new("")), []);
    }
}
