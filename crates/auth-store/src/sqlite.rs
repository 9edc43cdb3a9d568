//! A store in one SQLite file.

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
mod readers;
mod realms;
mod row;
mod schema;
mod sealed;
mod shared_attempts;
mod statement;
mod upkeep;
mod users;
mod workers;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;

use auth_core::{StoreError, UserId};
use rusqlite::Connection;

use self::connection::{connect, create, enter_wal};
use self::failure::Result;
use self::readers::Readers;
use self::writer::Writer;

use crate::news::News;

pub use self::connection::OpenError;
pub use self::upkeep::BackupError;

/// The store: one thread that writes and a few that read. Dropping it finishes what is queued, and closes the
/// file cleanly.
pub struct Sqlite {
    path: PathBuf,
    readers: Readers,
    /// A reader that is asked for nothing but whether the file has changed.
    watch: Readers,
    news: News,
    // The last to go: the last connection to be closed tidies the file up.
    writer: Writer,
}

impl Sqlite {
    /// Opens the store in the file `path`, which is created, with mode 0600, where it is missing; its folder
    /// must exist. A schema of an earlier version is brought up to date.
    ///
    /// Another process may have the same file open; on one machine, since they share memory.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        create(path, false).map_err(OpenError::io)?;
        let writer = connect(path).map_err(OpenError::of)?;
        // First of all, since it writes nothing when the file is not for us.
        schema::check(&writer)?;
        enter_wal(&writer).map_err(OpenError::of)?;
        schema::migrate(&writer)?;

        let count = thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4));
        let readers = (0..count).map(|_| reader(path)).collect::<rusqlite::Result<_>>();
        let watch = reader(path).map_err(OpenError::of)?;
        Ok(Self {
            path: path.into(),
            readers: Readers::start("store-reader", readers.map_err(OpenError::of)?)
                .map_err(OpenError::io)?,
            watch: Readers::start("store-watch", vec![watch]).map_err(OpenError::io)?,
            news: News::default(),
            writer: Writer::start(writer).map_err(OpenError::io)?,
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        self.readers.read(work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        self.writer.write(work).await
    }

    /// The same for a change of a user, of which whoever listens is told before the answer is given.
    async fn change<T: Send + 'static>(
        &self,
        user: UserId,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let done = self.write(work).await;
        self.news.tell(user);
        done
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}
