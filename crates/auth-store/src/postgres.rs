//! A store in PostgreSQL, which any number of servers share.

mod attempt_log;
mod attempts;
mod connection;
mod credentials;
mod explain;
mod external_ids;
mod failure;
mod feed;
mod import;
mod mail;
mod meta;
mod names;
mod new_user;
mod notifications;
mod realms;
mod row;
mod schema;
mod sealed;
mod session;
mod shared_attempts;
mod statement;
mod upkeep;
mod users;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Rng, StoreError, UserId};
use deadpool_postgres::Pool;

use self::attempt_log::AttemptLog;
use self::connection::Target;
use self::notifications::Notifications;

pub use self::connection::{PostgresOpenError, PostgresOptions};

/// The store: a pool of connections, and two tasks beside it. No connection keeps a state from one command to the
/// next. It is opened and used within a tokio runtime.
pub struct Postgres {
    pool: Pool,
    /// How long a command may take.
    limit: Duration,
    rng: Arc<dyn Rng>,
    notifications: Notifications,
    log: AttemptLog,
}

impl Postgres {
    /// Opens the store in a database, which must be there and may be empty. A schema of an earlier version is
    /// brought up to date; where several servers do that at once, it happens once. The random bytes spread out
    /// those who try again at once.
    ///
    /// # Errors
    /// See [`PostgresOpenError`].
    pub async fn open(options: &PostgresOptions, rng: Arc<dyn Rng>) -> Result<Self, PostgresOpenError> {
        let target = Target::of(options)?;
        let pool = target.pool(options.connections)?;
        schema::migrate(&pool).await?;
        let notifications = Notifications::start(pool.clone(), target, options.notifications);
        let log = AttemptLog::start(pool.clone());
        Ok(Self { pool, limit: options.timeout, rng, notifications, log })
    }

    /// Tells listeners and other servers of a change of a user, whether it is known to have happened or not.
    fn told<T>(&self, user: UserId, done: failure::Result<T>) -> Result<T, StoreError> {
        self.notifications.tell(user);
        done.map_err(StoreError::from)
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}
