//! The claims of a token.

use auth_core::Timestamp;

/// The claims of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Claims {
    /// What the token is valid for.
    pub kind: TokenKind,
    /// The user name.
    pub user: String,
    /// The id of the user zettel, of at most 14 digits.
    pub zid: u64,
    /// The time of issue, in whole seconds. The epoch for a token that doesn't state it.
    pub issued: Timestamp,
    /// The last second in which the token is valid.
    pub expires: Timestamp,
}

/// What a token is valid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Zettelstore knows two")]
pub enum TokenKind {
    /// Requests to the API. Zettelstore's number is 1.
    Api,
    /// The web pages, where the token is in a cookie. Zettelstore's number is 2.
    WebPages,
}

impl TokenKind {
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Api => 1,
            Self::WebPages => 2,
        }
    }

    pub(super) fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Api),
            2 => Some(Self::WebPages),
            _ => None,
        }
    }
}

/// Parses the id of a zettel: one to fourteen digits.
pub(super) fn parse_zettel_id(digits: &str) -> Option<u64> {
    let plain = (1..=14).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}
