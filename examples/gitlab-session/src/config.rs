//! The operator's configuration of the protocol.

use std::time::Duration;

use auth_core::{Exact, Quota};

/// The configuration of the protocol and of its rules.
///
/// ```
/// use auth_core::Exact;
/// use gitlab_session::{Config, exact};
///
/// let config = Config { exact: Exact::only([exact::BLOCKED_BEFORE_PASSWORD]), ..Config::new("main") };
/// assert_eq!((config.realm.as_str(), config.max_tokens), ("main", 50));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "servers build it, and must not forget a new key")]
pub struct Config {
    /// The slug of the realm whose users log in here.
    pub realm: String,
    /// The exact points that are switched on.
    pub exact: Exact,
    /// How long a token lives.
    pub token_lifetime: Duration,
    /// How many tokens a user has at most: the oldest makes room.
    pub max_tokens: u32,
    /// Failed attempts per account and client key.
    pub login_limit: Option<Quota>,
}

impl Config {
    /// The configuration for the users of one realm: no exact point, 50 tokens of 90 days, and ten failed attempts in ten
    /// minutes, as GitLab locks accounts.
    #[must_use]
    pub fn new(realm: impl Into<String>) -> Self {
        Self {
            realm: realm.into(),
            exact: Exact::default(),
            token_lifetime: Duration::from_secs(90 * 24 * 3600),
            max_tokens: 50,
            login_limit: Some(Quota { attempts: 10, window: Duration::from_secs(600) }),
        }
    }
}
