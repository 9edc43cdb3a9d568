//! What an operator sets of this door. Limits, lifetimes and account rules are the engine's.

use auth_core::Exact;

/// The settings of the door.
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

/// A password policy as clients are told of it (rocketchat.md 5). The door only tells; the engine checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "plain settings that the server fills in from its configuration"
)]
pub struct PasswordPolicy {
    /// Fewest characters.
    pub min_length: Option<u32>,
    /// Most characters.
    pub max_length: Option<u32>,
    /// How often a character may be repeated in a row.
    pub max_repeats: Option<u32>,
    /// Whether it takes a lower-case letter.
    pub lowercase: bool,
    /// Whether it takes an upper-case letter.
    pub uppercase: bool,
    /// Whether it takes a digit.
    pub number: bool,
    /// Whether it takes a character that is none of these.
    pub special: bool,
}

impl Default for PasswordPolicy {
    /// Rocket.Chat's own (rocketchat.md 5).
    fn default() -> Self {
        Self {
            min_length: Some(14),
            max_length: None,
            max_repeats: Some(3),
            lowercase: true,
            uppercase: true,
            number: true,
            special: true,
        }
    }
}
