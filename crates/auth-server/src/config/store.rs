//! Where users are kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_store::PostgresOptions;
use serde::Deserialize;

use super::{Config, ConfigError, Span, plain_io};

/// Where users are kept.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Store {
    /// `sqlite:` and the path of a file, or `postgres://user@host/database`.
    pub url: String,
    /// PostgreSQL's password, where it isn't in the URL.
    pub password: Option<String>,
    /// A file that holds it in place of `password`.
    pub password_file: Option<PathBuf>,
    /// Certificates of authorities that PostgreSQL's is trusted by, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Connections to PostgreSQL open at a time.
    pub connections: u32,
    /// How long a command may take PostgreSQL.
    pub timeout: Span,
    /// Whether servers on one PostgreSQL tell each other of changes at once.
    pub notifications: bool,
    /// How many credentials that were found good are kept in memory.
    pub known_credentials: u32,
    /// How long they are taken while the store can't be reached, beyond the second that is always granted.
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
        // A URL of PostgreSQL may hold the password.
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

/// What a URL leads to.
pub(crate) enum Place<'c> {
    /// The path of a file.
    Sqlite(&'c Path),
    /// A database.
    Postgres(PostgresOptions),
}

impl Config {
    /// What the store's URL leads to.
    ///
    /// # Errors
    /// [`ConfigError`] when it leads nowhere, or the password's file can't be read.
    pub(crate) fn store_place(&self) -> Result<Place<'_>, ConfigError> {
        let store = &self.store;
        if let Some(path) = store.url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(Place::Sqlite(Path::new(path)));
        }
        if !["postgres://", "postgresql://"].iter().any(|scheme| store.url.starts_with(scheme)) {
            return Err(ConfigError::new(
                "[store] url must be sqlite: and a path, or postgres://user@host/database",
            ));
        }
        if store.timeout.0.is_zero() {
            return Err(ConfigError::new("[store] timeout must be more than nothing"));
        }
        Ok(Place::Postgres(PostgresOptions {
            password: store.password()?,
            authorities: store.ca_file.clone(),
            connections: store.connections.max(1) as usize,
            timeout: store.timeout.0,
            notifications: store.notifications,
            ..PostgresOptions::new(store.url.as_str())
        }))
    }
}

impl Store {
    fn password(&self) -> Result<Option<String>, ConfigError> {
        match (&self.password, &self.password_file) {
            (Some(_), Some(_)) => {
                Err(ConfigError::new("[store] password: give it here or in a file, not both"))
            }
            (password, None) => Ok(password.clone()),
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Some(text.trim_end().to_owned())),
                Err(error) => {
                    let why = plain_io(&error);
                    Err(ConfigError(format!("[store] password_file {}: {why}", path.display())))
                }
            },
        }
    }
}
