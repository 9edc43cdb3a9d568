//! The configuration file: TOML, unknown keys refused, everything checked before a port is bound.
//!
//! Environment variables `AUTH_SERVER__SECTION__KEY` override single keys; their values are TOML, or else text.

mod defaults;
pub(crate) mod files;
mod hashing;
mod ldap;
mod log;
mod mail;
mod metrics;
mod rocketchat;
mod rules;
mod store;
mod value;
mod zettelstore;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use auth_core::{ExactPoint, ProtocolName, Token};
use serde::Deserialize;

use crate::listener::LONGEST_WAIT;

pub use hashing::Passwords;
pub use ldap::Ldap;
pub use log::{Log, LogFormat};
pub use mail::Mail;
pub(crate) use mail::{Relay, Security};
pub use metrics::Metrics;
pub use rocketchat::PasswordPolicy;
pub(crate) use store::Place;
pub use store::Store;
pub use value::{ExactPoints, Grid, Limit, Span, Switch};
pub use zettelstore::{Zettelstore, ZettelstoreAnswer};

/// The file that `auth-server config default` prints: every key with its default.
pub const DEFAULT: &str = include_str!("../default.toml");

/// The configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// Where and how it listens.
    pub server: Server,
    /// Where users are kept.
    pub store: Store,
    /// Where the key ring is kept.
    pub keys: Keys,
    /// Limits that all protocols share.
    pub limits: Limits,
    /// How passwords are hashed, and what new ones must fulfil.
    pub passwords: Passwords,
    /// What is logged.
    pub log: Log,
    /// How mail is sent; without it none is.
    pub mail: Option<Mail>,
    /// Where numbers about the server are shown.
    pub metrics: Metrics,
    /// Directories, by the name under which realms list them.
    pub ldap: BTreeMap<String, Ldap>,
    /// The Zulip protocol.
    pub zulip: Zulip,
    /// The Rocket.Chat protocol.
    pub rocketchat: RocketChat,
    /// The Zettelstore protocol.
    pub zettelstore: Zettelstore,
}

/// Where and how it listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Server {
    /// Addresses, each with all protocols or some of them.
    pub listen: Vec<Listen>,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Connections open at a time.
    pub max_connections: u32,
    /// How long a request's head may take; also how long a connection may idle.
    pub header_timeout: Span,
    /// How long a request's body may take.
    pub body_timeout: Span,
    /// How much memory request bodies may take together, in MiB.
    pub body_memory_mib: u32,
    /// How many log-ins whose answers wait for their moment may be judged or waiting at a time.
    pub max_waiting: u32,
    /// How long requests may go on after the server was told to stop.
    pub shutdown_timeout: Span,
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Listen {
    /// With all enabled protocols.
    All(SocketAddr),
    /// With some.
    Some(ListenSome),
}

/// An address with the protocols behind it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ListenSome {
    /// The address.
    pub address: SocketAddr,
    /// The names of the protocols.
    pub protocols: Vec<String>,
}

/// Where the key ring is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Keys {
    /// The path of its file, of mode 0600; or `credential:` and the name of a systemd credential.
    pub file: PathBuf,
}

/// Limits that all protocols share.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Limits {
    /// Whether there are any.
    pub shared: Switch,
    /// Failed tries per account and client network.
    pub account: Option<Limit>,
    /// Failed tries per client network.
    pub network: Option<Limit>,
    /// Wrong second factors per account.
    pub second_factor: Option<Limit>,
    /// Lets accounts with a second factor in by password alone where a protocol has no second step.
    pub allow_password_only_with_2fa: bool,
}

/// The Zulip protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Zulip {
    /// Whether it is open.
    pub enabled: bool,
    /// Careless points of the real server that are wanted.
    pub exact: ExactPoints,
    /// Its host name: realms are subdomains of it. Empty: any host, one realm.
    pub external_host: String,
    /// The realm that every host leads to, whatever its name.
    pub realm: Option<String>,
    /// `http` or `https`: the scheme of its own addresses.
    pub url_scheme: String,
    /// Hosts outside `external_host` and the subdomain each stands for.
    pub realm_hosts: BTreeMap<String, String>,
    /// Whether the host itself shows a landing page instead of a realm.
    pub root_domain_landing_page: bool,
    /// The version it says.
    pub version: String,
    /// The feature level it says.
    pub feature_level: u32,
    /// Log-in tries per account.
    pub login_limit: Limit,
    /// Calls per user.
    pub api_limit: Limit,
    /// Whether a password is a way in, where the realm lets it be one.
    pub password_login: bool,
    /// Development endpoints: log-in by name alone, on loopback only.
    pub development: bool,
    /// Whether `development` lets anybody in by name, or only lists users.
    pub development_login: bool,
    /// Systems whose JSON web tokens are believed, by realm.
    pub jwt: BTreeMap<String, Jwt>,
}

