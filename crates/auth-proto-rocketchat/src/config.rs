//! What an operator sets of this protocol. Limits, lifetimes and account rules are the engine's.

use auth_core::{Exact, PasswordPolicy};

/// The settings of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "plain settings that the server fills in from its configuration"
)]
pub struct Config {
    /// The slug of the realm it serves.
    pub realm: String,
    /// The address clients reach it under, as in `https://chat.example.com`: avatars are below it.
    pub site_url: String,
    /// The Rocket.Chat version it says to be. Strangers are told major and minor alone.
    pub version: String,
    /// Whether lost passwords are set anew by mail.
    pub password_reset: bool,
    /// What `pw.getPolicy` tells clients to ask of new passwords; `None` says that there is no policy.
    pub password_policy: Option<PasswordPolicy>,
    /// In which points it answers as carelessly as Rocket.Chat.
    pub exact: Exact,
}

impl Config {
    /// The version answered by default.
    pub const VERSION: &str = "8.8.0";

    /// The ordinary settings for a realm under an address.
    #[must_use]
    pub fn new(realm: impl Into<String>, site_url: impl Into<String>) -> Self {
        Self {
            realm: realm.into(),
            site_url: site_url.into(),
            version: Self::VERSION.into(),
            password_reset: true,
            password_policy: None,
            exact: Exact::default(),
        }
    }
}
