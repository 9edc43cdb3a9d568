//! Section `[store]`: where users and credentials are stored.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auth_store::{PostgresConfig, postgres_address};
use serde::Deserialize;

use super::files::{self, SecretFile};
use super::value::{positive, positive_span};
use super::{ConfigError, Span};

/// How long PostgreSQL may take for a batch of a copy.
const COPY_TIMEOUT: Duration = Duration::from_secs(60);

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
    #[serde(deserialize_with = "positive")]
    pub connections: u32,
    /// How long PostgreSQL may take for a command.
    #[serde(deserialize_with = "positive_span")]
    pub timeout: Span,
    /// Whether the servers on one PostgreSQL database notify each other of changes.
    pub notifications: bool,
    /// Entries of the credential cache.
    pub known_credentials: u32,
    /// How long cached credentials are accepted while the store can't be reached, beyond the second that is always
    /// granted.
    pub outage: Span,
    /// The folder that a relative path in `url` begins at. No key of the file.
    #[serde(skip)]
    folder: PathBuf,
    /// Whether nobody would miss the data. No key of the file.
    #[serde(skip)]
    pub(crate) is_disposable: bool,
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
            known_credentials: auth_engine::Config::default().cached_credentials,
            outage: Span(Duration::ZERO),
            folder: PathBuf::new(),
            is_disposable: false,
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
pub(crate) enum StoreLocation {
    /// The path of a SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(PostgresConfig),
}

impl Store {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(path) = &self.ca_file {
            files::certificates("[store] ca_file", path)?;
        }
        match self.location()? {
            StoreLocation::Sqlite(_) => Ok(()),
            StoreLocation::Postgres(postgres) => {
                postgres.check().map_err(|error| ConfigError::new(format!("[store] url: {error}")))
            }
        }
    }

    /// The store that an argument of a command names; `argument` is what the command calls it.
    ///
    /// # Errors
    /// A sentence for the operator, also for a URL that holds a password.
    pub(crate) fn named(
        argument: &str,
        url: &str,
        password_file: Option<PathBuf>,
        ca_file: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let password_file = password_file.map(SecretFile::from);
        let timeout = Span(COPY_TIMEOUT);
        let store = Self { url: url.to_owned(), password_file, ca_file, timeout, ..Self::default() };
        let wrong = |error: ConfigError| {
            let reason = error.to_string();
            anyhow::anyhow!("{argument}: {}", reason.strip_prefix("[store] ").unwrap_or(&reason))
        };
        store.check().map_err(wrong)?;
        if postgres_address(url).is_ok_and(|address| address.get_password().is_some()) {
            anyhow::bail!(
                "{argument} holds a password, which every user of this machine can read in the list of processes: leave it \
                 out, and name a file that holds it with a --…-password-file"
            );
        }
        Ok(store)
    }

    /// Names a SQLite file as the store; a disposable one is not waited for to be on disk.
    pub(crate) fn set_file(&mut self, path: &Path, is_disposable: bool) {
        self.url = format!("sqlite:{}", path.display());
        self.folder = PathBuf::new();
        self.is_disposable = is_disposable;
    }

    /// Takes relative paths as paths in `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        folder.clone_into(&mut self.folder);
        self.ca_file = self.ca_file.take().map(|path| folder.join(path));
        if let Some(file) = &mut self.password_file {
            file.resolve(folder);
        }
    }

    /// The store in words, without a password: of two configurations with the same words, the store is the same.
    pub(crate) fn shown(&self) -> String {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let path = self.folder.join(path);
            return format!("sqlite:{}", path.canonicalize().unwrap_or(path).display());
        }
        let place = self.url.split_once("://").map_or(self.url.as_str(), |(_, place)| place);
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        format!("postgres:{}", place.split('?').next().unwrap_or_default())
    }

    /// The location that the URL names.
    ///
    /// # Errors
    /// [`ConfigError`] when the URL has no known scheme or is not written in its form, or the password's file can't be
    /// read.
    pub(crate) fn location(&self) -> Result<StoreLocation, ConfigError> {
        if let Some(path) = self.url.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            let path =
                sqlite_path(path).map_err(|reason| ConfigError::new(format!("[store] url: {reason}")))?;
            return Ok(StoreLocation::Sqlite(self.folder.join(path)));
        }
        if !["postgres://", "postgresql://"].iter().any(|scheme| self.url.starts_with(scheme)) {
            return Err(ConfigError::new(
                "[store] url must be sqlite: and a path, or postgres://user@host/database",
            ));
        }
        Ok(StoreLocation::Postgres(PostgresConfig {
            password: self.password()?,
            authorities: self.ca_file.clone(),
            connections: self.connections as usize,
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

/// The path in what follows `sqlite:`. Other programs take parameters, names without a file, and hosts there.
fn sqlite_path(text: &str) -> Result<&str, String> {
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let path = path.strip_prefix("file:").unwrap_or(path);
    // Of the three slashes of `sqlite:///var/lib/auth.db`, two stand before an empty host.
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == ":memory:" {
        return Err("a store is a file: write sqlite: and its path, such as \"sqlite:auth.db\"".to_owned());
    }
    match query {
        None if path == text || text.starts_with("///") => Ok(path),
        None => Err(format!("a path alone follows sqlite: write \"sqlite:{path}\"")),
        Some(query) => Err(format!(
            "a path alone follows sqlite: write \"sqlite:{path}\" without \"?{query}\"; `serve` and `import` create a \
             store that is missing"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_is_followed_by_a_path_alone() {
        for (text, expected) in [
            ("auth.db", Ok("auth.db")),
            ("/var/lib/auth.db", Ok("/var/lib/auth.db")),
            ("///var/lib/auth.db", Ok("/var/lib/auth.db")),
            ("./a b%20.db", Ok("./a b%20.db")),
            ("auth.db?mode=rwc", Err("write \"sqlite:auth.db\" without \"?mode=rwc\"")),
            ("///var/auth.db?cache=shared&mode=ro", Err("write \"sqlite:/var/auth.db\" without")),
            ("auth.db?", Err("write \"sqlite:auth.db\" without")),
            ("//auth.db", Err("write \"sqlite:auth.db\"")),
            ("file:auth.db", Err("write \"sqlite:auth.db\"")),
            (":memory:", Err("a store is a file")),
            ("file::memory:?cache=shared", Err("a store is a file")),
            ("//", Err("a store is a file")),
        ] {
            match (sqlite_path(text), expected) {
                (Ok(path), Ok(expected)) => assert_eq!(path, expected, "{text}"),
                (Err(told), Err(expected)) => assert!(told.contains(expected), "{text}: {told}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
