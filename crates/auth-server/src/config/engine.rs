//! The engine's configuration, made from the sections of the file.

use auth_engine::{MailConfig, NoticeConfig, PasswordConfig};

use super::{Config, ConfigError, Mail};

impl Config {
    /// The engine's configuration.
    ///
    /// # Errors
    /// [`ConfigError`] when a value can't be used, or a secret's file can't be read.
    pub fn engine(&self) -> Result<auth_engine::Config, ConfigError> {
        Ok(auth_engine::Config {
            retention: self.log.retention(),
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
            revoke_on_password_change: self.revoke_on_password_change(),
            log_names: self.log.names,
            mail: self.mail_engine(),
            directories: self.ldap.iter().map(|(name, ldap)| (name.clone(), ldap.engine())).collect(),
            zulip: self.zulip.engine()?,
            rocketchat: self.rocketchat_engine()?,
            zettelstore: self.zettelstore.engine(),
        })
    }

    /// What mails are like. Those of a demonstration tell of everything.
    fn mail_engine(&self) -> MailConfig {
        let all = NoticeConfig { changes: true, new_places: true };
        let kept = || MailConfig { notices: all, ..MailConfig::default() };
        let sent = self.mail.as_ref().map(Mail::engine).or_else(|| self.kept_mails.is_some().then(kept));
        let site_name = self.web.name.clone().filter(|_| self.web.is_on());
        MailConfig { site_name, ..sent.unwrap_or_default() }
    }

    /// The rules of Rocket.Chat. Links in mails lead to the pages, where these are on.
    fn rocketchat_engine(&self) -> Result<auth_engine::RocketChatConfig, ConfigError> {
        let engine = self.rocketchat.engine(self.has_mail())?;
        let site_url = self.web.url.clone().unwrap_or(engine.site_url);
        Ok(auth_engine::RocketChatConfig { site_url, ..engine })
    }

    /// Whether a password change revokes keys. An exact Zulip keeps them, as the real one does; what Rocket.Chat is exact in
    /// decides nothing about Zulip's keys.
    fn revoke_on_password_change(&self) -> bool {
        let is_exact = !self.zulip.exact_points().is_empty();
        self.passwords.revoke_on_password_change.unwrap_or(!is_exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_exact_zulip_keeps_keys_through_a_password_change() {
        for (text, revokes) in [
            ("", true),
            ("[zulip]\nexact = true", false),
            ("[zulip]\nexact = [\"limit-by-typed-name\"]", false),
            ("[rocketchat]\nexact = true", true),
            ("[zulip]\nexact = true\n[passwords]\nrevoke_on_password_change = true", true),
            ("[passwords]\nrevoke_on_password_change = false", false),
        ] {
            let config: Config = toml::from_str(text).unwrap();
            assert_eq!(config.engine().unwrap().revoke_on_password_change, revokes, "{text}");
        }
    }
}