/// A system whose JSON web tokens are believed.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Jwt {
    /// The shared key.
    pub key: Option<String>,
    /// A file that holds the key in place of `key`.
    pub key_file: Option<PathBuf>,
    /// `HS256`, `HS384`, `HS512`: those it may sign with.
    pub algorithms: Vec<String>,
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

/// The Rocket.Chat protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RocketChat {
    /// Whether it is open.
    pub enabled: bool,
    /// Careless points of the real server that are wanted.
    pub exact: ExactPoints,
    /// The realm behind it.
    pub realm: String,
    /// Its address as clients see it, without a trailing slash.
    pub site_url: String,
    /// Calls per address and route.
    pub api_limit: Limit,
    /// Failed tries per account.
    pub block_by_user: Limit,
    /// Failed tries per address.
    pub block_by_address: Limit,
    /// Whether new users with a verified address are asked for a mailed code.
    pub email_2fa_auto_opt_in: bool,
    /// Whether accounts with an unverified address are refused.
    pub email_verification: bool,
    /// How long a log-in token lives.
    pub token_lifetime: Span,
    /// How many log-in tokens a user has at most.
    pub max_tokens: u32,
    /// How long a mailed code is good.
    pub mailed_code_lifetime: Span,
    /// How long a second factor is remembered once it was shown, and how long new accounts need none; `0s` is
    /// neither.
    pub two_factor_remember: Span,
    /// Whether changes ask accounts without a second factor for their password once more.
    pub two_factor_password_fallback: bool,
    /// What `users.createToken` takes; without it there are no such tokens.
    #[serde(deserialize_with = "rocketchat::secret")]
    pub create_token_secret: Option<Token>,
    /// A file that holds it in place of `create_token_secret`.
    pub create_token_secret_file: Option<PathBuf>,
    /// Whether lost passwords are set anew by mail.
    pub password_reset: bool,
    /// What clients are told to ask of new passwords.
    pub password_policy: PasswordPolicy,
    /// Sockets open at a time from one network on which nobody is signed in.
    pub max_sockets_per_network: u32,
    /// How long a client may be silent on its socket.
    pub socket_idle: Span,
    /// Log-ins tried on one socket.
    pub socket_login_limit: Limit,
    /// The longest message on a socket in bytes.
    pub max_socket_message: usize,
}

/// Why a configuration can't be used: one line.
#[derive(Debug)]
pub struct ConfigError(String);

