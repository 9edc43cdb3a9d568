//! What is wrong with a new password, in words.

use auth_core::PolicyRule;

use crate::text::{Texts, fill};

/// The rules that a password breaks, in words. A password that breaks none of them by name is too easy to guess.
pub(crate) fn in_words(broken: &[PolicyRule], t: &'static Texts) -> Vec<String> {
    if broken.is_empty() {
        return vec![t.rules.guessable.to_owned()];
    }
    let in_words = |rule: &PolicyRule| match rule {
        PolicyRule::MinLength(least) => fill(t.rules.min_length, &[&least.to_string()]),
        PolicyRule::MaxLength(most) => fill(t.rules.max_length, &[&most.to_string()]),
        PolicyRule::MaxRepeats(most) => fill(t.rules.max_repeats, &[&most.to_string()]),
        PolicyRule::Lowercase => t.rules.lowercase.to_owned(),
        PolicyRule::Uppercase => t.rules.uppercase.to_owned(),
        PolicyRule::Number => t.rules.number.to_owned(),
        PolicyRule::Special => t.rules.special.to_owned(),
    };
    broken.iter().map(in_words).collect()
}
