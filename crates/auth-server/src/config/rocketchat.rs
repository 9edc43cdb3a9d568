//! Section `[rocketchat]`: the Rocket.Chat protocol.

use std::time::Duration;

use auth_core::{Exact, Token, is_this_machine};
use auth_proto_rocketchat::EXACT_POINTS;
use http::Uri;
use serde::{Deserialize, Deserializer};

use super::files::{self, SecretFile};
use super::value::{is_host, no_point, positive, positive_span, slug, text};
use super::{ConfigError, ExactPoints, Limit, Span};

/// Section `[rocketchat]`: the Rocket.Chat protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RocketChat {
    /// Whether the server speaks the protocol.
    pub enabled: bool,
    /// The points in which the server does as the real Rocket.Chat does, although that is less safe.
    pub exact: ExactPoints,
    /// The slug of the realm whose users log in.
    #[serde(deserialize_with = "slug")]
    pub realm: String,
    /// The URL that clients reach the server by, without a slash at the end: one in the file is dropped.
    #[serde(deserialize_with = "site_url")]
    pub site_url: String,
    /// The version of Rocket.Chat that clients are told. Official apps refuse servers whose version is older than about six
    /// months.
    pub version: String,
    /// The origins of pages that may call from a browser, such as `https://app.example.com`; `*` for every page.
    pub allowed_origins: Vec<String>,
    /// Calls per client key and route.
    pub api_limit: Limit,
    /// Failed attempts per account.
    pub block_by_user: Limit,
    /// Failed attempts per client key.
    pub block_by_address: Limit,
    /// Whether new users with a verified address are asked for a mailed code.
    pub email_2fa_auto_opt_in: bool,
    /// Whether accounts with an unverified address are refused.
    pub email_verification: bool,
    /// The life of a login token.
    #[serde(deserialize_with = "positive_span")]
    pub token_lifetime: Span,
    /// The most login tokens of a user.
    #[serde(deserialize_with = "positive")]
    pub max_tokens: u32,
    /// The life of a mailed code.
    #[serde(deserialize_with = "positive_span")]
    pub mailed_code_lifetime: Span,
    /// How long a second factor is remembered, and how long new accounts need none; `0s` switches both off.
    pub two_factor_remember: Span,
    /// Whether users without a second factor must enter their password again for changes of their account.
    pub two_factor_password_fallback: bool,
    /// The secret that `users.createToken` asks for; without a secret no tokens are created in this way.
    #[serde(deserialize_with = "secret")]
    pub create_token_secret: Option<Token>,
    /// A file that holds the secret in place of `create_token_secret`.
    pub create_token_secret_file: Option<SecretFile>,
    /// Whether users reset lost passwords by mail, where the server sends mail.
    pub password_reset: bool,
    /// The policy of new passwords.
    pub password_policy: PasswordPolicy,
    /// The most sockets per client key on which no user is logged in.
    #[serde(deserialize_with = "positive")]
    pub max_sockets_per_network: u32,
    /// How long a client may be silent on its socket.
    pub socket_idle: Span,
    /// Login attempts per socket.
    pub socket_login_limit: Limit,
    /// The longest message on a socket in bytes.
    #[serde(deserialize_with = "positive")]
    pub max_socket_message: usize,
}

/// Section `[rocketchat.password_policy]`: what new passwords must contain, in addition to `[passwords]` and the realm's
/// own rule. Clients are told the policy.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PasswordPolicy {
    /// Whether there is a policy.
    pub enabled: bool,
    /// The fewest characters.
    pub min_length: Option<u32>,
    /// The most characters.
    pub max_length: Option<u32>,
    /// The most times that a character is repeated in a row.
    pub max_repeats: Option<u32>,
    /// Whether a password needs a lower-case letter.
    pub lowercase: bool,
    /// Whether a password needs an upper-case letter.
    pub uppercase: bool,
    /// Whether a password needs a digit.
    pub number: bool,
    /// Whether a password needs a character that is neither a letter nor a digit.
    pub special: bool,
}

impl Default for RocketChat {
    /// The engine's defaults, and those of the server's own keys.
    fn default() -> Self {
        let engine = auth_engine::RocketChatConfig::default();
        Self {
            enabled: true,
            exact: ExactPoints::default(),
            realm: "main".to_owned(),
            site_url: "http://localhost:8080".to_owned(),
            version: auth_proto_rocketchat::Config::VERSION.to_owned(),
            allowed_origins: Vec::new(),
            api_limit: engine.api_limit.into(),
            block_by_user: engine.block_by_user.into(),
            block_by_address: engine.block_by_address.into(),
            email_2fa_auto_opt_in: engine.email_2fa_auto_opt_in,
            email_verification: engine.email_verification,
            token_lifetime: Span(engine.token_lifetime),
            max_tokens: engine.max_tokens,
            mailed_code_lifetime: Span(engine.mailed_code_lifetime),
            two_factor_remember: Span(engine.remember_second_factor),
            two_factor_password_fallback: engine.password_fallback,
            create_token_secret: engine.create_token_secret,
            create_token_secret_file: None,
            password_reset: engine.password_reset,
            password_policy: PasswordPolicy::default(),
            max_sockets_per_network: 20,
            socket_idle: Span::secs(60),
            socket_login_limit: Limit::per(5, 10),
            max_socket_message: 64 << 10,
        }
    }
}

