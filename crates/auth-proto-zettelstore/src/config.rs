//! What an operator sets for this protocol.

use auth_core::TokenForm;

/// The protocol's settings.
///
/// ```
/// use auth_proto_zettelstore::{AnswerForm, Config};
///
/// let config = Config { answer: AnswerForm::List, ..Config::new("notes") };
/// assert_eq!((config.authentication, config.url_prefix.as_str()), (true, "/"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server builds it, and must not forget a new setting")]
pub struct Config {
    /// The slug of the realm whose users log in here.
    pub realm: String,
    /// Whether anybody has to log in. Without it everybody is given the free access of zettelstore.md 4.
    pub authentication: bool,
    /// How tokens are answered.
    pub answer: AnswerForm,
    /// What comes before `/a` and `/x` in a path. A slash missing at either end is added.
    pub url_prefix: String,
    /// The largest body that is read, in bytes; less than [`Config::LEAST_REQUEST_SIZE`] counts as that much.
    pub max_request_size: usize,
}

impl Config {
    /// The smallest limit that can be set for bodies, in bytes (zettelstore.md 7).
    pub const LEAST_REQUEST_SIZE: usize = 1024;

    /// Zettelstore's own settings, for the users of one realm: authentication on, JSON answers, no prefix,
    /// bodies up to 16 MiB.
    #[must_use]
    pub fn new(realm: impl Into<String>) -> Self {
        Self {
            realm: realm.into(),
            authentication: true,
            answer: AnswerForm::Json,
            url_prefix: "/".to_owned(),
            max_request_size: 16 << 20,
        }
    }

    /// The prefix without its last slash: empty, or `/` and something.
    pub(crate) fn base_path(&self) -> String {
        match self.url_prefix.trim_matches('/') {
            "" => String::new(),
            name => format!("/{name}"),
        }
    }
}

/// How tokens are answered, and which tokens (zettelstore.md 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the system changed once, from one to the other")]
pub enum AnswerForm {
    /// A JSON object with a JSON web token, as up to 0.11.
    #[default]
    Json,
    /// A list with a signed list, as from 0.13 on.
    List,
}

impl AnswerForm {
    /// The form of the tokens that go with it.
    #[must_use]
    pub fn token_form(self) -> TokenForm {
        match self {
            Self::Json => TokenForm::Jwt,
            Self::List => TokenForm::List,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_gets_its_slashes() {
        for (set, base) in
            [("/", ""), ("", ""), ("//", ""), ("/pfx/", "/pfx"), ("pfx", "/pfx"), ("/a/b/", "/a/b")]
        {
            let config = Config { url_prefix: set.to_owned(), ..Config::new("notes") };
            assert_eq!(config.base_path(), base, "{set:?}");
        }
    }
}
