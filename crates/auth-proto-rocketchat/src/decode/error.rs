//! The error of every decoder.

use std::borrow::Cow;
use std::fmt;

/// Why a body does not hold what a call takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "Rocket.Chat either passes a body over or names what is wrong with it"
)]
pub enum DecodeError {
    /// The body holds no form of login that this server knows. Clients are told that the password is wrong.
    Unrecognised,
    /// A value is missing or of the wrong type; the text says which, in the words of Rocket.Chat's validator.
    IllTyped(Cow<'static, str>),
}

impl DecodeError {
    pub(super) fn ill_typed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::IllTyped(reason.into())
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::ill_typed(format!("must have required property '{name}'"))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unrecognised => f.write_str("the body holds no known form of login"),
            Self::IllTyped(reason) => write!(f, "ill-typed body: {reason}"),
        }
    }
}

impl std::error::Error for DecodeError {}