impl ConfigError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads and checks a file, with the overrides of the environment.
    ///
    /// # Errors
    /// [`ConfigError`]: the first thing that is wrong, in one line.
    pub fn load(path: &Path, overrides: &[(String, String)]) -> Result<Self, ConfigError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError(format!("{shown}: {}", plain_io(&error))))?;
        let at_line = |error: toml::de::Error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map(|before| before.matches('\n').count() + 1);
            let message = error.message().lines().next().unwrap_or("not TOML").to_owned();
            ConfigError(match line {
                Some(line) => format!("{shown}, line {line}: {message}"),
                None => format!("{shown}: {message}"),
            })
        };
        let config: Self = toml::from_str(&text).map_err(at_line)?;
        let config = if overrides.is_empty() {
            config
        } else {
            let mut table: toml::Table = toml::from_str(&text).map_err(at_line)?;
            for (name, value) in overrides {
                value::set(&mut table, name, value).map_err(ConfigError)?;
            }
            Self::deserialize(table)
                .map_err(|error| ConfigError(format!("{shown} with the environment: {}", error.message())))?
        };
        config.check()?;
        Ok(config)
    }

    /// The protocols that are open, in the order of routing.
    pub fn protocols(&self) -> impl Iterator<Item = ProtocolName> {
        [
            (ProtocolName::Zulip, self.zulip.enabled),
            (ProtocolName::RocketChat, self.rocketchat.enabled),
            (ProtocolName::Zettelstore, self.zettelstore.enabled),
        ]
        .into_iter()
        .filter_map(|(protocol, enabled)| enabled.then_some(protocol))
    }

    /// What is allowed but hardly meant: sentences for the log and for `config check`.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (protocol, exact) in [("zulip", &self.zulip.exact), ("rocketchat", &self.rocketchat.exact)] {
            if !exact.points().is_empty() {
                warnings.push(format!(
                    "[{protocol}] exact: it tells or allows what the real server does, see README"
                ));
            }
        }
        for (realm, rule) in self.assertions().unwrap_or_default() {
            if rule.key.len() < 32 {
                warnings.push(format!("[zulip.jwt.{realm}] key: shorter than 32 bytes"));
            }
        }
        if self.limits.shared == Switch::Off {
            warnings.push(
                "[limits] shared is off: guessing is only slowed by each protocol's own limits".to_owned(),
            );
        }
        if self.zettelstore.token_lifetime.0 > rules::LONGEST_TOKEN {
            warnings.push("[zettelstore] token_lifetime: an hour at most, and so it is taken".to_owned());
        }
        if self.zettelstore.login_delay.0 > LONGEST_WAIT {
            let most = LONGEST_WAIT.as_secs();
            warnings.push(format!("[zettelstore] login_delay: no answer waits longer than {most} s"));
        }
        if self.zettelstore.enabled && !self.zettelstore.authentication {
            warnings.push("[zettelstore] authentication is off: everybody is let in there".to_owned());
        }
        warnings.extend(self.mail_warning());
        warnings.extend(self.directory_warnings());
        warnings.extend(self.metrics.warning());
        warnings
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.server.listen.is_empty() {
            return Err(ConfigError::new(
                "[server] listen is empty: name an address such as \"127.0.0.1:8080\"",
            ));
        }
        self.check_limits()?;
        for listen in &self.server.listen {
            if let Listen::Some(some) = listen
                && let Some(unknown) =
                    some.protocols.iter().find(|name| ProtocolName::from_name(name).is_none())
            {
                return Err(ConfigError(format!("[server] listen: there is no protocol `{unknown}`")));
            }
        }
        if self.protocols().next().is_none() {
            return Err(ConfigError::new("no protocol is open: set enabled = true for one of them"));
        }
        self.store_place()?;
        if self.keys.file.as_os_str().is_empty() {
            return Err(ConfigError::new("[keys] file is empty"));
        }
        for (key, value) in [("rocketchat", &self.rocketchat.realm), ("zettelstore", &self.zettelstore.realm)]
        {
            if value.is_empty() {
                return Err(ConfigError(format!("[{key}] realm is empty")));
            }
        }
        if !matches!(self.zulip.url_scheme.as_str(), "http" | "https") {
            return Err(ConfigError::new("[zulip] url_scheme must be http or https"));
        }
        let prefix = &self.zettelstore.url_prefix;
        if !(prefix.starts_with('/') && prefix.ends_with('/')) {
            return Err(ConfigError::new("[zettelstore] url_prefix must begin and end with a slash"));
        }
        exact_points("zulip", ProtocolName::Zulip, &self.zulip.exact)?;
        exact_points("rocketchat", ProtocolName::RocketChat, &self.rocketchat.exact)?;
        self.pool(1)?;
        self.rocketchat.check()?;
        self.assertions()?;
        self.relay()?;
        self.directories()?;
        if self.zulip.enabled && self.zulip.development && !self.listens_on_loopback_only() {
            return Err(ConfigError::new(
                "[zulip] development lets anybody in by name: listen on loopback only, or switch it off",
            ));
        }
        Ok(())
    }

    fn listens_on_loopback_only(&self) -> bool {
        self.server.listen.iter().all(|listen| listen.address().ip().is_loopback())
    }
}

impl Listen {
    /// The address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::All(address) => *address,
            Self::Some(some) => some.address,
        }
    }

    /// Whether a protocol stands behind it.
    #[must_use]
    pub fn has(&self, protocol: ProtocolName) -> bool {
        match self {
            Self::All(_) => true,
            Self::Some(some) => some.protocols.iter().any(|name| name == protocol.as_str()),
        }
    }
}

fn exact_points(section: &str, protocol: ProtocolName, given: &ExactPoints) -> Result<(), ConfigError> {
    let known = |name: &str| ExactPoint::ALL.iter().any(|(_, of, known)| *of == protocol && *known == name);
    match given.unknown(known) {
        Some(name) => Err(ConfigError(format!("[{section}] exact: there is no point `{name}`"))),
        None => Ok(()),
    }
}

/// What went wrong with a file, without the system's error number.
pub(crate) fn plain_io(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(plain, _)| plain.to_owned())
}