impl Default for PasswordPolicy {
    /// Rocket.Chat's own defaults, switched off.
    fn default() -> Self {
        let auth_core::PasswordPolicy {
            min_length,
            max_length,
            max_repeats,
            lowercase,
            uppercase,
            number,
            special,
        } = auth_core::PasswordPolicy::default();
        Self { enabled: false, min_length, max_length, max_repeats, lowercase, uppercase, number, special }
    }
}

impl RocketChat {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(name) = self.exact.unknown(&EXACT_POINTS) {
            return Err(no_point("[rocketchat]", name, &EXACT_POINTS));
        }
        if !is_version(&self.version) {
            return Err(ConfigError::new(format!(
                "[rocketchat] version `{}` is none: write it as Rocket.Chat does, such as \"{}\"",
                self.version.escape_debug(),
                auth_proto_rocketchat::Config::VERSION
            )));
        }
        if let Some(origin) = self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(ConfigError::new(format!(
                "[rocketchat] allowed_origins `{}` is no origin: write scheme and host, such as \"https://app.example.com\", \
                 or \"*\"",
                origin.escape_debug()
            )));
        }
        if self.socket_idle.0 < Duration::from_secs(1) {
            return Err(ConfigError::new("[rocketchat] socket_idle must be at least one second"));
        }
        let PasswordPolicy { min_length, max_length, .. } = self.password_policy;
        if min_length.zip(max_length).is_some_and(|(min, max)| min > max) {
            return Err(ConfigError::new("[rocketchat.password_policy] min_length is above max_length"));
        }
        self.create_token_secret().map(drop)
    }

    /// Warnings; `has_mail` is whether the server sends mail.
    pub(super) fn warnings(&self, has_mail: bool) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.exact_points().is_empty() {
            let text =
                "[rocketchat] exact: the server is only as safe as the real Rocket.Chat, see docs/exact.md";
            warnings.push(text.to_owned());
        }
        if self.enabled && self.email_2fa_auto_opt_in && !has_mail {
            let text = "[rocketchat] email_2fa_auto_opt_in asks for mailed codes, but there is no [mail] to send them";
            warnings.push(text.to_owned());
        }
        let leads_here =
            self.site_url.parse::<Uri>().is_ok_and(|url| url.host().is_some_and(is_this_machine));
        if self.enabled && has_mail && leads_here {
            let text = "[rocketchat] site_url: mails will lead their readers to their own machines; set the address that \
                        clients reach the server by";
            warnings.push(text.to_owned());
        }
        if self.enabled && self.email_verification && !has_mail {
            let text = "[rocketchat] email_verification refuses accounts until a mailed link is opened, but there is no [mail] \
                        to send it: `auth-server user verify-email` takes addresses for verified";
            warnings.push(text.to_owned());
        }
        warnings
    }

    /// Whether users reset lost passwords by mail; `has_mail` is whether the server sends mail.
    pub(crate) fn offers_password_reset(&self, has_mail: bool) -> bool {
        self.password_reset && has_mail
    }

    /// The exact points that are switched on.
    pub(crate) fn exact_points(&self) -> Exact {
        self.exact.of(&EXACT_POINTS)
    }

    /// The engine's configuration for this protocol; `has_mail` is whether the server sends mail.
    ///
    /// # Errors
    /// [`ConfigError`] when the secret of `users.createToken` can't be read.
    pub(super) fn engine(&self, has_mail: bool) -> Result<auth_engine::RocketChatConfig, ConfigError> {
        Ok(auth_engine::RocketChatConfig {
            exact: self.exact_points(),
            api_limit: self.api_limit.quota(),
            block_by_user: self.block_by_user.quota(),
            block_by_address: self.block_by_address.quota(),
            email_verification: self.email_verification,
            token_lifetime: self.token_lifetime.0,
            max_tokens: self.max_tokens,
            email_2fa_auto_opt_in: self.email_2fa_auto_opt_in,
            mailed_code_lifetime: self.mailed_code_lifetime.0,
            remember_second_factor: self.two_factor_remember.0,
            password_fallback: self.two_factor_password_fallback,
            create_token_secret: self.create_token_secret()?,
            password_reset: self.offers_password_reset(has_mail),
            password_policy: self.password_policy.enabled(),
            site_url: self.site_url.clone(),
            ..auth_engine::RocketChatConfig::default()
        })
    }

    /// The secret of `users.createToken`.
    ///
    /// # Errors
    /// [`ConfigError`] when both keys are set, the secret is empty, or its file can't be read.
    fn create_token_secret(&self) -> Result<Option<Token>, ConfigError> {
        let given = self.create_token_secret.as_ref().map(Token::expose);
        let file = self.create_token_secret_file.as_ref();
        let secret = files::secret("[rocketchat]", "create_token_secret", given, file)?;
        if secret.as_ref().is_some_and(|secret| secret.is_empty()) {
            return Err(ConfigError::new("[rocketchat] create_token_secret is empty"));
        }
        Ok(secret.map(|secret| Token::new(secret.as_str())))
    }
}

