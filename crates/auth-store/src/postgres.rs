//! A store in a PostgreSQL database, which any number of servers may share.

mod account;
mod activity;
mod address;
mod admin_keys;
mod attempt_queue;
mod attempts;
mod audit;
mod bots;
mod connection;
mod copy;
mod copy_statements;
mod credentials;
mod error;
mod explain;
mod external_ids;
mod feed;
mod groups;
mod import;
mod import_marks;
mod integrity;
mod log_pages;
mod mail;
mod merge;
mod meta;
mod names;
mod network_rules;
mod new_user;
mod notifications;
mod numbers;
mod realms;
mod row;
mod schema;
mod sealed;
mod session;
mod shared_attempts;
mod spent;
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
use crate::opening::{Opening, PendingUpgrade};

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
    pending_upgrade: Option<PendingUpgrade>,
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
        Self::open_as(config, rng, Opening::Create).await
    }

    /// Does the same for a store that must exist.
    ///
    /// # Errors
    /// See [`PostgresOpenError`].
    pub async fn open_existing(
        config: &PostgresConfig,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, PostgresOpenError> {
        Self::open_as(config, rng, Opening::Upgrade).await
    }

    /// Does the same and leaves the store as it is. A schema of an earlier version is not brought up to date
    /// ([`Postgres::pending_upgrade`]): then only what all versions have in common can be used, realms and the values of
    /// [`MetaStore`](auth_core::MetaStore).
    ///
    /// # Errors
    /// See [`PostgresOpenError`].
    pub async fn open_unchanged(
        config: &PostgresConfig,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, PostgresOpenError> {
        Self::open_as(config, rng, Opening::Unchanged).await
    }

    /// Opens the database for a copy that is written to it ([`StoreCopy`](crate::StoreCopy)). An unfinished copy can be
    /// opened in this way alone.
    ///
    /// # Errors
    /// See [`PostgresOpenError`].
    pub async fn open_for_copy(
        config: &PostgresConfig,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, PostgresOpenError> {
        Self::open_as(config, rng, Opening::Copy).await
    }

    async fn open_as(
        config: &PostgresConfig,
        rng: Arc<dyn Rng>,
        opening: Opening,
    ) -> Result<Self, PostgresOpenError> {
        let target = Target::of(config)?;
        let pool = target.pool(config.connections)?;
        let found = schema::prepare(&pool, opening).await?;
        let pending_upgrade =
            if opening == Opening::Unchanged { PendingUpgrade::of(found, schema::LATEST) } else { None };
        let notifications = Notifications::start(pool.clone(), target, config.notifications);
        let log = AttemptQueue::start(pool.clone());
        Ok(Self { pool, limit: config.timeout, rng, notifications, log, is_new: found == 0, pending_upgrade })
    }

    /// Whether this opening has created the store.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The upgrade of the schema that this opening has left to the next one.
    #[must_use]
    pub fn pending_upgrade(&self) -> Option<PendingUpgrade> {
        self.pending_upgrade
    }

    /// Whether the schema was left at an earlier version than that.
    fn is_before(&self, version: usize) -> bool {
        self.pending_upgrade.is_some_and(|pending| pending.from < version)
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
