//! What the engine is told of the settings.

use std::collections::BTreeMap;
use std::time::Duration;

use auth_core::{ExactPoint, StrengthRule};
use auth_crypto::assertion::AssertionConfig;
use auth_crypto::jwt::Algorithm;
use auth_engine::{PasswordConfig, RocketChatRules, SharedLimits, ZettelstoreRules, ZulipRules};

use zeroize::Zeroizing;

use super::{Config, ConfigError, Limit, Switch, files};

/// A Zettelstore token lives an hour at most (zettelstore.md 6).
pub(super) const LONGEST_TOKEN: Duration = Duration::from_secs(3600);

impl Config {
    /// What the engine is told.
    ///
    /// # Errors
    /// [`ConfigError`] for parameters that can't be, or a key file that can't be read.
    pub fn engine(&self) -> Result<auth_engine::Config, ConfigError> {
        let (zulip, rocketchat) = (&self.zulip, &self.rocketchat);
        let exact = !zulip.exact.points().is_empty() || !rocketchat.exact.points().is_empty();
        Ok(auth_engine::Config {
            passwords: PasswordConfig {
                params: self.params()?,
                strength: StrengthRule {
                    min_length: self.passwords.min_length,
                    min_guesses: self.passwords.min_guesses,
                },
                failure_grid: self.passwords.failure_grid.0,
            },
            limits: self.shared_limits(),
            max_waiting: self.server.max_waiting,
            known_credentials: self.store.known_credentials,
            outage: self.store.outage.0,
            allow_password_only_with_2fa: self.limits.allow_password_only_with_2fa,
            revoke_on_password_change: self.passwords.revoke_on_password_change.unwrap_or(!exact),
            log_names: self.log.names,
            directories: self.directory_rules(),
            zulip: ZulipRules {
                exact: zulip.exact.points(),
                login_limit: zulip.login_limit.rule(),
                api_limit: zulip.api_limit.rule(),
                assertions: self.assertions()?,
                password_login: zulip.password_login,
                development: zulip.enabled && zulip.development && zulip.development_login,
            },
            rocketchat: RocketChatRules {
                exact: rocketchat.exact.points(),
                api_limit: rocketchat.api_limit.rule(),
                block_by_user: rocketchat.block_by_user.rule(),
                block_by_address: rocketchat.block_by_address.rule(),
                email_verification: rocketchat.email_verification,
                token_lifetime: rocketchat.token_lifetime.0,
                max_tokens: rocketchat.max_tokens,
                email_2fa_auto_opt_in: rocketchat.email_2fa_auto_opt_in,
                mailed_code_lifetime: rocketchat.mailed_code_lifetime.0,
                remember_second_factor: rocketchat.two_factor_remember.0,
                password_fallback: rocketchat.two_factor_password_fallback,
                create_token_secret: rocketchat.create_token_secret()?,
                password_reset: rocketchat.password_reset,
                password_policy: rocketchat.password_policy.asked(),
                site_url: rocketchat.site_url.trim_end_matches('/').to_owned(),
                ..RocketChatRules::default()
            },
            zettelstore: ZettelstoreRules {
                token_lifetime: self.zettelstore.token_lifetime.0.min(LONGEST_TOKEN),
                login_delay: self.zettelstore.login_delay.0,
            },
        })
    }

    /// Whether the shared limits can be used.
    ///
    /// # Errors
    /// [`ConfigError`] for one that is switched off by itself.
    pub(super) fn check_limits(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        for (name, limit) in [
            ("account", limits.account),
            ("network", limits.network),
            ("second_factor", limits.second_factor),
        ] {
            if limit.is_some_and(|limit| limit.rule().is_none()) {
                return Err(ConfigError(format!(
                    "[limits] {name} can't be off by itself: shared = \"off\" is all"
                )));
            }
        }
        Ok(())
    }

    fn shared_limits(&self) -> Option<SharedLimits> {
        let default = SharedLimits::default();
        let or = |given: Option<Limit>, default| given.and_then(Limit::rule).unwrap_or(default);
        (self.limits.shared == Switch::On).then(|| SharedLimits {
            account: or(self.limits.account, default.account),
            network: or(self.limits.network, default.network),
            second_factor: or(self.limits.second_factor, default.second_factor),
        })
    }

    /// The systems whose assertions are believed.
    pub(super) fn assertions(&self) -> Result<BTreeMap<String, AssertionConfig>, ConfigError> {
        let require_exp = !self.zulip.exact.points().has(ExactPoint::AssertionWithoutEnd);
        let mut rules = BTreeMap::new();
        for (realm, jwt) in &self.zulip.jwt {
            let at = format!("[zulip.jwt.{realm}]");
            let key = match (&jwt.key, &jwt.key_file) {
                (Some(key), None) => Zeroizing::new(key.clone().into_bytes()),
                (None, Some(path)) => files::secret(&format!("{at} key_file"), path)?,
                _ => return Err(ConfigError(format!("{at} needs either key or key_file"))),
            };
            if key.is_empty() {
                return Err(ConfigError(format!("{at} the key is empty")));
            }
            let algorithms: Option<Vec<Algorithm>> =
                jwt.algorithms.iter().map(|name| Algorithm::from_name(name)).collect();
            let algorithms = algorithms.filter(|known| !known.is_empty()).ok_or_else(|| {
                ConfigError(format!("{at} algorithms must be some of HS256, HS384 and HS512"))
            })?;
            rules.insert(realm.clone(), AssertionConfig { key, algorithms, require_exp });
        }
        Ok(rules)
    }
}
