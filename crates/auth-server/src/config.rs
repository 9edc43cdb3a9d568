//! The configuration file: TOML with a section for each part of the server.
//!
//! Unknown keys are refused, and every value is checked before a port is bound. Each section has its file, with its
//! defaults. The type of a key knows the form of its values, and errors say it. Paths are relative to the
//! folder of the file. Environment variables `AUTH_SERVER__SECTION__KEY` override single keys; their values are read as TOML, or
//! taken as text.

mod admin;
mod backup;
mod engine;
pub(crate) mod environment;
mod error;
mod files;
mod fingerprint;
mod forward;
mod keys;
mod ldap;
mod limits;
mod listen;
mod log;
mod mail;
mod metrics;
mod passwords;
mod realms;
mod rocketchat;
mod server;
mod source;
mod store;
mod tls;
mod traces;
mod value;
mod web;
mod zettelstore;
mod zulip;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use auth_core::ProtocolName;
use auth_ldap::DirectoryConfig;
use serde::Deserialize;

use crate::mail::KeptMails;
use crate::system_error::file_reason;

pub(crate) use admin::usual_socket;
pub use admin::{Admin, AdminSocket, GroupScope};
pub use backup::Backup;
pub use error::ConfigError;
use error::{KeyPath, located};
pub use files::SecretFile;
pub(crate) use fingerprint::Fingerprints;
pub use forward::{Forward, ForwardRule};
pub use keys::Keys;
pub use ldap::{Ldap, LdapGroups};
pub use limits::Limits;
pub(crate) use listen::UNIX_PEER;
pub use listen::{Listen, ListenAddress};
pub use log::{Log, LogFormat, LogRanks};
pub use mail::Mail;
pub(crate) use mail::{Relay, Security};
pub use metrics::Metrics;
pub use passwords::Passwords;
pub use rocketchat::{PasswordPolicy, RocketChat};
pub(crate) use server::PROTOCOLS;
pub use server::Server;
use source::Source;
pub use store::Store;
pub(crate) use store::StoreLocation;
pub use tls::TlsFiles;
pub use traces::Traces;
pub use value::{ExactPoints, Limit, Span, Switch};
pub use web::Web;
pub use zettelstore::{Zettelstore, ZettelstoreAnswer};
pub use zulip::{Jwt, RemoteUser, WebMethod, Zulip};

/// The file that `auth-server config default` prints: every key with its default.
pub const DEFAULT: &str = include_str!("../default.toml");

/// The configuration file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// Listeners, proxies, and the limits of connections and requests.
    pub server: Server,
    /// Where users and credentials are stored.
    pub store: Store,
    /// The key ring's file.
    pub keys: Keys,
    /// The limits of failed logins that all protocols share.
    pub limits: Limits,
    /// The parameters of hashes, the hashing pool, and the strength of new passwords.
    pub passwords: Passwords,
    /// Copies of the store that the running server makes.
    pub backup: Backup,
    /// Log lines, and how long the log of attempts is kept.
    pub log: Log,
    /// The SMTP server that takes outgoing mail; without one no mail is sent.
    pub mail: Option<Mail>,
    /// Where a demonstration keeps mails in place of sending them.
    #[serde(skip)]
    pub kept_mails: Option<Arc<KeptMails>>,
    /// The address for those who watch the server.
    pub metrics: Metrics,
    /// Where spans of requests are sent.
    pub traces: Traces,
    /// How operators reach the running server.
    pub admin: Admin,
    /// LDAP directories, by the name under which realms list them.
    pub ldap: BTreeMap<String, Ldap>,
    /// The pages on which people sign in and look after their accounts.
    pub web: Web,
    /// Forward authentication: proxies ask who is there.
    pub forward: Forward,
    /// The Zulip protocol.
    pub zulip: Zulip,
    /// The Rocket.Chat protocol.
    pub rocketchat: RocketChat,
    /// The Zettelstore protocol.
    pub zettelstore: Zettelstore,
    /// What tells the file from another.
    #[serde(skip)]
    pub(crate) fingerprints: Fingerprints,
}

