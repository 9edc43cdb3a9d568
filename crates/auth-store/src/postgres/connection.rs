//! Connections to a server: its address, its certificate, and how long to wait for it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_core::StoreError;
use auth_outbound::{IdleConnections, client_config};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{AsyncMessage, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::postgres_address;

/// How long a command waits for a connection, and a new connection for its server.
const REACH: Duration = Duration::from_secs(1);

/// How long a silent server counts as alive.
const SILENCE: Duration = Duration::from_secs(3);

/// The configuration of a PostgreSQL store: address, TLS, limits and notifications.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct PostgresConfig {
    /// A URL as PostgreSQL's own programs take it. Several hosts are tried in order, and only one that takes writes is
    /// used. [`postgres_address`] reads it, and says what `sslmode` means.
    pub url: String,
    /// The password, where it is not in the URL.
    pub password: Option<String>,
    /// A file with PEM certificates to trust, in place of the system's: authorities', or the server's own, which is pinned.
    pub authorities: Option<PathBuf>,
    /// The most connections that the store opens.
    pub connections: usize,
    /// The time limit of a command.
    pub timeout: Duration,
    /// Whether servers notify each other of changes at once. Otherwise they find out within half a second.
    pub notifications: bool,
}

impl PostgresConfig {
    /// The usual configuration for a URL: 16 connections, 5 seconds for a command, with notifications.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            authorities: None,
            connections: 16,
            timeout: Duration::from_secs(5),
            notifications: true,
        }
    }

    /// Checks what can be checked without the server.
    ///
    /// # Errors
    /// [`PostgresOpenError::Url`].
    pub fn check(&self) -> Result<(), PostgresOpenError> {
        postgres_address(&self.url).map(drop).map_err(PostgresOpenError::Url)
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold the password.
        f.debug_struct("PostgresConfig").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// An error of [`Postgres::open`](super::Postgres::open). Causes are in `source()`; no variant holds the URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresOpenError {
    /// The URL can't be parsed, or names no host.
    #[error("the URL can't be read: {0}")]
    Url(String),
    /// The file of trusted certificates can't be used; with its path, and why.
    #[error("the trusted certificates can't be used: {0}")]
    Authorities(String),
    /// The database can't store every text.
    #[error("the database's encoding is {0}: create a database with ENCODING 'UTF8'")]
    Encoding(String),
    /// The database holds no store, and none was to be created.
    #[error("the database holds no store yet")]
    Missing,
    /// The database holds tables of another program.
    #[error("the database holds tables of another program")]
    NotOurs,
    /// A later version of this program wrote the store.
    #[error("the store's schema is of version {found}, this program knows up to {known}")]
    Newer {
        /// The version of the database.
        found: i64,
        /// The latest version that this program knows.
        known: usize,
    },
    /// The store is a copy that was interrupted.
    #[error("it is an unfinished copy: run `auth-server store copy` again to finish it, or remove it")]
    UnfinishedCopy,
    /// A copy was to be written to a store that has content already.
    #[error("there is a store with content already: name a new file or an empty database")]
    NotEmpty,
    /// The server can't be reached, or the schema not be brought up to date.
    #[error("the store can't be made ready")]
    Failed(#[source] StoreError),
}

/// A server and the TLS configuration for it.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Target {
    pub(super) fn of(config: &PostgresConfig) -> Result<Self, PostgresOpenError> {
        let mut target = postgres_address(&config.url).map_err(PostgresOpenError::Url)?;
        if let Some(password) = &config.password {
            target.password(password);
        }
        target
            .application_name("auth-server")
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(REACH)
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE)
            .keepalives_interval(REACH)
            .keepalives_retries(3);
        Ok(Self { config: target, tls: MakeRustlsConnect::new(tls(config)?) })
    }

    pub(super) fn pool(&self, connections: usize) -> Result<Pool, PostgresOpenError> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(self.config.clone(), self.tls.clone(), recycling);
        Pool::builder(manager)
            .max_size(connections.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(REACH))
            .create_timeout(Some(2 * REACH))
            .recycle_timeout(Some(REACH))
            // The requests that follow each other go by the connection that is known to be alive.
            .queue_mode(QueueMode::Lifo)
            .pre_recycle(judge_idle())
            .build()
            .map_err(|error| PostgresOpenError::Failed(StoreError::Unavailable(error.to_string())))
    }

    /// A connection outside the pool, and the messages that the server sends on it unasked.
    pub(super) async fn connect(
        &self,
    ) -> Result<
        (Client, mpsc::UnboundedReceiver<Result<AsyncMessage, tokio_postgres::Error>>),
        tokio_postgres::Error,
    > {
        let (client, mut connection) = self.config.connect(self.tls.clone()).await?;
        let (sender, messages) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = std::future::poll_fn(|context| connection.poll_message(context)).await {
                let failed = message.is_err();
                if sender.send(message).is_err() || failed {
                    return;
                }
            }
        });
        Ok((client, messages))
    }
}

/// Refuses connections to the pool that died while they were idle ([`auth_outbound::idle`]).
fn judge_idle() -> Hook {
    let connections = Arc::new(IdleConnections::default());
    Hook::async_fn(move |client, metrics| {
        let connections = Arc::clone(&connections);
        Box::pin(async move {
            if client.is_closed() {
                return Err(HookError::message("the connection was closed"));
            }
            let now = metrics.created + metrics.age();
            let probe = async { client.simple_query("").await.is_ok() };
            if connections.may_reuse(metrics.created, now, metrics.last_used(), probe).await {
                Ok(())
            } else {
                Err(HookError::message("the connection has died"))
            }
        })
    })
}

fn tls(config: &PostgresConfig) -> Result<ClientConfig, PostgresOpenError> {
    let Some(path) = &config.authorities else {
        return client_config(None)
            .map(Arc::unwrap_or_clone)
            .map_err(|error| wrong_file("the system's", &error));
    };
    let shown = path.display().to_string();
    let pem = std::fs::read(path).map_err(|error| wrong_file(&shown, &error))?;
    client_config(Some(&pem)).map(Arc::unwrap_or_clone).map_err(|error| wrong_file(&shown, &error))
}

fn wrong_file(path: &str, reason: &dyn fmt::Display) -> PostgresOpenError {
    let reason = reason.to_string();
    let plain = reason.split_once(" (os error").map_or(reason.as_str(), |(plain, _)| plain);
    PostgresOpenError::Authorities(format!("{path}: {plain}"))
}
