//! The operator's configuration of the protocol.

use auth_core::TokenForm;

/// The protocol's configuration.
///
/// ```
/// use auth_proto_zettelstore::{AnswerForm, Config};
///
/// let config = Config { answer: AnswerForm::List, ..Config::new("notes") };
/// assert_eq!((config.authentication, config.url_prefix.as_str()), (true, "/"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server builds it, and must not forget a new key")]
pub struct Config {
    /// The slug of the realm whose users log in here.
    pub realm: String,
    /// Whether users have to log in. Without authentication, every client is given free access.
    pub authentication: bool,
    /// The form in which tokens are answered.
    pub answer: AnswerForm,
    /// The part of a path before `/a` and `/x`. A missing slash at either end is added.
    pub url_prefix: String,
    /// The largest body that is read, in bytes. Values below [`Config::LEAST_REQUEST_SIZE`] count as that size.
    pub max_request_size: usize,
}

impl Config {
    /// The smallest limit for bodies that takes effect, in bytes.
    pub const LEAST_REQUEST_SIZE: usize = 1024;

    /// Zettelstore's defaults for the users of one realm: authentication on, JSON answers, no prefix, bodies of up
    /// to 16 MiB.
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

    /// The prefix without its last slash: empty, or a slash and a name.
    pub(crate) fn base_path(&self) -> String {
        match self.url_prefix.trim_matches('/') {
            "" => String::new(),
            name => format!("/{name}"),
        }
    }

    /// The largest body that is read, in bytes.
    pub(crate) fn body_limit(&self) -> usize {
        self.max_request_size.max(Self::LEAST_REQUEST_SIZE)
    }
}

/// The form in which tokens are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Zettelstore changed once, from one form to the other")]
pub enum AnswerForm {
    /// A JSON object with a JSON Web Token, as up to Zettelstore 0.11.
    #[default]
    Json,
    /// A list with a signed list, as from Zettelstore 0.13 on.
    List,
}

impl AnswerForm {
    /// The form of the tokens that such an answer holds.
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