impl Config {
    /// Reads and checks a file, with overrides of single keys: names such as `ZULIP__REALM`, and values.
    ///
    /// # Errors
    /// [`ConfigError`] with the first mistake.
    pub fn load(path: &Path, overrides: &[(String, String)]) -> Result<Self, ConfigError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::new(format!("{shown}: {}", file_reason(path, &error))))?;
        let source = Source::parse(&text).map_err(|(line, mistake)| located(&shown, line, &mistake))?;
        let mut table = source.table().map_err(|error| {
            let message = error::mistake(&KeyPath::new(error.path()), None, error.inner().message());
            located(&shown, source.line(error.path()), &message)
        })?;
        for (name, value) in overrides {
            environment::set(&mut table, name, value).map_err(ConfigError::new)?;
        }
        let fingerprints = Fingerprints::of(&table);
        let mut config: Self =
            serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|error| {
                let path = KeyPath::new(error.path());
                let variable = environment::name_of(&path, overrides);
                let message = error::mistake(&path, variable.as_deref(), error.inner().message());
                match variable {
                    Some(_) => ConfigError::new(format!("{shown} with the environment: {message}")),
                    None => located(&shown, source.line(error.path()), &message),
                }
            })?;
        config.fingerprints = fingerprints;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        config.check()?;
        Ok(config)
    }

    /// Takes the paths in the file as relative to the folder that the file is in.
    fn resolve(&mut self, folder: &Path) {
        self.store.resolve(folder);
        self.keys.file.resolve(folder);
        self.admin.resolve(folder);
        self.server.listen.iter_mut().for_each(|listen| listen.resolve(folder));
        self.backup.resolve(folder);
        self.zulip.resolve(folder);
        if let Some(mail) = &mut self.mail {
            mail.resolve(folder);
        }
        if let Some(file) = &mut self.rocketchat.create_token_secret_file {
            file.resolve(folder);
        }
        self.ldap.values_mut().for_each(|ldap| ldap.resolve(folder));
    }

    /// The protocols that are enabled, in the order of routing.
    pub fn protocols(&self) -> impl Iterator<Item = ProtocolName> {
        PROTOCOLS.into_iter().filter(|protocol| match *protocol {
            ProtocolName::ZULIP => self.zulip.enabled,
            ProtocolName::ROCKETCHAT => self.rocketchat.enabled,
            ProtocolName::ZETTELSTORE => self.zettelstore.enabled,
            ProtocolName::WEB => self.web.is_on(),
            ProtocolName::FORWARD => self.forward.is_on(),
            _ => false,
        })
    }

    /// The LDAP directories, by name.
    ///
    /// # Errors
    /// [`ConfigError`] when a value can't be used, or a file can't be read.
    pub(crate) fn directories(&self) -> Result<Vec<DirectoryConfig>, ConfigError> {
        self.ldap.iter().map(|(name, ldap)| ldap.directory(name)).collect()
    }

    /// The SMTP server that takes outgoing mail.
    ///
    /// # Errors
    /// [`ConfigError`] when a value can't be used, or the password file can't be read.
    pub(crate) fn relay(&self) -> Result<Option<Relay>, ConfigError> {
        self.mail.as_ref().map(Mail::relay).transpose()
    }

    /// Whether mails reach their readers: through an SMTP server, or on the page of a demonstration.
    #[must_use]
    pub fn has_mail(&self) -> bool {
        self.mail.is_some() || self.kept_mails.is_some()
    }

    /// Warnings about values that are allowed but unsafe or of no effect, as sentences for the log and for `config check`.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        // A development server may trust no proxy.
        let mut warnings: Vec<String> =
            self.server.warning().filter(|_| !self.is_development()).into_iter().collect();
        warnings.extend(self.zulip.warnings());
        warnings.extend(self.rocketchat.warnings(self.has_mail()));
        warnings.extend(self.zettelstore.warnings());
        warnings.extend(self.limits.warning());
        warnings.extend(self.passwords.warnings());
        warnings.extend(self.mail.as_ref().and_then(Mail::warning));
        warnings.extend(self.ldap.iter().flat_map(|(name, ldap)| ldap.warnings(name)));
        warnings.extend(self.metrics.warning());
        warnings
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.server.check()?;
        self.limits.check()?;
        if self.protocols().next().is_none() {
            return Err(ConfigError::new("no protocol is enabled: set enabled = true for one of them"));
        }
        let served = |listen: &&Listen| {
            listen.redirect.is_some() || self.protocols().any(|protocol| listen.has(protocol))
        };
        if let Some(listen) = self.server.listen.iter().find(|listen| !served(listen)) {
            return Err(ConfigError::new(format!(
                "[server] listen: none of the protocols at {} is enabled",
                listen.address
            )));
        }
        if let Some(address) = self.metrics.listen.filter(|metrics| {
            self.server
                .listen
                .iter()
                .any(|listen| listen.address.tcp() == Some(*metrics) && metrics.port() != 0)
        }) {
            return Err(ConfigError::new(format!("[metrics] listen: {address} is in [server] listen too")));
        }
        self.admin.check(&self.server.listen)?;
        if self.admin.listen.is_some_and(|admin| admin.port() != 0 && self.metrics.listen == Some(admin)) {
            return Err(ConfigError::new("[admin] listen: [metrics] listen has the same address"));
        }
        self.store.check()?;
        self.backup.check(matches!(self.store.location()?, StoreLocation::Sqlite(_)))?;
        self.keys.check()?;
        self.traces.check()?;
        self.zulip.check()?;
        self.rocketchat.check()?;
        self.forward.check(&self.server, &self.web)?;
        self.passwords.check()?;
        self.relay()?;
        self.directories()?;
        if self.is_development() && !self.server.listens_on_loopback_only() {
            return Err(ConfigError::new(
                "[zulip] development lets anybody log in by name: listen on loopback addresses only, or switch it off",
            ));
        }
        if self.is_development() && !self.server.trusted_proxies.is_empty() {
            return Err(ConfigError::new(
                "[zulip] development lets anybody log in by name, and is not for clients behind a proxy: empty [server] \
                 trusted_proxies, or switch it off",
            ));
        }
        Ok(())
    }

    fn is_development(&self) -> bool {
        self.zulip.enabled && self.zulip.development
    }
}
