//! Section `[zettelstore]`: the Zettelstore protocol.

use std::time::Duration;

use http::uri::PathAndQuery;
use serde::{Deserialize, Deserializer};

use super::Span;
use super::value::{positive, slug, text};
use auth_tower::LONGEST_DELAY;

/// The longest life of a token: Zettelstore issues none for more than an hour.
const MAX_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// Section `[zettelstore]`: the Zettelstore protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Zettelstore {
    /// Whether the server speaks the protocol.
    pub enabled: bool,
    /// The slug of the realm whose users log in.
    #[serde(deserialize_with = "slug")]
    pub realm: String,
    /// Whether logins are checked. With `false` every login succeeds, as at a Zettelstore without an owner.
    pub authentication: bool,
    /// The format of responses.
    pub answer: ZettelstoreAnswer,
    /// The life of a token: an hour at most; with `0s` it ends within the second.
    pub token_lifetime: Span,
    /// How long after a login its token can be renewed; then the client logs in anew.
    pub session_lifetime: Span,
    /// The time that a response to a login takes; `0s` answers at once.
    pub login_delay: Span,
    /// The prefix of all paths.
    #[serde(deserialize_with = "url_prefix")]
    pub url_prefix: String,
    /// The longest request body in bytes.
    #[serde(deserialize_with = "positive")]
    pub max_request_size: usize,
}

/// The format of Zettelstore's responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ZettelstoreAnswer {
    /// JSON, as versions up to 0.11 answer.
    #[default]
    Json,
    /// A list, as versions from 0.12 on answer.
    List,
}

impl<'de> Deserialize<'de> for ZettelstoreAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "\"json\" or \"list\"", |text| match text {
            "json" => Some(Self::Json),
            "list" => Some(Self::List),
            _ => None,
        })
    }
}

impl Default for Zettelstore {
    fn default() -> Self {
        Self {
            enabled: true,
            realm: "main".to_owned(),
            authentication: true,
            answer: ZettelstoreAnswer::Json,
            token_lifetime: Span::secs(600),
            session_lifetime: Span::secs(30 * 24 * 3600),
            login_delay: Span(Duration::from_millis(500)),
            url_prefix: "/".to_owned(),
            max_request_size: 16 << 20,
        }
    }
}

impl Zettelstore {
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.token_lifetime.0 > MAX_TOKEN_LIFETIME {
            warnings.push("[zettelstore] token_lifetime: reduced to the longest, an hour".to_owned());
        }
        if self.session_lifetime.0 < self.token_lifetime.0.min(MAX_TOKEN_LIFETIME) {
            warnings.push("[zettelstore] session_lifetime: below token_lifetime".to_owned());
        }
        if self.login_delay.0 > LONGEST_DELAY {
            let most = LONGEST_DELAY.as_secs();
            warnings.push(format!("[zettelstore] login_delay: reduced to the longest, {most} s"));
        }
        if self.enabled && !self.authentication {
            warnings.push("[zettelstore] authentication is off: every login there succeeds".to_owned());
        }
        warnings
    }

    /// The engine's configuration for this protocol.
    pub(super) fn engine(&self) -> auth_engine::ZettelstoreConfig {
        auth_engine::ZettelstoreConfig {
            token_lifetime: self.token_lifetime.0.min(MAX_TOKEN_LIFETIME),
            session_lifetime: self.session_lifetime.0,
            login_delay: self.login_delay.0,
        }
    }
}

/// Reads a path with a slash at both ends.
fn url_prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let is_prefix = |text: &str| {
        text.starts_with('/')
            && text.ends_with('/')
            && text.parse::<PathAndQuery>().is_ok()
            && !text.contains('?')
    };
    let form = "a path that begins and ends with a slash, such as \"/notes/\"";
    text(deserializer, form, |text| is_prefix(text).then(|| text.to_owned()))
}
