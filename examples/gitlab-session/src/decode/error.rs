//! The error of decoding.

use std::fmt;

/// Why the parameters of a call can't be used. The text is the one that GitLab answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "answers name every way in which parameters are bad")]
pub enum DecodeError {
    /// The body is not in the format that its type says.
    Malformed,
    /// This parameter is of a type that is no text.
    Invalid(&'static str),
    /// Required parameters are missing.
    Missing {
        /// Whether `password` is missing.
        password: bool,
        /// Whether both `login` and `email` are missing.
        name: bool,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("message body does not match declared format"),
            Self::Invalid(parameter) => write!(f, "{parameter} is invalid"),
            Self::Missing { password, name } => {
                let texts = [
                    (*password, "password is missing"),
                    (*name, "login, email are missing, at least one parameter must be provided"),
                ];
                let missing = texts.iter().filter(|(is_missing, _)| *is_missing).map(|(_, text)| *text);
                f.write_str(&missing.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl std::error::Error for DecodeError {}