impl PasswordPolicy {
    /// The policy, if it is switched on.
    #[must_use]
    pub fn enabled(&self) -> Option<auth_core::PasswordPolicy> {
        let Self { enabled, min_length, max_length, max_repeats, lowercase, uppercase, number, special } =
            *self;
        enabled.then_some(auth_core::PasswordPolicy {
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

/// Whether a text is a version in the form of semver: three numbers, and perhaps a remark behind a hyphen.
fn is_version(text: &str) -> bool {
    let (numbers, remark) =
        text.split_once('-').map_or((text, None), |(numbers, remark)| (numbers, Some(remark)));
    let is_number =
        |part: &str| !part.is_empty() && part.len() <= 6 && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_remark = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    };
    numbers.split('.').count() == 3 && numbers.split('.').all(is_number) && remark.is_none_or(is_remark)
}

/// Whether a text is an origin as browsers send it (RFC 6454, 6.2), or stands for all.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host = |host: &str| {
        let authority = host.parse::<http::uri::Authority>();
        authority.is_ok_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))
    };
    text == "*" || host.is_some_and(is_host)
}

/// Reads a secret into a type that never shows it.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Token>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Token::new))
}

/// Reads the address of a site, without the slashes at its end.
fn site_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let is_site = |text: &str| {
        let url: Option<Uri> = text.parse().ok();
        let scheme = url.as_ref().and_then(Uri::scheme_str);
        let authority = url.as_ref().and_then(Uri::authority);
        matches!(scheme, Some("http" | "https"))
            && authority.is_some_and(|authority| is_host(authority.as_str()))
            && !text.contains(['?', '#'])
    };
    let form = "an address such as \"https://chat.example.org\"";
    text(deserializer, form, |text| is_site(text).then(|| text.trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use auth_engine::rules::{BLOCK_BY_TYPED_NAME, CODE_REPLAY, LOCAL_PASSWORD_FORBIDDEN};

    use super::*;

    #[test]
    fn site_url_loses_a_slash_at_its_end() {
        let config: RocketChat = toml::from_str("site_url = \"https://chat.example.com/sub/\"").unwrap();
        assert_eq!(config.site_url, "https://chat.example.com/sub");
        assert_eq!(config.engine(true).unwrap().site_url, config.site_url);
    }

    #[test]
    fn versions_and_origins_are_held_to_their_forms() {
        let check = |line: &str| {
            toml::from_str::<RocketChat>(line).unwrap().check().map_err(|error| error.to_string())
        };
        for good in [
            "version = \"8.8.0\"",
            "version = \"10.20.30-rc.1\"",
            "allowed_origins = [\"*\"]",
            "allowed_origins = [\"https://app.example.com\", \"http://localhost:3000\"]",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, told) in [
            ("version = \"8.8\"", "`8.8` is none"),
            ("version = \"\"", "`` is none"),
            ("version = \"v8.8.0\"", "`v8.8.0` is none"),
            ("version = \"8.8.0-\"", "`8.8.0-` is none"),
            ("version = \"8.8.0 \"", "`8.8.0 ` is none"),
            ("allowed_origins = [\"app.example.com\"]", "`app.example.com` is no origin"),
            ("allowed_origins = [\"https://app.example.com/\"]", "`https://app.example.com/` is no origin"),
            ("allowed_origins = [\"https://\"]", "`https://` is no origin"),
            ("allowed_origins = [\"null\"]", "`null` is no origin"),
        ] {
            assert!(check(bad).unwrap_err().contains(told), "{bad}");
        }
    }

    #[test]
    fn points_that_the_engine_heeds_are_points_of_the_protocol() {
        for point in [CODE_REPLAY, BLOCK_BY_TYPED_NAME, LOCAL_PASSWORD_FORBIDDEN] {
            assert!(EXACT_POINTS.contains(&point), "{point}");
        }
    }
}
