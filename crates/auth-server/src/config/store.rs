//! Section `[store]`: where users and credentials are stored.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_store::PostgresConfig;
use serde::Deserialize;

use super::files::{self, SecretFile};
use super::{ConfigError, Span};

/// Section `[store]`: where users and credentials are stored.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Store {
    /// `sqlite:` and the path of a file, or `postgres://user@host/database`.
    pub url: String,
    /// PostgreSQL's password, unless the URL has it.
    pub password: Option<String>,
    /// A file that holds the password in place of `password`.
    pub password_file: Option<SecretFile>,
    /// A file with the certificates that are trusted for PostgreSQL, in PEM, in place of the system's: authorities', or the
    /// server's own.
    pub ca_file: Option<PathBuf>,
    /// The most connections to PostgreSQL that are open at once.
    pub connections: u32,
    /// How long PostgreSQL may take for a command.
    pub timeout: Span,
    /// Whether the servers on one PostgreSQL database notify each other of changes.
    pub notifications: bool,
    /// Entries of the credential cache.
    pub known_credentials: u32,
    /// How long cached credentials are accepted while the store can't be reached, beyond the second that is always
    /// granted.
    pub outage: Span,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: "sqlite:auth.db".to_owned(),
            password: None,
            password_file: None,
            ca_file: None,
            connections: 16,
            timeout: Span::secs(5),
            notifications: true,
            known_credentials: 65_536,
            outage: Span(Duration::ZERO),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A PostgreSQL URL may hold the password.
        let url = self.url.strip_prefix("sqlite:");
        f.debug_struct("Store")
            .field("sqlite", &url)
            .field("ca_file", &self.ca_file)
            .field("connections", &self.connections)
            .field("timeout", &self.timeout)
            .field("notifications", &self.notifications)
            .field("known_credentials", &self.known_credentials)
            .field("outage", &self.outage)
            .finish_non_exhaustive()
    }
}

/// The location of a store.
pub(crate) enum StoreLocation<'c> {
    /// The path of a SQLite file.
    Sqlite(&'c Path),
    /// A PostgreSQL database.
    Postgres(PostgresConfig),
}

impl Store {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.location().map(drop)
    }

    /// The location that the URL names.
    ///
    /// # Errors
    /// [`ConfigError`] when the URL has no known scheme, or the password's file can't be read.
    pub(crate) fn location(&self) -> Result<StoreLocation<'_>, ConfigError> {
        if let Some(path) = self.url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(StoreLocation::Sqlite(Path::new(path)));
        }
        if !["postgres://", "postgresql://"].iter().any(|scheme| self.url.starts_with(scheme)) {
            return Err(ConfigError::new(
                "[store] url must be sqlite: and a path, or postgres://user@host/database",
            ));
        }
        if self.timeout.0.is_zero() {
            return Err(ConfigError::new("[store] timeout must be greater than zero"));
        }
        Ok(StoreLocation::Postgres(PostgresConfig {
            password: self.password()?,
            authorities: self.ca_file.clone(),
            connections: self.connections.max(1) as usize,
            timeout: self.timeout.0,
            notifications: self.notifications,
            ..PostgresConfig::new(self.url.as_str())
        }))
    }

    fn password(&self) -> Result<Option<String>, ConfigError> {
        let (given, file) = (self.password.as_deref(), self.password_file.as_ref());
        let password = files::secret("[store]", "password", given, file)?;
        Ok(password.map(|password| password.as_str().to_owned()))
    }
}
