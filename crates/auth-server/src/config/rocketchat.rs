//! What the Rocket.Chat protocol's settings come to: its password policy, and the secret of `users.createToken`.

use std::time::Duration;

use auth_core::{PasswordPolicy as Policy, Token};
use serde::{Deserialize, Deserializer};

use super::{ConfigError, RocketChat, files};

/// What new passwords must be made of, beside `[passwords]` and the realm's own rule; clients are told.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PasswordPolicy {
    /// Whether it is asked.
    pub enabled: bool,
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
    /// Rocket.Chat's own rules, not asked.
    fn default() -> Self {
        let Policy { min_length, max_length, max_repeats, lowercase, uppercase, number, special } =
            Policy::default();
        Self { enabled: false, min_length, max_length, max_repeats, lowercase, uppercase, number, special }
    }
}

impl PasswordPolicy {
    /// The policy, where it is asked.
    #[must_use]
    pub fn asked(&self) -> Option<Policy> {
        let Self { enabled, min_length, max_length, max_repeats, lowercase, uppercase, number, special } =
            *self;
        enabled.then_some(Policy {
            min_length,
            max_length,
            max_repeats,
            lowercase,
            uppercase,
            number,
            special,
        })
    }
}

impl RocketChat {
    /// Whether the settings can be used.
    ///
    /// # Errors
    /// [`ConfigError`]: the first thing that is wrong.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.socket_idle.0 < Duration::from_secs(1) {
            return Err(ConfigError::new("[rocketchat] socket_idle must be a second or more"));
        }
        self.create_token_secret().map(drop)
    }

    /// The secret of `users.createToken`, where there is one.
    ///
    /// # Errors
    /// [`ConfigError`] when there are two, it is empty, or its file can't be read.
    pub(super) fn create_token_secret(&self) -> Result<Option<Token>, ConfigError> {
        let at = "[rocketchat] create_token_secret";
        let secret = match (&self.create_token_secret, &self.create_token_secret_file) {
            (None, None) => return Ok(None),
            (Some(secret), None) => secret.clone(),
            (None, Some(path)) => Token::new(files::secret_text(&format!("{at}_file"), path)?.as_str()),
            (Some(_), Some(_)) => {
                return Err(ConfigError(format!("{at}: give it here or in a file, not both")));
            }
        };
        if secret.expose().is_empty() {
            return Err(ConfigError(format!("{at} is empty")));
        }
        Ok(Some(secret))
    }
}

/// A secret in the configuration: never shown.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Token>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Token::new))
}
