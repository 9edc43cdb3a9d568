//! A store in a PostgreSQL database, which any number of servers may share.

mod address;
mod attempt_queue;
mod attempts;
mod audit;
mod connection;
mod credentials;
mod error;
mod explain;
mod external_ids;
mod feed;
mod import;
mod integrity;
mod mail;
mod meta;
mod names;
mod new_user;
mod notifications;
mod numbers;
mod realms;
mod row;
mod schema;
mod sealed;
mod session;
mod shared_attempts;
mod statement;
mod users;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Rng, StoreError, UserId};
use deadpool_postgres::Pool;

use self::attempt_queue::AttemptQueue;
use self::connection::Target;
use self::notifications::Notifications;

pub use self::address::postgres_address;
pub use self::connection::{PostgresConfig, PostgresOpenError};

/// A store in a PostgreSQL database.
///
/// It holds a pool of connections and a few tasks, so it is opened and used within a tokio runtime. No connection keeps
/// a state from one command to the next.
pub struct Postgres {
    pool: Pool,
    /// The time limit of a command.
    limit: Duration,
    rng: Arc<dyn Rng>,
    notifications: Notifications,
    log: AttemptQueue,
    is_new: bool,
}

impl Postgres {
    /// Opens the store in a database, which must exist and may be empty: then the store is created.
    ///
    /// A schema of an earlier version is brought up to date, once, even if several servers open the store at the same
    /// time. `rng` spreads repetitions of commands in time.
    ///
    /// # Errors
    /// See [`PostgresOpenError`].
    pub async fn open(config: &PostgresConfig, rng: Arc<dyn Rng>) -> Result<Self, PostgresOpenError> {
        Self::open_or(config, rng, true).await
    }

    /// Does the same for a store that must exist.
    ///
    /// # Errors
    /// See [`PostgresOpenError`].
    pub async fn open_existing(
        config: &PostgresConfig,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, PostgresOpenError> {
        Self::open_or(config, rng, false).await
    }

    async fn open_or(
        config: &PostgresConfig,
        rng: Arc<dyn Rng>,
        create: bool,
    ) -> Result<Self, PostgresOpenError> {
        let target = Target::of(config)?;
        let pool = target.pool(config.connections)?;
        let is_new = schema::migrate(&pool, create).await?;
        let notifications = Notifications::start(pool.clone(), target, config.notifications);
        let log = AttemptQueue::start(pool.clone());
        Ok(Self { pool, limit: config.timeout, rng, notifications, log, is_new })
    }

    /// Whether this opening has created the store.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Tells listeners and other servers that a user may have changed: also after an error, whose outcome may be unknown.
    fn notify<T>(&self, user: UserId, done: error::Result<T>) -> Result<T, StoreError> {
        self.notifications.notify(user);
        done.map_err(StoreError::from)
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}
