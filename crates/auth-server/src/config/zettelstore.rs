//! What is said of the Zettelstore protocol.

use serde::Deserialize;

use super::Span;

/// The Zettelstore protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Zettelstore {
    /// Whether it is open.
    pub enabled: bool,
    /// The realm behind it.
    pub realm: String,
    /// `false`: everybody is let in, as a Zettelstore without an owner does.
    pub authentication: bool,
    /// The form of its answers.
    pub answer: ZettelstoreAnswer,
    /// How long a token lives: up to an hour, and more counts as an hour; with `0s` it ends within the second.
    pub token_lifetime: Span,
    /// What an answer takes; `0s` answers at once.
    pub login_delay: Span,
    /// The path before all of its paths.
    pub url_prefix: String,
    /// The longest body in bytes.
    pub max_request_size: usize,
}

/// The form of the Zettelstore protocol's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ZettelstoreAnswer {
    /// JSON, as up to 0.11.
    #[default]
    Json,
    /// A list, from 0.12 on.
    List,
}
