//! A store in PostgreSQL, which any number of servers share.

mod attempts;
mod connect;
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
mod realms;
mod row;
mod schema;
mod sealed;
mod session;
mod statement;
mod tries;
mod upkeep;
mod users;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::Rng;
use deadpool_postgres::Pool;

use self::attempts::Log;
use self::connect::Target;
use self::feed::Feed;

pub use self::connect::{PostgresOpenError, PostgresOptions};

/// The store: a pool of connections, and two tasks beside it. No connection keeps a state from one command to the
/// next. It is opened and used within a tokio runtime.
pub struct Postgres {
    pool: Pool,
    /// How long a command may take.
    limit: Duration,
    rng: Arc<dyn Rng>,
    feed: Feed,
    log: Log,
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
        let feed = Feed::start(pool.clone(), target, options.notifications);
        let log = Log::start(pool.clone());
        Ok(Self { pool, limit: options.timeout, rng, feed, log })
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}
