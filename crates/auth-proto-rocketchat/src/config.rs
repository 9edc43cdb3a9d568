//! The operator's configuration of the protocol. Limits, lifetimes and account rules belong to the engine.

use auth_core::{Exact, PasswordPolicy};

/// The configuration of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "plain values that the server reads from its configuration file"
)]
pub struct Config {
    /// The slug of the realm that the protocol serves.
    pub realm: String,
    /// The address under which clients reach the server, without a slash at the end, such as
    /// `https://chat.example.com`. Avatar addresses begin with it.
    pub site_url: String,
    /// The version of Rocket.Chat that the server claims to be. Only administrators are told the patch level.
    pub version: String,
    /// The random name of this installation, which stays the same. Apps keep what they know of a server under it.
    pub unique_id: String,
    /// The origins of pages whose calls pass a preflight, such as `https://app.example.com`; `*` for every origin. None
    /// refuses every preflight, which is Rocket.Chat's default.
    pub allowed_origins: Vec<String>,
    /// Whether accounts with an unverified address are refused.
    pub email_verification: bool,
    /// Whether clients are told that lost passwords can be reset by mail.
    pub password_reset: bool,
    /// The policy that `pw.getPolicy` shows to clients; `None` tells them that there is no policy.
    pub password_policy: Option<PasswordPolicy>,
    /// The points of [`EXACT_POINTS`](crate::exact::EXACT_POINTS) that are switched on.
    pub exact: Exact,
}

impl Config {
    /// The default of [`Config::version`].
    pub const VERSION: &str = "8.8.0";

    /// Makes the default configuration for a realm's slug and a site's address.
    #[must_use]
    pub fn new(realm: impl Into<String>, site_url: impl Into<String>) -> Self {
        Self {
            realm: realm.into(),
            site_url: site_url.into(),
            version: Self::VERSION.into(),
            unique_id: String::new(),
            allowed_origins: Vec::new(),
            email_verification: false,
            password_reset: true,
            password_policy: None,
            exact: Exact::default(),
        }
    }
}
