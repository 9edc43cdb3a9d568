//! The engine's configuration, made from the sections of the file.

use auth_engine::PasswordConfig;

use super::{Config, ConfigError};

impl Config {
    /// The engine's configuration.
    ///
    /// # Errors
    /// [`ConfigError`] when a value can't be used, or a secret's file can't be read.
    pub fn engine(&self) -> Result<auth_engine::Config, ConfigError> {
        let is_exact = !self.zulip.exact_points().is_empty() || !self.rocketchat.exact_points().is_empty();
        Ok(auth_engine::Config {
            passwords: PasswordConfig {
                params: self.passwords.params()?,
                strength: self.passwords.strength(),
                failure_delay: self.passwords.failure_grid,
            },
            limits: self.limits.quotas(),
            max_delayed: self.server.max_waiting,
            cached_credentials: self.store.known_credentials,
            outage: self.store.outage.0,
            allow_password_only_with_2fa: self.limits.allow_password_only_with_2fa,
            revoke_on_password_change: self.passwords.revoke_on_password_change.unwrap_or(!is_exact),
            log_names: self.log.names,
            directories: self.ldap.iter().map(|(name, ldap)| (name.clone(), ldap.engine())).collect(),
            zulip: self.zulip.engine()?,
            rocketchat: self.rocketchat.engine()?,
            zettelstore: self.zettelstore.engine(),
        })
    }
}
